//! The walk over a resource by the R4 definitions: known elements, cardinality, types, formats, choices.
//!
//! Cast: a *companion* is the member `_name` beside a primitive `name`, which carries its id and extensions (R4 2.6.2).
//! On the way each object is handed to the other rules: invariants, bindings, references, extensions and profiles.

use super::place::Place;
use super::primitive;
use super::reference::Entries;
use super::report::Report;
use super::{Validator, narrative};
use crate::base::issue::IssueCode;
use crate::fhir::definitions::{self, Element, Primitive};
use crate::fhir::{Node, Object};

/// The resources around an element.
#[derive(Clone, Copy)]
pub struct Scope<'n> {
    /// The nearest resource, which may be a contained one.
    pub resource: &'n Object,
    /// The resource that contains it; itself when it is not contained.
    pub root: &'n Object,
    /// The entries of the Bundle around it.
    pub entries: Option<&'n Entries<'n>>,
}

/// One validation under way.
pub struct Walk<'v> {
    pub validator: &'v Validator,
    pub report: Report,
}

impl<'v> Walk<'v> {
    pub fn new(validator: &'v Validator) -> Self {
        Self { validator, report: Report::default() }
    }

    /// A resource that stands by itself: the given one, an entry of a Bundle, a parameter.
    pub fn resource(&mut self, resource: &Object, place: &Place<'_>, entries: Option<&Entries<'_>>) {
        if resource.get("resourceType").and_then(Node::as_str) == Some("Bundle") {
            let entries = Entries::of(resource);
            self.typed(resource, place, Scope { resource, root: resource, entries: Some(&entries) });
            self.bundle(resource, &entries, place);
        } else {
            self.typed(resource, place, Scope { resource, root: resource, entries });
        }
    }

    fn typed(&mut self, resource: &Object, place: &Place<'_>, scope: Scope<'_>) {
        match resource.get("resourceType").and_then(Node::as_str).map(definitions::resource) {
            None => self.report.error(place, IssueCode::Structure, "a resource needs a `resourceType`"),
            Some(None) => self.report.error(place, IssueCode::Structure, "`resourceType` names no resource of R4"),
            Some(Some(kind)) => {
                self.object(kind, resource, place, scope);
                self.claimed_profiles(resource, place, scope);
            }
        }
    }

    /// An object of a type or of a described part of one.
    pub fn object(&mut self, kind: &'static str, object: &Object, place: &Place<'_>, scope: Scope<'_>) {
        for (at, (name, node)) in object.iter().enumerate() {
            if object.iter().take(at).any(|(earlier, _)| earlier == name) {
                self.report.error(&place.member(name), IssueCode::Structure, "a member that is there twice");
            }
            if name != "resourceType" || !definitions::is_resource(kind) {
                self.member(kind, object, name, node, place, scope);
            }
        }
        if object.is_empty() {
            self.report.error(place, IssueCode::Invariant, "ele-1: an element has a value or children");
        }
        self.presence(kind, object, place);
        self.invariants(kind, object, place, scope);
        match kind {
            "Reference" => self.reference(object, place, scope),
            "Extension" => self.extension(object, place, scope),
            _ => {}
        }
    }

    fn member(
        &mut self,
        kind: &'static str,
        object: &Object,
        name: &str,
        node: &Node,
        place: &Place<'_>,
        scope: Scope<'_>,
    ) {
        let (stem, is_companion) = name.strip_prefix('_').map_or((name, false), |stem| (stem, true));
        let Some((element, of)) = definitions::locate(kind, stem) else {
            self.report.error(&place.member(name), IssueCode::Structure, "an element that this type does not have");
            return;
        };
        let place = place.element(element.name, of);
        let companions = object.get(&format!("_{stem}")).map_or(&[][..], Node::items);
        match (element.list, node) {
            _ if is_companion => self.companion(element, of, node, &place, scope),
            (true, Node::Array(items)) if items.is_empty() => {
                self.report.error(&place, IssueCode::Structure, "an array that is empty: leave the element out");
            }
            (true, Node::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    let place = place.index(at);
                    match (item, companions.get(at)) {
                        (Node::Null, Some(Node::Object(_))) if Primitive::of(of).is_some() => {}
                        _ => self.item(element, of, item, &place, scope),
                    }
                }
            }
            (true, _) => self.report.error(&place, IssueCode::Structure, "this element repeats: expected an array"),
            (false, Node::Array(_)) => {
                self.report.error(&place, IssueCode::Structure, "this element does not repeat: expected no array");
            }
            (false, item) => self.item(element, of, item, &place, scope),
        }
    }

    fn item(&mut self, element: &'static Element, of: &'static str, node: &Node, place: &Place<'_>, scope: Scope<'_>) {
        if Primitive::of(of).is_some() {
            match primitive::check(of, node) {
                Err(expected) => self.report.error(place, IssueCode::DataType, format!("{of}: expected {expected}")),
                Ok(()) if of == "xhtml" => narrative::check(node, place, &mut self.report),
                Ok(()) => {}
            }
            return;
        }
        let Node::Object(object) = node else {
            self.report.error(place, IssueCode::DataType, format!("{of}: expected an object"));
            return;
        };
        match of {
            "Resource" if element.name == "contained" => {
                self.typed(object, place, Scope { resource: object, ..scope });
            }
            "Resource" => self.resource(object, place, scope.entries),
            _ => self.object(of, object, place, scope),
        }
        if of == "Reference" {
            self.target(element, object, place, scope);
        }
    }

    /// What stands in `_name`: an Element, or a list of them with `null` for none.
    fn companion(
        &mut self,
        element: &'static Element,
        of: &'static str,
        node: &Node,
        place: &Place<'_>,
        scope: Scope<'_>,
    ) {
        if Primitive::of(of).is_none() {
            self.report.error(place, IssueCode::Structure, "only a primitive has a companion with `_`");
            return;
        }
        match (element.list, node) {
            (true, Node::Array(items)) => {
                for (at, item) in items.iter().enumerate().filter(|(_, item)| **item != Node::Null) {
                    self.companion_of_one(item, &place.index(at), scope);
                }
            }
            (false, node) if !matches!(node, Node::Array(_)) => self.companion_of_one(node, place, scope),
            _ => self.report.error(place, IssueCode::Structure, "a companion is an array where its element is one"),
        }
    }

    fn companion_of_one(&mut self, node: &Node, place: &Place<'_>, scope: Scope<'_>) {
        match node {
            Node::Object(object) => self.object("Element", object, place, scope),
            _ => self.report.error(place, IssueCode::DataType, "id and extensions of a primitive: expected an object"),
        }
    }

    /// Required elements are there, and of a choice only one type.
    fn presence(&mut self, kind: &'static str, object: &Object, place: &Place<'_>) {
        for element in definitions::elements(kind) {
            let is_choice = element.name.ends_with("[x]");
            if !is_choice && !element.required {
                continue;
            }
            let names = object.iter().map(|(name, _)| name.strip_prefix('_').unwrap_or(name));
            let mut chosen = names.filter(|name| stands_for(kind, element, name));
            let first = chosen.next();
            if first.is_none() && element.required {
                let name = element.name.trim_end_matches("[x]");
                self.report.error(&place.member(name), IssueCode::RequiredMissing, "a required element is missing");
            }
            if is_choice && chosen.any(|other| Some(other) != first) {
                let name = element.name.trim_end_matches("[x]");
                self.report.error(&place.member(name), IssueCode::Cardinality, "only one of the types of a choice");
            }
        }
    }
}

fn stands_for(kind: &str, element: &Element, name: &str) -> bool {
    match element.name.strip_suffix("[x]") {
        None => name == element.name,
        Some(stem) => {
            name.starts_with(stem) && definitions::locate(kind, name).is_some_and(|(found, _)| found == element)
        }
    }
}
