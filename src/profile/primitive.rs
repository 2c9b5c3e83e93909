//! What the text of each primitive type must look like (FHIR R4 2.24.0.1), and which JSON value it must be.

use crate::base::limits;
use crate::fhir::Node;

/// `Err` says what was expected of a value of this type.
pub fn check(kind: &str, node: &Node) -> Result<(), &'static str> {
    match (kind, node) {
        ("boolean", Node::Bool(_)) | ("decimal", Node::Number(_)) => Ok(()),
        ("boolean", _) => Err("true or false"),
        ("integer" | "unsignedInt" | "positiveInt", Node::Number(text)) => integer(kind, text),
        ("decimal" | "integer" | "unsignedInt" | "positiveInt", _) => Err("a JSON number"),
        (_, Node::String(text)) => text_of(kind, text),
        _ => Err("a JSON string"),
    }
}

fn integer(kind: &str, text: &str) -> Result<(), &'static str> {
    let (min, expected) = match kind {
        "unsignedInt" => (0, "a whole number from 0"),
        "positiveInt" => (1, "a whole number from 1"),
        _ => (i64::from(i32::MIN), "a whole number of 32 bits"),
    };
    expect(text.parse::<i32>().is_ok_and(|value| i64::from(value) >= min), expected)
}

const fn expect(holds: bool, expected: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(expected) }
}

fn text_of(kind: &str, text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("a text that is not empty");
    }
    if text.len() > limits::STRING_BYTES_MAX && !matches!(kind, "base64Binary" | "xhtml") {
        return Err("a text of at most 1 MB");
    }
    match kind {
        "code" => expect(is_code(text), "a code: no blank at the ends, single blanks within"),
        "id" => expect(is_id(text), "an id: 1 to 64 letters, digits, `-` and `.`"),
        "uri" | "url" | "canonical" => expect(!text.contains(char::is_whitespace), "a URI without blanks"),
        "oid" => expect(text.strip_prefix("urn:oid:").is_some_and(is_oid), "urn:oid: and an OID"),
        "uuid" => expect(text.strip_prefix("urn:uuid:").is_some_and(is_uuid), "urn:uuid: and a UUID in small letters"),
        "base64Binary" => expect(is_base64(text), "base64"),
        "date" => expect(is_date(text), "a date: YYYY, YYYY-MM or YYYY-MM-DD"),
        "dateTime" => expect(is_date_time(text), "a date, or a date and time with seconds and zone"),
        "instant" => expect(is_instant(text), "a date and time with seconds and zone"),
        "time" => expect(is_time(text), "a time: hh:mm:ss, without a zone"),
        _ => expect(is_string(text), "a text without control characters"),
    }
}

/// Only blanks are allowed, though R4 advises against it.
fn is_string(text: &str) -> bool {
    !text.chars().any(|c| c < ' ' && !matches!(c, '\t' | '\n' | '\r'))
}

fn is_code(text: &str) -> bool {
    let single = !text.as_bytes().windows(2).any(|pair| pair[0].is_ascii_whitespace() && pair[1].is_ascii_whitespace());
    single && !text.starts_with(char::is_whitespace) && !text.ends_with(char::is_whitespace)
}

pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

pub(super) fn is_oid(text: &str) -> bool {
    let mut arcs = text.split('.');
    let first = arcs.next().is_some_and(|arc| matches!(arc, "0" | "1" | "2"));
    let plain = |arc: &str| arc == "0" || (!arc.is_empty() && !arc.starts_with('0'));
    first && text.contains('.') && arcs.all(|arc| plain(arc) && arc.bytes().all(|b| b.is_ascii_digit()))
}

pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

/// Groups of four characters with at most two `=` at the end; white space may stand anywhere (R4 2.24.0.1).
fn is_base64(text: &str) -> bool {
    let (mut count, mut padding) = (0_usize, 0_usize);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        match byte {
            b'=' => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => {}
            _ => return false,
        }
        count += 1;
    }
    count > 0 && count % 4 == 0 && padding <= 2
}

fn digits(text: &str, count: usize) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(count)?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((digits.parse().ok().filter(|_| plain)?, rest))
}

fn is_date(text: &str) -> bool {
    date(text).is_some_and(|(_, rest)| rest.is_empty())
}

/// Whether the date is whole, and what follows it.
fn date(text: &str) -> Option<(bool, &str)> {
    let (year, rest) = digits(text, 4).filter(|(year, _)| *year > 0)?;
    let Some(rest) = rest.strip_prefix('-') else { return Some((false, rest)) };
    let (month, rest) = digits(rest, 2).filter(|(month, _)| (1..=12).contains(month))?;
    let Some(rest) = rest.strip_prefix('-') else { return Some((false, rest)) };
    let (day, rest) = digits(rest, 2)?;
    (1..=days(year, month)).contains(&day).then_some((true, rest))
}

const fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// What follows `hh:mm:ss` and a fraction; a second may be 60.
fn time(text: &str) -> Option<&str> {
    let (_, rest) = digits(text, 2).filter(|(hour, _)| *hour < 24)?;
    let (_, rest) = digits(rest.strip_prefix(':')?, 2).filter(|(minute, _)| *minute < 60)?;
    let (_, rest) = digits(rest.strip_prefix(':')?, 2).filter(|(second, _)| *second <= 60)?;
    let Some(fraction) = rest.strip_prefix('.') else { return Some(rest) };
    let rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < fraction.len()).then_some(rest)
}

fn is_time(text: &str) -> bool {
    time(text).is_some_and(str::is_empty)
}

fn is_zone(text: &str) -> bool {
    let offset = || {
        let (hour, rest) = digits(text.strip_prefix(['+', '-'])?, 2)?;
        let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
        Some(rest.is_empty() && (hour < 14 || (hour == 14 && minute == 0)) && minute < 60)
    };
    text == "Z" || offset() == Some(true)
}

fn is_instant(text: &str) -> bool {
    let zone = || {
        let (whole, rest) = date(text)?;
        time(rest.strip_prefix('T')?).filter(|_| whole)
    };
    zone().is_some_and(is_zone)
}

fn is_date_time(text: &str) -> bool {
    is_date(text) || is_instant(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_all(kind: &str, good: &[&str], bad: &[&str]) {
        for json in good {
            assert_eq!(check(kind, &Node::parse(json.as_bytes()).unwrap()), Ok(()), "{kind} {json}");
        }
        for json in bad {
            assert!(check(kind, &Node::parse(json.as_bytes()).unwrap()).is_err(), "{kind} {json}");
        }
    }

    #[test]
    fn numbers_and_truth() {
        check_all("boolean", &["true", "false"], &["\"true\"", "1"]);
        check_all("integer", &["0", "-7", "2147483647"], &["1.0", "2147483648", "\"1\"", "1e2"]);
        check_all("unsignedInt", &["0", "9"], &["-1"]);
        check_all("positiveInt", &["1"], &["0", "-1"]);
        check_all("decimal", &["1", "-1.50", "1.0E-2", "0.1"], &["\"1\"", "true"]);
    }

    #[test]
    fn dates_and_times() {
        check_all(
            "date",
            &[r#""2024""#, r#""2024-02""#, r#""2024-02-29""#],
            &[r#""2023-02-29""#, r#""24-01-01""#, r#""2024-13""#, r#""2024-1-1""#, r#""2024-01-01T00:00:00Z""#, "2024"],
        );
        check_all(
            "dateTime",
            &[r#""2024""#, r#""2024-02-29T23:59:60Z""#, r#""2024-02-29T08:00:00.123+14:00""#],
            &[
                r#""2024-02-29T08:00:00""#,
                r#""2024-02-29T08:00Z""#,
                r#""2024-02T08:00:00Z""#,
                r#""2024-02-29T24:00:00Z""#,
            ],
        );
        check_all(
            "instant",
            &[r#""2024-02-29T08:00:00-05:00""#],
            &[r#""2024-02-29""#, r#""2024-02-29T08:00:00+15:00""#],
        );
        check_all("time", &[r#""08:00:00""#, r#""08:00:00.5""#], &[r#""08:00""#, r#""08:00:00Z""#, r#""08:00:00.""#]);
    }

    #[test]
    fn texts() {
        let long = |bytes| format!("\"{}\"", "x".repeat(bytes));
        check_all("string", &[&long(limits::STRING_BYTES_MAX)], &[&long(limits::STRING_BYTES_MAX + 1)]);
        check_all("string", &[r#""a b""#, r#"" a""#], &[r#""""#, r#""a\u0001""#, "1"]);
        check_all("code", &[r#""a b""#], &[r#"" a""#, r#""a ""#, r#""a  b""#]);
        check_all("id", &[r#""A-1.b""#], &[r#""a_b""#, r#""a/b""#]);
        check_all("uri", &[r#""urn:oid:1.2""#, r#""http://a.org/b|1""#], &[r#""a b""#]);
        check_all("oid", &[r#""urn:oid:2.16.840""#], &[r#""urn:oid:3.1""#, r#""urn:oid:1""#, r#""urn:oid:1.02""#]);
        check_all(
            "uuid",
            &[r#""urn:uuid:c757873d-ec9a-4326-a141-556f43239520""#],
            &[r#""urn:uuid:C757873D-EC9A-4326-A141-556F43239520""#, r#""c757873d-ec9a-4326-a141-556f43239520""#],
        );
        check_all(
            "base64Binary",
            &[r#""QUJD""#, r#""QQ==""#, r#""QUJD\nQUI=""#],
            &[r#""QUJ""#, r#""A=BC""#, r#""Q===""#],
        );
    }
}
