//! The rules that R4 writes in FHIRPath (`ele-1`, `dom-2`, `per-1`, `bdl-7` ...).

use super::place::Place;
use super::structure::{Scope, Walk};
use crate::fhir::Object;

impl Walk<'_> {
    /// The invariants of a type and of those it specializes.
    pub fn invariants(&mut self, _kind: &'static str, _object: &Object, _place: &Place<'_>, _scope: Scope<'_>) {}
}
