//! What a client that is bound to an organisation may write: only what it then sees, pointing only at what it sees or
//! makes, and requested by itself. Without these rules it could draw foreign patients into its sight by naming them.
//!
//! It judges a whole request: resources made together may refer to one another. It looks at index keys, which say
//! exactly what the criteria of sight go by.

use std::future::Future;
use std::pin::Pin;

use smol_str::SmolStr;

use super::Caller;
use super::compartment::{Compartment, OWNED, SEEN, Set, Way, refers};
use crate::record::index::reference_key;
use crate::record::{Counting, Criterion, IndexKey, KindQuery, ResourceKey, SearchQuery, Space};
use crate::store::{SearchStore, StoreError};

/// A resource of the request, as it is to be stored.
#[derive(Clone, Debug)]
pub struct Write {
    pub key: ResourceKey,
    /// Of the version it follows; none for a new resource.
    pub before: Option<Vec<IndexKey>>,
    /// What `search::index` gives of it.
    pub after: Vec<IndexKey>,
}

/// Why a write is refused: 403 with an OperationOutcome of code `forbidden`. `Display` names rules, no values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a client of an organisation may not write resources of this type")]
    Kind,
    #[error("the element that is searched by `{code}` must name the organisation of the client, or somebody of it")]
    NotOwn { code: &'static str },
    #[error("the element that is searched by `{code}` says whose the resource is: it cannot be changed")]
    OwnerChanged { code: &'static str },
    #[error(
        "the reference that is searched by `{code}` is to a resource that the client does not see: refer to one that it \
         sees, or that the same request makes"
    )]
    Unseen { code: &'static str },
    #[error(
        "the client does not see the resource, or would not once it is written: refer to its organisation, or to a referral of it, made before or \
         in the same request"
    )]
    OutOfSight,
}

/// The first write of a request that the caller may not make, and why; none when it may make them all. Asks the store
/// nothing for a client that is bound to no organisation.
pub async fn judge(
    store: &dyn SearchStore,
    caller: &Caller,
    writes: &[Write],
) -> Result<Option<(usize, Refusal)>, StoreError> {
    let Some(compartment) = caller.compartment() else { return Ok(None) };
    let judge = Judge { store, compartment, writes };
    for (at, write) in writes.iter().enumerate() {
        if let Some(refusal) = judge.refusal(write).await? {
            return Ok(Some((at, refusal)));
        }
    }
    Ok(None)
}

struct Judge<'a> {
    store: &'a dyn SearchStore,
    compartment: &'a Compartment,
    writes: &'a [Write],
}

type Judged<'a> = Pin<Box<dyn Future<Output = Result<bool, StoreError>> + Send + 'a>>;

impl<'a> Judge<'a> {
    async fn refusal(&self, write: &Write) -> Result<Option<Refusal>, StoreError> {
        let Some(set) = SEEN.iter().find(|set| set.kind == write.key.kind) else { return Ok(Some(Refusal::Kind)) };
        if write.before.is_some() && !self.stored_in_sight(&write.key).await? {
            return Ok(Some(Refusal::OutOfSight));
        }
        for (_, code, own) in OWNED.iter().filter(|(kind, ..)| *kind == write.key.kind) {
            if let Some(refusal) = self.owner(write, code, own).await? {
                return Ok(Some(refusal));
            }
        }
        for code in granting(set.kind) {
            for target in write.added(code) {
                if !self.sees(&target).await? {
                    return Ok(Some(Refusal::Unseen { code }));
                }
            }
        }
        Ok((!self.belongs(set, write).await?).then_some(Refusal::OutOfSight))
    }

    /// A new Task or ServiceRequest is requested by the organisation; a Patient or document that names one names it.
    async fn owner(&self, write: &Write, code: &'static str, own: &'static Set) -> Result<Option<Refusal>, StoreError> {
        let space = Space::of(&write.key.kind, code);
        if let Some(before) = &write.before {
            let same = references(before, space).eq(references(&write.after, space));
            return Ok((!same).then_some(Refusal::OwnerChanged { code }));
        }
        let nobody = references(&write.after, space).next().is_none();
        let may_be_nobody = code != "requester";
        let fits = (nobody && may_be_nobody) || self.belongs(own, write).await?;
        Ok((!fits).then_some(Refusal::NotOwn { code }))
    }

    /// Whether the caller sees what a reference is to, or makes it.
    async fn sees(&self, target: &ResourceKey) -> Result<bool, StoreError> {
        if self.written(target).is_some_and(|made| made.before.is_none()) {
            return Ok(true);
        }
        self.stored_in_sight(target).await
    }

    async fn stored_in_sight(&self, key: &ResourceKey) -> Result<bool, StoreError> {
        match self.compartment.seen(&key.kind) {
            Some(seen) => self.holds(&key.kind, Criterion::All(vec![id(&key.id), seen])).await,
            None => Ok(true),
        }
    }

    /// Whether a resource as it is written belongs to a set, by what the request makes or the store has.
    fn belongs<'b>(&'b self, set: &'static Set, write: &'b Write) -> Judged<'b> {
        Box::pin(async move {
            for way in set.ways {
                if self.leads(*way, write).await? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    async fn leads(&self, way: Way, write: &Write) -> Result<bool, StoreError> {
        match way {
            Way::Own(code) => Ok(write.refers_to(code, &self.compartment.organization)),
            Way::In(set) => self.belongs(set, write).await,
            Way::To(code, set) => {
                let space = Space::of(&write.key.kind, code);
                for target in references(&write.after, space).filter(|target| target.kind == set.kind) {
                    if self.is_in(set, &target).await? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Way::From(set, code) => {
                for other in self.writes.iter().filter(|other| other.key.kind == set.kind) {
                    if other.refers_to(code, &write.key) && self.belongs(set, other).await? {
                        return Ok(true);
                    }
                }
                let stored = Criterion::All(vec![refers(set.kind, code, &write.key), self.criterion(set)]);
                self.holds(set.kind, stored).await
            }
        }
    }

    async fn is_in(&self, set: &'static Set, target: &ResourceKey) -> Result<bool, StoreError> {
        match self.written(target) {
            Some(made) => self.belongs(set, made).await,
            None => self.holds(set.kind, Criterion::All(vec![id(&target.id), self.criterion(set)])).await,
        }
    }

    fn written(&self, key: &ResourceKey) -> Option<&'a Write> {
        self.writes.iter().find(|write| write.key == *key)
    }

    fn criterion(&self, set: &Set) -> Criterion {
        set.criterion(&self.compartment.organization)
    }

    /// Whether the store has such a resource.
    async fn holds(&self, kind: &str, criterion: Criterion) -> Result<bool, StoreError> {
        let kinds = vec![KindQuery { kind: kind.into(), criterion, order: Vec::new() }];
        let query = SearchQuery { kinds, after: None, limit: 1, count: Counting::WhenKnown };
        Ok(!self.store.search(&query).await?.matches.is_empty())
    }
}

fn id(id: &SmolStr) -> Criterion {
    Criterion::Id(vec![id.clone()])
}

impl Write {
    fn refers_to(&self, code: &str, target: &ResourceKey) -> bool {
        self.after.contains(&reference_key(Space::of(&self.key.kind, code), target))
    }

    /// What it refers to by a parameter, and did not before.
    fn added(&self, code: &str) -> impl Iterator<Item = ResourceKey> {
        let space = Space::of(&self.key.kind, code);
        let before: Vec<_> = self.before.iter().flat_map(|keys| references(keys, space)).collect();
        references(&self.after, space).filter(move |target| !before.contains(target))
    }
}

/// The resources that keys of a space name.
fn references(keys: &[IndexKey], space: Space) -> impl Iterator<Item = ResourceKey> {
    keys.iter().filter_map(move |key| {
        let value = std::str::from_utf8(key.0.strip_prefix(&space.0)?).ok()?;
        let (id, kind) = value.split_once('\0')?;
        (!kind.is_empty()).then(|| ResourceKey::new(kind, id))
    })
}

/// The parameters of a type by which a resource of it comes into sight, or brings others into sight.
fn granting(kind: &str) -> Vec<&'static str> {
    let mut codes = Vec::new();
    SEEN.iter().for_each(|set| collect(set, kind, &mut codes));
    codes
}

fn collect(set: &Set, kind: &str, codes: &mut Vec<&'static str>) {
    for way in set.ways {
        let (owner, code, inner) = match way {
            Way::Own(code) => (set.kind, Some(code), None),
            Way::To(code, inner) => (set.kind, Some(code), Some(inner)),
            Way::From(inner, code) => (inner.kind, Some(code), Some(inner)),
            Way::In(inner) => (set.kind, None, Some(inner)),
        };
        if let Some(code) = code.filter(|code| owner == kind && !codes.contains(*code)) {
            codes.push(code);
        }
        inner.iter().for_each(|inner| collect(inner, kind, codes));
    }
}
