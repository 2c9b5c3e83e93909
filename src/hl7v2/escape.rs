//! Escape sequences, both ways (HL7 v2.5.1 2.7).
//!
//! Unescaping gives text its line ends (`\.br\`, and `\.sp3\` as three) and its bytes (`\X..\`, in the character set of
//! the message). It keeps as written what is not text: highlighting (`\H\`, `\N\`), character set switches
//! (`\C..\`, `\M..\`), local `\Z..\`, other formatting, and an escape character without its partner.
//!
//! Escaping writes LF as `\.br\` and CR as `\X0D\`, so that reading gives back which of the two it was.

use std::borrow::Cow;

use super::{Charset, Delimiters};

/// The text that `raw` stands for. `charset` is the one that the message was read in.
pub fn unescape(raw: &str, delimiters: Delimiters, charset: Charset) -> Cow<'_, str> {
    let Some(escape) = delimiters.escape else { return Cow::Borrowed(raw) };
    let Some(first) = memchr::memchr(escape, raw.as_bytes()) else { return Cow::Borrowed(raw) };
    let mut text = String::with_capacity(raw.len());
    text.push_str(&raw[..first]);
    let mut rest = &raw[first..];
    // `rest` begins with an escape character.
    while let Some(length) = rest.get(1..).and_then(|after| memchr::memchr(escape, after.as_bytes())) {
        let sequence = &rest[1..=length];
        let meant = push_meaning(&mut text, sequence, delimiters, charset);
        // What is not a sequence may be followed by one: its last character may be the first of the next.
        let end = if meant || is_kept(sequence) { length + 2 } else { length + 1 };
        if !meant {
            text.push_str(&rest[..end]);
        }
        let tail = &rest[end..];
        let plain = memchr::memchr(escape, tail.as_bytes()).unwrap_or(tail.len());
        text.push_str(&tail[..plain]);
        rest = &tail[plain..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// Appends what the sequence between two escape characters means; false when it is not text.
fn push_meaning(text: &mut String, sequence: &str, delimiters: Delimiters, charset: Charset) -> bool {
    let character = match sequence {
        "F" => Some(delimiters.field),
        "S" => delimiters.component,
        "T" => delimiters.subcomponent,
        "R" => delimiters.repetition,
        "E" => delimiters.escape,
        "P" => delimiters.truncation.or(Some(b'#')),
        ".br" | ".BR" => Some(b'\n'),
        _ => None,
    };
    if let Some(character) = character {
        text.push(char::from(character));
        return true;
    }
    if let Some(digits) = sequence.strip_prefix('X') {
        return push_hexadecimal(text, digits, charset);
    }
    sequence.strip_prefix(".sp").is_some_and(|count| push_line_ends(text, count))
}

/// Sequences of the standard that are kept as written (HL7 v2.5.1 2.7.2, 2.7.3, 2.7.6, 2.7.7).
fn is_kept(sequence: &str) -> bool {
    let mut bytes = sequence.bytes();
    match bytes.next() {
        Some(b'H' | b'N') => sequence.len() == 1,
        Some(b'C' | b'M') => matches!(sequence.len(), 5 | 7) && bytes.all(|byte| byte.is_ascii_hexdigit()),
        Some(b'Z') => bytes.all(|byte| byte.is_ascii_alphanumeric()),
        Some(b'.') => {
            matches!(sequence.get(1..3), Some("in" | "ti" | "fi" | "nf" | "ce" | "sk"))
                && bytes.skip(2).all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-'))
        }
        _ => false,
    }
}

fn push_line_ends(text: &mut String, count: &str) -> bool {
    let count = if count.is_empty() { Some(1) } else { count.trim_start_matches('+').parse::<u8>().ok() };
    text.extend(std::iter::repeat_n('\n', usize::from(count.unwrap_or(0))));
    count.is_some()
}

fn push_hexadecimal(text: &mut String, digits: &str, charset: Charset) -> bool {
    let pairs = digits.as_bytes().chunks(2);
    let Some(bytes) = pairs.map(hexadecimal).collect::<Option<Vec<u8>>>() else { return false };
    let decoded = if charset == Charset::Ascii { Charset::Utf8.decode(&bytes) } else { charset.decode(&bytes) };
    let whole = !bytes.is_empty() && decoded.replaced == 0;
    if whole {
        text.push_str(&decoded.text);
    }
    whole
}

fn hexadecimal(pair: &[u8]) -> Option<u8> {
    let [high, low] = pair else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? * 16 + digit(low)?)
}

/// `text` as it is written in a field: `unescape` gives it back, whatever it holds. Without an escape character there
/// is no way to write a delimiter; a blank then keeps the structure whole.
pub fn escape(text: &str, delimiters: Delimiters) -> Cow<'_, str> {
    if !text.chars().any(|character| sequence_for(character, delimiters).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut raw = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match (sequence_for(character, delimiters), delimiters.escape) {
            (Some(sequence), Some(escape)) => {
                raw.push(char::from(escape));
                raw.push_str(sequence);
                raw.push(char::from(escape));
            }
            (Some(_), None) => raw.push(' '),
            (None, _) => raw.push(character),
        }
    }
    Cow::Owned(raw)
}

fn sequence_for(character: char, delimiters: Delimiters) -> Option<&'static str> {
    let byte = u8::try_from(character).ok().filter(u8::is_ascii)?;
    let is = |level: Option<u8>| level == Some(byte);
    match byte {
        b'\n' => Some(".br"),
        b'\r' => Some("X0D"),
        _ if byte == delimiters.field => Some("F"),
        _ if is(delimiters.component) => Some("S"),
        _ if is(delimiters.subcomponent) => Some("T"),
        _ if is(delimiters.repetition) => Some("R"),
        _ if is(delimiters.escape) => Some("E"),
        _ if is(delimiters.truncation) => Some("P"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sequences_and_what_they_mean() {
        let cases = [
            ("", ""),
            ("plain", "plain"),
            (r"\F\ \S\ \T\ \R\ \E\ \P\", r"| ^ & ~ \ #"),
            (r"Müller \T\ Söhne", "Müller & Söhne"),
            (r"日本\T\x", "日本&x"),
            (r"a\.br\b\.sp\c\.sp2\d", "a\nb\nc\n\nd"),
            (r"\X41\\X0D0A\\Xc3A9\", "A\r\né"),
            (r"\X4\\X4G\\X\\XFF\", r"\X4\\X4G\\X\\XFF\"),
            (r"\H\F\N\", r"\H\F\N\"),
            (r"\C2842\T\M242842\S\Zab\R", r"\C2842\T\M242842\S\Zab\R"),
            (r"\.in+4\F\.ce\T", r"\.in+4\F\.ce\T"),
            (r"abc\def", r"abc\def"),
            (r"C:\dir\file\F\x", r"C:\dir\file|x"),
            (r"\\", r"\\"),
            (r"\", r"\"),
            (r"\E\F\E\", r"\F\"),
        ];
        for (raw, expected) in cases {
            assert_eq!(unescape(raw, Delimiters::default(), Charset::Utf8), expected, "{raw}");
        }
    }

    #[test]
    fn hexadecimal_bytes_are_of_the_character_set_of_the_message() {
        for (charset, expected) in [(Charset::Iso8859_1, "é"), (Charset::Iso8859_5, "щ"), (Charset::Utf8, r"\XE9\")] {
            assert_eq!(unescape(r"\XE9\", Delimiters::default(), charset), expected, "{charset:?}");
        }
    }

    #[test]
    fn without_an_escape_character_a_delimiter_becomes_a_blank() {
        let delimiters = Delimiters { escape: None, ..Delimiters::default() };
        assert_eq!(escape(r"a|b\c", delimiters), r"a b\c");
        assert_eq!(unescape(r"\F\", delimiters, Charset::Utf8), r"\F\");
    }

    proptest! {
        #[test]
        fn unescaping_undoes_escaping(text in r"([|^&~\\#:$@!*\r\n.brXHFSTREa]|\PC){0,40}") {
            let custom = Delimiters::read(b"#*:!$@#").0;
            for delimiters in [Delimiters::default(), custom] {
                let raw = escape(&text, delimiters);
                prop_assert!(!raw.contains(['\r', '\n', char::from(delimiters.field)]));
                prop_assert_eq!(unescape(&raw, delimiters, Charset::Utf8), text.as_str());
            }
        }

        #[test]
        fn unescaping_anything_never_panics(raw in r"([\\FSTREX0-9A-F.brspH]|\PC){0,60}") {
            let _ = unescape(&raw, Delimiters::default(), Charset::Iso2022Jp);
        }
    }
}
