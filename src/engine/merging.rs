//! Two records of one patient made one: what each of them says afterwards (HL7 v2 ADT^A40; FHIR `Patient/$merge`).
//!
//! The survivor gets the identifiers of the other, marked as old; the other is kept, inactive, and points to it. What
//! refers to the other is found through the redirect that goes with this.

use smol_str::format_smolstr;

use crate::fhir::{Node, Object, Resource};

/// The other, as it stands after the merge.
pub fn retired(source: &Resource, survivor: &str) -> Resource {
    let mut retired = source.clone();
    retired.object_mut().set("active", false);
    link(&mut retired, survivor, "replaced-by");
    retired
}

/// The survivor, as it stands after the merge. With `wanted`, what its client wants it to be, identifiers and link added.
pub fn survivor(target: &Resource, source: &Resource, wanted: Option<&Resource>) -> Resource {
    let mut survivor = wanted.unwrap_or(target).clone();
    survivor.set_id(target.id().unwrap_or_default());
    let known = identifiers(&survivor);
    let added = identifiers(source).into_iter().filter(|one| !known.iter().any(|other| is_same(one, other)));
    let all: Vec<Node> = known.iter().cloned().chain(added.map(old)).collect();
    if !all.is_empty() {
        survivor.object_mut().set("identifier", all);
    }
    link(&mut survivor, source.id().unwrap_or_default(), "replaces");
    survivor
}

fn identifiers(patient: &Resource) -> Vec<Node> {
    patient.get("identifier").into_iter().flat_map(Node::items).cloned().collect()
}

fn is_same(one: &Node, other: &Node) -> bool {
    ["system", "value"].iter().all(|part| one.text(&[part]) == other.text(&[part]))
}

fn old(mut identifier: Node) -> Node {
    if let Some(object) = identifier.as_object_mut() {
        object.set("use", "old");
    }
    identifier
}

fn link(patient: &mut Resource, other: &str, kind: &str) {
    let reference = format_smolstr!("Patient/{other}");
    let mut links: Vec<Node> = patient.get("link").into_iter().flat_map(Node::items).cloned().collect();
    let is_there =
        |link: &Node| link.text(&["other", "reference"]) == Some(&reference) && link.text(&["type"]) == Some(kind);
    if links.iter().any(is_there) {
        return;
    }
    let target: Object = [("reference", Node::String(reference.clone()))].into_iter().collect();
    links.push(Node::Object([("other", Node::Object(target)), ("type", Node::from(kind))].into_iter().collect()));
    patient.object_mut().set("link", links);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_survivor_has_both_numbers_and_the_other_points_to_it() {
        let parse = |text: &str| Resource::parse(text.as_bytes()).unwrap();
        let source = parse(
            r#"{"resourceType":"Patient","id":"a","active":true,"identifier":[{"system":"s","value":"1"},{"system":"s","value":"2"}]}"#,
        );
        let target = parse(r#"{"resourceType":"Patient","id":"b","identifier":[{"system":"s","value":"2"}]}"#);
        let text = |resource: Resource| String::from_utf8(resource.to_json()).unwrap();
        assert_eq!(
            text(retired(&source, "b")),
            r#"{"resourceType":"Patient","id":"a","active":false,"identifier":[{"system":"s","value":"1"},{"system":"s","value":"2"}],"link":[{"other":{"reference":"Patient/b"},"type":"replaced-by"}]}"#
        );
        let survivor = survivor(&target, &source, None);
        assert_eq!(
            text(survivor.clone()),
            r#"{"resourceType":"Patient","id":"b","identifier":[{"system":"s","value":"2"},{"system":"s","value":"1","use":"old"}],"link":[{"other":{"reference":"Patient/a"},"type":"replaces"}]}"#
        );
        assert!(super::survivor(&survivor, &source, None) == survivor, "once is enough");
    }
}
