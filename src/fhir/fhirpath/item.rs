//! What collections hold: elements of a resource, which stay where they are, and values that were computed.

use super::element::Element;
use super::value::Value;

/// Items in order. What an expression gives is always a collection; nothing is the empty one.
pub type Collection<'n> = Vec<Item<'n>>;

#[derive(Clone, Debug)]
pub enum Item<'n> {
    Element(Element<'n>),
    Value(Value),
}

impl<'n> Item<'n> {
    /// As a System value: what a primitive holds, and a FHIR Quantity as one of FHIRPath. `None` for what has members
    /// and for a primitive that has only extensions.
    pub fn value(&self) -> Option<Value> {
        match self {
            Self::Element(element) => element.value(),
            Self::Value(value) => Some(value.clone()),
        }
    }

    pub const fn element(&self) -> Option<Element<'n>> {
        match self {
            Self::Element(element) => Some(*element),
            Self::Value(_) => None,
        }
    }

    /// The text of a primitive as JSON has it, or of a value as `toString()` writes it.
    pub fn text(&self) -> Option<smol_str::SmolStr> {
        match self {
            Self::Element(element) => element.text(),
            Self::Value(value) => Some(value.text()),
        }
    }
}

impl<'n> From<Element<'n>> for Item<'n> {
    fn from(element: Element<'n>) -> Self {
        Self::Element(element)
    }
}

impl<T: Into<Value>> From<T> for Item<'_> {
    fn from(value: T) -> Self {
        Self::Value(value.into())
    }
}

/// A collection of one computed value.
pub fn one<'n>(value: impl Into<Value>) -> Collection<'n> {
    vec![Item::Value(value.into())]
}

/// A collection of at most one computed value.
pub fn at_most_one<'n, T: Into<Value>>(value: Option<T>) -> Collection<'n> {
    value.map_or_else(Vec::new, one)
}
