//! What a resource can be found by, and what a search asks for: the R4 search parameters over the index. Pure.
//!
//! It knows no HTTP and no store: it makes index keys of resources and criteria of search strings.

use crate::base::Timestamp;
use crate::fhir::{Node, Resource};
use crate::record::{IdentifierKey, IndexKey, ResourceText};

/// The keys of a resource, sorted and without doubles. `updated_at` is its `meta.lastUpdated` to be.
pub fn index(resource: &Resource, _updated_at: Timestamp) -> Vec<IndexKey> {
    let identifiers = resource.get("identifier").into_iter().flat_map(Node::items);
    let mut keys: Vec<IndexKey> = identifiers.filter_map(|one| identifier(resource.kind(), one)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The words by which full-text search finds it.
pub fn text(_resource: &Resource) -> ResourceText {
    ResourceText::default()
}

fn identifier(kind: &str, node: &Node) -> Option<IndexKey> {
    let system = node.text(&["system"]).unwrap_or_default();
    Some(IdentifierKey { kind: kind.into(), system: system.into(), value: node.text(&["value"])?.into() }.index_key())
}
