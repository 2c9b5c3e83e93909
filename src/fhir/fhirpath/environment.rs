//! What an expression can see beside its focus, told by whoever asks.

use jiff::Zoned;

use super::element::Element;
use super::item::{Collection, Item};
use crate::fhir::{Object, Resource};

/// Where an evaluation begins.
#[derive(Clone, Debug, Default)]
pub struct Focus<'n> {
    /// `%context`, and `$this` at the beginning. Usually one item.
    pub items: Collection<'n>,
    /// `%resource`: the resource that the focus stands in.
    pub resource: Option<Element<'n>>,
    /// `%rootResource`: the one that contains that, when it is contained; else the same.
    pub root_resource: Option<Element<'n>>,
}

impl<'n> Focus<'n> {
    /// An element within a resource, for invariants of elements.
    pub fn within(element: Element<'n>, resource: &'n Object) -> Self {
        let resource = Element::resource(resource);
        Self { items: vec![Item::Element(element)], resource: Some(resource), root_resource: Some(resource) }
    }

    /// The same, where the resource is contained in another.
    pub fn contained_in(self, root: &'n Object) -> Self {
        Self { root_resource: Some(Element::resource(root)), ..self }
    }
}

impl<'n> From<&'n Object> for Focus<'n> {
    fn from(resource: &'n Object) -> Self {
        Self::within(Element::resource(resource), resource)
    }
}

impl<'n> From<&'n Resource> for Focus<'n> {
    fn from(resource: &'n Resource) -> Self {
        Self::from(resource.object())
    }
}

/// What lies outside of the resource. Every answer may be "not known", which is the answer here.
pub trait Environment<'n> {
    /// The instant of `now()`, `today()` and `timeOfDay()`, with the offset to tell it by.
    fn now(&self) -> Option<Zoned> {
        None
    }

    /// The value of `%name`, for the names that FHIR and FHIRPath leave open, and for `%context` where the focus is only
    /// a part of it; `None` for a name that is not known.
    fn constant(&self, _name: &str) -> Option<Collection<'n>> {
        None
    }

    /// What a type's name at the beginning of a path stands for when the focus is of another type: resources that are
    /// at hand. An addition of ours, for rendering from several resources.
    fn resources(&self, _kind: &str) -> Collection<'n> {
        Collection::new()
    }

    /// The resource of a reference that is not contained. What cannot be read may still be an `Element::of_kind`.
    fn resolve(&self, _reference: &str) -> Option<Element<'n>> {
        None
    }

    /// Whether a code, Coding or CodeableConcept is in a value set; `None` when that cannot be told.
    fn is_member_of(&self, _coded: &Item<'n>, _value_set: &str) -> Option<bool> {
        None
    }

    /// Whether a code subsumes another, both Codings; `None` when that cannot be told.
    fn subsumes(&self, _general: &Item<'n>, _special: &Item<'n>) -> Option<bool> {
        None
    }

    /// Whether an element conforms to a profile; `None` when the profile is not known.
    fn conforms_to(&self, _element: Element<'n>, _profile: &str) -> Option<bool> {
        None
    }

    /// Whether `as` takes from a list what is of the type, as the search parameters of R4 expect, instead of refusing
    /// lists, as FHIRPath has it.
    fn as_selects(&self) -> bool {
        false
    }
}

/// An environment that knows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Environment<'_> for Nothing {}
