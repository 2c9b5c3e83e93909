//! Records a trace while a plan runs: a few numbers for each leaf, no text.
//!
//! The runner opens a frame for every element and resource it builds, and closes it when it knows whether and where it
//! was put. What was recorded within an element that is not kept is taken back; outcomes stay.

use std::sync::Arc;

use super::{Entry, Frame, NONE, Note, Outcome, Recorded, Tail, Trace};
use crate::hl7v2::Message;
use crate::mapping::plan::{Rule, Step};
use crate::mapping::rulebook::RuleBook;
use crate::mapping::run::{Put, Spot};

/// Builds the trace while the plan runs.
pub struct Tracer {
    book: Arc<RuleBook>,
    frames: Vec<Frame>,
    leaves: Vec<Entry>,
    spots: Vec<Spot>,
    notes: Vec<Note>,
    /// The frame that is open.
    frame: u32,
    /// The resource under way, as the runner counts them.
    resource: u32,
}

/// Where a frame began, and what was open before it.
#[derive(Clone, Copy)]
pub struct Mark {
    frame: u32,
    outer_frame: u32,
    outer_resource: u32,
    leaves: usize,
    spots: usize,
}

impl Tracer {
    pub fn new(book: &Arc<RuleBook>) -> Self {
        Self {
            book: Arc::clone(book),
            frames: Vec::with_capacity(128),
            leaves: Vec::with_capacity(256),
            spots: Vec::with_capacity(256),
            notes: Vec::with_capacity(64),
            frame: NONE,
            resource: 0,
        }
    }

    fn open(&mut self, rule: u32, tail: Tail) -> Mark {
        let frame = number(self.frames.len());
        let mark = Mark {
            frame,
            outer_frame: self.frame,
            outer_resource: self.resource,
            leaves: self.leaves.len(),
            spots: self.spots.len(),
        };
        self.frames.push(Frame { rule, parent: self.frame, index: 0, shift: 0, tail });
        self.frame = frame;
        mark
    }

    /// An element that a rule makes.
    pub fn open_element(&mut self, rule: &Rule) -> Mark {
        self.open(rule.number, Tail::Nothing)
    }

    /// The identifier of a reference that a rule makes.
    pub fn open_identifier(&mut self, rule: &Rule) -> Mark {
        self.open(rule.number, Tail::Identifier)
    }

    /// A resource that a rule, or a part of a message map, makes.
    pub fn open_resource(&mut self, rule: u32, resource: usize) -> Mark {
        let mark = self.open(rule, Tail::Resource);
        self.resource = number(resource);
        mark
    }

    /// The element stands at its place: `index` is that of the fresh item.
    pub fn close(&mut self, mark: Mark, index: usize) {
        if let Some(frame) = self.frames.get_mut(mark.frame as usize) {
            frame.index = number(index);
        }
        self.leave(mark);
    }

    /// The element is not kept: what was recorded of it did not come about.
    pub fn drop(&mut self, mark: Mark) {
        self.frames.truncate(mark.frame as usize);
        self.leaves.truncate(mark.leaves);
        self.spots.truncate(mark.spots);
        self.leave(mark);
    }

    fn leave(&mut self, mark: Mark) {
        self.frame = mark.outer_frame;
        self.resource = mark.outer_resource;
    }

    fn push(&mut self, rule: u32, index: usize, tail: Tail, origin: Recorded, sources: &[Spot]) {
        let from = number(self.spots.len());
        self.spots.extend_from_slice(sources);
        let count = u16::try_from(sources.len()).unwrap_or(u16::MAX);
        let Self { frame, resource, .. } = *self;
        self.leaves.push(Entry {
            rule,
            frame,
            index: number(index),
            resource,
            shift: 0,
            tail,
            origin,
            sources: (from, count),
        });
    }

    /// A value stands at the target; without sources it is a constant.
    pub fn leaf(&mut self, rule: &Rule, target: &[Step], index: usize, sources: Option<&[Spot]>) {
        let origin = if sources.is_some() { Recorded::Field } else { Recorded::Constant };
        self.push(rule.number, index, Tail::Nothing, origin, sources.unwrap_or_default());
        self.urls(rule, target, index);
    }

    /// The URLs of the extensions on the way to a target.
    pub fn urls(&mut self, rule: &Rule, target: &[Step], index: usize) {
        for (at, _) in (0..).zip(target).filter(|(_, step)| step.url.is_some()) {
            self.push(rule.number, index, Tail::Url(at), Recorded::Constant, &[]);
        }
    }

    /// A reference to a resource stands at the target.
    pub fn reference(&mut self, rule: &Rule, index: usize, to: usize) {
        self.push(rule.number, index, Tail::Reference, Recorded::Reference(number(to)), &[]);
        self.urls(rule, &rule.target, index);
    }

    /// A reference to something outside the message stands at the target: its id is made of these places.
    pub fn link(&mut self, rule: &Rule, index: usize, mark: Mark) {
        let sources = self.identifier_sources(mark, None);
        self.push(rule.number, index, Tail::Reference, Recorded::Identifier, &sources);
        self.push(rule.number, index, Tail::ReferenceType, Recorded::Constant, &[]);
        self.urls(rule, &rule.target, index);
    }

    /// The resource has its id, of its identifier with this number.
    pub fn identified(&mut self, mark: Mark, number: usize) {
        let sources = self.identifier_sources(mark, Some(number));
        self.id(mark, Recorded::Identifier, &sources);
    }

    /// The resource has its id of a key.
    pub fn keyed(&mut self, mark: Mark, sources: &[Spot]) {
        self.id(mark, Recorded::Key, sources);
    }

    /// The resource has its id of its place.
    pub fn placed(&mut self, mark: Mark) {
        self.id(mark, Recorded::Position, &[]);
    }

    fn id(&mut self, mark: Mark, origin: Recorded, sources: &[Spot]) {
        let Some(rule) = self.frames.get(mark.frame as usize).map(|frame| frame.rule) else { return };
        self.push(rule, 0, Tail::ResourceType, Recorded::Constant, &[]);
        self.push(rule, 0, Tail::Id, origin, sources);
    }

    /// What `system` and `value` of an identifier were made of: of one of the resource's, or of that of a reference.
    fn identifier_sources(&self, mark: Mark, number: Option<usize>) -> Vec<Spot> {
        let mut spots = Vec::new();
        for entry in &self.leaves[mark.leaves..] {
            let element = entry.tail == Tail::Nothing && self.ends_in(entry.rule, &["system", "value"]);
            if element && self.is_identifier(self.element_of(entry.frame), mark.frame, number) {
                let (from, count) = entry.sources;
                spots.extend_from_slice(&self.spots[from as usize..from as usize + usize::from(count)]);
            }
        }
        spots
    }

    fn ends_in(&self, rule: u32, names: &[&str]) -> bool {
        matches!(self.steps(rule), [only] if names.contains(&only.key.as_str()))
    }

    /// The frame that is an element of its own: a group without a target is none.
    fn element_of(&self, mut frame: u32) -> u32 {
        while let Some(at) = self.frames.get(frame as usize) {
            if !self.steps(at.rule).is_empty() || at.tail != Tail::Nothing {
                break;
            }
            frame = at.parent;
        }
        frame
    }

    fn is_identifier(&self, frame: u32, of: u32, number: Option<usize>) -> bool {
        let Some(number) = number else { return frame == of };
        self.frames.get(frame as usize).is_some_and(|at| {
            at.index as usize == number && self.element_of(at.parent) == of && self.ends_in(at.rule, &["identifier"])
        })
    }

    /// A code table put its coding before those of the element of `mark`.
    pub fn translated(&mut self, rule: &Rule, mark: Mark, sources: &[Spot], written: [bool; 3], put: &Put) {
        let mut gone = Vec::new();
        for at in mark.frame as usize + 1..self.frames.len() {
            let Frame { rule, parent, index, .. } = self.frames[at];
            if let Some(from) = self.coding_of(rule, parent, index, mark.frame) {
                self.frames[at].shift = distance(from, put);
                gone.extend(put.is_gone(from).then_some((number(at), put.display_of == Some(from))));
            }
        }
        for mut leaf in self.leaves.split_off(mark.leaves) {
            let from = self.coding_of(leaf.rule, leaf.frame, leaf.index, mark.frame);
            leaf.shift = from.map_or(leaf.shift, |from| distance(from, put));
            let in_gone = gone.iter().find(|(frame, _)| self.is_within(leaf.frame, *frame)).map(|(_, said)| *said);
            let in_gone = in_gone.or(from.filter(|from| put.is_gone(*from)).map(|from| put.display_of == Some(from)));
            if in_gone.is_some_and(|said| !said || !self.is_display(leaf.rule)) {
                self.forget(&leaf, Outcome::Repeated);
            } else {
                self.leaves.push(leaf);
            }
        }
        self.push_code(rule, [Tail::CodingSystem, Tail::CodingCode, Tail::CodingDisplay], written, sources);
    }

    fn is_display(&self, rule: u32) -> bool {
        self.steps(rule).last().is_some_and(|step| step.key == "display")
    }

    /// A code table put its code in the place of that of a single coding.
    pub fn replaced(&mut self, rule: &Rule, mark: Mark, sources: &[Spot], written: [bool; 3]) {
        let tails = [Tail::System, Tail::Code, Tail::Display];
        for leaf in self.leaves.split_off(mark.leaves) {
            let own = self.element_of(leaf.frame) == mark.frame;
            let written =
                tails.iter().zip(written).any(|(tail, written)| written && self.ends_in(leaf.rule, &[tail.name()]));
            if own && written { self.forget(&leaf, Outcome::Suppressed) } else { self.leaves.push(leaf) }
        }
        self.push_code(rule, tails, written, sources);
    }

    fn push_code(&mut self, rule: &Rule, tails: [Tail; 3], written: [bool; 3], sources: &[Spot]) {
        for (tail, _) in tails.into_iter().zip(written).filter(|(_, written)| *written) {
            self.push(rule.number, 0, tail, Recorded::Field, sources);
        }
    }

    /// In which coding of the element something stands, if in any.
    fn coding_of(&self, rule: u32, parent: u32, index: u32, of: u32) -> Option<usize> {
        let steps = self.steps(rule);
        let coding = steps.first().is_some_and(|step| step.key == "coding") && self.element_of(parent) == of;
        coding.then_some(if steps.len() == 1 { index as usize } else { 0 })
    }

    fn is_within(&self, mut frame: u32, outer: u32) -> bool {
        while frame != outer {
            let Some(at) = self.frames.get(frame as usize) else { return false };
            frame = at.parent;
        }
        true
    }

    fn steps(&self, rule: u32) -> &[Step] {
        self.book.get(rule).map_or(&[], |rule| &rule.steps)
    }

    /// A leaf was taken out again.
    fn forget(&mut self, leaf: &Entry, outcome: Outcome) {
        let (from, count) = leaf.sources;
        let spots = self.spots[from as usize..from as usize + usize::from(count)].iter();
        self.notes.extend(spots.map(|spot| Note { spot: *spot, outcome, rule: leaf.rule }));
    }

    pub fn note(&mut self, rule: u32, spot: Spot, outcome: Outcome) {
        self.notes.push(Note { spot, outcome, rule });
    }

    /// The resource is another one over again, which took over only what it did not say itself.
    pub fn merged(&mut self, mark: Mark, into: usize, adopted: &[smol_str::SmolStr]) {
        let leaves = self.leaves.split_off(mark.leaves);
        for mut leaf in leaves {
            if leaf.resource != self.resource {
                self.leaves.push(leaf);
            } else if self.first_name(&leaf, mark.frame).is_some_and(|name| adopted.contains(&name)) {
                leaf.resource = number(into);
                self.leaves.push(leaf);
            } else {
                self.forget(&leaf, Outcome::Repeated);
            }
        }
    }

    /// The element of the resource that a leaf stands in.
    fn first_name(&self, leaf: &Entry, resource: u32) -> Option<smol_str::SmolStr> {
        let own = self.steps(leaf.rule).first().filter(|_| !matches!(leaf.tail, Tail::ResourceType | Tail::Id));
        let mut first = own;
        let mut at = leaf.frame;
        while let Some(frame) = self.frames.get(at as usize).filter(|_| at != resource) {
            first = self.steps(frame.rule).first().or(first);
            at = frame.parent;
        }
        first.map(|step| step.key.clone())
    }

    /// The trace, with resources numbered as they are handed out: `kept` says where each went.
    pub fn finish(mut self, message: &Message, kept: &[Option<usize>]) -> Trace {
        let moved = |resource: u32| kept.get(resource as usize).copied().flatten().map(number);
        self.leaves.retain_mut(|leaf| {
            if let Recorded::Reference(to) = &mut leaf.origin {
                *to = moved(*to).unwrap_or(*to);
            }
            moved(leaf.resource).map(|resource| leaf.resource = resource).is_some()
        });
        self.notes.sort_unstable();
        self.notes.dedup();
        Trace {
            book: self.book,
            segments: message.segments().map(|segment| (segment.name().into(), segment.occurrence())).collect(),
            frames: self.frames,
            leaves: self.leaves,
            spots: self.spots,
            notes: self.notes,
        }
    }
}

impl Put {
    fn is_gone(&self, coding: usize) -> bool {
        self.moved.get(coding).is_none_or(Option::is_none)
    }
}

/// How far a coding was moved. What is kept of one that is gone went to the first.
fn distance(from: usize, put: &Put) -> i8 {
    let to = put.moved.get(from).copied().flatten().unwrap_or(0);
    i8::try_from(to.cast_signed() - from.cast_signed()).unwrap_or(0)
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(NONE)
}
