//! The tree of an expression, as the parser builds it and the evaluator walks it.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};
use smol_str::SmolStr;

use super::functions::Function;
use super::members::Member;
use super::value::Value;
use crate::base::limits::FHIRPATH_PATTERN_BYTES_MAX;

/// A part of an expression that gives a collection; `at` is its byte position.
#[derive(Debug)]
pub struct Term {
    pub at: usize,
    pub form: Form,
}

#[derive(Debug)]
pub enum Form {
    /// `{}`
    Empty,
    Literal(Value),
    /// A string literal where a regular expression belongs.
    Pattern(Pattern),
    /// `%name`
    Constant(SmolStr),
    /// `$this`
    This,
    /// `$index`
    Index,
    /// `$total`
    Total,
    /// The name of a type, as the argument of `is`, `as` and `ofType`.
    Type(TypeName),
    /// Steps from a term, or from the focus.
    Path(Option<Box<Term>>, Vec<Step>),
    /// `-` before a term, or `+` when not negative.
    Polarity {
        negative: bool,
        operand: Box<Term>,
    },
    Binary(Operator, Box<[Term; 2]>),
    /// `is` and `as` as operators.
    Typed(TypeOperator, Box<Term>, TypeName),
}

#[derive(Debug)]
pub struct Step {
    pub at: usize,
    pub action: Action,
}

#[derive(Debug)]
pub enum Action {
    Member(Member),
    Call(&'static Function, Vec<Term>),
    /// `[…]`
    Item(Term),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeOperator {
    Is,
    As,
}

/// `Patient`, `FHIR.Patient`, `System.Boolean`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeName {
    pub namespace: Option<SmolStr>,
    pub name: SmolStr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Times,
    Over,
    Div,
    Mod,
    Plus,
    Minus,
    Concatenate,
    Union,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Equivalent,
    NotEquivalent,
    In,
    Contains,
    And,
    Or,
    Xor,
    Implies,
}

/// A regular expression that is compiled when it is first needed.
#[derive(Debug)]
pub struct Pattern {
    pub text: SmolStr,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub const fn new(text: SmolStr) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    /// Compiled; `full` for one that must match the whole text. A pattern stands in one call, so it is always the same.
    pub fn compiled(&self, full: bool) -> Option<&Regex> {
        self.compiled.get_or_init(|| compile(&self.text, full)).as_ref()
    }
}

/// `None` for what is no regular expression, or one too large. Matching takes linear time; a dot matches line ends too
/// (FHIRPath N1 5.6.9: single line mode).
pub fn compile(text: &str, full: bool) -> Option<Regex> {
    let text = if full { &format!("^(?:{text})$") } else { text };
    RegexBuilder::new(text).dot_matches_new_line(true).size_limit(FHIRPATH_PATTERN_BYTES_MAX).build().ok()
}
