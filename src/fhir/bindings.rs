//! What codes R4 allows: the required bindings whose value sets can be listed.
//!
//! The facts are those of the official definitions (FHIR R4 4.0.1, CC0), written compactly by
//! `definitions/generate_bindings.py` into `definitions/bindings.txt`. Its first part names, a line each, a type as
//! `fhir::definitions` has it, an element and the last part of its value set's URL; behind an empty line stand the
//! value sets, each with a line for every code system: its URL and the codes.

use std::collections::HashMap;
use std::sync::OnceLock;

/// A value set whose codes are all known.
#[derive(Debug, PartialEq, Eq)]
pub struct ValueSet {
    /// The last part of its URL: `administrative-gender`.
    pub name: &'static str,
    systems: Vec<(&'static str, Vec<&'static str>)>,
}

impl ValueSet {
    /// Whether the code is in it; of an element of type `code`, which names no system, whether any system has it.
    pub fn contains(&self, system: Option<&str>, code: &str) -> bool {
        let mut systems = self.systems.iter().filter(|(url, _)| system.is_none_or(|system| system == *url));
        systems.any(|(_, codes)| codes.contains(&code))
    }

    /// All its codes.
    pub fn codes(&self) -> impl Iterator<Item = &'static str> {
        self.systems.iter().flat_map(|(_, codes)| codes.iter().copied())
    }
}

struct Bindings {
    /// Type and element to an index into the value sets.
    elements: HashMap<(&'static str, &'static str), usize>,
    sets: Vec<ValueSet>,
}

fn bindings() -> &'static Bindings {
    static BINDINGS: OnceLock<Bindings> = OnceLock::new();
    BINDINGS.get_or_init(|| read(include_str!("definitions/bindings.txt")))
}

fn read(text: &'static str) -> Bindings {
    let (elements, sets) = text.split_once("\n\n").unwrap_or((text, ""));
    let sets = value_sets(sets);
    let index: HashMap<&str, usize> = sets.iter().enumerate().map(|(index, set)| (set.name, index)).collect();
    let elements = elements.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let place = (words.next()?, words.next()?);
        Some((place, *index.get(words.next()?)?))
    });
    Bindings { elements: elements.collect(), sets }
}

fn value_sets(text: &'static str) -> Vec<ValueSet> {
    let mut sets: Vec<ValueSet> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix(' '), sets.last_mut()) {
            (Some(line), Some(set)) => {
                let mut words = line.split(' ');
                set.systems.extend(words.next().map(|url| (url, words.collect())));
            }
            _ => sets.push(ValueSet { name: line, systems: Vec::new() }),
        }
    }
    sets
}

/// The value set that an element must take its code from; `None` when there is none, or none that can be listed. The
/// type and the element are named as in `fhir::definitions`: `Encounter.location` and `status`.
pub fn required(kind: &str, element: &str) -> Option<&'static ValueSet> {
    let bindings = bindings();
    bindings.elements.get(&(kind, element)).map(|index| &bindings.sets[*index])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::definitions;

    #[test]
    fn codes_are_looked_up_by_element() {
        let gender = required("Patient", "gender").unwrap();
        assert_eq!(gender.codes().collect::<Vec<_>>(), ["male", "female", "other", "unknown"]);
        assert!(gender.contains(None, "male") && !gender.contains(None, "M"));
        assert!(gender.contains(Some("http://hl7.org/fhir/administrative-gender"), "male"));
        assert!(!gender.contains(Some("urn:x"), "male"));
        assert!(required("Encounter.location", "status").unwrap().contains(None, "reserved"));
        assert_eq!(required("Patient", "maritalStatus"), None);
    }

    #[test]
    fn every_bound_element_is_an_element() {
        for (kind, element) in bindings().elements.keys() {
            let known = definitions::elements(kind).iter().any(|known| known.name == *element);
            assert!(known, "{kind} has no {element}");
        }
        assert!(bindings().sets.iter().all(|set| set.codes().next().is_some()));
    }
}
