//! What is to be done about a wish, judged by the version that stands there (R4 http 3.1.0.4 to 3.1.0.8).

use super::aim::Aim;
use super::{Deed, Target, Wish};
use crate::fhir::Resource;
use crate::record::{ResourceKey, ResourceVersion};
use crate::rest::conditions::NoneMatch;
use crate::rest::form;
use crate::rest::interaction::is_id;
use crate::rest::server::Policy;
use crate::rest::{Cause, Fault};

/// What a wish comes to.
pub enum Step {
    Put {
        key: ResourceKey,
        resource: Resource,
        over: Option<ResourceVersion>,
    },
    Delete {
        over: ResourceVersion,
    },
    /// A conditional create found what it would have made.
    Keep(ResourceVersion),
    /// There was nothing to delete.
    Nothing,
}

impl Step {
    /// In the order of a transaction: deletes, creates, updates (R4 3.1.0.11.2).
    pub const fn rank(&self) -> u8 {
        match self {
            Self::Delete { .. } => 0,
            Self::Put { over: None, .. } => 1,
            _ => 2,
        }
    }

    pub const fn resource(&self) -> Option<&Resource> {
        match self {
            Self::Put { resource, .. } => Some(resource),
            _ => None,
        }
    }
}

/// `standing` is what is at the aim's key now, a deletion perhaps.
pub fn judge(wish: Wish, aim: &Aim, standing: Option<ResourceVersion>, policy: Policy) -> Result<Step, Fault> {
    let live = standing.as_ref().filter(|version| !version.deleted);
    conditions_hold(&wish, live)?;
    match wish.deed {
        Deed::Create(resource) => create(resource, aim, standing),
        Deed::Update(resource) => update(resource, &wish.target, aim, standing, policy),
        Deed::Patch(patch) => {
            let over = standing.ok_or_else(Fault::not_found)?;
            if over.deleted {
                return Err(Fault::gone());
            }
            let resource = patch.apply(&form::parsed(&over.content)?)?;
            Ok(Step::Put { key: over.key.clone(), resource, over: Some(over) })
        }
        Deed::Delete => Ok(match standing {
            Some(over) if !over.deleted => Step::Delete { over },
            _ => Step::Nothing,
        }),
    }
}

/// `If-Match` names the version that must stand; `If-None-Match: *` asks that none does.
fn conditions_hold(wish: &Wish, live: Option<&ResourceVersion>) -> Result<(), Fault> {
    if let Some(version) = wish.conditions.if_match
        && live.map(|live| live.version) != Some(version)
    {
        return Err(Fault::new(
            Cause::Precondition,
            "If-Match names a version that is not the current one: read it again",
        ));
    }
    if live.is_some() && wish.conditions.if_none_match == Some(NoneMatch::Anything) {
        return Err(Fault::new(Cause::Precondition, "If-None-Match is *, and the resource is there"));
    }
    Ok(())
}

fn create(mut resource: Resource, aim: &Aim, standing: Option<ResourceVersion>) -> Result<Step, Fault> {
    if aim.is_found() {
        return standing.map(Step::Keep).ok_or_else(Fault::not_found);
    }
    let key = aim.key.clone().ok_or_else(Fault::not_found)?;
    resource.set_id(key.id.clone());
    Ok(Step::Put { key, resource, over: standing })
}

fn update(
    mut resource: Resource,
    target: &Target,
    aim: &Aim,
    standing: Option<ResourceVersion>,
    policy: Policy,
) -> Result<Step, Fault> {
    let key = aim.key.clone().ok_or_else(Fault::not_found)?;
    match (target, resource.id()) {
        (Target::Key(_), None) => return Err(Fault::invalid("the resource needs the id that the URL names")),
        (Target::Key(_), Some(id)) if id != key.id => {
            return Err(Fault::invalid("the id in the resource is not the one that the URL names"));
        }
        (Target::Criteria(_), Some(id)) if aim.is_found() && id != key.id => {
            return Err(Fault::invalid("the id in the resource is not that of the one that the criteria find"));
        }
        (Target::Criteria(_), Some(id)) if !aim.is_found() => by_own_id(id, standing.as_ref(), policy)?,
        (Target::Key(_), Some(_)) if standing.is_none() && !policy.creates_by_update => {
            return Err(Fault::new(Cause::Method, "ids are given by this server: POST the resource to make it"));
        }
        _ => {}
    }
    resource.set_id(key.id.clone());
    Ok(Step::Put { key, resource, over: standing })
}

/// Criteria found nothing and the client names an id: it makes that resource, when it may and when it is free.
fn by_own_id(id: &str, standing: Option<&ResourceVersion>, policy: Policy) -> Result<(), Fault> {
    if !is_id(id) {
        return Err(Fault::invalid("a logical id has 1 to 64 letters, digits, `-` and `.`"));
    }
    if !policy.creates_by_update {
        return Err(Fault::invalid("ids are given by this server: leave the id out"));
    }
    if standing.is_some_and(|version| !version.deleted) {
        return Err(Fault::new(Cause::Conflict, "the id belongs to a resource that the criteria do not find"));
    }
    Ok(())
}
