//! Referential integrity, where the site wants it: nothing refers to what is not there, nothing is deleted that is still
//! referred to (R4 http 3.1.0.7.1 leaves it to the server).

use std::collections::{HashMap, HashSet};

use smol_str::SmolStr;

use super::attempt::Placed;
use super::references::each;
use super::step::Step;
use crate::base::{Issue, IssueCode};
use crate::fhir::{Resource, definitions};
use crate::record::index::reference_key;
use crate::record::{Counting, Criterion, IndexKey, KindQuery, Range, ResourceKey, Scan, SearchQuery, Space};
use crate::rest::{Cause, Fault, Server};
use crate::search::{self, ParameterType};

impl Server {
    /// Every literal reference to a resource of ours leads to one that stands, or will when all is written.
    pub(super) async fn leads_somewhere(&self, steps: &[Placed]) -> Result<(), Fault> {
        let (written, deleted) = touched(steps);
        let mut asked: HashMap<ResourceKey, usize> = HashMap::new();
        for (at, resource) in steps.iter().enumerate().filter_map(|(at, placed)| Some((at, placed.step.resource()?))) {
            for key in self.targets(resource).into_iter().filter(|key| !written.contains(key)) {
                asked.entry(key).or_insert(at);
            }
        }
        let standing = self.standing(asked.keys().cloned()).await?;
        let is_there = |key: &ResourceKey| standing.get(key).is_some_and(|one| !one.deleted) && !deleted.contains(key);
        match asked.iter().filter(|(key, _)| !is_there(key)).map(|(_, at)| *at).min() {
            None => Ok(()),
            Some(at) => {
                let text = "a reference leads to no resource of this server: write what it refers to first, or with it";
                let issue = Issue::error(IssueCode::Reference, text);
                Err(steps[at].fault(Fault::of_issues(Cause::Unprocessable, vec![issue])))
            }
        }
    }

    /// No resource that stays refers to what is deleted.
    pub(super) async fn is_not_needed(&self, steps: &[Placed]) -> Result<(), Fault> {
        let (written, deleted) = touched(steps);
        let put = steps.iter().filter_map(|placed| placed.step.resource());
        let wanted: HashSet<ResourceKey> = put.flat_map(|resource| self.targets(resource)).collect();
        for placed in steps {
            let Step::Delete { over } = &placed.step else { continue };
            let stays = |key: &ResourceKey| !written.contains(key) && !deleted.contains(key);
            let limit = u32::try_from(written.len() + deleted.len() + 1).unwrap_or(u32::MAX);
            if wanted.contains(&over.key) || self.referrers(&over.key, limit).await?.iter().any(stays) {
                let text = "other resources refer to this one: delete or change them first, or in the same transaction";
                return Err(placed.fault(Fault::new(Cause::Conflict, text)));
            }
        }
        Ok(())
    }

    /// Who refers to a resource, by any of their reference parameters.
    async fn referrers(&self, target: &ResourceKey, limit: u32) -> Result<Vec<ResourceKey>, Fault> {
        let kinds = definitions::resources().filter_map(|kind| referring(kind, target)).collect();
        let query = SearchQuery { kinds, after: None, limit, count: Counting::WhenKnown };
        Ok(self.store.search(&query).await?.matches.into_iter().map(|version| version.key).collect())
    }

    /// The resources of ours that a resource refers to.
    fn targets(&self, resource: &Resource) -> HashSet<ResourceKey> {
        let mut targets = HashSet::new();
        each(resource.object(), &mut |reference: &SmolStr| targets.extend(self.ours(reference)));
        targets
    }

    /// The key of a literal reference to a resource of this server, relative or absolute, of a version or not.
    fn ours(&self, reference: &str) -> Option<ResourceKey> {
        let own = reference.strip_prefix(&self.setup.base_url).and_then(|rest| rest.strip_prefix('/'));
        let reference = own.unwrap_or(reference);
        let reference = reference.split_once("/_history/").map_or(reference, |(key, _)| key);
        ResourceKey::from_reference(reference).filter(|key| definitions::is_resource(&key.kind))
    }
}

fn referring(kind: &'static str, target: &ResourceKey) -> Option<KindQuery> {
    let parameters = search::parameters(kind).filter(|parameter| parameter.kind == ParameterType::Reference);
    let keys = parameters.map(|parameter| reference_key(Space::of(kind, parameter.code), target));
    let scans: Vec<Scan> = keys.map(exactly).collect();
    let criterion = Criterion::Bears(scans.clone());
    (!scans.is_empty()).then(|| KindQuery { kind: kind.into(), criterion, order: Vec::new() })
}

const fn exactly(key: IndexKey) -> Scan {
    Scan { range: Range::Exactly(key), tests: Vec::new() }
}

/// What the steps write, and what they delete.
fn touched(steps: &[Placed]) -> (HashSet<ResourceKey>, HashSet<ResourceKey>) {
    let (mut written, mut deleted) = (HashSet::new(), HashSet::new());
    for placed in steps {
        match &placed.step {
            Step::Put { key, .. } => written.insert(key.clone()),
            Step::Delete { over } => deleted.insert(over.key.clone()),
            Step::Keep(version) => written.insert(version.key.clone()),
            Step::Nothing => false,
        };
    }
    (written, deleted)
}
