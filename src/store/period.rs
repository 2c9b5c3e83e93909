//! The time of a history: which instants are asked for, and where among the rising numbers their versions lie.

use crate::base::Timestamp;
use crate::base::limits::CLOCK_SKEW_MAX;
use crate::record::HistoryQuery;

/// Instants in microseconds, both included.
pub struct Period {
    pub since: i64,
    pub until: i64,
}

impl Period {
    pub fn of(query: &HistoryQuery) -> Self {
        let since = query.since.map_or(i64::MIN, Timestamp::as_micros);
        Self { since, until: query.until.map_or(i64::MAX, Timestamp::as_micros) }
    }

    /// The instants at which numbers may be cut off: clocks of replicas differ, so that a higher number may bear an
    /// instant that is a little earlier.
    pub fn margins(query: &HistoryQuery) -> (Option<i64>, Option<i64>) {
        let skew = i64::try_from(CLOCK_SKEW_MAX.as_micros()).unwrap_or(i64::MAX);
        let from = query.since.map(|instant| instant.as_micros().saturating_sub(skew));
        (from, query.until.map(|instant| instant.as_micros().saturating_add(skew).saturating_add(1)))
    }
}

/// Looks for the first version made at or after an instant, by halves: no index of instants is needed for it.
pub struct Seek {
    instant: i64,
    low: i64,
    high: i64,
}

impl Seek {
    /// `latest` is the highest number.
    pub const fn new(instant: i64, latest: i64) -> Self {
        Self { instant, low: 0, high: latest.saturating_add(1) }
    }

    /// The number to look at: the first version at or behind it is to be learned. None when the search is over.
    pub const fn probe(&self) -> Option<i64> {
        if self.low < self.high { Some(self.low + (self.high - self.low) / 2) } else { None }
    }

    /// Number and instant of the version that was found there.
    pub fn learn(&mut self, found: Option<(i64, i64)>) {
        let middle = self.low + (self.high - self.low) / 2;
        match found {
            Some((number, instant)) if instant < self.instant => self.low = number + 1,
            _ => self.high = middle,
        }
    }

    /// The number from which on versions are not before the instant.
    pub const fn found(&self) -> i64 {
        self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_version_of_an_instant_is_found_in_spite_of_gaps() {
        let versions = [(3, 10), (4, 20), (9, 20), (12, 30)];
        let check = |instant: i64, expected: Option<i64>| {
            let mut seek = Seek::new(instant, 12);
            while let Some(number) = seek.probe() {
                seek.learn(versions.iter().find(|(at, _)| *at >= number).copied());
            }
            let first = versions.iter().map(|(number, _)| *number).find(|number| *number >= seek.found());
            assert_eq!(first, expected, "{instant}");
        };
        check(5, Some(3));
        check(10, Some(3));
        check(11, Some(4));
        check(20, Some(4));
        check(21, Some(12));
        check(31, None);
    }
}
