//! A FHIR message (Bundle of type `message`) read as what it says: its resources under ids of ours.
//!
//! It is received, ordered, deduplicated and decided like every message; only its reading is its own. A resource is
//! known by its first business identifier with a system, so that both doors mean the same thing by it; else by the
//! `fullUrl` that its sender gave it, so that a later message about it is about the same.

use std::collections::HashMap;

use smol_str::{SmolStr, format_smolstr};

use crate::base::ids::FeedName;
use crate::base::{Issue, IssueCode};
use crate::fhir::{Node, Resource, references};
use crate::mapping::logical_id;
use crate::record::{Lane, Lanes};

use super::identity::identity_keys;

/// How the journal tells FHIR messages from those of HL7 v2: `Bundle^I12`.
const TYPE_PREFIX: &str = "Bundle^";

/// What is known of a message before it is read whole.
pub struct Envelope {
    /// `Bundle^` and the code of the event.
    pub message_type: SmolStr,
    /// `MessageHeader.id`: what an answer refers to, and what tells a resend from news (FHIR R4 messaging 2.4.4).
    pub id: SmolStr,
    /// `MessageHeader.source.endpoint`.
    pub source: SmolStr,
    pub lanes: Lanes,
}

/// Whether a stored message is one of FHIR.
pub fn is_fhir(message_type: &str) -> bool {
    message_type.starts_with(TYPE_PREFIX)
}

/// Reads the envelope. An error names what the Bundle must have.
pub fn envelope(bundle: &Resource, client: &FeedName) -> Result<Envelope, Issue> {
    let header = header(bundle)?;
    let event = header.text(&["eventCoding", "code"]).or_else(|| header.text(&["eventUri"]));
    let id = header.text(&["id"]).ok_or_else(|| missing("MessageHeader.id"))?;
    Ok(Envelope {
        message_type: format_smolstr!("{TYPE_PREFIX}{}", event.ok_or_else(|| missing("MessageHeader.event[x]"))?),
        id: id.into(),
        source: header.text(&["source", "endpoint"]).unwrap_or_default().into(),
        lanes: lanes(bundle, client),
    })
}

fn header(bundle: &Resource) -> Result<&Node, Issue> {
    if bundle.kind() != "Bundle" || bundle.text(&["type"]) != Some("message") {
        return Err(missing("a Bundle of type message"));
    }
    let first = entries(bundle).next().and_then(|entry| entry.get("resource"));
    first
        .filter(|resource| resource.text(&["resourceType"]) == Some("MessageHeader"))
        .ok_or_else(|| missing("a MessageHeader as its first entry"))
}

fn missing(what: &str) -> Issue {
    Issue::error(IssueCode::RequiredMissing, format!("a FHIR message needs {what}"))
}

fn entries(bundle: &Resource) -> impl Iterator<Item = &Node> {
    bundle.get("entry").into_iter().flat_map(Node::items)
}

/// The lanes of its patients' record numbers and of its referrals, the same as those of HL7 v2; else its client's.
pub fn lanes(bundle: &Resource, client: &FeedName) -> Lanes {
    let mut lanes = Vec::new();
    for resource in entries(bundle).filter_map(|entry| entry.get("resource")).filter_map(as_resource) {
        match resource.kind() {
            "Patient" => {
                lanes.extend(identity_keys(&resource).iter().map(|key| lane("patient", &key.system, &key.value)));
            }
            "ServiceRequest" => lanes.extend(number(&resource).map(|(system, value)| lane("referral", system, value))),
            _ => {}
        }
    }
    match lanes.split_first() {
        Some((first, others)) => Lanes::new(*first, others.iter().copied()),
        None => Lanes::new(Lane::of("sender", client.as_str(), ""), []),
    }
}

fn lane(kind: &str, system: &str, value: &str) -> Lane {
    let authority = ["urn:oid:", "urn:loopgate:authority:"].iter().find_map(|prefix| system.strip_prefix(prefix));
    Lane::of(kind, authority.unwrap_or(system), value)
}

fn as_resource(node: &Node) -> Option<Resource> {
    Resource::from_object(node.as_object()?.clone()).ok()
}

/// The first business identifier that has a system.
fn number(resource: &Resource) -> Option<(&str, &str)> {
    let mut identifiers = resource.get("identifier").into_iter().flat_map(Node::items);
    identifiers
        .find_map(|one| Some((one.text(&["system"]).filter(|system| !system.is_empty())?, one.text(&["value"])?)))
}

/// Its resources under ids of ours, their references with them, and what is wrong with it. `sender` is whose names the
/// `fullUrl`s are.
pub fn read(bytes: &[u8], sender: &str) -> (Vec<Resource>, Vec<Issue>) {
    let Ok(bundle) = Resource::parse(bytes) else {
        return (Vec::new(), vec![missing("to be a resource of JSON")]);
    };
    let mut issues = Vec::new();
    let mut ids: HashMap<SmolStr, SmolStr> = HashMap::new();
    let mut resources = Vec::new();
    for entry in entries(&bundle) {
        let Some(mut resource) = entry.get("resource").and_then(as_resource) else {
            issues.push(missing("a resource in every entry"));
            continue;
        };
        let full_url = entry.text(&["fullUrl"]).unwrap_or_default();
        let relative = format_smolstr!("{}/{}", resource.kind(), resource.id().unwrap_or_default());
        let id = id_of(&resource, full_url, &relative, sender);
        let reference = format_smolstr!("{}/{id}", resource.kind());
        for name in [full_url, &relative].into_iter().filter(|name| !name.is_empty()) {
            ids.insert(name.into(), reference.clone());
        }
        resource.set_id(id);
        resources.push(resource);
    }
    for resource in &mut resources {
        references::rewrite(resource, &|link| ids.get(link).cloned());
    }
    (resources, issues)
}

fn id_of(resource: &Resource, full_url: &str, relative: &str, sender: &str) -> SmolStr {
    if let Some((system, value)) = number(resource) {
        return logical_id(resource.kind(), system, value);
    }
    if full_url.is_empty() {
        logical_id(resource.kind(), &format!("urn:loopgate:sender:{sender}"), relative)
    } else {
        logical_id(resource.kind(), "urn:loopgate:full-url", full_url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = r#"{"resourceType":"Bundle","type":"message","entry":[
        {"fullUrl":"http://a/fhir/MessageHeader/m1","resource":{"resourceType":"MessageHeader","id":"m1","eventCoding":{"code":"A04"},
          "source":{"endpoint":"http://a/fhir"},"focus":[{"reference":"http://a/fhir/Encounter/e"}]}},
        {"fullUrl":"http://a/fhir/Patient/p","resource":{"resourceType":"Patient","id":"p",
          "identifier":[{"type":{"coding":[{"code":"MR"}]},"system":"urn:oid:1.2","value":"7"}]}},
        {"fullUrl":"http://a/fhir/Encounter/e","resource":{"resourceType":"Encounter","id":"e","subject":{"reference":"Patient/p"}}}]}"#;

    #[test]
    fn the_envelope_names_event_id_source_and_the_patients_lane() {
        let bundle = Resource::parse(MESSAGE.as_bytes()).unwrap();
        let envelope = envelope(&bundle, &FeedName::new("c")).unwrap_or_else(|issue| panic!("{issue}"));
        assert_eq!((&*envelope.message_type, &*envelope.id, &*envelope.source), ("Bundle^A04", "m1", "http://a/fhir"));
        assert_eq!(envelope.lanes.as_slice(), [Lane::of("patient", "1.2", "7")]);
        assert!(is_fhir(&envelope.message_type) && !is_fhir("ADT^A04"));
    }

    #[test]
    fn what_is_no_message_is_told_what_it_lacks() {
        for (text, lacks) in [
            (r#"{"resourceType":"Bundle","type":"batch"}"#, "a Bundle of type message"),
            (
                r#"{"resourceType":"Bundle","type":"message","entry":[{"resource":{"resourceType":"Patient"}}]}"#,
                "as its first entry",
            ),
            (
                r#"{"resourceType":"Bundle","type":"message","entry":[{"resource":{"resourceType":"MessageHeader","id":"1"}}]}"#,
                "event[x]",
            ),
            (
                r#"{"resourceType":"Bundle","type":"message","entry":[{"resource":{"resourceType":"MessageHeader","eventUri":"x"}}]}"#,
                "MessageHeader.id",
            ),
        ] {
            let bundle = Resource::parse(text.as_bytes()).unwrap();
            let issue = envelope(&bundle, &FeedName::new("c")).err().expect(text);
            assert!(issue.text.contains(lacks), "{}", issue.text);
        }
    }

    #[test]
    fn resources_get_ids_that_come_again_and_references_follow() {
        let (resources, issues) = read(MESSAGE.as_bytes(), "s");
        assert!(issues.is_empty());
        let patient = logical_id("Patient", "urn:oid:1.2", "7");
        assert_eq!(resources[1].id(), Some(&*patient));
        assert_eq!(resources[2].text(&["subject", "reference"]), Some(&*format!("Patient/{patient}")));
        let focus = resources[0].text(&["focus", "reference"]).unwrap();
        assert_eq!(Some(focus), resources[2].id().map(|id| format!("Encounter/{id}")).as_deref());
        assert!(read(MESSAGE.as_bytes(), "s").0 == resources);
    }
}
