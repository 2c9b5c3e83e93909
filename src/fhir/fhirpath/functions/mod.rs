//! The functions of FHIRPath by their names, each with how many arguments it takes and how these are read.

mod combining;
mod existence;
mod filtering;
mod subsetting;
mod tree;

use std::fmt;

use super::evaluator::{Call, Evaluator, Found};

/// How the arguments are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    Terms,
    /// The name of a type.
    Type,
    /// A regular expression first.
    Pattern,
    /// Terms with a direction.
    Order,
}

type Body = for<'n> fn(&mut Evaluator<'_, 'n>, Call<'_, 'n>) -> Found<'n>;

pub struct Function {
    pub name: &'static str,
    pub reads: Reads,
    least: usize,
    most: usize,
    pub body: Body,
}

impl Function {
    const fn new(name: &'static str, least: usize, most: usize, body: Body) -> Self {
        Self { name, reads: Reads::Terms, least, most, body }
    }

    const fn reading(self, reads: Reads) -> Self {
        Self { reads, ..self }
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

static ALL: &[&[Function]] =
    &[existence::FUNCTIONS, filtering::FUNCTIONS, subsetting::FUNCTIONS, combining::FUNCTIONS, tree::FUNCTIONS];

pub fn find(name: &str) -> Option<&'static Function> {
    ALL.iter().copied().flatten().find(|function| function.name == name)
}
