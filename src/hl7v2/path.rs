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
        segment_name: segment.name(),
        segment_index: segment.index(),
        segment_occurrence: segment.occurrence(),
        field: None,
        field_repetition: None,
        component: None,
        subcomponent: None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_and_their_shortest_form() {
        for (text, shortest) in [
            ("PID", "PID"),
            ("ZPI[3]", "ZPI[3]"),
            ("PV1-44", "PV1-44"),
            ("MSH-9.2", "MSH-9.2"),
            ("PID-3[2].4.1", "PID-3[2].4.1"),
            ("OBX[2]-5[*].1", "OBX[2]-5[*].1"),
            ("OBX[*]-5[1]", "OBX[*]-5"),
            ("PID[1]-03", "PID-3"),
        ] {
            assert_eq!(text.parse::<Path>().unwrap().to_string(), shortest);
        }
    }

    #[test]
    fn mistakes_and_where_they_are() {
        for (text, expected) in [
            ("", "expected a path, but got nothing"),
            ("P", "expected a segment name of three capitals or digits at byte 1"),
            ("pid-3", "expected a segment name of three capitals or digits at byte 0"),
            ("PID3", "expected '-' and a field number, or '[', after the segment at byte 3"),
            ("PID[0]-3", "expected a number from 1 to 65535 or '*' in brackets at byte 4"),
            ("PID[]-3", "expected a number from 1 to 65535 or '*' in brackets at byte 4"),
            ("PID[2-3", "expected ']' at byte 5"),
            ("PID-", "expected a field number from 1 to 65535 at byte 4"),
            ("PID-0", "expected a field number from 1 to 65535 at byte 4"),
            ("PID-70000", "expected a field number from 1 to 65535 at byte 4"),
            ("PID-3x", "expected '[' or '.' or the end after the field at byte 5"),
            ("PID-3.", "expected a component number from 1 to 65535 at byte 6"),
            ("PID-3.1-", "expected '.' or the end after the component at byte 7"),
            ("PID-3.1.ü", "expected a subcomponent number from 1 to 65535 at byte 8"),
            ("PID-3.1.1.1", "expected the end of the path at byte 9"),
        ] {
            assert_eq!(text.parse::<Path>().unwrap_err().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn places_that_paths_find() {
        let text = "MSH|^~\\&|A^B|C\rOBX|1||c^d~e&f\rZZZ\rOBX|2||\"\"~\r";
        let (message, _) = Message::parse(text);
        let check = |path: &str, expected: &[&str]| {
            let path: Path = path.parse().unwrap();
            let found: Vec<_> = message.values(&path).map(Value::raw).collect();
            assert_eq!(found, expected, "{path}");
            assert_eq!(message.get(&path).map(Value::raw), expected.first().copied(), "{path}");
        };
        check("MSH-1", &["|"]);
        check("MSH-2", &["^~\\&"]);
        check("MSH-3", &["A^B"]);
        check("MSH-3.2", &["B"]);
        check("OBX-3", &["c^d"]);
        check("OBX-3[*]", &["c^d", "e&f"]);
        check("OBX-3[2].1.2", &["f"]);
        check("OBX-3[3]", &[]);
        check("OBX[*]-1", &["1", "2"]);
        check("OBX[2]-3", &["\"\""]);
        check("OBX[2]-3[2]", &[""]);
        check("OBX[3]-3", &[]);
        check("OBX-2", &[]);
        check("OBX-99", &[]);
        check("ZZZ", &["ZZZ"]);
        check("ZZZ-1", &[]);
        check("PID-3", &[]);
    }

    #[test]
    fn a_value_knows_its_place() {
        let (message, _) = Message::parse("MSH|^~\\&\rOBX|1\rOBX|2||~x^y\r");
        let second = message.segments_named("OBX").nth(1).unwrap();
        let field = FieldPath { number: 3, selector: Selector::All, component: None, subcomponent: None };
        let parts: Vec<_> = second.values(field).map(|value| value.as_repetition().component(2).raw()).collect();
        assert_eq!((parts, second.location().to_string()), (vec!["", "y"], "OBX[2]".to_owned()));
        let path: Path = "OBX[2]-3[2].2".parse().unwrap();
        let value = message.get(&path).unwrap();
        assert_eq!(value.location().to_string(), "OBX[2]-3[2].2");
        assert_eq!(value.as_component().text(), "y");
        assert_eq!((value.segment_index, value.segment_occurrence), (2, 2));
        assert_eq!((value.field, value.field_repetition), (Some(3), Some(2)));
        assert_eq!((value.component, value.subcomponent), (Some(2), None));
    }

    proptest! {
        #[test]
        fn what_is_displayed_reads_the_same(
            segment in "[A-Z0-9]{3}", nth in 1_u16.., number in 1_u16.., selector in prop::option::of(1_u16..),
            component in prop::option::of(1_u16..), sub in prop::option::of(1_u16..), with_field: bool,
        ) {
            let selector = selector.map_or(Selector::All, Selector::Nth);
            let subcomponent = component.and(sub);
            let field = with_field.then_some(FieldPath { number, selector, component, subcomponent });
            let path = Path { segment: segment.into(), segment_selector: Selector::Nth(nth), field };
            prop_assert_eq!(path.to_string().parse(), Ok(path));
        }

        #[test]
        fn reading_any_text_never_panics(text in r"([A-Z\[\]*.\-0-9]|\PC){0,20}") {
            if let Ok(path) = text.parse::<Path>() {
                prop_assert_eq!(path.to_string().parse(), Ok(path));
            }
        }
    }
}
