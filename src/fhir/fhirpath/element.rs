//! Elements of a resource as FHIRPath sees them: a place in the JSON tree with its FHIR type, and the value it holds.

use smol_str::SmolStr;

use super::decimal::Decimal;
use super::quantity::{Quantity, Unit, calendar_unit};
use super::temporal::{Temporal, TemporalKind};
use super::types::is_quantity;
use super::value::Value;
use crate::fhir::{Node, Object, Resource};

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
    Boolean(&'n bool),
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

    /// As `of`, where a primitive may have only its companion.
    pub fn new(node: Option<&'n Node>, companion: Option<&'n Node>, kind: &'n str) -> Option<Self> {
        let companion = companion.and_then(Node::as_object);
        let content = match node {
            None | Some(Node::Null | Node::Array(_)) => Content::Absent,
            Some(Node::Bool(value)) => Content::Boolean(value),
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

    /// Whether this is the very element that stands in the tree as this node with this companion.
    pub fn is_at(&self, node: &Node, companion: Option<&Node>) -> bool {
        use std::ptr::eq;
        match (self.content, node) {
            (Content::Boolean(value), Node::Bool(other)) => eq(value, other),
            (Content::Number(text), Node::Number(other)) | (Content::Text(text), Node::String(other)) => {
                eq(text, other)
            }
            (Content::Object(object), Node::Object(other)) => eq(object, other),
            (Content::Absent, _) => match (self.companion, companion) {
                (Some(own), Some(Node::Object(other))) => eq(own, other),
                _ => false,
            },
            _ => false,
        }
    }

    pub const fn has_value(&self) -> bool {
        !matches!(self.content, Content::Absent | Content::Object(_))
    }

    /// What a primitive holds, or a Quantity, as a System value (FHIR R4 2.9.1.1).
    pub fn value(&self) -> Option<Value> {
        match self.content {
            Content::Absent => None,
            Content::Boolean(value) => Some(Value::Boolean(*value)),
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
    pub fn holder(&self) -> Option<(&'n Object, &'n str)> {
        match self.content {
            Content::Object(object) => Some((object, self.kind)),
            _ => Some((self.companion?, "Element")),
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
