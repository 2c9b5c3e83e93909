//! Two results, leaf by leaf.
//!
//! Resources are the same thing when type and id are the same; those left over pair up by type and order, so that a new
//! rule for ids shows as a changed id and not as two strangers. In a list, what is equal at both ends stays out of the
//! comparison: one item put in front is one item more, not a change of all.

use std::collections::HashMap;

use smol_str::SmolStr;

use super::{Change, Run, Shown};
use crate::fhir::{Node, Object, Resource};
use crate::mapping::explain::target;
use crate::mapping::mapped::Mapped;

/// All changes, in order of resources and leaves, of the old first.
pub fn changes(old: Run<'_>, new: Run<'_>) -> Vec<Change> {
    let (no_old, no_new) = (&[][..], &[][..]);
    let before = old.map_or(no_old, |mapped| mapped.resources.as_slice());
    let after = new.map_or(no_new, |mapped| mapped.resources.as_slice());
    let mut changes = Vec::new();
    for pair in pairs(before, after) {
        match pair {
            (Some(before), Some(after)) if before == after => {}
            (Some(before), Some(after)) => {
                let mut comparison = Comparison { kind: before.kind(), path: String::new(), changes: &mut changes };
                comparison.members(before.object(), after.object());
            }
            (Some(gone), None) => changes.push(whole(gone.kind(), true)),
            (None, Some(come)) => changes.push(whole(come.kind(), false)),
            (None, None) => {}
        }
    }
    changes.extend(changes_of_deletions(old, new));
    changes
}

fn whole(path: &str, gone: bool) -> Change {
    let (before, after) = if gone { (Some(Shown::Whole), None) } else { (None, Some(Shown::Whole)) };
    Change { path: path.to_owned(), before, after }
}

type Pair<'r> = (Option<&'r Resource>, Option<&'r Resource>);

fn pairs<'r>(before: &'r [Resource], after: &'r [Resource]) -> Vec<Pair<'r>> {
    let mut by_id: HashMap<(&str, &str), &Resource> = after.iter().map(|resource| (key(resource), resource)).collect();
    let mut pairs: Vec<Pair> = before.iter().map(|old| (Some(old), by_id.remove(&key(old)))).collect();
    let mut strangers: Vec<&Resource> = after
        .iter()
        .filter(|resource| by_id.get(&key(resource)).is_some_and(|left| std::ptr::eq(*left, *resource)))
        .collect();
    for (old, new) in pairs.iter_mut().filter(|(_, new)| new.is_none()) {
        let alike = strangers.iter().position(|stranger| old.is_some_and(|old| old.kind() == stranger.kind()));
        *new = alike.map(|at| strangers.remove(at));
    }
    pairs.extend(strangers.into_iter().map(|stranger| (None, Some(stranger))));
    pairs
}

fn key(resource: &Resource) -> (&str, &str) {
    (resource.kind(), resource.id().unwrap_or_default())
}

struct Comparison<'c> {
    /// Type of the resource.
    kind: &'c str,
    /// Of the element at hand, without positions.
    path: String,
    changes: &'c mut Vec<Change>,
}

impl Comparison<'_> {
    fn members(&mut self, before: &Object, after: &Object) {
        for (name, node) in before.iter() {
            self.at(name, |this| this.nodes(Some(node), after.get(name)));
        }
        for (name, node) in after.iter().filter(|(name, _)| before.get(name).is_none()) {
            self.at(name, |this| this.nodes(None, Some(node)));
        }
    }

    fn at(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        inside(self);
        self.path.truncate(length);
    }

    fn nodes(&mut self, before: Option<&Node>, after: Option<&Node>) {
        match (before, after) {
            (before, after) if before == after => {}
            (Some(Node::Object(before)), Some(Node::Object(after))) => self.members(before, after),
            (Some(Node::Object(before)), None) => self.members(before, &Object::new()),
            (None, Some(Node::Object(after))) => self.members(&Object::new(), after),
            (Some(Node::Array(_)), _) | (_, Some(Node::Array(_))) => {
                self.items(before.map_or(&[], Node::items), after.map_or(&[], Node::items));
            }
            (before, after) => self.leaf(before, after),
        }
    }

    fn items(&mut self, before: &[Node], after: &[Node]) {
        let same = |pair: &(&Node, &Node)| pair.0 == pair.1;
        let front = before.iter().zip(after).take_while(same).count();
        let (before, after) = (&before[front..], &after[front..]);
        let back = before.iter().rev().zip(after.iter().rev()).take_while(same).count();
        let (before, after) = (&before[..before.len() - back], &after[..after.len() - back]);
        for at in 0..before.len().max(after.len()) {
            self.nodes(before.get(at), after.get(at));
        }
    }

    fn leaf(&mut self, before: Option<&Node>, after: Option<&Node>) {
        let shown = |node: &Node| Shown::of(self.kind, &self.path, &target::text(node));
        let change =
            Change { path: format!("{}.{}", self.kind, self.path), before: before.map(shown), after: after.map(shown) };
        self.changes.push(change);
    }
}

/// Deletions that only one of them orders.
fn changes_of_deletions(old: Run<'_>, new: Run<'_>) -> Vec<Change> {
    let deletions = |run: Run<'_>| -> Vec<(SmolStr, SmolStr, String)> { run.map_or_else(Vec::new, deletions) };
    let (before, after) = (deletions(old), deletions(new));
    let path = |(kind, _, name): &(SmolStr, SmolStr, String)| format!("{kind}.{name} deleted");
    let gone = before.iter().filter(|deletion| !after.contains(deletion)).map(|deletion| whole(&path(deletion), true));
    let come = after.iter().filter(|deletion| !before.contains(deletion)).map(|deletion| whole(&path(deletion), false));
    gone.chain(come).collect()
}

fn deletions(mapped: &Mapped) -> Vec<(SmolStr, SmolStr, String)> {
    let cleared = mapped.cleared.iter().filter_map(|(index, name)| {
        let resource = mapped.resources.get(*index)?;
        Some((resource.kind().into(), resource.id().unwrap_or_default().into(), name.to_string()))
    });
    cleared.collect()
}
