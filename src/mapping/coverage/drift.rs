//! What got worse between a baseline and now.

use std::collections::BTreeMap;

use super::percent;
use super::report::{FieldRow, PartRow, Report};

/// One thing that got worse.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Drift {
    /// A place that the baseline does not know is populated, and goes nowhere.
    NewDropped { path: String, dropped: u64, first_seen: String },
    /// The share of a field that is used fell. In tenths of a percent.
    ShareFell { path: String, before_permille: u32, now_permille: u32 },
    /// A code without a map that the baseline does not know.
    NewUnmapped { table: String, code: String, first_seen: String },
    /// A message type that no map takes, and that the baseline does not know or could map.
    NewWithoutMap {
        #[serde(rename = "type")]
        message_type: String,
    },
}

/// Everything that got worse. A share counts as fallen when it lost more than `tolerance_percent`: over another corpus
/// shares move a little by themselves.
pub fn drifts(baseline: &Report, now: &Report, tolerance_percent: f64) -> Vec<Drift> {
    let mut found = new_dropped(baseline, now);
    found.extend(fallen(baseline, now, tolerance_percent));
    found.extend(new_unmapped(baseline, now));
    found.extend(new_without_map(baseline, now));
    found
}

fn parts(report: &Report) -> impl Iterator<Item = &PartRow> {
    report.fields.iter().flat_map(|field| &field.parts)
}

fn new_dropped(baseline: &Report, now: &Report) -> Vec<Drift> {
    let known: BTreeMap<&str, &PartRow> = parts(baseline).map(|part| (part.path.as_str(), part)).collect();
    let new = parts(now).filter(|part| part.counts.dropped > 0 && !known.contains_key(part.path.as_str()));
    new.map(|part| Drift::NewDropped {
        path: part.path.clone(),
        dropped: part.counts.dropped,
        first_seen: part.first_dropped.clone().unwrap_or_default(),
    })
    .collect()
}

fn fallen(baseline: &Report, now: &Report, tolerance_percent: f64) -> Vec<Drift> {
    let known: BTreeMap<&str, &FieldRow> = baseline.fields.iter().map(|field| (field.path.as_str(), field)).collect();
    let both = now.fields.iter().filter_map(|field| Some((*known.get(field.path.as_str())?, field)));
    let fell = both.filter(|(before, now)| settled(now) + tolerance_percent < settled(before) - f64::EPSILON);
    fell.map(|(before, now)| Drift::ShareFell {
        path: now.path.clone(),
        before_permille: permille(settled(before)),
        now_permille: permille(settled(now)),
    })
    .collect()
}

/// What is used or left out on purpose: declaring a field is no loss.
fn settled(field: &FieldRow) -> f64 {
    let counts = &field.counts;
    percent(counts.populated.saturating_sub(counts.dropped + counts.without_map), counts.populated)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share lies between 0 and 100")]
fn permille(percent: f64) -> u32 {
    (percent * 10.0).round() as u32
}

fn new_unmapped(baseline: &Report, now: &Report) -> Vec<Drift> {
    let is_known = |table: &str, code: &str| {
        baseline.unmapped_codes.binary_search_by(|row| (row.table.as_str(), row.code.as_str()).cmp(&(table, code)))
    };
    let new = now.unmapped_codes.iter().filter(|row| is_known(&row.table, &row.code).is_err());
    new.map(|row| Drift::NewUnmapped {
        table: row.table.clone(),
        code: row.code.clone(),
        first_seen: row.first_seen.clone(),
    })
    .collect()
}

fn new_without_map(baseline: &Report, now: &Report) -> Vec<Drift> {
    let known: Vec<&String> =
        baseline.types.iter().filter(|row| row.without_map > 0).map(|row| &row.message_type).collect();
    let without = now.types.iter().filter(|row| row.without_map > 0 && !known.contains(&&row.message_type));
    without.map(|row| Drift::NewWithoutMap { message_type: row.message_type.clone() }).collect()
}

impl std::fmt::Display for Drift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = |permille: &u32| f64::from(*permille) / 10.0;
        match self {
            Self::NewDropped { path, dropped, first_seen } => {
                write!(f, "{path} is new and goes nowhere, {dropped} times, first in {first_seen}")
            }
            Self::ShareFell { path, before_permille, now_permille } => {
                let (before, now) = (share(before_permille), share(now_permille));
                write!(f, "{path} is accounted for in {now:.1} % of its values, before in {before:.1} %")
            }
            Self::NewUnmapped { table, code, first_seen } => {
                write!(f, "the code {code} is new and not in {table}, first in {first_seen}")
            }
            Self::NewWithoutMap { message_type } => write!(f, "no map takes {message_type}"),
        }
    }
}
