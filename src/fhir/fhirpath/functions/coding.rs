//! Text in other clothes: `encode`, `decode`, `escape`, `unescape` (trial use part of FHIRPath, additional strings).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use smol_str::SmolStr;

use super::Function;
use super::text::text;
use crate::fhir::Node;
use crate::fhir::fhirpath::evaluator::{Call, Evaluator, Found};
use crate::fhir::fhirpath::fault::Cause;
use crate::fhir::fhirpath::item::{Collection, at_most_one};
use crate::fhir::fhirpath::value::Value;

pub static FUNCTIONS: &[Function] = &[
    Function::new("encode", 1, 1, |evaluator, call| recoded(evaluator, call, encode)),
    Function::new("decode", 1, 1, |evaluator, call| recoded(evaluator, call, decode)),
    Function::new("escape", 1, 1, |evaluator, call| recoded(evaluator, call, escape)),
    Function::new("unescape", 1, 1, |evaluator, call| recoded(evaluator, call, unescape)),
];

/// What a text becomes in a format: a fault for a format that is not known, nothing for a text that is not in it.
type Recode = fn(&str, &str) -> Result<Option<String>, Cause>;

fn recoded<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>, recode: Recode) -> Found<'n> {
    let format: Option<SmolStr> = evaluator.text_argument(&call, 0)?;
    let Some((text, format)) = text(call.input)?.zip(format) else { return Ok(Collection::new()) };
    evaluator.work(text.len().saturating_mul(2))?;
    Ok(at_most_one(recode(&text, &format)?.map(Value::string)))
}

const UNKNOWN: Cause = Cause::Argument("a format that is known");

fn encode(text: &str, format: &str) -> Result<Option<String>, Cause> {
    Ok(Some(match format {
        "hex" => text.bytes().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(hex_digit).collect(),
        "base64" => STANDARD.encode(text),
        "urlbase64" => URL_SAFE.encode(text),
        _ => return Err(UNKNOWN),
    }))
}

fn hex_digit(value: u8) -> Option<char> {
    char::from_digit(u32::from(value), 16)
}

fn decode(text: &str, format: &str) -> Result<Option<String>, Cause> {
    let bytes = match format {
        "hex" => from_hex(text),
        "base64" => STANDARD.decode(text).ok(),
        "urlbase64" => URL_SAFE.decode(text).ok(),
        _ => return Err(UNKNOWN),
    };
    Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// Longest first where one begins like another.
const HTML: &[(char, &str)] = &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];

fn escape(text: &str, format: &str) -> Result<Option<String>, Cause> {
    match format {
        "html" => {
            let mut escaped = String::with_capacity(text.len());
            for character in text.chars() {
                match HTML.iter().find(|(plain, _)| *plain == character) {
                    Some((_, entity)) => escaped.push_str(entity),
                    None => escaped.push(character),
                }
            }
            Ok(Some(escaped))
        }
        "json" => {
            let mut written = Vec::new();
            Node::from(text).write(&mut written);
            let quoted = String::from_utf8(written).unwrap_or_default();
            Ok(quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).map(str::to_owned))
        }
        _ => Err(UNKNOWN),
    }
}

fn unescape(text: &str, format: &str) -> Result<Option<String>, Cause> {
    match format {
        "html" => {
            let mut plain = String::with_capacity(text.len());
            let mut rest = text;
            while let Some(at) = rest.find('&') {
                plain.push_str(&rest[..at]);
                rest = &rest[at..];
                let (character, entity) =
                    HTML.iter().copied().find(|(_, entity)| rest.starts_with(entity)).unwrap_or(('&', "&"));
                plain.push(character);
                rest = &rest[entity.len()..];
            }
            plain.push_str(rest);
            Ok(Some(plain))
        }
        "json" => Ok(unescaped_json(text)),
        _ => Err(UNKNOWN),
    }
}

/// The escapes of JSON strings (RFC 8259 7) resolved; quotes may stand bare. `None` for half a character.
fn unescaped_json(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        plain.push_str(before);
        let length = match escape.as_bytes().first()? {
            b'u' if escape.get(5..7) == Some("\\u") => 11,
            b'u' => 5,
            b'b' | b'f' | b'n' | b'r' | b't' | b'"' | b'\\' | b'/' => 1,
            _ => return None,
        };
        let quoted = format!("\"\\{}\"", escape.get(..length)?);
        plain.push_str(Node::parse(quoted.as_bytes()).ok()?.as_str()?);
        rest = &escape[length..];
    }
    plain.push_str(rest);
    Some(plain)
}
