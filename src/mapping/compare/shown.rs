//! What of a value may be shown: a code as it is, an identity by name, anything else as its shape (P8).

use smol_str::SmolStr;

use crate::base::limits::CODE_LENGTH_MAX;
use crate::fhir::definitions::{self, Primitive};
use crate::mapping::explain::shape;

/// A value in the form in which it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shown {
    /// A code, a code system, a truth value.
    Code(SmolStr),
    /// A logical id or a reference by one: it says nothing to a person.
    Identity,
    Shape(SmolStr),
    /// A resource as a whole, or an element that is deleted.
    Whole,
}

impl Shown {
    /// The form of the leaf at a path without positions, within a resource of this type.
    pub fn of(kind: &str, path: &str, text: &str) -> Self {
        if matches!(path, "id") || path.ends_with(".reference") {
            return Self::Identity;
        }
        if is_coded(kind, path) && is_code(text) {
            return Self::Code(text.into());
        }
        Self::Shape(shape(text).into())
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(text) => f.write_str(text),
            Self::Identity => f.write_str("(id)"),
            Self::Shape(text) => write!(f, "‹{text}›"),
            Self::Whole => f.write_str("(whole)"),
        }
    }
}

/// A text that a code can be: senders put sentences into coded fields.
fn is_code(text: &str) -> bool {
    text.chars().count() <= CODE_LENGTH_MAX && !text.chars().any(char::is_whitespace)
}

/// Whether R4 says that the element is a code, part of a coding, or a truth value. An identifier is never a code.
fn is_coded(kind: &str, path: &str) -> bool {
    let mut owner = kind.to_owned();
    for name in path.split('.') {
        if owner == "Identifier" && name == "value" {
            return false;
        }
        let name = name.strip_prefix('_').unwrap_or(name);
        let Some(found) = definitions::find(&owner, name) else { return false };
        if let Some(primitive) = Primitive::of(found.kind) {
            let of_coding = owner == "Coding" && matches!(name, "system" | "code");
            return of_coding || matches!(primitive, Primitive::Code | Primitive::Boolean);
        }
        found.kind.clone_into(&mut owner);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_show_and_nothing_else_does() {
        let check = |kind: &str, path: &str, text: &str, expected: &str| {
            assert_eq!(Shown::of(kind, path, text).to_string(), expected, "{kind}.{path}");
        };
        check("Encounter", "class.code", "IMP", "IMP");
        check("Encounter", "status", "finished", "finished");
        check("Patient", "active", "true", "true");
        check("Observation", "code.coding.system", "http://loinc.org", "http://loinc.org");
        check("Observation", "code.coding.display", "Sodium", "‹Aaaaaa›");
        check("Observation", "valueCodeableConcept.coding.code", "Jane Everyman", "‹Aaaa Aaaaaaaa›");
        check("Patient", "name.family", "Everyman", "‹Aaaaaaaa›");
        check("Patient", "name.use", "official", "official");
        check("Patient", "identifier.value", "17", "‹99›");
        check("Patient", "birthDate", "1970-01-31", "‹9999-99-99›");
        check("Patient", "id", "6f9619ff", "(id)");
        check("Encounter", "subject.reference", "Patient/6f9619ff", "(id)");
        check("Patient", "extension.valueCode", "M", "M");
        check("Unheard", "of", "Everyman", "‹Aaaaaaaa›");
    }
}
