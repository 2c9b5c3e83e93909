//! Why a patch was not applied.

use std::fmt;

/// What is wrong. It holds no value of the resource or the patch (P8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatchFault {
    /// Which operation, from 0; `None` when it is about the patch as a whole.
    pub operation: Option<usize>,
    pub cause: PatchCause,
    /// What was expected, and what to do.
    pub text: &'static str,
}

/// What the sender can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchCause {
    /// The patch is not well formed: 400.
    Malformed,
    /// The resource has nothing at the place, or more than one thing: 422.
    NoPlace,
    /// A test did not hold: the resource is not what the sender takes it for, 422.
    TestFailed,
    /// The type and id of a resource stay: 422.
    Protected,
}

impl PatchFault {
    pub(super) const fn malformed(text: &'static str) -> Self {
        Self { operation: None, cause: PatchCause::Malformed, text }
    }

    pub(super) const fn no_place(text: &'static str) -> Self {
        Self { operation: None, cause: PatchCause::NoPlace, text }
    }

    pub(super) const fn test_failed() -> Self {
        Self { operation: None, cause: PatchCause::TestFailed, text: "the resource does not have the value tested for" }
    }

    pub(super) const fn protected() -> Self {
        Self {
            operation: None,
            cause: PatchCause::Protected,
            text: "the type and the id of a resource cannot be changed",
        }
    }
}

impl fmt::Display for PatchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.operation {
            Some(operation) => write!(f, "operation {operation}: {}", self.text),
            None => f.write_str(self.text),
        }
    }
}

impl std::error::Error for PatchFault {}
