//! What becomes of the populated fields of a corpus: mapped, consulted, left out on purpose, or dropped.
//!
//! Cast: a *place* is a subcomponent of a segment, without numbers of repetition; its *counts* say how often it was
//! populated and what became of it; a *report* is the sum, and also the *baseline* that a later one is held against;
//! a *drift* is what got worse in between.
//!
//! Promise: every populated place of every message is counted exactly once, so that nothing is lost without being
//! listed. No value is kept, only places, and the codes that tables lack. Bounded: past `REPORT_ROWS_MAX` kinds of
//! findings, further ones are counted together.

mod drift;
mod report;

use std::collections::BTreeMap;

use smol_str::{SmolStr, format_smolstr};

pub use drift::{Drift, drifts};
pub use report::{CodeRow, FORMAT, FieldRow, IssueRow, PartRow, Report, TypeRow};

use super::explain::{Explanation, Fate, Why};
use super::mapped::Mapped;
use crate::base::Location;
use crate::base::limits::REPORT_ROWS_MAX;

/// How often something was populated, and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Counts {
    pub populated: u64,
    pub mapped: u64,
    pub repeated: u64,
    pub consulted: u64,
    pub declared: u64,
    /// Reached nothing, and nobody said that it should not.
    pub dropped: u64,
    /// Stands in a message that no map takes.
    pub without_map: u64,
}

/// A place without numbers of repetition, at the lowest level.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    segment: SmolStr,
    field: u16,
    component: u16,
    subcomponent: u16,
}

#[derive(Clone, Debug, Default)]
struct Tally {
    counts: Counts,
    first_seen: SmolStr,
    /// The first message where it was dropped.
    first_dropped: Option<SmolStr>,
    reason: Option<SmolStr>,
}

/// Something that was seen, how often and first where.
#[derive(Clone, Debug, Default)]
struct Seen {
    count: u64,
    first_seen: SmolStr,
}

#[derive(Clone, Debug, Default)]
struct TypeTally {
    messages: u64,
    without_map: u64,
}

/// The sum over a corpus so far.
#[derive(Default)]
pub struct Coverage {
    places: BTreeMap<Place, Tally>,
    types: BTreeMap<SmolStr, TypeTally>,
    /// By table and code.
    unmapped: BTreeMap<(SmolStr, SmolStr), Seen>,
    /// By kind and place.
    issues: BTreeMap<(SmolStr, SmolStr), Seen>,
}

impl Coverage {
    /// Adds one message. `name` is where to find it; `mapped` is `None` where no map takes its type.
    pub fn add(&mut self, name: &str, message_type: &str, explanation: &Explanation, mapped: Option<&Mapped>) {
        let of_type = row(&mut self.types, message_type.into());
        of_type.messages += 1;
        of_type.without_map += u64::from(mapped.is_none());
        for place in &explanation.places {
            row(&mut self.places, Place::of(&place.place.lowest)).add(name, &place.fate);
        }
        let Some(mapped) = mapped else { return };
        for code in &mapped.unmapped {
            row(&mut self.unmapped, (code.table.clone(), code.code.clone())).add(name);
        }
        for issue in &mapped.issues {
            let place = issue.location.as_ref().map(|location| Place::of(location).to_string()).unwrap_or_default();
            row(&mut self.issues, (SmolStr::new_static(issue.code.as_str()), place.into())).add(name);
        }
    }
}

/// The row of a key, or when there are too many, the one that counts the others together.
fn row<K: Ord + Default, V: Default>(rows: &mut BTreeMap<K, V>, key: K) -> &mut V {
    let full = rows.len() >= REPORT_ROWS_MAX && !rows.contains_key(&key);
    rows.entry(if full { K::default() } else { key }).or_default()
}

impl Tally {
    fn add(&mut self, name: &str, fate: &Fate) {
        self.counts.populated += 1;
        if self.first_seen.is_empty() {
            self.first_seen = name.into();
        }
        match fate {
            Fate::Mapped(_) => self.counts.mapped += 1,
            Fate::Repeated(_) => self.counts.repeated += 1,
            Fate::Consulted(_) => self.counts.consulted += 1,
            Fate::Declared(reason) => {
                self.counts.declared += 1;
                self.reason.get_or_insert_with(|| reason.clone());
            }
            Fate::Dropped(Why::NoMap, _) => self.counts.without_map += 1,
            Fate::Dropped(..) => {
                self.counts.dropped += 1;
                self.first_dropped.get_or_insert_with(|| name.into());
            }
        }
    }
}

impl Seen {
    fn add(&mut self, name: &str) {
        self.count += 1;
        if self.first_seen.is_empty() {
            self.first_seen = name.into();
        }
    }
}

impl Counts {
    /// The share that reached a leaf, said the same again, or decided something, in percent.
    pub fn used_percent(&self) -> f64 {
        percent(self.mapped + self.repeated + self.consulted, self.populated)
    }

    fn add(&mut self, other: &Self) {
        self.populated += other.populated;
        self.mapped += other.mapped;
        self.repeated += other.repeated;
        self.consulted += other.consulted;
        self.declared += other.declared;
        self.dropped += other.dropped;
        self.without_map += other.without_map;
    }
}

/// A share in percent; of nothing, nothing is missing.
#[expect(clippy::cast_precision_loss, reason = "shares are shown with one digit")]
pub fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 100.0 } else { 100.0 * part as f64 / whole as f64 }
}

impl Default for Place {
    /// The row of all that came past the limit.
    fn default() -> Self {
        Self { segment: SmolStr::new_static("more"), field: 0, component: 0, subcomponent: 0 }
    }
}

impl Place {
    fn of(location: &Location) -> Self {
        Self {
            segment: location.segment.clone(),
            field: location.field.unwrap_or(0),
            component: location.component.unwrap_or(0),
            subcomponent: location.subcomponent.unwrap_or(0),
        }
    }

    /// The field as a whole: `PID-3`; the name alone for a line that is no segment.
    fn field_path(&self) -> SmolStr {
        match (self.segment.as_str(), self.field) {
            ("", _) => SmolStr::new_static("(no segment)"),
            (segment, 0) => segment.into(),
            (segment, field) => format_smolstr!("{segment}-{field}"),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.field_path())?;
        for number in [self.component, self.subcomponent].into_iter().take_while(|number| *number > 0) {
            write!(f, ".{number}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
