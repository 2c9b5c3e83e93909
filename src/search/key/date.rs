//! Dates: the microseconds in which they lie, first and last, as far as they are known (FHIR R4 search 3.1.1.4.8).
//!
//! `2012` lies from the first to the last microsecond of that year. A time without a zone is taken for one of UTC. A
//! period that is open at an end goes on for ever.

use super::interval::{self, Interval, Layout, Prefix};
use super::{BadValue, Emit, Encoder, Find, Form, present};
use crate::base::Timestamp;
use crate::fhir::Node;
use crate::fhir::fhirpath::{Precision, Temporal, TemporalKind};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 24 * 3600 * SECOND;

/// Dates and times take no longer; periods, months and years may.
const USUAL_EXTENT: u64 = DAY.cast_unsigned() - 1;

/// First and last microsecond since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    first: i64,
    last: i64,
}

impl Span {
    const ALWAYS: Self = Self { first: i64::MIN, last: i64::MAX };

    fn parse(text: &str) -> Option<Self> {
        let read = Temporal::parse(TemporalKind::DateTime, text)?;
        let day = day_number(read.date.year().into(), read.date.month().into(), read.date.day().into());
        let minutes = i64::from(read.hour) * 60 + i64::from(read.minute) - i64::from(read.offset.unwrap_or_default());
        let seconds = minutes * 60 + i64::from(read.second);
        let first = day * DAY + seconds * SECOND + i64::from(read.nanosecond / 1000);
        Some(Self { first, last: first + extent(&read, day)? - 1 })
    }

    const fn interval(self) -> Interval {
        Interval { low: interval::of_i64(self.first), high: interval::of_i64(self.last) }
    }

    const fn widened(self, by: i64) -> Self {
        Self { first: self.first.saturating_sub(by), last: self.last.saturating_add(by) }
    }
}

/// How long what was written is, in microseconds. An hour alone is no FHIR date.
fn extent(read: &Temporal, day: i64) -> Option<i64> {
    let (year, month) = (i64::from(read.date.year()), i64::from(read.date.month()));
    Some(match read.precision {
        Precision::Year => (day_number(year + 1, 1, 1) - day) * DAY,
        Precision::Month => (day_number(year + month / 12, month % 12 + 1, 1) - day) * DAY,
        Precision::Day => DAY,
        Precision::Hour => return None,
        Precision::Minute => 60 * SECOND,
        Precision::Second => SECOND / 10_i64.pow(u32::from(read.fraction_digits).min(6)),
    })
}

/// Days since 1970-01-01 in the Gregorian calendar. Years are counted from March, so that leap days come last.
const fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468
}

pub(super) fn encoder(kind: &str) -> Option<Encoder> {
    Some(match kind {
        // A text that is a date is as good as one.
        "date" | "dateTime" | "instant" | "string" => moment,
        "Period" => period,
        "Timing" => timing,
        "Age" | "Range" | "Duration" => present,
        _ => return None,
    })
}

fn moment(node: &Node, emit: &mut Emit<'_>) {
    match node.as_str().and_then(Span::parse) {
        Some(span) => put(span, emit),
        None => emit(Form::Bare, &[]),
    }
}

fn period(node: &Node, emit: &mut Emit<'_>) {
    let bound = |name| node.get(name).and_then(Node::as_str).and_then(Span::parse);
    match (bound("start"), bound("end")) {
        (None, None) => emit(Form::Bare, &[]),
        (start, end) => {
            let (first, last) = (start.unwrap_or(Span::ALWAYS).first, end.unwrap_or(Span::ALWAYS).last);
            put(Span { first, last }, emit);
        }
    }
}

/// Each event, or the bounds within which it repeats.
fn timing(node: &Node, emit: &mut Emit<'_>) {
    let events = node.get("event").map_or(&[][..], Node::items);
    events.iter().for_each(|event| moment(event, emit));
    match node.at(&["repeat", "boundsPeriod"]) {
        Some(bounds) if events.is_empty() => period(bounds, emit),
        None if events.is_empty() => emit(Form::Bare, &[]),
        _ => {}
    }
}

fn put(span: Span, emit: &mut Emit<'_>) {
    let Interval { low, high } = span.interval();
    emit(Form::Value, &[&low.to_be_bytes(), &high.to_be_bytes()]);
    if high.saturating_sub(low) > USUAL_EXTENT {
        emit(Form::End, &[&high.to_be_bytes(), &low.to_be_bytes()]);
    }
}

/// The instant at which a version was made, to the microsecond; it lasts for the rest of the millisecond that is shown.
pub fn emit_instant(at: Timestamp, emit: &mut Emit<'_>) {
    let first = at.as_micros();
    put(Span { first, last: first - first.rem_euclid(1000) + 999 }, emit);
}

/// What a date with its prefix finds. Approximately is within a tenth of the time from then to now.
pub fn date_finds(text: &str, now: Timestamp) -> Result<Vec<Find>, BadValue> {
    let (prefix, date) = Prefix::take(text);
    // In a URL that was not escaped, the plus sign of an offset has become a blank.
    let span = Span::parse(&date.replace(' ', "+")).ok_or(BadValue(
        "expected a date: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm[:ss[.sss]][Z|±hh:mm], behind a prefix or none",
    ))?;
    let span = match prefix {
        Prefix::Approximately => span.widened((now.as_micros().saturating_sub(span.first)).saturating_abs() / 10),
        _ => span,
    };
    let layout = Layout { form: Form::Value, end: Form::End, lead: Vec::new(), tail: None, usual_extent: USUAL_EXTENT };
    Ok(interval::finds(prefix, span.interval(), &layout))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_last_as_long_as_they_are_imprecise() {
        let micros = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        for (text, first, end) in [
            ("2012", "2012-01-01T00:00:00Z", "2013-01-01T00:00:00Z"),
            ("2012-02", "2012-02-01T00:00:00Z", "2012-03-01T00:00:00Z"),
            ("2012-12", "2012-12-01T00:00:00Z", "2013-01-01T00:00:00Z"),
            ("1969-12-31", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("2000-02-29", "2000-02-29T00:00:00Z", "2000-03-01T00:00:00Z"),
            ("0001-01-01", "0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z"),
            ("2012-02-03T10:20", "2012-02-03T10:20:00Z", "2012-02-03T10:21:00Z"),
            ("2012-02-03T10:20:30", "2012-02-03T10:20:30Z", "2012-02-03T10:20:31Z"),
            ("2012-02-03T00:20:30+02:00", "2012-02-02T22:20:30Z", "2012-02-02T22:20:31Z"),
            ("2012-02-03T10:20:30.12Z", "2012-02-03T10:20:30.12Z", "2012-02-03T10:20:30.13Z"),
            ("2012-02-03T10:20:30.1234567Z", "2012-02-03T10:20:30.123456Z", "2012-02-03T10:20:30.123457Z"),
        ] {
            let span = Span::parse(text).expect(text);
            assert_eq!((span.first, span.last + 1), (micros(first), micros(end)), "{text}");
        }
        for text in ["", "abc", "12", "2012-13", "2012-02-30", "2012-02-03T10", "2012-02-03T25:00", "2012-1-1"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }
}
