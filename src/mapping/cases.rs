//! Cases: a message and what must come of it, as files beside the rules.
//!
//! `NAME.hl7` holds the message, with any line ends; `NAME.json` the outcome: the resources in order and, where there
//! are any, `issues` (place and text), `cleared` (resource and element) and `unmapped` (table, code, place). A string
//! `*` in the expected outcome stands for whatever is there. The zone of a case is UTC.

use jiff::tz::TimeZone;

use super::{Context, Mapped, Release};
use crate::base::Digest;
use crate::fhir::{Node, Object};
use crate::hl7v2::{Header, Message};

/// What a message comes to under a release, in the form of a case's expected outcome; an error says why it cannot
/// be run.
pub fn outcome(release: &Release, message: &str) -> Result<Node, String> {
    let text = message.replace("\r\n", "\r").replace('\n', "\r");
    let (parsed, _) = Message::parse(text.as_str());
    let header = Header::read(text.as_bytes()).map_err(|fault| format!("the header does not read: {fault:?}"))?;
    let kind = header.message_type();
    let plan = release.select(&kind).ok_or_else(|| format!("there is no message map for {kind}"))?;
    let message_digest = Digest::of(text.as_bytes());
    let context = Context { default_zone: TimeZone::UTC, message_digest, sender: header.sender(), trace: false };
    Ok(describe(plan.run(&parsed, &context)))
}

fn describe(mapped: Mapped) -> Node {
    let mut outcome = Object::new();
    let cleared = mapped.cleared.iter().map(|(index, element)| {
        let resource = &mapped.resources[*index];
        Node::from(format!("{}/{} {element}", resource.kind(), resource.id().unwrap_or_default()))
    });
    let cleared: Vec<Node> = cleared.collect();
    let issues: Vec<Node> = mapped.issues.iter().map(|issue| Node::from(issue.to_string())).collect();
    let unmapped = mapped.unmapped.iter();
    let unmapped: Vec<Node> =
        unmapped.map(|code| Node::from(format!("{} {} {}", code.table, code.code, code.location))).collect();
    let resources: Vec<Node> = mapped.resources.into_iter().map(crate::fhir::Resource::into_node).collect();
    for (key, items) in [("resources", resources), ("issues", issues), ("cleared", cleared), ("unmapped", unmapped)] {
        if !items.is_empty() || key == "resources" {
            outcome.set(key, Node::Array(items));
        }
    }
    Node::Object(outcome)
}

/// Where an outcome is not as expected, at most twenty places: empty when it is.
pub fn differences(expected: &Node, got: &Node) -> Vec<String> {
    let mut found = Vec::new();
    compare("", expected, got, &mut found);
    found.truncate(20);
    found
}

fn compare(path: &str, expected: &Node, got: &Node, found: &mut Vec<String>) {
    match (expected, got) {
        (Node::String(any), _) if any == "*" => {}
        (Node::Object(expected), Node::Object(got)) => compare_members(path, expected, got, found),
        (Node::Array(expected), Node::Array(got)) if expected.len() == got.len() => {
            for (at, (expected, got)) in expected.iter().zip(got).enumerate() {
                compare(&format!("{path}[{at}]"), expected, got, found);
            }
        }
        _ if expected == got => {}
        _ => found.push(format!("{path}: expected {}, got {}", json(expected), json(got))),
    }
}

fn compare_members(path: &str, expected: &Object, got: &Object, found: &mut Vec<String>) {
    for (key, node) in expected.iter() {
        match got.get(key) {
            Some(other) => compare(&format!("{path}.{key}"), node, other, found),
            None => found.push(format!("{path}.{key}: expected {}, got nothing", json(node))),
        }
    }
    for (key, node) in got.iter().filter(|(key, _)| expected.get(key).is_none()) {
        found.push(format!("{path}.{key}: expected nothing, got {}", json(node)));
    }
}

fn json(node: &Node) -> String {
    let mut out = Vec::new();
    node.write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// JSON for people: one member or item a line, indented by one space a level; short ones on one line.
pub fn pretty(node: &Node) -> String {
    let mut out = String::new();
    write_pretty(node, 0, &mut out);
    out.push('\n');
    out
}

/// Up to this length, an object or list stays on one line.
const LINE_LENGTH: usize = 100;

fn write_pretty(node: &Node, depth: usize, out: &mut String) {
    let line = json(node);
    let parts: Vec<(String, &Node)> = match node {
        Node::Array(items) if line.len() > LINE_LENGTH => items.iter().map(|item| (String::new(), item)).collect(),
        Node::Object(members) if line.len() > LINE_LENGTH => {
            members.iter().map(|(key, node)| (format!("{}: ", json(&Node::from(key))), node)).collect()
        }
        _ => return out.push_str(&line),
    };
    let [open, close] = if matches!(node, Node::Array(_)) { ["[", "]"] } else { ["{", "}"] };
    out.push_str(open);
    for (at, (key, node)) in parts.into_iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        out.push_str(&" ".repeat(depth + 1));
        out.push_str(&key);
        write_pretty(node, depth + 1, out);
    }
    out.push('\n');
    out.push_str(&" ".repeat(depth));
    out.push_str(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_name_their_paths() {
        let expected = Node::parse(br#"{"a":[1,{"b":"x"}],"c":"*","d":true}"#).unwrap();
        let got = Node::parse(br#"{"a":[1,{"b":"y","e":1}],"c":{"any":1}}"#).unwrap();
        assert_eq!(
            differences(&expected, &got),
            [r#".a[1].b: expected "x", got "y""#, ".a[1].e: expected nothing, got 1", ".d: expected true, got nothing",]
        );
        assert!(differences(&got, &got).is_empty());
    }

    #[test]
    fn pretty_text_reads_back_as_the_same() {
        let node = outcome(
            &Release::builtin(),
            "MSH|^~\\&|A|B|||20260312||ADT^A08|1|P|2.5.1\nPID|||7^^^M&1.2&ISO^MR||Muster^Max||19700615",
        );
        let node = node.unwrap();
        assert_eq!(Node::parse(pretty(&node).as_bytes()).unwrap(), node);
    }
}
