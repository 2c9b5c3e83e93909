//! The way from an element to its members.
//!
//! JSON keeps a primitive's id and extensions beside it, in the member `_name`; here they are the primitive's own
//! members (FHIR R4 2.6.2). A choice (`value[x]`) is the member `value`, of the type that its JSON name tells.

use std::sync::OnceLock;

use smol_str::SmolStr;

use super::element::Element;
use super::item::Item;
use super::types::PRIMITIVES;
use crate::fhir::{Node, Object, definitions};

/// The name of a member in an expression. What the definition of its owner says is kept from the first time, as an
/// expression mostly meets the same types again.
#[derive(Debug)]
pub struct Member {
    pub name: SmolStr,
    seen: OnceLock<(SmolStr, Shape)>,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Plain(&'static str),
    Choice,
    /// Not described; `true` when the owner is.
    Unknown(bool),
}

impl Member {
    pub const fn named(name: SmolStr) -> Self {
        Self { name, seen: OnceLock::new() }
    }

    /// Appends the members of an element.
    pub fn append<'n>(&self, element: &Element<'n>, found: &mut Vec<Item<'n>>) {
        let Some((object, kind)) = element.holder() else { return };
        match self.shape(kind) {
            Shape::Plain(member_kind) => push_named(object, &self.name, member_kind, found),
            Shape::Choice => push_choice(object, &self.name, found),
            Shape::Unknown(owner_is_known) => {
                let before = found.len();
                push_named(object, &self.name, fallback(&self.name), found);
                if found.len() == before && !owner_is_known {
                    push_choice(object, &self.name, found);
                }
            }
        }
    }

    fn shape(&self, kind: &str) -> Shape {
        let (known, first) = self.seen.get_or_init(|| (kind.into(), shape(kind, &self.name)));
        if known == kind { *first } else { shape(kind, &self.name) }
    }
}

/// Appends the extensions of an element, or its modifier extensions.
pub fn extensions<'n>(element: &Element<'n>, name: &'static str, found: &mut Vec<Item<'n>>) {
    if let Some((object, _)) = element.holder() {
        push_named(object, name, "Extension", found);
    }
}

/// Appends all members of an element.
pub fn children<'n>(element: &Element<'n>, found: &mut Vec<Item<'n>>) {
    let Some((object, kind)) = element.holder() else { return };
    for (key, node) in object.iter() {
        let beside_nothing = key.strip_prefix('_').filter(|name| object.get(name).is_none());
        let name = beside_nothing.unwrap_or(key);
        if (key.starts_with('_') && beside_nothing.is_none()) || key == "resourceType" {
            continue;
        }
        let child_kind = definitions::find(kind, name).map_or_else(|| guessed(kind, name), |found| found.kind);
        match beside_nothing {
            Some(_) => push(None, Some(node), child_kind, found),
            None => push(Some(node), companion(object, name, node), child_kind, found),
        }
    }
}

/// How a type describes the member of a name.
fn shape(kind: &str, name: &str) -> Shape {
    let elements = definitions::elements(kind);
    for element in elements {
        if let Some(rest) = element.name.strip_prefix(name) {
            match rest {
                "" => return Shape::Plain(element.types().next().unwrap_or_default()),
                "[x]" => return Shape::Choice,
                _ => {}
            }
        }
    }
    definitions::find(kind, name).map_or(Shape::Unknown(!elements.is_empty()), |found| Shape::Plain(found.kind))
}

/// The type of a member that no definition describes: what every element or resource may have.
fn fallback(name: &str) -> &'static str {
    match name {
        "extension" | "modifierExtension" => "Extension",
        "contained" => "Resource",
        "meta" => "Meta",
        "id" => "string",
        _ => "",
    }
}

/// As `fallback`, and a choice by its name when nothing is known of the owner.
fn guessed<'n>(kind: &str, name: &'n str) -> &'n str {
    let fallback = fallback(name);
    if !fallback.is_empty() || !definitions::elements(kind).is_empty() {
        return fallback;
    }
    name.find(|c: char| c.is_ascii_uppercase()).and_then(|at| type_of_suffix(&name[at..])).unwrap_or_default()
}

fn push_named<'n>(object: &'n Object, name: &str, kind: &'n str, found: &mut Vec<Item<'n>>) {
    let mut node = None;
    let mut beside = None;
    for (key, value) in object.iter() {
        if key == name {
            node = Some(value);
        } else if key.strip_prefix('_') == Some(name) {
            beside = Some(value);
        }
    }
    push(node, beside, kind, found);
}

fn push_choice<'n>(object: &'n Object, stem: &str, found: &mut Vec<Item<'n>>) {
    for (key, node) in object.iter() {
        let beside = key.strip_prefix('_');
        let name = beside.unwrap_or(key);
        let Some(member_kind) = name.strip_prefix(stem).and_then(type_of_suffix) else { continue };
        match beside {
            None => push(Some(node), companion(object, name, node), member_kind, found),
            Some(name) if object.get(name).is_none() => push(None, Some(node), member_kind, found),
            Some(_) => {}
        }
    }
}

/// `Quantity` to `Quantity`, `DateTime` to `dateTime`.
fn type_of_suffix(suffix: &str) -> Option<&str> {
    let (first, rest) = suffix.as_bytes().split_first().filter(|(first, _)| first.is_ascii_uppercase())?;
    let primitive = PRIMITIVES.iter().find(|(name, _)| {
        let name = name.as_bytes();
        name[1..] == *rest && name[0].eq_ignore_ascii_case(first)
    });
    match primitive {
        Some((name, _)) => Some(name),
        None => definitions::is_known(suffix).then_some(suffix),
    }
}

/// What stands beside a primitive; an object needs no look.
fn companion<'n>(object: &'n Object, name: &str, node: &Node) -> Option<&'n Node> {
    if matches!(node, Node::Object(_)) {
        return None;
    }
    object.iter().find(|(key, _)| key.strip_prefix('_') == Some(name)).map(|(_, node)| node)
}

/// Appends a member: every entry of a list with what stands beside it.
fn push<'n>(node: Option<&'n Node>, beside: Option<&'n Node>, kind: &'n str, found: &mut Vec<Item<'n>>) {
    let entries = |node: Option<&'n Node>| match node {
        Some(Node::Array(entries)) => Some(entries.as_slice()),
        _ => None,
    };
    match (entries(node), entries(beside)) {
        (None, None) => found.extend(Element::new(node, beside, kind).map(Item::Element)),
        (nodes, besides) => {
            let (nodes, besides) = (nodes.unwrap_or_default(), besides.unwrap_or_default());
            found.extend(
                (0..nodes.len().max(besides.len()))
                    .filter_map(|at| Element::new(nodes.get(at), besides.get(at), kind).map(Item::Element)),
            );
        }
    }
}
