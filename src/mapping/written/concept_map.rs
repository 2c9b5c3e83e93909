//! A FHIR ConceptMap in JSON as a code table: JSON is YAML, so places are known here too.
//!
//! Of every `group.element` the best target counts (FHIR R4 ConceptMap.group.element.target.equivalence): equal or
//! equivalent first, then the others in their order; `unmatched` and `disjoint` say that a code has no counterpart.

use super::keys::Keys;
use super::{CodeEntry, TableFile};
use crate::mapping::diagnostic::{Mistake, Reporter};
use crate::mapping::yaml::{Kind, Scalar, Yaml};

pub fn file(keys: &mut Keys, reporter: &mut Reporter) -> Option<TableFile> {
    let kind = keys.required("resourceType", reporter)?;
    if kind.text != "ConceptMap" {
        let message = format!("a {} is no mapping file", kind.text);
        reporter.report(Mistake::FileKind, kind.place, message, "of FHIR resources, only a ConceptMap is one");
        return None;
    }
    let name = keys.required("name", reporter)?;
    let groups = keys.list("group", reporter);
    let codes = groups.into_iter().filter_map(|tree| group(tree, reporter)).flatten().collect();
    Some(TableFile { name, system: None, codes })
}

fn group(tree: Yaml, reporter: &mut Reporter) -> Option<Vec<(Scalar, CodeEntry)>> {
    let mut keys = Keys::of(tree, reporter)?;
    let system = keys.scalar("target", reporter).map(|target| target.text);
    let elements = keys.list("element", reporter);
    Some(elements.into_iter().filter_map(|tree| element(tree, system.as_deref(), reporter)).collect())
}

fn element(tree: Yaml, system: Option<&str>, reporter: &mut Reporter) -> Option<(Scalar, CodeEntry)> {
    let mut keys = Keys::of(tree, reporter)?;
    let source = keys.required("code", reporter)?;
    let targets = keys.list("target", reporter);
    let targets = targets.into_iter().filter_map(|tree| target(tree, system, reporter));
    let best = targets.min_by_key(|(rank, _)| *rank).map(|(_, entry)| entry);
    let nothing = CodeEntry { place: source.place, code: String::new(), display: None, system: None };
    Some((source, best.unwrap_or(nothing)))
}

fn target(tree: Yaml, system: Option<&str>, reporter: &mut Reporter) -> Option<(u8, CodeEntry)> {
    let place = tree.place;
    let Kind::Mapping(_) = tree.kind else {
        reporter.report(Mistake::Shape, place, "expected an object", "");
        return None;
    };
    let mut keys = Keys::of(tree, reporter)?;
    let equivalence = keys.scalar("equivalence", reporter).map(|equivalence| equivalence.text);
    let rank = match equivalence.as_deref() {
        Some("unmatched" | "disjoint") => return None,
        Some("equal" | "equivalent") => 0,
        _ => 1,
    };
    let code = keys.required("code", reporter)?;
    let display = keys.scalar("display", reporter).map(|display| display.text);
    Some((rank, CodeEntry { place: code.place, code: code.text, display, system: system.map(str::to_owned) }))
}
