//! Comparisons of hand-written results.

use super::*;
use crate::base::{Issue, IssueCode, Location};
use crate::fhir::Resource;
use crate::mapping::UnmappedCode;

fn mapped(resources: &[&str]) -> Mapped {
    let resources = resources.iter().map(|json| Resource::parse(json.as_bytes()).expect("a resource"));
    Mapped {
        resources: resources.collect(),
        cleared: vec![],
        issues: vec![],
        unmapped: vec![],
        trace: None,
        linked: false,
    }
}

fn show(change: &Change) -> String {
    let side = |side: &Option<Shown>| side.as_ref().map_or("-".to_owned(), ToString::to_string);
    format!("{} {} → {}", change.path, side(&change.before), side(&change.after))
}

fn check(old: &[&str], new: &[&str], expected: &[&str]) {
    let difference = compare(Some(&mapped(old)), Some(&mapped(new)));
    assert_eq!(difference.changes.iter().map(show).collect::<Vec<_>>(), expected);
    let outcome = if expected.is_empty() { Outcome::Exact } else { Outcome::Changed };
    assert_eq!(difference.outcome, outcome);
    let same = difference.result == result_digest(Some(&mapped(old)));
    assert_eq!(same, expected.is_empty(), "the digest tells whether they differ");
}

#[test]
fn leaves_that_differ_are_named() {
    let visit = |class: &str| format!(r#"{{"resourceType":"Encounter","id":"1","class":{{"code":"{class}"}}}}"#);
    check(&[&visit("AMB")], &[&visit("AMB")], &[]);
    check(&[&visit("AMB")], &[&visit("IMP")], &["Encounter.class.code AMB → IMP"]);
    let name = |family: &str| format!(r#"{{"resourceType":"Patient","id":"1","name":[{{"family":"{family}"}}]}}"#);
    check(&[&name("Everyman")], &[&name("Doe")], &["Patient.name.family ‹Aaaaaaaa› → ‹Aaa›"]);
    let bare = r#"{"resourceType":"Patient","id":"1"}"#;
    check(&[bare], &[&name("Doe")], &["Patient.name.family - → ‹Aaa›"]);
    check(&[&name("Doe")], &[bare], &["Patient.name.family ‹Aaa› → -"]);
}

#[test]
fn an_item_in_front_is_one_item_more() {
    let patient = |given: &str| format!(r#"{{"resourceType":"Patient","id":"1","name":[{{"given":[{given}]}}]}}"#);
    check(&[&patient(r#""A","B""#)], &[&patient(r#""X","A","B""#)], &["Patient.name.given - → ‹A›"]);
    check(&[&patient(r#""A","B","C""#)], &[&patient(r#""A","C""#)], &["Patient.name.given ‹A› → -"]);
}

#[test]
fn resources_come_go_and_change_their_ids() {
    let (one, two) = (r#"{"resourceType":"Coverage","id":"1"}"#, r#"{"resourceType":"Account","id":"2"}"#);
    check(&[one], &[one, two], &["Account - → (whole)"]);
    check(&[one, two], &[two], &["Coverage (whole) → -"]);
    check(&[one], &[r#"{"resourceType":"Coverage","id":"9"}"#], &["Coverage.id (id) → (id)"]);
}

#[test]
fn deletions_count() {
    let patient = [r#"{"resourceType":"Patient","id":"1"}"#];
    let (old, mut new) = (mapped(&patient), mapped(&patient));
    new.cleared.push((0, "birthDate".into()));
    let difference = compare(Some(&old), Some(&new));
    assert_eq!(difference.changes.iter().map(show).collect::<Vec<_>>(), ["Patient.birthDate deleted - → (whole)"]);
    assert_ne!(difference.result, result_digest(Some(&old)));
}

#[test]
fn failures_decide_the_outcome() {
    let (clean, mut bad, mut worse) = (mapped(&[]), mapped(&[]), mapped(&[]));
    bad.issues.push(Issue::error(IssueCode::DataType, "expected a date (rule a)").at(Location::field("PID", 1, 7)));
    worse.issues.push(Issue::error(IssueCode::DataType, "expected a date (rule b)").at(Location::field("PID", 1, 7)));
    worse.unmapped.push(UnmappedCode { table: "Sex".into(), code: "Q".into(), location: Location::field("PID", 1, 8) });
    let outcome = |old: Run<'_>, new: Run<'_>| compare(old, new).outcome;
    assert_eq!(outcome(Some(&clean), Some(&bad)), Outcome::NewlyFailing);
    assert_eq!(outcome(Some(&bad), Some(&clean)), Outcome::Fixed);
    assert_eq!(outcome(Some(&bad), Some(&worse)), Outcome::NewlyFailing);
    assert_eq!(outcome(Some(&worse), Some(&bad)), Outcome::Fixed);
    assert_eq!(outcome(Some(&bad), Some(&bad)), Outcome::Exact);
    assert_eq!(outcome(Some(&clean), None), Outcome::NewlyFailing);
    assert_eq!(outcome(None, Some(&clean)), Outcome::Fixed);
    assert_eq!(outcome(None, None), Outcome::Exact);
    assert_eq!(
        compare(Some(&clean), Some(&worse)).broken.iter().map(|failure| failure.place.as_str()).collect::<Vec<_>>(),
        ["PID-7", "PID-8 (Sex)"]
    );
}

#[test]
fn a_warning_is_no_failure() {
    let (clean, mut warned) = (mapped(&[]), mapped(&[]));
    warned.issues.push(Issue::warning(IssueCode::Structure, "odd"));
    assert_eq!(compare(Some(&clean), Some(&warned)).outcome, Outcome::Exact);
}

#[test]
fn the_same_changes_are_counted_together() {
    let visit = |id: u8, class: &str| {
        mapped(&[&format!(r#"{{"resourceType":"Encounter","id":"{id}","class":{{"code":"{class}"}}}}"#)])
    };
    let (mut summary, mut plan) = (Summary::default(), Plan::new(Digest::of(b"old"), Digest::of(b"new")));
    for (name, old, new) in [
        ("a", Some(visit(1, "AMB")), Some(visit(1, "IMP"))),
        ("b", Some(visit(2, "AMB")), Some(visit(2, "IMP"))),
        ("c", Some(visit(3, "AMB")), Some(visit(3, "AMB"))),
        ("d", Some(visit(4, "AMB")), None),
    ] {
        let difference = compare(old.as_ref(), new.as_ref());
        summary.add(name, &difference);
        plan.add(name, &difference);
    }
    let counts = Outcome::ALL.map(|outcome| summary.messages(outcome));
    assert_eq!((counts, summary.worst()), ([1, 2, 0, 1], Outcome::NewlyFailing));
    let rows = summary.changes();
    assert_eq!(
        (rows[0].count, rows[0].first, show(rows[0].change).as_str()),
        (2, "a", "Encounter.class.code AMB → IMP")
    );
    assert_eq!((summary.broken()[0].failure.kind.as_str(), summary.broken()[0].first), ("no-map", "d"));
    let listed: Vec<_> = plan.messages.iter().map(|planned| planned.message.as_str()).collect();
    assert_eq!((plan.exact, listed), (1, vec!["a", "b", "d"]));
    let json = plan.to_json().expect("JSON");
    assert_eq!(Plan::parse(&json).expect("a plan"), plan);
    assert!(Plan::parse(&json.replace("plan-1", "plan-9")).is_err());
    assert!(Plan::parse(&json.replace("changed", "odd")).is_err());
}
