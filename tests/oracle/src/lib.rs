//! The layers of the gateway that XML needs, taken as source, so that this build needs neither stores nor network.

#[path = "../../../src/base/mod.rs"]
pub mod base;
#[path = "../../../src/fhir/mod.rs"]
pub mod fhir;
