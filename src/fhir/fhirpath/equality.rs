//! Equality and equivalence of items and collections (FHIRPath N1 6.1).

use std::collections::HashSet;

use smol_str::SmolStr;

use super::decimal::Decimal;
use super::evaluator::Evaluator;
use super::fault::Cause;
use super::item::{Collection, Item};
use super::types::is_quantity;
use super::value::Value;
use crate::fhir::{Node, Object};

/// Whether two collections are equal, in order; `None` when one is empty or what is known does not tell.
pub fn equal<'n>(
    evaluator: &mut Evaluator<'_, 'n>,
    left: &[Item<'n>],
    right: &[Item<'n>],
) -> Result<Option<bool>, Cause> {
    if left.is_empty() || right.is_empty() {
        return Ok(None);
    }
    if left.len() != right.len() {
        return Ok(Some(false));
    }
    let mut known = Some(true);
    for (left, right) in left.iter().zip(right) {
        match items_equal(evaluator, left, right)? {
            Some(false) => return Ok(Some(false)),
            None => known = None,
            Some(true) => {}
        }
    }
    Ok(known)
}

/// Whether two items are equal; `None` when what is known does not tell.
fn items_equal<'n>(
    evaluator: &mut Evaluator<'_, 'n>,
    left: &Item<'n>,
    right: &Item<'n>,
) -> Result<Option<bool>, Cause> {
    let mut comparison = Comparison::within(evaluator);
    let equal = comparison.items(left, right);
    evaluator.work(comparison.visited)?;
    Ok(equal)
}

/// A walk through two trees that counts what it looks at. Past its budget it finds everything different, and paying for
/// it fails.
struct Comparison {
    visited: usize,
    budget: usize,
}

impl Comparison {
    const fn within(evaluator: &Evaluator<'_, '_>) -> Self {
        Self { visited: 0, budget: evaluator.work_left() }
    }

    fn items(&mut self, left: &Item<'_>, right: &Item<'_>) -> Option<bool> {
        let objects = objects(left, right);
        match (left.value(), right.value(), objects) {
            (Some(left), Some(right), _) => values_equal(&left, &right),
            (_, _, Some((left, right))) => Some(std::ptr::eq(left, right) || self.objects(left, right)),
            _ => (is_complex(left) || is_complex(right)).then_some(false),
        }
    }

    /// Complex elements are equal when all their members are; the order of names does not matter.
    fn objects(&mut self, left: &Object, right: &Object) -> bool {
        self.visited += left.len();
        self.visited <= self.budget
            && left.len() == right.len()
            && left.iter().all(|(name, node)| right.get(name).is_some_and(|other| self.nodes(node, other)))
    }

    fn nodes(&mut self, left: &Node, right: &Node) -> bool {
        match (left, right) {
            (Node::Object(left), Node::Object(right)) => self.objects(left, right),
            (Node::Array(left), Node::Array(right)) => {
                self.visited += left.len();
                left.len() == right.len() && left.iter().zip(right).all(|(left, right)| self.nodes(left, right))
            }
            (Node::Number(left), Node::Number(right)) => left == right || Decimal::parse(left) == Decimal::parse(right),
            _ => left == right,
        }
    }
}

fn objects<'n>(left: &Item<'n>, right: &Item<'n>) -> Option<(&'n Object, &'n Object)> {
    left.element()?.object().zip(right.element()?.object())
}

/// Something with members that is no Quantity: it equals no value.
fn is_complex(item: &Item<'_>) -> bool {
    item.element().is_some_and(|element| element.object().is_some() && !is_quantity(element.kind()))
}

fn values_equal(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Boolean(left), Value::Boolean(right)) => Some(left == right),
        (Value::Integer(left), Value::Integer(right)) => Some(left == right),
        (Value::String(left), Value::String(right)) => Some(left == right),
        (Value::Type(left), Value::Type(right)) => Some(left == right),
        (Value::Temporal(left), Value::Temporal(right)) if same_clock(left, right) => {
            Some(left.compare(*right)?.is_eq())
        }
        (Value::Quantity(_), other) | (other, Value::Quantity(_)) if other.quantity().is_some() => {
            Some(left.quantity()?.compare(&right.quantity()?)?.is_eq())
        }
        _ => Some(left.number().zip(right.number()).is_some_and(|(left, right)| left == right)),
    }
}

/// A time of day and a date are never the same, whatever is known of them.
pub fn same_clock(left: &super::Temporal, right: &super::Temporal) -> bool {
    use super::TemporalKind::Time;
    (left.kind == Time) == (right.kind == Time)
}

/// Whether two collections are equivalent, in any order. Never unknown.
pub fn equivalent<'n>(evaluator: &mut Evaluator<'_, 'n>, left: &[Item<'n>], right: &[Item<'n>]) -> Result<bool, Cause> {
    if left.len() != right.len() {
        return Ok(false);
    }
    let mut open: Vec<&Item<'n>> = right.iter().collect();
    for item in left {
        let mut comparison = Comparison::within(evaluator);
        let found = open.iter().position(|other| comparison.equivalent_items(item, other));
        evaluator.work(open.len() + comparison.visited)?;
        match found {
            Some(at) => drop(open.swap_remove(at)),
            None => return Ok(false),
        }
    }
    Ok(true)
}

fn values_equivalent(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => texts_equivalent(left, right),
        (Value::Quantity(left), Value::Quantity(right)) => left.is_equivalent(right),
        (Value::Decimal(_), other) | (other, Value::Decimal(_)) if other.number().is_some() => {
            left.number().zip(right.number()).is_some_and(|(left, right)| decimals_equivalent(left, right))
        }
        _ => values_equal(left, right) == Some(true),
    }
}

/// Equal when rounded to the less precise of the two; zeros at the end tell nothing.
fn decimals_equivalent(left: Decimal, right: Decimal) -> bool {
    let scale = left.trimmed().scale().min(right.trimmed().scale());
    left.rounded(scale) == right.rounded(scale)
}

/// Without regard to case, and to how much white space stands between words.
fn texts_equivalent(left: &str, right: &str) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    words(left) == words(right)
}

impl Comparison {
    fn equivalent_items(&mut self, left: &Item<'_>, right: &Item<'_>) -> bool {
        match (left.value(), right.value()) {
            (Some(left), Some(right)) => values_equivalent(&left, &right),
            _ => objects(left, right).is_some_and(|(left, right)| self.equivalent_objects(left, right)),
        }
    }

    /// Equivalent in all their members; ids say nothing about the content.
    fn equivalent_objects(&mut self, left: &Object, right: &Object) -> bool {
        let count = |object: &Object| object.len() - usize::from(object.get("id").is_some());
        self.visited += left.len();
        let mut members = left.iter().filter(|(name, _)| *name != "id");
        self.visited <= self.budget
            && count(left) == count(right)
            && members.all(|(name, node)| right.get(name).is_some_and(|other| self.equivalent_nodes(node, other)))
    }

    fn equivalent_nodes(&mut self, left: &Node, right: &Node) -> bool {
        self.visited += 1;
        match (left, right) {
            (Node::Object(left), Node::Object(right)) => self.equivalent_objects(left, right),
            (Node::Array(left), Node::Array(right)) => {
                let mut is_there = |one: &Node| right.iter().any(|other| self.equivalent_nodes(one, other));
                left.len() == right.len() && left.iter().all(&mut is_there)
            }
            (Node::String(left), Node::String(right)) => texts_equivalent(left, right),
            (Node::Number(left), Node::Number(right)) => {
                let numbers = Decimal::parse(left).zip(Decimal::parse(right));
                numbers.is_some_and(|(one, other)| decimals_equivalent(one, other))
            }
            _ => left == right,
        }
    }
}

/// Whether a collection has an item equal to one.
pub fn contains<'n>(evaluator: &mut Evaluator<'_, 'n>, items: &[Item<'n>], wanted: &Item<'n>) -> Result<bool, Cause> {
    for item in items {
        if items_equal(evaluator, item, wanted)? == Some(true) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Without those equal to an earlier one.
pub fn distinct<'n>(evaluator: &mut Evaluator<'_, 'n>, items: Collection<'n>) -> Result<Collection<'n>, Cause> {
    if let Some(texts) = items.iter().map(plain_text).collect::<Option<Vec<_>>>() {
        evaluator.work(items.len())?;
        let mut seen = HashSet::with_capacity(items.len());
        return Ok(items
            .into_iter()
            .zip(texts)
            .filter(|(_, text)| seen.insert(text.clone()))
            .map(|(item, _)| item)
            .collect());
    }
    let mut kept = Collection::with_capacity(items.len());
    for item in items {
        if !contains(evaluator, &kept, &item)? {
            kept.push(item);
        }
    }
    Ok(kept)
}

/// The text of a string, which is equal to another exactly when its characters are.
fn plain_text(item: &Item<'_>) -> Option<SmolStr> {
    match item.value() {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}
