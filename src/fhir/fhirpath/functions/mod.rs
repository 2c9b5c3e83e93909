//! The functions of FHIRPath by their names, each with how many arguments it takes and how these are read.

#![expect(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "the functions of a table have one shape"
)]

mod clock;
mod coding;
mod combining;
mod conversion;
mod existence;
mod fhir;
mod filtering;
mod math;
mod narrative;
mod own;
mod precision;
mod subsetting;
mod text;
mod tree;

use std::fmt;

use super::evaluator::{Call, Evaluator, Found};

/// How the arguments are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// In the scope of the call.
    Terms,
    /// For each item, the first as something that holds or not.
    Criterion,
    /// For each item.
    Projection,
    /// The name of a type.
    Type,
    /// A regular expression first.
    Pattern,
    /// For each item, with a direction.
    Order,
}

/// What comes out, as far as it can be told without a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    Anything,
    /// Items of the input.
    Input,
    /// Items of the type that is named.
    Type,
    /// What the first argument gives.
    Projection,
    /// What one of the arguments behind the first gives.
    Branch,
    /// Items of the input and of the argument.
    Both,
    Extensions,
    /// Members in no order.
    Members,
}

type Body = for<'n> fn(&mut Evaluator<'_, 'n>, Call<'_, 'n>) -> Found<'n>;

pub struct Function {
    pub name: &'static str,
    pub reads: Reads,
    pub gives: Gives,
    /// Whether it asks for the order of its input.
    pub ordered: bool,
    least: usize,
    most: usize,
    pub body: Body,
}

impl Function {
    const fn new(name: &'static str, least: usize, most: usize, body: Body) -> Self {
        Self { name, reads: Reads::Terms, gives: Gives::Anything, ordered: false, least, most, body }
    }

    const fn reading(self, reads: Reads) -> Self {
        Self { reads, ..self }
    }

    const fn giving(self, gives: Gives) -> Self {
        Self { gives, ..self }
    }

    const fn in_order(self) -> Self {
        Self { ordered: true, ..self }
    }

    pub fn takes(&self, count: usize) -> bool {
        (self.least..=self.most).contains(&count)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

static ALL: &[&[Function]] = &[
    existence::FUNCTIONS,
    filtering::FUNCTIONS,
    subsetting::FUNCTIONS,
    combining::FUNCTIONS,
    conversion::FUNCTIONS,
    text::FUNCTIONS,
    coding::FUNCTIONS,
    math::FUNCTIONS,
    precision::FUNCTIONS,
    clock::FUNCTIONS,
    tree::FUNCTIONS,
    fhir::FUNCTIONS,
    own::FUNCTIONS,
];

pub fn all() -> impl Iterator<Item = &'static Function> {
    ALL.iter().copied().flatten()
}

pub fn find(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name == name)
}
