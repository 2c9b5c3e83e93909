//! Strings: in a normal form, a NUL, then as they are (FHIR R4 search 3.1.1.4.9).
//!
//! The normal form has no case, no accents, and single blanks in place of punctuation and white space. What begins so
//! is a range; `:exact` is one key; `:contains` is a test of all keys of the parameter.

use super::fold::normal;
use super::{BadValue, Emit, Encoder, Find, Form, Test, beginning, bounded};
use crate::base::limits::INDEX_VALUE_BYTES_MAX;
use crate::fhir::Node;
use crate::record::Relation;

/// How a string is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringMatch {
    Start,
    Exact,
    Contains,
}

/// The parts of names and addresses, each of which is found by itself.
const NAME_PARTS: &[&str] = &["family", "given", "prefix", "suffix", "text"];
const ADDRESS_PARTS: &[&str] = &["line", "city", "district", "state", "postalCode", "country", "text"];

pub(super) fn encoder(kind: &str) -> Option<Encoder> {
    Some(match kind {
        "string" | "markdown" | "code" | "id" | "uri" | "url" | "canonical" => plain,
        "HumanName" => |node, emit| parts(node, NAME_PARTS, emit),
        "Address" => |node, emit| parts(node, ADDRESS_PARTS, emit),
        "CodeableConcept" => |node, emit| parts(node, &["text"], emit),
        _ => return None,
    })
}

fn plain(node: &Node, emit: &mut Emit<'_>) {
    if let Some(text) = node.as_str() {
        emit_string(text, Form::Value, emit);
    }
}

fn parts(node: &Node, names: &[&str], emit: &mut Emit<'_>) {
    let mut found = false;
    for text in names.iter().filter_map(|name| node.get(name)).flat_map(Node::items).filter_map(Node::as_str) {
        emit_string(text, Form::Value, emit);
        found = true;
    }
    if !found {
        emit(Form::Bare, &[]);
    }
}

pub(super) fn emit_string(text: &str, form: Form, emit: &mut Emit<'_>) {
    if let Some(original) = bounded(text) {
        let normal = normal(text);
        emit(form, &[kept(&normal), &[0], &original]);
    }
}

/// So much of a normal form stands in the index: what follows is not looked at, except for `:exact`.
fn kept(normal: &str) -> &[u8] {
    &normal.as_bytes()[..normal.len().min(INDEX_VALUE_BYTES_MAX)]
}

/// What finds a string.
pub fn string_finds(form: Form, text: &str, how: StringMatch) -> Result<Vec<Find>, BadValue> {
    let original = bounded(text).ok_or(BadValue("expected a text without control characters"))?;
    let normal = normal(text);
    if normal.is_empty() && how != StringMatch::Exact {
        return Err(BadValue("expected a text with a letter or a digit"));
    }
    let kept = kept(&normal);
    Ok(vec![match how {
        StringMatch::Exact => Find::exactly(form, [kept, &[0], &original].concat()),
        StringMatch::Start => Find::starting_with(form, kept.to_vec()),
        StringMatch::Contains => {
            let value = beginning(kept).to_vec();
            Find { tests: vec![Test { at: 0, length: None, relation: Relation::Contains, value }], ..Find::all(form) }
        }
    }])
}
