//! What R4 says about elements: cardinality and types, for the resources and data types the gateway handles.
//!
//! The facts are those of the official StructureDefinitions (FHIR R4 4.0.1, CC0), written compactly in
//! `definitions/elements.txt`: a line without indent names a type, each indented line one of its elements with its
//! cardinality (`1` required, `?` optional, `*` list, `+` list of at least one) and its types. `=X.y` is an element
//! that is described under the name `X.y`; a lone `*` is any type.

use std::collections::HashMap;
use std::sync::OnceLock;

/// One element of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// As in JSON for a fixed type; the stem with `[x]` for a choice.
    pub name: &'static str,
    pub list: bool,
    pub required: bool,
    types: &'static str,
}

impl Element {
    /// The codes of its types.
    pub fn types(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.types.split(' ').map(|name| name.strip_prefix('=').unwrap_or(name))
    }
}

/// An element as a path names it: a choice is narrowed to the type in its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub list: bool,
    /// The type code, or the name under which its elements are described.
    pub kind: &'static str,
}

/// The FHIR R4 primitive types that the gateway writes, by what their text must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primitive {
    Text,
    Code,
    Uri,
    Id,
    Boolean,
    Integer,
    UnsignedInt,
    PositiveInt,
    Decimal,
    Date,
    DateTime,
    Instant,
    Time,
    Base64,
}

impl Primitive {
    /// Its text stands in JSON as it was given.
    pub const fn is_plain(self) -> bool {
        matches!(self, Self::Text | Self::Code | Self::Uri | Self::Id)
    }

    /// The primitive of a type code; `None` for complex types.
    pub fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "string" | "markdown" | "xhtml" => Self::Text,
            "code" => Self::Code,
            "uri" | "url" | "canonical" | "oid" | "uuid" => Self::Uri,
            "id" => Self::Id,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "unsignedInt" => Self::UnsignedInt,
            "positiveInt" => Self::PositiveInt,
            "decimal" => Self::Decimal,
            "date" => Self::Date,
            "dateTime" => Self::DateTime,
            "instant" => Self::Instant,
            "time" => Self::Time,
            "base64Binary" => Self::Base64,
            _ => return None,
        })
    }
}

/// The types that a choice element of any type may take here: `valueX` of an extension.
const ANY: &str = "base64Binary boolean canonical code date dateTime decimal id instant integer markdown positiveInt \
                   string time unsignedInt uri url Address Age Annotation Attachment CodeableConcept Coding \
                   ContactPoint Duration HumanName Identifier Period Quantity Range Ratio Reference Timing Meta";

type Table = HashMap<&'static str, Vec<Element>>;

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| read(include_str!("definitions/elements.txt")))
}

fn read(text: &'static str) -> Table {
    let mut table = Table::new();
    let mut owner = "";
    for line in text.lines() {
        match line.strip_prefix(' ') {
            None => owner = line,
            Some(line) => table.entry(owner).or_default().extend(element(line)),
        }
    }
    table
}

fn element(line: &'static str) -> Option<Element> {
    let (name, rest) = line.split_once(' ')?;
    let (cardinality, types) = rest.split_once(' ')?;
    Some(Element {
        name,
        list: matches!(cardinality, "*" | "+"),
        required: matches!(cardinality, "1" | "+"),
        types: if types == "*" { ANY } else { types },
    })
}

/// Whether the type is known here.
pub fn is_known(kind: &str) -> bool {
    table().contains_key(kind)
}

/// A resource type: it can stand in a Bundle.
pub fn is_resource(kind: &str) -> bool {
    table().get(kind).is_some_and(|elements| elements.iter().any(|element| element.name == "implicitRules"))
}

/// The elements of a type in the order of the specification; empty for an unknown one.
pub fn elements(kind: &str) -> &'static [Element] {
    table().get(kind).map_or(&[], Vec::as_slice)
}

/// Finds an element by its JSON name: `name`, `deceasedBoolean`.
pub fn find(kind: &str, name: &str) -> Option<Found> {
    elements(kind).iter().find_map(|element| {
        let kind = match element.name.strip_suffix("[x]") {
            None => element.types().next().filter(|_| element.name == name)?,
            Some(stem) => chosen(element, name.strip_prefix(stem)?)?,
        };
        Some(Found { list: element.list, kind })
    })
}

fn chosen(element: &Element, suffix: &str) -> Option<&'static str> {
    element.types().find(|kind| {
        kind.len() == suffix.len() && kind[1..] == suffix[1..] && kind[..1].eq_ignore_ascii_case(&suffix[..1])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_their_json_names() {
        for (kind, name, list, of) in [
            ("Patient", "identifier", true, "Identifier"),
            ("Patient", "deceasedBoolean", false, "boolean"),
            ("Patient", "contact", true, "Patient.contact"),
            ("Patient.contact", "name", false, "HumanName"),
            ("Extension", "valueCodeableConcept", false, "CodeableConcept"),
            ("Encounter", "class", false, "Coding"),
            ("Observation", "valueQuantity", false, "Quantity"),
        ] {
            assert_eq!(find(kind, name), Some(Found { list, kind: of }), "{kind}.{name}");
        }
        assert_eq!(find("Patient", "deceased"), None);
        assert_eq!(find("Patient", "deceasedQuantity"), None);
        assert_eq!(find("Nothing", "name"), None);
    }

    #[test]
    fn every_type_of_every_element_is_known() {
        for elements in table().values() {
            for kind in elements.iter().flat_map(Element::types) {
                let described = is_known(kind) || Primitive::of(kind).is_some() || kind == "Resource";
                assert!(described, "{kind} is not described");
            }
        }
        assert!(is_resource("Patient") && !is_resource("HumanName"));
    }
}
