//! Searches as they are read: chains, inclusions, orders, what is left out and what is refused.

use proptest::prelude::*;

use super::*;
use crate::fhir::Resource;
use crate::record::{Criterion, Order, ResourceKey, Space, TextPart};
use crate::search::tests::{now, pairs, try_parse};

fn read(kind: &str, search: &str) -> Query {
    try_parse(&[kind], search, Handling::Strict).expect(search)
}

fn criterion(kind: &str, search: &str) -> Criterion {
    read(kind, search).kinds.remove(0).criterion
}

#[test]
fn chains_go_over_references() {
    let name = criterion("Patient", "name=x");
    let refers = |kind: &str, code: &str, target: &str, criterion: Criterion| Criterion::RefersTo {
        space: Space::of(kind, code),
        kind: target.into(),
        criterion: Box::new(criterion),
    };
    let referred = |kind: &str, code: &str, criterion: Criterion| Criterion::ReferredBy {
        space: Space::of(kind, code),
        kind: kind.into(),
        criterion: Box::new(criterion),
    };
    let organization = refers("Patient", "organization", "Organization", criterion("Organization", "name=x"));
    let code = criterion("Observation", "code=1");
    let event = criterion("AuditEvent", "action=C");
    for (kind, search, expected) in [
        ("Observation", "subject:Patient.name=x", refers("Observation", "subject", "Patient", name.clone())),
        ("Observation", "patient.name=x", refers("Observation", "patient", "Patient", name)),
        ("Observation", "patient.organization.name=x", refers("Observation", "patient", "Patient", organization)),
        ("Patient", "_has:Observation:patient:code=1", referred("Observation", "patient", code.clone())),
        (
            "Patient",
            "_has:Observation:patient:_has:AuditEvent:entity:action=C",
            referred("Observation", "patient", referred("AuditEvent", "entity", event)),
        ),
        (
            "Encounter",
            "patient._has:Observation:patient:code=1",
            refers("Encounter", "patient", "Patient", referred("Observation", "patient", code)),
        ),
        ("Patient", "_list=42", referred("List", "item", Criterion::Id(vec!["42".into()]))),
    ] {
        assert_eq!(criterion(kind, search), expected, "{search}");
    }
    let Criterion::Any(ways) = criterion("Observation", "subject.name=x") else { panic!("several types have names") };
    assert_eq!(ways.len(), 2, "of Patient, Group, Device and Location, a Patient and a Location have one");
}

#[test]
fn words_are_looked_for_in_text() {
    let text =
        |part, words: &[&str]| Criterion::Text { part, words: words.iter().map(|word| (*word).into()).collect() };
    assert_eq!(criterion("Patient", "_text=Sore Throat"), text(TextPart::Narrative, &["sore", "throat"]));
    let any = vec![text(TextPart::Content, &["a"]), text(TextPart::Content, &["b"])];
    assert_eq!(criterion("Patient", "_content=a,b"), Criterion::Any(any));
}

#[test]
fn the_answer_is_as_asked() {
    let query = read(
        "Patient",
        "name=x&_sort=-birthdate,family&_count=0&_total=accurate&_summary=data&_elements=id,name&_cursor=77&_format=json",
    );
    let order = |code, descending| Order { space: Space::of("Patient", code), descending };
    assert_eq!(query.kinds[0].order, [order("birthdate", true), order("family", false)]);
    assert_eq!((query.count, query.total, query.summary), (Some(0), Some(Total::Accurate), Some(Summary::Data)));
    assert_eq!(query.elements, ["id", "name"]);
    assert_eq!(query.cursor, Some(VersionNumber(77)));
    let applied: Vec<&str> = query.applied.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(applied, ["name", "_sort", "_count", "_total", "_summary", "_elements", "_format"]);
}

#[test]
fn several_types_are_searched_at_once() {
    let found = |search: &str| {
        let query = try_parse(&["Patient", "Observation", "Task"], search, Handling::Lenient).expect(search);
        let kinds = query.kinds.iter().map(|one| one.kind.to_string()).collect::<Vec<_>>().join(" ");
        (kinds, query.warnings.len())
    };
    assert_eq!(found("_type=Task,Patient&identifier=1"), ("Patient Task".into(), 0));
    assert_eq!(found("_lastUpdated=gt2020"), ("Patient Observation Task".into(), 0));
    assert_eq!(found("name=x"), ("Patient Observation Task".into(), 1), "no parameter of all of them");
    assert_eq!(found("birthdate=1970&_type=Patient"), ("Patient".into(), 0), "wherever _type stands");
}

#[test]
fn what_is_not_known_is_left_out_or_refused() {
    for search in [
        "colour=red",
        "name=",
        "_sort=colour",
        "_sort=_id",
        "_contained=true",
        "_include=Patient:name",
        "_filter=x",
        "_query=x",
        "_has:Nothing:x:y=1",
    ] {
        let query = try_parse(&["Patient"], search, Handling::Lenient).expect(search);
        assert_eq!((query.applied.len(), query.warnings.len()), (0, 1), "{search}");
        assert_eq!(query.kinds[0].criterion, Criterion::All(Vec::new()), "{search}");
        let refused = try_parse(&["Patient"], search, Handling::Strict).expect_err(search);
        assert_eq!(refused.len(), 1, "{search}");
    }
}

#[test]
fn bad_searches_are_refused_even_when_lenient() {
    for search in [
        "name:text=x",
        "gender:in=http://vs",
        "gender:below=x",
        "name:nothing=x",
        "organization:Patient=x",
        "organization:Organization:Patient=x",
        "_count=-1",
        "_count=x",
        "_count=99999999999",
        "_total=some",
        "_summary=maybe",
        "_type=Nothing",
        "_cursor=a",
        "_include=Patient:organization:Nothing",
        "_include=Patient",
        "_revinclude=*",
        "_text=...",
        "_list=$current-allergies",
        "name:missing=maybe",
        "name.family=x",
        "_has:Observation=x",
        "_has:Medication:ingredient:code=x",
        "link.link.link.link.link.link.name=x",
        "family=--",
    ] {
        let refused = try_parse(&["Patient"], search, Handling::Lenient).expect_err(search);
        assert_eq!(refused.len(), 1, "{search}");
    }
    let many = vec!["a"; 1001].join(",");
    try_parse(&["Patient"], &format!("name={many}"), Handling::Lenient).expect_err("too many values");
    let many = vec!["name=a"; 201].join("&");
    try_parse(&["Patient"], &many, Handling::Lenient).expect_err("too many parameters");
}

#[test]
fn issues_name_the_parameter_and_never_its_value() {
    let query = try_parse(&["Patient"], "birthdat=1974-12-25", Handling::Lenient).unwrap();
    assert_eq!(query.warnings[0].expression.as_deref(), Some("http.birthdat"));
    assert_eq!(query.warnings[0].text, "birthdat: is no search parameter of what is searched; did you mean birthdate?");
    let refused = try_parse(&["Patient"], "birthdate=Chalmers", Handling::Lenient).unwrap_err();
    assert!(!refused[0].text.contains("Chalmers"));
    let query = try_parse(&["Patient"], "Peter Chalmers=1", Handling::Lenient).unwrap();
    assert!(!query.warnings[0].text.contains("Chalmers"), "what is no name may be anything");
}

#[test]
fn inclusions_follow_references_both_ways() {
    let includes = |search: &str| read("Observation", search).includes;
    let include = includes("_include=Observation:subject:Patient").remove(0);
    let json = r#"{"resourceType":"Observation","subject":{"reference":"Patient/a"},"performer":[{"reference":"Practitioner/b"}]}"#;
    let observation = Resource::parse(json.as_bytes()).unwrap();
    assert_eq!(include.references(&observation), [ResourceKey::new("Patient", "a")]);
    assert!(include.referrers(&[ResourceKey::new("Patient", "a")]).is_none());
    let all = includes("_include:iterate=*").remove(0);
    assert!(all.iterate && !all.reverse);
    assert_eq!(all.references(&observation).len(), 2);
    assert_eq!(includes("_include=Observation:subject:Group").remove(0).references(&observation), []);

    let reverse = includes("_revinclude=Provenance:target").remove(0);
    assert_eq!(reverse.references(&observation), []);
    let found = reverse.referrers(&[ResourceKey::new("Observation", "o")]).unwrap();
    assert_eq!(found.kind, "Provenance");
    let json = r#"{"resourceType":"Provenance","target":[{"reference":"Observation/o"}]}"#;
    let keys = crate::search::index(&Resource::parse(json.as_bytes()).unwrap(), now());
    assert_eq!(crate::search::matches(&keys, "p", &found.criterion), Some(true));
    let wildcard = includes("_revinclude=Provenance:*").remove(0);
    assert!(wildcard.referrers(&[ResourceKey::new("Observation", "o")]).is_some());
    assert!(wildcard.referrers(&[]).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_search_string_panics(name in "\\PC{0,40}", value in "\\PC{0,60}") {
        let pairs = [(name, value)];
        let context = Context { base_url: "http://x", now: now(), handling: Handling::Lenient };
        let _ = parse(&["Patient", "Observation"], &pairs, &context);
    }

    #[test]
    fn no_value_of_a_known_parameter_panics(
        at in 0_usize..200,
        modifier in "(:(missing|exact|contains|text|not|above|below|of-type|identifier|Patient))?",
        value in "((eq|ne|gt|lt|ge|le|sa|eb|ap)?[-0-9.eE:TZ+|$,\\\\]{0,30})|\\PC{0,30}",
    ) {
        for kind in ["Patient", "Observation", "RiskAssessment", "MolecularSequence", "Location"] {
            let codes: Vec<_> = crate::search::parameters(kind).map(|one| one.code).collect();
            let search = format!("{}{modifier}={value}", codes[at % codes.len()]);
            let _ = parse(&[kind], &pairs(&search), &Context { base_url: "", now: now(), handling: Handling::Strict });
        }
    }
}
