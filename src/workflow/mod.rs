//! The referral as a state machine: state and event give the next state and what follows from it, purely.
//!
//! Cast: a *state* is a referral's regions side by side (fulfilment, cancellation, appointments); an *event* is what a
//! message, a resource or a timer says; a *step* is the next state with its timeline and commands; an *announcement*
//! is a change that the referrer may be told.
//!
//! Promises: see `react`. It knows no message format but FHIR resources, no storage, no clock and no partner.
//! The rules are those of STANDARDS 1.3, 1.7 to 1.11 and 4; `docs/workflow/README.md` has the figure.

pub mod announce;
pub mod appointments;
pub mod calendar;
pub mod cancellation;
pub mod decode;
pub mod event;
pub mod fulfilment;
pub mod link;
pub mod observe;
pub mod policy;
pub mod react;
pub mod state;
pub mod step;
pub mod task;
pub mod timers;

#[cfg(test)]
mod observe_tests;
#[cfg(test)]
mod table;
#[cfg(test)]
mod tests;

pub use announce::stage;
pub use calendar::Calendar;
pub use event::{Event, Happening, Priority, Reason, Request, Role, Slot, StatusReport, Visit, What};
pub use fulfilment::{Ending, Fulfilment, Phase};
pub use link::{Clues, Link, link};
pub use observe::{Observation, is_observed, observe, referral_id, requested};
pub use policy::{Policy, PolicyFault};
pub use react::{react, role_of};
pub use state::{State, StateFault};
pub use step::{Command, NotApplicable, Step};
pub use task::{over, record, task_status};
pub use timers::{Context, TimerKind};
