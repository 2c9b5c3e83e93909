//! A conclusion: everything that follows from one cause, written in one transaction or not at all (P6).

use bytes::Bytes;
use smol_str::SmolStr;

use super::{MessageOutcome, NewDelivery, Redirect, ResourceKey, ResourceWrite, Trail};
use crate::base::{
    Issue, Timestamp,
    ids::{MessageId, ReferralId},
};

/// Why something happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    Message(MessageId),
    /// This timer ran out; its `due_at` tells a restarted timer from the old one.
    Timer(Timer),
    /// A FHIR request, which the store numbers when it writes it (`record::Request`).
    Request,
}

impl Cause {
    /// The message, when it was one.
    pub const fn message(&self) -> Option<MessageId> {
        match self {
            Self::Message(id) => Some(*id),
            Self::Timer(_) | Self::Request => None,
        }
    }
}

/// A referral as stored: the workflow's state is opaque here.
#[derive(Clone)]
pub struct Referral {
    pub id: ReferralId,
    /// Counts writes, for the optimistic check.
    pub version: u32,
    pub patient: ResourceKey,
    /// The pipeline column a coordinator sees.
    pub stage: SmolStr,
    /// Still running: found by `Load::open_referrals_of`.
    pub open: bool,
    /// The serialised `workflow` state, JSON.
    pub state: Bytes,
}

/// A referral after a step.
#[derive(Clone)]
pub struct ReferralWrite {
    pub referral: Referral,
    /// The events that moved it, in order: `(event code, note without patient data)`; kept as its timeline.
    pub events: Vec<(SmolStr, SmolStr)>,
    pub timers: Vec<TimerChange>,
}

/// A running timer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timer {
    pub referral: ReferralId,
    /// `T2`, as in the workflow's timer table.
    pub kind: SmolStr,
    pub due_at: Timestamp,
}

/// A change to the timers of a referral. There is at most one of each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimerChange {
    Start { kind: SmolStr, due_at: Timestamp },
    Stop { kind: SmolStr },
}

/// Why a person is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkItemKind {
    /// A well-formed event that does not apply to the referral's state.
    NotApplicable,
    /// Codes without a map.
    UnmappedCode,
    /// A status for a referral nobody knows.
    UnknownReferral,
    /// The identity of the patient is not clear.
    Identity,
    /// A delivery that was given up.
    DeadDelivery,
    /// A timer ran out.
    Overdue,
    /// A message parked its lane.
    Parked,
    /// A control id came again with other content.
    ControlIdReused,
}

impl WorkItemKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "not-applicable",
            Self::UnmappedCode => "unmapped-code",
            Self::UnknownReferral => "unknown-referral",
            Self::Identity => "identity",
            Self::DeadDelivery => "dead-delivery",
            Self::Overdue => "overdue",
            Self::Parked => "parked",
            Self::ControlIdReused => "control-id-reused",
        }
    }
}

/// Something a person must look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkItem {
    pub kind: WorkItemKind,
    pub referral: Option<ReferralId>,
    /// One sentence without patient data: what happened and what can be done.
    pub text: SmolStr,
}

/// One line of the audit trail: which resources a cause read or wrote, never their content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// `message.processed`, `timer.fired`, `lane.released` …
    pub action: &'static str,
    /// Who: the feed or the operator.
    pub agent: SmolStr,
}

/// Everything that follows from one cause.
#[derive(Clone)]
pub struct Conclusion {
    pub cause: Cause,
    /// For a message: what became of it. `Parked` keeps it at the head of its lanes and writes nothing else but
    /// `issues` and `work_items`. Ignored for a timer.
    pub outcome: MessageOutcome,
    pub issues: Vec<Issue>,
    /// The digest of the mapping release in hexadecimal.
    pub release: SmolStr,
    /// What the mapping left beside the resources; empty for a timer.
    pub trail: Trail,
    pub resources: Vec<ResourceWrite>,
    pub redirects: Vec<Redirect>,
    pub referrals: Vec<ReferralWrite>,
    pub deliveries: Vec<NewDelivery>,
    pub work_items: Vec<WorkItem>,
    pub audit: Audit,
    pub concluded_at: Timestamp,
}
