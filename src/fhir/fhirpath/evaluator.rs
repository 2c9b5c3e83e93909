//! The walk over the tree of an expression.
//!
//! Variables live on a stack: what a chain of steps defines is seen by its later steps and their arguments, and is
//! gone where an argument or operand ends.

use smol_str::{SmolStr, format_smolstr};

use super::element::Element;
use super::environment::{Environment, Focus};
use super::fault::{Cause, EvaluationFault};
use super::item::{Collection, Item, one};
use super::logic;
use super::members::Member;
use super::operators;
use super::syntax::{Action, Form, Operator, Step, Term, TypeName, TypeOperator};
use super::types;
use super::value::Value;
use crate::base::limits::FHIRPATH_WORK_MAX;

pub type Found<'n> = Result<Collection<'n>, Cause>;

/// What `$this`, `$index` and `$total` are, and what a path without a beginning starts from.
#[derive(Clone, Copy)]
pub struct Scope<'s, 'n> {
    pub focus: &'s [Item<'n>],
    pub index: Option<usize>,
    pub total: Option<&'s [Item<'n>]>,
}

impl<'s, 'n> Scope<'s, 'n> {
    /// For one item of a list.
    pub fn on(self, item: &'s Item<'n>, index: usize) -> Self {
        Self { focus: std::slice::from_ref(item), index: Some(index), ..self }
    }
}

/// A function with what it is applied to.
pub struct Call<'c, 'n> {
    pub input: Collection<'n>,
    pub arguments: &'c [Term],
    /// Of the call, not of the input: arguments that are no criterion are evaluated here.
    pub scope: Scope<'c, 'n>,
}

pub struct Evaluator<'e, 'n> {
    pub focus: &'e Focus<'n>,
    pub environment: &'e dyn Environment<'n>,
    variables: Vec<(SmolStr, Collection<'n>)>,
    work_left: usize,
    /// The place of the first step that failed.
    failed_at: Option<usize>,
}

impl<'e, 'n> Evaluator<'e, 'n> {
    pub fn new(focus: &'e Focus<'n>, environment: &'e dyn Environment<'n>) -> Self {
        Self { focus, environment, variables: Vec::new(), work_left: FHIRPATH_WORK_MAX, failed_at: None }
    }

    pub fn run(mut self, term: &Term) -> Result<Collection<'n>, EvaluationFault> {
        let scope = Scope { focus: &self.focus.items, index: None, total: None };
        let found = self.evaluate(term, scope);
        found.map_err(|cause| EvaluationFault { at: self.failed_at.unwrap_or(term.at), cause })
    }

    /// Pays for work; the one place that stops an expression that would take too long.
    pub fn work(&mut self, amount: usize) -> Result<(), Cause> {
        self.work_left = self.work_left.checked_sub(amount + 1).ok_or(Cause::TooMuchWork)?;
        Ok(())
    }

    pub const fn work_left(&self) -> usize {
        self.work_left
    }

    fn located<T>(&mut self, at: usize, result: Result<T, Cause>) -> Result<T, Cause> {
        if result.is_err() {
            self.failed_at.get_or_insert(at);
        }
        result
    }

    /// Evaluates an argument or operand: its variables end with it.
    pub fn evaluate(&mut self, term: &Term, scope: Scope<'_, 'n>) -> Found<'n> {
        let variables = self.variables.len();
        let found = self.chain(term, scope);
        self.variables.truncate(variables);
        found
    }

    /// Evaluates the beginning of a path: its variables stay.
    fn chain(&mut self, term: &Term, scope: Scope<'_, 'n>) -> Found<'n> {
        match &term.form {
            Form::Empty => Ok(Collection::new()),
            Form::Literal(value) => Ok(vec![Item::Value(value.clone())]),
            Form::Pattern(pattern) => Ok(one(Value::String(pattern.text.clone()))),
            Form::This => Ok(scope.focus.to_vec()),
            Form::Index => Ok(scope.index.map(Value::count).map(Item::Value).into_iter().collect()),
            Form::Total => Ok(scope.total.unwrap_or_default().to_vec()),
            Form::Type(name) => self.located(term.at, Err(Cause::UnknownType(name.name.clone()))),
            Form::Constant(name) => {
                let found = self.constant(name);
                self.located(term.at, found)
            }
            Form::Path(base, steps) => self.path(base.as_deref(), steps, scope),
            Form::Polarity { negative, operand } => {
                let operand = self.evaluate(operand, scope)?;
                let found = if *negative { operators::negated(&operand) } else { operators::signed(operand) };
                self.located(term.at, found)
            }
            Form::Binary(operator, operands) => {
                let found = self.binary(*operator, operands, scope);
                self.located(term.at, found)
            }
            Form::Typed(operator, operand, name) => {
                let operand = self.evaluate(operand, scope)?;
                let found = self.typed(*operator, operand, name);
                self.located(term.at, found)
            }
        }
    }

    fn binary(&mut self, operator: Operator, [left, right]: &[Term; 2], scope: Scope<'_, 'n>) -> Found<'n> {
        self.work(0)?;
        let left = self.evaluate(left, scope)?;
        if let Some(settled) = logic::settled(operator, &left)? {
            return Ok(one(settled));
        }
        let right = self.evaluate(right, scope)?;
        operators::apply(self, operator, left, right)
    }

    pub fn typed(&mut self, operator: TypeOperator, operand: Collection<'n>, name: &TypeName) -> Found<'n> {
        name.check()?;
        if operator == TypeOperator::As && self.environment.as_selects() {
            return Ok(operand.into_iter().filter(|item| name.selects(item)).collect());
        }
        let Some(item) = single(operand)? else { return Ok(Collection::new()) };
        Ok(match operator {
            TypeOperator::Is => one(name.includes(&item)),
            TypeOperator::As => Some(item).filter(|item| name.selects(item)).into_iter().collect(),
        })
    }

    fn path(&mut self, base: Option<&Term>, steps: &[Step], scope: Scope<'_, 'n>) -> Found<'n> {
        let (mut found, rest) = match (base, steps.split_first()) {
            (None, Some((Step { action: Action::Member(member), .. }, rest))) => {
                (self.first_member(member, scope)?, rest)
            }
            (None, _) => (scope.focus.to_vec(), steps),
            (Some(base), _) => (self.chain(base, scope)?, steps),
        };
        for step in rest {
            let next = self.step(step, found, scope);
            found = self.located(step.at, next)?;
        }
        Ok(found)
    }

    fn step(&mut self, step: &Step, input: Collection<'n>, scope: Scope<'_, 'n>) -> Found<'n> {
        match &step.action {
            Action::Member(member) => self.members(&input, member),
            Action::Call(function, arguments) => {
                self.work(input.len())?;
                (function.body)(self, Call { input, arguments, scope })
            }
            Action::Item(index) => {
                let index = self.evaluate(index, scope)?;
                let Some(index) = integer(index)? else { return Ok(Collection::new()) };
                let item = usize::try_from(index).ok().and_then(|index| input.into_iter().nth(index));
                Ok(item.into_iter().collect())
            }
        }
    }

    /// The first name of a path is a member of the focus, or the type of the focus (FHIRPath N1 3.2).
    fn first_member(&mut self, member: &Member, scope: Scope<'_, 'n>) -> Found<'n> {
        let name = &member.name;
        if !name.starts_with(|c: char| c.is_ascii_uppercase()) {
            return self.members(scope.focus, member);
        }
        let is_named = |item: &&Item<'n>| item.element().is_some_and(|element| types::is_a(element.kind(), name));
        let focus: Collection<'n> = scope.focus.iter().filter(is_named).cloned().collect();
        if focus.is_empty() { Ok(self.environment.resources(name)) } else { Ok(focus) }
    }

    fn members(&mut self, input: &[Item<'n>], member: &Member) -> Found<'n> {
        let mut found = Collection::new();
        for item in input {
            match item {
                Item::Element(element) => member.append(element, &mut found),
                Item::Value(Value::Type(info)) => match member.name.as_str() {
                    "namespace" => found.push(Value::string(info.namespace).into()),
                    "name" => found.push(Value::String(info.name.clone()).into()),
                    _ => {}
                },
                Item::Value(_) => {}
            }
        }
        self.work(input.len() + found.len())?;
        Ok(found)
    }

    /// Variables, then the names that FHIRPath and FHIR fix (FHIR R4 2.9.1.4), then what the environment knows.
    fn constant(&self, name: &SmolStr) -> Found<'n> {
        if let Some((_, found)) = self.variables.iter().rev().find(|(known, _)| known == name) {
            return Ok(found.clone());
        }
        let element = |element: Option<Element<'n>>| Ok(element.map(Item::Element).into_iter().collect());
        let fixed = match name.as_str() {
            "context" => {
                return Ok(self.environment.constant(name).unwrap_or_else(|| self.focus.items.clone()));
            }
            "resource" => return element(self.focus.resource),
            "rootResource" => return element(self.focus.root_resource),
            "ucum" => SmolStr::new_static("http://unitsofmeasure.org"),
            "sct" => SmolStr::new_static("http://snomed.info/sct"),
            "loinc" => SmolStr::new_static("http://loinc.org"),
            other => match (other.strip_prefix("vs-"), other.strip_prefix("ext-")) {
                (Some(name), _) => format_smolstr!("http://hl7.org/fhir/ValueSet/{name}"),
                (_, Some(name)) => format_smolstr!("http://hl7.org/fhir/StructureDefinition/{name}"),
                _ => return self.environment.constant(name).ok_or_else(|| Cause::UnknownConstant(name.clone())),
            },
        };
        Ok(one(Value::String(fixed)))
    }

    /// Makes `%name` known to the steps that follow.
    pub fn define(&mut self, name: SmolStr, found: Collection<'n>) -> Result<(), Cause> {
        if self.constant(&name).is_ok() {
            return Err(Cause::Redefined(name));
        }
        self.variables.push((name, found));
        Ok(())
    }

    /// Whether a criterion holds for an item; nothing is not true.
    pub fn holds(&mut self, criterion: &Term, scope: Scope<'_, 'n>) -> Result<bool, Cause> {
        let found = self.evaluate(criterion, scope)?;
        Ok(logic::boolean(&found)? == Some(true))
    }

    /// The single value of an argument, when there is one.
    pub fn argument(&mut self, call: &Call<'_, 'n>, number: usize) -> Result<Option<Value>, Cause> {
        let Some(term) = call.arguments.get(number) else { return Ok(None) };
        let found = self.evaluate(term, call.scope)?;
        Ok(single(found)?.and_then(|item| item.value()))
    }

    pub fn text_argument(&mut self, call: &Call<'_, 'n>, number: usize) -> Result<Option<SmolStr>, Cause> {
        match self.argument(call, number)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Cause::NotA("a string")),
        }
    }

    pub fn integer_argument(&mut self, call: &Call<'_, 'n>, number: usize) -> Result<Option<i32>, Cause> {
        match self.argument(call, number)? {
            None => Ok(None),
            Some(Value::Integer(value)) => Ok(Some(value)),
            Some(_) => Err(Cause::NotA("an integer")),
        }
    }
}

/// The one item there is; a fault for several.
pub fn single(found: Collection<'_>) -> Result<Option<Item<'_>>, Cause> {
    match found.len() {
        0 | 1 => Ok(found.into_iter().next()),
        _ => Err(Cause::NotSingle),
    }
}

fn integer(found: Collection<'_>) -> Result<Option<i32>, Cause> {
    match single(found)?.map(|item| item.value()) {
        None => Ok(None),
        Some(Some(Value::Integer(value))) => Ok(Some(value)),
        Some(_) => Err(Cause::NotA("an integer")),
    }
}
