//! The fulfilment region: where the work of a referral stands, and which event moves it where.

use serde::{Deserialize, Serialize};

use super::cancellation::Cancellation;
use super::event::Happening;

/// Work in hand. `draft` and `sent` are missing: they belong to the referrer's side of the exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    #[default]
    Received,
    AwaitingInformation,
    Accepted,
    Scheduling,
    Scheduled,
    Arrived,
    InVisit,
    VisitDone,
    Interim,
    NoShow,
    AppointmentCancelled,
}

impl Phase {
    pub const ALL: [Self; 11] = [
        Self::Received,
        Self::AwaitingInformation,
        Self::Accepted,
        Self::Scheduling,
        Self::Scheduled,
        Self::Arrived,
        Self::InVisit,
        Self::VisitDone,
        Self::Interim,
        Self::NoShow,
        Self::AppointmentCancelled,
    ];
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Ending {
    Closed,
    Declined,
    Cancelled,
    Failed,
    Expired,
    Error,
}

impl Ending {
    pub const ALL: [Self; 6] =
        [Self::Closed, Self::Declined, Self::Cancelled, Self::Failed, Self::Expired, Self::Error];
}

/// The state of the region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Fulfilment {
    Open(Phase),
    /// Paused; the phase is where it goes on.
    OnHold(Phase),
    /// The final report was sent: the Task has ended, the referrer has not closed yet.
    Outcome,
    /// Terminal.
    Ended(Ending),
}

impl Default for Fulfilment {
    fn default() -> Self {
        Self::Open(Phase::Received)
    }
}

impl Fulfilment {
    /// Every state once, for tables and tests.
    pub fn all() -> Vec<Self> {
        let open = Phase::ALL.map(Self::Open).into_iter();
        let ended = Ending::ALL.map(Self::Ended).into_iter();
        open.chain([Self::OnHold(Phase::Accepted), Self::Outcome]).chain(ended).collect()
    }

    pub const fn is_terminal(&self) -> bool {
        matches!(self, Self::Ended(_))
    }

    /// The phase in hand, or held.
    pub const fn phase(&self) -> Option<Phase> {
        match self {
            Self::Open(phase) | Self::OnHold(phase) => Some(*phase),
            Self::Outcome | Self::Ended(_) => None,
        }
    }

    /// The name of STANDARDS 1.8.1.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Open(phase) => phase.as_str(),
            Self::OnHold(_) => "on-hold",
            Self::Outcome => "outcome",
            Self::Ended(how) => how.as_str(),
        }
    }

    /// Rows 5 to 41 of the transition table, apart from those of the cancellation region alone; nothing when the
    /// event does not move this state. `booked` says whether an appointment is booked once the event has had its
    /// effect on the appointments.
    pub(super) fn after(self, happening: &Happening, cancellation: Cancellation, booked: bool) -> Option<Self> {
        match self {
            Self::Ended(_) => None,
            Self::Outcome => after_outcome(happening),
            Self::OnHold(phase) => {
                after_hold(phase, happening, booked).or_else(|| self.after_any(happening, cancellation))
            }
            Self::Open(phase) => {
                after_phase(phase, happening, booked).or_else(|| self.after_any(happening, cancellation))
            }
        }
    }

    /// Rows that hold in every state with work in hand.
    fn after_any(self, happening: &Happening, cancellation: Cancellation) -> Option<Self> {
        let phase = self.phase()?;
        match happening {
            Happening::Held if self == Self::Open(phase) => Some(Self::OnHold(phase)),
            Happening::Failed(_) if phase >= Phase::Accepted || self == Self::OnHold(phase) => {
                Some(Self::Ended(Ending::Failed))
            }
            Happening::Discontinued => Some(Self::Ended(Ending::Cancelled)),
            Happening::Expired => Some(Self::Ended(Ending::Expired)),
            Happening::Voided => Some(Self::Ended(Ending::Error)),
            Happening::CancellationConfirmed if cancellation == Cancellation::Requested => {
                Some(Self::Ended(Ending::Cancelled))
            }
            Happening::FinalReport(_) if cancellation == Cancellation::Requested => Some(Self::Outcome),
            _ => None,
        }
    }
}

/// Rows 24 and 41: the Task is completed, so nothing else moves it any more.
const fn after_outcome(happening: &Happening) -> Option<Fulfilment> {
    match happening {
        Happening::Closed => Some(Fulfilment::Ended(Ending::Closed)),
        Happening::Voided => Some(Fulfilment::Ended(Ending::Error)),
        _ => None,
    }
}

/// Rows 10 and 33; what becomes of an appointment moves the phase that is held.
fn after_hold(phase: Phase, happening: &Happening, booked: bool) -> Option<Fulfilment> {
    match happening {
        Happening::Released => Some(Fulfilment::Open(phase)),
        Happening::Booked(_) | Happening::Moved(_) => Some(Fulfilment::Open(Phase::Scheduled)),
        _ => after_appointment(phase, happening, booked)?.phase().map(Fulfilment::OnHold),
    }
}

/// Rows 5 to 23 and 30.
fn after_phase(phase: Phase, happening: &Happening, booked: bool) -> Option<Fulfilment> {
    use Phase as P;
    let next = match (phase, happening) {
        (_, Happening::Declined(_)) if !matches!(phase, P::Arrived | P::InVisit) => {
            return Some(Fulfilment::Ended(Ending::Declined));
        }
        (P::Received | P::AwaitingInformation, Happening::Withdrawn) => {
            return Some(Fulfilment::Ended(Ending::Cancelled));
        }
        (P::Received, Happening::InformationAsked) => P::AwaitingInformation,
        (P::AwaitingInformation, Happening::InformationSupplied | Happening::Updated) => P::Received,
        (P::Received | P::AwaitingInformation, Happening::Accepted) => P::Accepted,
        (
            P::Accepted | P::Scheduling,
            Happening::OutreachBegun | Happening::SlotAwaited(_) | Happening::ScheduledElsewhere,
        ) => P::Scheduling,
        _ => return after_appointment(phase, happening, booked).or_else(|| after_visit(phase, happening, booked)),
    };
    Some(Fulfilment::Open(next))
}

/// Rows 10 to 16: bookings and what becomes of them.
#[expect(clippy::match_same_arms, reason = "one arm per row of the table")]
fn after_appointment(phase: Phase, happening: &Happening, booked: bool) -> Option<Fulfilment> {
    use Phase as P;
    let next = match (phase, happening) {
        (P::AwaitingInformation | P::Arrived | P::InVisit, Happening::Booked(_) | Happening::Moved(_)) => return None,
        (_, Happening::Booked(_) | Happening::Moved(_)) => P::Scheduled,
        (P::Scheduled, Happening::Changed(_)) => P::Scheduled,
        (P::Scheduled | P::Arrived, Happening::NoShow(_)) => P::NoShow,
        (P::Scheduled | P::NoShow | P::VisitDone | P::Interim, Happening::AppointmentCancelled(_)) if !booked => {
            P::AppointmentCancelled
        }
        (P::Scheduled, Happening::AppointmentCancelled(_) | Happening::AppointmentDeleted(_)) if booked => P::Scheduled,
        (P::Scheduled, Happening::AppointmentDeleted(_)) => P::Scheduling,
        (P::Scheduling, Happening::AppointmentCancelled(_) | Happening::AppointmentDeleted(_)) => P::Scheduling,
        _ => return None,
    };
    Some(Fulfilment::Open(next))
}

/// Rows 17 to 23: the visit and its report.
#[expect(clippy::match_same_arms, reason = "one arm per row of the table")]
fn after_visit(phase: Phase, happening: &Happening, booked: bool) -> Option<Fulfilment> {
    use Phase as P;
    let next = match (phase, happening) {
        (P::Accepted | P::Scheduling | P::Scheduled | P::NoShow | P::AppointmentCancelled, Happening::Arrived(_)) => {
            P::Arrived
        }
        (P::Arrived, Happening::ArrivalUndone(_)) if booked => P::Scheduled,
        (P::Arrived, Happening::ArrivalUndone(_)) => P::Scheduling,
        (P::Arrived | P::Scheduled, Happening::VisitBegan(_)) => P::InVisit,
        (P::Arrived | P::InVisit | P::Scheduled, Happening::VisitEnded(_)) => P::VisitDone,
        (P::VisitDone, Happening::EndUndone(_)) => P::InVisit,
        (
            P::Accepted | P::Scheduled | P::Arrived | P::InVisit | P::VisitDone | P::Interim,
            Happening::InterimReport(_),
        ) => P::Interim,
        (P::Received | P::AwaitingInformation, _) => return None,
        (_, Happening::FinalReport(_)) => return Some(Fulfilment::Outcome),
        _ => return None,
    };
    Some(Fulfilment::Open(next))
}

impl Phase {
    /// Work for the patient has begun: on the wire the Task is `in-progress` from here on.
    pub const fn has_begun(self) -> bool {
        !matches!(self, Self::Received | Self::AwaitingInformation | Self::Accepted | Self::Scheduling)
    }

    /// The name of STANDARDS 1.8.1.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::AwaitingInformation => "awaiting-info",
            Self::Accepted => "accepted",
            Self::Scheduling => "scheduling",
            Self::Scheduled => "scheduled",
            Self::Arrived => "arrived",
            Self::InVisit => "in-visit",
            Self::VisitDone => "visit-done",
            Self::Interim => "interim",
            Self::NoShow => "no-show",
            Self::AppointmentCancelled => "appt-cancelled",
        }
    }
}

impl Ending {
    /// The name of STANDARDS 1.8.1.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Error => "error",
        }
    }
}
