//! The search parameters of R4: which there are for every resource type.
//!
//! The facts are those of the official SearchParameters (FHIR R4 4.0.1, CC0), written compactly by `generate.py` into
//! `parameters.txt`. A line without indent names a type. Below it stands for each of its parameters: indented by one,
//! its code, type, the last part of its URL and the targets of a reference (`*` for any); by two, its expression; by
//! three, the code and expression of each component of a composite.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::base::Digest;
use crate::fhir::definitions;

/// One search parameter of one resource type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// As it stands in a search: `birthdate`, `_lastUpdated`.
    pub code: &'static str,
    /// Its canonical URL.
    pub url: String,
    pub kind: ParameterType,
    /// FHIRPath, the part for this resource type; empty for those that no element stands for (`_text`).
    pub expression: &'static str,
    /// What a reference may point to; empty for anything.
    pub targets: Vec<&'static str>,
    /// Of a composite: code and expression of each part.
    pub components: Vec<(&'static str, &'static str)>,
}

/// FHIR value set search-param-type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParameterType {
    Number,
    Date,
    String,
    Token,
    Reference,
    Composite,
    Quantity,
    Uri,
    Special,
}

impl ParameterType {
    const ALL: [Self; 9] = [
        Self::Number,
        Self::Date,
        Self::String,
        Self::Token,
        Self::Reference,
        Self::Composite,
        Self::Quantity,
        Self::Uri,
        Self::Special,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Date => "date",
            Self::String => "string",
            Self::Token => "token",
            Self::Reference => "reference",
            Self::Composite => "composite",
            Self::Quantity => "quantity",
            Self::Uri => "uri",
            Self::Special => "special",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

impl Parameter {
    /// Whether a reference may be to a resource type.
    pub fn may_refer_to(&self, kind: &str) -> bool {
        self.targets.is_empty() || self.targets.contains(&kind)
    }
}

const TEXT: &str = include_str!("parameters.txt");

/// Raised by hand with every change to how values become keys: what is stored is then indexed again.
const ENCODING: &[u8] = b"1";

type Table = HashMap<&'static str, Vec<Parameter>>;

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| inherit(&read(TEXT)))
}

/// The parameters by the type that they are written under.
fn read(text: &'static str) -> Table {
    let mut table = Table::with_capacity(160);
    let mut owner: &mut Vec<Parameter> = table.entry("").or_default();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let content = line.trim_start_matches(' ');
        match line.len() - content.len() {
            0 => owner = table.entry(content).or_default(),
            1 => owner.extend(parameter_of(content)),
            2 => owner.last_mut().into_iter().for_each(|last| last.expression = content),
            _ => owner.last_mut().into_iter().for_each(|last| last.components.extend(content.split_once(' '))),
        }
    }
    table
}

fn parameter_of(line: &'static str) -> Option<Parameter> {
    let mut words = line.split(' ');
    let (code, kind, id) = (words.next()?, ParameterType::of(words.next()?)?, words.next()?);
    Some(Parameter {
        code,
        url: format!("http://hl7.org/fhir/SearchParameter/{id}"),
        kind,
        expression: "",
        targets: words.filter(|target| *target != "*").collect(),
        components: Vec::new(),
    })
}

fn inherit(written: &Table) -> Table {
    let whole = |kind: &'static str| {
        let lineage = std::iter::successors(Some(kind), |kind| definitions::base(kind));
        let mut all: Vec<Parameter> = lineage.filter_map(|kind| written.get(kind)).flatten().cloned().collect();
        all.sort_by_key(|parameter| parameter.code);
        (kind, all)
    };
    definitions::resources().map(whole).collect()
}

/// All parameters of a resource type, the common ones among them, in the order of their codes; none for what is no
/// resource type.
pub fn parameters(kind: &str) -> impl Iterator<Item = &'static Parameter> {
    table().get(kind).into_iter().flatten()
}

/// The parameter of a resource type with this code.
pub fn parameter(kind: &str, code: &str) -> Option<&'static Parameter> {
    let all = table().get(kind)?;
    all.binary_search_by_key(&code, |parameter| parameter.code).ok().map(|at| &all[at])
}

/// Changes when a definition or an encoding changes: then every resource is to be indexed again.
pub fn definitions_digest() -> Digest {
    Digest::of_parts([TEXT.as_bytes(), ENCODING])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_own_parameters_and_the_common_ones() {
        let codes = |kind| parameters(kind).map(|parameter| parameter.code).collect::<Vec<_>>().join(" ");
        assert_eq!(
            codes("Patient"),
            "_content _id _lastUpdated _profile _query _security _source _tag _text active address address-city \
             address-country address-postalcode address-state address-use birthdate death-date deceased email family \
             gender general-practitioner given identifier language link name organization phone phonetic telecom"
        );
        assert!(!codes("Binary").contains("_text"), "only what has a narrative");
        assert_eq!(codes("HumanName"), "");
        assert_eq!(definitions::resources().filter(|kind| parameters(kind).next().is_none()).count(), 0);
    }

    #[test]
    fn shared_expressions_are_parted_by_type() {
        let of = |kind, code| parameter(kind, code).unwrap();
        let date = of("Observation", "date");
        assert_eq!(date.expression, "Observation.effective");
        assert_eq!(date.url, "http://hl7.org/fhir/SearchParameter/clinical-date");
        assert_eq!(of("Patient", "phone").expression, "Patient.telecom.where(system='phone')");
        assert_eq!(of("InsurancePlan", "name").expression, "name | alias");
        assert_eq!(of("Observation", "code-value-quantity").components[1], ("value-quantity", "value.as(Quantity)"));
        assert_eq!(of("Task", "patient").targets, ["Patient"]);
        assert!(of("Task", "focus").targets.is_empty(), "any resource");
        assert_eq!(parameter("Patient", "colour"), None);
    }

    #[test]
    fn no_code_stands_twice_for_a_type() {
        for kind in definitions::resources() {
            let codes: Vec<_> = parameters(kind).map(|parameter| parameter.code).collect();
            assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{kind}: {codes:?}");
        }
    }
}
