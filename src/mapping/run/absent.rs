//! Required elements that nothing in the message says: they stand with the reason for their absence
//! (http://hl7.org/fhir/StructureDefinition/data-absent-reason), so that what is known of a resource is not lost with
//! them and the resource is valid.
//!
//! They have no trace: no place of the message led to them.

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
            None => name == required.element || name == required.name,
        });
        if !is_there {
            object.push(required.name.clone(), required.absent.clone());
        }
    }
}

/// Whether an element says nothing but that its value, or each of its parts, is absent.
pub fn is_absent(node: &Node) -> bool {
    let said = |node: &Node| {
        let Node::Object(object) = node else { return false };
        object.iter().all(|(name, part)| match name {
            "extension" => part.items().iter().all(|one| one.text(&["url"]) == Some(URL)),
            _ => is_absent(part),
        })
    };
    !node.items().is_empty() && node.items().iter().all(said)
}

/// An object that says why it has no value.
fn unknown() -> Node {
    let mut extension = Object::with_capacity(2);
    extension.push(SmolStr::new_static("url"), Node::from(URL));
    extension.push(SmolStr::new_static("valueCode"), Node::from("unknown"));
    let mut element = Object::with_capacity(1);
    element.push(SmolStr::new_static("extension"), Node::Array(vec![Node::Object(extension)]));
    Node::Object(element)
}

/// A required element of a type.
struct Required {
    /// As R4 has it, of a choice with its stem.
    element: &'static str,
    /// Of a choice: what all of its forms begin with.
    stem: Option<&'static str>,
    /// The member that stands for it: `_name` for a primitive, which says why it has no value.
    name: SmolStr,
    absent: Node,
}

fn required(kind: &str) -> &'static [Required] {
    static TABLE: OnceLock<HashMap<&'static str, Vec<Required>>> = OnceLock::new();
    let table = TABLE.get_or_init(|| definitions::resources().map(|kind| (kind, read(kind, 0))).collect());
    table.get(kind).map_or(&[], Vec::as_slice)
}

fn read(kind: &str, depth: usize) -> Vec<Required> {
    let required = definitions::elements(kind).iter().filter(|element| element.required);
    required.filter_map(|element| read_element(element, depth)).collect()
}

/// Required parts of required parts, as deep as R4 nests them; a type that requires itself ends somewhere.
const DEPTH_MAX: usize = 4;

fn read_element(element: &Element, depth: usize) -> Option<Required> {
    let stem = element.name.strip_suffix("[x]");
    let coded = element.types().find(|kind| stem.is_some() && *kind == "CodeableConcept");
    let kind = coded.or_else(|| element.types().next())?;
    let primitive = Primitive::of(kind).is_some();
    if (primitive && element.list) || depth > DEPTH_MAX {
        return None;
    }
    let name = stem.map_or_else(|| SmolStr::from(element.name), |stem| chosen(stem, kind));
    let absent = of_parts(kind, depth);
    Some(Required {
        element: element.name,
        stem,
        name: if primitive { smol_str::format_smolstr!("_{name}") } else { name },
        absent: if element.list { Node::Array(vec![absent]) } else { absent },
    })
}

/// `occurrence` and `dateTime`: `occurrenceDateTime`.
fn chosen(stem: &str, kind: &str) -> SmolStr {
    let (first, rest) = kind.split_at(1);
    smol_str::format_smolstr!("{stem}{}{rest}", first.to_ascii_uppercase())
}

/// An element whose required parts are absent; one without such parts is absent itself.
fn of_parts(kind: &str, depth: usize) -> Node {
    let parts = read(kind, depth + 1);
    if parts.is_empty() {
        return unknown();
    }
    Node::Object(parts.into_iter().map(|part| (part.name, part.absent)).collect())
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
        check(
            r#"{"resourceType":"DocumentReference","id":"d","status":"current"}"#,
            r#"{"resourceType":"DocumentReference","id":"d","status":"current","content":[{"attachment":ABSENT}]}"#,
        );
        check(
            r#"{"resourceType":"Immunization","id":"i","status":"completed","vaccineCode":{"text":"v"},"patient":{"display":"p"}}"#,
            r#"{"resourceType":"Immunization","id":"i","status":"completed","vaccineCode":{"text":"v"},"patient":{"display":"p"},"_occurrenceDateTime":ABSENT}"#,
        );
        check(r#"{"resourceType":"Patient","id":"a"}"#, r#"{"resourceType":"Patient","id":"a"}"#);
    }

    #[test]
    fn only_what_says_nothing_else_is_absent() {
        assert!(is_absent(&unknown()) && is_absent(&Node::Array(vec![unknown()])));
        assert!(is_absent(&of_parts("DocumentReference.content", 0)));
        assert!(!is_absent(&Node::from("text")) && !is_absent(&Node::Array(Vec::new())));
    }
}
