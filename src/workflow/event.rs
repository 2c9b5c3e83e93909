//! What can happen to a referral: the events of the transition table, and reports that must first be read against it.

use serde::{Deserialize, Serialize};

use super::timers::TimerKind;
use crate::base::{Timestamp, ids::ReferralId};

/// Who speaks: the placer is the referrer, the filler the one the patient was referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    Placer,
    Filler,
    /// Ourselves (a timer), or a sender whose part in the referral is not known.
    Unknown,
}

/// One thing that happened, as observed or as a timer tells it.
#[derive(Clone, Debug)]
pub struct Event {
    /// The same event seen again has the same key (message id and its place in the message) and changes nothing.
    pub key: String,
    /// When it happened by its sender's clock, not when it arrived.
    pub occurred_at: Timestamp,
    /// `application|facility` of the sender.
    pub sender: String,
    /// The part a feed's settings give its sender; else it is found by comparing `sender` (see `role_of`).
    pub role: Option<Role>,
    pub what: What,
}

impl Event {
    /// A timer of the store fell due. The key is the timer's kind and instant, so that a timer that is fired twice is
    /// heard once; it happened when it fell due, however late that was noticed.
    pub fn timer(kind: TimerKind, due_at: Timestamp) -> Self {
        Self {
            key: format!("{}@{}", kind.as_str(), due_at.as_micros()),
            occurred_at: due_at,
            sender: String::new(),
            role: Some(Role::Unknown),
            what: What::Happened(Happening::TimerRanOut { kind, due_at }),
        }
    }
}

/// What an event says.
#[derive(Clone, Debug)]
pub enum What {
    /// An event of the table.
    Happened(Happening),
    /// A status whose meaning depends on who speaks and on where the referral stands (STANDARDS 1.9).
    Status(StatusReport),
}

/// ORC-1, ORC-5 and RF1-1 as reported of an order, with what the same message says of the order itself.
#[derive(Clone, Default)]
pub struct StatusReport {
    /// ORC-1 (table 0119), empty when absent.
    pub control: String,
    /// ORC-5 (table 0038), empty when absent.
    pub status: String,
    /// RF1-1 (table 0283), empty when absent. When present the order status is empty, and it alone decides.
    pub referral_status: String,
    /// The trigger event of a REF message (I12 to I15), empty when absent.
    pub trigger: String,
    pub reason: Option<Reason>,
    /// The filler's number, when the message gives one.
    pub filler_number: Option<String>,
    /// The order itself, when the message carries it.
    pub request: Option<Request>,
}

impl StatusReport {
    /// It says nothing of a status.
    pub const fn is_silent(&self) -> bool {
        self.control.is_empty() && self.status.is_empty() && self.referral_status.is_empty() && self.trigger.is_empty()
    }
}

impl std::fmt::Debug for StatusReport {
    /// The fields hold what the sender wrote: only codes of the tables are shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&super::decode::pair_of(self))
    }
}

/// Why something was declined, cancelled or given up: ORC-16 or `statusReason`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// A code of the reason sets, or the sender's own.
    pub code: String,
    /// The sender's words, untouched.
    pub text: String,
}

impl Reason {
    pub fn coded(code: &str) -> Self {
        Self { code: code.into(), text: String::new() }
    }
}

impl std::fmt::Debug for Reason {
    /// The text may have been typed by a person about a patient, and so may the code: of the text only the size is
    /// shown, of the code what can be one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let code = if is_like_a_code(&self.code) { &self.code } else { "?" };
        write!(f, "{code} ({} bytes of text)", self.text.len())
    }
}

/// A short word of lower case, digits and hyphens as in the reason sets, or a short one of capitals and digits as in
/// the tables of HL7.
fn is_like_a_code(code: &str) -> bool {
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || b"-0123456789".contains(&byte));
    let is_table_code = |text: &str| text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    (code.len() <= 32 && is_word(code)) || (code.len() <= 4 && is_table_code(code))
}

/// How soon (table 0280 and 0027, `ServiceRequest.priority`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    #[default]
    Routine,
    Urgent,
    Stat,
}

impl Priority {
    /// Reads the R4 request-priority code; `asap` counts as urgent, what is unknown as routine.
    pub fn from_fhir(code: &str) -> Self {
        match code {
            "stat" => Self::Stat,
            "urgent" | "asap" => Self::Urgent,
            _ => Self::Routine,
        }
    }
}

/// What the machine keeps of a referral request: ids, codes and times, nothing that names the patient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    #[serde(with = "super::state::uuid_text")]
    pub referral: ReferralId,
    /// Logical id of the ServiceRequest.
    pub service_request: String,
    /// `Patient/id`.
    pub patient: String,
    /// The referral number of the placer with its system, empty when there is none.
    pub placer_number: String,
    pub placer_system: String,
    pub filler_number: Option<String>,
    pub priority: Priority,
    /// The referrer's own deadline (`occurrencePeriod.end`): it stands in for T4.
    #[serde(with = "super::state::optional_micros")]
    pub deadline: Option<Timestamp>,
    /// Digest of the ServiceRequest without `meta`, to tell a resend from a change.
    pub digest: String,
    /// Logical id of the Task of fulfilment, when the placer brought one with its request; else ours is made.
    #[serde(default)]
    pub task: Option<String>,
}

/// An appointment as a message tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Logical id of the Appointment.
    pub appointment: String,
    pub start: Option<Timestamp>,
    /// Reference of the Location.
    pub location: Option<String>,
    /// Reference of the Practitioner.
    pub practitioner: Option<String>,
    /// PV1-19.
    pub visit: Option<String>,
}

/// A visit as a message tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visit {
    /// Logical id of the Encounter, or of the Appointment when that told of the visit.
    pub object: String,
    /// PV1-19.
    pub number: Option<String>,
    /// The Appointment, when the message names it.
    pub appointment: Option<String>,
    pub start: Option<Timestamp>,
    /// The sender may mean registration ahead of the day (ADT^A04): only the arrival rule tells.
    pub maybe_registration: bool,
}

/// The events of STANDARDS 1.8.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    Requested(Request),
    Updated,
    TakenIn,
    InformationAsked,
    InformationSupplied,
    Accepted,
    Declined(Reason),
    OutreachBegun,
    /// An appointment that waits for a slot or a confirmation (SCH-25 Pending, Waitlist).
    SlotAwaited(Slot),
    /// Booked, says the filler, but the time will come by another message.
    ScheduledElsewhere,
    Booked(Slot),
    Moved(Slot),
    Changed(Slot),
    AppointmentCancelled(Slot),
    AppointmentDeleted(Slot),
    NoShow(Slot),
    Arrived(Visit),
    VisitBegan(Visit),
    VisitEnded(Visit),
    ArrivalUndone(Visit),
    EndUndone(Visit),
    /// The document (`DiagnosticReport/id`), when there is one.
    InterimReport(Option<String>),
    FinalReport(Option<String>),
    Closed,
    CancelRequested,
    /// The placer set its Task to cancelled without asking first.
    Withdrawn,
    CancellationConfirmed,
    CancellationRefused(Reason),
    Discontinued,
    Held,
    Released,
    Failed(Reason),
    Expired,
    /// It never should have been.
    Voided,
    TimerRanOut {
        kind: TimerKind,
        due_at: Timestamp,
    },
    /// Worth a line in the timeline, moves nothing.
    Noted(&'static str),
}

impl Happening {
    /// The code of STANDARDS 1.8.3, as kept in the timeline.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Requested(_) => "E-REQ",
            Self::Updated => "E-UPD",
            Self::TakenIn => "E-RCV",
            Self::InformationAsked => "E-ASK",
            Self::InformationSupplied => "E-ANS",
            Self::Accepted => "E-ACC",
            Self::Declined(_) => "E-DEC",
            Self::OutreachBegun => "E-OUTREACH",
            Self::SlotAwaited(_) => "E-SLOT",
            Self::ScheduledElsewhere => "E-SCH?",
            Self::Booked(_) => "E-SCH",
            Self::Moved(_) => "E-RES",
            Self::Changed(_) => "E-MOD",
            Self::AppointmentCancelled(_) => "E-APX",
            Self::AppointmentDeleted(_) => "E-ADEL",
            Self::NoShow(_) => "E-NSH",
            Self::Arrived(_) => "E-ARR",
            Self::VisitBegan(_) => "E-BEG",
            Self::VisitEnded(_) => "E-END",
            Self::ArrivalUndone(_) => "E-UNA",
            Self::EndUndone(_) => "E-UNE",
            Self::InterimReport(_) => "E-INT",
            Self::FinalReport(_) => "E-OUT",
            Self::Closed => "E-CLS",
            Self::CancelRequested => "E-CRQ",
            Self::Withdrawn => "E-CRQ!",
            Self::CancellationConfirmed => "E-CCF",
            Self::CancellationRefused(_) => "E-CRF",
            Self::Discontinued => "E-DIS",
            Self::Held => "E-HLD",
            Self::Released => "E-REL",
            Self::Failed(_) => "E-FAIL",
            Self::Expired => "E-EXP",
            Self::Voided => "E-ERR",
            Self::TimerRanOut { .. } => "E-TMO",
            Self::Noted(_) => "note",
        }
    }

    /// The reason it carries.
    pub const fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Declined(reason) | Self::CancellationRefused(reason) | Self::Failed(reason) => Some(reason),
            _ => None,
        }
    }

    /// The appointment it is about, by a message of scheduling.
    pub const fn slot(&self) -> Option<&Slot> {
        match self {
            Self::SlotAwaited(slot)
            | Self::Booked(slot)
            | Self::Moved(slot)
            | Self::Changed(slot)
            | Self::AppointmentCancelled(slot)
            | Self::AppointmentDeleted(slot)
            | Self::NoShow(slot) => Some(slot),
            _ => None,
        }
    }

    /// The visit it is about.
    pub const fn visit(&self) -> Option<&Visit> {
        match self {
            Self::Arrived(visit)
            | Self::VisitBegan(visit)
            | Self::VisitEnded(visit)
            | Self::ArrivalUndone(visit)
            | Self::EndUndone(visit) => Some(visit),
            _ => None,
        }
    }
}
