//! Values of one type as those of another: FHIRPath N1 5.5. What does not convert gives nothing.

use smol_str::SmolStr;

use super::Function;
use crate::fhir::fhirpath::decimal::Decimal;
use crate::fhir::fhirpath::evaluator::{Call, Evaluator, Found, single};
use crate::fhir::fhirpath::item::{Collection, at_most_one, one};
use crate::fhir::fhirpath::quantity::{Quantity, Unit, calendar_unit};
use crate::fhir::fhirpath::temporal::{Precision, Temporal, TemporalKind};
use crate::fhir::fhirpath::value::Value;

pub static FUNCTIONS: &[Function] = &[
    Function::new("toBoolean", 0, 0, |_, call| converted(call, boolean)),
    Function::new("convertsToBoolean", 0, 0, |_, call| converts(call, boolean)),
    Function::new("toInteger", 0, 0, |_, call| converted(call, integer)),
    Function::new("convertsToInteger", 0, 0, |_, call| converts(call, integer)),
    Function::new("toDecimal", 0, 0, |_, call| converted(call, decimal)),
    Function::new("convertsToDecimal", 0, 0, |_, call| converts(call, decimal)),
    Function::new("toString", 0, 0, |_, call| converted(call, string)),
    Function::new("convertsToString", 0, 0, |_, call| converts(call, string)),
    Function::new("toDate", 0, 0, |_, call| converted(call, date)),
    Function::new("convertsToDate", 0, 0, |_, call| converts(call, date)),
    Function::new("toDateTime", 0, 0, |_, call| converted(call, date_time)),
    Function::new("convertsToDateTime", 0, 0, |_, call| converts(call, date_time)),
    Function::new("toTime", 0, 0, |_, call| converted(call, time)),
    Function::new("convertsToTime", 0, 0, |_, call| converts(call, time)),
    Function::new("toQuantity", 0, 1, to_quantity),
    Function::new("convertsToQuantity", 0, 1, converts_to_quantity),
];

type Convert = fn(Value) -> Option<Value>;

fn converted<'n>(call: Call<'_, 'n>, convert: Convert) -> Found<'n> {
    Ok(at_most_one(single(call.input)?.and_then(|item| convert(item.value()?))))
}

fn converts<'n>(call: Call<'_, 'n>, convert: Convert) -> Found<'n> {
    Ok(at_most_one(single(call.input)?.map(|item| item.value().and_then(convert).is_some())))
}

fn boolean(value: Value) -> Option<Value> {
    let truth = match &value {
        Value::Boolean(truth) => *truth,
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => true,
            "false" | "f" | "no" | "n" | "0" | "0.0" => false,
            _ => return None,
        },
        other => match other.number()?.to_integer()? {
            1 => true,
            0 => false,
            _ => return None,
        },
    };
    Some(Value::Boolean(truth))
}

fn integer(value: Value) -> Option<Value> {
    match value {
        Value::Integer(_) => Some(value),
        Value::Boolean(truth) => Some(Value::Integer(i32::from(truth))),
        Value::String(text) => text.parse().ok().map(Value::Integer),
        _ => None,
    }
}

fn decimal(value: Value) -> Option<Value> {
    match value {
        Value::Boolean(truth) => Some(Value::Decimal(i32::from(truth).into())),
        Value::String(text) if !text.contains(['e', 'E']) => Decimal::parse(&text).map(Value::Decimal),
        other => other.number().map(Value::Decimal),
    }
}

fn string(value: Value) -> Option<Value> {
    match value {
        Value::Type(_) => None,
        other => Some(Value::String(other.text())),
    }
}

fn date(value: Value) -> Option<Value> {
    match value {
        Value::String(text) => Temporal::parse(TemporalKind::Date, &text).map(Value::Temporal),
        Value::Temporal(Temporal { kind: TemporalKind::Date, .. }) => Some(value),
        Value::Temporal(moment) if moment.kind == TemporalKind::DateTime => Some(Value::Temporal(moment.date_part())),
        _ => None,
    }
}

fn date_time(value: Value) -> Option<Value> {
    match value {
        Value::String(text) => Temporal::parse(TemporalKind::DateTime, &text).map(Value::Temporal),
        Value::Temporal(moment) if moment.kind != TemporalKind::Time => {
            Some(Value::Temporal(Temporal { kind: TemporalKind::DateTime, ..moment }))
        }
        _ => None,
    }
}

fn time(value: Value) -> Option<Value> {
    match value {
        Value::String(text) => Temporal::parse(TemporalKind::Time, &text).map(Value::Temporal),
        Value::Temporal(Temporal { kind: TemporalKind::Time, .. }) => Some(value),
        _ => None,
    }
}

fn quantity(value: Value) -> Option<Quantity> {
    match value {
        Value::Boolean(truth) => Some(Quantity::of_number(i32::from(truth).into())),
        Value::String(text) => Quantity::parse(&text),
        other => other.quantity(),
    }
}

/// With a unit as the argument, the quantity is converted to it.
fn to_quantity<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let unit: Option<SmolStr> = evaluator.text_argument(&call, 0)?;
    let lacks_unit = unit.is_none() && !call.arguments.is_empty();
    let found = single(call.input)?.and_then(|item| quantity(item.value()?));
    if lacks_unit {
        return Ok(Collection::new());
    }
    let unit = unit.map(|unit| calendar_unit(&unit).map_or(Unit::Ucum(unit), Unit::Calendar));
    Ok(at_most_one(match unit {
        Some(unit) => found.and_then(|found| found.converted(&unit)),
        None => found,
    }))
}

fn converts_to_quantity<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    if call.input.is_empty() {
        return Ok(Collection::new());
    }
    Ok(one(!to_quantity(evaluator, call)?.is_empty()))
}

impl Temporal {
    /// The day of a moment, as far as it is known.
    pub fn date_part(self) -> Self {
        let whole = Self::of_date(self.date);
        Self { precision: self.precision.min(Precision::Day), ..whole }
    }
}
