//! HL7 v2 over MLLP: a listener for what partners push, a sender for what they are owed.
//!
//! ```text
//! accept ─ permit ─ (TLS) ─▶ connection: bytes ─▶ FrameReader ─▶ door, in order ─▶ answers, in order ─▶ bytes
//! delivery ─▶ sender: idle link or connect ─▶ frame out ─▶ acks in until MSA-2 matches or the deadline
//! ```
//!
//! Promises: answers leave in the order of arrival; a connection is never closed after an answer unless the door says
//! so; an acknowledgement is credited to the message it names or to none. It knows frames, not what is in them, apart
//! from MSH-10 and MSA when sending.

pub mod client;
mod connection;
mod link;
pub mod listener;
mod replies;
pub mod sender;
pub mod settings;
#[cfg(test)]
mod test_door;

pub use client::{Client, ClientError};
pub use listener::{BindError, Listener};
pub use sender::MllpSender;
pub use settings::{ListenerSettings, SenderSettings};
