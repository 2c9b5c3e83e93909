//! Where a value comes from: `PID-3[2].4.1`, `CX.4.2`, `$this`, `join(" ", XTN.6, XTN.7)`.
//!
//! A path with a dash begins at a segment; a path without begins at the current item, under the name of its data type
//! (`CX.4` is the fourth component of the CX at hand). `$this` is that item as a whole.

use smol_str::SmolStr;

use super::Fault;
use super::lexer::{Lexer, Token};

/// A place in a segment. Numbers count from 1; 0 means the level is not named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentPath {
    pub segment: SmolStr,
    pub field: u16,
    /// 0: every repetition.
    pub repetition: u16,
    pub component: u16,
    pub subcomponent: u16,
}

/// A place in the current item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemPath {
    /// The data type under which the item is named; empty for `$this`.
    pub datatype: SmolStr,
    /// 0: the item as a whole.
    pub component: u16,
    pub subcomponent: u16,
}

/// Numbers below a path that are named.
fn write_numbers(f: &mut std::fmt::Formatter<'_>, numbers: [u16; 2]) -> std::fmt::Result {
    numbers.into_iter().filter(|number| *number > 0).try_for_each(|number| write!(f, ".{number}"))
}

impl std::fmt::Display for SegmentPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.segment, self.field)?;
        if self.repetition > 0 {
            write!(f, "[{}]", self.repetition)?;
        }
        write_numbers(f, [self.component, self.subcomponent])
    }
}

impl std::fmt::Display for ItemPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.datatype.is_empty() { "$this" } else { &self.datatype })?;
        write_numbers(f, [self.component, self.subcomponent])
    }
}

/// The source of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Constant(SmolStr),
    Segment(SegmentPath),
    Item(ItemPath),
    Call { function: SmolStr, offset: usize, arguments: Vec<Source> },
}

impl Source {
    /// Reads a path or a call.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(text)?;
        let source = argument(&mut lexer)?;
        lexer.finish()?;
        match source {
            Self::Constant(_) => Err(Fault::new(0, "a path or a function; a constant is written `value:`")),
            source => Ok(source),
        }
    }
}

fn argument(lexer: &mut Lexer) -> Result<Source, Fault> {
    let offset = lexer.offset();
    match lexer.next() {
        Some(Token::Quoted(text)) => Ok(Source::Constant(text.into())),
        Some(Token::Word(name)) if lexer.sign("(") => {
            let mut arguments = Vec::new();
            while !lexer.sign(")") {
                if !arguments.is_empty() && !lexer.sign(",") {
                    return lexer.fault("a comma or a closing bracket");
                }
                arguments.push(argument(lexer)?);
            }
            Ok(Source::Call { function: name.into(), offset, arguments })
        }
        Some(Token::Word(path)) => path_at(&path, offset),
        _ => Err(Fault::new(offset, "a path, a function or a quoted text")),
    }
}

/// Reads one path that stands at an offset of its scalar.
pub(super) fn path_at(text: &str, offset: usize) -> Result<Source, Fault> {
    if text == "$this" {
        return Ok(Source::Item(ItemPath { datatype: SmolStr::default(), component: 0, subcomponent: 0 }));
    }
    let path = match text.split_once('-') {
        Some((segment, rest)) => segment_path(segment, rest).map(Source::Segment),
        None => item_path(text).map(Source::Item),
    };
    path.ok_or_else(|| Fault::new(offset, "a path like PID-3, PID-3[2].4.1 or CX.4.2"))
}

fn segment_path(segment: &str, rest: &str) -> Option<SegmentPath> {
    let (field, below) = rest.split_once('.').map_or((rest, None), |(field, below)| (field, Some(below)));
    let (field, repetition) = match field.split_once('[') {
        Some((field, repetition)) => (field, number(repetition.strip_suffix(']')?)?),
        None => (field, 0),
    };
    let (component, subcomponent) = below.map_or(Some((0, 0)), numbers)?;
    let field = number(field)?;
    is_segment_name(segment).then(|| SegmentPath {
        segment: segment.into(),
        field,
        repetition,
        component,
        subcomponent,
    })
}

fn item_path(text: &str) -> Option<ItemPath> {
    let (datatype, rest) = text.split_once('.')?;
    let named = (2..=3).contains(&datatype.len())
        && datatype.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let (component, subcomponent) = numbers(rest)?;
    named.then(|| ItemPath { datatype: datatype.into(), component, subcomponent })
}

fn numbers(text: &str) -> Option<(u16, u16)> {
    match text.split_once('.') {
        Some((first, second)) => Some((number(first)?, number(second)?)),
        None => Some((number(text)?, 0)),
    }
}

fn number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|number| (1..=999).contains(number))
}

/// Three upper-case letters or digits, the first a letter (HL7 v2.5.1 2.5.1).
pub fn is_segment_name(text: &str) -> bool {
    text.len() == 3
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && text.as_bytes()[0].is_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(segment: &str, field: u16, repetition: u16, component: u16, subcomponent: u16) -> Source {
        Source::Segment(SegmentPath { segment: segment.into(), field, repetition, component, subcomponent })
    }

    #[test]
    fn paths_and_calls_are_read() {
        assert_eq!(Source::parse("PID-3"), Ok(segment("PID", 3, 0, 0, 0)));
        assert_eq!(Source::parse("TQ1-3[2].4.1"), Ok(segment("TQ1", 3, 2, 4, 1)));
        let cx = ItemPath { datatype: "CX".into(), component: 4, subcomponent: 2 };
        assert_eq!(Source::parse("CX.4.2"), Ok(Source::Item(cx)));
        let Ok(Source::Call { function, arguments, .. }) = Source::parse("join(\" \", PID-5, CX.1)") else {
            panic!("a call")
        };
        assert_eq!((function.as_str(), arguments.len()), ("join", 3));
        assert_eq!(arguments[0], Source::Constant(" ".into()));
    }

    #[test]
    fn what_is_not_in_the_notation_is_a_fault_at_its_place() {
        for (text, offset) in [
            ("", 0),
            ("PID", 0),
            ("PID-0", 0),
            ("PID-x", 0),
            ("pid-3", 0),
            ("PID-3[0]", 0),
            ("PID-3.1.2.3", 0),
            ("CX.", 0),
            ("join(PID-3", 10),
            ("join(PID-3 PID-4)", 11),
            ("PID-3 x", 6),
            ("\"x\"", 0),
        ] {
            assert_eq!(Source::parse(text).map_err(|fault| fault.offset), Err(offset), "{text:?}");
        }
    }
}
