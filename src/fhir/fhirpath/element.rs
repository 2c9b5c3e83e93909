//! Elements of a resource as FHIRPath sees them: a place in the JSON tree with its FHIR type, and the way to its members.
//!
//! JSON keeps a primitive's id and extensions beside it, in the member `_name`; here they are the primitive's own
//! members (FHIR R4 2.6.2). A choice (`value[x]`) is the member `value`, of the type that its JSON name tells.

use std::ptr;

use smol_str::SmolStr;

use super::decimal::Decimal;
use super::item::Item;
use super::quantity::{Quantity, Unit, calendar_unit};
use super::temporal::{Temporal, TemporalKind};
use super::types::{PRIMITIVES, is_quantity};
use super::value::Value;
use crate::fhir::{Node, Object, Resource, definitions};

#[derive(Clone, Copy, Debug)]
pub struct Element<'n> {
    content: Content<'n>,
    /// Where a primitive's id and extensions stand.
    companion: Option<&'n Object>,
    kind: &'n str,
}

#[derive(Clone, Copy, Debug)]
enum Content<'n> {
    /// A primitive that has only extensions.
    Absent,
    Boolean(bool),
    Number(&'n SmolStr),
    Text(&'n SmolStr),
    Object(&'n Object),
}

/// The kinds under which a member may stand as any resource.
const ANY_RESOURCE: &[&str] = &["", "Resource", "DomainResource"];

impl<'n> Element<'n> {
    /// A whole resource; without a `resourceType` it is an object of unknown type.
    pub fn resource(object: &'n Object) -> Self {
        Self { content: Content::Object(object), companion: None, kind: resource_type(object).unwrap_or_default() }
    }

    /// An object of which the type is known.
    pub const fn complex(object: &'n Object, kind: &'n str) -> Self {
        Self { content: Content::Object(object), companion: None, kind }
    }

    /// A node of which the type is known: `HumanName`, `code`, or the path of a backbone element, `Patient.contact`.
    /// `companion` is what stands beside a primitive. `None` for a list or null.
    pub fn of(node: &'n Node, companion: Option<&'n Node>, kind: &'n str) -> Option<Self> {
        Self::new(Some(node), companion, kind)
    }

    /// Something of a type of which nothing else is known: what a reference names that cannot be read.
    pub const fn of_kind(kind: &'n str) -> Self {
        Self { content: Content::Absent, companion: None, kind }
    }

    fn new(node: Option<&'n Node>, companion: Option<&'n Node>, kind: &'n str) -> Option<Self> {
        let companion = companion.and_then(Node::as_object);
        let content = match node {
            None | Some(Node::Null | Node::Array(_)) => Content::Absent,
            Some(Node::Bool(value)) => Content::Boolean(*value),
            Some(Node::Number(text)) => Content::Number(text),
            Some(Node::String(text)) => Content::Text(text),
            Some(Node::Object(object)) => {
                let own = ANY_RESOURCE.contains(&kind).then(|| resource_type(object)).flatten();
                return Some(Self { content: Content::Object(object), companion, kind: own.unwrap_or(kind) });
            }
        };
        let is_there = companion.is_some() || !matches!(content, Content::Absent);
        is_there.then_some(Self { content, companion, kind })
    }

    /// Its FHIR type; a backbone element's is its path; empty when not known.
    pub const fn kind(&self) -> &'n str {
        self.kind
    }

    /// The object of a complex element.
    pub const fn object(&self) -> Option<&'n Object> {
        match self.content {
            Content::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The text of a primitive, a number or a truth value in its JSON form; `None` for what has members.
    pub fn text(&self) -> Option<SmolStr> {
        match self.content {
            Content::Text(text) | Content::Number(text) => Some(text.clone()),
            Content::Boolean(true) => Some(SmolStr::new_static("true")),
            Content::Boolean(false) => Some(SmolStr::new_static("false")),
            Content::Absent | Content::Object(_) => None,
        }
    }

    pub const fn has_value(&self) -> bool {
        !matches!(self.content, Content::Absent | Content::Object(_))
    }

    /// Whether both are the same place of the same tree.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self.content, other.content) {
            (Content::Object(left), Content::Object(right)) => ptr::eq(left, right),
            (Content::Text(left), Content::Text(right)) | (Content::Number(left), Content::Number(right)) => {
                ptr::eq(left, right)
            }
            _ => false,
        }
    }

    /// What a primitive holds, or a Quantity, as a System value (FHIR R4 2.9.1.1).
    pub fn value(&self) -> Option<Value> {
        match self.content {
            Content::Absent => None,
            Content::Boolean(value) => Some(Value::Boolean(value)),
            Content::Number(text) => self.number(text),
            Content::Text(text) => Some(self.typed(text)),
            Content::Object(object) => is_quantity(self.kind).then(|| quantity(object))?.map(Value::from),
        }
    }

    fn number(&self, text: &str) -> Option<Value> {
        let whole = self.kind != "decimal" && !text.contains(['.', 'e', 'E']);
        let integer = whole.then(|| text.parse().ok()).flatten().map(Value::Integer);
        integer.or_else(|| Decimal::parse(text).map(Value::Decimal))
    }

    /// A text by the type of the element. One that is not as its type wants it stays a text: what is invalid is not
    /// for this engine to say.
    fn typed(&self, text: &SmolStr) -> Value {
        let kind = match self.kind {
            "date" => TemporalKind::Date,
            "dateTime" | "instant" => TemporalKind::DateTime,
            "time" => TemporalKind::Time,
            _ => return Value::String(text.clone()),
        };
        Temporal::parse(kind, text).map_or_else(|| Value::String(text.clone()), Value::Temporal)
    }

    /// The object that its members stand in, and the type they are described under.
    fn holder(&self) -> Option<(&'n Object, &'n str)> {
        match self.content {
            Content::Object(object) => Some((object, self.kind)),
            _ => Some((self.companion?, "Element")),
        }
    }

    /// Appends the members of a name.
    pub fn members(&self, name: &str, found: &mut Vec<Item<'n>>) {
        let Some((object, kind)) = self.holder() else { return };
        match shape(kind, name) {
            Shape::Plain(member_kind) => push_named(object, name, member_kind, found),
            Shape::Choice => push_choice(object, kind, name, found),
            Shape::Unknown => {
                let before = found.len();
                push_named(object, name, fallback(name), found);
                if found.len() == before && definitions::elements(kind).is_empty() {
                    push_choice(object, kind, name, found);
                }
            }
        }
    }

    /// Appends all members.
    pub fn children(&self, found: &mut Vec<Item<'n>>) {
        let Some((object, kind)) = self.holder() else { return };
        for (key, node) in object.iter() {
            let (name, paired) = match key.strip_prefix('_') {
                Some(name) => (name, object.get(name).is_some()),
                None => (key, false),
            };
            if paired || key == "resourceType" || (key == "fhir_comments") {
                continue;
            }
            let child_kind = definitions::find(kind, name).map_or_else(|| guessed(kind, name), |found| found.kind);
            match key == name {
                true => push(Some(node), companion(object, name, node), child_kind, found),
                false => push(None, Some(node), child_kind, found),
            }
        }
    }
}

impl<'n> From<&'n Resource> for Element<'n> {
    fn from(resource: &'n Resource) -> Self {
        Self::resource(resource.object())
    }
}

fn resource_type(object: &Object) -> Option<&str> {
    object.get("resourceType").and_then(Node::as_str)
}

enum Shape {
    Plain(&'static str),
    Choice,
    Unknown,
}

/// How a type describes the member of a name.
fn shape(kind: &str, name: &str) -> Shape {
    for element in definitions::elements(kind) {
        if element.name == name {
            return Shape::Plain(element.types().next().unwrap_or_default());
        }
        if element.name.strip_suffix("[x]") == Some(name) {
            return Shape::Choice;
        }
    }
    definitions::find(kind, name).map_or(Shape::Unknown, |found| Shape::Plain(found.kind))
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

fn push_choice<'n>(object: &'n Object, kind: &str, stem: &str, found: &mut Vec<Item<'n>>) {
    for (key, node) in object.iter() {
        let (name, is_beside) = key.strip_prefix('_').map_or((key, false), |name| (name, true));
        let Some(suffix) = name.strip_prefix(stem).filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
        else {
            continue;
        };
        let described = definitions::find(kind, name).map(|found| found.kind);
        let Some(member_kind) = described.or_else(|| type_of_suffix(suffix)) else { continue };
        match is_beside {
            false => push(Some(node), companion(object, name, node), member_kind, found),
            true if object.get(name).is_none() => push(None, Some(node), member_kind, found),
            true => {}
        }
    }
}

/// `Quantity` to `Quantity`, `DateTime` to `dateTime`.
fn type_of_suffix(suffix: &str) -> Option<&str> {
    let primitive = PRIMITIVES.iter().find(|(name, _)| {
        name.len() == suffix.len() && name[1..] == suffix[1..] && name[..1].eq_ignore_ascii_case(&suffix[..1])
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

/// A FHIR Quantity with a UCUM unit; those of durations are the ones of the calendar (FHIR R4 2.9.1.1). One with a
/// comparator is no certain amount.
fn quantity(object: &Object) -> Option<Quantity> {
    let text = |name: &str| object.get(name).and_then(Node::as_str);
    let value = match object.get("value") {
        Some(Node::Number(text)) => Decimal::parse(text)?,
        _ => return None,
    };
    if object.get("comparator").is_some() {
        return None;
    }
    let unit = match (text("system"), text("code")) {
        (Some("http://unitsofmeasure.org"), Some(code)) => ucum_or_calendar(code),
        (None, None) if text("unit").is_none() => return Some(Quantity::of_number(value)),
        _ => return None,
    };
    Some(Quantity { value, unit })
}

fn ucum_or_calendar(code: &str) -> Unit {
    let word = match code {
        "a" => "year",
        "mo" => "month",
        "wk" => "week",
        "d" => "day",
        "h" => "hour",
        "min" => "minute",
        "s" => "second",
        "ms" => "millisecond",
        _ => return Unit::Ucum(code.into()),
    };
    calendar_unit(word).map_or_else(|| Unit::Ucum(code.into()), Unit::Calendar)
}
