//! A FHIR date, dateTime or instant as the span that it covers, for `_since` and `_at`.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};

use super::Fault;
use crate::base::Timestamp;

/// From the first instant to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Period {
    /// A date without a zone is one of UTC.
    pub fn of(text: &str) -> Result<Self, Fault> {
        span(text).ok_or_else(|| Fault::invalid("a date here is YYYY, YYYY-MM, YYYY-MM-DD or an instant with its zone"))
    }
}

fn span(text: &str) -> Option<Period> {
    let (date, length) = match text.len() {
        4 => (format!("{text}-01-01"), Span::new().years(1)),
        7 => (format!("{text}-01"), Span::new().months(1)),
        10 => (text.to_owned(), Span::new().days(1)),
        _ => return instant(text),
    };
    let from: Zoned = date.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?;
    let to = from.checked_add(length).ok()?;
    Some(Period { from: timestamp(&from), to: Timestamp::from_micros(timestamp(&to).as_micros() - 1) })
}

/// To the second, or finer.
fn instant(text: &str) -> Option<Period> {
    // A plus sign that was not escaped arrives as a blank.
    let text = text.replace(' ', "+");
    let micros = text.parse::<jiff::Timestamp>().ok()?.as_microsecond();
    let width = if text.contains('.') { 1_000 } else { 1_000_000 };
    Some(Period { from: Timestamp::from_micros(micros), to: Timestamp::from_micros(micros + width - 1) })
}

fn timestamp(at: &Zoned) -> Timestamp {
    Timestamp::from_micros(at.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_cover_spans() {
        for (text, from, to) in [
            ("2026", "2026-01-01T00:00:00.000Z", "2026-12-31T23:59:59.999Z"),
            ("2026-02", "2026-02-01T00:00:00.000Z", "2026-02-28T23:59:59.999Z"),
            ("2026-02-03", "2026-02-03T00:00:00.000Z", "2026-02-03T23:59:59.999Z"),
            ("2026-02-03T10:00:00+01:00", "2026-02-03T09:00:00.000Z", "2026-02-03T09:00:00.999Z"),
            ("2026-02-03T10:00:00.5 01:00", "2026-02-03T09:00:00.500Z", "2026-02-03T09:00:00.500Z"),
        ] {
            let period = Period::of(text).unwrap();
            assert_eq!((period.from.to_string().as_str(), period.to.to_string().as_str()), (from, to), "{text}");
        }
        for text in ["", "x", "20260203", "2026-13", "2026-02-03T10:00"] {
            assert_eq!(Period::of(text).unwrap_err().status(), 400, "{text}");
        }
    }
}
