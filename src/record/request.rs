//! A FHIR request that writes: journalled and, in the same transaction, in effect.

use smol_str::SmolStr;

use super::{Conclusion, Criterion, Reception, ResourceKey};
use crate::base::ids::MessageId;

/// A request with everything that follows from it. Unlike a message it does not wait in a lane: its sender is answered
/// with what came of it, and the versions that it follows guard it against others.
#[derive(Clone)]
pub struct Request {
    /// The journal's row. Its disposition is not looked at: only requests that have an effect are journalled.
    pub reception: Reception,
    /// Its cause is `Cause::Request`. `ResourceWrite::message` is left to the store, which numbers the request.
    pub conclusion: Conclusion,
    /// What must still hold inside the transaction.
    pub guards: Vec<Guard>,
}

/// The search of a conditional interaction, made again where nobody can come between: exactly `found` must match.
/// Requests with the same `name` go one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// What is searched, as text: type and criteria.
    pub name: SmolStr,
    pub kind: SmolStr,
    pub criterion: Criterion,
    /// None, or the one that the interaction is about.
    pub found: Option<ResourceKey>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// All of it is durable, under this number in the journal.
    Done(MessageId),
    /// Nothing was written: a resource or referral has moved on. Load again and decide again.
    Conflict,
    /// Nothing was written: this guard (counted from 0) no longer holds.
    GuardFailed(usize),
}
