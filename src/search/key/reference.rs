//! References: id, a NUL and type of what is meant when it is one of ours; else the whole text, a NUL and nothing
//! (FHIR R4 search 3.1.1.4.12). Chains follow the former.

use super::{BadValue, Emit, Encoder, Find, Form, bounded, present, token};
use crate::fhir::{Node, Object, definitions};
use crate::record::ResourceKey;

pub(super) fn encoder(kind: &str) -> Option<Encoder> {
    Some(match kind {
        "Reference" => reference,
        "canonical" | "uri" | "url" | "oid" | "uuid" => address,
        "Identifier" => identifier,
        "Resource" => resource,
        "CodeableConcept" | "Attachment" => present,
        _ => return None,
    })
}

fn reference(node: &Node, emit: &mut Emit<'_>) {
    let text = node.get("reference").and_then(Node::as_str);
    match text.filter(|text| !text.starts_with('#')) {
        Some(text) => literal(text, emit),
        None => emit(Form::Bare, &[]),
    }
    if let Some(identifier) = node.get("identifier") {
        token::emit_identifier(identifier, emit);
    }
}

/// One of ours by id and type, without its version; another by its text.
fn literal(text: &str, emit: &mut Emit<'_>) {
    match target(text) {
        Some(key) => emit(Form::Value, &[key.id.as_bytes(), &[0], key.kind.as_bytes()]),
        None => whole(text, emit),
    }
}

fn whole(text: &str, emit: &mut Emit<'_>) {
    if let Some(text) = bounded(text) {
        emit(Form::Value, &[&text, &[0]]);
    }
}

/// A canonical URL with its version, and without.
fn address(node: &Node, emit: &mut Emit<'_>) {
    let Some(text) = node.as_str().filter(|text| !text.starts_with('#')) else { return emit(Form::Bare, &[]) };
    literal(text, emit);
    if let Some((url, _)) = text.split_once('|') {
        literal(url, emit);
    }
}

fn identifier(node: &Node, emit: &mut Emit<'_>) {
    token::emit_identifier(node, emit);
    emit(Form::Bare, &[]);
}

/// A resource that stands in this one, as those of a Bundle do.
fn resource(node: &Node, emit: &mut Emit<'_>) {
    match (node.get("id").and_then(Node::as_str), node.get("resourceType").and_then(Node::as_str)) {
        (Some(id), Some(kind)) => literal(&format!("{kind}/{id}"), emit),
        _ => emit(Form::Bare, &[]),
    }
}

/// The resource that a relative reference `Type/id` or `Type/id/_history/version` names.
pub fn target(reference: &str) -> Option<ResourceKey> {
    let reference = reference.split_once("/_history/").map_or(reference, |(reference, _)| reference);
    ResourceKey::from_reference(reference).filter(|key| definitions::is_resource(&key.kind) && key.id.len() <= 64)
}

/// Whether a Reference is to a resource of a type, as far as itself tells: by its text, its `type`, or, when it is
/// contained, by what is contained in `root`.
pub fn is_about(node: &Node, root: &Object, kind: &str) -> bool {
    let text = node.get("reference").and_then(Node::as_str).unwrap_or_default();
    if let Some(id) = text.strip_prefix('#') {
        let contained = root.get("contained").map_or(&[][..], Node::items);
        let member = |one: &Node, name: &str, value: &str| one.get(name).and_then(Node::as_str) == Some(value);
        return contained.iter().any(|one| member(one, "id", id) && member(one, "resourceType", kind));
    }
    let path = text.split_once("/_history/").map_or(text, |(path, _)| path);
    let mut parts = path.rsplit('/');
    let named = parts.next().and_then(|_| parts.next()).filter(|name| definitions::is_resource(name));
    match named {
        Some(named) => named == kind,
        None => node.get("type").and_then(Node::as_str) == Some(kind),
    }
}

/// What is asked of a reference.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The base of this server, without a slash at its end.
    pub base_url: &'a str,
    /// The type of a modifier: `subject:Patient`.
    pub kind: Option<&'a str>,
}

/// What `[id]`, `[type]/[id]`, `[url]` and `[url]|[version]` find.
pub fn reference_finds(text: &str, asked: Asked<'_>) -> Result<Vec<Find>, BadValue> {
    let expected = BadValue("expected an id, Type/id or a URL");
    let ours = |key: &ResourceKey| [key.id.as_bytes(), &[0], key.kind.as_bytes()].concat();
    let elsewhere = |text: &str| bounded(text).map(|text| [&text, &[0][..]].concat());
    let relative = text.strip_prefix(asked.base_url).and_then(|rest| rest.strip_prefix('/')).unwrap_or(text);
    if let Some(key) = target(relative) {
        if asked.kind.is_some_and(|kind| kind != key.kind) {
            return Err(BadValue("expected a reference to a resource of the type that the modifier names"));
        }
        return Ok([Some(ours(&key)), elsewhere(&format!("{}/{key}", asked.base_url))]
            .into_iter()
            .flatten()
            .map(|value| Find::exactly(Form::Value, value))
            .collect());
    }
    let is_id =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    match asked.kind {
        Some(kind) if is_id => reference_finds(&format!("{kind}/{text}"), Asked { kind: None, ..asked }),
        None if is_id => Ok(vec![Find::starting_with(Form::Value, elsewhere(text).ok_or(expected)?)]),
        _ if text.is_empty() => Err(expected),
        _ => Ok(vec![Find::exactly(Form::Value, elsewhere(text).ok_or(expected)?)]),
    }
}
