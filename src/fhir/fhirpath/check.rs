//! Expressions against types, when no resource is there yet: members that cannot be, types that do not exist, an order
//! that is asked of what has none, a criterion that is no truth value.
//!
//! It only says what is certain. What may be anything (a resolved reference, a constant) is right.

use super::fault::SyntaxFault;
use super::functions::{Function, Gives, Reads};
use super::syntax::{Action, Form, Step, Term, TypeName, TypeOperator};
use super::types;
use crate::fhir::definitions;

/// Of which types items may be.
#[derive(Clone, Debug)]
struct Known<'k> {
    /// `None` for any.
    kinds: Option<Vec<Kind<'k>>>,
    ordered: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind<'k> {
    Fhir(&'k str),
    System(&'k str),
}

type Checked<'k> = Result<Known<'k>, SyntaxFault>;

/// Types behind which any resource or element may stand.
const OPEN: &[&str] = &["Resource", "DomainResource", "Element", "BackboneElement"];

pub fn check<'k>(term: &'k Term, kind: &'k str) -> Result<(), SyntaxFault> {
    let focus = Known::of(Kind::Fhir(kind));
    Checker { root: &focus }.term(term, &focus).map(drop)
}

const fn fault<T>(at: usize, expected: &'static str) -> Result<T, SyntaxFault> {
    Err(SyntaxFault { at, expected })
}

impl<'k> Known<'k> {
    const ANYTHING: Self = Self { kinds: None, ordered: true };

    fn of(kind: Kind<'k>) -> Self {
        Self::among(vec![kind])
    }

    fn among(kinds: Vec<Kind<'k>>) -> Self {
        let is_open =
            |kind: &Kind<'_>| matches!(kind, Kind::Fhir(name) if OPEN.contains(name) || !types::is_known(name));
        let open = kinds.iter().any(is_open);
        Self { kinds: (!open).then_some(kinds), ordered: true }
    }

    fn joined(self, other: Self) -> Self {
        let kinds = self.kinds.zip(other.kinds).map(|(mut kinds, others)| {
            kinds.extend(others);
            kinds
        });
        Self { kinds, ordered: self.ordered && other.ordered }
    }

    /// Whether an item is certainly something of System that is no truth value.
    fn is_no_criterion(&self) -> bool {
        let computed = |kind: &Kind<'_>| matches!(kind, Kind::System(name) if *name != "Boolean");
        self.kinds.as_ref().is_some_and(|kinds| !kinds.is_empty() && kinds.iter().all(computed))
    }
}

struct Checker<'c, 'k> {
    root: &'c Known<'k>,
}

impl<'k> Checker<'_, 'k> {
    fn term(&self, term: &'k Term, this: &Known<'k>) -> Checked<'k> {
        match &term.form {
            Form::Empty => Ok(Known::among(Vec::new())),
            Form::Literal(value) => Ok(Known::of(Kind::System(value.kind()))),
            Form::Pattern(_) => Ok(Known::of(Kind::System("String"))),
            Form::This => Ok(this.clone()),
            Form::Index => Ok(Known::of(Kind::System("Integer"))),
            Form::Constant(name) if name == "context" => Ok(self.root.clone()),
            Form::Total | Form::Constant(_) => Ok(Known::ANYTHING),
            Form::Type(name) => named(name, term.at),
            Form::Path(base, steps) => self.path(base.as_deref(), steps, this),
            Form::Polarity { operand, .. } => self.term(operand, this),
            Form::Binary(operator, operands) => {
                let [left, right] = operands.as_ref();
                let (left, right) = (self.term(left, this)?, self.term(right, this)?);
                Ok(match operator.gives() {
                    OperatorGives::Both => left.joined(right),
                    OperatorGives::Boolean => Known::of(Kind::System("Boolean")),
                    OperatorGives::Value => Known::ANYTHING,
                })
            }
            Form::Typed(operator, operand, name) => {
                self.term(operand, this)?;
                let of_type = named(name, term.at)?;
                Ok(if *operator == TypeOperator::Is { Known::of(Kind::System("Boolean")) } else { of_type })
            }
        }
    }

    fn path(&self, base: Option<&'k Term>, steps: &'k [Step], this: &Known<'k>) -> Checked<'k> {
        let (mut known, rest) = match (base, steps.split_first()) {
            (None, Some((Step { action: Action::Member(named), at }, rest))) => (first(&named.name, *at, this)?, rest),
            (None, _) => (this.clone(), steps),
            (Some(base), _) => (self.term(base, this)?, steps),
        };
        for step in rest {
            known = self.step(step, known, this)?;
        }
        Ok(known)
    }

    fn step(&self, step: &'k Step, input: Known<'k>, this: &Known<'k>) -> Checked<'k> {
        match &step.action {
            Action::Member(named) => member(&input, &named.name, step.at),
            Action::Item(index) => {
                self.term(index, this)?;
                in_order(input, step.at)
            }
            Action::Call(function, arguments) => {
                let input = if function.ordered { in_order(input, step.at)? } else { input };
                self.call(function, arguments, input, this)
            }
        }
    }

    fn call(&self, function: &Function, arguments: &'k [Term], input: Known<'k>, this: &Known<'k>) -> Checked<'k> {
        let mut known = Vec::with_capacity(arguments.len());
        for (number, argument) in arguments.iter().enumerate() {
            let scope = match function.reads {
                Reads::Criterion | Reads::Order => &input,
                Reads::Projection if number == 0 && function.gives == Gives::Projection => &input,
                // A projection of what it gave itself, or the beginning of a total.
                Reads::Projection => &Known::ANYTHING,
                Reads::Terms | Reads::Type | Reads::Pattern => this,
            };
            let found = self.term(argument, scope)?;
            if number == 0 && function.reads == Reads::Criterion && found.is_no_criterion() {
                return fault(argument.at, "something that is true or false");
            }
            known.push(found);
        }
        let mut known = known.into_iter();
        Ok(match function.gives {
            Gives::Anything => Known::ANYTHING,
            Gives::Input => input,
            Gives::Type | Gives::Projection => known.next().unwrap_or(Known::ANYTHING),
            Gives::Branch => known.skip(1).reduce(Known::joined).unwrap_or(Known::ANYTHING),
            Gives::Both => known.fold(input, Known::joined),
            Gives::Extensions => Known::of(Kind::Fhir("Extension")),
            Gives::Members => Known { kinds: None, ordered: false },
        })
    }
}

fn in_order(input: Known<'_>, at: usize) -> Checked<'_> {
    if input.ordered { Ok(input) } else { fault(at, "a collection that has an order") }
}

fn named(name: &TypeName, at: usize) -> Checked<'_> {
    if name.check().is_err() {
        return fault(at, "a type of FHIR or FHIRPath");
    }
    let of_fhir = name.namespace.as_deref() != Some("System") && types::is_known(&name.name);
    Ok(Known::of(if of_fhir { Kind::Fhir(&name.name) } else { Kind::System(&name.name) }))
}

/// The first name of a path: a member of the focus, or its type.
fn first<'k>(name: &str, at: usize, this: &Known<'k>) -> Checked<'k> {
    if !name.starts_with(|c: char| c.is_ascii_uppercase()) {
        return member(this, name, at);
    }
    let Some(kinds) = &this.kinds else { return Ok(Known::ANYTHING) };
    let is_named = |kind: &&Kind<'k>| matches!(kind, Kind::Fhir(kind) if types::is_a(kind, name));
    match kinds.iter().find(is_named) {
        Some(kind) => Ok(Known::of(*kind)),
        None => fault(at, "the type of the focus"),
    }
}

/// The types that a member may have; a fault when no type of its owner has such a member.
fn member<'k>(owner: &Known<'k>, name: &str, at: usize) -> Checked<'k> {
    let Some(kinds) = &owner.kinds else { return Ok(Known { ordered: owner.ordered, ..Known::ANYTHING }) };
    let mut found = Vec::new();
    for kind in kinds {
        match kind {
            Kind::System("TypeInfo") if matches!(name, "name" | "namespace") => found.push(Kind::System("String")),
            Kind::System(_) => {}
            Kind::Fhir(kind) => {
                let described = if types::is_primitive(kind) { "Element" } else { kind };
                let elements = definitions::elements(described).iter();
                let named = elements.filter(|element| element.name.trim_end_matches("[x]") == name);
                found.extend(named.flat_map(definitions::Element::types).map(Kind::Fhir));
            }
        }
    }
    if found.is_empty() && !kinds.is_empty() {
        return fault(at, "an element that the type has");
    }
    Ok(Known { ordered: owner.ordered, ..Known::among(found) })
}

enum OperatorGives {
    Boolean,
    Both,
    Value,
}

impl super::syntax::Operator {
    const fn gives(self) -> OperatorGives {
        match self {
            Self::Union => OperatorGives::Both,
            Self::Times | Self::Over | Self::Div | Self::Mod | Self::Plus | Self::Minus | Self::Concatenate => {
                OperatorGives::Value
            }
            _ => OperatorGives::Boolean,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::fhir::fhirpath::Expression;

    fn check(kind: &str, expression: &str) -> Option<usize> {
        Expression::parse(expression).unwrap().check(kind).err().map(|fault| fault.at)
    }

    #[test]
    fn what_cannot_be_is_told_with_its_place() {
        for (kind, expression, at) in [
            ("Patient", "name.given1", 5),
            ("Patient", "Encounter.name", 0),
            ("Patient", "name.where(use = 'usual').first().day", 34),
            ("Patient", "name.select(given | family).use", 28),
            ("Observation", "valueQuantity", 0),
            ("Observation", "(value as Period).unit", 18),
            ("Observation", "value.ofType(Nothing)", 13),
            ("Observation", "component.where('a')", 16),
            ("Patient", "children().skip(1)", 11),
            ("Patient.contact", "'a'.x", 4),
        ] {
            assert_eq!(check(kind, expression), Some(at), "{expression}");
        }
    }

    #[test]
    fn what_may_be_is_right() {
        for (kind, expression) in [
            ("Patient", "Patient.name.given.extension('urn:x').value.as(Coding).code"),
            ("Patient", "generalPractitioner.resolve().anything.at.all"),
            ("Patient", "DomainResource.text.div"),
            ("Observation", "value.unit | component.value.coding.code"),
            ("Bundle", "entry.resource.ofType(Patient).name"),
            ("Questionnaire", "repeat(item).linkId"),
            ("Patient.contact", "name.family & ' ' & %x.y"),
            ("Patient", "name.given.defineVariable('n').select(%n.id)"),
            ("Patient", "iif(active, name.first().family, id)"),
        ] {
            assert_eq!(check(kind, expression), None, "{expression}");
        }
    }

    /// What R4 itself writes is right, but for one rule about an element that its resource does not have.
    #[test]
    fn the_rules_of_r4_are_right() {
        let (mut owner, mut rules, mut wrong) = ("", 0, Vec::new());
        for line in include_str!("../definitions/constraints.txt").lines().filter(|line| !line.starts_with('#')) {
            if let Some(expression) = line.strip_prefix("  ") {
                rules += 1;
                let fault = Expression::parse(expression).and_then(|expression| expression.check(owner)).err();
                wrong.extend(fault.map(|fault| format!("{owner}: {expression}: {fault}")));
            } else if !line.starts_with(' ') {
                owner = line;
            }
        }
        assert!(rules > 240, "{rules}");
        assert_eq!(wrong.len(), 1, "{wrong:#?}");
        assert!(wrong[0].starts_with("ChargeItemDefinition: name.matches"));
    }
}
