//! Which resources are nearest under a name: looked up for every reference, so never by going through all.

use super::tree::Tree;

/// The resources that the message map names.
#[derive(Default)]
pub struct Names<'p> {
    /// By the group of each, for those who look into their own group.
    anywhere: Vec<Entry<'p>>,
    /// By every group around that single groups alone lead to, for those who look outwards.
    singly: Vec<Entry<'p>>,
    sorted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry<'p> {
    name: &'p str,
    group: usize,
    /// How many were named before.
    order: usize,
    /// Index among those made.
    index: usize,
}

impl<'p> Names<'p> {
    /// A resource of a segment of this group.
    pub fn add(&mut self, name: &'p str, group: usize, index: usize, tree: &Tree) {
        let order = self.anywhere.len();
        self.anywhere.push(Entry { name, group, order, index });
        let mut at = group;
        self.singly.push(Entry { name, group: at, order, index });
        while let Some(around) = tree.around(at).filter(|_| !tree.repeats(at)) {
            at = around;
            self.singly.push(Entry { name, group: at, order, index });
        }
        self.sorted = false;
    }

    /// All are there: they can be looked up.
    pub fn sort(&mut self) {
        self.anywhere.sort_unstable();
        self.singly.sort_unstable();
        self.sorted = true;
    }

    /// All resources of the name but one, in the order in which they were named.
    pub fn all(&self, name: &str, but: usize) -> Vec<usize> {
        let all = self.anywhere.iter().filter(|entry| entry.name == name && entry.index != but);
        in_order(all.copied().collect())
    }

    /// Those of the nearest group around `from` that has any but `but`, in the order in which they were named.
    pub fn nearest(&self, name: &str, from: usize, but: usize, tree: &Tree) -> Vec<usize> {
        let mut found = self.within(&self.anywhere, name, from, tree.end_of(from), but);
        let mut group = from;
        while let Some(outer) = tree.around(group).filter(|_| found.is_empty()) {
            found = self.within(&self.singly, name, outer, outer, but);
            group = outer;
        }
        in_order(found)
    }

    fn within(&self, entries: &[Entry<'p>], name: &str, first: usize, last: usize, but: usize) -> Vec<Entry<'p>> {
        let fits = |entry: &&Entry| entry.index != but;
        if !self.sorted {
            let named = |entry: &&Entry| entry.name == name && (first..=last).contains(&entry.group);
            return entries.iter().filter(named).filter(fits).copied().collect();
        }
        let from = entries.partition_point(|entry| (entry.name, entry.group) < (name, first));
        let to = entries.partition_point(|entry| (entry.name, entry.group) <= (name, last));
        entries[from..to.max(from)].iter().filter(fits).copied().collect()
    }
}

/// Each resource once, at its first place.
fn in_order(mut found: Vec<Entry>) -> Vec<usize> {
    if found.len() > 1 {
        found.sort_unstable_by_key(|entry| (entry.index, entry.order));
        found.dedup_by_key(|entry| entry.index);
        found.sort_unstable_by_key(|entry| entry.order);
    }
    found.into_iter().map(|entry| entry.index).collect()
}
