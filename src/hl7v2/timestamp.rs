//! Time stamps of HL7 v2 (TS, DTM, DT, TM) with the precision they were written in (HL7 v2.5.1 2.A.22, 2.A.75).
//!
//! Ranges are strict: a 30 February is an error, never another day.

use std::str::FromStr;

use crate::base::Timestamp;
use jiff::civil;
use jiff::tz::{Offset, TimeZone};

/// How far a time stamp was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// With so many digits after the point, 1 to 4.
    Fraction(u8),
}

/// `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]`. Parts beyond the precision hold their least value.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartialDateTime {
    pub precision: Precision,
    pub civil: civil::DateTime,
    /// As written; `None` means the sender's own time zone.
    pub offset: Option<Offset>,
}

/// `HH[MM[SS[.S[S[S[S]]]]]][+/-ZZZZ]` (HL7 v2.5.1 2.A.75).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartialTime {
    pub precision: Precision,
    pub civil: civil::Time,
    pub offset: Option<Offset>,
}

/// What is wrong with a time stamp. `at` is a byte position from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    #[error("expected a time stamp, but got nothing")]
    Empty,
    #[error("expected a year of four digits from 0001 at byte {at}")]
    Year { at: usize },
    #[error("expected a month from 01 to 12 at byte {at}")]
    Month { at: usize },
    #[error("expected a day of that month at byte {at}")]
    Day { at: usize },
    #[error("expected an hour from 00 to 23 at byte {at}")]
    Hour { at: usize },
    #[error("expected a minute from 00 to 59 at byte {at}")]
    Minute { at: usize },
    #[error("expected a second from 00 to 59 at byte {at}")]
    Second { at: usize },
    #[error("expected one to four digits after the point at byte {at}")]
    Fraction { at: usize },
    #[error("expected an offset from -1400 to +1400 at byte {at}")]
    Offset { at: usize },
    #[error("expected the end of the time stamp at byte {at}")]
    TrailingText { at: usize },
    #[error("expected a date without a time of day, but got one at byte {at}")]
    TimeInDate { at: usize },
}

impl FromStr for PartialDateTime {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let mut reader = Reader::new(text)?;
        let (date, precision) = reader.date()?;
        let (time, precision) = match precision {
            Precision::Day if reader.has_digit() => reader.time()?,
            _ => (civil::Time::midnight(), precision),
        };
        let offset = reader.offset()?;
        reader.end()?;
        Ok(Self { precision, civil: date.to_datetime(time), offset })
    }
}

impl FromStr for PartialTime {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let mut reader = Reader::new(text)?;
        let (civil, precision) = reader.time()?;
        let offset = reader.offset()?;
        reader.end()?;
        Ok(Self { precision, civil, offset })
    }
}

impl PartialDateTime {
    /// A DT: a date alone.
    pub fn parse_date(text: &str) -> Result<Self, TimestampError> {
        let mut reader = Reader::new(text)?;
        let (date, precision) = reader.date()?;
        if reader.has_digit() {
            return Err(TimestampError::TimeInDate { at: reader.at });
        }
        reader.end()?;
        Ok(Self { precision, civil: date.to_datetime(civil::Time::midnight()), offset: None })
    }

    /// FHIR `date`: `2026`, `2026-03` or `2026-03-12`; a time of day is left out.
    pub fn to_fhir_date(self) -> String {
        let date = self.civil.date();
        match self.precision {
            Precision::Year => format!("{:04}", date.year()),
            Precision::Month => format!("{:04}-{:02}", date.year(), date.month()),
            _ => format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()),
        }
    }

    /// FHIR `dateTime`. FHIR wants seconds and an offset wherever there is a time of day: missing minutes and
    /// seconds are written as zero, a missing offset is the one of `zone` at that moment.
    pub fn to_fhir_date_time(self, zone: &TimeZone) -> String {
        if self.precision < Precision::Hour {
            return self.to_fhir_date();
        }
        let date = self.to_fhir_date();
        let time = fhir_time(self.civil.time(), self.precision);
        format!("{date}T{time}{}", fhir_offset(self.offset_in(zone)))
    }

    /// FHIR `instant`, where the time stamp has a time of day.
    pub fn to_fhir_instant(self, zone: &TimeZone) -> Option<String> {
        (self.precision >= Precision::Hour).then(|| self.to_fhir_date_time(zone))
    }

    /// The earliest moment that the time stamp can mean: for comparing.
    pub fn to_instant(self, zone: &TimeZone) -> Option<jiff::Timestamp> {
        self.offset_in(zone).to_timestamp(self.civil).ok()
    }

    fn offset_in(self, zone: &TimeZone) -> Offset {
        self.offset.unwrap_or_else(|| {
            let moment = zone.to_ambiguous_timestamp(self.civil).compatible();
            moment.map_or(Offset::UTC, |moment| zone.to_offset(moment))
        })
    }
}

impl PartialTime {
    /// FHIR `time`: `08:45:00`; FHIR has no offset there.
    pub fn to_fhir_time(self) -> String {
        fhir_time(self.civil, self.precision)
    }
}

impl std::fmt::Display for PartialDateTime {
    /// As HL7 text, in the precision it was read in.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let date = self.civil.date();
        write!(f, "{:04}", date.year())?;
        if self.precision >= Precision::Month {
            write!(f, "{:02}", date.month())?;
        }
        if self.precision >= Precision::Day {
            write!(f, "{:02}", date.day())?;
        }
        write_time(f, self.civil.time(), self.precision)?;
        write_offset(f, self.offset)
    }
}

impl std::fmt::Display for PartialTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_time(f, self.civil, self.precision)?;
        write_offset(f, self.offset)
    }
}

macro_rules! debug_without_value {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            /// The shape: a birth date is patient data (P8).
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.precision)
            }
        }
    )*};
}
debug_without_value!(PartialDateTime, PartialTime);

fn write_time(f: &mut std::fmt::Formatter<'_>, time: civil::Time, precision: Precision) -> std::fmt::Result {
    if precision >= Precision::Hour {
        write!(f, "{:02}", time.hour())?;
    }
    if precision >= Precision::Minute {
        write!(f, "{:02}", time.minute())?;
    }
    if precision >= Precision::Second {
        write!(f, "{:02}", time.second())?;
    }
    f.write_str(&fraction(time, precision))
}

fn write_offset(f: &mut std::fmt::Formatter<'_>, offset: Option<Offset>) -> std::fmt::Result {
    let Some(offset) = offset else { return Ok(()) };
    let (sign, hours, minutes) = offset_parts(offset);
    write!(f, "{sign}{hours:02}{minutes:02}")
}

fn fhir_time(time: civil::Time, precision: Precision) -> String {
    let fraction = fraction(time, precision);
    format!("{:02}:{:02}:{:02}{fraction}", time.hour(), time.minute(), time.second())
}

fn fhir_offset(offset: Offset) -> String {
    let (sign, hours, minutes) = offset_parts(offset);
    format!("{sign}{hours:02}:{minutes:02}")
}

fn offset_parts(offset: Offset) -> (char, i32, i32) {
    let minutes = offset.seconds() / 60;
    (if minutes < 0 { '-' } else { '+' }, minutes.abs() / 60, minutes.abs() % 60)
}

fn fraction(time: civil::Time, precision: Precision) -> String {
    let Precision::Fraction(digits) = precision else { return String::new() };
    let all = format!("{:09}", time.subsec_nanosecond());
    format!(".{}", &all[..usize::from(digits)])
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Result<Self, TimestampError> {
        if text.is_empty() { Err(TimestampError::Empty) } else { Ok(Self { text: text.as_bytes(), at: 0 }) }
    }

    fn has_digit(&self) -> bool {
        self.text.get(self.at).is_some_and(u8::is_ascii_digit)
    }

    fn end(&self) -> Result<(), TimestampError> {
        if self.at == self.text.len() { Ok(()) } else { Err(TimestampError::TrailingText { at: self.at }) }
    }

    /// A number of exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<i16> {
        let part = self.text.get(self.at..self.at + digits)?;
        let number = part
            .iter()
            .try_fold(0, |number: i16, byte| byte.is_ascii_digit().then(|| number * 10 + i16::from(byte - b'0')))?;
        self.at += digits;
        Some(number)
    }

    /// Two digits up to `max`.
    fn pair(&mut self, max: i8) -> Option<i8> {
        i8::try_from(self.number(2)?).ok().filter(|number| *number <= max)
    }

    fn date(&mut self) -> Result<(civil::Date, Precision), TimestampError> {
        let year = self.number(4).filter(|year| *year > 0).ok_or(TimestampError::Year { at: 0 })?;
        let (mut month, mut day, mut precision) = (1, 1, Precision::Year);
        if self.has_digit() {
            let at = self.at;
            month = self.pair(12).filter(|month| *month > 0).ok_or(TimestampError::Month { at })?;
            precision = Precision::Month;
        }
        let at = self.at;
        if precision == Precision::Month && self.has_digit() {
            day = self.pair(31).ok_or(TimestampError::Day { at })?;
            precision = Precision::Day;
        }
        let date = civil::Date::new(year, month, day).map_err(|_| TimestampError::Day { at })?;
        Ok((date, precision))
    }

    fn time(&mut self) -> Result<(civil::Time, Precision), TimestampError> {
        let at = self.at;
        let hour = self.pair(23).ok_or(TimestampError::Hour { at })?;
        let (mut minute, mut second, mut nanos, mut precision) = (0, 0, 0, Precision::Hour);
        if self.has_digit() {
            let at = self.at;
            minute = self.pair(59).ok_or(TimestampError::Minute { at })?;
            precision = Precision::Minute;
        }
        if precision == Precision::Minute && self.has_digit() {
            let at = self.at;
            second = self.pair(59).ok_or(TimestampError::Second { at })?;
            precision = Precision::Second;
        }
        if precision == Precision::Second && self.text.get(self.at) == Some(&b'.') {
            let digits;
            (nanos, digits) = self.fraction()?;
            precision = Precision::Fraction(digits);
        }
        Ok((civil::time(hour, minute, second, nanos), precision))
    }

    /// After the point: nanoseconds and the number of digits.
    fn fraction(&mut self) -> Result<(i32, u8), TimestampError> {
        self.at += 1;
        let start = self.at;
        let digits = self.text[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let count = u8::try_from(digits).ok().filter(|count| (1..=4).contains(count));
        let count = count.ok_or(TimestampError::Fraction { at: start })?;
        let number = self.number(digits).map_or(0, i32::from);
        Ok((number * 10_i32.pow(9 - u32::from(count)), count))
    }

    fn offset(&mut self) -> Result<Option<Offset>, TimestampError> {
        let sign = match self.text.get(self.at) {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Ok(None),
        };
        let error = TimestampError::Offset { at: self.at };
        self.at += 1;
        let (hours, minutes) = (self.pair(14).ok_or(error)?, self.pair(59).ok_or(error)?);
        let minutes = i32::from(hours) * 60 + i32::from(minutes);
        let offset = Offset::from_seconds(sign * minutes * 60).map_err(|_| error)?;
        if minutes > 14 * 60 { Err(error) } else { Ok(Some(offset)) }
    }
}

/// An instant of ours as HL7 text, to the millisecond and in UTC: MSH-7 of what we write.
pub fn utc_text(at: Timestamp) -> String {
    at.to_zoned().strftime("%Y%m%d%H%M%S.%3f+0000").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn oslo() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    #[test]
    fn time_stamps_in_fhir() {
        for (text, date, date_time) in [
            ("2026", "2026", "2026"),
            ("202603", "2026-03", "2026-03"),
            ("20260312", "2026-03-12", "2026-03-12"),
            ("20240229", "2024-02-29", "2024-02-29"),
            ("2026031208", "2026-03-12", "2026-03-12T08:00:00+01:00"),
            ("202603120845", "2026-03-12", "2026-03-12T08:45:00+01:00"),
            ("20260712084501", "2026-07-12", "2026-07-12T08:45:01+02:00"),
            ("20260312084501.25", "2026-03-12", "2026-03-12T08:45:01.25+01:00"),
            ("20260312084501.1230-0530", "2026-03-12", "2026-03-12T08:45:01.1230-05:30"),
            ("202603120845+0000", "2026-03-12", "2026-03-12T08:45:00+00:00"),
            ("20260312-0030", "2026-03-12", "2026-03-12"),
            // In the gap and in the fold of the clock changes.
            ("20260329023000", "2026-03-29", "2026-03-29T02:30:00+02:00"),
            ("20261025023000", "2026-10-25", "2026-10-25T02:30:00+02:00"),
        ] {
            let moment: PartialDateTime = text.parse().unwrap();
            assert_eq!(moment.to_fhir_date(), date);
            assert_eq!(moment.to_fhir_date_time(&oslo()), date_time);
            assert_eq!(moment.to_string(), text);
        }
    }

    #[test]
    fn mistakes_and_where_they_are() {
        for (text, expected) in [
            ("", "expected a time stamp, but got nothing"),
            ("026", "expected a year of four digits from 0001 at byte 0"),
            ("0000", "expected a year of four digits from 0001 at byte 0"),
            ("20261", "expected a month from 01 to 12 at byte 4"),
            ("202613", "expected a month from 01 to 12 at byte 4"),
            ("202600", "expected a month from 01 to 12 at byte 4"),
            ("20260230", "expected a day of that month at byte 6"),
            ("20250229", "expected a day of that month at byte 6"),
            ("20260100", "expected a day of that month at byte 6"),
            ("2026031224", "expected an hour from 00 to 23 at byte 8"),
            ("202603120860", "expected a minute from 00 to 59 at byte 10"),
            ("20260312084560", "expected a second from 00 to 59 at byte 12"),
            ("20260312084501.", "expected one to four digits after the point at byte 15"),
            ("20260312084501.12345", "expected one to four digits after the point at byte 15"),
            ("20260312+1401", "expected an offset from -1400 to +1400 at byte 8"),
            ("20260312+1", "expected an offset from -1400 to +1400 at byte 8"),
            ("20260312+0160", "expected an offset from -1400 to +1400 at byte 8"),
            ("2026-03-12", "expected an offset from -1400 to +1400 at byte 4"),
            ("20260312 0845", "expected the end of the time stamp at byte 8"),
            ("202603120845.5", "expected the end of the time stamp at byte 12"),
        ] {
            assert_eq!(text.parse::<PartialDateTime>().unwrap_err().to_string(), expected, "{text}");
        }
        let error = PartialDateTime::parse_date("2026031208").unwrap_err();
        assert_eq!(error.to_string(), "expected a date without a time of day, but got one at byte 8");
        assert_eq!(PartialDateTime::parse_date("202603").unwrap().to_fhir_date(), "2026-03");
    }

    #[test]
    fn times_of_day() {
        for (text, fhir) in
            [("08", "08:00:00"), ("0845", "08:45:00"), ("084501.5", "08:45:01.5"), ("2359+0100", "23:59:00")]
        {
            let time: PartialTime = text.parse().unwrap();
            assert_eq!((time.to_fhir_time().as_str(), time.to_string().as_str()), (fhir, text));
        }
        assert!("24".parse::<PartialTime>().is_err());
    }

    #[test]
    fn moments_compare_across_offsets() {
        let instant = |text: &str| text.parse::<PartialDateTime>().unwrap().to_instant(&oslo()).unwrap();
        assert_eq!(instant("202603120845"), instant("202603120745+0000"));
        assert!(instant("2026") < instant("20260101000001"));
    }

    #[test]
    fn a_birth_date_does_not_show_in_debug() {
        let text = format!("{:?}", "19610615".parse::<PartialDateTime>().unwrap());
        assert_eq!(text, "PartialDateTime(Day)");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(text in r"[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9])([01][0-9]([0-5][0-9]([0-5][0-9](\.[0-9]{1,4})?)?)?)?([+-]0[0-9][0-5][0-9])?") {
            if let Ok(moment) = text.parse::<PartialDateTime>() {
                prop_assert_eq!(moment.to_string().parse(), Ok(moment));
                // Only minus zero is written otherwise.
                prop_assert!(moment.to_string() == text || text.ends_with("-0000"));
            }
        }

        #[test]
        fn reading_any_text_never_panics(text in r"([0-9+\-.]|\PC){0,24}") {
            let _ = text.parse::<PartialDateTime>();
            let _ = text.parse::<PartialTime>();
        }
    }
}
