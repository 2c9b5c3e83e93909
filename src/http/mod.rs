//! HTTP surfaces: health and metrics on the admin port, and the FHIR door.
//!
//! It must not know connectors or senders. Nothing here shows message content or patient data (P8).

pub mod fhir;
pub mod ops;
mod port;
pub mod sink;

pub use port::{LatestTls, Port, PortSettings};
