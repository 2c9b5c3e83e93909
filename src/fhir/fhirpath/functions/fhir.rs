//! The functions that FHIR adds: FHIR R4 2.9.1.5.

use smol_str::SmolStr;

use super::narrative;
use super::{Function, Gives};
use crate::fhir::Node;
use crate::fhir::fhirpath::element::Element;
use crate::fhir::fhirpath::evaluator::{Call, Evaluator, Found, single};
use crate::fhir::fhirpath::fault::Cause;
use crate::fhir::fhirpath::item::{Collection, Item, at_most_one, one};
use crate::fhir::fhirpath::members;
use crate::fhir::fhirpath::types;

pub static FUNCTIONS: &[Function] = &[
    Function::new("extension", 1, 1, extension).giving(Gives::Extensions),
    Function::new("hasExtension", 1, 1, |evaluator, call| Ok(one(!extension(evaluator, call)?.is_empty()))),
    Function::new("hasValue", 0, 0, |_, call| Ok(one(matches!(call.input.as_slice(), [item] if has_value(item))))),
    Function::new("getValue", 0, 0, get_value),
    Function::new("resolve", 0, 0, resolve),
    Function::new("memberOf", 1, 1, member_of),
    Function::new("subsumes", 1, 1, |evaluator, call| subsumes(evaluator, call, false)),
    Function::new("subsumedBy", 1, 1, |evaluator, call| subsumes(evaluator, call, true)),
    Function::new("conformsTo", 1, 1, conforms_to),
    Function::new("htmlChecks", 0, 0, html_checks),
    Function::new("checkModifiers", 0, 64, check_modifiers).giving(Gives::Input),
    // Definitions and slices live in profiles, which this layer does not know.
    Function::new("elementDefinition", 0, 0, |_, _| Err(Cause::NotOffered("the definition of an element"))),
    Function::new("slice", 2, 2, |_, _| Err(Cause::NotOffered("the slices of a profile"))),
];

/// Base profiles are told from types; all others are the environment's.
const BASE_PROFILES: &str = "http://hl7.org/fhir/StructureDefinition/";

fn extension<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let Some(url) = evaluator.text_argument(&call, 0)? else { return Ok(Collection::new()) };
    let mut found = extensions(&call.input, "extension");
    evaluator.work(found.len())?;
    let has_url = |element: Element<'n>| element.object()?.get("url")?.as_str();
    found.retain(|item| item.element().and_then(has_url) == Some(url.as_str()));
    Ok(found)
}

fn extensions<'n>(input: &[Item<'n>], name: &'static str) -> Collection<'n> {
    let mut found = Collection::new();
    for element in input.iter().filter_map(Item::element) {
        members::extensions(&element, name, &mut found);
    }
    found
}

fn has_value(item: &Item<'_>) -> bool {
    match item {
        Item::Element(element) => element.has_value(),
        Item::Value(_) => true,
    }
}

fn get_value<'n>(_: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    match call.input.as_slice() {
        [item] if has_value(item) => Ok(at_most_one(item.value())),
        _ => Ok(Collection::new()),
    }
}

fn resolve<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let resolved = call.input.iter().filter_map(|item| target(evaluator, item));
    Ok(resolved.map(Item::Element).collect())
}

/// The resource that a Reference, or a text of one, names: contained, in the same Bundle, or known to the environment.
fn target<'n>(evaluator: &Evaluator<'_, 'n>, item: &Item<'n>) -> Option<Element<'n>> {
    let reference: SmolStr = match item.element().and_then(|element| element.object()) {
        Some(object) => object.get("reference")?.as_str()?.into(),
        None => item.text()?,
    };
    let root = evaluator.focus.root_resource;
    match reference.strip_prefix('#') {
        Some("") => root,
        Some(id) => contained(root?, id),
        None => root.and_then(|root| bundled(root, &reference)).or_else(|| evaluator.environment.resolve(&reference)),
    }
}

fn contained<'n>(root: Element<'n>, id: &str) -> Option<Element<'n>> {
    let mut contained = root.object()?.get("contained")?.items().iter().filter_map(Node::as_object);
    contained.find(|object| object.get("id").and_then(Node::as_str) == Some(id)).map(Element::resource)
}

/// By the full URL of an entry, which may be the absolute form of a relative reference (FHIR R4 2.36.4).
fn bundled<'n>(root: Element<'n>, reference: &str) -> Option<Element<'n>> {
    if root.kind() != "Bundle" {
        return None;
    }
    let names = |url: &str| url == reference || url.strip_suffix(reference).is_some_and(|base| base.ends_with('/'));
    let mut entries = root.object()?.get("entry")?.items().iter();
    let entry = entries.find(|entry| entry.get("fullUrl").and_then(Node::as_str).is_some_and(names))?;
    entry.get("resource")?.as_object().map(Element::resource)
}

fn member_of<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let value_set = evaluator.text_argument(&call, 0)?;
    let Some((item, value_set)) = single(call.input)?.zip(value_set) else { return Ok(Collection::new()) };
    evaluator.work(0)?;
    match evaluator.environment.is_member_of(&item, &value_set) {
        Some(is_member) => Ok(one(is_member)),
        None => Err(Cause::NotOffered("the codes of a value set")),
    }
}

fn subsumes<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>, reversed: bool) -> Found<'n> {
    let other = single(evaluator.evaluate(&call.arguments[0], call.scope)?)?;
    let Some((own, other)) = single(call.input)?.zip(other) else { return Ok(Collection::new()) };
    let (general, special) = if reversed { (other, own) } else { (own, other) };
    match evaluator.environment.subsumes(&general, &special) {
        Some(subsumes) => Ok(one(subsumes)),
        None => Err(Cause::NotOffered("which code subsumes which")),
    }
}

fn conforms_to<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let profile = evaluator.text_argument(&call, 0)?;
    let Some((item, profile)) = single(call.input)?.zip(profile) else { return Ok(Collection::new()) };
    let element = item.element().ok_or(Cause::NotA("an element of a resource"))?;
    if let Some(answer) = evaluator.environment.conforms_to(element, &profile) {
        return Ok(one(answer));
    }
    match profile.strip_prefix(BASE_PROFILES) {
        Some(kind) if types::is_known(kind) => Ok(one(types::is_a(element.kind(), kind))),
        _ => Err(Cause::NotOffered("what a profile asks for")),
    }
}

/// Whether a narrative has only what FHIR R4 2.4.0 allows.
fn html_checks<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let Some(item) = single(call.input)? else { return Ok(Collection::new()) };
    let text = item.text().ok_or(Cause::NotA("a narrative"))?;
    evaluator.work(text.len())?;
    Ok(one(narrative::is_allowed(&text)))
}

/// Passes on what has no modifier extension but those that are named (FHIR R4 2.9.1.5).
fn check_modifiers<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let mut known: Vec<SmolStr> = Vec::new();
    for number in 0..call.arguments.len() {
        known.extend(evaluator.text_argument(&call, number)?);
    }
    let modifiers = extensions(&call.input, "modifierExtension");
    let is_known = |item: &Item<'n>| {
        let url = item.element().and_then(|element| element.object()?.get("url")?.as_str());
        url.is_some_and(|url| known.iter().any(|known| known == url))
    };
    if modifiers.iter().all(is_known) { Ok(call.input) } else { Err(Cause::Argument("a known modifier extension")) }
}
