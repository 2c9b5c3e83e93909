//! Equality and equivalence of items and collections (FHIRPath N1 6.1).

use super::decimal::Decimal;
use super::evaluator::Evaluator;
use super::fault::Cause;
use super::item::{Collection, Item};
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
    evaluator.work(left.len())?;
    let mut known = Some(true);
    for (left, right) in left.iter().zip(right) {
        match items_equal(left, right) {
            Some(false) => return Ok(Some(false)),
            None => known = None,
            Some(true) => {}
        }
    }
    Ok(known)
}

/// Whether two items are equal; `None` when what is known does not tell.
pub fn items_equal(left: &Item<'_>, right: &Item<'_>) -> Option<bool> {
    if let (Item::Element(one), Item::Element(other)) = (left, right) {
        if one.is_same(other) {
            return Some(true);
        }
        if let (Some(one), Some(other)) = (one.object(), other.object()) {
            return Some(objects_equal(one, other));
        }
    }
    values_equal(&left.value()?, &right.value()?)
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

/// Complex elements are equal when all their members are; the order of names does not matter.
fn objects_equal(left: &Object, right: &Object) -> bool {
    let equal = |(name, node): (&str, &Node)| right.get(name).is_some_and(|other| nodes_equal(node, other));
    left.len() == right.len() && left.iter().all(equal)
}

fn nodes_equal(left: &Node, right: &Node) -> bool {
    match (left, right) {
        (Node::Object(left), Node::Object(right)) => objects_equal(left, right),
        (Node::Array(left), Node::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| nodes_equal(left, right))
        }
        (Node::Number(left), Node::Number(right)) => left == right || Decimal::parse(left) == Decimal::parse(right),
        _ => left == right,
    }
}

/// Whether two collections are equivalent, in any order. Never unknown.
pub fn equivalent<'n>(evaluator: &mut Evaluator<'_, 'n>, left: &[Item<'n>], right: &[Item<'n>]) -> Result<bool, Cause> {
    if left.len() != right.len() {
        return Ok(false);
    }
    let mut open: Vec<&Item<'n>> = right.iter().collect();
    for item in left {
        evaluator.work(open.len())?;
        match open.iter().position(|other| items_equivalent(item, other)) {
            Some(at) => drop(open.swap_remove(at)),
            None => return Ok(false),
        }
    }
    Ok(true)
}

fn items_equivalent(left: &Item<'_>, right: &Item<'_>) -> bool {
    if let (Item::Element(one), Item::Element(other)) = (left, right) {
        if let (Some(one), Some(other)) = (one.object(), other.object()) {
            return objects_equivalent(one, other);
        }
    }
    left.value().zip(right.value()).is_some_and(|(left, right)| values_equivalent(&left, &right))
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

/// Equivalent in all their members; ids say nothing about the content.
fn objects_equivalent(left: &Object, right: &Object) -> bool {
    let count = |object: &Object| object.iter().filter(|(name, _)| *name != "id").count();
    count(left) == count(right)
        && left
            .iter()
            .filter(|(name, _)| *name != "id")
            .all(|(name, node)| right.get(name).is_some_and(|other| nodes_equivalent(node, other)))
}

fn nodes_equivalent(left: &Node, right: &Node) -> bool {
    match (left, right) {
        (Node::Object(left), Node::Object(right)) => objects_equivalent(left, right),
        (Node::Array(left), Node::Array(right)) => {
            left.len() == right.len() && left.iter().all(|one| right.iter().any(|other| nodes_equivalent(one, other)))
        }
        (Node::String(left), Node::String(right)) => texts_equivalent(left, right),
        (Node::Number(left), Node::Number(right)) => {
            Decimal::parse(left).zip(Decimal::parse(right)).is_some_and(|(one, other)| decimals_equivalent(one, other))
        }
        _ => left == right,
    }
}

/// Whether a collection has an item equal to one.
pub fn contains<'n>(evaluator: &mut Evaluator<'_, 'n>, items: &[Item<'n>], wanted: &Item<'n>) -> Result<bool, Cause> {
    for item in items {
        evaluator.work(0)?;
        if items_equal(item, wanted) == Some(true) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Without those equal to an earlier one.
pub fn distinct<'n>(evaluator: &mut Evaluator<'_, 'n>, items: Collection<'n>) -> Result<Collection<'n>, Cause> {
    let mut kept = Collection::with_capacity(items.len());
    for item in items {
        if !contains(evaluator, &kept, &item)? {
            kept.push(item);
        }
    }
    Ok(kept)
}
