//! Which resource each wish is about, and what stands there now.

use std::collections::{HashMap, HashSet};

use super::{Deed, Target, Wish};
use crate::access::{Interaction, Permission};
use crate::record::{Counting, Guard, KindQuery, ResourceKey, ResourceVersion, SearchQuery};
use crate::rest::guard::forbidden;
use crate::rest::query::encode;
use crate::rest::server::Call;
use crate::rest::{Cause, Fault, Server};
use crate::store::Load;

/// What a wish is about.
pub struct Aim {
    /// The resource; a fresh id for one that is to be made; none when there is nothing to be done it to.
    pub key: Option<ResourceKey>,
    /// The search that found it, to be made again inside the transaction.
    pub guard: Option<Guard>,
    /// Its id was made just now: nothing stands there.
    pub is_fresh: bool,
}

impl Aim {
    /// Whether criteria found a resource.
    pub fn is_found(&self) -> bool {
        self.guard.as_ref().is_some_and(|guard| guard.found.is_some())
    }
}

impl Server {
    pub(super) async fn aims(&self, wishes: &[Wish], call: &Call<'_>) -> Result<Vec<Aim>, Fault> {
        let mut aims = Vec::with_capacity(wishes.len());
        for wish in wishes {
            let aim = match self.is_open(wish, call) {
                Ok(()) => self.aim(wish, call).await,
                Err(fault) => Err(fault),
            };
            aims.push(aim.map_err(|fault| wish.placed(fault))?);
        }
        distinct(wishes, &aims)?;
        Ok(aims)
    }

    /// Whether scopes open the deed at all.
    fn is_open(&self, wish: &Wish, call: &Call<'_>) -> Result<(), Fault> {
        let is_open = |deed| call.caller.permits(wish.kind, deed) != Permission::None;
        let is_open = match wish.deed {
            Deed::Create(_) => is_open(Interaction::Create),
            // What it turns out to be is looked at when that is known.
            Deed::Update(_) => is_open(Interaction::Update) || is_open(Interaction::Create),
            Deed::Patch(_) => is_open(Interaction::Update),
            Deed::Delete => is_open(Interaction::Delete),
        };
        let is_offered = !matches!((&wish.deed, &wish.target), (Deed::Delete, Target::Criteria(_)))
            || self.setup.policy.conditional_delete;
        match (is_open, is_offered) {
            (false, _) => Err(forbidden()),
            (true, false) => Err(Fault::new(Cause::Precondition, "conditional deletes are switched off here")),
            (true, true) => Ok(()),
        }
    }

    async fn aim(&self, wish: &Wish, call: &Call<'_>) -> Result<Aim, Fault> {
        match &wish.target {
            Target::New => Ok(Aim { key: Some(self.fresh(wish)), guard: None, is_fresh: true }),
            Target::Key(key) => Ok(Aim { key: Some(key.clone()), guard: None, is_fresh: false }),
            Target::Criteria(pairs) => {
                let criterion = self.criterion(wish.kind, pairs)?;
                if selects_all(&criterion) {
                    return Err(Fault::new(Cause::Precondition, "these criteria select every resource of the type"));
                }
                let criterion = self.confined(call.caller, wish.kind, criterion)?;
                let query = encode(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
                let name = smol_str::format_smolstr!("{}?{query}", wish.kind);
                let found = self.only(wish.kind, criterion.clone()).await?;
                let key = found.clone().or_else(|| self.makes(wish));
                let guard = Guard { name, kind: wish.kind.into(), criterion, found };
                Ok(Aim { key, guard: Some(guard), is_fresh: false })
            }
        }
    }

    /// The resource that a wish makes when its criteria find none.
    fn makes(&self, wish: &Wish) -> Option<ResourceKey> {
        match &wish.deed {
            Deed::Create(_) => Some(self.fresh(wish)),
            Deed::Update(resource) => {
                Some(resource.id().map_or_else(|| self.fresh(wish), |id| ResourceKey::new(wish.kind, id)))
            }
            Deed::Patch(_) | Deed::Delete => None,
        }
    }

    fn fresh(&self, wish: &Wish) -> ResourceKey {
        ResourceKey::new(wish.kind, self.new_id())
    }

    /// The one resource that meets a criterion; 412 when there are several.
    pub(super) async fn only(
        &self,
        kind: &str,
        criterion: crate::record::Criterion,
    ) -> Result<Option<ResourceKey>, Fault> {
        let kinds = vec![KindQuery { kind: kind.into(), criterion, order: Vec::new() }];
        let query = SearchQuery { kinds, after: None, limit: 2, count: Counting::WhenKnown };
        let mut matches = self.store.search(&query).await?.matches.into_iter();
        match (matches.next(), matches.next()) {
            (_, Some(_)) => {
                Err(Fault::new(Cause::MultipleMatches, "the criteria match several resources: name one more closely"))
            }
            (found, None) => Ok(found.map(|version| version.key)),
        }
    }

    /// What stands at these keys, deletions among it. A merged resource is what it was written to be.
    pub(super) async fn standing(
        &self,
        keys: impl Iterator<Item = ResourceKey>,
    ) -> Result<HashMap<ResourceKey, ResourceVersion>, Fault> {
        let wanted = Load { resources: keys.collect(), ..Load::default() };
        match wanted.resources.iter().next() {
            None => return Ok(HashMap::new()),
            // One is a point read.
            Some(key) if wanted.resources.len() == 1 => {
                let version = self.store.read(key, None).await?;
                return Ok(version.map(|version| (version.key.clone(), version)).into_iter().collect());
            }
            Some(_) => {}
        }
        let loaded = self.store.load(&wanted).await?;
        let mut standing: HashMap<_, _> =
            loaded.resources.into_iter().map(|version| (version.key.clone(), version)).collect();
        for redirect in loaded.redirects {
            if let Some(version) = self.store.read(&redirect.from, None).await? {
                standing.insert(redirect.from, version);
            }
        }
        Ok(standing)
    }
}

/// Parameters that say how results are shown are no criteria.
fn selects_all(criterion: &crate::record::Criterion) -> bool {
    matches!(criterion, crate::record::Criterion::All(all) if all.iter().all(selects_all))
}

/// No two wishes are about the same resource (R4 3.1.0.11.2).
fn distinct(wishes: &[Wish], aims: &[Aim]) -> Result<(), Fault> {
    let (mut keys, mut names) = (HashSet::new(), HashSet::new());
    for (wish, aim) in wishes.iter().zip(aims) {
        let is_new = aim.key.as_ref().is_none_or(|key| keys.insert(key));
        let is_first = aim.guard.as_ref().is_none_or(|guard| guard.found.is_some() || names.insert(&guard.name));
        if !is_new || !is_first {
            return Err(wish.placed(Fault::invalid("two entries of a transaction are about the same resource")));
        }
    }
    Ok(())
}

impl Wish {
    /// A fault of this wish says where it stands.
    pub fn placed(&self, fault: Fault) -> Fault {
        match &self.place {
            Some(place) => fault.at(place.clone()),
            None => fault,
        }
    }
}
