//! Escape sequences, both ways (HL7 v2.5.1 2.7).
//!
//! Unescaping keeps as written what it does not know: highlighting (`\H\`, `\N\`), character set switches (`\C..\`,
//! `\M..\`), local `\Z..\`, formatting other than `\.br\` and `\.sp\`, and an escape character without its partner.

use std::borrow::Cow;

use super::Delimiters;

/// The text that `raw` stands for.
pub fn unescape(raw: &str, delimiters: Delimiters) -> Cow<'_, str> {
    let Some(escape) = delimiters.escape else { return Cow::Borrowed(raw) };
    let Some(first) = memchr::memchr(escape, raw.as_bytes()) else { return Cow::Borrowed(raw) };
    let mut text = String::with_capacity(raw.len());
    text.push_str(&raw[..first]);
    let mut rest = &raw[first..];
    // `rest` begins with an escape character.
    while let Some(length) = memchr::memchr(escape, &rest.as_bytes()[1..]) {
        let sequence = &rest[1..=length];
        let after = if push_meaning(&mut text, sequence, delimiters) {
            length + 2
        } else {
            // Not a sequence: the second escape character may begin one.
            text.push_str(&rest[..=length]);
            length + 1
        };
        let tail = &rest[after..];
        let plain = memchr::memchr(escape, tail.as_bytes()).unwrap_or(tail.len());
        text.push_str(&tail[..plain]);
        rest = &tail[plain..];
        if rest.is_empty() {
            break;
        }
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// Appends what the sequence between two escape characters means; false when it means nothing here.
fn push_meaning(text: &mut String, sequence: &str, delimiters: Delimiters) -> bool {
    let character = match sequence {
        "F" => Some(delimiters.field),
        "S" => delimiters.component,
        "T" => delimiters.subcomponent,
        "R" => delimiters.repetition,
        "E" => delimiters.escape,
        "P" => delimiters.truncation.or(Some(b'#')),
        ".br" => Some(b'\n'),
        _ => None,
    };
    if let Some(character) = character {
        text.push(char::from(character));
        return true;
    }
    if let Some(digits) = sequence.strip_prefix('X') {
        return push_hexadecimal(text, digits);
    }
    sequence.strip_prefix(".sp").is_some_and(|count| push_line_feeds(text, count))
}

fn push_line_feeds(text: &mut String, count: &str) -> bool {
    let count = if count.is_empty() { Some(1) } else { count.trim_start_matches('+').parse::<u8>().ok() };
    count.inspect(|count| (0..*count).for_each(|_| text.push('\n'))).is_some()
}

fn push_hexadecimal(text: &mut String, digits: &str) -> bool {
    let bytes: Option<Vec<u8>> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().filter(|_| pair.len() == 2).and_then(hexadecimal))
        .collect();
    let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else { return false };
    let Ok(decoded) = std::str::from_utf8(&bytes) else { return false };
    text.push_str(decoded);
    true
}

fn hexadecimal(pair: &str) -> Option<u8> {
    pair.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u8::from_str_radix(pair, 16).ok())?
}

/// `text` as it is written in a field: `unescape` gives it back, whatever it holds.
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
            // Without an escape character there is no way to write it; a blank keeps the structure whole.
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
