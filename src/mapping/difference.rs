//! What sets two releases apart, rule by rule: for `loopgate map diff`.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::diagnostic::{Diagnostic, Reporter};
use super::release::is_set_aside;
use super::written::{self, Line, Reason};

/// A rule, resource or code row that only one of two releases has, or that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `PID-Patient/PID-3 -> identifier`, `AdministrativeSex/X`, `ADT_A01/patient`, `ADT_A01`.
    pub id: SmolStr,
    pub before: Option<Side>,
    pub after: Option<Side>,
    /// The overlay that made it, and why; none when the base file itself differs.
    pub reason: Option<Reason>,
}

/// What one release says, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    pub text: String,
    pub file: SmolStr,
    pub line: u32,
}

/// Compares two releases, given as the names and texts of their files. Files that cannot be read are told.
pub fn differences(
    base: &BTreeMap<String, String>,
    feed: &BTreeMap<String, String>,
) -> Result<Vec<Difference>, Vec<Diagnostic>> {
    let (before, _) = sides(base)?;
    let (mut after, mut reasons) = sides(feed)?;
    let mut found = Vec::new();
    let mut note = |id: SmolStr, before, after| {
        let reason = reasons.iter().rposition(|reason| reason.id == id).map(|at| reasons.swap_remove(at));
        found.push(Difference { id, before, after, reason });
    };
    for (id, before) in before {
        match after.remove(&id) {
            Some(after) if after.text == before.text => {}
            after => note(id, Some(before), after),
        }
    }
    for (id, side) in after {
        note(id, None, Some(side));
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

type Sides = BTreeMap<SmolStr, Side>;

fn sides(files: &BTreeMap<String, String>) -> Result<(Sides, Vec<Reason>), Vec<Diagnostic>> {
    let asked_for = || files.iter().filter(|(name, _)| !is_set_aside(name));
    let names: Vec<SmolStr> = asked_for().map(|(name, _)| SmolStr::from(name)).collect();
    let texts: Vec<&str> = asked_for().map(|(_, text)| text.as_str()).collect();
    let mut found = Vec::new();
    let written = written::read(&texts, &mut Reporter { names: &names, found: &mut found });
    if !found.is_empty() {
        return Err(found);
    }
    let side = |Line { id, text, place }: Line| {
        let file = names[usize::from(place.file)].clone();
        (id, Side { text, file, line: place.line })
    };
    Ok((written::lines(&written.files).into_iter().map(side).collect(), written.reasons))
}
