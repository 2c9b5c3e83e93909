//! Paths name places in a message: `PID-3[2].4.1`, `OBX[2]-5[*].1`, `MSH-9.2`, `PV1-44`, `ZPI`.
//!
//! Grammar: `segment [ "[" n|* "]" ] [ "-" field [ "[" n|* "]" ] [ "." component [ "." subcomponent ] ] ]`.
//! Numbers count from 1; without brackets the first is meant.

use std::str::FromStr;

use smol_str::SmolStr;

use super::view::Value;
use super::{Field, Message, Segment};

/// Which of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Selector {
    /// From 1.
    Nth(u16),
    All,
}

impl Selector {
    /// The one meant when nothing is said.
    pub const FIRST: Self = Self::Nth(1);

    const fn admits(self, number: u16) -> bool {
        match self {
            Self::Nth(wanted) => wanted == number,
            Self::All => true,
        }
    }
}

/// A place in a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    pub segment: SmolStr,
    pub segment_selector: Selector,
    pub field: Option<FieldPath>,
}

/// A place in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldPath {
    pub number: u16,
    pub selector: Selector,
    pub component: Option<u16>,
    /// Only with a component.
    pub subcomponent: Option<u16>,
}

/// What is wrong with the text of a path. `at` is a byte position from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("expected a path, but got nothing")]
    Empty,
    #[error("expected a segment name of three capitals or digits at byte {at}")]
    SegmentName { at: usize },
    #[error("expected '-' and a field number, or '[', after the segment at byte {at}")]
    AfterSegment { at: usize },
    #[error("expected a number from 1 to 65535 or '*' in brackets at byte {at}")]
    Selector { at: usize },
    #[error("expected ']' at byte {at}")]
    Unclosed { at: usize },
    #[error("expected a field number from 1 to 65535 at byte {at}")]
    FieldNumber { at: usize },
    #[error("expected '[' or '.' or the end after the field at byte {at}")]
    AfterField { at: usize },
    #[error("expected a component number from 1 to 65535 at byte {at}")]
    ComponentNumber { at: usize },
    #[error("expected '.' or the end after the component at byte {at}")]
    AfterComponent { at: usize },
    #[error("expected a subcomponent number from 1 to 65535 at byte {at}")]
    SubcomponentNumber { at: usize },
    #[error("expected the end of the path at byte {at}")]
    AfterSubcomponent { at: usize },
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        let mut reader = Reader { text, at: 0 };
        let segment = reader.segment()?;
        let segment_selector = reader.selector()?;
        let field = if reader.at_end() { None } else { Some(reader.field()?) };
        Ok(Self { segment, segment_selector, field })
    }
}

impl std::fmt::Display for Path {
    /// The shortest form: `[1]` is left out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.segment)?;
        write_selector(f, self.segment_selector)?;
        let Some(field) = self.field else { return Ok(()) };
        write!(f, "-{field}")
    }
}

impl std::fmt::Display for FieldPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.number)?;
        write_selector(f, self.selector)?;
        let Some(component) = self.component else { return Ok(()) };
        write!(f, ".{component}")?;
        self.subcomponent.map_or(Ok(()), |subcomponent| write!(f, ".{subcomponent}"))
    }
}

fn write_selector(f: &mut std::fmt::Formatter<'_>, selector: Selector) -> std::fmt::Result {
    match selector {
        Selector::FIRST => Ok(()),
        Selector::Nth(number) => write!(f, "[{number}]"),
        Selector::All => f.write_str("[*]"),
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn at_end(&self) -> bool {
        self.at == self.text.len()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.text.as_bytes().get(self.at) == Some(&wanted);
        self.at += usize::from(found);
        found
    }

    fn segment(&mut self) -> Result<SmolStr, PathError> {
        let name = self.text.as_bytes().iter().take(3);
        let length = name.take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()).count();
        if length < 3 {
            return Err(PathError::SegmentName { at: length });
        }
        self.at = 3;
        Ok(SmolStr::new(&self.text[..3]))
    }

    fn selector(&mut self) -> Result<Selector, PathError> {
        if !self.take(b'[') {
            return Ok(Selector::FIRST);
        }
        let selector =
            if self.take(b'*') { Selector::All } else { Selector::Nth(self.number(|at| PathError::Selector { at })?) };
        if self.take(b']') { Ok(selector) } else { Err(PathError::Unclosed { at: self.at }) }
    }

    fn field(&mut self) -> Result<FieldPath, PathError> {
        if !self.take(b'-') {
            return Err(PathError::AfterSegment { at: self.at });
        }
        let number = self.number(|at| PathError::FieldNumber { at })?;
        let selector = self.selector()?;
        let mut path = FieldPath { number, selector, component: None, subcomponent: None };
        if self.at_end() {
            return Ok(path);
        }
        if !self.take(b'.') {
            return Err(PathError::AfterField { at: self.at });
        }
        path.component = Some(self.number(|at| PathError::ComponentNumber { at })?);
        if self.at_end() {
            return Ok(path);
        }
        if !self.take(b'.') {
            return Err(PathError::AfterComponent { at: self.at });
        }
        path.subcomponent = Some(self.number(|at| PathError::SubcomponentNumber { at })?);
        if self.at_end() { Ok(path) } else { Err(PathError::AfterSubcomponent { at: self.at }) }
    }

    fn number(&mut self, error: fn(usize) -> PathError) -> Result<u16, PathError> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = rest[..length].parse().ok().filter(|number| *number > 0).ok_or(error(self.at))?;
        self.at += length;
        Ok(number)
    }
}

/// Every place of the message that the path names, in the order of the text. A field that is empty has no
/// repetitions; a component or subcomponent of an existing repetition is always there, if only as empty text.
pub(super) fn values<'m>(message: &'m Message, path: &Path) -> impl Iterator<Item = Value<'m>> {
    message
        .segments_named(&path.segment)
        .filter(|segment| path.segment_selector.admits(segment.occurrence()))
        .flat_map(|segment| in_segment(segment, path.field))
}

/// The places that `path` names in one segment; without a path the segment itself.
pub(super) fn in_segment(segment: Segment<'_>, path: Option<FieldPath>) -> impl Iterator<Item = Value<'_>> {
    let whole = path.is_none().then(|| whole_segment(segment));
    let parts = path.into_iter().flat_map(move |path| in_field(segment, segment.field(path.number), path));
    whole.into_iter().chain(parts)
}

fn in_field<'m>(segment: Segment<'m>, field: Field<'m>, path: FieldPath) -> impl Iterator<Item = Value<'m>> {
    field.repetitions().zip(1..=u16::MAX).filter(move |(_, number)| path.selector.admits(*number)).map(
        move |(repetition, number)| {
            let raw = match (path.component, path.subcomponent) {
                (None, _) => repetition.raw(),
                (Some(component), None) => repetition.component(component).raw(),
                (Some(component), Some(sub)) => repetition.component(component).subcomponent(sub).raw(),
            };
            Value {
                raw,
                delimiters: field.delimiters(),
                field: Some(path.number),
                field_repetition: Some(number),
                component: path.component,
                subcomponent: path.subcomponent,
                ..whole_segment(segment)
            }
        },
    )
}

fn whole_segment(segment: Segment<'_>) -> Value<'_> {
    Value {
        raw: segment.raw(),
        delimiters: segment.message.delimiters(),
        charset: segment.message.charset(),
        segment_index: segment.index(),
        segment_occurrence: segment.occurrence(),
        field: None,
        field_repetition: None,
        component: None,
        subcomponent: None,
    }
}
