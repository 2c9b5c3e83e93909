//! Which change is told, under which codes (STANDARDS 1.10), and the pipeline column it is told with (1.8.7).

use smol_str::SmolStr;

use super::appointments::Effect;
use super::cancellation::Cancellation;
use super::event::Happening;
use super::fulfilment::{Ending, Fulfilment, Phase};
use super::state::State;
use crate::base::Timestamp;
use crate::record::{Announcement, AnnouncementKind as Kind, OrderStatus};

/// The announcement of what has just happened, numbered; nothing when it is nobody else's business.
pub(super) fn announcement(
    state: &mut State,
    happening: &Happening,
    effect: Effect,
    occurred_at: Timestamp,
) -> Option<Announcement> {
    let kind = kind_of(state, happening, effect)?;
    state.sequence += 1;
    Some(Announcement {
        kind,
        sequence: state.sequence,
        occurred_at,
        stage: stage(state),
        order_status: order_status(kind),
        trigger: trigger(happening),
        appointment: appointment_of(state, happening),
        report: report_of(happening),
        reason: happening.reason().map(|reason| (SmolStr::new(&reason.code), SmolStr::new(&reason.text))),
    })
}

fn kind_of(state: &State, happening: &Happening, effect: Effect) -> Option<Kind> {
    Some(match happening {
        Happening::Requested(_) => Kind::Received,
        Happening::Accepted => Kind::Accepted,
        Happening::Declined(_) => Kind::Declined,
        Happening::InformationAsked => Kind::NeedInformation,
        Happening::Booked(_) if effect == Effect::Added => Kind::Scheduled,
        Happening::Booked(_) | Happening::Changed(_) => {
            return matches!(effect, Effect::Replaced | Effect::Moved).then_some(Kind::Rescheduled);
        }
        Happening::Moved(_) => Kind::Rescheduled,
        // With another one booked nothing is lost, and nothing is told (row 15).
        Happening::AppointmentCancelled(_) | Happening::AppointmentDeleted(_) => {
            let told = matches!(state.fulfilment.phase(), Some(Phase::AppointmentCancelled))
                || (matches!(happening, Happening::AppointmentDeleted(_))
                    && !state.appointments.has_booked()
                    && state.begun);
            return told.then_some(Kind::AppointmentCancelled);
        }
        Happening::NoShow(_) => Kind::NoShow,
        Happening::VisitEnded(_) => Kind::Seen,
        Happening::InterimReport(_) => Kind::InterimReport,
        Happening::FinalReport(_) => Kind::Report,
        Happening::CancellationConfirmed => Kind::Cancelled,
        Happening::CancellationRefused(_) => Kind::CancellationRefused,
        Happening::Failed(_) => Kind::Failed,
        Happening::Expired => Kind::Expired,
        Happening::Closed => Kind::Closed,
        _ => return None,
    })
}

/// ORC-1 and ORC-5 of the order style (STANDARDS 1.10). Changes of appointments travel as SIU; closing is the
/// referrer's own act.
pub const fn order_status(kind: Kind) -> Option<OrderStatus> {
    let (control, status) = match kind {
        Kind::Received => ("RR", ""),
        Kind::Accepted => ("OK", "IP"),
        Kind::Declined => ("UA", "CA"),
        Kind::NeedInformation => ("SC", "HD"),
        Kind::Seen | Kind::InterimReport => ("SC", "A"),
        Kind::Report => ("SC", "CM"),
        Kind::Cancelled => ("CR", "CA"),
        Kind::CancellationRefused => ("UC", "IP"),
        Kind::Failed => ("OD", "DC"),
        Kind::Expired => ("OC", "CA"),
        Kind::Scheduled | Kind::Rescheduled | Kind::AppointmentCancelled | Kind::NoShow | Kind::Closed => return None,
    };
    Some(OrderStatus::new_static(control, status))
}

/// The SIU trigger event under which a change of an appointment travels.
const fn trigger(happening: &Happening) -> Option<&'static str> {
    Some(match happening {
        Happening::Booked(_) => "S12",
        Happening::Moved(_) => "S13",
        Happening::Changed(_) => "S14",
        Happening::AppointmentCancelled(_) => "S15",
        Happening::AppointmentDeleted(_) => "S17",
        Happening::NoShow(_) => "S26",
        _ => return None,
    })
}

fn appointment_of(state: &State, happening: &Happening) -> Option<SmolStr> {
    let named = happening.slot().map(|slot| slot.appointment.as_str());
    let visited =
        || happening.visit().and_then(|visit| state.appointments.of_visit(visit)).map(|known| known.id.as_str());
    named.or_else(visited).map(SmolStr::new)
}

fn report_of(happening: &Happening) -> Option<SmolStr> {
    match happening {
        Happening::InterimReport(report) | Happening::FinalReport(report) => report.as_deref().map(SmolStr::new),
        _ => None,
    }
}

/// The pipeline column: the first rule of STANDARDS 1.8.7 that holds, as far as the regions modelled here say.
pub const fn stage(state: &State) -> &'static str {
    if state.is_open() && (state.breached || matches!(state.cancellation, Cancellation::Requested)) {
        return "Attention needed";
    }
    match state.fulfilment {
        Fulfilment::OnHold(_) => "On hold",
        Fulfilment::Outcome => "Report sent",
        Fulfilment::Ended(Ending::Closed) => "Closed won",
        Fulfilment::Ended(_) => "Closed lost",
        Fulfilment::Open(phase) => match phase {
            Phase::Received => "New",
            Phase::AwaitingInformation => "Waiting for information",
            Phase::Accepted | Phase::Scheduling => "Ready to schedule",
            Phase::Scheduled => "Scheduled",
            Phase::NoShow | Phase::AppointmentCancelled => "Re-engage",
            Phase::Arrived | Phase::InVisit | Phase::VisitDone | Phase::Interim => "In care",
        },
    }
}
