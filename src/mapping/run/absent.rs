//! Required elements that nothing in the message says: they stand with the reason for their absence
//! (http://hl7.org/fhir/StructureDefinition/data-absent-reason), so that what is known of a resource is not lost with
//! them and the resource is valid.
//!
//! They have no trace: no place of the message led to them. Elements with required parts of their own stay away, since
//! their parts would be missing in turn.

use std::collections::HashMap;
use std::sync::OnceLock;

use smol_str::SmolStr;

use crate::fhir::definitions::{self, Element, Primitive};
use crate::fhir::{Node, Object};

const URL: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// Adds what a resource of this type must have and has not.
pub fn complete(kind: &str, object: &mut Object) {
    for required in required(kind) {
        let is_there = object.iter().any(|(name, _)| match required.stem {
            Some(stem) => name.strip_prefix(stem).is_some_and(|rest| rest.starts_with(char::is_uppercase)),
            None => name == required.name || name == required.companion,
        });
        if !is_there {
            let name = if required.primitive { &required.companion } else { &required.name };
            let absent = absent();
            object.push(name.clone(), if required.list { Node::Array(vec![absent]) } else { absent });
        }
    }
}

/// Whether an element says nothing but that its value is absent.
pub fn is_absent(node: &Node) -> bool {
    let said = |node: &Node| {
        let Node::Object(object) = node else { return false };
        object.iter().count() == 1
            && node.get("extension").is_some_and(|list| list.items().iter().all(|one| one.text(&["url"]) == Some(URL)))
    };
    !node.items().is_empty() && node.items().iter().all(said)
}

fn absent() -> Node {
    let mut extension = Object::with_capacity(2);
    extension.push(SmolStr::new_static("url"), Node::from(URL));
    extension.push(SmolStr::new_static("valueCode"), Node::from("unknown"));
    let mut element = Object::with_capacity(1);
    element.push(SmolStr::new_static("extension"), Node::Array(vec![Node::Object(extension)]));
    Node::Object(element)
}

/// A required element of a resource type.
struct Required {
    /// As it stands in JSON; of a choice, the form that can be empty.
    name: SmolStr,
    /// `_name`, where a primitive says why it has no value.
    companion: SmolStr,
    /// Of a choice: what all of its forms begin with.
    stem: Option<&'static str>,
    primitive: bool,
    list: bool,
}

fn required(kind: &str) -> &'static [Required] {
    static TABLE: OnceLock<HashMap<&'static str, Vec<Required>>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        definitions::resources()
            .map(|kind| (kind, definitions::elements(kind).iter().filter_map(read).collect()))
            .collect()
    });
    table.get(kind).map_or(&[], Vec::as_slice)
}

fn read(element: &Element) -> Option<Required> {
    let stem = element.name.strip_suffix("[x]");
    let kind = match stem {
        Some(_) => element.types().find(|kind| *kind == "CodeableConcept")?,
        None => element.types().next()?,
    };
    let primitive = Primitive::of(kind).is_some();
    let has_required_parts = definitions::elements(kind).iter().any(|part| part.required);
    if !element.required || has_required_parts || (primitive && element.list) {
        return None;
    }
    let name = stem.map_or_else(|| element.name.into(), |stem| smol_str::format_smolstr!("{stem}{kind}"));
    Some(Required { companion: smol_str::format_smolstr!("_{name}"), name, stem, primitive, list: element.list })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::Resource;

    fn check(before: &str, after: &str) {
        let mut resource = Resource::parse(before.as_bytes()).unwrap();
        let kind = resource.kind().to_owned();
        complete(&kind, resource.object_mut());
        assert_eq!(String::from_utf8(resource.to_json()).unwrap(), after.replace("ABSENT", &shown()));
    }

    fn shown() -> String {
        format!(r#"{{"extension":[{{"url":"{URL}","valueCode":"unknown"}}]}}"#)
    }

    #[test]
    fn what_is_required_and_missing_says_that_it_is_absent() {
        check(
            r#"{"resourceType":"Observation","id":"o","status":"final"}"#,
            r#"{"resourceType":"Observation","id":"o","status":"final","code":ABSENT}"#,
        );
        check(
            r#"{"resourceType":"Provenance","id":"p","agent":[{"who":{"display":"d"}}]}"#,
            r#"{"resourceType":"Provenance","id":"p","agent":[{"who":{"display":"d"}}],"target":[ABSENT],"_recorded":ABSENT}"#,
        );
        check(r#"{"resourceType":"Patient","id":"a"}"#, r#"{"resourceType":"Patient","id":"a"}"#);
    }

    #[test]
    fn only_what_says_nothing_else_is_absent() {
        assert!(is_absent(&absent()) && is_absent(&Node::Array(vec![absent()])));
        assert!(!is_absent(&Node::from("text")) && !is_absent(&Node::Array(Vec::new())));
    }
}
