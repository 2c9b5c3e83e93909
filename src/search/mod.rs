//! What a resource can be found by, and what a search asks for: the R4 search parameters over the index. Pure.
//!
//! Cast: a *parameter* is one of the official definitions; a *plan* says where in a resource its values stand; a *key*
//! is what the index keeps of a value; a *query* is a search string taken apart, with a criterion for every type.
//!
//! It promises that what `index` writes and what `parse` asks for go by the same encodings, and that it panics on no
//! resource and on no search string. It knows no HTTP and no store: it makes index keys of resources and criteria of
//! search strings.

pub mod compartment;
mod matching;
mod narrative;
mod parameters;
mod query;

pub use matching::matches;
pub use narrative::text;
pub use parameters::{Parameter, ParameterType, definitions_digest, parameter, parameters};
pub use query::{Context, Handling, Include, Query, Summary, Total, parse};

use crate::base::Timestamp;
use crate::fhir::{Node, Resource};
use crate::record::{IdentifierKey, IndexKey, ResourceKey};

/// The keys of a resource, sorted and without doubles. `updated_at` is its `meta.lastUpdated` to be.
pub fn index(resource: &Resource, _updated_at: Timestamp) -> Vec<IndexKey> {
    let identifiers = resource.get("identifier").into_iter().flat_map(Node::items);
    let mut keys: Vec<IndexKey> = identifiers.filter_map(|one| identifier(resource.kind(), one)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn identifier(kind: &str, node: &Node) -> Option<IndexKey> {
    let system = node.text(&["system"]).unwrap_or_default();
    Some(IdentifierKey { kind: kind.into(), system: system.into(), value: node.text(&["value"])?.into() }.index_key())
}

/// What a resource refers to by a reference parameter, in order: for `_include`. `*` stands for all of its parameters.
pub fn references(_resource: &Resource, _parameter: &str) -> Vec<ResourceKey> {
    Vec::new()
}
