//! What is written stays within the caller's reach: its compartment (`access::judge`), and what its scopes are
//! restricted to (`system/Observation.cu?category=laboratory`).
//!
//! A restriction is held against the index keys of the resource to be. What cannot be told from them alone is refused: a
//! right that cannot be checked is none.

use super::attempt::Placed;
use super::step::Step;
use crate::access::{self, Interaction as Deed, Write};
use crate::record::{Criterion, ResourceKey};
use crate::rest::server::Call;
use crate::rest::{Cause, Fault, Server, form};
use crate::search;

impl Server {
    /// What stands must be within reach (404), and what is to stand as well (403).
    pub(super) async fn may_write(&self, steps: &[Placed], call: &Call<'_>) -> Result<(), Fault> {
        for placed in steps {
            let may = match &placed.step {
                Step::Put { key, over: Some(over), .. } if !over.deleted => {
                    self.reaches(call.caller, key, Deed::Update).await
                }
                Step::Delete { over } => self.may_delete(&over.key, call).await,
                Step::Put { .. } | Step::Keep(_) | Step::Nothing => Ok(()),
            };
            may.and_then(|()| self.stays_within(placed, call)).map_err(|fault| placed.fault(fault))?;
        }
        self.stays_in_compartment(steps, call).await
    }

    /// A client deletes what is its own, not what it only sees.
    async fn may_delete(&self, key: &ResourceKey, call: &Call<'_>) -> Result<(), Fault> {
        self.reaches(call.caller, key, Deed::Delete).await?;
        let Some(deletable) = call.caller.deletable(&key.kind) else { return Ok(()) };
        let own = Criterion::All(vec![Criterion::Id(vec![key.id.clone()]), deletable]);
        if self.any(&key.kind, own).await? {
            return Ok(());
        }
        Err(Fault::new(Cause::Forbidden, "the resource is shared with this client, and not its own to delete"))
    }

    fn stays_within(&self, placed: &Placed, call: &Call<'_>) -> Result<(), Fault> {
        let Step::Put { key, resource, over } = &placed.step else { return Ok(()) };
        // It leads messages and referrals of one patient to another for ever.
        if call.caller.organization().is_some() && crate::engine::identity::replaced_by(resource).is_some() {
            let text = "merging patients is not for clients that are bound to an organisation";
            return Err(Fault::new(Cause::Forbidden, text));
        }
        let is_there = over.as_ref().is_some_and(|over| !over.deleted);
        let deed = if is_there { Deed::Update } else { Deed::Create };
        let Some(restrictions) = self.restrictions(call.caller, &key.kind, deed)? else { return Ok(()) };
        match search::matches(&search::index(resource, call.now), &key.id, &restrictions) {
            Some(true) => Ok(()),
            _ => Err(Fault::new(Cause::Forbidden, "the resource would be outside of what this client's scopes open")),
        }
    }

    /// A client that is bound to an organisation writes what it then sees, as a whole request.
    async fn stays_in_compartment(&self, steps: &[Placed], call: &Call<'_>) -> Result<(), Fault> {
        if call.caller.organization().is_none() {
            return Ok(());
        }
        let (mut writes, mut placed) = (Vec::new(), Vec::new());
        for step in steps {
            if let Some(write) = write(&step.step, call)? {
                writes.push(write);
                placed.push(step);
            }
        }
        match access::judge(self.store.as_ref(), call.caller, &writes).await? {
            None => Ok(()),
            Some((at, refusal)) => Err(placed[at].fault(Fault::new(Cause::Forbidden, refusal.to_string()))),
        }
    }
}

fn write(step: &Step, call: &Call<'_>) -> Result<Option<Write>, Fault> {
    let Step::Put { key, resource, over } = step else { return Ok(None) };
    let before = over.as_ref().filter(|over| !over.deleted);
    let before = before.map(|over| Ok::<_, Fault>(search::index(&form::parsed(&over.content)?, over.updated_at)));
    let before = before.transpose()?;
    Ok(Some(Write { key: key.clone(), before, after: search::index(resource, call.now) }))
}
