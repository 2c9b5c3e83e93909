//! Where every leaf of the output came from, and what became of every populated place of the message (P4).
//!
//! Cast: a *leaf* is one primitive of a resource; its *origin* says what it was made of; its *chain* is the rules that
//! led to it, the leaf's own first, then the rules whose maps or groups it stands in, up to the resource of the message
//! map. An *outcome* is what a rule did to a place of the message. A trace is recorded in numbers while a plan runs and
//! turned into texts only when somebody reads it; it holds places and rules, never a value of the message.
//!
//! ```text
//! Trace::leaves ─▶ Leaf { resource, path, origin, sources, chain }      output to input
//! Trace::fields(message) ─▶ FieldTrace { location, leaves, outcomes }   input to output
//! Trace::encode ─▶ bytes kept with the message ─▶ Trace::decode(bytes, book)
//! ```

mod encoding;
mod reading;
mod tracer;

use std::sync::Arc;

use smol_str::SmolStr;

use super::rulebook::{RuleBook, RuleEntry};
use super::run::Spot;
use crate::base::Location;

pub use encoding::TraceFault;
pub use reading::{FieldTrace, Leaf};
pub(super) use tracer::{Mark, Tracer};

/// What a leaf was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Of the places that `Leaf::sources` lists: one, or for a function all that took part.
    Field,
    /// Of the rule itself.
    Constant,
    /// The id of a resource: index into `Mapped::resources`.
    Reference(usize),
    /// The logical id of the resource, made of its business identifier: the sources are those of the identifier.
    Identifier,
    /// The logical id of the resource, made of the `key` of the message map: the sources are those of the key.
    Key,
    /// The logical id of the resource, made of the digest of the message and the place.
    Position,
}

/// What a rule did to a place of the message other than making a leaf of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// What it says is said by an earlier place in the same way: a resource or coding that came again.
    Repeated,
    /// It deletes an element (`""`).
    Cleared,
    /// A rule would have written it where an earlier value stands, or chose another alternative.
    Suppressed,
    /// The code table knows it and has no counterpart.
    NoCounterpart,
    /// The code table does not have it: listed in `Mapped::unmapped`.
    UnmappedCode,
    /// It does not fit the type of the target: there is an issue.
    BadValue,
    /// It was looked at by the `when` of a rule, and nothing else.
    Consulted,
}

/// What became of a populated place of the message, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// A leaf was made of it.
    Mapped,
    /// The best of the outcomes that rules had with it.
    Left(Outcome),
    /// No rule looked at it.
    Unused,
}

/// The trace of one message under one release.
#[derive(Clone, Debug)]
pub struct Trace {
    book: Arc<RuleBook>,
    /// Name and occurrence of every segment, so that places read without the message.
    segments: Vec<(SmolStr, u16)>,
    frames: Vec<Frame>,
    leaves: Vec<Entry>,
    /// What leaves were made of: `Entry::sources` points into it.
    spots: Vec<Spot>,
    notes: Vec<Note>,
}

/// An element or resource under way: the rule that opened it, and in what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    rule: u32,
    /// Index of the frame around it, or `NONE`.
    parent: u32,
    /// Where the fresh item of a list stands.
    index: u32,
    /// How far the first list of the target was moved by what came before it later.
    shift: i8,
    tail: Tail,
}

/// A leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    rule: u32,
    frame: u32,
    index: u32,
    resource: u32,
    shift: i8,
    tail: Tail,
    origin: Recorded,
    /// From and how many in `Trace::spots`.
    sources: (u32, u16),
}

/// `Origin` as it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recorded {
    Field,
    Constant,
    Reference(u32),
    Identifier,
    Key,
    Position,
}

/// What follows the target of the rule on the way to a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    Nothing,
    /// The frame is a resource: paths begin here.
    Resource,
    ResourceType,
    Id,
    Reference,
    ReferenceType,
    /// The frame is the identifier of a reference.
    Identifier,
    System,
    Code,
    Display,
    CodingSystem,
    CodingCode,
    CodingDisplay,
    /// The URL of the extension at this step of the target.
    Url(u8),
}

/// An outcome of a rule with a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Note {
    spot: Spot,
    outcome: Outcome,
    rule: u32,
}

/// No frame.
const NONE: u32 = u32::MAX;

impl Trace {
    /// The leaves of the output, in the order in which they were made.
    pub fn leaves(&self) -> impl ExactSizeIterator<Item = Leaf<'_>> {
        (0..self.leaves.len()).map(|index| Leaf { trace: self, index })
    }

    /// The rules that the trace points to.
    pub fn book(&self) -> &RuleBook {
        &self.book
    }

    fn rule(&self, number: u32) -> Option<&RuleEntry> {
        self.book.get(number)
    }

    fn location(&self, spot: Spot) -> Location {
        let some = |number: u16| (number > 0).then_some(number);
        let (segment, occurrence) = self.segments.get(spot.segment as usize).cloned().unwrap_or_default();
        Location {
            segment,
            segment_repetition: some(occurrence),
            field: some(spot.field),
            field_repetition: some(spot.repetition),
            component: some(spot.component),
            subcomponent: some(spot.subcomponent),
        }
    }
}

#[cfg(test)]
mod tests;
