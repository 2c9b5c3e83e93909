//! What a resource can be found by, and what a search asks for: the R4 search parameters over the index. Pure.
//!
//! Cast: a *parameter* is one of the official definitions; a *plan* says where in a resource its values stand; a *key*
//! is what the index keeps of a value; a *query* is a search string taken apart, with a criterion for every type.
//!
//! It promises that what `index` writes and what `parse` asks for go by the same encodings, and that it panics on no
//! resource and on no search string. It knows no HTTP and no store: it makes index keys of resources and criteria of
//! search strings.

pub mod compartment;
mod extraction;
mod key;
mod matching;
mod narrative;
mod parameters;
mod plan;
mod query;

pub use extraction::{index, references, values};
pub use matching::matches;
pub use narrative::text;
pub use parameters::{Parameter, ParameterType, definitions_digest, parameter, parameters};
pub use query::{Context, Handling, Include, Query, Summary, Total, parse};

#[cfg(test)]
mod tests;
