//! Tokens: a code, a NUL, its system. `code` is then a range and `system|code` one key (FHIR R4 search 3.1.1.4.10).

use std::borrow::Cow;

use super::{BadValue, Emit, Encoder, Find, Form, bounded, present};
use crate::fhir::Node;

pub(super) fn encoder(kind: &str) -> Option<Encoder> {
    Some(match kind {
        "boolean" => boolean,
        "Coding" => coding,
        "CodeableConcept" => concept,
        "Identifier" => identifier,
        "ContactPoint" => contact,
        "code" | "string" | "markdown" | "id" | "uri" | "url" | "canonical" | "oid" | "uuid" | "date" | "dateTime"
        | "instant" | "integer" | "positiveInt" | "unsignedInt" | "decimal" => plain,
        "Quantity" | "Range" | "Reference" => present,
        _ => return None,
    })
}

fn boolean(node: &Node, emit: &mut Emit<'_>) {
    if let Some(value) = node.as_bool() {
        token(emit, Form::Value, None, if value { "true" } else { "false" });
    }
}

fn plain(node: &Node, emit: &mut Emit<'_>) {
    if let Node::String(text) | Node::Number(text) = node {
        token(emit, Form::Value, None, text);
    }
}

fn token(emit: &mut Emit<'_>, form: Form, system: Option<&str>, code: &str) {
    let system = system.unwrap_or_default();
    if let (Some(code), Some(system)) = (bounded(code), bounded(system)) {
        emit(form, &[&code, &[0], &system]);
    }
}

fn member<'n>(node: &'n Node, name: &str) -> Option<&'n str> {
    node.get(name).and_then(Node::as_str)
}

fn coding(node: &Node, emit: &mut Emit<'_>) {
    coded(emit, member(node, "system"), member(node, "code"));
    text(emit, member(node, "display"));
}

/// A code with its system, and the system alone; only that it is there when it has no code.
fn coded(emit: &mut Emit<'_>, system: Option<&str>, code: Option<&str>) {
    match code {
        Some(code) => token(emit, Form::Value, system, code),
        None => emit(Form::Bare, &[]),
    }
    if let Some(system) = system.and_then(bounded) {
        emit(Form::System, &[&system]);
    }
}

fn text(emit: &mut Emit<'_>, text: Option<&str>) {
    if let Some(text) = text {
        super::string::emit_string(text, Form::Text, emit);
    }
}

fn concept(node: &Node, emit: &mut Emit<'_>) {
    let codings = node.get("coding").map_or(&[][..], Node::items);
    codings.iter().for_each(|one| coding(one, emit));
    text(emit, member(node, "text"));
    if codings.is_empty() {
        emit(Form::Bare, &[]);
    }
}

/// Value and system; the type's codes lead to the value as well, for `:of-type`.
fn identifier(node: &Node, emit: &mut Emit<'_>) {
    let value = member(node, "value");
    coded(emit, member(node, "system"), value);
    let Some(kind) = node.get("type") else { return };
    text(emit, member(kind, "text"));
    for coding in kind.get("coding").map_or(&[][..], Node::items) {
        let parts = [value, member(coding, "code"), member(coding, "system")].map(|part| part.and_then(bounded));
        if let [Some(value), Some(code), Some(system)] = parts {
            emit(Form::OfType, &[&value, &[0], &code, &[0], &system]);
        }
    }
}

/// The number or address; `phone|…` finds it by the kind of contact as well, as other servers have it.
fn contact(node: &Node, emit: &mut Emit<'_>) {
    coded(emit, member(node, "system"), member(node, "value"));
}

/// An identifier as a form of something else.
pub(super) fn emit_identifier(node: &Node, emit: &mut Emit<'_>) {
    if let Some(value) = member(node, "value") {
        token(emit, Form::Identifier, member(node, "system"), value);
    }
}

/// What `[code]`, `[system]|[code]`, `|[code]` and `[system]|` find, by their parts. `implied` says whether a system is
/// the one that elements of type code stand for, with this code.
pub fn token_finds(form: Form, parts: &[String], implied: impl Fn(&str, &str) -> bool) -> Result<Vec<Find>, BadValue> {
    let expected = BadValue("expected a code, or a system and a code with a bar between them");
    let cleaned = |text: &str| bounded(text).map(Cow::into_owned).ok_or(expected);
    let with = |code: &str, system: &str| Ok([cleaned(code)?, vec![0], cleaned(system)?].concat());
    match parts {
        [code] if !code.is_empty() => Ok(vec![Find::starting_with(form, with(code, "")?)]),
        [system, code] if code.is_empty() && !system.is_empty() && form == Form::Value => {
            Ok(vec![Find::exactly(Form::System, cleaned(system)?)])
        }
        [system, code] if !code.is_empty() => {
            let mut finds = vec![Find::exactly(form, with(code, system)?)];
            if !system.is_empty() && implied(system, code) {
                finds.push(Find::exactly(form, with(code, "")?));
            }
            Ok(finds)
        }
        _ => Err(expected),
    }
}

/// `:of-type`: system and code of the type, and the value; none may be missing (FHIR R4 search 3.1.1.4.10).
pub fn of_type_finds(parts: &[String]) -> Result<Vec<Find>, BadValue> {
    let expected = BadValue("expected the system and code of an identifier type and a value, with bars between them");
    let [system, code, value] = parts else { return Err(expected) };
    if [system, code, value].iter().any(|part| part.is_empty()) {
        return Err(expected);
    }
    let all: Option<Vec<_>> = [value, code, system].into_iter().map(|part| bounded(part)).collect();
    Ok(vec![Find::exactly(Form::OfType, all.ok_or(expected)?.join(&0))])
}
