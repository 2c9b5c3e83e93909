//! Traces of the cases of the base maps: complete, true, and the same after they were kept.

use std::collections::BTreeMap;

use super::*;
use crate::fhir::{Node, Object};
use crate::hl7v2::{Message, Value};
use crate::mapping::Mapped;
use crate::mapping::tests::{as_configured, cases, map};

fn leaves_of(path: &str, node: &Node, out: &mut BTreeMap<String, usize>) {
    match node {
        Node::Object(object) => members(path, object, out),
        Node::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| leaves_of(&format!("{path}[{at}]"), item, out));
        }
        _ => *out.entry(path.to_owned()).or_default() += 1,
    }
}

fn members(path: &str, object: &Object, out: &mut BTreeMap<String, usize>) {
    // What is required and absent came from nowhere.
    for (key, node) in object.iter().filter(|(_, node)| !crate::mapping::is_absent(node)) {
        let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        leaves_of(&path, node, out);
    }
}

fn mapped_cases() -> Vec<(String, String, Mapped)> {
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a readable case").replace('\n', "\r");
        let mapped = map(&text);
        (path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), text, mapped)
    };
    cases().into_iter().map(read).collect()
}

#[test]
fn every_leaf_has_one_trace_and_every_trace_a_leaf() {
    let mut wrong = Vec::new();
    for (name, _, mapped) in mapped_cases() {
        let trace = mapped.trace.as_ref().expect("asked for");
        let mut traced = vec![BTreeMap::new(); mapped.resources.len()];
        trace.leaves().for_each(|leaf| *traced[leaf.resource()].entry(leaf.path()).or_default() += 1);
        for (resource, traced) in mapped.resources.iter().zip(traced) {
            let mut leaves = BTreeMap::new();
            members("", resource.object(), &mut leaves);
            let missing = leaves.keys().filter(|path| !traced.contains_key(*path));
            wrong.extend(missing.map(|path| format!("{name}: {} {path} has no trace", resource.kind())));
            for (path, count) in &traced {
                if leaves.get(path) != Some(count) {
                    wrong.push(format!("{name}: {} {path} is traced {count} times", resource.kind()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} leaves\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_leaf_names_its_sources_and_its_chain_ends_at_the_message_map() {
    for (name, text, mapped) in mapped_cases() {
        let trace = mapped.trace.as_ref().expect("asked for");
        let (message, _) = Message::parse(text.as_str());
        for leaf in trace.leaves() {
            let chain = leaf.chain();
            let top = chain.last().expect("a rule");
            assert!(top.file.contains("/message/"), "{name} {leaf:?}: {}", top.place());
            assert!(leaf.origin() != Origin::Field || !leaf.sources().is_empty(), "{name} {leaf:?}");
            for source in leaf.sources() {
                let path = source.to_string().parse().expect("a path");
                assert!(message.get(&path).is_some_and(Value::is_valued), "{name} {leaf:?} {source}");
            }
        }
    }
}

#[test]
fn a_trace_that_was_kept_says_the_same() {
    let release = as_configured();
    for (name, _, mapped) in mapped_cases() {
        let trace = mapped.trace.as_ref().expect("asked for");
        let bytes = trace.encode();
        let again = Trace::decode(&bytes, release.book()).expect("what was encoded");
        assert!(trace.is_as(&again), "{name}");
        assert!(bytes.len() < 20 * trace.leaves().len(), "{name}: {} bytes", bytes.len());
        for length in 0..bytes.len() {
            assert!(Trace::decode(&bytes[..length], release.book()).is_err(), "{name} cut at {length}");
        }
    }
    let other = Arc::new(RuleBook::default());
    assert_eq!(Trace::decode(&[9], &other).err(), Some(TraceFault::Version(9)));
    assert_eq!(Trace::decode(&[1; 20], &other).err(), Some(TraceFault::OtherRelease));
}

#[test]
fn what_became_of_a_place_is_told() {
    let text = "MSH|^~\\&|A|B|||20260312||ADT^A08|1|P|2.5.1\rPID|||7^^^M&1.2&ISO^MR||A^B||19709999|XYZ|||||\"\"\rPV1||O\rZZZ|x";
    let mapped = map(text);
    let (message, _) = Message::parse(text);
    let trace = mapped.trace.as_ref().expect("asked for");
    let fields = trace.fields(&message);
    let fate = |place: &str| {
        let field = fields.iter().find(|field| field.location.to_string() == place);
        field.unwrap_or_else(|| panic!("{place} is populated")).fate()
    };
    assert_eq!(fate("PID-5.1.1"), Fate::Mapped);
    assert_eq!(fate("PID-7.1.1"), Fate::Left(Outcome::BadValue));
    assert_eq!(fate("PID-8.1.1"), Fate::Left(Outcome::UnmappedCode));
    assert_eq!(fate("ZZZ-1.1.1"), Fate::Unused);
    assert!(trace.unused(&message).iter().any(|place| place.to_string() == "ZZZ-1.1.1"));
    let family = trace.leaves().find(|leaf| leaf.path() == "name[0].family").expect("a name");
    assert_eq!(family.sources()[0].to_string(), "PID-5.1.1");
    let maps: Vec<&str> = family.chain().iter().map(|rule| rule.map.as_str()).collect();
    assert_eq!(maps, ["XPN-HumanName", "PID-Patient", "ADT_A01"]);
}
