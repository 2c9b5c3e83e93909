//! The order of events: admit, claim, decide, commit, wake; deliver, and let timers run out.
//!
//! Cast: *intake* makes a reception durable; *process* turns claimed messages into conclusions; *advance* does the
//! same for timers; *deliver* makes attempts; the *worker* is the one loop that all of them run in; the *lease* says
//! which partitions are ours.
//!
//! ```text
//! Intake::admit ─▶ store ─▶ (wake) ─▶ Process: claim, parse, map, decide ─▶ store.conclude ─▶ (wake) ─▶ Deliver
//! ```
//!
//! Promises: nothing is answered before it is durable (P1); what follows from a message is one conclusion (P6);
//! nothing is sent inside a transaction (P7); every effect after admission can be repeated from the store alone.
//!
//! It knows no socket, no HTTP and no SQL.

pub mod advance;
pub mod content;
pub mod decide;
pub mod deliver;
pub mod desk;
pub mod dispatch;
pub mod fhir_message;
pub mod identity;
pub mod intake;
pub mod lanes;
pub mod lease;
pub mod likeness;
pub mod merge;
pub mod merging;
pub mod outcomes;
pub mod process;
pub mod read;
pub mod reindex;
pub mod releases;
pub mod replay;
pub mod request;
pub mod waiting;
pub mod worker;

#[cfg(test)]
mod tests;

pub use intake::{Intake, Verdict};
pub use lease::LeaseKeeper;
pub use worker::{Job, Ran, Worker};
