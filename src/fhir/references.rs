//! Links between the resources of one Bundle, put to where the resources came to lie.
//!
//! Where a link may stand: `reference` of a Reference, elements of type uri, url, oid and uuid, and the links and
//! pictures of narratives (FHIR R4 http 3.1.0.11.2).

use smol_str::SmolStr;

use super::{Node, Object, Resource};

/// Members whose text is a link by its element's type, besides `reference`. A value that names nothing in the Bundle
/// stays as it is, so a name that is a uri in one type and a string in another does no harm.
const LINKS: [&str; 14] = [
    "reference",
    "url",
    "uri",
    "valueUri",
    "valueUrl",
    "valueOid",
    "valueUuid",
    "valueCanonical",
    "system",
    "source",
    "resource",
    "fullUrl",
    "endpoint",
    "instantiatesUri",
];

/// Rewrites every link for which `to` has an answer.
pub fn rewrite(resource: &mut Resource, to: &dyn Fn(&str) -> Option<SmolStr>) {
    rewrite_object(resource.object_mut(), to);
}

/// Every literal reference in a resource, contained ones included.
pub fn each<'r>(resource: &'r Resource, visit: &mut dyn FnMut(&'r str)) {
    each_of(resource.object(), visit);
}

fn each_of<'r>(object: &'r Object, visit: &mut dyn FnMut(&'r str)) {
    for (name, node) in object.iter() {
        match node {
            Node::String(text) if name == "reference" => visit(text),
            Node::Object(inner) => each_of(inner, visit),
            Node::Array(items) => items.iter().filter_map(Node::as_object).for_each(|inner| each_of(inner, visit)),
            _ => {}
        }
    }
}

fn rewrite_object(object: &mut Object, to: &dyn Fn(&str) -> Option<SmolStr>) {
    for (name, node) in object.iter_mut() {
        rewrite_member(name, node, to);
    }
}

fn rewrite_member(name: &str, node: &mut Node, to: &dyn Fn(&str) -> Option<SmolStr>) {
    match node {
        Node::String(text) if LINKS.contains(&name) => {
            if let Some(found) = to(text) {
                *text = found;
            }
        }
        Node::String(text) if name == "div" => rewrite_narrative(text, to),
        Node::Object(inner) => rewrite_object(inner, to),
        Node::Array(items) => items.iter_mut().for_each(|item| rewrite_member(name, item, to)),
        _ => {}
    }
}

/// `href="…"` and `src="…"`.
fn rewrite_narrative(text: &mut SmolStr, to: &dyn Fn(&str) -> Option<SmolStr>) {
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some((at, length)) = next_link(rest) {
        let link = &rest[at..at + length];
        if let Some(found) = to(link) {
            out.push_str(&rest[..at]);
            out.push_str(&found);
        } else {
            out.push_str(&rest[..at + length]);
        }
        rest = &rest[at + length..];
    }
    if !out.is_empty() {
        out.push_str(rest);
        *text = out.into();
    }
}

/// Where the next quoted link begins, and its length.
fn next_link(text: &str) -> Option<(usize, usize)> {
    let begins = ["href=\"", "src=\""].into_iter().filter_map(|name| Some(text.find(name)? + name.len()));
    let at = begins.min()?;
    Some((at, text[at..].find('"')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_rewritten_wherever_they_may_stand() {
        let text = br#"{"resourceType":"Observation","subject":{"reference":"urn:uuid:1"},"note":[{"text":"urn:uuid:1"}],
            "extension":[{"url":"x","valueUri":"urn:uuid:1"}],"hasMember":[{"reference":"urn:uuid:2"},{"reference":"urn:uuid:1"}],
            "text":{"div":"<div><a href=\"urn:uuid:1\">x</a><img src=\"urn:uuid:9\"/></div>"},
            "contained":[{"resourceType":"Patient","link":[{"other":{"reference":"urn:uuid:1"}}]}]}"#;
        let mut resource = Resource::parse(text).unwrap();
        rewrite(&mut resource, &|link| (link == "urn:uuid:1").then(|| "Patient/7".into()));
        let written = String::from_utf8(resource.to_json()).unwrap();
        assert_eq!(written.matches("Patient/7").count(), 5, "{written}");
        assert_eq!(written.matches("urn:uuid:1").count(), 1, "a note is no link: {written}");
        let mut seen = Vec::new();
        each(&resource, &mut |reference| seen.push(reference.to_owned()));
        assert_eq!(seen, ["Patient/7", "urn:uuid:2", "Patient/7", "Patient/7"]);
    }
}
