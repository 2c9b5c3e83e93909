//! The lowest layers of the gateway, taken as source: so a fuzz build needs neither stores nor network libraries.

#[path = "../../src/base/mod.rs"]
pub mod base;
#[path = "../../src/hl7v2/mod.rs"]
pub mod hl7v2;
#[path = "../../src/fhir/mod.rs"]
pub mod fhir;
#[path = "../../src/profile/mod.rs"]
pub mod profile;
#[path = "../../src/record/mod.rs"]
pub mod record;
#[path = "../../src/search/mod.rs"]
pub mod search;
