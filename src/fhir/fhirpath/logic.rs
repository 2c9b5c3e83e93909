//! Truth of three values: true, false and not known (FHIRPath N1 6.5).

use super::fault::Cause;
use super::item::{Collection, Item, at_most_one};
use super::syntax::Operator;
use super::value::Value;

/// A collection where a truth value is wanted: one item that is none is true, nothing is not known (FHIRPath N1 4.5).
pub fn boolean(found: &[Item<'_>]) -> Result<Option<bool>, Cause> {
    match found {
        [] => Ok(None),
        [Item::Value(Value::Boolean(value))] => Ok(Some(*value)),
        [item] => match item.value() {
            Some(Value::Boolean(value)) => Ok(Some(value)),
            _ => Ok(Some(true)),
        },
        _ => Err(Cause::NotSingle),
    }
}

/// What the left operand alone decides; then the right is not looked at.
pub fn settled(operator: Operator, left: &[Item<'_>]) -> Result<Option<bool>, Cause> {
    Ok(match (operator, left) {
        (Operator::And, left) => (boolean(left)? == Some(false)).then_some(false),
        (Operator::Or, left) => (boolean(left)? == Some(true)).then_some(true),
        (Operator::Implies, left) => (boolean(left)? == Some(false)).then_some(true),
        _ => None,
    })
}

pub fn apply<'n>(operator: Operator, left: &[Item<'n>], right: &[Item<'n>]) -> Result<Collection<'n>, Cause> {
    let (left, right) = (boolean(left)?, boolean(right)?);
    let result = match operator {
        Operator::And => and(left, right),
        Operator::Or => or(left, right),
        Operator::Implies => or(left.map(|left| !left), right),
        _ => left.zip(right).map(|(left, right)| left != right),
    };
    Ok(at_most_one(result))
}

fn and(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn or(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    and(left.map(|left| !left), right.map(|right| !right)).map(|neither| !neither)
}
