//! Segments in their groups: who belongs to whom, also in a message whose order is not that of the structure.
//!
//! Segments are placed one after the other, each as near as possible to the one before it: into the innermost open
//! group that has a slot for it, else into the next one out. Only a segment that can begin a group begins another
//! instance of it. What has no slot anywhere stays unplaced.

use std::cell::RefCell;

use smol_str::SmolStr;

use crate::hl7v2::{Message, Segment};
use crate::mapping::notation::Structure;
use crate::mapping::notation::structure::SlotKind;

pub struct Tree<'p, 'm> {
    structure: &'p Structure,
    pub nodes: Vec<Node<'m>>,
    groups: Vec<Instance<'m>>,
}

/// A placed segment.
#[derive(Clone, Copy)]
pub struct Node<'m> {
    pub segment: Segment<'m>,
    pub name: &'m str,
    /// Index of its group instance.
    pub group: usize,
    /// Which fields are written, as bits.
    pub written: u64,
}

impl Node<'_> {
    /// Position of the segment among all of the message.
    pub fn number(&self) -> u32 {
        u32::try_from(self.segment.index()).unwrap_or(u32::MAX)
    }
}

/// One instance of a group of the structure.
struct Instance<'m> {
    definition: usize,
    parent: usize,
    /// The slot that was filled last.
    last: usize,
    nodes: Vec<usize>,
    groups: Vec<usize>,
    /// Of `groups` those that cannot repeat.
    single_groups: Vec<usize>,
    /// The first segment of each name.
    firsts: Vec<(&'m str, usize)>,
    /// The last group instance in it, itself or further in: those in it have all numbers up to there.
    end: usize,
    /// What was looked for from here and where it was found: a group with many others in it is gone through once.
    found: RefCell<Vec<(SmolStr, Option<usize>)>>,
}

impl<'m> Instance<'m> {
    const fn new(definition: usize, parent: usize, index: usize) -> Self {
        Self {
            definition,
            parent,
            last: 0,
            nodes: Vec::new(),
            groups: Vec::new(),
            single_groups: Vec::new(),
            firsts: Vec::new(),
            end: index,
            found: RefCell::new(Vec::new()),
        }
    }

    fn take(&mut self, name: &'m str, node: usize) {
        self.nodes.push(node);
        if !self.firsts.iter().any(|(first, _)| *first == name) {
            self.firsts.push((name, node));
        }
    }
}

impl<'p, 'm> Tree<'p, 'm> {
    pub fn build(structure: &'p Structure, message: &'m Message) -> Self {
        let mut tree = Self { structure, nodes: Vec::new(), groups: Vec::new() };
        let mut current = tree.open(0, 0);
        for segment in message.segments() {
            let name = segment.name();
            if let Some(group) = tree.slot_for(name, current) {
                tree.groups[group].take(name, tree.nodes.len());
                tree.nodes.push(Node { segment, name, group, written: segment.written() });
                current = group;
            }
        }
        tree
    }

    fn open(&mut self, definition: usize, parent: usize) -> usize {
        let index = self.groups.len();
        self.groups.push(Instance::new(definition, parent, index));
        if index != parent {
            self.groups[parent].groups.push(index);
            if !self.structure.groups[definition].repeats {
                self.groups[parent].single_groups.push(index);
            }
            let mut around = Some(parent);
            while let Some(group) = around {
                self.groups[group].end = index;
                around = self.around(group);
            }
        }
        index
    }

    /// The group instance that the next segment goes into, opened when need be.
    fn slot_for(&mut self, name: &str, current: usize) -> Option<usize> {
        let mut group = current;
        loop {
            if let Some(slot) = self.slot_in(self.groups[group].definition, self.groups[group].last, name) {
                return Some(self.enter(group, slot, name));
            }
            if group == 0 {
                return None;
            }
            group = self.groups[group].parent;
        }
    }

    /// The slot of the group that takes the segment, itself or within: from the last filled one on, else before it.
    fn slot_in(&self, definition: usize, last: usize, name: &str) -> Option<usize> {
        let slots = &self.structure.groups[definition].slots;
        let takes = |at: &usize| match &slots[*at].kind {
            SlotKind::Segment(segment) => segment == name,
            SlotKind::Group(inner) => self.slot_in(*inner, 0, name).is_some(),
        };
        (last..slots.len()).find(takes).or_else(|| (0..last).find(takes))
    }

    fn enter(&mut self, group: usize, slot: usize, name: &str) -> usize {
        let group = if self.begins_another(group, slot) {
            let Instance { definition, parent, .. } = self.groups[group];
            self.open(definition, parent)
        } else {
            group
        };
        self.groups[group].last = slot;
        let definition = self.groups[group].definition;
        match self.structure.groups[definition].slots[slot].kind {
            SlotKind::Segment(_) => group,
            SlotKind::Group(inner) => {
                let inner_group = self.open(inner, group);
                let slot = self.slot_in(inner, 0, name).unwrap_or(0);
                self.enter(inner_group, slot, name)
            }
        }
    }

    fn begins_another(&self, group: usize, slot: usize) -> bool {
        let instance = &self.groups[group];
        let definition = &self.structure.groups[instance.definition];
        let filled = !instance.nodes.is_empty() || !instance.groups.is_empty();
        let again = slot < instance.last || (slot == instance.last && !definition.slots[slot].repeats);
        definition.repeats && filled && slot < definition.leads && again
    }

    /// The segments of that name that belong to a group: its own, or those further in when the group has no slot of
    /// its own for them.
    pub fn within(&self, group: usize, name: &str, out: &mut Vec<usize>) {
        let before = out.len();
        let instance = &self.groups[group];
        if instance.firsts.iter().any(|(first, _)| *first == name) {
            out.extend(instance.nodes.iter().filter(|node| self.nodes[**node].name == name));
        }
        if out.len() == before && !self.structure.has_slot(self.groups[group].definition, name) {
            self.groups[group].groups.iter().for_each(|&inner| self.within(inner, name, out));
        }
    }

    /// The segments of that name that go with a group: those within, else those of the groups around it, up to the
    /// first group that has a slot of its own for them.
    pub fn related(&self, from: usize, name: &str) -> Vec<usize> {
        let mut out = Vec::new();
        self.within(from, name, &mut out);
        let mut group = from;
        while out.is_empty() && group != 0 && !self.structure.has_slot(self.groups[group].definition, name) {
            group = self.groups[group].parent;
            let instance = &self.groups[group];
            if instance.firsts.iter().any(|(first, _)| *first == name) {
                out.extend(instance.nodes.iter().filter(|node| self.nodes[**node].name == name));
            }
        }
        out
    }

    /// The nearest segment of that name, looking from a group outwards. Instances of a repeating group beside the
    /// way belong to others and are not looked into.
    pub fn nearest(&self, from: usize, name: &str) -> Option<usize> {
        if name == "MSH" && self.nodes.first().is_some_and(|node| node.name == name && node.group == 0) {
            return Some(0);
        }
        let mut first = self.first(from, name, true);
        let mut group = from;
        while first.is_none() && group != 0 {
            group = self.groups[group].parent;
            first = self.first(group, name, false);
        }
        first
    }

    fn first(&self, group: usize, name: &str, through_repeating: bool) -> Option<usize> {
        let instance = &self.groups[group];
        let own = instance.firsts.iter().find(|(first, _)| *first == name).map(|(_, node)| *node);
        if own.is_some() || self.structure.has_slot(instance.definition, name) {
            return own;
        }
        if !through_repeating {
            return instance.single_groups.iter().find_map(|inner| self.first(*inner, name, false));
        }
        if let Some((_, node)) = instance.found.borrow().iter().find(|(other, _)| other == name) {
            return *node;
        }
        let first = instance.groups.iter().find_map(|inner| self.first(*inner, name, true));
        if !instance.groups.is_empty() {
            instance.found.borrow_mut().push((name.into(), first));
        }
        first
    }

    /// Whether the group is one of several.
    pub fn repeats(&self, group: usize) -> bool {
        self.structure.groups[self.groups[group].definition].repeats
    }

    /// The last group in a group: all numbers up to there are of groups in it.
    pub fn end_of(&self, group: usize) -> usize {
        self.groups[group].end
    }

    /// The group around a group; `None` for the message.
    pub fn around(&self, group: usize) -> Option<usize> {
        (group != 0).then(|| self.groups[group].parent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows the nesting: a bracket for each group instance.
    fn show(tree: &Tree, group: usize) -> String {
        let mut parts: Vec<(usize, String)> =
            tree.groups[group].nodes.iter().map(|&node| (node, tree.nodes[node].name.to_owned())).collect();
        for &inner in &tree.groups[group].groups {
            let first = tree.groups[inner].nodes.first().copied().unwrap_or(usize::MAX);
            parts.push((first, format!("({})", show(tree, inner))));
        }
        parts.sort();
        parts.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ")
    }

    fn check(structure: &str, segments: &str, expected: &str) {
        let structure = Structure::parse(structure).unwrap();
        let lines: Vec<String> = segments
            .split(' ')
            .map(|name| if name == "MSH" { "MSH|^~\\&|A".to_owned() } else { format!("{name}|1") })
            .collect();
        let (message, _) = Message::parse(lines.join("\r"));
        let tree = Tree::build(&structure, &message);
        assert_eq!(show(&tree, 0), expected, "{segments}");
    }

    #[test]
    fn segments_find_their_groups() {
        let oru = "MSH {[PID [PD1] [PV1]] {[ORC] OBR [{NTE}] [{OBX [{NTE}]}]}}";
        check(oru, "MSH PID OBR OBX NTE OBX", "MSH ((PID) (OBR (OBX NTE) (OBX)))");
        check(oru, "MSH PID ORC OBR NTE OBX ORC OBR", "MSH ((PID) (ORC OBR NTE (OBX)) (ORC OBR))");
        check(oru, "MSH PID OBR PID OBR", "MSH ((PID) (OBR)) ((PID) (OBR))");
        check(oru, "MSH OBX", "MSH (((OBX)))");
        check(oru, "MSH PID PV1 PD1 ZZZ OBR", "MSH ((PID PV1 PD1) (OBR))");
        let orm = "MSH [PID [PV1]] {ORC [{TQ1}] OBR [{NTE}]}";
        check(orm, "MSH PID ORC OBR TQ1 ORC TQ1 OBR", "MSH (PID) (ORC OBR TQ1) (ORC TQ1 OBR)");
        check(orm, "MSH PV1 PID ORC", "MSH (PV1 PID) (ORC)");
        check("MSH SCH [{PID [PV1]}] {RGS [{AIS [NTE]}] [{AIL}]}", "MSH SCH PID PV1 RGS AIS AIL AIS NTE", {
            "MSH SCH (PID PV1) (RGS (AIS) AIL (AIS NTE))"
        });
    }

    #[test]
    fn the_nearest_segment_is_not_that_of_a_neighbour() {
        let structure = Structure::parse("MSH [PID [PV1]] {[ORC] OBR [{OBX}]}").unwrap();
        let (message, _) = Message::parse("MSH|^~\\&|\rPID|1\rORC|1\rOBR|1\rOBX|1\rOBR|2\rOBX|2");
        let tree = Tree::build(&structure, &message);
        let second = tree.nodes[6].group;
        assert_eq!(tree.nearest(second, "ORC"), None);
        assert_eq!(tree.nearest(second, "OBR"), Some(5));
        assert_eq!(tree.nearest(second, "PID"), Some(1));
        assert_eq!(tree.nearest(tree.nodes[1].group, "MSH"), Some(0));
        let mut results = Vec::new();
        tree.within(0, "OBX", &mut results);
        assert_eq!(results, [4, 6]);
    }
}
