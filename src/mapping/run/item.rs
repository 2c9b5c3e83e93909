//! A piece of a message that a rule looks at, with its place.

use std::borrow::Cow;

use smol_str::SmolStr;

use crate::base::Location;
use crate::hl7v2::escape::escape;
use crate::hl7v2::{Component, Delimiters, Message, Presence, Repetition, Segment, Subcomponent};
use crate::mapping::presence;

/// The place of an item, in numbers: cheap to carry, turned into a `Location` only when someone asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    /// Position among all segments, from 0.
    pub segment: u32,
    pub field: u16,
    pub repetition: u16,
    pub component: u16,
    pub subcomponent: u16,
}

impl Spot {
    /// The place whose text this one's is: a level above the lowest has the text of its first part.
    pub const fn first_part(self) -> Self {
        Self {
            component: if self.component == 0 { 1 } else { self.component },
            subcomponent: if self.subcomponent == 0 { 1 } else { self.subcomponent },
            ..self
        }
    }

    /// The place in the terms of HL7: segment name and occurrence, numbers from 1, nothing below the level meant.
    pub fn to_location(self, message: &Message) -> Location {
        let segment = message.segment_at(self.segment as usize);
        let some = |number: u16| (number > 0).then_some(number);
        Location {
            segment: segment.map_or_else(SmolStr::default, |segment| segment.name().into()),
            segment_repetition: segment.map(Segment::occurrence),
            field: some(self.field),
            field_repetition: some(self.repetition),
            component: some(self.component),
            subcomponent: some(self.subcomponent),
        }
    }
}

#[derive(Clone, Copy)]
pub enum Level<'m> {
    Repetition(Repetition<'m>),
    Component(Component<'m>),
    Subcomponent(Subcomponent<'m>),
}

/// An item of the message.
#[derive(Clone, Copy)]
pub struct Item<'m> {
    pub level: Level<'m>,
    pub spot: Spot,
}

impl<'m> Item<'m> {
    /// The part with this number (from 1) one level down. The smallest level is its own first part.
    pub fn part(self, number: u16) -> Option<Self> {
        let mut spot = self.spot;
        let level = match self.level {
            Level::Repetition(repetition) => {
                spot.component = number;
                Level::Component(repetition.component(number))
            }
            Level::Component(component) => {
                spot.subcomponent = number;
                Level::Subcomponent(component.subcomponent(number))
            }
            Level::Subcomponent(_) if number == 1 => return Some(self),
            Level::Subcomponent(_) => return None,
        };
        Some(Self { level, spot })
    }

    /// Appends all parts one level down, in order; gives which of them are written, as bits.
    pub fn parts(self, out: &mut Vec<Self>) -> u64 {
        let Self { level, spot } = self;
        let mut written = 1;
        match level {
            Level::Repetition(repetition) => {
                for (number, part) in (1..).zip(repetition.components()) {
                    written |= if part.raw().is_empty() { 0 } else { presence::bit(number) };
                    out.push(Self { level: Level::Component(part), spot: Spot { component: number, ..spot } });
                }
            }
            Level::Component(component) => {
                for (number, part) in (1..).zip(component.subcomponents()) {
                    written |= if part.raw().is_empty() { 0 } else { presence::bit(number) };
                    out.push(Self { level: Level::Subcomponent(part), spot: Spot { subcomponent: number, ..spot } });
                }
            }
            Level::Subcomponent(_) => {
                out.push(self);
                written |= presence::bit(1);
            }
        }
        written
    }

    /// The level, and the text as it is written: what a closed map makes depends on these alone.
    pub const fn raw(self) -> (u8, &'m str) {
        match self.level {
            Level::Repetition(part) => (0, part.raw()),
            Level::Component(part) => (1, part.raw()),
            Level::Subcomponent(part) => (2, part.raw()),
        }
    }

    /// Appends the places of all valued parts at the lowest level.
    pub fn valued_parts(self, out: &mut Vec<Spot>) {
        if let Level::Subcomponent(part) = self.level {
            out.extend(part.is_valued().then_some(self.spot));
            return;
        }
        let mut parts = Vec::new();
        self.parts(&mut parts);
        parts.into_iter().for_each(|part| part.valued_parts(out));
    }

    /// Two levels down; 0 stays where it is.
    pub fn at(self, component: u16, subcomponent: u16) -> Option<Self> {
        let part = if component == 0 { self } else { self.part(component)? };
        if subcomponent == 0 { Some(part) } else { part.part(subcomponent) }
    }

    /// The item with all its parts, written with the usual delimiters and escapes.
    pub fn to_er7(self) -> String {
        let component = |component: Component| {
            let parts = component.subcomponents().map(|part| escape(&part.text(), Delimiters::default()).into_owned());
            parts.collect::<Vec<_>>().join("&")
        };
        match self.level {
            Level::Repetition(part) => part.components().map(component).collect::<Vec<_>>().join("^"),
            Level::Component(part) => component(part),
            Level::Subcomponent(part) => escape(&part.text(), Delimiters::default()).into_owned(),
        }
    }

    /// Trailing blanks say nothing (HL7 v2.5.1 2.A.74): what is blank altogether says nothing at all.
    pub fn presence(self) -> Presence {
        let (_, raw) = self.raw();
        if raw.starts_with(' ') && raw.trim_end_matches(' ').is_empty() {
            return Presence::Absent;
        }
        match self.level {
            Level::Repetition(part) => part.presence(),
            Level::Component(part) => part.presence(),
            Level::Subcomponent(part) => part.presence(),
        }
    }

    pub fn is_valued(self) -> bool {
        self.presence() == Presence::Valued
    }

    /// The first part of the lowest level, unescaped, without trailing blanks.
    pub fn text(self) -> Cow<'m, str> {
        let text = match self.level {
            Level::Repetition(part) => part.text(),
            Level::Component(part) => part.text(),
            Level::Subcomponent(part) => part.text(),
        };
        match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_end_matches(' ')),
            Cow::Owned(text) if text.ends_with(' ') => Cow::Owned(text.trim_end_matches(' ').to_owned()),
            text => text,
        }
    }
}

/// What a source gave.
#[derive(Clone)]
pub enum Found<'m> {
    Item(Item<'m>),
    /// Made by a function, of items at about this place.
    Made(String, Spot),
    Constant(SmolStr),
}

impl<'m> Found<'m> {
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Item(item) => item.text(),
            Self::Made(text, _) => Cow::Borrowed(text),
            Self::Constant(text) => Cow::Borrowed(text),
        }
    }

    pub fn item(&self) -> Option<Item<'m>> {
        match self {
            Self::Item(item) => Some(*item),
            _ => None,
        }
    }

    pub fn spot(&self) -> Spot {
        match self {
            Self::Item(item) => item.spot,
            Self::Made(_, spot) => *spot,
            Self::Constant(_) => Spot::default(),
        }
    }

    pub const fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }
}
