//! Explanations of small synthetic messages under small releases.

use std::collections::BTreeMap;

use super::*;
use crate::base::Digest;
use crate::mapping::{Context, Release};

const MESSAGE: &str = "\
message: ADT_A01
events: [ADT^A01]
structure: MSH PID
resources:
  - { from: PID, make: Patient, maps: [PID-Patient] }
";

const PATIENT: &str = "\
map: PID -> Patient
rules:
  - { from: PID-3, to: identifier, as: CX-Identifier }
  - { from: PID-5, to: name, as: XPN-HumanName }
  - { from: PID-7, to: birthDate }
  - { from: PID-8, to: gender, code: AdministrativeSex }
  - { value: true, to: active }
";

/// A release of a handful of files.
pub(in crate::mapping) fn release(patient: &str) -> Release {
    let files = [
        ("message/ADT_A01.yaml", MESSAGE),
        ("segment/PID-Patient.yaml", patient),
        ("datatype/CX-Identifier.yaml", "datatype: CX -> Identifier\nrules:\n  - { from: CX.1, to: value }\n"),
        ("datatype/XPN-HumanName.yaml", "datatype: XPN -> HumanName\nrules:\n  - { from: XPN.1.1, to: family }\n"),
        (
            "code/AdministrativeSex.yaml",
            "table: AdministrativeSex\nsystem: http://hl7.org/fhir/administrative-gender\ncodes:\n  F: female\n",
        ),
        ("identity.yaml", "identity:\n  Patient: [any]\n"),
    ];
    let files: BTreeMap<String, String> =
        files.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    Release::compile(&files).unwrap_or_else(|found| panic!("{found:?}"))
}

fn explain(segments: &str, declared: &str) -> Explanation {
    let text = format!("MSH|^~\\&|A|B|||20260312||ADT^A01|1|P|2.5.1\r{segments}\r");
    let (message, _) = Message::parse(text.as_str());
    let context = Context {
        default_zone: jiff::tz::TimeZone::UTC,
        message_digest: Digest::of(text.as_bytes()),
        sender: "A|B".into(),
        trace: true,
    };
    let mapped = release(PATIENT).select("ADT^A01").expect("a plan").run(&message, &context);
    Explanation::new(&message, &mapped, &Declarations::parse(declared).expect("declarations"))
}

fn leaf<'e>(explanation: &'e Explanation, path: &str) -> &'e ExplainedLeaf {
    let leaves = explanation.resources.iter().flat_map(|resource| &resource.leaves);
    leaves.into_iter().find(|leaf| leaf.path == path).unwrap_or_else(|| panic!("no leaf {path}"))
}

#[test]
fn every_leaf_says_where_it_came_from() {
    let explanation = explain("PID|1||17^x^^A^MR||Everyman&von||19700131|F", "");
    let family = leaf(&explanation, "name[0].family");
    assert_eq!(shape(family.value.reveal()), "Aaaaaaaa");
    assert_eq!(family.origin.to_string(), "PID-5.1.1");
    let places: Vec<&str> = family.rules.iter().map(|rule| rule.place.as_str()).collect();
    let expected = ["message/ADT_A01.yaml:5", "segment/PID-Patient.yaml:4", "datatype/XPN-HumanName.yaml:3"];
    assert_eq!(places, expected);
    assert_eq!(leaf(&explanation, "birthDate").origin.to_string(), "PID-7");
    assert_eq!(leaf(&explanation, "active").origin, Origin::Constant);
    assert_eq!(leaf(&explanation, "id").origin.to_string(), "derived of PID-3.1");
    let gender = leaf(&explanation, "gender");
    assert_eq!(gender.steps, [Step::Table("AdministrativeSex".into())]);
}

#[test]
fn every_populated_place_says_where_it_went() {
    let explanation = explain("PID|1||17^x^^A^MR||Everyman&von||19700131|F\rZPI|z", "PID-1 the order says it\n");
    let fates: Vec<String> = explanation
        .places
        .iter()
        .filter(|place| place.place.lowest.segment != "MSH")
        .map(|place| match &place.fate {
            Fate::Mapped(targets) => {
                let paths = targets.iter().filter_map(|target| explanation.leaf(*target));
                let paths: Vec<_> = paths.map(|(resource, leaf)| format!("{}.{}", resource.kind, leaf.path)).collect();
                format!("{} {}", place.place.shown, paths.join(" "))
            }
            other => format!("{} {}", place.place.shown, other.as_str()),
        })
        .collect();
    assert_eq!(
        fates,
        [
            "PID-1 declared",
            "PID-3.1 Patient.identifier[0].value Patient.id",
            "PID-3.2 dropped",
            "PID-3.4 dropped",
            "PID-3.5 dropped",
            "PID-5.1.1 Patient.name[0].family",
            "PID-5.1.2 dropped",
            "PID-7 Patient.birthDate",
            "PID-8 Patient.gender",
            "ZPI-1 dropped",
        ]
    );
}

#[test]
fn what_does_not_fit_is_dropped_with_the_trouble() {
    let explanation = explain("PID|||17||||yesterday|Q", "");
    let trouble = |shown: &str| {
        let place = explanation.places.iter().find(|place| place.place.shown.to_string() == shown).expect("a place");
        assert!(matches!(place.fate, Fate::Dropped(..)));
        place.trouble.join(" ")
    };
    assert!(trouble("PID-7").starts_with("expected a time stamp"), "{}", trouble("PID-7"));
    assert_eq!(trouble("PID-8"), "AdministrativeSex lacks the code");
}

#[test]
fn a_message_without_a_map_is_dropped_whole() {
    let (message, _) = Message::parse("MSH|^~\\&|A\rPID|1");
    let explanation = Explanation::without_map(&message, &Declarations::default());
    assert!(explanation.places.iter().all(|place| matches!(place.fate, Fate::Dropped(Why::NoMap, _))));
    assert_eq!(explanation.places.len(), 2);
}

#[test]
fn what_comes_again_is_repeated_only_when_it_says_the_same() {
    let files = [
        (
            "message/ADT_A01.yaml",
            "message: ADT_A01\nevents: [ADT^A01]\nstructure: MSH {PID}\nresources:\n  - { from: PID, make: Patient, maps: [PID-Patient] }\n",
        ),
        (
            "segment/PID-Patient.yaml",
            "map: PID -> Patient\nrules:\n  - { from: PID-3, to: identifier, as: CX-Identifier }\n  - { from: PID-7, to: birthDate }\n",
        ),
        ("datatype/CX-Identifier.yaml", "datatype: CX -> Identifier\nrules:\n  - { from: CX.1, to: value }\n"),
        ("identity.yaml", "identity:\n  Patient: [any]\n"),
    ];
    let files = files.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    let release = Release::compile(&files).unwrap_or_else(|found| panic!("{found:?}"));
    let text =
        "MSH|^~\\&|A|B|||20260312||ADT^A01|1|P|2.5.1\rPID|||17||||19700131\rPID|||17||||19700131\rPID|||17||||19800131";
    let (message, _) = Message::parse(text);
    let context = Context {
        default_zone: jiff::tz::TimeZone::UTC,
        message_digest: Digest::of(text.as_bytes()),
        sender: "A|B".into(),
        trace: true,
    };
    let mapped = release.select("ADT^A01").expect("a plan").run(&message, &context);
    let explanation = Explanation::new(&message, &mapped, &Declarations::default());
    let fates = explanation
        .places
        .iter()
        .filter(|place| place.place.lowest.field == Some(7) && place.place.lowest.segment == "PID");
    let fates: Vec<_> = fates.map(|place| place.fate.as_str()).collect();
    assert_eq!(fates, ["mapped", "repeated", "dropped"]);
}
