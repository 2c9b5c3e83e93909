//! The nesting of a message: `MSH [PID [PV1]] {ORC OBR [{NTE}] [{OBX [{NTE}]}]}`.
//!
//! Square brackets: may be missing; braces: may repeat. Brackets or braces around more than one item make a group. The
//! structure is not a test that a message must pass: it says to whom a segment belongs, also when segments come in
//! another order, repeat or are missing (`run::tree`).

use smol_str::SmolStr;

use super::{Fault, source::is_segment_name};

/// The group at index 0 is the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    pub groups: Vec<Group>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub parent: usize,
    pub repeats: bool,
    pub slots: Vec<Slot>,
    /// The first slots of the group up to the first required one: each can begin an instance.
    pub leads: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub kind: SlotKind,
    pub repeats: bool,
    pub optional: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotKind {
    Segment(SmolStr),
    /// Index of the group.
    Group(usize),
}

impl Structure {
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let message = Group { parent: 0, repeats: false, slots: Vec::new(), leads: 0 };
        let mut reader = Reader { text, at: 0, groups: vec![message] };
        let slots = reader.slots(0, None)?;
        reader.groups[0].slots = slots;
        for group in &mut reader.groups {
            let optional = group.slots.iter().take_while(|slot| slot.optional).count();
            group.leads = (optional + 1).min(group.slots.len());
        }
        Ok(Self { groups: reader.groups })
    }

    /// Whether the segment has a slot of its own in the group.
    pub fn has_slot(&self, group: usize, segment: &str) -> bool {
        let named = |slot: &Slot| matches!(&slot.kind, SlotKind::Segment(name) if name == segment);
        self.groups[group].slots.iter().any(named)
    }
}

/// Whether the segment has a slot anywhere.
pub fn has_segment(structure: &Structure, segment: &str) -> bool {
    (0..structure.groups.len()).any(|group| structure.has_slot(group, segment))
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    groups: Vec<Group>,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text.as_bytes().get(self.at).copied()
    }

    /// The slots up to the closing bracket, which is taken.
    fn slots(&mut self, group: usize, close: Option<u8>) -> Result<Vec<Slot>, Fault> {
        let mut slots = Vec::new();
        loop {
            match self.peek() {
                next if next == close => {
                    self.at += usize::from(close.is_some());
                    return if slots.is_empty() { Err(Fault::new(self.at, "a segment")) } else { Ok(slots) };
                }
                Some(b'[') => slots.push(self.bracketed(group, b']')?),
                Some(b'{') => slots.push(self.bracketed(group, b'}')?),
                _ => slots.push(self.segment()?),
            }
        }
    }

    fn segment(&mut self) -> Result<Slot, Fault> {
        let name = self.text.get(self.at..self.at + 3).filter(|name| is_segment_name(name));
        let name = name.ok_or_else(|| Fault::new(self.at, "a segment name or a bracket"))?;
        self.at += 3;
        Ok(Slot { kind: SlotKind::Segment(name.into()), repeats: false, optional: false })
    }

    fn bracketed(&mut self, parent: usize, close: u8) -> Result<Slot, Fault> {
        self.at += 1;
        let group = self.groups.len();
        self.groups.push(Group { parent, repeats: false, slots: Vec::new(), leads: 0 });
        let slots = self.slots(group, Some(close))?;
        let repeats = close == b'}';
        let optional = close == b']';
        if let [only] = &slots[..] {
            let (kind, inner_repeats, inner_optional) = (only.kind.clone(), only.repeats, only.optional);
            self.dissolve(group, &kind, repeats);
            return Ok(Slot { kind, repeats: repeats || inner_repeats, optional: optional || inner_optional });
        }
        self.groups[group].slots = slots;
        self.groups[group].repeats = repeats;
        Ok(Slot { kind: SlotKind::Group(group), repeats, optional })
    }

    /// Takes away a bracket that holds one item only: the item stands for it.
    fn dissolve(&mut self, group: usize, only: &SlotKind, repeats: bool) {
        let parent = self.groups[group].parent;
        if let SlotKind::Group(inner) = only {
            self.groups[*inner].parent = parent;
            self.groups[*inner].repeats |= repeats;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_make_groups_only_around_several() {
        let structure = Structure::parse("MSH [PID [PV1]] {[ORC] OBR [{NTE}] [{OBX [{NTE}]}]}").unwrap();
        let root = &structure.groups[0];
        assert_eq!(root.slots.len(), 3);
        let SlotKind::Group(order) = root.slots[2].kind else { panic!("a group") };
        let order = &structure.groups[order];
        assert!(order.repeats && order.leads == 2);
        assert_eq!(order.slots[2], Slot { kind: SlotKind::Segment("NTE".into()), repeats: true, optional: true });
        let SlotKind::Group(result) = order.slots[3].kind else { panic!("a group") };
        assert!(structure.groups[result].repeats && order.slots[3].optional);
        assert_eq!(structure.groups[result].parent, 3);
    }

    #[test]
    fn faults_point_at_their_place() {
        for (text, offset) in [("", 0), ("MSH [", 5), ("MSH ]", 4), ("MSH [PID}", 8), ("msh", 0), ("MSH []", 6)] {
            assert_eq!(Structure::parse(text).map_err(|fault| fault.offset), Err(offset), "{text:?}");
        }
    }
}
