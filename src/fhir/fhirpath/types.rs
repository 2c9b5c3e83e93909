//! Names of types: which there are, and which is a kind of which (FHIR R4 2.24, FHIRPath N1 6.3).

use super::fault::Cause;
use super::item::Item;
use super::syntax::TypeName;
use super::value::Value;
use crate::fhir::definitions;

const SYSTEM: &[&str] = &["Any", "Boolean", "Integer", "Decimal", "String", "Date", "DateTime", "Time", "Quantity"];

/// Primitive types with the one each is derived from.
pub const PRIMITIVES: &[(&str, &str)] = &[
    ("base64Binary", "Element"),
    ("boolean", "Element"),
    ("canonical", "uri"),
    ("code", "string"),
    ("date", "Element"),
    ("dateTime", "Element"),
    ("decimal", "Element"),
    ("id", "string"),
    ("instant", "Element"),
    ("integer", "Element"),
    ("markdown", "string"),
    ("oid", "uri"),
    ("positiveInt", "integer"),
    ("string", "Element"),
    ("time", "Element"),
    ("unsignedInt", "integer"),
    ("uri", "Element"),
    ("url", "uri"),
    ("uuid", "uri"),
    ("xhtml", "Element"),
];

/// Quantities under the name of a profile, which R4 also takes for a type.
const PROFILED_QUANTITIES: &[&str] = &["MoneyQuantity", "SimpleQuantity"];

pub fn is_primitive(kind: &str) -> bool {
    PRIMITIVES.iter().any(|(name, _)| *name == kind)
}

pub fn is_quantity(kind: &str) -> bool {
    is_a(kind, "Quantity")
}

/// The type that a FHIR type is derived from; `None` for the roots and what is not known.
pub fn parent(kind: &str) -> Option<&'static str> {
    match PRIMITIVES.iter().find(|(name, _)| *name == kind) {
        Some((_, parent)) => Some(parent),
        None if PROFILED_QUANTITIES.contains(&kind) => Some("Quantity"),
        None => definitions::base(kind),
    }
}

/// Whether a FHIR type is another or derived from it.
pub fn is_a(kind: &str, ancestor: &str) -> bool {
    kind == ancestor || parent(kind).is_some_and(|parent| is_a(parent, ancestor))
}

/// Whether FHIR has a type of the name.
pub fn is_known(name: &str) -> bool {
    PROFILED_QUANTITIES.contains(&name) || is_primitive(name) || definitions::is_known(name)
}

impl TypeName {
    /// Fails for a type that neither FHIR nor FHIRPath has.
    pub fn check(&self) -> Result<(), Cause> {
        let name = self.name.as_str();
        let known = match self.namespace.as_deref() {
            Some("FHIR") => is_known(name),
            // `System.Patient` names nothing, which is an answer and no mistake.
            Some("System") => true,
            None => is_known(name) || SYSTEM.contains(&name),
            Some(_) => false,
        };
        if known { Ok(()) } else { Err(Cause::UnknownType(self.name.clone())) }
    }

    fn in_namespace(&self, namespace: &str) -> bool {
        self.namespace.as_deref().is_none_or(|own| own == namespace)
    }

    /// Whether an item is of the type or of one derived from it.
    pub fn includes(&self, item: &Item<'_>) -> bool {
        match item {
            Item::Element(element) => self.in_namespace("FHIR") && is_a(element.kind(), &self.name),
            Item::Value(value) => self.is_system(value),
        }
    }

    /// As `includes`, but a primitive must be of the very type: a code is not given out as a string (R4 tests of `as`).
    pub fn selects(&self, item: &Item<'_>) -> bool {
        match item {
            Item::Element(element) if is_primitive(element.kind()) => {
                self.in_namespace("FHIR") && element.kind() == self.name
            }
            other => self.includes(other),
        }
    }

    fn is_system(&self, value: &Value) -> bool {
        self.in_namespace("System") && (self.name == value.kind() || self.name == "Any")
    }
}
