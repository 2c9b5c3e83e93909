//! What can go wrong: a text that is no FHIRPath, and an expression that has no answer.

use smol_str::SmolStr;

/// Why a text is not FHIRPath; `at` is a byte position from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} at byte {at}")]
pub struct SyntaxFault {
    pub at: usize,
    pub expected: &'static str,
}

/// Why an expression has no answer; `at` is the byte position of the step that had none. Names places and types, never
/// a value of the resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause} at byte {at}")]
pub struct EvaluationFault {
    pub at: usize,
    pub cause: Cause,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    #[error("more than one item where one was expected")]
    NotSingle,
    #[error("an item that is not {0}")]
    NotA(&'static str),
    #[error("operands that do not go together")]
    Operands,
    #[error("the type `{0}` is not known")]
    UnknownType(SmolStr),
    #[error("the constant `%{0}` is not known")]
    UnknownConstant(SmolStr),
    #[error("the variable `%{0}` is there already")]
    Redefined(SmolStr),
    #[error("not {0}")]
    Argument(&'static str),
    #[error("the environment cannot tell {0}")]
    NotOffered(&'static str),
    #[error("too much work for one expression")]
    TooMuchWork,
}
