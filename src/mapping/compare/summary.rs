//! The sum of many differences: how many messages of each outcome, and the same changes counted together.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::{Change, Difference, Failure, Outcome, Shown};
use crate::base::limits::REPORT_ROWS_MAX;

/// The sum so far.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    messages: [u64; Outcome::ALL.len()],
    changes: BTreeMap<Change, Seen>,
    broken: BTreeMap<Failure, Seen>,
    mended: BTreeMap<Failure, Seen>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    count: u64,
    first: SmolStr,
}

/// One kind of change: `1,204 × Encounter.class.code AMB → IMP`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRow<'s> {
    pub count: u64,
    pub change: &'s Change,
    /// Where it was seen first.
    pub first: &'s str,
}

/// One kind of failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureRow<'s> {
    pub count: u64,
    pub failure: &'s Failure,
    pub first: &'s str,
}

impl Summary {
    /// Adds the difference of a message; `name` is where to find it.
    pub fn add(&mut self, name: &str, difference: &Difference) {
        self.messages[difference.outcome as usize] += 1;
        difference.changes.iter().for_each(|change| see(&mut self.changes, change, name, other_change));
        difference.broken.iter().for_each(|failure| see(&mut self.broken, failure, name, other_failure));
        difference.mended.iter().for_each(|failure| see(&mut self.mended, failure, name, other_failure));
    }

    /// How many messages came out so.
    pub const fn messages(&self, outcome: Outcome) -> u64 {
        self.messages[outcome as usize]
    }

    /// The worst outcome of any message.
    pub fn worst(&self) -> Outcome {
        let seen = Outcome::ALL.into_iter().filter(|outcome| self.messages(*outcome) > 0);
        seen.max().unwrap_or(Outcome::Exact)
    }

    /// The most frequent first.
    pub fn changes(&self) -> Vec<ChangeRow<'_>> {
        let rows =
            self.changes.iter().map(|(change, seen)| ChangeRow { count: seen.count, change, first: &seen.first });
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.count));
        rows
    }

    /// Failures that the old release did not have, the most frequent first.
    pub fn broken(&self) -> Vec<FailureRow<'_>> {
        failure_rows(&self.broken)
    }

    /// Failures that the new release does not have any more, the most frequent first.
    pub fn mended(&self) -> Vec<FailureRow<'_>> {
        failure_rows(&self.mended)
    }
}

fn see<K: Ord + Clone>(rows: &mut BTreeMap<K, Seen>, key: &K, name: &str, other: fn() -> K) {
    let full = rows.len() >= REPORT_ROWS_MAX && !rows.contains_key(key);
    let seen = rows.entry(if full { other() } else { key.clone() }).or_default();
    seen.count += 1;
    if seen.first.is_empty() {
        seen.first = name.into();
    }
}

/// The row of what came past the limit.
fn other_change() -> Change {
    Change { path: "(other changes)".to_owned(), before: Some(Shown::Whole), after: Some(Shown::Whole) }
}

fn other_failure() -> Failure {
    Failure { kind: SmolStr::new_static("other"), place: SmolStr::default() }
}

fn failure_rows(rows: &BTreeMap<Failure, Seen>) -> Vec<FailureRow<'_>> {
    let mut rows: Vec<_> =
        rows.iter().map(|(failure, seen)| FailureRow { count: seen.count, failure, first: &seen.first }).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.count));
    rows
}
