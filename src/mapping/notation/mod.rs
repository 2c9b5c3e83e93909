//! The small notations inside a mapping file: source paths, conditions, function calls, target paths, structures.
//!
//! Each is read from one scalar; a fault carries the offset in characters, so that a diagnostic can point into it.

pub mod condition;
mod lexer;
pub mod source;
pub mod structure;
pub mod target;

pub use condition::Condition;
pub use source::{ItemPath, SegmentPath, Source};
pub use structure::Structure;
pub use target::{Step, TargetPath};

/// Why a scalar is not in the notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In bytes from the start of the scalar.
    pub offset: usize,
    pub expected: String,
}

impl Fault {
    pub fn new(offset: usize, expected: impl Into<String>) -> Self {
        Self { offset, expected: expected.into() }
    }
}
