//! FHIR XML: whatever can be read can be written, and reads back as it was, as XML and as JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use loopgate_fuzz::fhir::{Resource, xml};

fuzz_target!(|bytes: &[u8]| {
    let Ok(resource) = xml::read(bytes) else { return };
    let json = resource.to_json();
    let again = Resource::parse(&json).expect("what XML gave is JSON");
    let back = xml::read(&xml::write(&again, false)).expect("what was written can be read");
    let sorted = xml::write(&back, true);
    assert_eq!(sorted, xml::write(&resource, true));
});
