//! A trace in words: paths of leaves, chains of rules, the fate of every populated place.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Entry, Fate, NONE, Origin, Outcome, Recorded, Tail, Trace};
use crate::base::Location;
use crate::hl7v2::Message;
use crate::mapping::plan::Step;
use crate::mapping::rulebook::RuleEntry;
use crate::mapping::run::Spot;

/// One leaf of a resource.
#[derive(Clone, Copy)]
pub struct Leaf<'t> {
    pub(super) trace: &'t Trace,
    pub(super) index: usize,
}

impl<'t> Leaf<'t> {
    fn entry(self) -> &'t Entry {
        &self.trace.leaves[self.index]
    }

    /// Its number among the leaves of the trace, as `FieldTrace::leaves` has it.
    pub const fn index(self) -> usize {
        self.index
    }

    /// Index into `Mapped::resources`.
    pub fn resource(self) -> usize {
        self.entry().resource as usize
    }

    /// `name[0].family`, as in FHIRPath from the resource on.
    pub fn path(self) -> String {
        let entry = self.entry();
        let mut frames = Vec::new();
        let mut at = entry.frame;
        while let Some(frame) = self.trace.frames.get(at as usize).filter(|frame| frame.tail != Tail::Resource) {
            frames.push(frame);
            at = frame.parent;
        }
        let mut path = String::new();
        for frame in frames.into_iter().rev() {
            self.trace.write_steps(frame.rule, (frame.index, frame.shift), frame.tail, &mut path);
        }
        self.trace.write_steps(entry.rule, (entry.index, entry.shift), entry.tail, &mut path);
        path
    }

    pub fn origin(self) -> Origin {
        match self.entry().origin {
            Recorded::Field => Origin::Field,
            Recorded::Constant => Origin::Constant,
            Recorded::Reference(resource) => Origin::Reference(resource as usize),
            Recorded::Identifier => Origin::Identifier,
            Recorded::Key => Origin::Key,
            Recorded::Position => Origin::Position,
        }
    }

    /// The places of the message that it was made of, in the order in which they were read. Where a place is named
    /// no deeper than a field or component, its first part was taken.
    pub fn sources(self) -> Vec<Location> {
        self.trace.spots_of(self.entry()).iter().map(|spot| self.trace.location(*spot)).collect()
    }

    /// The rule that wrote it.
    pub fn rule(self) -> Option<&'t RuleEntry> {
        self.trace.rule(self.entry().rule)
    }

    /// The rules that led to it: its own, then those whose maps or groups it stands in, up to the resource of the
    /// message map. A resource that a rule made aside goes on with that rule.
    pub fn chain(self) -> Vec<&'t RuleEntry> {
        let entry = self.entry();
        let mut numbers = vec![entry.rule];
        let mut at = entry.frame;
        while let Some(frame) = self.trace.frames.get(at as usize) {
            numbers.push(frame.rule);
            at = frame.parent;
        }
        numbers.dedup();
        numbers.into_iter().filter_map(|rule| self.trace.rule(rule)).collect()
    }
}

impl std::fmt::Debug for Leaf<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Leaf({} {} {:?})", self.resource(), self.path(), self.origin())
    }
}

/// A populated place of the message, at the lowest level, and what became of it.
#[derive(Clone, Debug)]
pub struct FieldTrace<'t> {
    pub location: Location,
    /// Numbers of the leaves that were made of it, for `Trace::leaf`.
    pub leaves: Vec<usize>,
    /// What rules did to it beside; one entry for each rule and outcome.
    pub outcomes: Vec<(Outcome, Option<&'t RuleEntry>)>,
}

impl FieldTrace<'_> {
    /// The best that became of it.
    pub fn fate(&self) -> Fate {
        let best = self.outcomes.iter().map(|(outcome, _)| *outcome).min();
        match best {
            _ if !self.leaves.is_empty() => Fate::Mapped,
            Some(outcome) => Fate::Left(outcome),
            None => Fate::Unused,
        }
    }
}

impl Trace {
    /// The leaf of this number.
    pub fn leaf(&self, index: usize) -> Option<Leaf<'_>> {
        (index < self.leaves.len()).then_some(Leaf { trace: self, index })
    }

    /// What became of every populated place of the message that this is the trace of, in order. MSH-1 and MSH-2 are
    /// not data.
    pub fn fields(&self, message: &Message) -> Vec<FieldTrace<'_>> {
        let leaves = self.leaves_by_spot();
        let notes = self.notes_by_spot();
        let field = |spot: Spot| {
            let mut outcomes: Vec<_> = notes_at(&notes, spot).collect();
            outcomes.sort_unstable();
            outcomes.dedup();
            FieldTrace {
                location: self.location(spot),
                leaves: leaves.get(&spot).cloned().unwrap_or_default(),
                outcomes: outcomes.into_iter().map(|(outcome, rule)| (outcome, self.rule(rule))).collect(),
            }
        };
        populated(message).into_iter().map(field).collect()
    }

    /// Populated places of the message that reached nothing and that no rule looked at, in order.
    pub fn unused(&self, message: &Message) -> Vec<Location> {
        let unused = |field: FieldTrace| (field.fate() == Fate::Unused).then_some(field.location);
        self.fields(message).into_iter().filter_map(unused).collect()
    }

    fn leaves_by_spot(&self) -> BTreeMap<Spot, Vec<usize>> {
        let mut leaves: BTreeMap<Spot, Vec<usize>> = BTreeMap::new();
        for (index, entry) in self.leaves.iter().enumerate() {
            for spot in self.spots_of(entry) {
                let leaves = leaves.entry(spot.first_part()).or_default();
                if leaves.last() != Some(&index) {
                    leaves.push(index);
                }
            }
        }
        leaves
    }

    fn notes_by_spot(&self) -> BTreeMap<Spot, Vec<(Outcome, u32)>> {
        let mut notes: BTreeMap<Spot, Vec<(Outcome, u32)>> = BTreeMap::new();
        for note in &self.notes {
            let spot = if note.outcome.is_of_whole() { note.spot } else { note.spot.first_part() };
            notes.entry(spot).or_default().push((note.outcome, note.rule));
        }
        notes
    }

    pub(super) fn spots_of(&self, entry: &Entry) -> &[Spot] {
        let (from, count) = entry.sources;
        self.spots.get(from as usize..from as usize + usize::from(count)).unwrap_or_default()
    }

    fn write_steps(&self, rule: u32, place: (u32, i8), tail: Tail, path: &mut String) {
        let steps = self.rule(rule).map_or(&[][..], |rule| &rule.steps);
        match tail {
            Tail::Url(at) => write_target(steps.get(..=usize::from(at)).unwrap_or(steps), place, path),
            _ if tail.is_beside_target() => {}
            _ => write_target(steps, place, path),
        }
        write_name(tail.name(), path);
    }
}

/// A list in the middle is its first item, an extension and a list at the end the fresh one; within a fresh extension
/// all is first.
fn write_target(steps: &[Step], (index, shift): (u32, i8), path: &mut String) {
    let mut index = Some(index);
    let mut shift = Some(i64::from(shift));
    for (at, step) in steps.iter().enumerate() {
        write_name(&step.key, path);
        if step.list {
            let fresh = step.url.is_some() || at + 1 == steps.len();
            let position = if fresh { index.take().unwrap_or(0) } else { 0 };
            let position = i64::from(position) + shift.take().unwrap_or(0);
            // Writing to a String cannot fail.
            let _ = write!(path, "[{position}]");
        }
    }
}

fn write_name(name: &str, path: &mut String) {
    if !path.is_empty() && !name.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}

impl Tail {
    /// Whether it stands in the element that is open, not at the target of the rule.
    const fn is_beside_target(self) -> bool {
        !matches!(self, Self::Nothing | Self::Reference | Self::ReferenceType | Self::Identifier | Self::Url(_))
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Nothing | Self::Resource => "",
            Self::ResourceType => "resourceType",
            Self::Id => "id",
            Self::Reference => "reference",
            Self::ReferenceType => "type",
            Self::Identifier => "identifier",
            Self::System => "system",
            Self::Code => "code",
            Self::Display => "display",
            Self::CodingSystem => "coding[0].system",
            Self::CodingCode => "coding[0].code",
            Self::CodingDisplay => "coding[0].display",
            Self::Url(_) => "url",
        }
    }
}

impl Outcome {
    /// Whether it befell all parts of the place, or the first alone, as its text does.
    const fn is_of_whole(self) -> bool {
        matches!(self, Self::Repeated | Self::Suppressed | Self::Cleared)
    }
}

/// The outcomes at a place and, of those that befell wholes, at the levels above it.
fn notes_at(notes: &BTreeMap<Spot, Vec<(Outcome, u32)>>, spot: Spot) -> impl Iterator<Item = (Outcome, u32)> {
    let component = Spot { subcomponent: 0, ..spot };
    let repetition = Spot { component: 0, ..component };
    [spot, component, repetition].into_iter().filter_map(|spot| notes.get(&spot)).flatten().copied()
}

/// The populated places of a message at the lowest level.
fn populated(message: &Message) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (segment, number) in message.segments().zip(0..) {
        let first = if segment.name() == "MSH" { 3 } else { 1 };
        for (field, value) in segment.fields().filter(|(field, value)| *field >= first && value.is_valued()) {
            for (repetition, value) in (1..).zip(value.repetitions()) {
                for (component, value) in (1..).zip(value.components()) {
                    let valued = (1..).zip(value.subcomponents()).filter(|(_, value)| value.is_valued());
                    spots.extend(valued.map(|(subcomponent, _)| Spot {
                        segment: number,
                        field,
                        repetition,
                        component,
                        subcomponent,
                    }));
                }
            }
        }
    }
    spots
}

impl Trace {
    /// Whether the numbers point to something.
    pub(super) fn is_sound(&self) -> bool {
        let rules = |rule: u32| self.book.get(rule).is_some();
        let parent = |at: usize, parent: u32| parent == NONE || (parent as usize) < at;
        let frame = |frame: u32| frame == NONE || (frame as usize) < self.frames.len();
        self.frames.iter().enumerate().all(|(at, frame)| rules(frame.rule) && parent(at, frame.parent))
            && self.leaves.iter().all(|leaf| {
                let (from, count) = leaf.sources;
                rules(leaf.rule) && frame(leaf.frame) && from as usize + usize::from(count) <= self.spots.len()
            })
            && self.notes.iter().all(|note| rules(note.rule))
    }
}
