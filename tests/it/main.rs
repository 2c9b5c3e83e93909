//! The one integration binary: the fences around the sources, and the service as a whole. One module per behaviour.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod canary;
mod configurations;
mod documented;
mod fhir;
mod fhir_gateway;
mod fhir_xml;
mod fhirpath;
mod guide_codes;
mod layers;
mod mapping_cases;
mod message_path;
mod metamorphic;
mod mutation;
mod replay;
mod replicas;
mod round_trip;
mod search_oracle;
mod support;
mod tidy;
