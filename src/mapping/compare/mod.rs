//! What a new release changes about what one message becomes.
//!
//! Cast: a *run* is what a release made of a message, or that it has no map for it; a *change* is a leaf that differs;
//! a *failure* is something a run could not do (no map, a value that does not fit, a code without a map); a
//! *difference* is all of it for one message; a *summary* is the sum over many; a *plan* is the part of the sum that
//! `apply` works from.
//!
//! Promise: pure and total. Values are shown for coded elements alone; of all else only the shape (P8).

mod differ;
mod planned;
mod shown;
mod summary;

use smol_str::{SmolStr, format_smolstr};

pub use planned::{FORMAT, Plan, PlanFault, Planned};
pub use shown::Shown;
pub use summary::{ChangeRow, FailureRow, Summary};

use super::mapped::{Mapped, write_bundle};
use crate::base::{Digest, Severity};

/// What a release made of a message; `None` where no map takes its type.
pub type Run<'m> = Option<&'m Mapped>;

/// What became of a message under the new release, held against the old one. The worst that holds is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The same resources, deletions and failures.
    Exact,
    /// Other resources or deletions, no new failure.
    Changed,
    /// Failures of before are gone, and there is no new one.
    Fixed,
    /// There is a failure that was not there before.
    NewlyFailing,
}

/// How two runs over one message differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub outcome: Outcome,
    pub changes: Vec<Change>,
    /// Failures of the new run that the old one did not have, and the reverse.
    pub broken: Vec<Failure>,
    pub mended: Vec<Failure>,
    /// Of the new run's result.
    pub result: Digest,
}

/// A leaf, a resource or a deletion that differs. `None`: not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// `Encounter.class.code`, without positions; a resource as a whole: `Encounter`.
    pub path: String,
    pub before: Option<Shown>,
    pub after: Option<Shown>,
}

/// Something that a run could not do. Two runs fail alike when kind and place are the same: the wording names rules,
/// and those change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// `no-map`, `unmapped-code`, or the kind of an issue: `data-type`.
    pub kind: SmolStr,
    /// `PID-7`; empty where the message as a whole is meant. With the table for a code.
    pub place: SmolStr,
}

impl Outcome {
    pub const ALL: [Self; 4] = [Self::Exact, Self::Changed, Self::Fixed, Self::NewlyFailing];

    /// A name for machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Changed => "changed",
            Self::Fixed => "fixed",
            Self::NewlyFailing => "newly-failing",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// Compares what two releases made of the same message.
pub fn compare(old: Run<'_>, new: Run<'_>) -> Difference {
    let (before, after) = (failures(old), failures(new));
    let without = |these: &[Failure], those: &[Failure]| -> Vec<Failure> {
        these.iter().filter(|failure| !those.contains(failure)).cloned().collect()
    };
    let (broken, mended) = (without(&after, &before), without(&before, &after));
    let changes = differ::changes(old, new);
    let outcome = match (broken.is_empty(), mended.is_empty(), changes.is_empty()) {
        (false, _, _) => Outcome::NewlyFailing,
        (true, false, _) => Outcome::Fixed,
        (true, true, false) => Outcome::Changed,
        (true, true, true) => Outcome::Exact,
    };
    Difference { outcome, changes, broken, mended, result: result_digest(new) }
}

fn failures(run: Run<'_>) -> Vec<Failure> {
    let Some(mapped) = run else { return vec![Failure { kind: "no-map".into(), place: SmolStr::default() }] };
    let issues = mapped.issues.iter().filter(|issue| issue.severity >= Severity::Error).map(|issue| Failure {
        kind: SmolStr::new_static(issue.code.as_str()),
        place: issue.location.as_ref().map(|location| format_smolstr!("{location}")).unwrap_or_default(),
    });
    let unmapped = mapped.unmapped.iter().map(|code| Failure {
        kind: SmolStr::new_static("unmapped-code"),
        place: format_smolstr!("{} ({})", code.location, code.table),
    });
    let mut failures: Vec<Failure> = issues.chain(unmapped).collect();
    failures.sort();
    failures.dedup();
    failures
}

/// The digest of everything that a run gives and that is kept: the Bundle, and what is deleted.
pub fn result_digest(run: Run<'_>) -> Digest {
    let Some(mapped) = run else { return Digest::of(b"") };
    let mut bytes = Vec::with_capacity(4096);
    write_bundle(mapped, &mut bytes);
    let cleared = mapped.cleared.iter().flat_map(|(index, name)| [format!("\n{index} "), name.to_string()]);
    cleared.for_each(|text| bytes.extend_from_slice(text.as_bytes()));
    Digest::of(&bytes)
}

#[cfg(test)]
mod tests;
