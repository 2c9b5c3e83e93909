//! Extensions: their url, and what is known of the one it names (R4 2.5).

use super::place::Place;
use super::structure::{Scope, Walk};
use crate::base::issue::IssueCode;
use crate::fhir::{Node, Object};

impl Walk<'_> {
    /// Any extension. An unknown one is allowed.
    pub fn extension(&mut self, object: &Object, place: &Place<'_>, _scope: Scope<'_>) {
        let Some(url) = object.get("url").and_then(Node::as_str) else { return };
        if url.starts_with('#') {
            self.report.error(&place.member("url"), IssueCode::DataType, "the url of an extension is no fragment");
        }
    }

    /// The profiles of `meta.profile` that are loaded.
    pub fn claimed_profiles(&mut self, _resource: &Object, _place: &Place<'_>, _scope: Scope<'_>) {}
}
