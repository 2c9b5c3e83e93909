//! Compartments: which resources belong to a patient, an encounter and others, by the official definitions.

use crate::record::Criterion;

/// The resource types that have a compartment.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    ["Patient"].into_iter()
}

/// What resources of type `member` must be to lie in the compartment of `kind/id`; `None` when they never do.
pub fn criterion(kind: &str, id: &str, member: &str) -> Option<Criterion> {
    (kind == member).then(|| Criterion::Id(vec![id.into()]))
}
