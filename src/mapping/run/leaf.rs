//! Text to FHIR primitives. What does not fit costs that leaf alone: the answer says what was expected.

use jiff::tz::TimeZone;
use smol_str::SmolStr;

use crate::base::limits;
use crate::fhir::Node;
use crate::fhir::definitions::Primitive;
use crate::hl7v2::PartialDateTime;

/// The value of a text as this primitive, or what was expected instead. An empty text is the caller's concern.
pub fn convert(primitive: Primitive, text: &str, zone: &TimeZone) -> Result<Node, &'static str> {
    let string = |text: &str| Ok(Node::String(text.into()));
    match primitive {
        Primitive::Text => string(text),
        Primitive::Uri => uri(text).ok_or("a URI without white space"),
        Primitive::Code => code(text).ok_or("a code: at most 64 characters, no white space"),
        Primitive::Id => id(text).ok_or("an id of letters, digits, dashes and dots"),
        Primitive::Boolean => boolean(text).map(Node::Bool).ok_or("Y or N (HL7 table 0136)"),
        Primitive::Integer => integer(text, i64::MIN).ok_or("a whole number"),
        Primitive::UnsignedInt => integer(text, 0).ok_or("a whole number not below zero"),
        Primitive::PositiveInt => integer(text, 1).ok_or("a whole number above zero"),
        Primitive::Decimal => decimal(text).map(Node::Number).ok_or("a number"),
        Primitive::Date => moment(text).map(|moment| Node::from(moment.to_fhir_date())),
        Primitive::DateTime => moment(text).map(|moment| Node::from(moment.to_fhir_date_time(zone))),
        Primitive::Instant => {
            let moment = moment(text)?.to_fhir_instant(zone);
            moment.map(Node::from).ok_or("a time stamp with a time of day")
        }
        Primitive::Time => time(text).map(Node::from).ok_or("a time of day"),
        Primitive::Base64 => base64(text).ok_or("base64"),
    }
}

fn moment(text: &str) -> Result<PartialDateTime, &'static str> {
    text.trim().parse().map_err(|_| "a time stamp YYYY[MM[DD[HH[MM[SS]]]]][+/-ZZZZ]")
}

fn time(text: &str) -> Option<String> {
    let time: crate::hl7v2::timestamp::PartialTime = text.trim().parse().ok()?;
    Some(time.to_fhir_time())
}

fn uri(text: &str) -> Option<Node> {
    let text = text.trim();
    let plain = !text.is_empty() && !text.contains(char::is_whitespace);
    plain.then(|| Node::from(text))
}

/// What is long or holds white space is free text in the wrong place: it may be about a patient, and codes are shown
/// and counted where names are not (P8).
fn code(text: &str) -> Option<Node> {
    let text = text.trim();
    let printable = |c: char| !c.is_whitespace() && !c.is_control();
    let plain = !text.is_empty() && text.chars().count() <= limits::CODE_LENGTH_MAX && text.chars().all(printable);
    plain.then(|| Node::from(text))
}

fn id(text: &str) -> Option<Node> {
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    fits.then(|| Node::from(text))
}

fn boolean(text: &str) -> Option<bool> {
    match text.trim() {
        "Y" | "y" | "1" | "true" | "T" => Some(true),
        "N" | "n" | "0" | "false" | "F" => Some(false),
        _ => None,
    }
}

fn integer(text: &str, least: i64) -> Option<Node> {
    let number: i64 = text.trim().trim_end_matches(".0").parse().ok()?;
    let fits = number >= least && i32::try_from(number).is_ok();
    fits.then(|| Node::Number(smol_str::format_smolstr!("{number}")))
}

/// An HL7 NM (v2.5.1 2.A.47: optional sign, digits, optional point) as a JSON number, to the digit. Nothing is
/// rounded; a leading plus, leading zeros and a bare point go.
fn decimal(text: &str) -> Option<SmolStr> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !numeric(whole) || !numeric(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some([sign, whole, point, fraction].concat().into())
}

fn base64(text: &str) -> Option<Node> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\n' | b'\r');
    (!text.is_empty() && text.bytes().all(fits)).then(|| Node::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(primitive: Primitive, text: &str, expected: Option<&str>) {
        let got = convert(primitive, text, &TimeZone::UTC).ok().map(|node| {
            let mut out = Vec::new();
            node.write(&mut out);
            String::from_utf8(out).unwrap()
        });
        assert_eq!(got.as_deref(), expected, "{primitive:?} {text:?}");
    }

    #[test]
    fn texts_become_primitives_or_nothing() {
        check(Primitive::Decimal, "+01.50", Some("1.50"));
        check(Primitive::Decimal, "-.5", Some("-0.5"));
        check(Primitive::Decimal, "5.", Some("5"));
        check(Primitive::Decimal, "1e5", None);
        check(Primitive::Decimal, ".", None);
        check(Primitive::PositiveInt, "0", None);
        check(Primitive::UnsignedInt, "15", Some("15"));
        check(Primitive::Integer, "99999999999", None);
        check(Primitive::Boolean, "Y", Some("true"));
        check(Primitive::Boolean, "maybe", None);
        check(Primitive::Date, "19700615", Some("\"1970-06-15\""));
        check(Primitive::Date, "20260230", None);
        check(Primitive::DateTime, "202603120845", Some("\"2026-03-12T08:45:00+00:00\""));
        check(Primitive::Instant, "20260312", None);
        check(Primitive::Time, "0845", Some("\"08:45:00\""));
        check(Primitive::Code, " a ", Some("\"a\""));
        check(Primitive::Code, "Jane Doe", None);
        check(Primitive::Code, "a\u{7f}", None);
        check(Primitive::Code, &"c".repeat(64), Some(&format!("\"{}\"", "c".repeat(64))));
        check(Primitive::Code, &"c".repeat(65), None);
        check(Primitive::Uri, "a b", None);
        check(Primitive::Id, "A b", None);
        check(Primitive::Base64, "SGk=", Some("\"SGk=\""));
        check(Primitive::Base64, "?", None);
    }
}
