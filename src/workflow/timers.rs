//! The clocks of a referral: which one runs in which state, and when it is due (STANDARDS 1.11).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::{Happening, Priority};
use super::fulfilment::{Fulfilment, Phase};
use super::policy::{Policy, Wait};
use super::state::State;
use super::step::Command;
use super::{calendar::Calendar, cancellation::Cancellation};
use crate::base::Timestamp;

/// T1 to T10 of STANDARDS 1.11. T1 is the delivery's own: no referral state runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TimerKind {
    Acknowledgement,
    Decision,
    Answer,
    Booking,
    Arrival,
    Rebooking,
    Report,
    Closing,
    Cancellation,
    Loop,
}

impl TimerKind {
    pub const ALL: [Self; 10] = [
        Self::Acknowledgement,
        Self::Decision,
        Self::Answer,
        Self::Booking,
        Self::Arrival,
        Self::Rebooking,
        Self::Report,
        Self::Closing,
        Self::Cancellation,
        Self::Loop,
    ];

    /// `T2`: the key in the policy and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledgement => "T1",
            Self::Decision => "T2",
            Self::Answer => "T3",
            Self::Booking => "T4",
            Self::Arrival => "T5",
            Self::Rebooking => "T6",
            Self::Report => "T7",
            Self::Closing => "T8",
            Self::Cancellation => "T9",
            Self::Loop => "T10",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What a person reads when it ran out.
    pub const fn overdue(self) -> &'static str {
        match self {
            Self::Acknowledgement => "no sign that the message arrived: check the endpoint",
            Self::Decision => "no decision on the referral: accept or decline it",
            Self::Answer => "the referrer has not answered the question: ask again or decline",
            Self::Booking => "accepted, but no appointment booked: book one",
            Self::Arrival => "no word whether the patient came: record arrival, end of visit or no-show",
            Self::Rebooking => "no new appointment after a missed or cancelled one: reach the patient or return it",
            Self::Report => "visit without a report: send the report",
            Self::Closing => "the referrer has not closed the loop: ask, or close it by agreement",
            Self::Cancellation => "a request to cancel waits for an answer: confirm or refuse it",
            Self::Loop => "the referral as a whole takes too long: see what holds it",
        }
    }
}

/// A clock that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    pub kind: TimerKind,
    #[serde(with = "super::state::micros")]
    pub due_at: Timestamp,
}

/// The clocks of one referral: who is on the hook, the whole loop, and what is paused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    pub hook: Option<Running>,
    pub whole: Option<Running>,
    /// Time left of paused clocks, in microseconds.
    paused: BTreeMap<TimerKind, i64>,
}

/// The one clock that says who is on the hook in a state; none on hold and at the end.
pub const fn hook_of(fulfilment: Fulfilment, cancellation: Cancellation) -> Option<TimerKind> {
    let phase = match fulfilment {
        Fulfilment::Open(phase) => phase,
        Fulfilment::Outcome => return Some(TimerKind::Closing),
        Fulfilment::OnHold(_) if matches!(cancellation, Cancellation::Requested) => {
            return Some(TimerKind::Cancellation);
        }
        Fulfilment::OnHold(_) | Fulfilment::Ended(_) => return None,
    };
    if matches!(cancellation, Cancellation::Requested) {
        return Some(TimerKind::Cancellation);
    }
    Some(match phase {
        Phase::Received => TimerKind::Decision,
        Phase::AwaitingInformation => TimerKind::Answer,
        Phase::Accepted | Phase::Scheduling => TimerKind::Booking,
        // STANDARDS 1.11 leaves arrived and in-visit without a clock: a forgotten discharge would go unnoticed.
        Phase::Scheduled | Phase::Arrived | Phase::InVisit => TimerKind::Arrival,
        Phase::NoShow | Phase::AppointmentCancelled => TimerKind::Rebooking,
        Phase::VisitDone | Phase::Interim => TimerKind::Report,
    })
}

/// Sets the clocks for a state that an event has just brought about.
pub(super) fn rewind(state: &mut State, happening: &Happening, before: Moment, context: &Setting) -> Vec<Command> {
    let old = (state.clocks.hook, state.clocks.whole);
    let kind = hook_of(state.fulfilment, state.cancellation);
    let now_paused = is_paused(state);
    let same = kind == old.0.map(|running| running.kind);
    if !same || restarts(happening, kind) {
        suspend(state, before, context.now, now_paused && !same);
        state.clocks.hook = kind.map(|kind| Running { kind, due_at: due(state, kind, context) });
    }
    state.clocks.whole = match (state.clocks.whole, state.is_open() && state.fulfilment != Fulfilment::Outcome) {
        (_, false) => None,
        (Some(running), true) if !restarts(happening, Some(TimerKind::Loop)) => Some(running),
        (_, true) => Some(Running { kind: TimerKind::Loop, due_at: due(state, TimerKind::Loop, context) }),
    };
    let mut commands = changes(old.0, state.clocks.hook);
    commands.extend(changes(old.1, state.clocks.whole));
    commands
}

/// Where the referral stood before the event.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub hook: Option<Running>,
}

/// What due times are computed from.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    pub now: Timestamp,
    pub policy: &'a Policy,
    pub calendar: &'a Calendar,
}

/// States that stop somebody else's clock without answering it.
const fn is_paused(state: &State) -> bool {
    matches!(state.cancellation, Cancellation::Requested)
        || matches!(state.fulfilment, Fulfilment::OnHold(_) | Fulfilment::Open(Phase::AwaitingInformation))
}

fn suspend(state: &mut State, before: Moment, now: Timestamp, pausing: bool) {
    if !pausing {
        let kept = hook_of(state.fulfilment, state.cancellation);
        state.clocks.paused.retain(|kind, _| Some(*kind) == kept);
        return;
    }
    if let Some(running) = before.hook {
        let left = running.due_at.as_micros().saturating_sub(now.as_micros());
        state.clocks.paused.insert(running.kind, left.max(0));
    }
}

/// Events after which the clock of the state starts anew though the state keeps its clock.
const fn restarts(happening: &Happening, kind: Option<TimerKind>) -> bool {
    let Some(kind) = kind else { return false };
    match happening {
        Happening::TimerRanOut { kind: ran_out, .. } => *ran_out as u8 == kind as u8,
        Happening::Booked(_) | Happening::Moved(_) | Happening::Changed(_) | Happening::Arrived(_) => {
            matches!(kind, TimerKind::Arrival)
        }
        Happening::AppointmentCancelled(_) => matches!(kind, TimerKind::Rebooking | TimerKind::Arrival),
        Happening::InterimReport(_) => matches!(kind, TimerKind::Report),
        _ => false,
    }
}

fn due(state: &mut State, kind: TimerKind, context: &Setting) -> Timestamp {
    if let Some(left) = state.clocks.paused.remove(&kind) {
        let left = std::time::Duration::from_micros(u64::try_from(left).unwrap_or(0));
        return context.calendar.at_or_after_opening(context.now.plus(left));
    }
    let wait = context.policy.wait(kind, state.request.priority);
    match (kind, state.request.deadline) {
        (TimerKind::Booking, Some(deadline)) if deadline > context.now => deadline,
        (TimerKind::Arrival, _) => {
            let start = state.appointments.expected().and_then(|appointment| appointment.start);
            wait.after(start.unwrap_or(context.now).max(context.now), context.calendar)
        }
        _ => wait.after(context.now, context.calendar),
    }
}

fn changes(old: Option<Running>, new: Option<Running>) -> Vec<Command> {
    let mut commands = Vec::new();
    if let Some(old) = old.filter(|old| new.is_none_or(|new| new.kind != old.kind)) {
        commands.push(Command::StopTimer { kind: old.kind });
    }
    if let Some(new) = new.filter(|new| Some(*new) != old) {
        commands.push(Command::StartTimer { kind: new.kind, due_at: new.due_at });
    }
    commands
}

impl Wait {
    /// When the wait that begins at `from` is over.
    pub fn after(self, from: Timestamp, calendar: &Calendar) -> Timestamp {
        match self {
            Self::Elapsed(span) => from.plus(span),
            Self::BusinessDays(days) => calendar.plus_business_days(from, days),
            Self::EndOfDayPlus(days) => calendar.end_of_day_plus(from, days),
        }
    }
}

impl Policy {
    /// The wait of a timer for a referral of this priority.
    pub fn wait(&self, kind: TimerKind, priority: Priority) -> Wait {
        let rule = self.rule(kind);
        match priority {
            Priority::Routine => rule.wait,
            Priority::Urgent => rule.urgent.unwrap_or(rule.wait),
            Priority::Stat => rule.stat.or(rule.urgent).unwrap_or(rule.wait),
        }
    }
}
