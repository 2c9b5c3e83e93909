//! Reading JSON text (RFC 8259) into the tree: strict, bounded in depth, faults with line and column.

use std::collections::HashSet;

use smol_str::SmolStr;

use super::{Node, Object};
use crate::base::limits;

/// Why a text is not JSON of a resource, and where. It never holds any of the text (P8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: expected {expected}")]
pub struct JsonFault {
    /// From 1; 0 when the fault is about the whole text.
    pub line: u32,
    /// In bytes, from 1.
    pub column: u32,
    pub expected: &'static str,
}

impl JsonFault {
    pub(super) const fn no_resource_type() -> Self {
        Self { line: 0, column: 0, expected: "an object with a `resourceType`" }
    }
}

impl Node {
    /// Reads one JSON value; white space around it is allowed, anything else is a fault.
    pub fn parse(text: &[u8]) -> Result<Self, JsonFault> {
        let text = std::str::from_utf8(text).map_err(|error| fault_at(text, error.valid_up_to(), "UTF-8"))?;
        let mut reader = Reader { text, at: 0 };
        let node = reader.value(0)?;
        reader.skip_space();
        if reader.at < text.len() { Err(reader.fault("the end of the text")) } else { Ok(node) }
    }
}

fn fault_at(text: &[u8], at: usize, expected: &'static str) -> JsonFault {
    let (line, column) = place(text, at);
    JsonFault { line, column, expected }
}

/// Line and column, in bytes and from 1, of a place in a text.
pub(super) fn place(text: &[u8], at: usize) -> (u32, u32) {
    let before = &text[..at.min(text.len())];
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1) + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// Whether a text is a number as JSON writes it, and nothing else.
pub(super) fn is_number(text: &str) -> bool {
    let mut reader = Reader { text, at: 0 };
    reader.number().is_ok() && reader.at == text.len()
}

/// The names of an object that is being read, once there are too many to look through.
#[derive(Default)]
struct Names(HashSet<SmolStr>);

impl Names {
    fn is_new(&mut self, object: &Object, name: &SmolStr) -> bool {
        const FEW: usize = 32;
        if object.len() < FEW {
            return object.get(name).is_none();
        }
        if self.0.is_empty() {
            self.0.extend(object.iter().map(|(name, _)| SmolStr::from(name)));
        }
        self.0.insert(name.clone())
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn fault(&self, expected: &'static str) -> JsonFault {
        fault_at(self.text.as_bytes(), self.at, expected)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), JsonFault> {
        self.skip_space();
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(self.fault(expected))
    }

    fn value(&mut self, depth: usize) -> Result<Node, JsonFault> {
        if depth > limits::JSON_DEPTH_MAX {
            return Err(self.fault("at most 64 levels of nesting"));
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth).map(Node::Object),
            Some(b'[') => self.array(depth).map(Node::Array),
            Some(b'"') => self.string().map(Node::String),
            Some(b't') => self.word("true", Node::Bool(true)),
            Some(b'f') => self.word("false", Node::Bool(false)),
            Some(b'n') => self.word("null", Node::Null),
            Some(b'-' | b'0'..=b'9') => self.number().map(Node::Number),
            _ => Err(self.fault("a JSON value")),
        }
    }

    fn word(&mut self, word: &'static str, node: Node) -> Result<Node, JsonFault> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.fault("true, false or null"));
        }
        self.at += word.len();
        Ok(node)
    }

    fn object(&mut self, depth: usize) -> Result<Object, JsonFault> {
        let (mut object, mut names) = (Object::new(), Names::default());
        self.at += 1;
        if self.closes(b'}') {
            return Ok(object);
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.fault("a member name in quotes"));
            }
            let name_at = self.at;
            let name = self.string()?;
            if !names.is_new(&object, &name) {
                self.at = name_at;
                return Err(self.fault("each member name once in an object"));
            }
            if object.len() >= limits::JSON_MEMBERS_MAX {
                self.at = name_at;
                return Err(self.fault("at most 1024 members in an object"));
            }
            self.expect(b':', "a colon")?;
            object.push(name, self.value(depth + 1)?);
            if self.closes(b'}') {
                return Ok(object);
            }
            self.expect(b',', "a comma or a closing brace")?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Node>, JsonFault> {
        let mut items = Vec::new();
        self.at += 1;
        if self.closes(b']') {
            return Ok(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.closes(b']') {
                return Ok(items);
            }
            self.expect(b',', "a comma or a closing bracket")?;
        }
    }

    fn closes(&mut self, byte: u8) -> bool {
        self.skip_space();
        let closes = self.peek() == Some(byte);
        self.at += usize::from(closes);
        closes
    }

    fn digits(&mut self) -> Result<(), JsonFault> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == from { Err(self.fault("a digit")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<SmolStr, JsonFault> {
        let from = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            let exponent_at = self.at;
            self.digits()?;
            if self.at - exponent_at > limits::JSON_EXPONENT_DIGITS_MAX {
                self.at = exponent_at;
                return Err(self.fault("an exponent of at most 4 digits"));
            }
        }
        if self.at - from > limits::JSON_NUMBER_LENGTH_MAX {
            self.at = from;
            return Err(self.fault("a number of at most 256 characters"));
        }
        Ok(SmolStr::from(&self.text[from..self.at]))
    }

    /// Reads a string; the opening quote is at `at`.
    fn string(&mut self) -> Result<SmolStr, JsonFault> {
        self.at += 1;
        let from = self.at;
        let mut unescaped: Option<String> = None;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let run = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len());
            if let Some(text) = &mut unescaped {
                text.push_str(&self.text[self.at..self.at + run]);
            }
            self.at += run;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(unescaped.map_or_else(|| SmolStr::from(&self.text[from..self.at - 1]), SmolStr::from));
                }
                Some(b'\\') => {
                    let mut text = unescaped.take().unwrap_or_else(|| self.text[from..self.at].to_owned());
                    text.push(self.escape()?);
                    unescaped = Some(text);
                }
                _ => return Err(self.fault("the end of the string, or an escaped control character")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonFault> {
        self.at += 1;
        let escaped = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.fault("an escape of JSON")),
        };
        self.at += 1;
        Ok(escaped)
    }

    fn unicode_escape(&mut self) -> Result<char, JsonFault> {
        let high = self.hex()?;
        let code = match high {
            0xd800..=0xdbff if self.text[self.at..].starts_with("\\u") => {
                self.at += 1;
                let low = self.hex()?;
                if !(0xdc00..=0xdfff).contains(&low) {
                    return Err(self.fault("the second half of a surrogate pair"));
                }
                0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| self.fault("a surrogate pair"))
    }

    /// Reads the four digits after the `u` at `at`.
    fn hex(&mut self) -> Result<u32, JsonFault> {
        let digits = self
            .text
            .as_bytes()
            .get(self.at + 1..self.at + 5)
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.fault("four hexadecimal digits"))?;
        self.at += 5;
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str) -> String {
        let mut out = Vec::new();
        Node::parse(text.as_bytes()).unwrap().write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn fault(text: &str) -> String {
        Node::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_read_is_written_to_the_digit_and_in_order() {
        for text in [
            r#"{"b":1.50,"a":1.0E-2,"c":[true,false,null,-0.000]}"#,
            r#""Müller \"x\" \\ \n""#,
            r#"{"decimal":0.123456789012345678901234567890123456}"#,
        ] {
            assert_eq!(round(text), text);
        }
        assert_eq!(round(" [ 1 , \"\\u00e9\\ud83d\\ude00\\/\" ] "), "[1,\"é😀/\"]");
    }

    #[test]
    fn faults_name_the_place_and_never_the_text() {
        assert_eq!(fault("{\n  \"a\": tru }"), "line 2, column 8: expected true, false or null");
        assert_eq!(fault("{\"a\":1,\"a\":2}"), "line 1, column 8: expected each member name once in an object");
        assert_eq!(fault("[1,]"), "line 1, column 4: expected a JSON value");
        assert_eq!(fault("01"), "line 1, column 2: expected the end of the text");
        assert_eq!(fault("\"\\ud800x\""), "line 1, column 8: expected a surrogate pair");
        assert_eq!(fault("\"abc"), "line 1, column 5: expected the end of the string, or an escaped control character");
        assert_eq!(Node::parse(b"\"\xff\"").unwrap_err().to_string(), "line 1, column 2: expected UTF-8");
        assert_eq!(Node::parse(b"\xef\xbb\xbf{}").unwrap_err().to_string(), "line 1, column 1: expected a JSON value");
        assert_eq!(fault("{}\n{}"), "line 2, column 1: expected the end of the text");
        assert_eq!(
            fault("\"a\u{1}\""),
            "line 1, column 3: expected the end of the string, or an escaped control character"
        );
        assert_eq!(fault("\"\\udc00\""), "line 1, column 8: expected a surrogate pair");
        assert_eq!(fault("[-]"), "line 1, column 3: expected a digit");
        assert_eq!(fault("[+1]"), "line 1, column 2: expected a JSON value");
        assert_eq!(fault("[1.]"), "line 1, column 4: expected a digit");
        assert_eq!(fault("[NaN]"), "line 1, column 2: expected a JSON value");
        assert_eq!(fault("[1e999999999]"), "line 1, column 4: expected an exponent of at most 4 digits");
        let long = "1".repeat(257);
        assert_eq!(fault(&format!("[{long}]")), "line 1, column 2: expected a number of at most 256 characters");
        let deep = "[".repeat(100);
        assert_eq!(fault(&deep), "line 1, column 66: expected at most 64 levels of nesting");
    }

    #[test]
    fn many_members_are_read_in_bounded_time_and_each_once() {
        let members = |names: &mut dyn Iterator<Item = usize>| {
            let members: Vec<String> = names.map(|name| format!("\"m{name}\":0")).collect();
            Node::parse(format!("{{{}}}", members.join(",")).as_bytes())
        };
        assert!(members(&mut (0..1024)).is_ok());
        assert_eq!(members(&mut (0..100_000)).unwrap_err().expected, "at most 1024 members in an object");
        for twice in [0, 31, 32, 99] {
            let found = members(&mut (0..100).chain([twice]));
            assert_eq!(found.unwrap_err().expected, "each member name once in an object", "{twice}");
        }
    }
}
