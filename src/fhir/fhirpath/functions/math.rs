//! Mathematics: FHIRPath N1 5.7, and sums over a collection. A result that there is not, or that is too large, is
//! nothing.

use std::cmp::Ordering;

use super::Function;
use crate::fhir::fhirpath::decimal::{Decimal, SCALE_MAX};
use crate::fhir::fhirpath::evaluator::{Call, Evaluator, Found, single};
use crate::fhir::fhirpath::fault::Cause;
use crate::fhir::fhirpath::item::{Collection, Item, at_most_one};
use crate::fhir::fhirpath::operators;
use crate::fhir::fhirpath::syntax::Operator;
use crate::fhir::fhirpath::value::Value;

pub static FUNCTIONS: &[Function] = &[
    Function::new("abs", 0, 0, |_, call| abs(call)),
    Function::new("ceiling", 0, 0, |_, call| whole(call, |value| value.ceiling_at(0))),
    Function::new("floor", 0, 0, |_, call| whole(call, |value| value.floor_at(0))),
    Function::new("truncate", 0, 0, |_, call| whole(call, |value| Some(value.truncated()))),
    Function::new("round", 0, 1, round),
    Function::new("exp", 0, 0, |_, call| binary_number(call, f64::exp)),
    Function::new("ln", 0, 0, |_, call| binary_number(call, f64::ln)),
    Function::new("sqrt", 0, 0, |_, call| binary_number(call, f64::sqrt)),
    Function::new("log", 1, 1, log),
    Function::new("power", 1, 1, power),
    Function::new("sum", 0, 0, |evaluator, call| sum(evaluator, call.input)),
    Function::new("avg", 0, 0, average),
    Function::new("min", 0, 0, |_, call| extreme(call, Ordering::Less)),
    Function::new("max", 0, 0, |_, call| extreme(call, Ordering::Greater)),
];

fn value(call: Call<'_, '_>) -> Result<Option<Value>, Cause> {
    Ok(single(call.input)?.and_then(|item| item.value()))
}

fn number(value: Option<Value>) -> Result<Option<Decimal>, Cause> {
    value.map(|value| value.number().ok_or(Cause::NotA("a number"))).transpose()
}

fn abs<'n>(call: Call<'_, 'n>) -> Found<'n> {
    Ok(at_most_one(match value(call)? {
        None => None,
        Some(Value::Integer(value)) => value.checked_abs().map(Value::Integer),
        Some(Value::Decimal(value)) => Some(Value::Decimal(value.abs())),
        Some(Value::Quantity(value)) if value.value.is_negative() => Some(value.negated().into()),
        Some(Value::Quantity(value)) => Some(Value::Quantity(value)),
        Some(_) => return Err(Cause::NotA("a number")),
    }))
}

fn whole<'n>(call: Call<'_, 'n>, turned: fn(Decimal) -> Option<Decimal>) -> Found<'n> {
    Ok(at_most_one(number(value(call)?)?.and_then(turned).and_then(Decimal::to_integer)))
}

fn round<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let scale = match call.arguments.len() {
        0 => Some(0),
        _ => evaluator.integer_argument(&call, 0)?,
    };
    let scale = scale.map(|scale| u32::try_from(scale).map_err(|_| Cause::Argument("a precision"))).transpose()?;
    let rounded = number(value(call)?)?.zip(scale).and_then(|(value, scale)| value.rounded(scale.min(SCALE_MAX)));
    Ok(at_most_one(rounded))
}

/// Through a binary number: these results are not rational, and fifteen digits are right.
fn binary_number<'n>(call: Call<'_, 'n>, function: fn(f64) -> f64) -> Found<'n> {
    Ok(at_most_one(number(value(call)?)?.and_then(|value| Decimal::from_f64(function(value.to_f64())))))
}

fn log<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let base = number(evaluator.argument(&call, 0)?)?;
    let Some((value, base)) = number(value(call)?)?.zip(base) else { return Ok(Collection::new()) };
    Ok(at_most_one(Decimal::from_f64(value.to_f64().log(base.to_f64()))))
}

fn power<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let exponent = evaluator.argument(&call, 0)?;
    let integers = matches!(exponent, Some(Value::Integer(0..)));
    let value = value(call)?;
    let integers = integers && matches!(value, Some(Value::Integer(_)));
    let Some((base, exponent)) = number(value)?.zip(number(exponent)?) else { return Ok(Collection::new()) };
    let result = match exponent.to_integer() {
        Some(exponent) => base.power(exponent),
        None => Decimal::from_f64(base.to_f64().powf(exponent.to_f64())),
    };
    Ok(if integers { at_most_one(result.and_then(Decimal::to_integer)) } else { at_most_one(result) })
}

fn sum<'n>(evaluator: &mut Evaluator<'_, 'n>, input: Collection<'n>) -> Found<'n> {
    let mut items = input.into_iter();
    let mut total: Collection<'n> = items.next().into_iter().collect();
    for item in items {
        total = operators::apply(evaluator, Operator::Plus, total, vec![item])?;
    }
    Ok(total)
}

fn average<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let count = Item::Value(Value::Decimal(Value::count(call.input.len()).number().unwrap_or(Decimal::ONE)));
    let total = sum(evaluator, call.input)?;
    operators::apply(evaluator, Operator::Over, total, vec![count])
}

fn extreme<'n>(call: Call<'_, 'n>, wanted: Ordering) -> Found<'n> {
    let mut best: Option<Value> = None;
    for item in &call.input {
        let value = item.value().ok_or(Cause::Operands)?;
        let better = match &best {
            None => true,
            Some(best) => operators::compare(&value, best)? == Some(wanted),
        };
        best = if better { Some(value) } else { best };
    }
    Ok(at_most_one(best))
}
