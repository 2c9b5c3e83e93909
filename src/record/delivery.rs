//! A delivery: one thing owed to one endpoint, its attempts and their failures.

use bytes::Bytes;
use smol_str::SmolStr;

use crate::base::{
    Timestamp,
    ids::{DeliveryId, EndpointName},
};

/// The bytes to send, frozen when the delivery was decided, so that every attempt sends the same.
#[derive(Clone)]
pub struct Payload {
    /// `application/hl7-v2+er7` or `application/json`.
    pub content_type: SmolStr,
    pub bytes: Bytes,
}

/// A delivery as a conclusion creates it.
#[derive(Clone)]
pub struct NewDelivery {
    pub id: DeliveryId,
    pub endpoint: EndpointName,
    /// Deliveries with the same endpoint and subject are sent in the order of `sequence` (the referral, as a rule).
    pub subject: SmolStr,
    pub sequence: u32,
    /// The announced event: `referral.accepted`.
    pub event: SmolStr,
    pub payload: Payload,
    /// Not before this instant (collapsing windows); `created` when at once.
    pub due_at: Timestamp,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// Waits for its turn or its time.
    Pending,
    /// The receiver has it, and said so.
    Delivered,
    /// Given up, or refused for good: a person decides.
    Dead,
}

impl DeliveryState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Dead].into_iter().find(|state| state.as_str() == name)
    }
}

/// How sure we are that the receiver did not take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// It provably did not: try again.
    Transient,
    /// It may have: try again under the same idempotency key, bounded.
    Ambiguous,
    /// It said no: do not try again.
    Permanent,
}

impl FailureClass {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Ambiguous => "ambiguous",
            Self::Permanent => "permanent",
        }
    }
}

/// A delivery as the store gives it back.
#[derive(Clone)]
pub struct Delivery {
    pub id: DeliveryId,
    pub endpoint: EndpointName,
    pub subject: SmolStr,
    pub sequence: u32,
    pub event: SmolStr,
    pub payload: Payload,
    pub state: DeliveryState,
    pub created_at: Timestamp,
    pub due_at: Timestamp,
    /// Attempts begun so far.
    pub attempts: u32,
    /// The code of the last failure, empty when there was none.
    pub last_failure: SmolStr,
    pub concluded_at: Option<Timestamp>,
}

/// What one finished attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Receipt: what the receiver answered, without patient data (`AA`, `204`).
    Succeeded {
        receipt: SmolStr,
    },
    Failed {
        class: FailureClass,
        code: SmolStr,
        next: AfterFailure,
    },
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    RetryAt(Timestamp),
    GiveUp,
}
