//! The files of an export: where each begins and ends, and what is in it. Read in pages, so that no export holds more
//! memory than one file.

use std::collections::HashSet;

use smol_str::SmolStr;

use super::plan::{FilePlan, Plan, Scope};
use crate::base::limits;
use crate::fhir::{Node, Resource};
use crate::record::{ExportJob, ResourceKey, ResourceVersion, SnapshotQuery, VersionNumber};
use crate::search::compartment;
use crate::store::{Store, StoreError};

/// The content of one export.
pub struct Files<'s> {
    store: &'s dyn Store,
    as_of: VersionNumber,
    plan: &'s Plan,
    /// The members of the group.
    members: HashSet<SmolStr>,
}

/// Finds the files type by type and keeps what is found, so that it goes on from there.
pub async fn lay_out(store: &dyn Store, mut job: ExportJob, mut plan: Plan) -> Result<(), StoreError> {
    while let Some(kind) = plan.kinds.get(plan.progress.kinds_done).cloned() {
        let found = Files::of(store, &job, &plan).await?.find(&kind).await?;
        plan.progress.files.extend(found);
        plan.progress.kinds_done += 1;
        plan.progress.is_done = plan.progress.kinds_done == plan.kinds.len();
        job.plan = plan.to_json();
        // One that was ended meanwhile is not made anew.
        if store.export(&job.id).await?.is_none() {
            return Ok(());
        }
        store.keep_export(&job).await?;
    }
    Ok(())
}

impl<'s> Files<'s> {
    pub async fn of(store: &'s dyn Store, job: &ExportJob, plan: &'s Plan) -> Result<Self, StoreError> {
        let members = match &plan.scope {
            Scope::Group(id) => members(store, id).await?,
            Scope::System | Scope::Patients => HashSet::new(),
        };
        Ok(Self { store, as_of: job.as_of, plan, members })
    }

    /// The files of one type.
    async fn find(&self, kind: &str) -> Result<Vec<FilePlan>, StoreError> {
        let mut files: Vec<FilePlan> = Vec::new();
        let mut open: Option<FilePlan> = None;
        let mut after = None;
        loop {
            let page = self.page(kind, after).await?;
            let Some(last) = page.last().map(|version| version.number) else { break };
            for version in page.iter().filter(|version| self.holds(version)) {
                let before = after.map(|number: VersionNumber| number.0);
                let file =
                    open.get_or_insert_with(|| FilePlan { kind: kind.into(), after: before, through: 0, count: 0 });
                (file.through, file.count) = (version.number.0, file.count + 1);
                if file.count >= limits::EXPORT_FILE_RESOURCES {
                    files.extend(open.take());
                    after = Some(version.number);
                }
            }
            after = Some(last);
        }
        files.extend(open);
        Ok(files)
    }

    /// The lines of one file.
    pub async fn read(&self, file: &FilePlan) -> Result<Vec<u8>, StoreError> {
        let mut lines = Vec::new();
        let mut after = file.after.map(VersionNumber);
        loop {
            let page = self.page(&file.kind, after).await?;
            let Some(last) = page.last().map(|version| version.number) else { break };
            let inside = page.iter().take_while(|version| version.number.0 <= file.through);
            for version in inside.filter(|version| self.holds(version)) {
                lines.extend_from_slice(&version.content);
                lines.push(b'\n');
            }
            if last.0 >= file.through {
                break;
            }
            after = Some(last);
        }
        Ok(lines)
    }

    async fn page(&self, kind: &str, after: Option<VersionNumber>) -> Result<Vec<ResourceVersion>, StoreError> {
        let query = SnapshotQuery {
            kind: kind.into(),
            as_of: self.as_of,
            since: self.plan.since(),
            after,
            limit: limits::EXPORT_PAGE_RESOURCES,
        };
        self.store.snapshot(&query).await
    }

    fn holds(&self, version: &ResourceVersion) -> bool {
        match &self.plan.scope {
            Scope::System => true,
            Scope::Patients => version.key.kind == "Patient" || owners(version).next().is_some(),
            Scope::Group(_) if version.key.kind == "Patient" => self.members.contains(&version.key.id),
            Scope::Group(_) => owners(version).any(|patient| self.members.contains(&patient)),
        }
    }
}

/// The patients in whose compartments it lies.
fn owners(version: &ResourceVersion) -> impl Iterator<Item = SmolStr> + use<> {
    let resource = Resource::parse(&version.content).ok();
    let owners = resource.map(|resource| compartment::owners("Patient", &resource)).unwrap_or_default();
    owners.into_iter().map(|key| key.id)
}

/// The patients that the group lists now; one that is gone has none.
async fn members(store: &dyn Store, id: &str) -> Result<HashSet<SmolStr>, StoreError> {
    let Some(version) = store.read(&ResourceKey::new("Group", id), None).await? else { return Ok(HashSet::new()) };
    let Ok(group) = Resource::parse(&version.content) else { return Ok(HashSet::new()) };
    let entries = group.get("member").into_iter().flat_map(Node::items);
    let active = entries.filter(|entry| entry.get("inactive") != Some(&Node::Bool(true)));
    let keys = active.filter_map(|entry| ResourceKey::from_reference(entry.text(&["entity", "reference"])?));
    Ok(keys.filter(|key| key.kind == "Patient").map(|key| key.id).collect())
}
