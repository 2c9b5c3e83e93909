//! The rules that R4 and profiles write in FHIRPath (`dom-2`, `per-1`, `bdl-7` ...).

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use super::place::Place;
use super::reference;
use super::report::Report;
use super::structure::{Scope, Slot, Walk};
use crate::base::issue::{IssueCode, Severity};
use crate::fhir::fhirpath::{Element, Environment, Expression, Focus};
use crate::fhir::{Node, Object, definitions};

/// One rule; its expression is read when it is first asked.
pub struct Rule {
    pub severity: Severity,
    /// The key and the sentence for a person: `per-1: If present, start SHALL ...`.
    pub text: Cow<'static, str>,
    source: Cow<'static, str>,
    expression: OnceLock<Option<Expression>>,
}

impl Rule {
    pub const fn new(severity: Severity, text: Cow<'static, str>, source: Cow<'static, str>) -> Self {
        Self { severity, text, source, expression: OnceLock::new() }
    }

    /// Judges an element. What the engine cannot evaluate is said, and not held against the resource.
    pub fn judge(&self, element: Element<'_>, place: &Place<'_>, scope: Scope<'_>, report: &mut Report) {
        let focus = Focus::within(element, scope.resource).contained_in(scope.root);
        let expression = self.expression.get_or_init(|| Expression::parse(&self.source).ok());
        let holds =
            expression.as_ref().and_then(|expression| expression.evaluate_boolean(&focus, &Surroundings(scope)).ok());
        match holds {
            Some(Some(false)) => report.add(place, self.severity, IssueCode::Invariant, self.text.clone()),
            None => {
                let text = format!("could not be evaluated: {}", self.text);
                report.add(place, Severity::Information, IssueCode::NotApplicable, text);
            }
            Some(_) => {}
        }
    }
}

/// What the rules can see beside the element.
struct Surroundings<'n>(Scope<'n>);

impl<'n> Environment<'n> for Surroundings<'n> {
    fn resolve(&self, reference: &str) -> Option<Element<'n>> {
        reference::resolve(reference, self.0).map(|(resource, _)| Element::resource(resource))
    }

    /// R4 writes `as(canonical)` over lists, in dom-3.
    fn as_selects(&self) -> bool {
        true
    }
}

/// The rules of R4.
#[derive(Default)]
struct Rules {
    /// By type or described part of one.
    of_kinds: HashMap<&'static str, Vec<Rule>>,
    /// By the type and the name of an element.
    of_elements: HashMap<(&'static str, &'static str), Vec<Rule>>,
}

impl Rules {
    fn at(&mut self, owner: &'static str) -> &mut Vec<Rule> {
        match owner.rsplit_once('.').filter(|_| !definitions::is_known(owner)) {
            Some(element) => self.of_elements.entry(element).or_default(),
            None => self.of_kinds.entry(owner).or_default(),
        }
    }
}

/// The rules of R4, from `fhir/definitions/constraints.txt`.
fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| read(include_str!("../fhir/definitions/constraints.txt")))
}

fn read(text: &'static str) -> Rules {
    let mut rules = Rules::default();
    let (mut owner, mut head) = ("", None);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(expression) = line.strip_prefix("  ") {
            rules.at(owner).extend(head.take().and_then(|head| rule(head, expression)));
        } else if let Some(line) = line.strip_prefix(' ') {
            head = Some(line);
        } else {
            owner = line;
        }
    }
    rules
}

/// `key severity sentence`.
fn rule(head: &'static str, expression: &'static str) -> Option<Rule> {
    let (key, rest) = head.split_once(' ')?;
    let (severity, sentence) = rest.split_once(' ')?;
    let severity = if severity == "warning" { Severity::Warning } else { Severity::Error };
    Some(Rule::new(severity, format!("{key}: {sentence}").into(), expression.into()))
}

impl Walk<'_> {
    /// The rules of a type and of those it specializes, and of the element it stands in.
    pub fn invariants(
        &mut self,
        kind: &'static str,
        slot: Option<Slot>,
        object: &Object,
        place: &Place<'_>,
        scope: Scope<'_>,
    ) {
        let element = Element::complex(object, kind);
        let lineage = std::iter::successors(Some(kind), |kind| definitions::base(kind));
        for rule in lineage.filter_map(|kind| rules().of_kinds.get(kind)).flatten() {
            rule.judge(element, place, scope, &mut self.report);
        }
        if let Some(slot) = slot.filter(|slot| slot.kind == kind) {
            self.invariants_of_slot(slot, element, place, scope);
        }
    }

    /// The rules of one element, where it has any: `Organization.telecom`.
    pub fn invariants_of_slot(&mut self, slot: Slot, element: Element<'_>, place: &Place<'_>, scope: Scope<'_>) {
        let name = slot.element.name.trim_end_matches("[x]");
        for rule in rules().of_elements.get(&(slot.owner, name)).into_iter().flatten() {
            rule.judge(element, place, scope, &mut self.report);
        }
    }
}

/// Whether an object has more than an id: the rule ele-1, which every element must meet.
pub fn has_children(object: &Object) -> bool {
    object.iter().any(|(name, node)| name != "id" && *node != Node::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_r4_can_be_read() {
        let all: Vec<_> = rules().of_kinds.values().chain(rules().of_elements.values()).flatten().collect();
        let unreadable = all.iter().filter(|rule| Expression::parse(&rule.source).is_err());
        let texts: Vec<_> = unreadable.map(|rule| &rule.text).collect();
        assert!(texts.is_empty(), "{texts:#?}");
        assert!(all.len() > 200, "{}", all.len());
    }

    #[test]
    fn every_rule_stands_at_a_type_or_an_element() {
        for kind in rules().of_kinds.keys() {
            assert!(definitions::is_known(kind), "{kind}");
        }
        for (kind, name) in rules().of_elements.keys() {
            let mut elements = definitions::elements(kind).iter();
            assert!(elements.any(|element| element.name.trim_end_matches("[x]") == *name), "{kind}.{name}");
        }
    }
}
