//! The rules that R4 and profiles write in FHIRPath (`dom-2`, `per-1`, `bdl-7` ...).

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use super::place::Place;
use super::reference::{Entries, contained};
use super::report::Report;
use super::structure::{Scope, Walk};
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
        let around = Surroundings { root: scope.root, entries: scope.entries };
        let expression = self.expression.get_or_init(|| Expression::parse(&self.source).ok());
        let holds = expression.as_ref().and_then(|expression| expression.evaluate_boolean(&focus, &around).ok());
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
struct Surroundings<'n> {
    root: &'n Object,
    entries: Option<&'n Entries<'n>>,
}

impl<'n> Environment<'n> for Surroundings<'n> {
    fn resolve(&self, reference: &str) -> Option<Element<'n>> {
        let found = match reference.strip_prefix('#') {
            Some(fragment) => contained(self.root, fragment),
            None => self.entries.and_then(|entries| entries.find(reference)),
        };
        found.map(Element::resource)
    }

    /// R4 writes `as(canonical)` over lists, in dom-3.
    fn as_selects(&self) -> bool {
        true
    }
}

type Rules = HashMap<&'static str, Vec<Rule>>;

/// The rules of R4 by type or element, from `fhir/definitions/constraints.txt`.
fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| read(include_str!("../fhir/definitions/constraints.txt")))
}

fn read(text: &'static str) -> Rules {
    let mut rules = Rules::new();
    let (mut owner, mut head) = ("", None);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(expression) = line.strip_prefix("  ") {
            rules.entry(owner).or_default().extend(head.take().and_then(|head| rule(head, expression)));
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
    /// The rules of a type and of those it specializes, and of an element that has some of its own.
    pub fn invariants(
        &mut self,
        kind: &'static str,
        owner: Option<&str>,
        object: &Object,
        place: &Place<'_>,
        scope: Scope<'_>,
    ) {
        let lineage = std::iter::successors(Some(kind), |kind| definitions::base(kind));
        let element = Element::complex(object, kind);
        for rule in lineage.chain(owner).filter_map(|name| rules().get(name)).flatten() {
            rule.judge(element, place, scope, &mut self.report);
        }
    }

    /// The rules of one primitive element, where it has any: `ElementDefinition.max`.
    pub fn primitive_invariants(&mut self, owner: &str, element: Element<'_>, place: &Place<'_>, scope: Scope<'_>) {
        for rule in rules().get(owner).into_iter().flatten() {
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
        let unreadable: Vec<_> = rules().values().flatten().filter(|rule| Expression::parse(&rule.source).is_err()).collect();
        let texts: Vec<_> = unreadable.iter().map(|rule| &rule.text).collect();
        assert!(texts.is_empty(), "{texts:#?}");
        assert!(rules().len() > 150, "{}", rules().len());
    }

    #[test]
    fn every_rule_stands_at_a_type_or_an_element() {
        for owner in rules().keys() {
            let (kind, name) = owner.rsplit_once('.').unwrap_or((owner, ""));
            let stands = definitions::is_known(owner)
                || definitions::elements(kind).iter().any(|element| element.name.trim_end_matches("[x]") == name);
            assert!(stands, "{owner}");
        }
    }
}
