//! The base maps as a whole: they compile, and messages come out as resources.

use jiff::tz::TimeZone;

use super::*;
use crate::base::Digest;
use crate::hl7v2::Message;

pub(super) fn map(text: &str) -> Mapped {
    let (message, _) = Message::parse(text);
    let header = message.segment("MSH").expect("a message begins with MSH");
    let part = |number| header.field(9).repetition(1).component(number).text();
    let kind = format!("{}^{}", part(1), part(2));
    let context = Context { default_zone: TimeZone::UTC, message_digest: Digest::of(text.as_bytes()), trace: true };
    Release::builtin().select(&kind).expect("a plan for the message type").run(&message, &context)
}

#[test]
fn the_base_maps_compile() {
    if let Err(found) = Release::compile(&builtin_files()) {
        let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"));
    }
}

#[test]
fn one_bad_value_costs_one_leaf_and_nulls_delete() {
    let mapped =
        map("MSH|^~\\&|A|B|||20260312||ADT^A08|1|P|2.5.1\rPID|||7^^^M&1.2&ISO^MR||A^B||19709999|\"\"|||||\"\"");
    let patient = &mapped.resources.iter().find(|resource| resource.kind() == "Patient").unwrap();
    assert_eq!(patient.text(&["name", "family"]), Some("A"));
    assert!(patient.get("birthDate").is_none());
    assert_eq!(mapped.issues.len(), 1);
    assert_eq!(mapped.issues[0].location.as_ref().unwrap().to_string(), "PID-7");
    let cleared: Vec<&str> = mapped.cleared.iter().map(|(_, element)| element.as_str()).collect();
    assert_eq!(cleared, ["telecom", "gender"]);
}
