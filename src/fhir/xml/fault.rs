//! Why a text is not FHIR XML, and where.

/// It never holds any of the text (P8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {text}")]
pub struct XmlFault {
    /// From 1; 0 when the fault is about the whole text.
    pub line: u32,
    /// In bytes, from 1.
    pub column: u32,
    /// What was expected there.
    pub text: &'static str,
}
