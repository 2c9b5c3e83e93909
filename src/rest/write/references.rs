//! References inside the resources of a request: rewritten to what they turn out to mean, and collected.
//!
//! What an entry is known by (`fullUrl`, `Type/id`) is replaced wherever a reference or a URI has exactly that text
//! (R4 3.1.0.11.2); one look into a table for each text that could be one.

use std::collections::HashMap;

use smol_str::SmolStr;

use crate::fhir::{Node, Object, Resource};

/// From the text of a reference to the text that replaces it.
pub type Renames = HashMap<SmolStr, SmolStr>;

/// Replaces what is known, wherever it stands.
pub fn rename(resource: &mut Resource, renames: &Renames) {
    if !renames.is_empty() {
        rename_members(resource.object_mut(), renames);
    }
}

fn rename_members(object: &mut Object, renames: &Renames) {
    for (name, node) in object.iter_mut() {
        match node {
            Node::String(text) if may_refer(name, text) => {
                if let Some(to) = renames.get(text) {
                    *text = to.clone();
                }
            }
            Node::Object(object) => rename_members(object, renames),
            Node::Array(items) => items.iter_mut().for_each(|item| rename_item(name, item, renames)),
            _ => {}
        }
    }
}

fn rename_item(name: &str, item: &mut Node, renames: &Renames) {
    match item {
        Node::Object(object) => rename_members(object, renames),
        Node::Array(items) => items.iter_mut().for_each(|item| rename_item(name, item, renames)),
        Node::String(text) if may_refer(name, text) => {
            if let Some(to) = renames.get(text) {
                *text = to.clone();
            }
        }
        _ => {}
    }
}

/// A reference, or a text in the form of a URI. `value` is that of an identifier, which stays what it is.
fn may_refer(name: &str, text: &str) -> bool {
    name == "reference" || (name != "value" && (text.starts_with("urn:") || text.starts_with("http")))
}

/// Every `reference` of a resource, in order.
pub fn each<'n>(object: &'n Object, visit: &mut impl FnMut(&'n SmolStr)) {
    for (name, node) in object.iter() {
        match node {
            Node::String(text) if name == "reference" => visit(text),
            other => each_below(other, visit),
        }
    }
}

fn each_below<'n>(node: &'n Node, visit: &mut impl FnMut(&'n SmolStr)) {
    match node {
        Node::Object(object) => each(object, visit),
        Node::Array(items) => items.iter().for_each(|item| each_below(item, visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_uris_are_renamed() {
        let text = br#"{"resourceType":"Observation","subject":{"reference":"urn:uuid:1"},
            "performer":[{"reference":"Practitioner/x"},{"reference":"Practitioner/y"}],
            "identifier":[{"system":"urn:ietf:rfc:3986","value":"urn:uuid:1"}],
            "extension":[{"url":"http://a","valueUri":"urn:uuid:1"},{"url":"http://a","valueString":"Practitioner/x"}],
            "instantiatesCanonical":["urn:uuid:1"]}"#;
        let mut resource = Resource::parse(text).unwrap();
        let renames = [("urn:uuid:1", "Patient/9"), ("Practitioner/x", "Practitioner/8")];
        rename(&mut resource, &renames.map(|(from, to)| (from.into(), to.into())).into_iter().collect());
        let mut found = Vec::new();
        each(resource.object(), &mut |reference| found.push(reference.as_str()));
        assert_eq!(found, ["Patient/9", "Practitioner/8", "Practitioner/y"]);
        let text = String::from_utf8(resource.to_json()).unwrap();
        assert!(text.contains(r#""value":"urn:uuid:1""#) && text.contains(r#""valueUri":"Patient/9""#), "{text}");
        assert!(text.contains(r#""valueString":"Practitioner/x""#), "{text}");
        assert!(text.contains(r#""instantiatesCanonical":["Patient/9"]"#), "{text}");
    }
}
