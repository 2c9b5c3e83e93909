//! Dates, date-times and times as far as they are known, with or without an offset from UTC.

use std::cmp::Ordering;
use std::fmt;

use jiff::civil;

/// Which of the three types of FHIRPath it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemporalKind {
    Date,
    DateTime,
    Time,
}

/// How far it is known. A fraction of a second is no precision of its own (FHIRPath N1 6.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// A calendar duration's unit (FHIRPath N1 2.1.8), the largest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CalendarUnit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Temporal {
    pub kind: TemporalKind,
    pub precision: Precision,
    pub date: civil::Date,
    pub hour: u8,
    pub minute: u8,
    /// 60 is a leap second.
    pub second: u8,
    pub nanosecond: u32,
    /// How many digits of the fraction were written.
    pub fraction_digits: u8,
    /// Minutes east of UTC.
    pub offset: Option<i16>,
}

/// The widest that offsets lie apart, in seconds: UTC+14 and UTC-12.
const OFFSETS_APART_SECONDS: i64 = 26 * 3600;

impl Temporal {
    const fn new(kind: TemporalKind) -> Self {
        let date = civil::Date::constant(1, 1, 1);
        let precision = if matches!(kind, TemporalKind::Time) { Precision::Hour } else { Precision::Year };
        Self { kind, precision, date, hour: 0, minute: 0, second: 0, nanosecond: 0, fraction_digits: 0, offset: None }
    }

    /// A day.
    pub const fn of_date(date: civil::Date) -> Self {
        Self { date, precision: Precision::Day, ..Self::new(TemporalKind::Date) }
    }

    /// A time of day to the millisecond.
    pub fn of_time(time: civil::Time) -> Self {
        Self { precision: Precision::Second, fraction_digits: 3, ..Self::new(TemporalKind::Time).with_clock(time) }
    }

    /// Reads what FHIR and FHIRPath write: `2015`, `2015-02-04T14:34:28.123+10:00`, `14:34`, and `2015T`.
    pub fn parse(kind: TemporalKind, text: &str) -> Option<Self> {
        let mut value = Self::new(kind);
        if kind == TemporalKind::Time {
            value.read_clock(text)?;
            return Some(value);
        }
        let (date, clock) = text.split_once('T').map_or((text, None), |(date, clock)| (date, Some(clock)));
        value.read_date(date)?;
        match clock {
            None | Some("") => Some(value),
            Some(_) if kind == TemporalKind::Date || value.precision < Precision::Day => None,
            Some(clock) => {
                let at = clock.find(['Z', '+', '-']).unwrap_or(clock.len());
                value.read_offset(&clock[at..])?;
                value.read_clock(&clock[..at])?;
                Some(value)
            }
        }
    }

    fn read_date(&mut self, text: &str) -> Option<()> {
        let mut parts = text.split('-');
        let year = number(parts.next()?, 4)?;
        let (month, day) = (parts.next(), parts.next());
        self.precision = match (month, day) {
            (None, _) => Precision::Year,
            (Some(_), None) => Precision::Month,
            (Some(_), Some(_)) => Precision::Day,
        };
        let two = |part: Option<&str>| i8::try_from(number(part.unwrap_or("01"), 2)?).ok();
        self.date = civil::Date::new(i16::try_from(year).ok()?, two(month)?, two(day)?).ok()?;
        parts.next().is_none().then_some(())
    }

    fn read_clock(&mut self, text: &str) -> Option<()> {
        let (clock, fraction) = text.split_once('.').map_or((text, None), |(clock, fraction)| (clock, Some(fraction)));
        let mut parts = clock.split(':');
        self.hour = below(parts.next()?, 24)?;
        self.precision = Precision::Hour;
        if let Some(minute) = parts.next() {
            self.minute = below(minute, 60)?;
            self.precision = Precision::Minute;
        }
        if let Some(second) = parts.next() {
            self.second = below(second, 61)?;
            self.precision = Precision::Second;
        }
        if let Some(fraction) = fraction {
            self.read_fraction(fraction)?;
        }
        parts.next().is_none().then_some(())
    }

    /// `Z`, `+10:00`; nothing is no offset.
    fn read_offset(&mut self, text: &str) -> Option<()> {
        self.offset = match text {
            "" => None,
            "Z" => Some(0),
            _ => {
                let (hours, minutes) = text.get(1..)?.split_once(':')?;
                let minutes = i16::from(below(hours, 15)?) * 60 + i16::from(below(minutes, 60)?);
                Some(if text.starts_with('-') { -minutes } else { minutes })
            }
        };
        Some(())
    }

    fn read_fraction(&mut self, digits: &str) -> Option<()> {
        if self.precision != Precision::Second || digits.is_empty() || !digits.bytes().all(|d| d.is_ascii_digit()) {
            return None;
        }
        let kept = &digits[..digits.len().min(9)];
        self.fraction_digits = u8::try_from(kept.len()).ok()?;
        self.nanosecond = kept.parse::<u32>().ok()? * 10_u32.pow(9 - u32::from(self.fraction_digits));
        Some(())
    }

    /// Seconds since the beginning of the calendar, as if the clock stood at its offset or, without one, at UTC.
    fn seconds(self) -> i64 {
        let days = i64::from(self.date.since(civil::Date::constant(1, 1, 1)).map_or(0, |span| span.get_days()));
        let minutes = (days * 24 + i64::from(self.hour)) * 60 + i64::from(self.minute)
            - i64::from(self.offset.unwrap_or_default());
        minutes * 60 + i64::from(self.second)
    }

    /// The same moment on the clock of UTC, as far known as before.
    fn at_utc(self) -> Option<Self> {
        let shift = i64::from(self.offset?);
        let moment = self.date.at(i8::try_from(self.hour).ok()?, i8::try_from(self.minute).ok()?, 0, 0);
        let moment = moment.checked_sub(jiff::Span::new().minutes(shift)).ok()?;
        let (hour, minute) = (moment.hour().unsigned_abs(), moment.minute().unsigned_abs());
        Some(Self { date: moment.date(), hour, minute, offset: Some(0), ..self })
    }

    /// Which comes first; `None` when what is known does not tell (FHIRPath N1 6.2).
    pub fn compare(self, other: Self) -> Option<Ordering> {
        let clocks = self.precision >= Precision::Hour && other.precision >= Precision::Hour;
        if clocks && self.offset.is_some() != other.offset.is_some() {
            let apart = self.seconds() - other.seconds();
            return (apart.abs() > OFFSETS_APART_SECONDS).then(|| apart.cmp(&0));
        }
        let (left, right) =
            if clocks { (self.at_utc().unwrap_or(self), other.at_utc().unwrap_or(other)) } else { (self, other) };
        let shared = left.precision.min(right.precision);
        match left.fields(shared).cmp(&right.fields(shared)) {
            Ordering::Equal if left.precision != right.precision => None,
            order => Some(order),
        }
    }

    /// What is known down to a precision, the largest first.
    fn fields(self, precision: Precision) -> [i64; 7] {
        let all = [
            i64::from(self.date.year()),
            i64::from(self.date.month()),
            i64::from(self.date.day()),
            i64::from(self.hour),
            i64::from(self.minute),
            i64::from(self.second),
            i64::from(self.nanosecond),
        ];
        let known = if precision == Precision::Second { 7 } else { precision as usize + 1 };
        std::array::from_fn(|at| if at < known { all[at] } else { 0 })
    }

    /// Moves it by so many units; a unit finer than what is known counts in whole known ones (FHIRPath N1 6.6.7).
    pub fn plus(self, amount: i64, unit: CalendarUnit) -> Option<Self> {
        if self.kind == TemporalKind::Time {
            return self.plus_clock(amount, unit);
        }
        let (amount, unit) = self.coarsened(amount, unit);
        let span = span(amount, unit)?;
        if unit <= CalendarUnit::Day {
            return Some(Self { date: self.date.checked_add(span).ok()?, ..self });
        }
        let (hour, minute) = (i8::try_from(self.hour).ok()?, i8::try_from(self.minute).ok()?);
        let second = i8::try_from(self.second.min(59)).ok()?;
        let moment = self.date.at(hour, minute, second, i32::try_from(self.nanosecond).ok()?).checked_add(span).ok()?;
        Some(self.with_clock(moment.time()).on(moment.date()))
    }

    fn on(self, date: civil::Date) -> Self {
        Self { date, ..self }
    }

    fn with_clock(self, time: civil::Time) -> Self {
        let nanosecond = time.subsec_nanosecond().unsigned_abs();
        let needed = (0..=9).find(|digits| nanosecond.is_multiple_of(10_u32.pow(9 - u32::from(*digits)))).unwrap_or(9);
        let fraction_digits = self.fraction_digits.max(needed);
        let (hour, minute) = (time.hour().unsigned_abs(), time.minute().unsigned_abs());
        Self { hour, minute, second: time.second().unsigned_abs(), nanosecond, fraction_digits, ..self }
    }

    /// Times go round the clock.
    fn plus_clock(self, amount: i64, unit: CalendarUnit) -> Option<Self> {
        let (amount, unit) = self.coarsened(amount, unit);
        if unit <= CalendarUnit::Day {
            return None;
        }
        let (hour, minute) = (i8::try_from(self.hour).ok()?, i8::try_from(self.minute).ok()?);
        let second = i8::try_from(self.second.min(59)).ok()?;
        let time = civil::Time::new(hour, minute, second, i32::try_from(self.nanosecond).ok()?).ok()?;
        Some(self.with_clock(time.wrapping_add(span(amount, unit)?)))
    }

    /// The same duration in the finest unit that is known here: a year has 12 months and 365 days, a month 30 days.
    fn coarsened(self, amount: i64, unit: CalendarUnit) -> (i64, CalendarUnit) {
        use CalendarUnit::{Day, Hour, Millisecond, Minute, Month, Second, Week, Year};
        let (coarser, size) = match (self.precision, unit) {
            (Precision::Year, Month) => (Year, 12),
            (Precision::Year, Day) => (Year, 365),
            (Precision::Month, Day) => (Month, 30),
            (Precision::Year | Precision::Month, Week) => return self.coarsened(amount.saturating_mul(7), Day),
            (Precision::Year | Precision::Month | Precision::Day, Hour) => (Day, 24),
            (Precision::Second, _) => return (amount, unit),
            (precision, Minute) if precision < Precision::Minute => (Hour, 60),
            (_, Second) => (Minute, 60),
            (_, Millisecond) => (Second, 1000),
            _ => return (amount, unit),
        };
        self.coarsened(amount / size, coarser)
    }
}

fn span(amount: i64, unit: CalendarUnit) -> Option<jiff::Span> {
    let span = jiff::Span::new();
    match unit {
        CalendarUnit::Year => span.try_years(amount),
        CalendarUnit::Month => span.try_months(amount),
        CalendarUnit::Week => span.try_weeks(amount),
        CalendarUnit::Day => span.try_days(amount),
        CalendarUnit::Hour => span.try_hours(amount),
        CalendarUnit::Minute => span.try_minutes(amount),
        CalendarUnit::Second => span.try_seconds(amount),
        CalendarUnit::Millisecond => span.try_milliseconds(amount),
    }
    .ok()
}

fn number(text: &str, length: usize) -> Option<u32> {
    (text.len() == length && text.bytes().all(|digit| digit.is_ascii_digit())).then(|| text.parse().ok())?
}

fn below(text: &str, bound: u32) -> Option<u8> {
    u8::try_from(number(text, 2).filter(|value| *value < bound)?).ok()
}

impl fmt::Display for Temporal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind != TemporalKind::Time {
            write!(f, "{:04}", self.date.year())?;
            for (part, precision) in [(self.date.month(), Precision::Month), (self.date.day(), Precision::Day)] {
                if self.precision >= precision {
                    write!(f, "-{part:02}")?;
                }
            }
            if self.precision >= Precision::Hour {
                f.write_str("T")?;
            }
        }
        self.write_clock(f)
    }
}

impl Temporal {
    fn write_clock(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.precision < Precision::Hour {
            return Ok(());
        }
        write!(f, "{:02}", self.hour)?;
        for (part, precision) in [(self.minute, Precision::Minute), (self.second, Precision::Second)] {
            if self.precision >= precision {
                write!(f, ":{part:02}")?;
            }
        }
        if self.fraction_digits > 0 {
            let digits = format!("{:09}", self.nanosecond);
            write!(f, ".{}", &digits[..usize::from(self.fraction_digits)])?;
        }
        match self.offset {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(offset) => {
                let sign = if offset < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TemporalKind::{Date, DateTime, Time};
    use super::*;

    fn of(kind: TemporalKind, text: &str) -> Temporal {
        Temporal::parse(kind, text).unwrap()
    }

    #[test]
    fn what_is_read_is_written_back() {
        for (kind, text) in [
            (Date, "2015"),
            (Date, "2015-02"),
            (Date, "2015-02-04"),
            (DateTime, "2015-02-04T14"),
            (DateTime, "2015-02-04T14:34:28.123+10:00"),
            (DateTime, "2015-02-04T14:34:28Z"),
            (Time, "14:34:28.5"),
        ] {
            assert_eq!(of(kind, text).to_string(), text);
        }
        for (kind, text) in [
            (Date, "2015-2"),
            (Date, "2015-02-30"),
            (Date, "2015-02-04T10:00"),
            (DateTime, "2015T10"),
            (DateTime, "2015-02-04T25"),
            (Time, "14:34Z"),
            (Time, "14:34.5"),
        ] {
            assert!(Temporal::parse(kind, text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_compared() {
        let compare = |left: &str, right: &str| of(DateTime, left).compare(of(DateTime, right));
        assert_eq!(compare("2012-04-15T15:00:00+02:00", "2012-04-15T16:00:00+03:00"), Some(Ordering::Equal));
        assert_eq!(compare("2018-03", "2018-03-01"), None);
        assert_eq!(compare("2018-03", "2018-04-01"), Some(Ordering::Less));
        assert_eq!(compare("2012-04-15T15:00:00Z", "2012-04-15T10:00:00"), None);
        assert_eq!(compare("2012-04-15T15:00:00Z", "2012-04-25T10:00:00"), Some(Ordering::Less));
        assert_eq!(compare("2012-04-15T15:30:31", "2012-04-15T15:30:31.0"), Some(Ordering::Equal));
    }

    #[test]
    fn moving_keeps_the_precision() {
        use CalendarUnit::{Day, Hour, Month, Week, Year};
        let plus = |kind, text: &str, amount, unit| of(kind, text).plus(amount, unit).unwrap().to_string();
        assert_eq!(plus(Date, "2016-02-29", 1, Year), "2017-02-28");
        assert_eq!(plus(Date, "2014", 24, Month), "2016");
        assert_eq!(plus(Date, "2014-01", 59, Day), "2014-02");
        assert_eq!(plus(Date, "2014", 53, Week), "2015");
        assert_eq!(plus(Date, "2014-01-01", 25, Hour), "2014-01-02");
        assert_eq!(plus(Time, "23:30", 2, Hour), "01:30");
        assert_eq!(plus(DateTime, "2014-12-31T23:59:59.5Z", 1, CalendarUnit::Second), "2015-01-01T00:00:00.5Z");
        assert!(of(Date, "9999-12-31").plus(1, Day).is_none());
    }
}
