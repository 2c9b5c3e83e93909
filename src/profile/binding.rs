//! Required bindings: a code must be one of those that R4, or a profile, lists.

use super::place::Place;
use super::report::Report;
use super::structure::Slot;
use crate::base::issue::IssueCode;
use crate::fhir::bindings;
use crate::fhir::{Node, Object};

/// What a list of codes says about a system and a code; no system for a bare `code`.
pub trait Codes {
    fn contains(&self, system: Option<&str>, code: &str) -> bool;
}

impl Codes for bindings::ValueSet {
    fn contains(&self, system: Option<&str>, code: &str) -> bool {
        Self::contains(self, system, code)
    }
}

/// Judges a coded element by the binding of R4, also where a type has it from the one it specializes.
pub fn check(slot: Slot, node: &Node, place: &Place<'_>, report: &mut Report) {
    let Some(set) = slot.element.codes else { return };
    if !is_member(set, slot.kind, node) {
        let text = format!("a code of the value set {} is required", set.name);
        report.error(place, IssueCode::UnknownCode, text);
    }
}

/// A system names a code system for everybody, so that a sender's short name is none (R4 4.1.1).
pub fn check_system(coding: &Object, place: &Place<'_>, report: &mut Report) {
    if coding.get("system").and_then(Node::as_str).is_some_and(|system| !system.contains(':')) {
        report.warning(&place.member("system"), IssueCode::DataType, "expected an absolute URI");
    }
}

/// Whether a `code`, Coding, CodeableConcept or Quantity has a code of the set (R4 4.1.5, required).
pub fn is_member(set: &dyn Codes, of: &str, node: &Node) -> bool {
    let coding = |coding: &Node| {
        let code = coding.get("code").and_then(Node::as_str);
        code.is_some_and(|code| set.contains(Some(coding.get("system").and_then(Node::as_str).unwrap_or("")), code))
    };
    match of {
        "CodeableConcept" => node.get("coding").map_or(&[][..], Node::items).iter().any(coding),
        "Coding" | "Quantity" => coding(node),
        _ => node.as_str().is_none_or(|code| set.contains(None, code)),
    }
}
