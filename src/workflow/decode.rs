//! What an order status means: the matrix of STANDARDS 1.9 over sender, ORC-1 (table 0119) and ORC-5 (table 0038),
//! and RF1-1 (table 0283) of 1.7.1. Total: every combination has a meaning or a documented exception.

use super::event::{Happening, Reason, Role, StatusReport};
use super::fulfilment::{Fulfilment, Phase};
use super::state::State;
use super::{cancellation::Cancellation, fulfilment::Ending};

/// The meaning of a status before it is read against the referral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Request,
    Update,
    TakenIn,
    Accept,
    AcceptAndSchedule,
    Decline,
    /// Acceptance when there was no decision yet, else progress.
    InProgress,
    ScheduledElsewhere,
    /// Some results: an interim report comes as a document; without one the visit is over.
    PartialResult,
    Interim,
    Outcome,
    /// Cancelled, by the filler's word: a decline, a confirmation or a failure, by where the referral stands.
    CalledOff,
    /// Stopped by the filler unasked: a decline when nothing was done yet, else a failure.
    Stopped,
    Fail,
    Expire,
    Close,
    CancelRequest,
    CancelConfirmed,
    CancelRefused,
    Discontinue,
    DiscontinueRefused,
    Hold,
    Release,
    Enquiry,
    NumberExchange,
    Exception(&'static str),
}

impl Meaning {
    /// The event it stands for, as the table of 1.9 writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "E-REQ",
            Self::Update => "E-UPD",
            Self::TakenIn => "E-RCV",
            Self::Accept => "E-ACC",
            Self::AcceptAndSchedule => "E-ACC, then E-SCH without a time",
            Self::Decline => "E-DEC",
            Self::InProgress => "E-ACC when undecided, else note",
            Self::ScheduledElsewhere => "E-SCH without a time",
            Self::PartialResult => "visit done (a document comes as E-INT)",
            Self::Interim => "E-INT",
            Self::Outcome => "E-OUT",
            Self::CalledOff => "E-DEC when undecided; E-CCF when X requested; else E-FAIL",
            Self::Stopped => "E-DEC when nothing was done; else E-FAIL",
            Self::Fail => "E-FAIL",
            Self::Expire => "E-EXP",
            Self::Close => "E-CLS",
            Self::CancelRequest => "E-CRQ",
            Self::CancelConfirmed => "E-CCF",
            Self::CancelRefused => "E-CRF",
            Self::Discontinue => "E-DIS",
            Self::DiscontinueRefused => "note: discontinue refused",
            Self::Hold => "E-HLD",
            Self::Release => "E-REL",
            Self::Enquiry => "status enquiry",
            Self::NumberExchange => "number exchange",
            Self::Exception(reason) => reason,
        }
    }
}

const CONTRADICTION: Meaning = Meaning::Exception("exception: accepted and cancelled in one message");
const UNREADABLE_BY_THEM: Meaning = Meaning::Exception("exception: they could not process what we sent");
const FILLER_CANCEL: Meaning = Meaning::Exception("exception: the filler asks the referrer to cancel the order");
const WRONG_PARTY: Meaning = Meaning::Exception("exception: this control code is not the sender's to send");
const UNKNOWN_CONTROL: Meaning = Meaning::Exception("exception: unknown control code");
const UNKNOWN_STATUS: Meaning = Meaning::Exception("exception: this status says nothing about a referral");
const UNEXPECTED_PAIR: Meaning = Meaning::Exception("exception: no meaning agreed for this pair");

impl Meaning {
    /// Nobody has agreed what it means, or it is not the sender's to say.
    pub fn is_unagreed(self) -> bool {
        [WRONG_PARTY, UNKNOWN_CONTROL, UNKNOWN_STATUS, UNEXPECTED_PAIR].contains(&self)
    }
}

/// The meaning of ORC-1 and ORC-5 (empty when absent) from a sender. Codes are compared as written, in upper case.
pub fn decode(role: Role, control: &str, status: &str) -> Meaning {
    match role {
        Role::Placer => from_placer(control, status),
        Role::Filler => from_filler(control, status),
        Role::Unknown => match control {
            "NW" | "SN" | "NA" | "RP" | "SS" | "XO" => from_placer(control, status),
            "CA" | "DC" => Meaning::Exception("exception: either party may send this, and the sender is not known"),
            _ => from_filler(control, status),
        },
    }
}

fn from_placer(control: &str, status: &str) -> Meaning {
    match (control, status) {
        ("NW", _) => Meaning::Request,
        ("XO" | "RP", _) => Meaning::Update,
        ("CA", _) => Meaning::CancelRequest,
        ("DC", "CA" | "DC" | "") => Meaning::Discontinue,
        ("HD", _) => Meaning::Hold,
        ("RL", _) => Meaning::Release,
        ("SS", _) => Meaning::Enquiry,
        ("SN" | "NA" | "CN", _) => Meaning::NumberExchange,
        ("SC", "CM") => Meaning::Close,
        ("DE", _) => UNREADABLE_BY_THEM,
        ("DC" | "SC", _) => UNEXPECTED_PAIR,
        ("", status) => placer_snapshot(status),
        (control, _) if is_known_control(control) => WRONG_PARTY,
        _ => UNKNOWN_CONTROL,
    }
}

fn placer_snapshot(status: &str) -> Meaning {
    match status {
        "CM" => Meaning::Close,
        "CA" => Meaning::CancelRequest,
        "DC" => Meaning::Discontinue,
        "HD" => Meaning::Hold,
        "IP" | "SC" | "A" | "RP" => Meaning::Update,
        "ER" => UNREADABLE_BY_THEM,
        _ => UNKNOWN_STATUS,
    }
}

fn from_filler(control: &str, status: &str) -> Meaning {
    match (control, status) {
        ("OK", "" | "IP") => Meaning::Accept,
        ("OK", "SC") => Meaning::AcceptAndSchedule,
        ("OK", "CA") => CONTRADICTION,
        ("UA", _) => Meaning::Decline,
        ("SC", status) if !status.is_empty() => filler_snapshot(status),
        ("SR" | "", status) => filler_snapshot(status),
        ("RE", "CM") => Meaning::Outcome,
        ("RE", "A" | "IP" | "") => Meaning::Interim,
        ("CR", _) => Meaning::CancelConfirmed,
        ("UC", _) => Meaning::CancelRefused,
        ("DR", _) => Meaning::Discontinue,
        ("UD", _) => Meaning::DiscontinueRefused,
        ("OC", _) => Meaning::Stopped,
        ("OD", _) => Meaning::Fail,
        ("OH" | "HR", _) => Meaning::Hold,
        ("OE" | "OR", _) => Meaning::Release,
        ("RR", _) => Meaning::TakenIn,
        ("NA" | "SN" | "CN", _) => Meaning::NumberExchange,
        ("XX" | "XR", _) => Meaning::Update,
        ("DE", _) => UNREADABLE_BY_THEM,
        ("CA", _) => FILLER_CANCEL,
        ("OK" | "RE" | "SC", _) => UNEXPECTED_PAIR,
        (control, _) if is_known_control(control) => WRONG_PARTY,
        _ => UNKNOWN_CONTROL,
    }
}

/// ORC-5 alone: also of ORC-1 `SC` (changed) and `SR` (answer to an enquiry).
fn filler_snapshot(status: &str) -> Meaning {
    match status {
        "IP" => Meaning::InProgress,
        "SC" => Meaning::ScheduledElsewhere,
        "A" => Meaning::PartialResult,
        "CM" => Meaning::Outcome,
        "CA" => Meaning::CalledOff,
        "HD" => Meaning::Hold,
        "DC" => Meaning::Fail,
        "RP" => Meaning::Update,
        "ER" => UNREADABLE_BY_THEM,
        _ => UNKNOWN_STATUS,
    }
}

/// The meaning of RF1-1 (table 0283), with the trigger event when the message has one.
pub fn decode_referral(role: Role, trigger: &str, status: &str) -> Meaning {
    match (trigger, role, status) {
        ("I13", _, _) => Meaning::Update,
        ("I14", Role::Filler, _) => Meaning::CancelConfirmed,
        ("I14", _, _) => Meaning::CancelRequest,
        ("I15", _, _) => Meaning::Enquiry,
        // From a referrer `A` says that its own side has authorised the referral.
        (_, Role::Placer, "P" | "" | "A") | (_, Role::Unknown, "P" | "") => Meaning::Request,
        (_, Role::Placer, "R") => WRONG_PARTY,
        (_, Role::Filler, "P") => Meaning::TakenIn,
        (_, _, "A") => Meaning::InProgress,
        (_, _, "R") => Meaning::Decline,
        (_, _, "E") => Meaning::Expire,
        _ => UNKNOWN_STATUS,
    }
}

/// Table 0119 (HL7 v2.5.1), for telling a code of the other party from no code at all.
pub const CONTROL_CODES: [&str; 51] = [
    "AF", "CA", "CH", "CN", "CR", "DC", "DE", "DF", "DR", "FU", "HD", "HR", "LI", "NA", "NW", "OC", "OD", "OE", "OF",
    "OH", "OK", "OM", "OP", "OR", "PA", "PR", "PY", "RE", "RF", "RL", "RO", "RP", "RQ", "RR", "RU", "SC", "SN", "SR",
    "SS", "UA", "UC", "UD", "UF", "UH", "UM", "UN", "UR", "UX", "XO", "XR", "XX",
];

/// Table 0038.
pub const STATUS_CODES: [&str; 9] = ["A", "CA", "CM", "DC", "ER", "HD", "IP", "RP", "SC"];

fn is_known_control(control: &str) -> bool {
    CONTROL_CODES.contains(&control)
}

/// ORC-1 and ORC-5 for a person to read, `OK/IP`; `?` when either is no code of its table, for it may then be anything
/// the sender wrote.
pub(super) fn pair_of(report: &StatusReport) -> String {
    let StatusReport { control, status, .. } = report;
    let are_codes = (control.is_empty() || is_known_control(control))
        && (status.is_empty() || STATUS_CODES.contains(&status.as_str()));
    if are_codes { format!("{control}/{status}") } else { "?".to_owned() }
}

/// The meaning of a report from a sender.
pub(super) fn meaning_of(role: Role, report: &StatusReport) -> Meaning {
    if report.referral_status.is_empty() && !report.trigger.starts_with('I') {
        decode(role, &report.control, &report.status)
    } else {
        decode_referral(role, &report.trigger, &report.referral_status)
    }
}

impl Meaning {
    /// The events of the transition table, where the referral stands; the reason when a person must decide.
    pub(super) fn happenings(self, state: &State, report: &StatusReport) -> Result<Vec<Happening>, &'static str> {
        let reason = || report.reason.clone().unwrap_or_else(|| Reason::coded("other"));
        let phase = state.fulfilment.phase();
        let undecided = matches!(phase, Some(Phase::Received | Phase::AwaitingInformation));
        let happening = match self {
            Self::Request => report
                .request
                .clone()
                .map(Happening::Requested)
                .ok_or("a new order without the order: ask for the whole message")?,
            Self::Update => Happening::Updated,
            Self::TakenIn => Happening::TakenIn,
            Self::Accept => Happening::Accepted,
            Self::AcceptAndSchedule => return Ok(vec![Happening::Accepted, Happening::ScheduledElsewhere]),
            Self::Decline => Happening::Declined(reason()),
            Self::InProgress if undecided => Happening::Accepted,
            Self::InProgress => note_when_open(state, "in progress, says the filler")?,
            Self::ScheduledElsewhere if undecided => {
                return Ok(vec![Happening::Accepted, Happening::ScheduledElsewhere]);
            }
            Self::ScheduledElsewhere => scheduled_elsewhere(state)?,
            Self::PartialResult => partial_result(state)?,
            Self::Interim => Happening::InterimReport(None),
            Self::Outcome => Happening::FinalReport(None),
            Self::CalledOff if state.cancellation == Cancellation::Requested => Happening::CancellationConfirmed,
            Self::CalledOff if undecided => Happening::Declined(reason()),
            Self::Stopped if phase.is_some_and(|phase| !phase.has_begun()) => Happening::Declined(reason()),
            Self::CalledOff | Self::Stopped | Self::Fail => Happening::Failed(reason()),
            Self::Expire => Happening::Expired,
            Self::Close => Happening::Closed,
            Self::CancelRequest => Happening::CancelRequested,
            Self::CancelConfirmed => Happening::CancellationConfirmed,
            Self::CancelRefused => Happening::CancellationRefused(reason()),
            Self::Discontinue if state.fulfilment == Fulfilment::Ended(Ending::Cancelled) => {
                Happening::Noted("discontinued, confirmed")
            }
            Self::Discontinue => Happening::Discontinued,
            Self::DiscontinueRefused => Happening::Noted("the filler refuses to discontinue"),
            Self::Hold => Happening::Held,
            Self::Release => Happening::Released,
            Self::Enquiry => Happening::Noted("status enquiry"),
            Self::NumberExchange => Happening::Noted("number exchange"),
            Self::Exception(reason) => return Err(reason),
        };
        Ok(vec![happening])
    }
}

/// A status that confirms what is known is a note; after the end it is for a person.
fn note_when_open(state: &State, note: &'static str) -> Result<Happening, &'static str> {
    match state.fulfilment {
        Fulfilment::Ended(Ending::Closed) => Ok(Happening::Noted(note)),
        Fulfilment::Ended(_) => Err("the referral has ended: reopen it or tell the filler"),
        _ => Ok(Happening::Noted(note)),
    }
}

fn scheduled_elsewhere(state: &State) -> Result<Happening, &'static str> {
    match state.fulfilment {
        Fulfilment::Open(Phase::Accepted | Phase::Scheduling) => Ok(Happening::ScheduledElsewhere),
        _ => note_when_open(state, "scheduled, says the filler"),
    }
}

fn partial_result(state: &State) -> Result<Happening, &'static str> {
    match state.fulfilment {
        Fulfilment::Open(Phase::Scheduled | Phase::Arrived | Phase::InVisit) => {
            Ok(Happening::VisitEnded(super::event::Visit { object: "status".into(), ..Default::default() }))
        }
        _ => note_when_open(state, "some results, says the filler"),
    }
}
