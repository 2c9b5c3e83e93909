//! Judging resources: R4's own rules, and the profiles that a resource claims or is asked to meet.
//!
//! Cast: a *validator* holds the rules; a *walk* goes through one resource and collects issues; an issue has a place as
//! FHIRPath, a code, a severity and a sentence that holds no value of the resource (P8). A *policy* says what issues
//! mean for a feed.
//!
//! It promises to end on any tree, with a bounded list of issues, and to be a pure function of resource and rules. It
//! knows no terminology server and no network: what it cannot look up it does not judge (`docs/validation.md`).

mod binding;
mod conform;
mod extension;
mod invariant;
mod matching;
mod narrative;
mod outcome;
mod package;
mod place;
mod policy;
mod primitive;
mod reference;
mod report;
mod structure;
mod values;

pub use outcome::operation_outcome;
pub use policy::{Policy, Verdict};

use crate::base::issue::{Issue, IssueCode};
use crate::fhir::{Resource, definitions};
pub use package::Package;
use package::{CodeList, Profile};
use place::Place;
use reference::Entries;
use structure::{Scope, Walk};

/// The rules to judge by: those of R4, and the profiles of packages.
#[derive(Default)]
pub struct Validator {
    own: Vec<Package>,
    has_builtin: bool,
}

impl Validator {
    /// With the packages that the binary carries.
    pub const fn builtin() -> Self {
        Self { own: Vec::new(), has_builtin: true }
    }

    /// With one more package, whose profiles go before those of the same URL.
    #[must_use]
    pub fn with(mut self, package: Package) -> Self {
        self.own.push(package);
        self
    }

    fn packages(&self) -> impl Iterator<Item = &Package> {
        let builtin = if self.has_builtin { package::builtin() } else { &[] };
        self.own.iter().rev().chain(builtin)
    }

    /// The profile of a canonical URL; a version behind `|` is not looked at.
    fn profile(&self, url: &str) -> Option<&Profile> {
        let url = url.split_once('|').map_or(url, |(url, _)| url);
        self.packages().find_map(|package| package.profile(url))
    }

    fn codes(&self, url: &str) -> Option<&CodeList> {
        self.packages().find_map(|package| package.codes(url))
    }

    /// Whether a profile of this canonical URL is loaded.
    pub fn knows(&self, url: &str) -> bool {
        self.profile(url).is_some()
    }

    /// All that is wrong with a resource, by R4 and by the profiles in its `meta.profile`.
    pub fn validate(&self, resource: &Resource) -> Vec<Issue> {
        self.validate_as(resource, &[])
    }

    /// As `validate`, and by the profiles of these canonical URLs.
    pub fn validate_as(&self, resource: &Resource, profiles: &[String]) -> Vec<Issue> {
        let mut walk = Walk::new(self);
        let (object, place) = (resource.object(), Place::root(resource.kind()));
        walk.resource(object, &place, None);
        if let Some(kind) = definitions::resource(resource.kind()) {
            let entries = Entries::of(object);
            let entries = (kind == "Bundle").then_some(&entries);
            let scope = Scope { resource: object, root: object, entries, depth: 0 };
            for url in profiles {
                match self.profile(url) {
                    Some(profile) => walk.profile(profile, kind, object, &place, scope),
                    None => walk.report.error(
                        &place,
                        IssueCode::NotApplicable,
                        "a profile was asked for that is not loaded",
                    ),
                }
            }
        }
        walk.report.into_issues()
    }
}

/// What is wrong with the form of a resource by R4: elements, cardinality, JSON types, formats, choices, required codes,
/// references. The quick check of a write; invariants, narratives, extensions and profiles are for `Validator`.
pub fn check_structure(resource: &Resource) -> Vec<Issue> {
    let bare = Validator::default();
    let mut walk = Walk::of_form(&bare);
    walk.resource(resource.object(), &Place::root(resource.kind()), None);
    walk.report.into_issues()
}

#[cfg(test)]
mod tests;
