//! Business-day arithmetic: when an organisation is open, and when a wait that counts its days is over.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;

use crate::base::Timestamp;

/// Days looked at before giving up: longer than any closure, so that a calendar without open days still ends.
const DAYS_LOOKED_AT_MAX: u32 = 800;

/// When an organisation works.
#[derive(Clone, Debug)]
pub struct Calendar {
    pub zone: TimeZone,
    pub open_days: Vec<Weekday>,
    pub opens: Time,
    pub closes: Time,
    pub holidays: BTreeSet<Date>,
}

impl Default for Calendar {
    /// Monday to Friday, 08:00 to 17:00, UTC, no holidays.
    fn default() -> Self {
        Self {
            zone: TimeZone::UTC,
            open_days: vec![Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday],
            opens: Time::constant(8, 0, 0, 0),
            closes: Time::constant(17, 0, 0, 0),
            holidays: BTreeSet::new(),
        }
    }
}

impl Calendar {
    pub fn is_open_day(&self, date: Date) -> bool {
        self.open_days.contains(&date.weekday()) && !self.holidays.contains(&date)
    }

    /// The local date of an instant.
    pub fn date_of(&self, at: Timestamp) -> Date {
        self.local(at).date()
    }

    /// The instant itself when the organisation is open then, else the next opening.
    pub fn at_or_after_opening(&self, at: Timestamp) -> Timestamp {
        let local = self.local(at);
        let moved = self.opening(local);
        if moved == local { at } else { self.instant(moved) }
    }

    /// `days` open days later at the same time of day; counting starts at the next opening when closed at `from`.
    pub fn plus_business_days(&self, from: Timestamp, days: u32) -> Timestamp {
        let start = self.opening(self.local(from));
        self.instant(self.open_date_after(start.date(), days).to_datetime(start.time()))
    }

    /// The close of the `days`-th open day after the day of `from`: for zero, the end of that day itself.
    pub fn end_of_day_plus(&self, from: Timestamp, days: u32) -> Timestamp {
        let day = self.local(from).date();
        match days {
            0 => self.instant(day.to_datetime(Time::constant(23, 59, 59, 0))),
            days => self.instant(self.open_date_after(day, days).to_datetime(self.closes)),
        }
    }

    fn local(&self, at: Timestamp) -> DateTime {
        self.zone.to_datetime(at.to_zoned())
    }

    /// The instant of a local time; in the gap of a clock change the one after it, in a fold the first
    /// (RFC 5545 3.3.5).
    fn instant(&self, local: DateTime) -> Timestamp {
        let instant = self.zone.to_ambiguous_timestamp(local).compatible();
        Timestamp::from_micros(instant.map_or(i64::MAX, jiff::Timestamp::as_microsecond))
    }

    fn opening(&self, local: DateTime) -> DateTime {
        let open = self.is_open_day(local.date());
        if open && local.time() < self.opens {
            return local.date().to_datetime(self.opens);
        }
        if open && local.time() < self.closes {
            return local;
        }
        self.open_date_after(local.date(), 1).to_datetime(self.opens)
    }

    fn open_date_after(&self, date: Date, count: u32) -> Date {
        let mut left = count;
        let mut date = date;
        for _ in 0..DAYS_LOOKED_AT_MAX {
            if left == 0 {
                break;
            }
            date = date.tomorrow().unwrap_or(Date::MAX);
            left -= u32::from(self.is_open_day(date));
        }
        date
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    fn zurich() -> Calendar {
        Calendar {
            zone: TimeZone::get("Europe/Zurich").unwrap(),
            holidays: ["2026-05-14".parse().unwrap()].into(),
            ..Calendar::default()
        }
    }

    fn check(calendar: &Calendar, from: &str, days: u32, expected: &str) {
        assert_eq!(calendar.plus_business_days(at(from), days), at(expected), "{from} plus {days} business days");
    }

    #[test]
    fn business_days_skip_closed_days_and_start_at_the_opening() {
        let calendar = zurich();
        check(&calendar, "2026-03-12T09:30:00+01:00", 2, "2026-03-16T09:30:00+01:00"); // over a weekend
        check(&calendar, "2026-05-13T10:00:00+02:00", 1, "2026-05-15T10:00:00+02:00"); // over a holiday
        check(&calendar, "2026-03-14T23:00:00+01:00", 1, "2026-03-17T08:00:00+01:00"); // from a Saturday night
        check(&calendar, "2026-03-12T05:00:00+01:00", 1, "2026-03-13T08:00:00+01:00"); // before the opening
        check(&calendar, "2026-03-12T19:00:00+01:00", 1, "2026-03-16T08:00:00+01:00"); // after the close, then a weekend
        check(&calendar, "2026-03-12T09:30:00+01:00", 0, "2026-03-12T09:30:00+01:00");
    }

    #[test]
    fn a_clock_change_keeps_the_time_of_day() {
        let calendar = zurich();
        check(&calendar, "2026-03-27T09:30:00+01:00", 1, "2026-03-30T09:30:00+02:00");
        check(&calendar, "2026-10-23T09:30:00+02:00", 1, "2026-10-26T09:30:00+01:00");
        let night = Calendar { opens: Time::constant(2, 30, 0, 0), open_days: vec![Weekday::Sunday], ..zurich() };
        check(&night, "2026-03-22T01:00:00+01:00", 1, "2026-03-29T03:30:00+02:00"); // 02:30 does not exist that day
    }

    #[test]
    fn the_end_of_a_day_and_open_days_after_it() {
        let calendar = zurich();
        assert_eq!(calendar.end_of_day_plus(at("2026-03-13T10:00:00+01:00"), 1), at("2026-03-16T17:00:00+01:00"));
        assert_eq!(calendar.end_of_day_plus(at("2026-03-13T10:00:00+01:00"), 0), at("2026-03-13T23:59:59+01:00"));
    }

    #[test]
    fn a_calendar_without_open_days_still_ends() {
        let never = Calendar { open_days: Vec::new(), ..Calendar::default() };
        assert!(never.plus_business_days(at("2026-03-13T10:00:00Z"), 3) > at("2027-01-01T00:00:00Z"));
    }
}
