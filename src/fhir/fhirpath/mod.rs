//! FHIRPath (normative 2.0, with the functions of its trial use parts that FHIR knows) over the lossless JSON tree.
//!
//! Cast: an *expression* is read once and evaluated many times; the *focus* is where it begins; the *environment* knows
//! what lies outside of the resource (the instant, constants, references, terminology, profiles); an *item* is an
//! element of the tree, which is borrowed, or a computed value; what comes out is a *collection* of items.
//!
//! It promises to end: depth and work are bounded (`base::limits`), matching is linear, and nothing panics. What cannot
//! be answered is a fault with its place. The same expression over the same tree with the same environment gives the
//! same collection.
//!
//! It knows no HTTP, no storage, no terminology and no profile.

mod check;
mod decimal;
mod element;
mod environment;
mod equality;
mod evaluator;
mod fault;
mod functions;
mod item;
mod lexer;
mod logic;
mod members;
mod operators;
mod parser;
mod quantity;
mod syntax;
mod temporal;
mod types;
mod ucum;
mod value;

pub use decimal::Decimal;
pub use element::Element;
pub use environment::{Environment, Focus, Nothing};
pub use fault::{Cause, EvaluationFault, SyntaxFault};
pub use item::{Collection, Item};
pub use quantity::{Quantity, Unit};
pub use temporal::{CalendarUnit, Precision, Temporal, TemporalKind};
pub use ucum::UcumUnit;
pub use value::{TypeInfo, Value};

use evaluator::Evaluator;
use syntax::Term;

/// An expression, read once.
#[derive(Debug)]
pub struct Expression {
    text: Box<str>,
    root: Term,
}

impl Expression {
    pub fn parse(text: &str) -> Result<Self, SyntaxFault> {
        Ok(Self { text: text.into(), root: parser::parse(text)? })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it makes sense where its focus is of a type (a resource, a data type, the path of a backbone element):
    /// whether every member that it names can be there. What a type does not tell is taken to be right.
    pub fn check(&self, kind: &str) -> Result<(), SyntaxFault> {
        check::check(&self.root, kind)
    }

    /// Everything that it gives, in order.
    pub fn evaluate<'n>(
        &self,
        focus: &Focus<'n>,
        environment: &dyn Environment<'n>,
    ) -> Result<Collection<'n>, EvaluationFault> {
        Evaluator::new(focus, environment).run(&self.root)
    }

    /// Whether it holds, as invariants and criteria ask: a single item that is no truth value is true; `None` when
    /// nothing comes out (FHIRPath N1 4.5).
    pub fn evaluate_boolean<'n>(
        &self,
        focus: &Focus<'n>,
        environment: &dyn Environment<'n>,
    ) -> Result<Option<bool>, EvaluationFault> {
        let found = self.evaluate(focus, environment)?;
        logic::boolean(&found).map_err(|cause| EvaluationFault { at: self.root.at, cause })
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

#[cfg(test)]
mod tests;
