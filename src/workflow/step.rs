//! What follows from an event: the next state, the timeline, and what others must do about it.

use smol_str::SmolStr;

use super::appointments::AppointmentStatus;
use super::state::State;
use super::timers::TimerKind;
use crate::base::Timestamp;
use crate::record::{Announcement, TimerChange, WorkItemKind};

/// The outcome of one event.
#[derive(Clone, Debug)]
pub struct Step {
    pub next: State,
    /// `(event code, note)` for the timeline, in order; empty when the event had been seen before.
    pub events: Vec<(SmolStr, SmolStr)>,
    pub commands: Vec<Command>,
}

/// What the machine wants done. It does nothing itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Announce(Announcement),
    /// There is at most one of a kind: starting replaces.
    StartTimer {
        kind: TimerKind,
        due_at: Timestamp,
    },
    StopTimer {
        kind: TimerKind,
    },
    OpenTask {
        kind: WorkItemKind,
        text: SmolStr,
    },
    /// A visit or the end of the referral changed this Appointment, whose own source has not said so.
    SetAppointment {
        id: SmolStr,
        status: AppointmentStatus,
    },
}

impl Command {
    /// The change of the store's timers that belongs to the same write as the state; nothing for the other commands.
    pub fn timer_change(&self) -> Option<TimerChange> {
        match self {
            Self::StartTimer { kind, due_at } => {
                Some(TimerChange::Start { kind: SmolStr::new_static(kind.as_str()), due_at: *due_at })
            }
            Self::StopTimer { kind } => Some(TimerChange::Stop { kind: SmolStr::new_static(kind.as_str()) }),
            _ => None,
        }
    }
}

/// A well-formed event that does not apply where the referral stands: for a person, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event} does not apply to a referral that is {state}: {reason}")]
pub struct NotApplicable {
    /// The state's name, `unknown` when there is no referral.
    pub state: &'static str,
    /// The event's code.
    pub event: SmolStr,
    pub reason: &'static str,
}
