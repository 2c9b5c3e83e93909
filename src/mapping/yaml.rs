//! YAML text as a tree in which every node knows its place.
//!
//! A mapping file uses the plain part of YAML: mappings with scalar keys, lists, scalars. Anchors, aliases, tags and
//! several documents are refused, so that what a reader sees is what there is. Scalars stay text: `no` is `no`.

use serde_saphyr::granit_parser::{Event, Options, Parser, ScanError, Span, StrInput};

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
    pub fn parse(text: &str) -> Result<Self, YamlFault> {
        let mut options = Options::default();
        options.set_emit_comments(false);
        let mut reader = Reader { parser: Parser::new_from_str_with_options(text, options) };
        let tree = loop {
            let (event, span) = reader.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd | Event::DocumentEnd => return Err(fault(span, "the file is empty")),
                event => break reader.node(event, span, 0)?,
            }
        };
        loop {
            match reader.next()? {
                (Event::StreamEnd, _) => return Ok(tree),
                (Event::DocumentEnd, _) => {}
                (_, span) => return Err(fault(span, "a file holds one document")),
            }
        }
    }
}

fn place(span: Span) -> Place {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Place { line: number(span.start.line()), column: number(span.start.col() + 1) }
}

fn fault(span: Span, message: &str) -> YamlFault {
    YamlFault { place: place(span), message: message.to_owned() }
}

impl From<ScanError> for YamlFault {
    fn from(error: ScanError) -> Self {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let marker = error.marker();
        Self { place: Place { line: number(marker.line()), column: number(marker.col() + 1) }, message: error.info() }
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), YamlFault> {
        let end = YamlFault { place: Place::default(), message: "the file ends too early".to_owned() };
        Ok(self.parser.next_event().ok_or(end)??)
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Yaml, YamlFault> {
        if depth > DEPTH_MAX {
            return Err(fault(span, "nested too deeply"));
        }
        let kind = match event {
            Event::Scalar(text, _, 0, None) => Kind::Scalar(text.into_owned()),
            Event::SequenceStart(_, 0, None) => Kind::List(self.list(depth)?),
            Event::MappingStart(_, 0, None) => Kind::Mapping(self.mapping(depth)?),
            _ => return Err(fault(span, "anchors, aliases and tags are not used in mapping files")),
        };
        Ok(Yaml { place: place(span), kind })
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Yaml>, YamlFault> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Vec<(Scalar, Yaml)>, YamlFault> {
        let mut members: Vec<(Scalar, Yaml)> = Vec::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => return Ok(members),
                (Event::Scalar(text, _, 0, None), span) => Scalar { place: place(span), text: text.into_owned() },
                (_, span) => return Err(fault(span, "a key is plain text")),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_stay_text_and_know_their_place() {
        let tree = Yaml::parse("map: PID -> Patient\nrules:\n  - { from: PID-3, to: no }\n").unwrap();
        let Kind::Mapping(members) = tree.kind else { panic!("a mapping") };
        let Kind::List(rules) = &members[1].1.kind else { panic!("a list") };
        assert_eq!(rules[0].place, Place { line: 3, column: 5 });
        let Kind::Mapping(rule) = &rules[0].kind else { panic!("a mapping") };
        assert_eq!(rule[1].1, Yaml { place: Place { line: 3, column: 24 }, kind: Kind::Scalar("no".to_owned()) });
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
            let fault = Yaml::parse(text).unwrap_err();
            assert_eq!((fault.place.line, fault.place.column), (line, column), "{text:?}: {}", fault.message);
        }
        assert!(Yaml::parse(&"[".repeat(100)).is_err());
    }
}
