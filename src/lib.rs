//! Loopgate: a FHIR-native integration gateway. HL7 v2 and FHIR in, workflow states moved, status told to referrers.
//!
//! The modules in reading order, lowest layer first; a module may use those above it in this list as
//! `docs/architecture.md` and `tests/it/layers.rs` say.

/// Who may ask what at the FHIR door: clients, tokens, scopes, compartments.
pub mod access;
/// The composition root: open, run, drain.
pub mod app;
/// Identifiers, clock, chance, limits, issues, patient data by type.
pub mod base;
/// The commands.
pub mod cli;
/// The configuration file, checked and resolved.
pub mod config;
/// One protocol each, both directions.
pub mod connectors;
/// The sender port, failure classes, retry policy.
pub mod delivery;
/// The order of events: intake, process, deliver, advance.
pub mod engine;
/// FHIR R4 resources as checked, lossless JSON with narrow views.
pub mod fhir;
/// HL7 v2: frames, messages, paths, character sets, time stamps, acknowledgements.
pub mod hl7v2;
/// HTTP surfaces: health, metrics, and the FHIR door.
pub mod http;
/// What a feed's samples say about the feed: configuration, overlay, advice.
pub mod inference;
/// The mapping language: compiled, run and traced.
pub mod mapping;
/// Resources judged: by R4 itself and by the profiles they claim.
pub mod profile;
/// What is kept, and in which states.
pub mod record;
/// The FHIR REST interactions, without HTTP.
pub mod rest;
/// Who is told what.
pub mod routing;
/// What resources are found by: the R4 search parameters, pure.
pub mod search;
/// The persistence port and its two backends.
pub mod store;
/// Names of metrics, spans and log fields; logging set-up; redaction.
pub mod telemetry;
/// Referral state machines as pure functions.
pub mod workflow;
