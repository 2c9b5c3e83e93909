//! HTTP surfaces: health and metrics on the admin port.
//!
//! It must not know connectors or senders. Nothing here shows message content or patient data (P8).

pub mod ops;
mod port;
pub mod sink;

pub use port::Port;
