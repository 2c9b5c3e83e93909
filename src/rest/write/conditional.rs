//! Conditional references in a transaction: `Patient?identifier=…` stands for the one resource that it finds, here or
//! among the entries (R4 3.1.0.11.2).

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::attempt::Placed;
use super::references::{Renames, each, rename};
use super::step::Step;
use crate::base::{Timestamp, limits};
use crate::fhir::definitions;
use crate::record::{Counting, Criterion, IndexKey, KindQuery, ResourceKey, SearchQuery};
use crate::rest::query;
use crate::rest::server::Call;
use crate::rest::{Cause, Fault, Server};
use crate::search;

impl Server {
    /// 412, naming the entry, when a criterion does not find exactly one.
    pub(super) async fn resolve_conditional(&self, steps: &mut [Placed], call: &Call<'_>) -> Result<(), Fault> {
        let references = conditional(steps);
        if references.is_empty() {
            return Ok(());
        }
        if references.len() > limits::CONDITIONAL_REFERENCES_MAX {
            let most = limits::CONDITIONAL_REFERENCES_MAX;
            let text = format!("a transaction has at most {most} different conditional references: refer by id");
            return Err(Fault::new(Cause::Unprocessable, text));
        }
        let mut renames = Renames::new();
        let mut written = Written::default();
        for (reference, at) in references {
            let key = self.meant(&reference, steps, &mut written, call).await;
            let key = key.map_err(|fault| steps[at].fault(fault))?;
            renames.insert(reference, smol_str::format_smolstr!("{key}"));
        }
        for placed in steps {
            if let Step::Put { resource, .. } = &mut placed.step {
                rename(resource, &renames);
            }
        }
        Ok(())
    }

    async fn meant(
        &self,
        reference: &str,
        steps: &[Placed],
        written: &mut Written,
        call: &Call<'_>,
    ) -> Result<ResourceKey, Fault> {
        let (kind, criteria) = reference.split_once('?').unwrap_or((reference, ""));
        let kind = definitions::resource(kind)
            .ok_or_else(|| Fault::invalid("a conditional reference names a resource type before its criteria"))?;
        let criterion = self.criterion(kind, &query::decode(criteria)?)?;
        let mut found = written.found(kind, &criterion, steps, call.now);
        let criterion = self.confined(call.caller, kind, criterion)?;
        found.extend(self.elsewhere(kind, criterion, steps).await?);
        match <[ResourceKey; 1]>::try_from(found) {
            Ok([only]) => Ok(only),
            Err(none) if none.is_empty() => {
                Err(Fault::new(Cause::NoMatch, "a conditional reference finds no resource"))
            }
            Err(_) => Err(Fault::new(Cause::MultipleMatches, "a conditional reference finds several resources")),
        }
    }

    /// Those that stand already and that the transaction leaves alone.
    async fn elsewhere(&self, kind: &str, criterion: Criterion, steps: &[Placed]) -> Result<Vec<ResourceKey>, Fault> {
        let touched: Vec<SmolStr> = steps.iter().filter_map(|placed| touched(&placed.step, kind)).collect();
        let criterion = if touched.is_empty() {
            criterion
        } else {
            Criterion::All(vec![criterion, Criterion::Not(Box::new(Criterion::Id(touched)))])
        };
        let kinds = vec![KindQuery { kind: kind.into(), criterion, order: Vec::new() }];
        let query = SearchQuery { kinds, after: None, limit: 2, count: Counting::WhenKnown };
        Ok(self.store.search(&query).await?.matches.into_iter().map(|version| version.key).collect())
    }
}

/// What the transaction itself writes, by type, with its index keys: made once for all references to the type.
#[derive(Default)]
struct Written(BTreeMap<&'static str, Vec<(ResourceKey, Vec<IndexKey>)>>);

impl Written {
    fn found(
        &mut self,
        kind: &'static str,
        criterion: &Criterion,
        steps: &[Placed],
        now: Timestamp,
    ) -> Vec<ResourceKey> {
        let written = self.0.entry(kind).or_insert_with(|| {
            let of_kind = steps.iter().filter_map(|placed| match &placed.step {
                Step::Put { key, resource, .. } if key.kind == kind => Some((key, resource)),
                _ => None,
            });
            of_kind.map(|(key, resource)| (key.clone(), search::index(resource, now))).collect()
        });
        let found = written.iter().filter(|(key, keys)| search::matches(keys, &key.id, criterion) == Some(true));
        found.map(|(key, _)| key.clone()).collect()
    }
}

/// The id of a resource of the type that is changed or deleted.
fn touched(step: &Step, kind: &str) -> Option<SmolStr> {
    match step {
        Step::Put { key, over: Some(_), .. } if key.kind == kind => Some(key.id.clone()),
        Step::Delete { over } if over.key.kind == kind => Some(over.key.id.clone()),
        _ => None,
    }
}

/// Each conditional reference once, with the first step that has it.
fn conditional(steps: &[Placed]) -> BTreeMap<SmolStr, usize> {
    let mut found = BTreeMap::new();
    for (at, resource) in steps.iter().enumerate().filter_map(|(at, placed)| Some((at, placed.step.resource()?))) {
        each(resource.object(), &mut |reference| {
            if is_conditional(reference) {
                found.entry(reference.clone()).or_insert(at);
            }
        });
    }
    found
}

/// `Type?…`: a type before the question mark, and no address.
fn is_conditional(reference: &str) -> bool {
    reference.split_once('?').is_some_and(|(kind, _)| kind.bytes().all(|byte| byte.is_ascii_alphabetic()))
}
