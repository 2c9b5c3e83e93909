//! What is written stays within the caller's reach: nobody moves a resource into the compartment of others.
//!
//! The criterion that confines the caller is held against the index keys of the resource to be; where it asks for other
//! resources, those of the same transaction and those that stand are looked at. Who refers to a resource is not changed
//! by writing it.

use std::pin::Pin;

use super::attempt::Placed;
use super::step::Step;
use crate::access::Interaction;
use crate::base::Timestamp;
use crate::fhir::Resource;
use crate::record::{Criterion, IndexKey, Space};
use crate::rest::server::Call;
use crate::rest::{Cause, Fault, Server};
use crate::search;

/// A resource to be: what it is found by.
struct Draft {
    keys: Vec<IndexKey>,
    id: smol_str::SmolStr,
}

impl Draft {
    fn of(resource: &Resource, now: Timestamp) -> Self {
        Self { keys: search::index(resource, now), id: resource.id().unwrap_or_default().into() }
    }

    /// The ids of resources of a type that it refers to by keys of a space (`record::reference_key`).
    fn referred(&self, space: Space, kind: &str) -> Vec<smol_str::SmolStr> {
        let values = self.keys.iter().filter_map(|key| key.0.strip_prefix(&space.0));
        let targets = values.filter_map(|value| {
            let at = value.iter().position(|byte| *byte == 0)?;
            let (id, target) = (&value[..at], &value[at + 1..]);
            (target == kind.as_bytes()).then(|| String::from_utf8_lossy(id).as_ref().into())
        });
        targets.collect()
    }
}

impl Server {
    /// 403 when what is to stand would be out of the caller's reach.
    pub(super) async fn stays_within(&self, placed: &Placed, steps: &[Placed], call: &Call<'_>) -> Result<(), Fault> {
        let Step::Put { key, resource, over } = &placed.step else { return Ok(()) };
        let is_there = over.as_ref().is_some_and(|over| !over.deleted);
        let deed = if is_there { Interaction::Update } else { Interaction::Create };
        let Some(bounds) = self.bounds(call.caller, &key.kind, deed)? else { return Ok(()) };
        if self.holds(&bounds, &Draft::of(resource, call.now), steps, call.now).await? {
            return Ok(());
        }
        Err(Fault::new(Cause::Forbidden, "the resource would be out of this client's compartment or scopes"))
    }

    fn holds<'a>(
        &'a self,
        criterion: &'a Criterion,
        draft: &'a Draft,
        steps: &'a [Placed],
        now: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Result<bool, Fault>> + Send + 'a>> {
        Box::pin(async move {
            if let Some(holds) = search::matches(&draft.keys, &draft.id, criterion) {
                return Ok(holds);
            }
            match criterion {
                Criterion::All(criteria) => {
                    for criterion in criteria {
                        if !self.holds(criterion, draft, steps, now).await? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                }
                Criterion::Any(criteria) => {
                    for criterion in criteria {
                        if self.holds(criterion, draft, steps, now).await? {
                            return Ok(true);
                        }
                    }
                    Ok(false)
                }
                Criterion::Not(criterion) => Ok(!self.holds(criterion, draft, steps, now).await?),
                Criterion::RefersTo { space, kind, criterion } => {
                    let ids = draft.referred(*space, kind);
                    self.one_holds(kind, ids, criterion, steps, now).await
                }
                Criterion::ReferredBy { .. } => Ok(true),
                Criterion::Bears(_) | Criterion::Id(_) | Criterion::Text { .. } => Ok(false),
            }
        })
    }

    /// Whether one of these resources meets the criterion: as it is to stand, or as it stands.
    async fn one_holds(
        &self,
        kind: &str,
        ids: Vec<smol_str::SmolStr>,
        criterion: &Criterion,
        steps: &[Placed],
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let written = steps.iter().filter_map(|placed| placed.step.resource());
        for resource in
            written.filter(|one| one.kind() == kind && one.id().is_some_and(|id| ids.iter().any(|i| i == id)))
        {
            if self.holds(criterion, &Draft::of(resource, now), steps, now).await? {
                return Ok(true);
            }
        }
        if ids.is_empty() {
            return Ok(false);
        }
        self.any(kind, Criterion::All(vec![Criterion::Id(ids), criterion.clone()])).await
    }
}
