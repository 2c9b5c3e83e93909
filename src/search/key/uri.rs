//! URIs: as they are; `:below` is then a range (FHIR R4 search 3.1.1.4.14).

use super::{BadValue, Emit, Encoder, Find, Form, beginning, bounded};
use crate::base::limits::SEARCH_URI_LEVELS_MAX;
use crate::fhir::Node;

/// How a URI is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UriMatch {
    Equal,
    Above,
    Below,
}

pub(super) fn encoder(kind: &str) -> Option<Encoder> {
    match kind {
        "uri" | "url" | "oid" | "uuid" | "string" => Some(plain),
        "canonical" => Some(canonical),
        _ => None,
    }
}

fn plain(node: &Node, emit: &mut Emit<'_>) {
    if let Some(uri) = node.as_str().and_then(bounded) {
        emit(Form::Value, &[&uri]);
    }
}

/// With its version, and without.
fn canonical(node: &Node, emit: &mut Emit<'_>) {
    plain(node, emit);
    if let Some((url, _)) = node.as_str().and_then(|text| text.split_once('|'))
        && let Some(url) = bounded(url)
    {
        emit(Form::Value, &[&url]);
    }
}

pub fn uri_finds(uri: &str, how: UriMatch) -> Result<Vec<Find>, BadValue> {
    let expected = BadValue("expected a URI");
    let whole = bounded(uri).filter(|uri| !uri.is_empty()).ok_or(expected)?;
    Ok(match how {
        UriMatch::Equal => vec![Find::exactly(Form::Value, whole.into_owned())],
        UriMatch::Below => vec![Find::starting_with(Form::Value, beginning(uri.as_bytes()).to_vec())],
        UriMatch::Above => levels(uri).filter_map(bounded).map(|uri| Find::exactly(Form::Value, uri.into())).collect(),
    })
}

/// A URI and what it lies below: cut at each slash, with the slash and without, and at the bar of a version.
fn levels(uri: &str) -> impl Iterator<Item = &str> {
    let cuts = uri.match_indices(['/', '|']).flat_map(|(at, _)| [at, at + 1]);
    let shorter = cuts.filter(|at| *at > 0 && *at < uri.len()).map(|at| &uri[..at]);
    shorter.take(SEARCH_URI_LEVELS_MAX).chain([uri])
}
