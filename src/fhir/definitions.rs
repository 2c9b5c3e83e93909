//! What R4 says about elements: cardinality, types and targets, for every resource and data type.
//!
//! The facts are those of the official StructureDefinitions (FHIR R4 4.0.1, CC0), written compactly by
//! `definitions/generate.py` into `definitions/elements.txt`. A line without indent names a type and, behind a colon,
//! the one whose elements it has as well. Each indented line is one of its elements with its cardinality (`1` required,
//! `?` optional, `*` list, `+` list of at least one) and its types. `=X.y` is an element that is described under the
//! name `X.y`; a lone `*` is any type; brackets hold what a reference may point to, or the profile of the type.

use std::collections::HashMap;
use std::sync::OnceLock;

use smol_str::{SmolStr, format_smolstr};

use super::bindings::{self, ValueSet};

/// One element of a type.
#[derive(Clone, Copy, Debug)]
pub struct Element {
    /// As in JSON for a fixed type; the stem with `[x]` for a choice.
    pub name: &'static str,
    pub list: bool,
    pub required: bool,
    /// Part of what `_summary=true` asks for.
    pub summary: bool,
    /// The codes that it must be one of, by the binding of its type or of the one that has it.
    pub codes: Option<&'static ValueSet>,
    types: &'static str,
}

impl Element {
    /// The codes of its types.
    pub fn types(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.types.split(' ').map(|name| {
            let name = name.strip_prefix('=').unwrap_or(name);
            name.split_once('(').map_or(name, |(name, _)| name)
        })
    }

    /// What stands in brackets behind a type: the targets of a reference, the profile of a quantity; empty for any.
    pub fn targets(&self, kind: &str) -> impl Iterator<Item = &'static str> + use<> {
        let targets = self.types.split(' ').find_map(|text| {
            let (name, rest) = text.split_once('(')?;
            (name == kind).then(|| rest.trim_end_matches(')'))
        });
        targets.into_iter().flat_map(|names| names.split('|'))
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

/// The types that a choice element of any type may take: `valueX` of an extension (R4, open types).
const ANY: &str = "base64Binary boolean canonical code date dateTime decimal id instant integer markdown oid \
                   positiveInt string time unsignedInt uri url uuid Address Age Annotation Attachment CodeableConcept \
                   Coding ContactPoint Count Distance Duration HumanName Identifier Money Period Quantity Range Ratio \
                   Reference SampledData Signature Timing ContactDetail Contributor DataRequirement Expression \
                   ParameterDefinition RelatedArtifact TriggerDefinition UsageContext Dosage Meta";

/// A type, or a described part of one.
pub struct Definition {
    pub name: &'static str,
    /// The type that this one specializes.
    pub base: Option<&'static str>,
    /// It can stand in a Bundle.
    pub is_resource: bool,
    /// In the order of the specification: those of the base first.
    pub elements: Vec<Element>,
    /// By their JSON names, a choice by each of its own.
    members: HashMap<SmolStr, Member>,
}

/// What a JSON name means in a type.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Among the elements of the type.
    pub index: usize,
    /// The type code, or the name under which its elements are described; of a choice the one in the name.
    pub kind: &'static str,
    pub primitive: Option<Primitive>,
}

impl Definition {
    fn new(name: &'static str, base: Option<&'static str>, is_resource: bool, elements: Vec<Element>) -> Self {
        let mut members = HashMap::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            let stem = element.name.strip_suffix("[x]");
            for kind in element.types().take(if stem.is_some() { usize::MAX } else { 1 }) {
                let name = stem.map_or_else(|| element.name.into(), |stem| choice(stem, kind));
                members.entry(name).or_insert(Member { index, kind, primitive: Primitive::of(kind) });
            }
        }
        Self { name, base, is_resource, elements, members }
    }

    /// What a JSON name means here: `name`, `deceasedBoolean`.
    pub fn member(&self, name: &str) -> Option<Member> {
        self.members.get(name).copied()
    }
}

/// The JSON name of a choice for one of its types: `value` and `dateTime` give `valueDateTime`.
pub fn choice(stem: &str, kind: &str) -> SmolStr {
    let (first, rest) = kind.split_at(1);
    format_smolstr!("{stem}{}{rest}", first.to_ascii_uppercase())
}

/// What is written of a type.
struct Written {
    base: Option<&'static str>,
    elements: Vec<Element>,
}

type Table = HashMap<&'static str, Definition>;

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let summaries =
            include_str!("definitions/summary.txt").lines().filter_map(|line| line.split_once(' ')).collect();
        inherit(&read(include_str!("definitions/elements.txt"), &summaries))
    })
}

/// The types as they are written, with their own elements only.
fn read(text: &'static str, summaries: &HashMap<&str, &str>) -> HashMap<&'static str, Written> {
    let mut table = HashMap::with_capacity(1024);
    let mut owner = None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match (line.strip_prefix(' '), owner.take()) {
            (Some(line), Some(name)) => {
                owner = Some(name);
                table.entry(name).and_modify(|written: &mut Written| {
                    written.elements.extend(element(line, summaries.get(name).copied().unwrap_or_default()));
                });
            }
            _ => {
                let (name, base) = line.split_once(" : ").map_or((line, None), |(name, base)| (name, Some(base)));
                table.insert(name, Written { base, elements: Vec::new() });
                owner = Some(name);
            }
        }
    }
    table
}

fn inherit(written: &HashMap<&'static str, Written>) -> Table {
    let whole = |name: &&'static str| {
        let base = |name: &&'static str| written.get(name)?.base;
        let lineage: Vec<&'static str> = std::iter::successors(Some(*name), base).collect();
        let is_resource = lineage.contains(&"Resource") && !matches!(*name, "Resource" | "DomainResource");
        let own = lineage.iter().rev().filter_map(|name| written.get(name)).flat_map(|written| &written.elements);
        let elements = own.map(|element| Element {
            codes: lineage.iter().find_map(|kind| bindings::required(kind, element.name)),
            ..*element
        });
        (*name, Definition::new(name, written[name].base, is_resource, elements.collect()))
    };
    written.keys().map(whole).collect()
}

fn element(line: &'static str, summary: &str) -> Option<Element> {
    let (name, rest) = line.split_once(' ')?;
    let (cardinality, types) = rest.split_once(' ')?;
    Some(Element {
        name,
        list: matches!(cardinality, "*" | "+"),
        required: matches!(cardinality, "1" | "+"),
        summary: summary == "*" || summary.split(' ').any(|known| known == name),
        codes: None,
        types: if types == "*" { ANY } else { types },
    })
}

/// The definition of a type, or of a described part of one.
pub fn definition(kind: &str) -> Option<&'static Definition> {
    table().get(kind)
}

/// Whether the type is known here.
pub fn is_known(kind: &str) -> bool {
    definition(kind).is_some()
}

/// A resource type that can have instances: it can stand in a Bundle.
pub fn is_resource(kind: &str) -> bool {
    definition(kind).is_some_and(|definition| definition.is_resource)
}

/// The name of a resource type that can have instances, as it is kept here.
pub fn resource(kind: &str) -> Option<&'static str> {
    definition(kind).filter(|definition| definition.is_resource).map(|definition| definition.name)
}

/// All resource types that can have instances, in the order of their names: pages over several types go by it.
pub fn resources() -> impl Iterator<Item = &'static str> {
    static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let kinds = table().values().filter(|definition| definition.is_resource);
        let mut names: Vec<&'static str> = kinds.map(|definition| definition.name).collect();
        names.sort_unstable();
        names
    });
    names.iter().copied()
}

/// The type that this one specializes.
pub fn base(kind: &str) -> Option<&'static str> {
    definition(kind)?.base
}

/// The elements of a type in the order of the specification; empty for an unknown one.
pub fn elements(kind: &str) -> &'static [Element] {
    definition(kind).map_or(&[], |definition| &definition.elements)
}

/// Finds an element by its JSON name: `name`, `deceasedBoolean`.
pub fn find(kind: &str, name: &str) -> Option<Found> {
    let (element, kind) = locate(kind, name)?;
    Some(Found { list: element.list, kind })
}

/// The element that a JSON name means, with the type that the name chooses.
pub fn locate(kind: &str, name: &str) -> Option<(&'static Element, &'static str)> {
    let definition = definition(kind)?;
    let member = definition.member(name)?;
    Some((&definition.elements[member.index], member.kind))
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
            ("Claim.item.detail", "modifierExtension", true, "Extension"),
            ("Bundle.entry", "link", true, "Bundle.link"),
            ("Age", "value", false, "decimal"),
        ] {
            assert_eq!(find(kind, name), Some(Found { list, kind: of }), "{kind}.{name}");
        }
        assert_eq!(find("Patient", "deceased"), None);
        assert_eq!(find("Extension", "valuestring"), None, "the type's name begins with a capital");
        assert_eq!(find("Extension", "valueÄtring"), None);
        assert_eq!(find("Extension", "value"), None);
        assert_eq!(find("Patient", "deceasedQuantity"), None);
        assert_eq!(find("Nothing", "name"), None);
    }

    #[test]
    fn every_type_of_every_element_is_known() {
        for (name, definition) in table() {
            assert!(definition.base.is_none_or(is_known), "the base of {name} is not described");
            for kind in definition.elements.iter().flat_map(Element::types) {
                assert!(is_known(kind) || Primitive::of(kind).is_some(), "{kind} is not described");
            }
        }
    }

    #[test]
    fn summaries_are_marked() {
        let marked = |kind: &str| {
            let names = elements(kind).iter().filter(|element| element.summary).map(|element| element.name);
            names.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            marked("Patient"),
            "id meta implicitRules identifier active name telecom gender birthDate deceased[x] address \
             managingOrganization link"
        );
        assert_eq!(marked("CodeableConcept"), "coding text");
        assert_eq!(marked("Patient.contact"), "modifierExtension");
    }

    /// Those who note what an object has do so in the bits of one number.
    #[test]
    fn no_type_has_too_many_elements() {
        let most = table().values().map(|definition| definition.elements.len()).max();
        assert!(most.is_some_and(|most| most <= 128), "{most:?}");
    }

    #[test]
    fn all_resources_of_r4_are_there() {
        assert_eq!(resources().count(), 146);
        for (kind, expected) in [
            ("Patient", true),
            ("Bundle", true),
            ("Resource", false),
            ("DomainResource", false),
            ("HumanName", false),
            ("Patient.contact", false),
        ] {
            assert_eq!(is_resource(kind), expected, "{kind}");
        }
    }

    #[test]
    fn targets_stand_in_brackets() {
        let element = |kind, name| *elements(kind).iter().find(|element| element.name == name).unwrap();
        let targets = |kind, name, of| element(kind, name).targets(of).collect::<Vec<_>>().join(" ");
        assert_eq!(targets("Patient", "managingOrganization", "Reference"), "Organization");
        assert_eq!(targets("Range", "low", "Quantity"), "SimpleQuantity");
        assert_eq!(targets("Provenance", "target", "Reference"), "", "any resource");
        assert_eq!(element("Range", "low").types().collect::<Vec<_>>(), ["Quantity"]);
    }
}
