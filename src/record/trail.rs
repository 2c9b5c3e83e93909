//! The trail of a mapping: what is kept beside its result, for people and for the next release.

use bytes::Bytes;
use smol_str::SmolStr;

use crate::base::ids::{FeedName, MessageId};

/// What the mapping of one message leaves beside its resources.
#[derive(Clone, Default)]
pub struct Trail {
    /// The compact trace (`mapping::Trace::encode`): rule numbers and places, no values. Empty: none was taken.
    pub trace: Bytes,
    /// Codes that no table knew, each once.
    pub unmapped: Vec<UnmappedCode>,
}

/// A code that waits for a map.
#[derive(Clone, PartialEq, Eq)]
pub struct UnmappedCode {
    /// The code table of the mapping release that lacks it.
    pub table: SmolStr,
    pub code: SmolStr,
    /// Where in the message it stands: `PID-10[1].1`.
    pub place: SmolStr,
}

/// The trace of a message as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTrace {
    /// The digest of the release whose rule numbers it uses, in hexadecimal.
    pub release: SmolStr,
    pub trace: Bytes,
}

/// A code that processed messages wait for.
#[derive(Clone, PartialEq, Eq)]
pub struct WaitingCode {
    pub feed: FeedName,
    pub table: SmolStr,
    pub code: SmolStr,
    /// How many messages have it.
    pub messages: u64,
    /// The oldest of them.
    pub first: MessageId,
}
