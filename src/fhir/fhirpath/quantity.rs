//! Quantities: a decimal with a UCUM unit or a calendar unit, compared and computed across units.

use std::cmp::Ordering;
use std::fmt;

use smol_str::{SmolStr, format_smolstr};

use super::decimal::Decimal;
use super::temporal::CalendarUnit;
use super::ucum::{self, Measure};

#[derive(Clone, Debug)]
pub struct Quantity {
    pub value: Decimal,
    pub unit: Unit,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    Calendar(CalendarUnit),
    Ucum(SmolStr),
}

impl Quantity {
    /// A number is a quantity of unit `1`.
    pub fn of_number(value: Decimal) -> Self {
        Self { value, unit: Unit::Ucum(SmolStr::new_static("1")) }
    }

    /// Reads `10.1 'mg'`, `4 days` and `5`, as `toQuantity()` does (FHIRPath N1 5.5.7).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let at = text.find(|c: char| c.is_whitespace() || c == '\'').unwrap_or(text.len());
        let value =
            text[..at].bytes().all(|byte| !byte.is_ascii_alphabetic()).then(|| Decimal::parse(&text[..at]))??;
        let unit = text[at..].trim_start();
        let unit = match unit.strip_prefix('\'') {
            None if unit.is_empty() => return Some(Self::of_number(value)),
            None => Unit::Calendar(calendar_unit(unit)?),
            Some(rest) => Unit::Ucum(rest.strip_suffix('\'').filter(|unit| !unit.contains('\''))?.into()),
        };
        Some(Self { value, unit })
    }

    /// Which is larger; `None` when their units do not measure the same.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        let (left, right) = common(&self.measured(false)?, &other.measured(false)?)?;
        Some(left.cmp(&right))
    }

    /// Equal when rounded to what the less precise of the two tells; a calendar year is a UCUM year here.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        let equivalent = || {
            let (left, right) = (self.measured(true)?, other.measured(true)?);
            let precision = |amount: &Amount| i64::from(amount.value.scale()) - i64::from(amount.exponent);
            let least = precision(&left).min(precision(&right));
            let lowest = left.exponent.min(right.exponent);
            let shift = i32::try_from(least + i64::from(lowest)).ok()?;
            let (left, right) = common(&left, &right)?;
            Some(left.shifted(shift)?.rounded(0)? == right.shifted(shift)?.rounded(0)?)
        };
        equivalent().unwrap_or(false)
    }

    pub fn is_comparable(&self, other: &Self) -> bool {
        matches!((self.measured(false), other.measured(false)), (Some(a), Some(b)) if a.dimensions == b.dimensions)
    }

    fn measured(&self, as_ucum: bool) -> Option<Amount> {
        let measure = match &self.unit {
            Unit::Calendar(unit) => calendar_measure(*unit, as_ucum),
            Unit::Ucum(unit) => ucum::measure(unit),
        }?;
        let Measure { numerator, denominator, exponent, dimensions } = measure;
        Some(Amount { value: self.value.times(numerator)?, denominator, exponent, dimensions })
    }

    /// The sum in the unit of the left.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        let value = if self.unit == other.unit { other.value } else { other.converted(&self.unit)?.value };
        Some(Self { value: self.value.plus(value)?, unit: self.unit.clone() })
    }

    pub fn negated(&self) -> Self {
        Self { value: self.value.negated(), unit: self.unit.clone() }
    }

    /// The same amount in another unit.
    pub fn converted(&self, unit: &Unit) -> Option<Self> {
        let from = self.measured(false)?;
        let to = Self { value: Decimal::ONE, unit: unit.clone() }.measured(false)?;
        if from.dimensions != to.dimensions {
            return None;
        }
        let value = from.value.times(to.denominator)?.divided_by(to.value.times(from.denominator)?)?;
        Some(Self { value: value.shifted(from.exponent - to.exponent)?, unit: unit.clone() })
    }

    pub fn times(&self, other: &Self) -> Option<Self> {
        let unit = match (self.ucum_unit(), other.ucum_unit()) {
            (left, right) if right == "1" => left,
            (left, right) if left == "1" => right,
            (left, right) => format_smolstr!("{left}.{}", bracketed(&right)),
        };
        Some(Self { value: self.value.times(other.value)?, unit: Unit::Ucum(unit) })
    }

    pub fn divided_by(&self, other: &Self) -> Option<Self> {
        let unit = match (self.ucum_unit(), other.ucum_unit()) {
            (left, right) if right == "1" => left,
            (left, right) if left == right => SmolStr::new_static("1"),
            (left, right) => format_smolstr!("{left}/{}", bracketed(&right)),
        };
        Some(Self { value: self.value.divided_by(other.value)?, unit: Unit::Ucum(unit) })
    }

    fn ucum_unit(&self) -> SmolStr {
        match &self.unit {
            Unit::Ucum(unit) => unit.clone(),
            Unit::Calendar(unit) => SmolStr::new_static(ucum_name(*unit)),
        }
    }

    /// The unit of a duration to move a date by: definite years and months have no place in a calendar, except by
    /// their English names.
    pub fn calendar_unit(&self) -> Option<CalendarUnit> {
        match &self.unit {
            Unit::Calendar(unit) => Some(*unit),
            Unit::Ucum(unit) => match unit.as_str() {
                "wk" => Some(CalendarUnit::Week),
                "d" => Some(CalendarUnit::Day),
                "h" => Some(CalendarUnit::Hour),
                "min" => Some(CalendarUnit::Minute),
                "s" => Some(CalendarUnit::Second),
                "ms" => Some(CalendarUnit::Millisecond),
                other => calendar_unit(other),
            },
        }
    }
}

struct Amount {
    value: Decimal,
    denominator: Decimal,
    exponent: i32,
    dimensions: ucum::Dimensions,
}

/// Two amounts as plain numbers of the same unit.
fn common(left: &Amount, right: &Amount) -> Option<(Decimal, Decimal)> {
    if left.dimensions != right.dimensions {
        return None;
    }
    let lowest = left.exponent.min(right.exponent);
    let of = |value: Decimal, by: Decimal, exponent: i32| value.times(by)?.shifted(exponent - lowest);
    Some((of(left.value, right.denominator, left.exponent)?, of(right.value, left.denominator, right.exponent)?))
}

/// A unit after a division or multiplication sign.
fn bracketed(unit: &SmolStr) -> SmolStr {
    if unit.contains(['/', '.']) { format_smolstr!("({unit})") } else { unit.clone() }
}

/// The words for calendar durations: `year`, `years` …
pub fn calendar_unit(word: &str) -> Option<CalendarUnit> {
    Some(match word {
        "year" | "years" => CalendarUnit::Year,
        "month" | "months" => CalendarUnit::Month,
        "week" | "weeks" => CalendarUnit::Week,
        "day" | "days" => CalendarUnit::Day,
        "hour" | "hours" => CalendarUnit::Hour,
        "minute" | "minutes" => CalendarUnit::Minute,
        "second" | "seconds" => CalendarUnit::Second,
        "millisecond" | "milliseconds" => CalendarUnit::Millisecond,
        _ => return None,
    })
}

/// Years and months of the calendar have no definite length, and measure only each other.
fn calendar_measure(unit: CalendarUnit, as_ucum: bool) -> Option<Measure> {
    match unit {
        CalendarUnit::Year if !as_ucum => Some(Measure::of_own("month", 12)),
        CalendarUnit::Month if !as_ucum => Some(Measure::of_own("month", 1)),
        unit => ucum::measure(ucum_name(unit)),
    }
}

const fn ucum_name(unit: CalendarUnit) -> &'static str {
    match unit {
        CalendarUnit::Year => "a",
        CalendarUnit::Month => "mo",
        CalendarUnit::Week => "wk",
        CalendarUnit::Day => "d",
        CalendarUnit::Hour => "h",
        CalendarUnit::Minute => "min",
        CalendarUnit::Second => "s",
        CalendarUnit::Millisecond => "ms",
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unit {
            Unit::Ucum(unit) => write!(f, "{} '{unit}'", self.value),
            Unit::Calendar(unit) => {
                let word = format!("{unit:?}").to_ascii_lowercase();
                let plural = if self.value == Decimal::ONE { "" } else { "s" };
                write!(f, "{} {word}{plural}", self.value)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    #[test]
    fn units_that_measure_the_same_are_compared() {
        use Ordering::{Equal, Greater, Less};
        for (left, right, order) in [
            ("4.0000 'g'", "4000.0 'mg'", Some(Equal)),
            ("1 '[in_i]'", "2.54 'cm'", Some(Equal)),
            ("185 '[lb_av]'", "185 'kg'", Some(Less)),
            ("7 days", "1 'wk'", Some(Equal)),
            ("13 months", "1 year", Some(Greater)),
            ("1 'mo'", "1 month", None),
            ("1 'cm'", "1 's'", None),
            ("1 'nonsense'", "1 'nonsense'", None),
            ("90 'km/h'", "25 'm/s'", Some(Equal)),
        ] {
            assert_eq!(of(left).compare(&of(right)), order, "{left} {right}");
        }
    }

    #[test]
    fn equivalence_rounds_to_the_less_precise() {
        for (left, right, equivalent) in
            [("4 'g'", "4040 'mg'", true), ("4.0 'g'", "4060 'mg'", false), ("1 year", "1 'a'", true)]
        {
            assert_eq!(of(left).is_equivalent(&of(right)), equivalent, "{left} {right}");
            assert_eq!(of(right).is_equivalent(&of(left)), equivalent, "{right} {left}");
        }
    }

    #[test]
    fn arithmetic_carries_units() {
        assert_eq!(of("2.0 'cm'").times(&of("2.0 'm'")).unwrap().compare(&of("0.040 'm2'")), Some(Ordering::Equal));
        assert_eq!(of("4 'g'").divided_by(&of("2 'm'")).unwrap().to_string(), "2 'g/m'");
        assert_eq!(of("1 'm'").plus(&of("5 'cm'")).unwrap().to_string(), "1.05 'm'");
        assert!(of("1 'm'").plus(&of("5 's'")).is_none());
        assert_eq!(of("1 week").to_string(), "1 week");
        assert_eq!(of("2 week").to_string(), "2 weeks");
    }
}
