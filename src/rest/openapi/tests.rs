//! The document holds together: what it refers to is there, and its paths are those of the door.

use std::collections::BTreeSet;

use super::schema::schemas;
use super::*;
use crate::rest::Interaction;

fn collect(node: &Node, found: &mut BTreeSet<String>) {
    match node {
        Node::Object(object) => object.iter().for_each(|(name, node)| match node.as_str() {
            Some(text) if name == "$ref" => drop(found.insert(text.to_owned())),
            _ => collect(node, found),
        }),
        Node::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

#[test]
fn what_is_referred_to_is_there() {
    let kinds: Vec<&'static str> = definitions::resources().collect();
    let components =
        object([("schemas", schemas(&kinds).into()), ("parameters", parameters(&kinds)), ("responses", responses())]);
    let codes: Vec<&str> = search::parameters("Patient").map(|parameter| parameter.code).collect();
    let calls =
        [search_of("Patient", &codes), search_by(&["_type"]), history(), form(), patch(), call("x", &["id"], None)];
    let mut names = BTreeSet::new();
    calls.iter().chain([&components]).for_each(|node| collect(node, &mut names));
    assert!(names.len() > 40, "{}", names.len());
    for name in names {
        let steps: Vec<&str> = name.strip_prefix("#/components/").unwrap().split('/').collect();
        assert!(components.at(&steps).is_some(), "{name}");
    }
}

#[test]
fn a_type_has_its_elements_and_codes() {
    let patient = schemas(&["Patient"]);
    let patient = patient.get("Patient").unwrap();
    assert!(patient.at(&["properties", "gender", "enum"]).is_some());
    assert_eq!(patient.text(&["properties", "name", "items", "$ref"]), Some("#/components/schemas/Element"));
    assert_eq!(patient.text(&["properties", "deceasedBoolean", "$ref"]), Some("#/components/schemas/boolean"));
}

#[test]
fn the_document_has_a_path_of_its_own() {
    assert!(matches!(Interaction::parse(Method::Get, "openapi.json"), Ok(Interaction::OpenApi)));
    assert!(Interaction::parse(Method::Post, "openapi.json").is_err());
}
