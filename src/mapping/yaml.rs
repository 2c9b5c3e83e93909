//! YAML text as a tree in which every node knows its place.
//!
//! A mapping file uses the plain part of YAML: mappings with scalar keys, lists, scalars. Anchors, aliases, tags and
//! several documents are refused, so that what a reader sees is what there is. Scalars stay text: `no` is `no`.

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::diagnostic::Place;

/// Nesting that a mapping file may have; the deepest of ours has 9 levels.
const DEPTH_MAX: usize = 32;

/// A node and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Yaml {
    pub place: Place,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Scalar(String),
    List(Vec<Yaml>),
    /// Keys in order, each with its place; no key twice.
    Mapping(Vec<(Scalar, Yaml)>),
}

/// A piece of text and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    pub place: Place,
    pub text: String,
}

/// Why a text is not such a tree, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlFault {
    pub place: Place,
    pub message: String,
}

impl Yaml {
    /// `file` is the index that all places get.
    pub fn parse(text: &str, file: u16) -> Result<Self, YamlFault> {
        let mut options = Options::default();
        options.set_emit_comments(false);
        let mut reader = Reader { parser: Parser::new_from_str_with_options(text, options), file };
        let tree = loop {
            let (event, span) = reader.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd | Event::DocumentEnd => return Err(reader.fault(span, "the file is empty")),
                event => break reader.node(event, span, 0)?,
            }
        };
        loop {
            match reader.next()? {
                (Event::StreamEnd, _) => return Ok(tree),
                (Event::DocumentEnd, _) => {}
                (_, span) => return Err(reader.fault(span, "a file holds one document")),
            }
        }
    }
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    file: u16,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), YamlFault> {
        let place = Place { file: self.file, line: 1, column: 1, width: 1 };
        let end = YamlFault { place, message: "the file ends too early".to_owned() };
        self.parser.next_event().ok_or(end)?.map_err(|error| self.scan_fault(&error))
    }

    fn scan_fault(&self, error: &ScanError) -> YamlFault {
        let marker = error.marker();
        let place = Place { file: self.file, line: number(marker.line()), column: number(marker.col() + 1), width: 1 };
        YamlFault { place, message: error.info() }
    }

    fn fault(&self, span: Span, message: &str) -> YamlFault {
        YamlFault { place: self.place(span, 0), message: message.to_owned() }
    }

    /// The part of a span that stands on its first line; of quoted text, what is between the quotes.
    fn place(&self, span: Span, quotes: usize) -> Place {
        let (start, end) = (span.start, span.end);
        let one_line = start.line() == end.line();
        let width = if one_line { (end.col() - start.col()).saturating_sub(2 * quotes) } else { 1 };
        let column = number(start.col() + quotes + 1);
        Place { file: self.file, line: number(start.line()), column, width: number(width.max(1)) }
    }

    /// From the opening of a list or mapping to its closing, or to the end of the line.
    fn extent(&self, span: Span, end: Span) -> Place {
        let place = self.place(span, 0);
        let width = if span.start.line() == end.end.line() { end.end.col() - span.start.col() } else { usize::MAX };
        Place { width: number(width.max(1)), ..place }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Yaml, YamlFault> {
        if depth > DEPTH_MAX {
            return Err(self.fault(span, "nested too deeply"));
        }
        match event {
            Event::Scalar(text, style, 0, None) => {
                Ok(Yaml { place: self.place(span, quotes(style)), kind: Kind::Scalar(text.into_owned()) })
            }
            Event::SequenceStart(_, 0, None) => {
                let (items, end) = self.list(depth)?;
                Ok(Yaml { place: self.extent(span, end), kind: Kind::List(items) })
            }
            Event::MappingStart(_, 0, None) => {
                let (members, end) = self.mapping(depth)?;
                Ok(Yaml { place: self.extent(span, end), kind: Kind::Mapping(members) })
            }
            _ => Err(self.fault(span, "anchors, aliases and tags are not used in mapping files")),
        }
    }

    fn list(&mut self, depth: usize) -> Result<(Vec<Yaml>, Span), YamlFault> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => return Ok((items, end)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<(Vec<(Scalar, Yaml)>, Span), YamlFault> {
        let mut members: Vec<(Scalar, Yaml)> = Vec::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, end) => return Ok((members, end)),
                (Event::Scalar(text, style, 0, None), span) => {
                    Scalar { place: self.place(span, quotes(style)), text: text.into_owned() }
                }
                (_, span) => return Err(self.fault(span, "a key is plain text")),
            };
            if members.iter().any(|(other, _)| other.text == key.text) {
                let message = format!("the key `{}` is here twice", key.text);
                return Err(YamlFault { place: key.place, message });
            }
            let (event, span) = self.next()?;
            members.push((key, self.node(event, span, depth + 1)?));
        }
    }
}

const fn quotes(style: ScalarStyle) -> usize {
    match style {
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_stay_text_and_know_their_place() {
        let tree = Yaml::parse("map: PID -> Patient\nrules:\n  - { from: PID-3, to: no }\n", 7).unwrap();
        let Kind::Mapping(members) = tree.kind else { panic!("a mapping") };
        let Kind::List(rules) = &members[1].1.kind else { panic!("a list") };
        assert_eq!(rules[0].place, Place { file: 7, line: 3, column: 5, width: 23 });
        let Kind::Mapping(rule) = &rules[0].kind else { panic!("a mapping") };
        assert_eq!(
            rule[1].1,
            Yaml { place: Place { file: 7, line: 3, column: 24, width: 2 }, kind: Kind::Scalar("no".to_owned()) }
        );
    }

    #[test]
    fn faults_are_located() {
        for (text, line, column) in [
            ("", 1, 1),
            ("a: [1, 2", 1, 4),
            ("a: 1\na: 2", 2, 1),
            ("a: &x 1\nb: *x", 1, 7),
            ("a: !t 1", 1, 7),
            ("a: 1\n---\nb: 2", 2, 1),
            ("? [a]\n: b", 1, 3),
        ] {
            let fault = Yaml::parse(text, 0).unwrap_err();
            assert_eq!((fault.place.line, fault.place.column), (line, column), "{text:?}: {}", fault.message);
        }
        assert!(Yaml::parse(&"[".repeat(100), 0).is_err());
    }
}
