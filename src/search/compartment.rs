//! Compartments: which resources belong to a patient, an encounter and others, by the official definitions.
//!
//! The facts are those of the CompartmentDefinitions (FHIR R4 4.0.1, CC0), written by `generate.py` into
//! `compartments.txt`: a type that has a compartment, and below it each type that can lie in it, with its parameters.
//! One is added: Task lies in the compartment of its patient, as in R5.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::references;
use crate::fhir::Resource;
use crate::record::{Criterion, Range, ResourceKey, Scan, Space, reference_key};

/// Type of the compartment and of the member, to the member's parameters.
type Table = HashMap<(&'static str, &'static str), Vec<&'static str>>;

/// Stands for the resource that the compartment is of.
const ITSELF: &str = "{def}";

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| read(include_str!("compartments.txt")))
}

fn read(text: &'static str) -> Table {
    let mut table = Table::new();
    let mut owner = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.trim_start().split(' ');
        match (line.starts_with(' '), words.next()) {
            (true, Some(member)) => {
                table.insert((owner, member), words.collect());
            }
            (_, first) => owner = first.unwrap_or_default(),
        }
    }
    table
}

/// The resource types that have a compartment.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    ["Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"].into_iter()
}

/// The resource types that can lie in the compartment of a type, itself among them.
pub fn members(kind: &str) -> impl Iterator<Item = &'static str> {
    let mut found: Vec<&'static str> = kinds().filter(|one| *one == kind).collect();
    found.extend(table().keys().filter(|(owner, _)| *owner == kind).map(|(_, member)| *member));
    found.sort_unstable();
    found.dedup();
    found.into_iter()
}

/// What resources of type `member` must be to lie in the compartment of `kind/id`; `None` when they never do.
pub fn criterion(kind: &str, id: &str, member: &str) -> Option<Criterion> {
    let target = ResourceKey::new(kind, id);
    let mut ways = Vec::new();
    if kind == member && kinds().any(|one| one == kind) {
        ways.push(Criterion::Id(vec![id.into()]));
    }
    let parameters = table().iter().find(|((owner, name), _)| (*owner, *name) == (kind, member));
    let parameters = parameters.into_iter().flat_map(|(_, parameters)| parameters).filter(|code| **code != ITSELF);
    let scan = |code: &&str| Scan {
        range: Range::Exactly(reference_key(Space::of(member, code), &target)),
        tests: Vec::new(),
    };
    let scans: Vec<Scan> = parameters.map(scan).collect();
    if !scans.is_empty() {
        ways.push(Criterion::Bears(scans));
    }
    match ways.len() {
        0 => None,
        1 => ways.pop(),
        _ => Some(Criterion::Any(ways)),
    }
}

/// Whose compartments of type `kind` a resource lies in.
pub fn owners(kind: &str, resource: &Resource) -> Vec<ResourceKey> {
    let is_own = resource.kind() == kind && kinds().any(|one| one == kind);
    let own = resource.id().filter(|_| is_own).map(|id| ResourceKey::new(kind, id));
    let parameters = table().iter().find(|((owner, member), _)| (*owner, *member) == (kind, resource.kind()));
    let codes = parameters.into_iter().flat_map(|(_, codes)| codes).filter(|code| **code != ITSELF);
    let mut owners: Vec<ResourceKey> = codes.flat_map(|code| references(resource, code)).collect();
    owners.retain(|owner| owner.kind == kind);
    owners.extend(own);
    owners.sort_unstable();
    owners.dedup();
    owners
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::search::parameters::{ParameterType, parameter};
    use crate::search::{index, matches};

    fn check(kind: &str, json: &str, expected: Option<bool>) {
        let resource = Resource::parse(json.as_bytes()).unwrap();
        let keys = index(&resource, Timestamp::default());
        let found = criterion(kind, "a", resource.kind())
            .map(|criterion| matches(&keys, resource.id().unwrap(), &criterion).unwrap());
        let owns = owners(kind, &resource).contains(&ResourceKey::new(kind, "a"));
        assert_eq!(owns, found == Some(true), "{kind} {json}");
        assert_eq!(found, expected, "{kind} {json}");
    }

    #[test]
    fn members_are_known_by_their_references() {
        let task = r#"{"resourceType":"Task","id":"t","for":{"reference":"Patient/a"},"requester":{"reference":"Practitioner/b"}}"#;
        check("Patient", r#"{"resourceType":"Patient","id":"a"}"#, Some(true));
        check("Patient", r#"{"resourceType":"Patient","id":"b"}"#, Some(false));
        check(
            "Patient",
            r#"{"resourceType":"Patient","id":"b","link":[{"other":{"reference":"Patient/a"}}]}"#,
            Some(true),
        );
        check("Patient", r#"{"resourceType":"Observation","id":"o","subject":{"reference":"Patient/a"}}"#, Some(true));
        check("Patient", r#"{"resourceType":"Observation","id":"o","subject":{"reference":"Patient/b"}}"#, Some(false));
        check("Patient", r#"{"resourceType":"Observation","id":"o","subject":{"reference":"Group/a"}}"#, Some(false));
        check("Patient", task, Some(true));
        check("Practitioner", task, None);
        check("Practitioner", r#"{"resourceType":"Organization","id":"o"}"#, None);
        check("Encounter", r#"{"resourceType":"Encounter","id":"a"}"#, Some(true));
        check("Organization", r#"{"resourceType":"Organization","id":"a"}"#, None);
    }

    #[test]
    fn every_parameter_of_a_compartment_is_a_reference() {
        let mut kinds_written: Vec<&str> = table().keys().map(|(kind, _)| *kind).collect();
        kinds_written.sort_unstable();
        kinds_written.dedup();
        assert_eq!(kinds_written, kinds().collect::<Vec<_>>());
        for ((kind, member), codes) in table() {
            for code in codes.iter().filter(|code| **code != ITSELF) {
                let found = parameter(member, code).map(|parameter| parameter.kind);
                assert_eq!(found, Some(ParameterType::Reference), "{kind} {member} {code}");
            }
        }
    }
}
