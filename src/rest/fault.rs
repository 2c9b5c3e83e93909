//! Why an interaction came to nothing: one type, told as an OperationOutcome with the status of the specification.

use std::borrow::Cow;

use smol_str::SmolStr;

use crate::base::{Issue, Severity};
use crate::fhir::{Node, Object, Resource};
use crate::profile;
use crate::store::StoreError;

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $name:ident $status:literal $code:literal,)+) => {
        /// What kind of failure: each has one HTTP status and one code of FHIR value set issue-type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Cause {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Cause {
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// The code of FHIR value set issue-type.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

causes! {
    /// The request itself cannot be understood.
    Invalid 400 "invalid",
    /// Nobody said who asks, or not so that it can be believed.
    Login 401 "login",
    /// Who asks may not.
    Forbidden 403 "forbidden",
    /// Nothing is there, or nothing that the caller may know of.
    NotFound 404 "not-found",
    /// The path is known, the method does not go with it.
    Method 405 "not-supported",
    /// No form that the client takes is one of ours.
    NotAcceptable 406 "not-supported",
    /// The body did not come in time.
    SlowBody 408 "timeout",
    /// The resource moved on meanwhile, or others still need it.
    Conflict 409 "conflict",
    /// It was there once.
    Gone 410 "deleted",
    /// What the client made a condition does not hold.
    Precondition 412 "conflict",
    /// The criteria of a conditional interaction or reference match several resources.
    MultipleMatches 412 "multiple-matches",
    /// The criteria of a conditional reference match nothing.
    NoMatch 412 "not-found",
    /// More bytes than are taken.
    TooLarge 413 "too-long",
    /// A form of body that is not taken.
    UnsupportedMedia 415 "not-supported",
    /// It can be read, and breaks a rule.
    Unprocessable 422 "processing",
    /// Too many requests are under way.
    Throttled 429 "throttled",
    /// Trouble in our code.
    Internal 500 "exception",
    /// The specification has it, this server does not.
    NotSupported 501 "not-supported",
    /// The store does not answer.
    Unavailable 503 "transient",
    /// It took longer than a request may.
    TimedOut 503 "timeout",
    /// The search would take longer than a search may.
    TooCostly 503 "too-costly",
}

/// A failure with what is said about it: a sentence or, when the input has several faults, the issues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub cause: Cause,
    /// What was expected and what to do. Never a value of a resource or a URL.
    pub text: Cow<'static, str>,
    /// Where, as FHIRPath: `Bundle.entry[3]`.
    pub place: Option<SmolStr>,
    /// When there are any, they are told instead of the sentence.
    pub issues: Vec<Issue>,
    /// For `Cause::Method`: the methods that go with the path.
    pub allow: Option<&'static str>,
}

impl Fault {
    pub fn new(cause: Cause, text: impl Into<Cow<'static, str>>) -> Self {
        Self { cause, text: text.into(), place: None, issues: Vec::new(), allow: None }
    }

    pub fn of_issues(cause: Cause, issues: Vec<Issue>) -> Self {
        Self { issues, ..Self::new(cause, "the input breaks rules") }
    }

    pub fn invalid(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Cause::Invalid, text)
    }

    pub fn not_found() -> Self {
        Self::new(Cause::NotFound, "no such resource is known here")
    }

    pub fn gone() -> Self {
        Self::new(Cause::Gone, "the resource was deleted; its history is kept")
    }

    #[must_use]
    pub fn at(mut self, place: impl Into<SmolStr>) -> Self {
        self.place = Some(place.into());
        self
    }

    pub const fn status(&self) -> u16 {
        self.cause.status()
    }

    /// The failure as a resource (R4 2.34).
    pub fn outcome(&self) -> Resource {
        let errors: Vec<Issue> =
            self.issues.iter().filter(|issue| issue.severity >= Severity::Error).cloned().collect();
        let mut outcome = profile::operation_outcome(&errors);
        if errors.is_empty() {
            outcome.object_mut().set("issue", vec![Node::Object(self.issue())]);
        } else if let (Some(place), Some(Node::Array(issues))) = (&self.place, outcome.object_mut().get_mut("issue")) {
            issues.iter_mut().filter_map(Node::as_object_mut).for_each(|issue| prefix(issue, place));
        }
        outcome
    }

    fn issue(&self) -> Object {
        let mut issue: Object = [("severity", "error"), ("code", self.cause.code())].into_iter().collect();
        issue.set("diagnostics", self.text.as_ref());
        if let Some(place) = &self.place {
            issue.set("expression", vec![Node::String(place.clone())]);
        }
        issue
    }
}

/// An issue inside an entry says which entry.
fn prefix(issue: &mut Object, place: &SmolStr) {
    match issue.get_mut("expression") {
        Some(Node::Array(expressions)) => expressions.insert(0, Node::String(place.clone())),
        _ => issue.set("expression", vec![Node::String(place.clone())]),
    }
}

impl From<StoreError> for Fault {
    /// The client learns what it can do; what went wrong inside is for the operator.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => {
                Self::new(Cause::Unavailable, "the store cannot be reached or cannot write now: try again later")
            }
            StoreError::TooSlow { .. } => {
                Self::new(Cause::TooCostly, "the search took too long: ask with a more selective criterion")
            }
            StoreError::Corrupt { .. } | StoreError::SchemaTooNew { .. } | StoreError::Configuration(_) => {
                Self::new(Cause::Internal, "the request failed here: tell the operator when it was")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::IssueCode;
    use crate::profile::Validator;

    #[test]
    fn a_fault_is_a_valid_outcome() {
        let mut issue = Issue::error(IssueCode::RequiredMissing, "a required element is missing");
        issue.expression = Some("Patient.name".into());
        let faults = [
            (Fault::not_found(), "not-found"),
            (Fault::gone().at("Bundle.entry[1]"), "deleted"),
            (Fault::of_issues(Cause::Unprocessable, vec![issue]).at("Bundle.entry[1]"), "required"),
        ];
        for (fault, code) in faults {
            let outcome = fault.outcome();
            assert_eq!(outcome.text(&["issue", "code"]), Some(code));
            assert_eq!(Validator::default().validate(&outcome), []);
        }
    }
}
