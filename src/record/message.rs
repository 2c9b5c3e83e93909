//! A received message: what is written before it is acknowledged, and what can become of it afterwards.

use bytes::Bytes;
use smol_str::SmolStr;

use super::Lanes;
use crate::base::{
    Digest, Issue, Timestamp,
    ids::{FeedName, MessageId},
};

/// What a feed does with a control id that comes again with other content (STANDARDS "Duplicates").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ReusePolicy {
    /// Process it as a new message and flag it.
    #[default]
    Flag,
    /// Keep the bytes, refuse the message with 205.
    Refuse,
}

/// Whether intake lets the message in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// To be processed, in the order of these lanes.
    Accepted(Lanes),
    /// Kept for people to look at, never processed.
    Refused(Vec<Issue>),
}

/// A message as intake wants it admitted: everything here is durable before the sender hears "accepted" (P1).
#[derive(Clone)]
pub struct Reception {
    pub feed: FeedName,
    /// MSH-3 and MSH-4 as one text, `application|facility`: with feed and control id the key for duplicates.
    pub sender: SmolStr,
    /// MSH-10; empty when the message has none (then it is never a duplicate).
    pub control_id: SmolStr,
    /// MSH-9.1 and 9.2: `ADT^A08`; empty when unreadable.
    pub message_type: SmolStr,
    /// Exactly the bytes of the frame.
    pub bytes: Bytes,
    /// MSH-18 as it stands, and what the bytes turned out to be.
    pub charset_declared: SmolStr,
    pub charset_detected: SmolStr,
    /// Digest of the bytes without MSH-7, which senders renew on a resend.
    pub content_digest: Digest,
    pub received_at: Timestamp,
    pub reuse_policy: ReusePolicy,
    pub disposition: Disposition,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageOutcome {
    /// Admitted, not yet concluded.
    Pending,
    /// Its effects are written.
    Processed,
    /// It waits at the head of its lane for a person.
    Parked,
    /// Kept, but this release has no map for its type: set aside without holding its lane.
    NoMapping,
    /// A person said: go on without it.
    Released,
    /// A person set it aside, to be run again later.
    Diverted,
    /// Never let in; the bytes are kept.
    Refused,
}

impl MessageOutcome {
    pub const ALL: [Self; 7] =
        [Self::Pending, Self::Processed, Self::Parked, Self::NoMapping, Self::Released, Self::Diverted, Self::Refused];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processed => "processed",
            Self::Parked => "parked",
            Self::NoMapping => "no-mapping",
            Self::Released => "released",
            Self::Diverted => "diverted",
            Self::Refused => "refused",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// A message as the store gives it back.
#[derive(Clone)]
pub struct StoredMessage {
    pub id: MessageId,
    pub feed: FeedName,
    pub sender: SmolStr,
    pub control_id: SmolStr,
    pub message_type: SmolStr,
    pub bytes: Bytes,
    pub charset_declared: SmolStr,
    pub charset_detected: SmolStr,
    pub received_at: Timestamp,
    pub outcome: MessageOutcome,
    pub concluded_at: Option<Timestamp>,
    /// Issues found at intake and when concluding, or the reason for parking: JSON text `[{severity,code,at,text}]`.
    pub issues: SmolStr,
    /// The digest of the mapping release that made its resources, in hexadecimal; empty while pending.
    pub release: SmolStr,
    /// Whether its control id had been used before with other content.
    pub control_id_reused: bool,
    /// How often processing was begun for it and cut off or failed; see `engine::process`.
    pub tries: u32,
}
