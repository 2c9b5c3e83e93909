//! Bundles and all other resources in JSON: reading, the check of the form, patches and parts end, and what is read is
//! written as it was. The resolution of references within a transaction wants a store, and is not reached from here.
#![no_main]

use libfuzzer_sys::fuzz_target;
use loopgate_fuzz::fhir::subset::{self, Summary};
use loopgate_fuzz::fhir::{Node, Resource, patch, xml};
use loopgate_fuzz::profile;

fuzz_target!(|bytes: &[u8]| {
    let Ok(node) = Node::parse(bytes) else { return };
    let mut text = Vec::new();
    node.write(&mut text);
    assert!(Node::parse(&text).as_ref() == Ok(&node));
    let Ok(resource) = Resource::parse(bytes) else { return };
    let sound = profile::check_structure(&resource).is_empty();
    let written = xml::write(&resource, false);
    if sound {
        assert!(xml::read(&written).is_ok(), "what is sound in JSON can be read as XML");
    }
    let _ = subset::summary(&resource, Summary::True);
    let _ = subset::elements(&resource, &["id", "entry"]);
    let _ = patch::fhirpath_patch(&resource, &resource);
    if let Some(patch) = resource.get("entry") {
        let _ = patch::json_patch(&resource, patch);
    }
});
