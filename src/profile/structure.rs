//! The walk over a resource by the R4 definitions: known elements, cardinality, types, formats, choices.
//!
//! Cast: a *slot* is an element of a type, with the type that was chosen for it; a *companion* is the member `_name`
//! beside a primitive `name`, which carries its id and extensions (R4 2.6.2). On the way each object is handed to the
//! other rules: invariants, bindings, references, extensions and profiles.

use super::place::Place;
use super::reference::Entries;
use super::report::Report;
use super::{Validator, binding, invariant, narrative, primitive};
use crate::base::issue::IssueCode;
use crate::fhir::definitions::{self, Element, Primitive};
use crate::fhir::{Node, Object, fhirpath};

/// The resources around an element.
#[derive(Clone, Copy)]
pub struct Scope<'n> {
    /// The nearest resource, which may be a contained one.
    pub resource: &'n Object,
    /// The resource that contains it; itself when it is not contained.
    pub root: &'n Object,
    /// The entries of the Bundle around it.
    pub entries: Option<&'n Entries<'n>>,
    /// How many profiles stand inside one another.
    pub depth: usize,
}

impl Scope<'_> {
    pub const fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}

/// An element where it stands.
#[derive(Clone, Copy)]
pub struct Slot {
    /// The type, or the described part of one, that has the element.
    pub owner: &'static str,
    pub element: &'static Element,
    /// The type chosen, or the name under which its elements are described.
    pub kind: &'static str,
}

impl Slot {
    /// Whether this is the element of that name in that type.
    pub fn is(&self, owner: &str, name: &str) -> bool {
        self.owner == owner && self.element.name.trim_end_matches("[x]") == name
    }

    fn is_primitive(&self) -> bool {
        Primitive::of(self.kind).is_some()
    }
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
            self.typed(resource, place, Scope { resource, root: resource, entries: Some(&entries), depth: 0 });
            self.bundle(resource, &entries, place);
        } else {
            self.typed(resource, place, Scope { resource, root: resource, entries, depth: 0 });
        }
    }

    fn typed(&mut self, resource: &Object, place: &Place<'_>, scope: Scope<'_>) {
        match resource.get("resourceType").and_then(Node::as_str).map(definitions::resource) {
            None => self.report.error(place, IssueCode::Structure, "a resource needs a `resourceType`"),
            Some(None) => self.report.error(place, IssueCode::Structure, "`resourceType` names no resource of R4"),
            Some(Some(kind)) => {
                self.object(kind, None, resource, place, scope);
                self.claimed_profiles(kind, resource, place, scope);
            }
        }
    }

    /// An object of a type or of a described part of one, in the slot that it stands in.
    fn object(&mut self, kind: &'static str, slot: Option<Slot>, object: &Object, place: &Place<'_>, scope: Scope<'_>) {
        let is_resource = definitions::is_resource(kind);
        for (at, (name, node)) in object.iter().enumerate() {
            if object.iter().take(at).any(|(earlier, _)| earlier == name) {
                self.report.error(&place.member(name), IssueCode::Structure, "a member that is there twice");
            }
            if name != "resourceType" || !is_resource {
                self.member(kind, object, (name, node), place, scope);
            }
        }
        if !is_resource && !invariant::has_children(object) {
            self.report.error(place, IssueCode::Invariant, "ele-1: an element has a value or children");
        }
        self.presence(kind, object, place);
        self.invariants(kind, slot, object, place, scope);
        self.extensions(kind, slot, object, place, scope);
        match kind {
            "Reference" => self.reference(object, place, scope),
            "Coding" => binding::check_system(object, place, &mut self.report),
            _ => {}
        }
    }

    fn member(
        &mut self,
        owner: &'static str,
        object: &Object,
        (name, node): (&str, &Node),
        place: &Place<'_>,
        scope: Scope<'_>,
    ) {
        let (stem, is_companion) = name.strip_prefix('_').map_or((name, false), |stem| (stem, true));
        let Some((element, kind)) = definitions::locate(owner, stem) else {
            self.report.error(&place.member(name), IssueCode::Structure, "an element that this type does not have");
            return;
        };
        let (slot, place) = (Slot { owner, element, kind }, place.element(element.name, kind));
        match (element.list, node) {
            _ if is_companion => self.companion(slot, node, &place, scope),
            (true, Node::Array(items)) if items.is_empty() => {
                self.report.error(&place, IssueCode::Structure, "an array that is empty: leave the element out");
            }
            (true, Node::Array(items)) => {
                let companions = companions(object, stem, slot);
                for (at, item) in items.iter().enumerate() {
                    if *item != Node::Null || !matches!(companions.get(at), Some(Node::Object(_))) {
                        self.item(slot, item, &place.index(at), scope);
                    }
                }
            }
            (true, _) => self.report.error(&place, IssueCode::Structure, "this element repeats: expected an array"),
            (false, Node::Array(_)) => {
                self.report.error(&place, IssueCode::Structure, "this element does not repeat: expected no array");
            }
            (false, item) => self.item(slot, item, &place, scope),
        }
    }

    fn item(&mut self, slot: Slot, node: &Node, place: &Place<'_>, scope: Scope<'_>) {
        if slot.is_primitive() {
            self.primitive(slot, node, place, scope);
            return;
        }
        let Node::Object(object) = node else {
            self.report.error(place, IssueCode::DataType, format!("{}: expected an object", slot.kind));
            return;
        };
        binding::check(slot, node, place, &mut self.report);
        match slot.kind {
            "Resource" if slot.element.name == "contained" => {
                self.typed(object, place, Scope { resource: object, ..scope });
            }
            "Resource" => self.resource(object, place, scope.entries),
            kind => self.object(kind, Some(slot), object, place, scope),
        }
        match slot.kind {
            "Reference" => self.target(slot.element, object, place, scope),
            "Quantity" if object.get("comparator").is_some() && slot.element.targets("Quantity").next().is_some() => {
                self.report.error(place, IssueCode::Invariant, "sqty-1: the comparator is not used here");
            }
            _ => {}
        }
    }

    fn primitive(&mut self, slot: Slot, node: &Node, place: &Place<'_>, scope: Scope<'_>) {
        match primitive::check(slot.kind, node) {
            Err(expected) => {
                self.report.error(place, IssueCode::DataType, format!("{}: expected {expected}", slot.kind));
            }
            Ok(()) if slot.kind == "xhtml" => narrative::check(node, place, &mut self.report),
            Ok(()) => binding::check(slot, node, place, &mut self.report),
        }
        if let Some(element) = fhirpath::Element::of(node, None, slot.kind) {
            self.invariants_of_slot(slot, element, place, scope);
        }
    }

    /// What stands in `_name`: an Element, or a list of them with `null` for none.
    fn companion(&mut self, slot: Slot, node: &Node, place: &Place<'_>, scope: Scope<'_>) {
        if !slot.is_primitive() {
            self.report.error(place, IssueCode::Structure, "only a primitive has a companion with `_`");
            return;
        }
        match (slot.element.list, node) {
            (true, Node::Array(items)) => {
                for (at, item) in items.iter().enumerate().filter(|(_, item)| **item != Node::Null) {
                    self.companion_of_one(slot, item, &place.index(at), scope);
                }
            }
            (false, node) if !matches!(node, Node::Array(_)) => self.companion_of_one(slot, node, place, scope),
            _ => self.report.error(place, IssueCode::Structure, "a companion is an array where its element is one"),
        }
    }

    fn companion_of_one(&mut self, slot: Slot, node: &Node, place: &Place<'_>, scope: Scope<'_>) {
        match node {
            Node::Object(object) => self.object("Element", Some(slot), object, place, scope),
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
            let stem = element.name.trim_end_matches("[x]");
            let names = object.iter().map(|(name, _)| name.strip_prefix('_').unwrap_or(name));
            let mut chosen = names.filter(|name| stands_for(kind, element, name));
            let first = chosen.next();
            if first.is_none() && element.required {
                self.report.error(&place.member(stem), IssueCode::RequiredMissing, "a required element is missing");
            }
            if is_choice && chosen.any(|other| Some(other) != first) {
                self.report.error(&place.member(stem), IssueCode::Cardinality, "only one of the types of a choice");
            }
        }
    }
}

/// What stands beside the values of a list of primitives.
fn companions<'n>(object: &'n Object, stem: &str, slot: Slot) -> &'n [Node] {
    if !slot.is_primitive() {
        return &[];
    }
    object.get(&format!("_{stem}")).map_or(&[][..], Node::items)
}

fn stands_for(kind: &str, element: &Element, name: &str) -> bool {
    match element.name.strip_suffix("[x]") {
        None => name == element.name,
        Some(stem) => {
            name.starts_with(stem) && definitions::locate(kind, name).is_some_and(|(found, _)| found == element)
        }
    }
}
