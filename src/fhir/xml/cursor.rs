//! The tags of an XML text, one after the other, with their places: plain XML only, as FHIR has it.

use std::borrow::Cow;

use quick_xml::events::attributes::AttrError;
use quick_xml::events::{BytesDecl, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{Error, NsReader, XmlVersion};

use super::fault::XmlFault;
use super::{FHIR, XHTML};
use crate::fhir::reader;

/// Where in a text, and what comes next.
pub struct Cursor<'t> {
    text: &'t str,
    events: NsReader<&'t [u8]>,
    /// Where the token that was given last begins.
    at: usize,
}

pub enum Token<'t> {
    Start(Tag<'t>),
    End,
    /// Of the text.
    Over,
}

/// A start tag.
pub struct Tag<'t> {
    start: BytesStart<'t>,
    pub space: Space,
}

/// The namespace of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    Fhir,
    Xhtml,
    Other,
}

impl Tag<'_> {
    /// Without a prefix.
    pub fn name(&self) -> &str {
        self.start.local_name().into_inner()
    }

    /// Whether it is written without a prefix and says its namespace itself, so that it can stand alone.
    pub fn stands_alone(&self) -> bool {
        let declares = |attribute: quick_xml::events::attributes::Attribute<'_>| attribute.key.as_ref() == "xmlns";
        self.start.name().prefix().is_none() && self.start.attributes().flatten().any(declares)
    }
}

impl<'t> Cursor<'t> {
    /// At the beginning of a text, which must be UTF-8; a mark of the byte order is skipped.
    pub fn new(text: &'t [u8]) -> Result<Self, XmlFault> {
        let text = std::str::from_utf8(text).map_err(|error| fault_at(text, error.valid_up_to(), "expected UTF-8"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if let Some(at) = text.find(|c| !is_xml(c)) {
            return Err(fault_at(text.as_bytes(), at, "a character that XML does not allow"));
        }
        let mut events = NsReader::from_str(text);
        let config = events.config_mut();
        config.expand_empty_elements = true;
        config.check_comments = true;
        Ok(Self { text, events, at: 0 })
    }

    /// A fault at the token that was given last.
    pub fn fault(&self, text: &'static str) -> XmlFault {
        self.fault_at(self.at, text)
    }

    /// Counts the lines before a place: for when there is a fault, never in advance.
    pub fn fault_at(&self, at: usize, text: &'static str) -> XmlFault {
        fault_at(self.text.as_bytes(), at, text)
    }

    /// How far the text has been read.
    fn position(&self) -> usize {
        usize::try_from(self.events.buffer_position()).unwrap_or(usize::MAX).min(self.text.len())
    }

    /// What stands between two places of the text.
    pub fn since(&self, from: usize) -> &'t str {
        &self.text[from..self.position()]
    }

    pub const fn at(&self) -> usize {
        self.at
    }

    /// Any event, well formed.
    pub fn event(&mut self) -> Result<(Space, Event<'t>), XmlFault> {
        self.at = self.position();
        let event = self.events.read_resolved_event();
        let event = event.map(|(resolved, event)| (space(&resolved), event));
        event.map_err(|error| {
            let at = usize::try_from(self.events.error_position()).unwrap_or(usize::MAX);
            fault_at(self.text.as_bytes(), at, expected(&error))
        })
    }

    /// The next tag. Comments and instructions are skipped; text has no place between the elements of FHIR.
    pub fn next(&mut self) -> Result<Token<'t>, XmlFault> {
        loop {
            let (space, event) = self.event()?;
            match event {
                Event::Start(start) => return Ok(Token::Start(Tag { start, space })),
                Event::End(_) => return Ok(Token::End),
                Event::Eof => return Ok(Token::Over),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Text(text) if text.bytes().all(|byte| byte.is_ascii_whitespace()) => {}
                Event::Decl(declaration) => self.declaration(&declaration)?,
                Event::DocType(_) => return Err(self.fault("a document type, which FHIR does not allow: leave it out")),
                _ => return Err(self.fault("text between elements: a value stands in the attribute `value`")),
            }
        }
    }

    fn declaration(&self, declaration: &BytesDecl<'_>) -> Result<(), XmlFault> {
        let is_plain = declaration.version().is_ok_and(|version| version == "1.0");
        let is_utf8 = match declaration.encoding() {
            None => true,
            Some(encoding) => {
                encoding.is_ok_and(|name| name.eq_ignore_ascii_case("UTF-8") || name.eq_ignore_ascii_case("US-ASCII"))
            }
        };
        if self.at == 0 && is_plain && is_utf8 {
            return Ok(());
        }
        Err(self.fault("expected the declaration of XML 1.0 in UTF-8, at the beginning"))
    }

    /// Hands each attribute that is not about namespaces to `take`, its value resolved.
    pub fn attributes(
        &self,
        tag: &Tag<'_>,
        mut take: impl FnMut(&str, Cow<'_, str>) -> Result<(), &'static str>,
    ) -> Result<(), XmlFault> {
        for attribute in tag.start.attributes() {
            let attribute = attribute.map_err(|error| self.fault(expected_of_attribute(&error)))?;
            let (key, prefix) = (attribute.key.local_name().into_inner(), attribute.key.prefix());
            let prefix = prefix.map(quick_xml::name::Prefix::into_inner);
            match prefix {
                None if key == "xmlns" => continue,
                Some("xmlns") => continue,
                Some(_) if key == "schemaLocation" => continue,
                Some(_) => return Err(self.fault("an attribute that FHIR does not have here")),
                None => {}
            }
            let value = self.value(&attribute)?;
            take(key, value).map_err(|text| self.fault(text))?;
        }
        Ok(())
    }

    fn value<'a>(&self, attribute: &quick_xml::events::attributes::Attribute<'a>) -> Result<Cow<'a, str>, XmlFault> {
        if attribute.value.contains('<') {
            return Err(self.fault("a `<` in an attribute: write `&lt;`"));
        }
        let value = attribute.normalized_value(XmlVersion::Explicit1_0);
        let value =
            value.map_err(|_| self.fault("expected only the references `&lt; &gt; &amp; &quot; &apos; &#n;`"))?;
        if value.chars().all(is_xml) { Ok(value) } else { Err(self.fault("a character that XML does not allow")) }
    }

    /// Whether the attributes of an element of a narrative are well formed; what they say is not looked at.
    pub fn check_attributes(&self, start: &BytesStart<'_>) -> Result<(), XmlFault> {
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| self.fault(expected_of_attribute(&error)))?;
            self.value(&attribute)?;
        }
        Ok(())
    }
}

fn space(resolved: &ResolveResult<'_>) -> Space {
    match resolved {
        ResolveResult::Bound(Namespace(FHIR)) => Space::Fhir,
        ResolveResult::Bound(Namespace(XHTML)) => Space::Xhtml,
        _ => Space::Other,
    }
}

/// The characters of XML 1.0 (2.2).
pub const fn is_xml(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

fn fault_at(text: &[u8], at: usize, expected: &'static str) -> XmlFault {
    let (line, column) = reader::place(text, at);
    XmlFault { line, column, text: expected }
}

const fn expected(error: &Error) -> &'static str {
    match error {
        Error::Syntax(_) => "markup that does not end",
        Error::IllFormed(_) => "expected an end tag for each start tag, in order, and no `--` in comments",
        Error::InvalidAttr(error) => expected_of_attribute(error),
        Error::Escape(_) => "expected only the references `&lt; &gt; &amp; &quot; &apos; &#n;`",
        Error::Namespace(_) => "expected a declared namespace for each prefix",
        Error::Io(_) | Error::Encoding(_) => "expected UTF-8",
    }
}

const fn expected_of_attribute(error: &AttrError) -> &'static str {
    match error {
        AttrError::Duplicated(..) => "expected each attribute once",
        _ => "expected attributes as name=\"value\"",
    }
}
