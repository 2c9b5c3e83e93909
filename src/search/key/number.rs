//! Numbers: as doubles that sort, lowest and highest; most have but one (FHIR R4 search 3.1.1.4.7).

use super::interval::{self, Interval, Layout, Prefix};
use super::{BadValue, Emit, Encoder, Find, Form};
use crate::fhir::Node;
use crate::fhir::fhirpath::Decimal;

pub(super) fn encoder(kind: &str) -> Option<Encoder> {
    Some(match kind {
        "integer" | "positiveInt" | "unsignedInt" | "decimal" => plain,
        "Range" => range,
        _ => return None,
    })
}

fn plain(node: &Node, emit: &mut Emit<'_>) {
    if let Some(value) = value(node) {
        put(Interval { low: interval::of_f64(value), high: interval::of_f64(value) }, emit);
    }
}

/// What a JSON number is.
pub(super) fn value(node: &Node) -> Option<f64> {
    match node {
        Node::Number(text) => text.parse().ok(),
        _ => None,
    }
}

fn range(node: &Node, emit: &mut Emit<'_>) {
    let bound = |name| node.get(name)?.get("value").and_then(value);
    let (low, high) = (bound("low").unwrap_or(f64::NEG_INFINITY), bound("high").unwrap_or(f64::INFINITY));
    put(Interval { low: interval::of_f64(low), high: interval::of_f64(high) }, emit);
}

fn put(Interval { low, high }: Interval, emit: &mut Emit<'_>) {
    emit(Form::Value, &[&low.to_be_bytes(), &high.to_be_bytes()]);
    if low != high {
        emit(Form::End, &[&high.to_be_bytes(), &low.to_be_bytes()]);
    }
}

/// A number as it was searched for, with what it may stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sought {
    pub value: Bound,
    pub low: Bound,
    /// Not among it.
    pub high: Bound,
}

/// A number as exactly as it is known: a decimal when it is of usual size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bound {
    pub decimal: Option<Decimal>,
    pub double: f64,
}

impl Bound {
    /// A decimal that has lost all of its digits is none.
    fn new(decimal: Option<Decimal>, double: f64) -> Self {
        let decimal = decimal.filter(|decimal| !decimal.is_zero() || double == 0.0);
        Self { decimal, double: decimal.map_or(double, Decimal::to_f64) }
    }
}

impl Sought {
    /// Reads a decimal. Equal is what lies half a unit of its last digit around it; with an exponent the specification
    /// takes one digit more: `100` is 99.5 to 100.5, `1e2` is 95 to 105.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(of, by)| (of, Some(by)));
        let digits = mantissa.trim_start_matches('-');
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(fraction) || mantissa.starts_with("--") {
            return None;
        }
        let decimals = if digits.contains('.') { i32::try_from(fraction.len()).ok()? } else { 0 };
        let power = match exponent {
            Some(exponent) => exponent.parse::<i32>().ok()?.checked_sub(decimals)?.checked_sub(2)?,
            None => -decimals - 1,
        };
        Some(Self::around(text, &format!("5e{power}")))
    }

    fn around(text: &str, half: &str) -> Self {
        let (value, half) = (Self::bound(text), Self::bound(half));
        let with = |sum: fn(Decimal, Decimal) -> Option<Decimal>, double: f64| {
            Bound::new(value.decimal.zip(half.decimal).and_then(|(value, half)| sum(value, half)), double)
        };
        let low = with(Decimal::minus, value.double - half.double);
        let high = with(Decimal::plus, value.double + half.double);
        Self { value, low, high }
    }

    fn bound(text: &str) -> Bound {
        Bound::new(Decimal::parse(text), text.parse().unwrap_or_default())
    }

    /// The interval of a prefix: only equal and not equal look at what the number may stand for (FHIR R4 search
    /// 3.1.1.4.6); approximately is within a tenth. `measure` gives the number that is compared.
    pub(super) fn interval(&self, prefix: Prefix, measure: impl Fn(&Bound) -> Option<f64>) -> Option<Interval> {
        let of = |bound: &Bound| measure(bound).map(interval::of_f64);
        Some(match prefix {
            Prefix::Equal | Prefix::NotEqual => {
                // Of a number with as many digits as a double has, the value itself is all that is left.
                let value = of(&self.value)?;
                Interval { low: of(&self.low)?.min(value), high: of(&self.high)?.saturating_sub(1).max(value) }
            }
            Prefix::Approximately => {
                let value = measure(&self.value)?;
                let reach = value.abs() / 10.0;
                Interval { low: interval::of_f64(value - reach), high: interval::of_f64(value + reach) }
            }
            _ => Interval { low: of(&self.value)?, high: of(&self.value)? },
        })
    }
}

/// What a number with its prefix finds.
pub fn number_finds(text: &str) -> Result<Vec<Find>, BadValue> {
    let (prefix, number) = Prefix::take(text);
    let sought = Sought::parse(number).ok_or(BadValue("expected a decimal number, behind a prefix or none"))?;
    let interval = sought.interval(prefix, |bound| Some(bound.double)).unwrap_or(Interval { low: 0, high: 0 });
    let layout = Layout { form: Form::Value, end: Form::End, lead: Vec::new(), tail: None, usual_extent: 0 };
    Ok(interval::finds(prefix, interval, &layout))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_for_what_rounds_to_them() {
        for (text, value, low, high) in [
            ("100", 100.0, 99.5, 100.5),
            ("100.00", 100.0, 99.995, 100.005),
            ("1e2", 100.0, 95.0, 105.0),
            ("-5.4", -5.4, -5.45, -5.35),
            ("0", 0.0, -0.5, 0.5),
            ("1e-20", 1e-20, 0.95e-20, 1.05e-20),
        ] {
            let sought = Sought::parse(text).expect(text);
            let found = [sought.value.double, sought.low.double, sought.high.double];
            for (found, expected) in found.into_iter().zip([value, low, high]) {
                assert!((found - expected).abs() <= expected.abs() * 1e-12, "{text}: {found}");
            }
        }
        for text in ["", "abc", "1.", ".5", "--1", "1e", "inf", "NaN", "+1", "1,5", "1e99999999999", "0x1"] {
            assert_eq!(Sought::parse(text), None, "{text}");
        }
        assert!(Sought::parse("1e400").is_some_and(|sought| sought.value.double.is_infinite()), "no panic");
    }
}
