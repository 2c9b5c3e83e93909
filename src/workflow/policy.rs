//! The policy text of a site, `mappings/workflow/timers.yaml`: waits, calendars, and what moves by itself.
//!
//! Reading it is pure; a mistake is an error with line and column. The text in the repository is the default.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Weekday;
use serde::Deserialize;

use super::calendar::Calendar;
use super::timers::TimerKind;

const DEFAULT_TEXT: &str = include_str!("../../mappings/workflow/timers.yaml");

/// The name of the calendar that stands in for an organisation without its own.
const DEFAULT_CALENDAR: &str = "default";

/// What a site decides about its referrals.
#[derive(Clone, Debug)]
pub struct Policy {
    calendars: BTreeMap<String, Calendar>,
    rules: BTreeMap<TimerKind, Rule>,
    /// Attempts to reach a patient before a referral is given back.
    pub contact_attempts: u32,
    pub arrival: ArrivalRule,
}

/// One timer's rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub wait: Wait,
    pub urgent: Option<Wait>,
    pub stat: Option<Wait>,
    #[serde(default)]
    pub then: Then,
}

/// How long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Wait {
    Elapsed(Duration),
    BusinessDays(u32),
    EndOfDayPlus(u32),
}

/// What happens when a wait is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// A person is asked and the clock starts again.
    #[default]
    Escalate,
    Decline,
    Fail,
    Close,
    Expire,
}

/// What an ADT^A04 means (STANDARDS 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArrivalRule {
    #[default]
    ByTime,
    Always,
    Never,
}

/// The policy text is wrong: where, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {text}")]
pub struct PolicyFault {
    pub line: u64,
    pub column: u64,
    pub text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    calendars: BTreeMap<String, WrittenCalendar>,
    timers: BTreeMap<TimerName, Rule>,
    contact_attempts: u32,
    #[serde(default)]
    a04_is_arrival: ArrivalRule,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCalendar {
    zone: Zone,
    days: Vec<Day>,
    opens: TimeOfDay,
    closes: TimeOfDay,
    #[serde(default)]
    holidays: Vec<Holiday>,
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "String")]
struct TimerName(TimerKind);

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Zone(jiff::tz::TimeZone);

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct TimeOfDay(jiff::civil::Time);

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Holiday(jiff::civil::Date);

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Policy {
    /// Reads and checks a policy text.
    pub fn parse(text: &str) -> Result<Self, PolicyFault> {
        let written: Written = serde_saphyr::from_str(text).map_err(|error| located(&error))?;
        let rules: BTreeMap<_, _> = written.timers.into_iter().map(|(TimerName(kind), rule)| (kind, rule)).collect();
        let whole = |text: String| PolicyFault { line: 1, column: 1, text };
        if let Some(missing) = TimerKind::ALL.into_iter().find(|kind| !rules.contains_key(kind)) {
            return Err(whole(format!("timers: {} is missing", missing.as_str())));
        }
        if !written.calendars.contains_key(DEFAULT_CALENDAR) {
            return Err(whole(format!("calendars: `{DEFAULT_CALENDAR}` is missing")));
        }
        let calendars = written.calendars.into_iter().map(|(name, calendar)| (name, calendar.into())).collect();
        Ok(Self { calendars, rules, contact_attempts: written.contact_attempts, arrival: written.a04_is_arrival })
    }

    /// The calendar of an organisation, or the default one.
    pub fn calendar(&self, organisation: &str) -> &Calendar {
        let named = self.calendars.get(organisation).or_else(|| self.calendars.get(DEFAULT_CALENDAR));
        named.expect("`parse` refuses a policy without a default calendar")
    }

    pub fn rule(&self, kind: TimerKind) -> Rule {
        *self.rules.get(&kind).expect("`parse` refuses a policy that leaves a timer out")
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::parse(DEFAULT_TEXT).expect("a test reads the embedded text")
    }
}

/// The first line of the parser's text: the rest shows the offending source, which the caller prints itself.
fn located(error: &serde_saphyr::Error) -> PolicyFault {
    let error = error.without_snippet();
    let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    let text = error.to_string();
    let text = text.lines().next().unwrap_or_default();
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    PolicyFault { line, column, text: text.to_owned() }
}

impl From<WrittenCalendar> for Calendar {
    fn from(written: WrittenCalendar) -> Self {
        Self {
            zone: written.zone.0,
            open_days: written.days.into_iter().map(Weekday::from).collect(),
            opens: written.opens.0,
            closes: written.closes.0,
            holidays: written.holidays.into_iter().map(|holiday| holiday.0).collect(),
        }
    }
}

impl From<Day> for Weekday {
    fn from(day: Day) -> Self {
        match day {
            Day::Mon => Self::Monday,
            Day::Tue => Self::Tuesday,
            Day::Wed => Self::Wednesday,
            Day::Thu => Self::Thursday,
            Day::Fri => Self::Friday,
            Day::Sat => Self::Saturday,
            Day::Sun => Self::Sunday,
        }
    }
}

/// The names of a unit, and the wait a count of it makes.
type Unit = (&'static [&'static str], fn(u32) -> Wait);

impl TryFrom<String> for Wait {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let expected =
            || format!("`{text}` is no wait: write `4 hours`, `2 business days` or `end of day + 1 business day`");
        if let Some(rest) = text.strip_prefix("end of day") {
            let rest = rest.trim_start().strip_prefix('+').unwrap_or("0 business days");
            return count_of(rest, &["business day", "business days"]).map(Self::EndOfDayPlus).ok_or_else(expected);
        }
        let units: [Unit; 4] = [
            (&["business day", "business days"], Self::BusinessDays),
            (&["minute", "minutes"], |count| Self::Elapsed(Duration::from_secs(u64::from(count) * 60))),
            (&["hour", "hours"], |count| Self::Elapsed(Duration::from_secs(u64::from(count) * 3_600))),
            (&["day", "days"], |count| Self::Elapsed(Duration::from_secs(u64::from(count) * 86_400))),
        ];
        units.iter().find_map(|(names, make)| count_of(&text, names).map(make)).ok_or_else(expected)
    }
}

fn count_of(text: &str, units: &[&str]) -> Option<u32> {
    let (count, unit) = text.trim().split_once(' ')?;
    units.contains(&unit.trim()).then(|| count.parse().ok()).flatten()
}

impl TryFrom<String> for TimerName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        TimerKind::from_name(&text).map(Self).ok_or_else(|| format!("`{text}` is no timer: there are T1 to T10"))
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let zone = jiff::tz::TimeZone::get(&text);
        zone.map(Self).map_err(|_| format!("`{text}` is no time zone: write `UTC` or `Europe/Zurich`"))
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("`{text}` is no time of day: write \"08:00\""))
    }
}

impl TryFrom<String> for Holiday {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("`{text}` is no date: write 2026-12-25"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::event::Priority;

    #[test]
    fn the_embedded_text_is_the_default() {
        let policy = Policy::parse(DEFAULT_TEXT).unwrap();
        assert_eq!(policy.wait(TimerKind::Decision, Priority::Routine), Wait::BusinessDays(2));
        assert_eq!(policy.wait(TimerKind::Decision, Priority::Stat), Wait::Elapsed(Duration::from_secs(3_600)));
        assert_eq!(policy.wait(TimerKind::Loop, Priority::Stat), Wait::Elapsed(Duration::from_secs(14 * 86_400)));
        assert_eq!(policy.wait(TimerKind::Arrival, Priority::Routine), Wait::EndOfDayPlus(1));
    }

    fn fault(from: &str, to: &str) -> String {
        assert!(DEFAULT_TEXT.contains(from), "{from}");
        Policy::parse(&DEFAULT_TEXT.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn mistakes_are_located() {
        for (from, to, line, part) in [
            ("2 business days, urgent", "2 busy days, urgent", 13, "`2 busy days` is no wait"),
            ("zone: UTC", "zone: Utopia", 9, "`Utopia` is no time zone"),
            ("  T3: ", "  T33: ", 14, "`T33` is no timer"),
            ("then: fail", "then: panic", 17, "unknown variant"),
            ("contact_attempts: 3", "contact_attempts: many", 24, ""),
            ("opens:", "open:", 9, "unknown field"),
        ] {
            let text = fault(from, to);
            assert!(text.starts_with(&format!("line {line},")) && text.contains(part), "{to}: {text}");
        }
        assert_eq!(fault("  T3:  { wait: 5 business days }\n", ""), "line 1, column 1: timers: T3 is missing");
        assert_eq!(fault("  default:", "  other:"), "line 1, column 1: calendars: `default` is missing");
    }
}
