//! FHIR R4 REST, without HTTP: a request becomes a response through the interactions of the specification.
//!
//! Cast: a *request* is what a client asks, with the *caller* it was authenticated as; an *interaction* is what method,
//! path and query mean (R4 3.1.0); *terms* are what the client wants of the form of the answer; an *answer* is what came
//! of an interaction, before it is put into a form; a *fault* is why nothing came of it, told as an OperationOutcome.
//! Entries of a Bundle are interactions as any other.
//!
//! It promises that each interaction, wherever it stands, is checked against what the caller may do; that a write is
//! answered after it is durable; and that no text it makes holds a value of a resource (P8).
//!
//! It must not know sockets or web frameworks, nor SQL.

mod answer;
mod body;
mod bundle;
mod capability;
mod conditions;
mod fault;
mod find;
mod form;
mod guard;
mod history;
mod interaction;
mod message;
mod negotiation;
mod openapi;
pub mod operation;
mod page;
mod period;
mod provenance;
mod query;
mod read;
mod server;
mod write;

pub use answer::{Answer, Content};
pub use body::Body;
pub use conditions::Conditions;
pub use fault::{Cause, Fault};
pub use form::failure;
pub use interaction::{Interaction, Level, SearchScope};
pub use message::{Headers, Method, Request, Response};
pub use negotiation::{Format, Prefer, Return, Terms};
pub use server::{Call, Integrity, Policy, Server, Setup};
