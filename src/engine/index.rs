//! What can be found of a resource: its identifiers, its status, and what it refers to.
//!
//! Codes are those of the R4 search parameters; the table grows with the search that needs it.

use smol_str::SmolStr;

use crate::fhir::{Node, Resource};
use crate::record::{IndexEntry, ResourceKey};

/// Elements that hold references, with the R4 search parameter that finds them.
const REFERENCES: [(&str, &str); 9] = [
    ("subject", "patient"),
    ("patient", "patient"),
    ("for", "patient"),
    ("beneficiary", "patient"),
    ("basedOn", "based-on"),
    ("focus", "focus"),
    ("requester", "requester"),
    ("owner", "owner"),
    ("encounter", "encounter"),
];

/// The index entries of a resource, each once.
pub fn index(resource: &Resource) -> Vec<IndexEntry> {
    let mut entries: Vec<IndexEntry> = Vec::new();
    let mut add = |entry: IndexEntry| {
        // A resource has few entries: a scan is cheaper than a set.
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    };
    resource.get("identifier").into_iter().flat_map(Node::items).filter_map(identifier).for_each(&mut add);
    resource.text(&["status"]).map(|status| token("status", "", status)).into_iter().for_each(&mut add);
    for (element, parameter) in REFERENCES {
        let nodes = resource.get(element).into_iter().flat_map(Node::items);
        nodes.filter_map(|node| reference(parameter, node)).for_each(&mut add);
    }
    let participants = resource.get("participant").into_iter().flat_map(Node::items);
    participants.filter_map(|node| reference("actor", node.get("actor")?)).for_each(&mut add);
    entries
}

fn token(parameter: &'static str, system: &str, value: &str) -> IndexEntry {
    IndexEntry::Token { parameter: SmolStr::new_static(parameter), system: system.into(), value: value.into() }
}

fn identifier(node: &Node) -> Option<IndexEntry> {
    Some(token("identifier", node.text(&["system"]).unwrap_or_default(), node.text(&["value"])?))
}

fn reference(parameter: &'static str, node: &Node) -> Option<IndexEntry> {
    let target = target(node.text(&["reference"])?)?;
    Some(IndexEntry::Reference { parameter: SmolStr::new_static(parameter), target })
}

/// The key of a literal reference of the form `Type/id`.
pub fn target(reference: &str) -> Option<ResourceKey> {
    let (kind, id) = reference.split_once('/')?;
    let plain =
        !kind.is_empty() && !id.is_empty() && !id.contains('/') && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
    plain.then(|| ResourceKey::new(kind, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_status_and_references_are_found_once() {
        let text = br#"{"resourceType":"Appointment","id":"a","identifier":[{"system":"urn:x","value":"1"},{"system":"urn:x","value":"1"}],
            "status":"booked","basedOn":[{"reference":"ServiceRequest/s"}],"participant":[{"actor":{"reference":"Patient/p"}},{"actor":{"display":"no reference"}}]}"#;
        let entries = index(&Resource::parse(text).unwrap());
        let expected = [
            token("identifier", "urn:x", "1"),
            token("status", "", "booked"),
            IndexEntry::Reference { parameter: "based-on".into(), target: ResourceKey::new("ServiceRequest", "s") },
            IndexEntry::Reference { parameter: "actor".into(), target: ResourceKey::new("Patient", "p") },
        ];
        assert_eq!(entries, expected);
    }

    #[test]
    fn only_literal_relative_references_have_a_key() {
        assert_eq!(target("Patient/p"), Some(ResourceKey::new("Patient", "p")));
        for other in ["#contained", "urn:uuid:1/2", "http://x/Patient/p", "Patient/", "Patient/p/_history/1"] {
            assert_eq!(target(other), None, "{other}");
        }
    }
}
