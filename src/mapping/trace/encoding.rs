//! A trace as bytes, to be kept with the message: numbers of rules and places, no value of the message.
//!
//! Layout (version 1): the version, the fingerprint of the rule book (8 bytes, little endian), then four lists, each
//! with its length first: segments (name, occurrence), frames, leaves with their places, notes. Numbers are LEB128. An
//! item begins with a byte that says which of its numbers differ from the usual, and only those follow.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{Entry, Frame, Note, Outcome, Recorded, Tail, Trace};
use crate::mapping::rulebook::RuleBook;
use crate::mapping::run::Spot;

const VERSION: u8 = 1;

/// Why a kept trace cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceFault {
    /// Written by another version of the format.
    Version(u8),
    /// Recorded under another release.
    OtherRelease,
    /// Cut off, or not a trace.
    Malformed,
}

impl std::fmt::Display for TraceFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Version(version) => write!(f, "the trace has format {version}, this program reads {VERSION}"),
            Self::OtherRelease => f.write_str("the trace was recorded under another mapping release"),
            Self::Malformed => f.write_str("the trace is cut off or damaged"),
        }
    }
}

impl std::error::Error for TraceFault {}

impl Trace {
    /// The trace as bytes, some eight to ten for each leaf.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(64 + self.leaves.len() * 8));
        out.0.push(VERSION);
        out.0.extend_from_slice(&self.book.fingerprint().to_le_bytes());
        out.list(&self.segments, |out, (name, occurrence)| {
            out.number(name.len());
            out.0.extend_from_slice(name.as_bytes());
            out.small(u32::from(*occurrence));
        });
        let mut last = 0;
        out.list(&self.frames, |out, frame| {
            let usual = [frame.index == 0, frame.tail == Tail::Nothing, frame.shift == 0];
            out.head(0, usual);
            out.small(frame.rule);
            out.difference(frame.parent, &mut last);
            out.unusual(usual, frame.index, frame.tail, frame.shift);
        });
        let mut last = Last::default();
        out.list(&self.leaves, |out, leaf| out.leaf(leaf, self.spots_of(leaf), &mut last));
        let mut last = Spot::default();
        out.list(&self.notes, |out, note| {
            out.spot(note.spot, &mut last);
            out.0.push(note.outcome as u8);
            out.small(note.rule);
        });
        out.0
    }

    /// Reads what `encode` wrote, with the rule book of the same release.
    pub fn decode(bytes: &[u8], book: &Arc<RuleBook>) -> Result<Self, TraceFault> {
        let (&version, rest) = bytes.split_first().ok_or(TraceFault::Malformed)?;
        if version != VERSION {
            return Err(TraceFault::Version(version));
        }
        let (fingerprint, rest) = rest.split_first_chunk::<8>().ok_or(TraceFault::Malformed)?;
        if u64::from_le_bytes(*fingerprint) != book.fingerprint() {
            return Err(TraceFault::OtherRelease);
        }
        let trace = Reader(rest).trace(book).ok_or(TraceFault::Malformed)?;
        if trace.is_sound() { Ok(trace) } else { Err(TraceFault::Malformed) }
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn small(&mut self, number: u32) {
        let mut rest = number;
        while rest >= 0x80 {
            self.0.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        self.0.push((rest & 0x7f) as u8);
    }

    fn number(&mut self, number: usize) {
        self.small(u32::try_from(number).unwrap_or(u32::MAX));
    }

    /// As the distance from the last one, small ones in either direction short.
    fn difference(&mut self, number: u32, last: &mut u32) {
        let distance = number.wrapping_sub(*last).cast_signed();
        self.small(((distance << 1) ^ (distance >> 31)).cast_unsigned());
        *last = number;
    }

    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.number(items.len());
        items.iter().for_each(|item| write(self, item));
    }

    /// The code of an item, and which of three numbers are not written.
    fn head(&mut self, code: u8, usual: [bool; 3]) {
        self.0.push(code << 3 | flags(usual));
    }

    fn unusual(&mut self, [index_usual, tail_usual, shift_usual]: [bool; 3], index: u32, tail: Tail, shift: i8) {
        if !index_usual {
            self.small(index);
        }
        if !tail_usual {
            self.0.push(tail.code());
        }
        if !shift_usual {
            self.0.push(shift.cast_unsigned());
        }
    }

    fn spot(&mut self, spot: Spot, last: &mut Spot) {
        let near = [spot.segment == last.segment, spot.field == last.field, spot.repetition == 1];
        let whole = [spot.component == 0, spot.subcomponent == 0, true];
        self.head(flags(whole), near);
        if !near[0] {
            self.difference(spot.segment, &mut last.segment);
        }
        let numbers = [spot.field, spot.repetition, spot.component, spot.subcomponent];
        for (number, _) in numbers.into_iter().zip([near[1], near[2], whole[0], whole[1]]).filter(|(_, usual)| !usual) {
            self.small(u32::from(number));
        }
        *last = spot;
    }

    fn leaf(&mut self, leaf: &Entry, sources: &[Spot], last: &mut Last) {
        let usual = [leaf.index == 0, leaf.tail == Tail::Nothing, leaf.shift == 0];
        self.head(leaf.origin.code(), usual);
        self.small(leaf.rule);
        self.difference(leaf.frame, &mut last.frame);
        self.difference(leaf.resource, &mut last.resource);
        self.unusual(usual, leaf.index, leaf.tail, leaf.shift);
        if let Recorded::Reference(to) = leaf.origin {
            self.small(to);
        }
        if leaf.origin.has_sources() {
            self.list(sources, |out, spot| out.spot(*spot, &mut last.spot));
        }
    }
}

/// What came before, from which differences are taken.
#[derive(Default)]
struct Last {
    frame: u32,
    resource: u32,
    spot: Spot,
}

fn flags(bits: [bool; 3]) -> u8 {
    bits.into_iter().rev().fold(0, |flags, bit| flags << 1 | u8::from(bit))
}

fn bits(flags: u8) -> [bool; 3] {
    [flags & 1 != 0, flags & 2 != 0, flags & 4 != 0]
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn small(&mut self) -> Option<u32> {
        let mut number: u32 = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn short(&mut self) -> Option<u16> {
        u16::try_from(self.small()?).ok()
    }

    fn difference(&mut self, last: &mut u32) -> Option<u32> {
        let folded = self.small()?;
        let distance = (folded >> 1) ^ (folded & 1).wrapping_neg();
        *last = last.wrapping_add(distance);
        Some(*last)
    }

    /// An item takes at least one byte, so that no length asks for more memory than there is text.
    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.small()? as usize;
        if count > self.0.len() {
            return None;
        }
        (0..count).map(|_| read(self)).collect()
    }

    /// The code of an item, and which of its numbers are as usual.
    fn head(&mut self) -> Option<(u8, [bool; 3])> {
        let head = self.byte()?;
        Some((head >> 3, bits(head)))
    }

    fn unusual(&mut self, [index, tail, shift]: [bool; 3]) -> Option<(u32, Tail, i8)> {
        Some((
            if index { 0 } else { self.small()? },
            if tail { Tail::Nothing } else { Tail::of_code(self.byte()?)? },
            if shift { 0 } else { self.byte()?.cast_signed() },
        ))
    }

    fn spot(&mut self, last: &mut Spot) -> Option<Spot> {
        let (whole, [segment, field, repetition]) = self.head()?;
        let [component, subcomponent, _] = bits(whole);
        let number = |usual: bool, default: u16| usual.then_some(default);
        let known = [number(field, last.field), number(repetition, 1), number(component, 0), number(subcomponent, 0)];
        let segment = if segment { last.segment } else { self.difference(&mut last.segment)? };
        let [field, repetition, component, subcomponent] = known.map(|known| known.or_else(|| self.short()));
        *last = Spot {
            segment,
            field: field?,
            repetition: repetition?,
            component: component?,
            subcomponent: subcomponent?,
        };
        Some(*last)
    }

    fn trace(&mut self, book: &Arc<RuleBook>) -> Option<Trace> {
        let segments = self.list(|read| {
            let length = read.small()? as usize;
            let (name, rest) = read.0.split_at_checked(length)?;
            read.0 = rest;
            Some((SmolStr::from(std::str::from_utf8(name).ok()?), read.short()?))
        })?;
        let mut last = 0;
        let frames = self.list(|read| {
            let (_, usual) = read.head()?;
            let (rule, parent) = (read.small()?, read.difference(&mut last)?);
            let (index, tail, shift) = read.unusual(usual)?;
            Some(Frame { rule, parent, index, shift, tail })
        })?;
        let mut last = Last::default();
        let mut spots = Vec::new();
        let leaves = self.list(|read| read.leaf(&mut spots, &mut last))?;
        let mut last = Spot::default();
        let notes = self.list(|read| {
            let spot = read.spot(&mut last)?;
            Some(Note { spot, outcome: Outcome::of_code(read.byte()?)?, rule: read.small()? })
        })?;
        self.0.is_empty().then(|| Trace { book: Arc::clone(book), segments, frames, leaves, spots, notes })
    }

    fn leaf(&mut self, spots: &mut Vec<Spot>, last: &mut Last) -> Option<Entry> {
        let (origin, usual) = self.head()?;
        let rule = self.small()?;
        let frame = self.difference(&mut last.frame)?;
        let resource = self.difference(&mut last.resource)?;
        let (index, tail, shift) = self.unusual(usual)?;
        let mut origin = Recorded::of_code(origin)?;
        if let Recorded::Reference(to) = &mut origin {
            *to = self.small()?;
        }
        let from = u32::try_from(spots.len()).ok()?;
        if origin.has_sources() {
            spots.extend(self.list(|read| read.spot(&mut last.spot))?);
        }
        let count = u16::try_from(spots.len() - from as usize).ok()?;
        Some(Entry { rule, frame, index, resource, shift, tail, origin, sources: (from, count) })
    }
}

impl Recorded {
    fn code(self) -> u8 {
        match self {
            Self::Field => 0,
            Self::Constant => 1,
            Self::Reference(_) => 2,
            Self::Identifier => 3,
            Self::Key => 4,
            Self::Position => 5,
        }
    }

    fn of_code(code: u8) -> Option<Self> {
        let all = [Self::Field, Self::Constant, Self::Reference(0), Self::Identifier, Self::Key, Self::Position];
        all.get(usize::from(code)).copied()
    }

    const fn has_sources(self) -> bool {
        matches!(self, Self::Field | Self::Identifier | Self::Key)
    }
}

impl Tail {
    /// All but the URLs, which begin at `URL`.
    const CODES: [Self; 13] = [
        Self::Nothing,
        Self::Resource,
        Self::ResourceType,
        Self::Id,
        Self::Reference,
        Self::ReferenceType,
        Self::Identifier,
        Self::System,
        Self::Code,
        Self::Display,
        Self::CodingSystem,
        Self::CodingCode,
        Self::CodingDisplay,
    ];

    const URL: u8 = 0x80;

    fn code(self) -> u8 {
        match self {
            Self::Url(at) => Self::URL | at,
            _ => Self::CODES.iter().position(|tail| *tail == self).and_then(|at| u8::try_from(at).ok()).unwrap_or(0),
        }
    }

    fn of_code(code: u8) -> Option<Self> {
        if code >= Self::URL { Some(Self::Url(code - Self::URL)) } else { Self::CODES.get(usize::from(code)).copied() }
    }
}

impl Outcome {
    /// In the order of the variants, whose numbers are written.
    const CODES: [Self; 7] = [
        Self::Repeated,
        Self::Cleared,
        Self::Suppressed,
        Self::NoCounterpart,
        Self::UnmappedCode,
        Self::BadValue,
        Self::Consulted,
    ];

    fn of_code(code: u8) -> Option<Self> {
        Self::CODES.get(usize::from(code)).copied()
    }
}

impl Trace {
    /// Whether two traces say the same.
    #[cfg(test)]
    pub(super) fn is_as(&self, other: &Self) -> bool {
        self.segments == other.segments
            && self.frames == other.frames
            && self.notes == other.notes
            && self.leaves.len() == other.leaves.len()
            && self.leaves.iter().zip(&other.leaves).all(|(leaf, others)| {
                (Entry { sources: (0, 0), ..*leaf }, self.spots_of(leaf))
                    == (Entry { sources: (0, 0), ..*others }, other.spots_of(others))
            })
    }
}
