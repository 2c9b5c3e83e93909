//! Compartments: which resources belong to a patient, an encounter and others, by the official definitions.

use crate::fhir::Resource;
use crate::record::{Criterion, ResourceKey};

/// The resource types that have a compartment.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    ["Patient"].into_iter()
}

/// What resources of type `member` must be to lie in the compartment of `kind/id`; `None` when they never do.
pub fn criterion(kind: &str, id: &str, member: &str) -> Option<Criterion> {
    (kind == member).then(|| Criterion::Id(vec![id.into()]))
}

/// Whose compartments of type `kind` a resource lies in.
pub fn owners(kind: &str, resource: &Resource) -> Vec<ResourceKey> {
    let own = resource.id().filter(|_| resource.kind() == kind).map(|id| ResourceKey::new(kind, id));
    own.into_iter().collect()
}
