//! What a resource is after a message said something about it.
//!
//! A message is a statement about some elements: an element it values replaces ours, an element it deletes (`""` in
//! HL7 v2) goes, an element it does not mention stays (HL7 v2.5.1 2.5.3). Lists that name things by a key are united.

use smol_str::SmolStr;

use crate::fhir::{Node, Object, Resource};
use crate::mapping::is_absent;

/// Lists that are united instead of replaced, with the members that name an entry.
const UNITED: [(&str, &[&[&str]]); 3] = [
    ("identifier", &[&["system"], &["value"]]),
    ("extension", &[&["url"]]),
    ("link", &[&["other", "reference"], &["type"]]),
];

/// Elements that belong to the store or to the identity, and are never taken from a statement.
const KEPT: [&str; 3] = ["resourceType", "id", "meta"];

/// Puts a statement over what is known. `cleared` names top-level elements.
pub fn merge(current: &Resource, said: &Resource, cleared: &[SmolStr]) -> Resource {
    let mut merged = current.clone();
    // Of a united list one entry was deleted, and which one is not known: others may be another sender's.
    for element in cleared.iter().filter(|element| !UNITED.iter().any(|(list, _)| list == element)) {
        remove_choice(merged.object_mut(), element);
    }
    for (name, node) in said.object().iter().filter(|(name, _)| !KEPT.contains(name)) {
        // That a message does not know is no news to those who do.
        if is_absent(node) && is_known(&merged, name) {
            continue;
        }
        apply(merged.object_mut(), name, node);
    }
    merged
}

fn is_known(known: &Resource, name: &str) -> bool {
    known.get(name.trim_start_matches('_')).is_some_and(|node| !is_absent(node)) || has_other_choice(known, name)
}

/// What is known with what an older statement adds to it: elements that are missing, and entries of united lists.
pub fn fill(current: &Resource, said: &Resource) -> Resource {
    let mut filled = current.clone();
    for (name, node) in said.object().iter().filter(|(name, _)| !KEPT.contains(name)) {
        let united = UNITED.iter().find(|(list, _)| *list == name).map(|(_, keys)| *keys);
        if let Some(known) = filled.object_mut().get_mut(name) {
            if let (Some(keys), Node::Array(known), Node::Array(said)) = (united, known, node) {
                add_missing(known, said, keys);
            }
        } else if !has_other_choice(&filled, name) {
            filled.object_mut().set(name, node.clone());
        }
    }
    filled
}

fn has_other_choice(resource: &Resource, name: &str) -> bool {
    choice_of(name).is_some_and(|choice| resource.object().iter().any(|(other, _)| choice_of(other) == Some(choice)))
}

fn add_missing(known: &mut Vec<Node>, said: &[Node], keys: &[&[&str]]) {
    for entry in said {
        let is_there = known.iter().any(|other| keys.iter().all(|key| other.at(key) == entry.at(key)));
        if !is_there {
            known.push(entry.clone());
        }
    }
}

fn apply(merged: &mut Object, name: &str, node: &Node) {
    let united = UNITED.iter().find(|(list, _)| *list == name).map(|(_, keys)| *keys);
    match (united, merged.get_mut(name), node) {
        (Some(keys), Some(Node::Array(known)), Node::Array(said)) => unite(known, said, keys),
        _ => {
            drop_other_choices(merged, name);
            merged.set(name, node.clone());
        }
    }
}

fn unite(known: &mut Vec<Node>, said: &[Node], keys: &[&[&str]]) {
    for entry in said {
        let same = |other: &Node| keys.iter().all(|key| other.at(key) == entry.at(key));
        match known.iter_mut().find(|other| same(other)) {
            Some(other) => *other = entry.clone(),
            None => known.push(entry.clone()),
        }
    }
}

/// The choice elements of the resources we map: only one of each may be there.
const CHOICES: [&str; 8] =
    ["deceased", "multipleBirth", "occurrence", "effective", "onset", "performed", "value", "asNeeded"];

fn choice_of(name: &str) -> Option<&'static str> {
    let is_choice =
        |stem: &&str| name.strip_prefix(*stem).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
    CHOICES.iter().copied().find(|stem| is_choice(stem))
}

fn drop_other_choices(merged: &mut Object, name: &str) {
    let Some(stem) = choice_of(name) else { return };
    let others: Vec<String> = merged
        .iter()
        .map(|(other, _)| other.to_owned())
        .filter(|other| other != name && choice_of(other) == Some(stem))
        .collect();
    for other in others {
        merged.remove(&other);
    }
}

/// Removes an element by its name, or by its stem when it is a choice: `deceased[x]`.
fn remove_choice(merged: &mut Object, element: &str) {
    let stem = element.trim_end_matches("[x]");
    merged.remove(stem);
    let named: Vec<String> =
        merged.iter().map(|(name, _)| name.to_owned()).filter(|name| choice_of(name) == Some(stem)).collect();
    for name in named {
        merged.remove(&name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(text: &str) -> Resource {
        Resource::parse(text.as_bytes()).unwrap()
    }

    fn check(current: &str, said: &str, cleared: &[&str], expected: &str) {
        let cleared: Vec<SmolStr> = cleared.iter().map(SmolStr::new).collect();
        let merged = merge(&resource(current), &resource(said), &cleared);
        assert_eq!(String::from_utf8(merged.to_json()).unwrap(), expected);
    }

    #[test]
    fn valued_replaces_deleted_goes_unmentioned_stays() {
        check(
            r#"{"resourceType":"Patient","id":"a","gender":"male","birthDate":"1971-04-23","active":true}"#,
            r#"{"resourceType":"Patient","id":"b","gender":"female"}"#,
            &["birthDate"],
            r#"{"resourceType":"Patient","id":"a","gender":"female","active":true}"#,
        );
    }

    #[test]
    fn identifiers_are_united_by_authority_and_value() {
        check(
            r#"{"resourceType":"Patient","id":"a","identifier":[{"system":"x","value":"1"},{"system":"y","value":"1"}]}"#,
            r#"{"resourceType":"Patient","identifier":[{"system":"y","value":"1","use":"old"},{"system":"z","value":"1"}]}"#,
            &[],
            r#"{"resourceType":"Patient","id":"a","identifier":[{"system":"x","value":"1"},{"system":"y","value":"1","use":"old"},{"system":"z","value":"1"}]}"#,
        );
    }

    #[test]
    fn an_older_statement_fills_gaps_and_changes_nothing() {
        let current = r#"{"resourceType":"Patient","id":"a","gender":"male","deceasedBoolean":false,"identifier":[{"system":"x","value":"1","use":"usual"}]}"#;
        let said = r#"{"resourceType":"Patient","id":"b","gender":"female","deceasedDateTime":"2026","birthDate":"1971","identifier":[{"system":"x","value":"1"},{"system":"y","value":"2"}]}"#;
        let filled = fill(&resource(current), &resource(said));
        assert_eq!(
            String::from_utf8(filled.to_json()).unwrap(),
            r#"{"resourceType":"Patient","id":"a","gender":"male","deceasedBoolean":false,"identifier":[{"system":"x","value":"1","use":"usual"},{"system":"y","value":"2"}],"birthDate":"1971"}"#
        );
    }

    #[test]
    fn a_choice_has_one_form() {
        check(
            r#"{"resourceType":"Patient","id":"a","deceasedBoolean":false}"#,
            r#"{"resourceType":"Patient","deceasedDateTime":"2026-03-01"}"#,
            &[],
            r#"{"resourceType":"Patient","id":"a","deceasedDateTime":"2026-03-01"}"#,
        );
        check(
            r#"{"resourceType":"Patient","id":"a","deceasedBoolean":true}"#,
            r#"{"resourceType":"Patient"}"#,
            &["deceased[x]"],
            r#"{"resourceType":"Patient","id":"a"}"#,
        );
    }
}
