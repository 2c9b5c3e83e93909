//! Judging resources: R4's own rules, and the profiles that a resource claims or is asked to meet.
//!
//! Cast: a *validator* holds the rules; a *walk* goes through one resource and collects issues; an issue has a place as
//! FHIRPath, a code, a severity and a sentence that holds no value of the resource (P8). A *policy* says what issues
//! mean for a feed.
//!
//! It promises to end on any tree, with a bounded list of issues, and to be a pure function of resource and rules. It
//! knows no terminology server and no network: what it cannot look up it does not judge (`docs/validation.md`).

mod extension;
mod invariant;
mod narrative;
mod outcome;
mod place;
mod policy;
mod primitive;
mod reference;
mod report;
mod structure;

pub use outcome::operation_outcome;
pub use policy::{Policy, Verdict};

use crate::base::issue::Issue;
use crate::fhir::Resource;
use place::Place;
use structure::Walk;

/// The rules to judge by.
#[derive(Default)]
pub struct Validator {}

impl Validator {
    /// With the profiles that the binary carries.
    pub fn builtin() -> Self {
        Self::default()
    }

    /// Whether a profile of this canonical URL is loaded.
    pub fn knows(&self, _url: &str) -> bool {
        false
    }

    /// All that is wrong with a resource, by R4 and by the profiles in its `meta.profile`.
    pub fn validate(&self, resource: &Resource) -> Vec<Issue> {
        self.validate_as(resource, &[])
    }

    /// As `validate`, and by the profiles of these canonical URLs.
    pub fn validate_as(&self, resource: &Resource, _profiles: &[String]) -> Vec<Issue> {
        let mut walk = Walk::new(self);
        walk.resource(resource.object(), &Place::root(resource.kind()), None);
        walk.report.into_issues()
    }
}

#[cfg(test)]
mod tests;
