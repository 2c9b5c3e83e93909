//! What is written stays within what scopes are restricted to (`system/Observation.cu?category=laboratory`).
//!
//! The restriction is held against the index keys of the resource to be. What cannot be told from them alone is refused:
//! a right that cannot be checked is none.

use super::attempt::Placed;
use super::step::Step;
use crate::access::Interaction;
use crate::rest::server::Call;
use crate::rest::{Cause, Fault, Server};
use crate::search;

impl Server {
    /// 403 when what is to stand would be out of the scopes' reach.
    pub(super) fn stays_within(&self, placed: &Placed, call: &Call<'_>) -> Result<(), Fault> {
        let Step::Put { key, resource, over } = &placed.step else { return Ok(()) };
        let is_there = over.as_ref().is_some_and(|over| !over.deleted);
        let deed = if is_there { Interaction::Update } else { Interaction::Create };
        let Some(restrictions) = self.restrictions(call.caller, &key.kind, deed)? else { return Ok(()) };
        match search::matches(&search::index(resource, call.now), &key.id, &restrictions) {
            Some(true) => Ok(()),
            _ => Err(Fault::new(Cause::Forbidden, "the resource would be outside of what this client's scopes open")),
        }
    }
}
