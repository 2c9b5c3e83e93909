//! What is known of a value: `precision`, `lowBoundary`, `highBoundary`, `comparable` (trial use part of FHIRPath).
//!
//! Precision is a count of digits: behind the point for decimals, of the whole value for dates and times.

use super::Function;
use crate::fhir::fhirpath::decimal::{Decimal, SCALE_MAX};
use crate::fhir::fhirpath::evaluator::{Call, Evaluator, Found, single};
use crate::fhir::fhirpath::fault::Cause;
use crate::fhir::fhirpath::item::{Collection, at_most_one};
use crate::fhir::fhirpath::quantity::Quantity;
use crate::fhir::fhirpath::temporal::{Precision, Temporal, TemporalKind};
use crate::fhir::fhirpath::value::Value;

pub static FUNCTIONS: &[Function] = &[
    Function::new("precision", 0, 0, |_, call| precision(call)),
    Function::new("lowBoundary", 0, 1, |evaluator, call| boundary(evaluator, call, Side::Low)),
    Function::new("highBoundary", 0, 1, |evaluator, call| boundary(evaluator, call, Side::High)),
    Function::new("comparable", 1, 1, comparable),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Low,
    High,
}

/// Digits behind the point of a boundary when none are asked for.
const DECIMAL_DIGITS: i32 = 8;

/// Minutes from UTC of the earliest and the latest clock: a moment without an offset lies between.
const EARLIEST_OFFSET: i16 = 14 * 60;
const LATEST_OFFSET: i16 = -12 * 60;

fn precision<'n>(call: Call<'_, 'n>) -> Found<'n> {
    Ok(at_most_one(match single(call.input)?.and_then(|item| item.value()) {
        None => None,
        Some(Value::Temporal(value)) => Some(temporal_digits(value)),
        Some(value) => {
            let scale = value.number().ok_or(Cause::NotA("a decimal, date or time"))?.scale();
            i32::try_from(scale).ok()
        }
    }))
}

/// A fraction always counts as milliseconds.
fn temporal_digits(value: Temporal) -> i32 {
    let known = match value.precision {
        Precision::Year => 4,
        Precision::Month => 6,
        Precision::Day => 8,
        Precision::Hour => 10,
        Precision::Minute => 12,
        Precision::Second if value.fraction_digits == 0 => 14,
        Precision::Second => 17,
    };
    if value.kind == TemporalKind::Time { known - 8 } else { known }
}

fn boundary<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>, side: Side) -> Found<'n> {
    let digits = evaluator.integer_argument(&call, 0)?;
    let Some(value) = single(call.input)?.and_then(|item| item.value()) else { return Ok(Collection::new()) };
    Ok(at_most_one(match value {
        Value::Temporal(value) => temporal_boundary(value, digits, side).map(Value::Temporal),
        Value::Quantity(quantity) => {
            let value = decimal_boundary(quantity.value, digits.unwrap_or(DECIMAL_DIGITS), side);
            value.map(|value| Quantity { value, unit: quantity.unit }.into())
        }
        other => {
            let value = other.number().ok_or(Cause::NotA("a number, quantity, date or time"))?;
            decimal_boundary(value, digits.unwrap_or(DECIMAL_DIGITS), side).map(Value::Decimal)
        }
    }))
}

/// Half a unit of the last digit away, then outwards to the digits that are asked for. A value that is nothing at these
/// digits stays nothing there, as the official cases have it.
fn decimal_boundary(value: Decimal, digits: i32, side: Side) -> Option<Decimal> {
    let digits = u32::try_from(digits).ok().filter(|digits| *digits <= SCALE_MAX)?;
    if !value.is_zero() && value.rounded(digits)?.is_zero() && value.truncated().is_zero() && digits > 0 {
        return Some(Decimal::new(0, digits));
    }
    let half = Decimal::new(5, value.scale() + 1);
    match side {
        Side::Low => value.minus(half)?.floor_at(digits),
        Side::High => value.plus(half)?.ceiling_at(digits),
    }
}

/// The first or last moment that it may be, to the precision of so many digits; the finest of its type by default.
fn temporal_boundary(value: Temporal, digits: Option<i32>, side: Side) -> Option<Temporal> {
    let finest = match value.kind {
        TemporalKind::Date => 8,
        TemporalKind::DateTime => 17,
        TemporalKind::Time => 9,
    };
    let digits = digits.unwrap_or(finest);
    let of_day = if value.kind == TemporalKind::Time { digits + 8 } else { digits };
    let (precision, fraction_digits) = match of_day {
        4 => (Precision::Year, 0),
        6 => (Precision::Month, 0),
        8 => (Precision::Day, 0),
        10 => (Precision::Hour, 0),
        12 => (Precision::Minute, 0),
        14 => (Precision::Second, 0),
        17 => (Precision::Second, 3),
        _ => return None,
    };
    if digits > finest {
        return None;
    }
    let filled = filled(value, side)?;
    let offset = if precision >= Precision::Hour { filled.offset } else { None };
    let kind = if precision <= Precision::Day { TemporalKind::Date } else { value.kind };
    Some(Temporal { kind, precision, fraction_digits, offset, ..filled })
}

/// Every part that is not known at its first or last; FHIR knows no hour without its minutes, so such minutes are zero.
fn filled(value: Temporal, side: Side) -> Option<Temporal> {
    let mut filled = value;
    let high = side == Side::High;
    if high {
        filled.date = match value.precision {
            _ if value.kind == TemporalKind::Time => value.date,
            Precision::Year => value.date.last_of_year(),
            Precision::Month => value.date.last_of_month(),
            _ => value.date,
        };
        if value.precision < Precision::Hour {
            (filled.hour, filled.minute) = (23, 59);
        }
        if value.precision < Precision::Second {
            filled.second = 59;
        }
        filled.nanosecond += match value.fraction_digits {
            _ if value.precision < Precision::Second => 999_999_999,
            0..=8 => 10_u32.pow(9 - u32::from(value.fraction_digits)) - 1,
            _ => 0,
        };
    }
    if value.kind == TemporalKind::DateTime && value.offset.is_none() {
        filled.offset = Some(if high { LATEST_OFFSET } else { EARLIEST_OFFSET });
    }
    Some(filled)
}

/// Whether two quantities measure the same.
fn comparable<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let quantity = |value: Value| value.quantity().ok_or(Cause::NotA("a quantity"));
    let other = evaluator.argument(&call, 0)?.map(quantity).transpose()?;
    let own = single(call.input)?.and_then(|item| item.value()).map(quantity).transpose()?;
    Ok(at_most_one(own.zip(other).map(|(own, other)| own.is_comparable(&other))))
}
