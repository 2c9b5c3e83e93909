//! Equality of JSON values as a `test` asks for it (RFC 6902 4.6): numbers by value, members in any order.

use crate::fhir::Node;

pub fn equal(left: &Node, right: &Node) -> bool {
    match (left, right) {
        (Node::Number(left), Node::Number(right)) => left == right || same_number(left, right),
        (Node::Array(left), Node::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Node::Object(left), Node::Object(right)) => {
            let in_right = |(name, node): (&str, &Node)| right.get(name).is_some_and(|other| equal(node, other));
            left.len() == right.len() && left.iter().all(in_right)
        }
        _ => left == right,
    }
}

/// Without writing either out: `1e5` and `100000.0` have the same digits at the same exponent.
fn same_number(left: &str, right: &str) -> bool {
    matches!((Number::read(left), Number::read(right)), (Some(left), Some(right)) if left == right)
}

/// `digits × 10^exponent`, the digits without zeros at either end; zero has no digits.
#[derive(PartialEq, Eq)]
struct Number {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Number {
    /// `None` when the exponent is past all measure.
    fn read(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        let kept = digits.trim_end_matches('0');
        let exponent = i64::from(exponent) - i64::try_from(fraction.len()).ok()?
            + i64::try_from(digits.len() - kept.len()).ok()?;
        let kept = kept.trim_start_matches('0');
        let zero = kept.is_empty();
        Some(Self { negative: negative && !zero, digits: kept.into(), exponent: if zero { 0 } else { exponent } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_by_what_they_mean() {
        for (left, right, expected) in [
            ("1", "1.0", true),
            ("100", "1e2", true),
            ("-0.0", "0", true),
            ("0.10", "1E-1", true),
            ("1e2", "1e3", false),
            ("1", "-1", false),
            ("1e9999", "1e9998", false),
            ("10e9998", "1e9999", true),
            (r#"{"a":1,"b":[1,2]}"#, r#"{"b":[1.0,2],"a":1}"#, true),
            ("[1,2]", "[2,1]", false),
            (r#""1""#, "1", false),
            (r#"{"a":1}"#, r#"{"a":1,"b":null}"#, false),
        ] {
            let node = |text: &str| Node::parse(text.as_bytes()).unwrap();
            assert_eq!(equal(&node(left), &node(right)), expected, "{left} and {right}");
        }
    }
}
