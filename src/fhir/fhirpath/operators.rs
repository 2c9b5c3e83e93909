//! Operators of two operands: arithmetic, order, text, collections (FHIRPath N1 6).

use std::cmp::Ordering;

use super::decimal::Decimal;
use super::equality;
use super::evaluator::{Evaluator, Found, single};
use super::fault::Cause;
use super::item::{Collection, Item, at_most_one, one};
use super::logic;
use super::quantity::Quantity;
use super::syntax::Operator;
use super::temporal::Temporal;
use super::value::Value;

pub fn apply<'n>(
    evaluator: &mut Evaluator<'_, 'n>,
    operator: Operator,
    left: Collection<'n>,
    right: Collection<'n>,
) -> Found<'n> {
    match operator {
        Operator::And | Operator::Or | Operator::Xor | Operator::Implies => logic::apply(operator, &left, &right),
        Operator::Equal => Ok(at_most_one(equality::equal(evaluator, &left, &right)?)),
        Operator::NotEqual => Ok(at_most_one(equality::equal(evaluator, &left, &right)?.map(|equal| !equal))),
        Operator::Equivalent => Ok(one(equality::equivalent(evaluator, &left, &right)?)),
        Operator::NotEquivalent => Ok(one(!equality::equivalent(evaluator, &left, &right)?)),
        Operator::Union => union(evaluator, left, right),
        Operator::In => member(evaluator, left, &right),
        Operator::Contains => member(evaluator, right, &left),
        Operator::Concatenate => concatenate(evaluator, left, right),
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
            let Some((left, right)) = values(left, right)? else { return Ok(Collection::new()) };
            Ok(at_most_one(compare(&left, &right)?.map(|order| fits(operator, order))))
        }
        _ => {
            let Some((left, right)) = values(left, right)? else { return Ok(Collection::new()) };
            let value = arithmetic(operator, &left, &right)?;
            evaluator.work(value.as_ref().and_then(Value::as_str).map_or(0, str::len))?;
            Ok(at_most_one(value))
        }
    }
}

/// The one value of each side; `None` when a side is empty.
fn values(left: Collection<'_>, right: Collection<'_>) -> Result<Option<(Value, Value)>, Cause> {
    let (Some(left), Some(right)) = (single(left)?, single(right)?) else { return Ok(None) };
    match (left.value(), right.value()) {
        (Some(left), Some(right)) => Ok(Some((left, right))),
        // A primitive that has only extensions holds nothing; what has members has no value.
        (left_value, right_value) => {
            let lacks = |item: &Item<'_>| item.element().is_some_and(|element| element.object().is_some());
            let complex = (left_value.is_none() && lacks(&left)) || (right_value.is_none() && lacks(&right));
            if complex { Err(Cause::Operands) } else { Ok(None) }
        }
    }
}

pub fn union<'n>(evaluator: &mut Evaluator<'_, 'n>, mut left: Collection<'n>, right: Collection<'n>) -> Found<'n> {
    left.extend(right);
    equality::distinct(evaluator, left)
}

fn member<'n>(evaluator: &mut Evaluator<'_, 'n>, item: Collection<'n>, items: &[Item<'n>]) -> Found<'n> {
    match single(item)? {
        None => Ok(Collection::new()),
        Some(item) => Ok(one(equality::contains(evaluator, items, &item)?)),
    }
}

/// `&`: nothing counts as the empty text.
fn concatenate<'n>(evaluator: &mut Evaluator<'_, 'n>, left: Collection<'n>, right: Collection<'n>) -> Found<'n> {
    let text = |side: Collection<'n>| match single(side)? {
        None => Ok(String::new()),
        Some(item) => item.text().map(String::from).ok_or(Cause::NotA("a string")),
    };
    let text = text(left)? + &text(right)?;
    evaluator.work(text.len())?;
    Ok(one(Value::string(text)))
}

/// Which comes first; `None` when what is known does not tell; a fault for what has no order.
pub fn compare(left: &Value, right: &Value) -> Result<Option<Ordering>, Cause> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Ok(Some(left.cmp(right))),
        (Value::Temporal(left), Value::Temporal(right)) if equality::same_clock(left, right) => {
            Ok(left.compare(*right))
        }
        _ => match (left.number(), right.number()) {
            (Some(left), Some(right)) => Ok(Some(left.cmp(&right))),
            _ => {
                let (left, right) = left.quantity().zip(right.quantity()).ok_or(Cause::Operands)?;
                Ok(left.compare(&right))
            }
        },
    }
}

const fn fits(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        _ => order.is_ge(),
    }
}

/// `None` where there is no result: a division by zero, a number that is too large.
fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Result<Option<Value>, Cause> {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => Ok(integers(operator, *left, *right)),
        (Value::String(left), Value::String(right)) if operator == Operator::Plus => {
            Ok(Some(Value::string([left.as_str(), right].concat())))
        }
        (Value::Temporal(left), Value::Quantity(right)) => move_temporal(operator, *left, right),
        (Value::Quantity(_), _) | (_, Value::Quantity(_)) => {
            let (left, right) = left.quantity().zip(right.quantity()).ok_or(Cause::Operands)?;
            quantities(operator, &left, &right)
        }
        _ => {
            let (left, right) = left.number().zip(right.number()).ok_or(Cause::Operands)?;
            Ok(decimals(operator, left, right))
        }
    }
}

fn integers(operator: Operator, left: i32, right: i32) -> Option<Value> {
    let result = match operator {
        Operator::Plus => left.checked_add(right),
        Operator::Minus => left.checked_sub(right),
        Operator::Times => left.checked_mul(right),
        Operator::Div => left.checked_div(right),
        Operator::Mod => left.checked_rem(right),
        _ => return decimals(operator, left.into(), right.into()),
    };
    result.map(Value::Integer)
}

fn decimals(operator: Operator, left: Decimal, right: Decimal) -> Option<Value> {
    let result = match operator {
        Operator::Plus => left.plus(right),
        Operator::Minus => left.minus(right),
        Operator::Times => left.times(right),
        Operator::Over => left.divided_by(right),
        Operator::Div => return left.whole_quotient(right)?.to_integer().map(Value::Integer),
        _ => left.remainder(right),
    };
    result.map(Value::Decimal)
}

fn quantities(operator: Operator, left: &Quantity, right: &Quantity) -> Result<Option<Value>, Cause> {
    let result = match operator {
        Operator::Plus => left.plus(right),
        Operator::Minus => left.plus(&right.negated()),
        Operator::Times => left.times(right),
        Operator::Over => left.divided_by(right),
        _ => return Err(Cause::Operands),
    };
    Ok(result.map(Value::from))
}

/// A date plus or minus a duration. Only its whole part counts.
fn move_temporal(operator: Operator, moment: Temporal, duration: &Quantity) -> Result<Option<Value>, Cause> {
    let sign = match operator {
        Operator::Plus => 1,
        Operator::Minus => -1,
        _ => return Err(Cause::Operands),
    };
    let unit = duration.calendar_unit().ok_or(Cause::Argument("a duration of the calendar"))?;
    let Some(amount) = duration.value.truncated().to_integer() else { return Ok(None) };
    Ok(moment.plus(sign * i64::from(amount), unit).map(Value::Temporal))
}

/// `-` before a number or quantity.
pub fn negated<'n>(operand: &[Item<'n>]) -> Found<'n> {
    let value = match operand {
        [] => return Ok(Collection::new()),
        [item] => item.value(),
        _ => return Err(Cause::NotSingle),
    };
    Ok(match value {
        Some(Value::Integer(value)) => at_most_one(value.checked_neg()),
        Some(Value::Decimal(value)) => one(value.negated()),
        Some(Value::Quantity(value)) => one(value.negated()),
        _ => return Err(Cause::NotA("a number")),
    })
}

/// `+` before a number or quantity: the same.
pub fn signed(operand: Collection<'_>) -> Found<'_> {
    negated(&operand)?;
    Ok(operand)
}
