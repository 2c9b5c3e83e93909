//! Borrowed views of a message: segment, field, repetition, component, subcomponent.
//!
//! Every view is two words, the delimiters and the character set. A place that the message does not have is a view of the empty text,
//! so that reading needs no `Option` at any level. Numbers count from 1, as HL7 does.

use std::borrow::Cow;

use super::escape;
use super::{Charset, Delimiters, FieldPath, Message};
use crate::base::Location;

/// What a place says (HL7 v2.5.1 2.5.3.4, 2.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presence {
    /// No statement: keep what is known.
    Absent,
    /// `""`: the value is to be deleted.
    Null,
    Valued,
}

macro_rules! view {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub struct $name<'m> {
            raw: &'m str,
            delimiters: Delimiters,
            charset: Charset,
        }

        impl<'m> $name<'m> {
            pub(super) const fn new(raw: &'m str, delimiters: Delimiters, charset: Charset) -> Self {
                Self { raw, delimiters, charset }
            }

            /// As written, still escaped.
            pub const fn raw(self) -> &'m str {
                self.raw
            }

            pub const fn delimiters(self) -> Delimiters {
                self.delimiters
            }

            pub fn presence(self) -> Presence {
                presence(self.raw, self.delimiters)
            }

            /// Neither absent nor null.
            pub fn is_valued(self) -> bool {
                self.presence() == Presence::Valued
            }
        }

        impl std::fmt::Debug for $name<'_> {
            /// The size, never the text (P8).
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.raw.len())
            }
        }
    };
}

view!(
    /// A field with all its repetitions.
    Field
);
view!(
    /// One repetition of a field.
    Repetition
);
view!(
    /// One component of a repetition.
    Component
);
view!(
    /// The smallest part.
    Subcomponent
);

impl<'m> Field<'m> {
    /// In order; none when the field is empty, and one for `""`.
    pub fn repetitions(self) -> impl Iterator<Item = Repetition<'m>> + use<'m> {
        parts(self.raw, self.delimiters.repetition).map(move |raw| Repetition::new(raw, self.delimiters, self.charset))
    }

    pub fn repetition(self, number: u16) -> Repetition<'m> {
        Repetition::new(nth(self.raw, self.delimiters.repetition, number), self.delimiters, self.charset)
    }

    /// The first subcomponent of the first component of the first repetition, unescaped: what a receiver that
    /// knows the field as a primitive reads (HL7 v2.5.1 2.8.4).
    pub fn text(self) -> Cow<'m, str> {
        self.repetition(1).text()
    }
}

impl<'m> Repetition<'m> {
    pub fn components(self) -> impl Iterator<Item = Component<'m>> + use<'m> {
        parts(self.raw, self.delimiters.component).map(move |raw| Component::new(raw, self.delimiters, self.charset))
    }

    pub fn component(self, number: u16) -> Component<'m> {
        Component::new(nth(self.raw, self.delimiters.component, number), self.delimiters, self.charset)
    }

    /// The first subcomponent of the first component, unescaped.
    pub fn text(self) -> Cow<'m, str> {
        self.component(1).text()
    }
}

impl<'m> Component<'m> {
    pub fn subcomponents(self) -> impl Iterator<Item = Subcomponent<'m>> + use<'m> {
        parts(self.raw, self.delimiters.subcomponent)
            .map(move |raw| Subcomponent::new(raw, self.delimiters, self.charset))
    }

    pub fn subcomponent(self, number: u16) -> Subcomponent<'m> {
        Subcomponent::new(nth(self.raw, self.delimiters.subcomponent, number), self.delimiters, self.charset)
    }

    /// The first subcomponent, unescaped.
    pub fn text(self) -> Cow<'m, str> {
        self.subcomponent(1).text()
    }
}

impl<'m> Subcomponent<'m> {
    /// Unescaped.
    pub fn text(self) -> Cow<'m, str> {
        escape::unescape(self.raw, self.delimiters, self.charset)
    }
}

/// One line of a message.
#[derive(Clone, Copy)]
pub struct Segment<'m> {
    pub(super) message: &'m Message,
    pub(super) index: usize,
}

impl<'m> Segment<'m> {
    /// Three letters or digits; empty for a line that is not a segment.
    pub fn name(self) -> &'m str {
        self.message.segment_name(self.index)
    }

    /// Position among all segments of the message, from 0.
    pub const fn index(self) -> usize {
        self.index
    }

    /// The how-manieth segment of its name, from 1.
    pub fn occurrence(self) -> u16 {
        self.message.segment_occurrence(self.index)
    }

    /// The whole line without its line end.
    pub fn raw(self) -> &'m str {
        self.message.segment_raw(self.index)
    }

    /// The highest field number that is written, valued or not.
    pub fn field_count(self) -> u16 {
        self.message.field_count(self.index)
    }

    /// Field `number` (from 1). MSH-1 is the field separator and MSH-2 the encoding characters, neither split.
    pub fn field(self, number: u16) -> Field<'m> {
        self.message.field(self.index, number)
    }

    /// Which of the fields 1 to 63 are written, as bits; bit 0 stands for all that follow.
    pub fn written(self) -> u64 {
        self.message.fields_written(self.index)
    }

    /// Every place of this segment that the path names.
    pub fn values(self, path: FieldPath) -> impl Iterator<Item = Value<'m>> {
        super::path::in_segment(self, Some(path))
    }

    /// Where the segment is, for issues.
    pub fn location(self) -> Location {
        Location::segment(self.name(), self.occurrence())
    }

    /// All fields in order with their numbers.
    pub fn fields(self) -> impl Iterator<Item = (u16, Field<'m>)> + use<'m> {
        (1..=self.field_count()).map(move |number| (number, self.field(number)))
    }
}

impl std::fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Segment({}[{}], {} bytes)", self.name(), self.occurrence(), self.raw().len())
    }
}

/// What a path found: the text and the numbers of its place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Value<'m> {
    pub(super) raw: &'m str,
    pub(super) delimiters: Delimiters,
    pub(super) charset: Charset,
    pub segment_name: &'m str,
    /// The segment's position in the message, from 0.
    pub segment_index: usize,
    /// Which one of its name, from 1.
    pub segment_occurrence: u16,
    pub field: Option<u16>,
    pub field_repetition: Option<u16>,
    pub component: Option<u16>,
    pub subcomponent: Option<u16>,
}

impl<'m> Value<'m> {
    /// As written, still escaped.
    pub const fn raw(self) -> &'m str {
        self.raw
    }

    pub fn presence(self) -> Presence {
        presence(self.raw, self.delimiters)
    }

    pub fn is_valued(self) -> bool {
        self.presence() == Presence::Valued
    }

    /// The value as a repetition with its components: for paths without a component.
    pub const fn as_repetition(self) -> Repetition<'m> {
        Repetition::new(self.raw, self.delimiters, self.charset)
    }

    /// The value as a component with its subcomponents: for paths without a subcomponent.
    pub const fn as_component(self) -> Component<'m> {
        Component::new(self.raw, self.delimiters, self.charset)
    }

    /// Where the value is, for issues and traces.
    pub fn location(self) -> Location {
        Location {
            field: self.field,
            field_repetition: self.field_repetition,
            component: self.component,
            subcomponent: self.subcomponent,
            ..Location::segment(self.segment_name, self.segment_occurrence)
        }
    }

    /// The first part of the lowest level, unescaped.
    pub fn text(self) -> Cow<'m, str> {
        Field::new(self.raw, self.delimiters, self.charset).text()
    }
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value(segment {}, field {:?}, {} bytes)", self.segment_index, self.field, self.raw.len())
    }
}

fn presence(raw: &str, delimiters: Delimiters) -> Presence {
    let separators = [delimiters.repetition, delimiters.component, delimiters.subcomponent];
    if raw == "\"\"" {
        Presence::Null
    } else if raw.bytes().all(|byte| separators.contains(&Some(byte))) {
        Presence::Absent
    } else {
        Presence::Valued
    }
}

fn parts(raw: &str, separator: Option<u8>) -> impl Iterator<Item = &str> {
    let mut rest = (!raw.is_empty()).then_some(raw);
    std::iter::from_fn(move || {
        let text = rest?;
        let (part, after) = split_first(text, separator);
        rest = after;
        Some(part)
    })
}

/// The part before the first separator, and what follows it. Separators are ASCII, so both sides are whole
/// characters.
fn split_first(text: &str, separator: Option<u8>) -> (&str, Option<&str>) {
    match separator.and_then(|separator| memchr::memchr(separator, text.as_bytes())) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

fn nth(raw: &str, separator: Option<u8>, number: u16) -> &str {
    let Some(skipped) = number.checked_sub(1) else { return "" };
    parts(raw, separator).nth(usize::from(skipped)).unwrap_or("")
}
