//! Extensions: what is known of the one that the url names, and where it may stand (R4 2.5).

use super::place::Place;
use super::structure::{Scope, Slot, Walk};
use super::values::Value;
use crate::base::issue::{IssueCode, Severity};
use crate::base::limits;
use crate::fhir::{Node, Object, definitions};

/// Extensions that R4 itself defines stand below this.
const OF_R4: &str = "http://hl7.org/fhir/StructureDefinition/";

impl Walk<'_> {
    /// The extensions of one object; an unknown one is allowed, but one that changes the meaning is told.
    pub fn extensions(
        &mut self,
        kind: &'static str,
        slot: Option<Slot>,
        object: &Object,
        place: &Place<'_>,
        scope: Scope<'_>,
    ) {
        for name in ["extension", "modifierExtension"] {
            let list = place.member(name);
            for (at, node) in object.get(name).map_or(&[][..], Node::items).iter().enumerate() {
                let place = list.index(at);
                let Some(url) = node.get("url").and_then(Node::as_str) else { continue };
                match self.validator.profile(url).filter(|profile| profile.kind == "Extension") {
                    Some(profile) => {
                        if !stands_right(&profile.contexts, kind, slot) {
                            let text = format!("{}: an extension that may not stand here", profile.name());
                            self.report.error(&place, IssueCode::Profile, text);
                        }
                        let value = Value { node: Some(node), ..Value::nothing("Extension") };
                        if scope.depth < limits::PROFILE_DEPTH_MAX {
                            self.value(&profile.root, &value, profile.name(), &place, scope.deeper());
                        }
                    }
                    None => self.unknown_extension(name, kind, url, &place),
                }
            }
        }
    }

    fn unknown_extension(&mut self, name: &str, kind: &str, url: &str, place: &Place<'_>) {
        // Within an extension, the parts have urls that only that extension knows.
        let is_absolute = url.contains(':');
        if !is_absolute && kind != "Extension" {
            self.report.error(&place.member("url"), IssueCode::DataType, "an extension has an absolute url");
        } else if name == "modifierExtension" {
            let text = "an unknown extension that changes the meaning: do not use the resource unheeding";
            self.report.add(place, Severity::Warning, IssueCode::NotApplicable, text);
        } else if url.starts_with(OF_R4) {
            self.report.warning(place, IssueCode::UnknownKey, "R4 defines no extension of this url");
        }
    }
}

/// Whether one of the contexts is the type or element that the extension stands in. One that reaches through data types
/// is taken as met.
fn stands_right(contexts: &[smol_str::SmolStr], kind: &'static str, slot: Option<Slot>) -> bool {
    let is_type =
        |context: &str| std::iter::successors(Some(kind), |kind| definitions::base(kind)).any(|kind| kind == context);
    let is_here = |context: &str| {
        let (owner, name) = context.trim_end_matches("[x]").rsplit_once('.').unwrap_or(("", context));
        is_type(context)
            || slot.is_some_and(|slot| slot.kind == context || slot.is(owner, name))
            || reaches_through(owner)
    };
    contexts.is_empty() || contexts.iter().map(smol_str::SmolStr::as_str).any(is_here)
}

/// A path that goes on below an element of a data type: `Patient.name.family`.
fn reaches_through(owner: &str) -> bool {
    !owner.is_empty() && !definitions::is_known(owner)
}
