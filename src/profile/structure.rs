//! The walk over a resource by the R4 definitions: known elements, cardinality, types, formats, choices.
//!
//! Cast: a *slot* is an element of a type, with the type that was chosen for it; a *companion* is the member `_name`
//! beside a primitive `name`, which carries its id and extensions (R4 2.6.2). Codes and references are judged on the way;
//! unless only the form is asked for, each object is also handed to the other rules: invariants, narratives, extensions
//! and profiles.

use super::place::Place;
use super::reference::Entries;
use super::report::Report;
use super::{Validator, binding, invariant, narrative, primitive};
use crate::base::issue::IssueCode;
use crate::fhir::definitions::{self, Definition, Element, Member, Primitive};
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
    pub primitive: Option<Primitive>,
}

impl Slot {
    fn new(definition: &'static Definition, member: Member) -> Self {
        let Member { index, kind, primitive } = member;
        Self { owner: definition.name, element: &definition.elements[index], kind, primitive }
    }

    /// Whether this is the element of that name in that type.
    pub fn is(&self, owner: &str, name: &str) -> bool {
        self.owner == owner && self.element.name.trim_end_matches("[x]") == name
    }
}

/// One validation under way.
pub struct Walk<'v> {
    pub validator: &'v Validator,
    pub report: Report,
    /// Invariants, narratives, extensions and profiles are left alone.
    is_form_only: bool,
}

impl<'v> Walk<'v> {
    pub fn new(validator: &'v Validator) -> Self {
        Self { validator, report: Report::default(), is_form_only: false }
    }

    pub fn of_form(validator: &'v Validator) -> Self {
        Self { is_form_only: true, ..Self::new(validator) }
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
        let kind = resource.get("resourceType").and_then(Node::as_str);
        match kind.map(|kind| definitions::definition(kind).filter(|definition| definition.is_resource)) {
            None => self.report.error(place, IssueCode::Structure, "a resource needs a `resourceType`"),
            Some(None) => self.report.error(place, IssueCode::Structure, "`resourceType` names no resource of R4"),
            Some(Some(definition)) => {
                self.object(definition, None, resource, place, scope);
                if !self.is_form_only {
                    self.claimed_profiles(definition.name, resource, place, scope);
                }
            }
        }
    }

    /// An object of a type or of a described part of one, in the slot that it stands in.
    fn object(
        &mut self,
        definition: &'static Definition,
        slot: Option<Slot>,
        object: &Object,
        place: &Place<'_>,
        scope: Scope<'_>,
    ) {
        let mut present = Present::default();
        for (name, node) in object.iter() {
            if name != "resourceType" || !definition.is_resource {
                self.member(definition, &mut present, object, (name, node), place, scope);
            }
        }
        // A companion may have nothing but an id, beside a value.
        if !definition.is_resource && definition.name != "Element" {
            self.has_children(object, place);
        }
        self.presence(definition, &present, object, place);
        if definition.name == "Reference" {
            self.reference(object, place, scope);
        }
        if !self.is_form_only {
            self.invariants(definition.name, slot, object, place, scope);
            self.extensions(definition.name, slot, object, place, scope);
            if definition.name == "Coding" {
                binding::check_system(object, place, &mut self.report);
            }
        }
    }

    fn has_children(&mut self, object: &Object, place: &Place<'_>) {
        if !invariant::has_children(object) {
            self.report.error(place, IssueCode::Invariant, "ele-1: an element has a value or children");
        }
    }

    fn member(
        &mut self,
        owner: &'static Definition,
        present: &mut Present,
        object: &Object,
        (name, node): (&str, &Node),
        place: &Place<'_>,
        scope: Scope<'_>,
    ) {
        let (stem, is_companion) = name.strip_prefix('_').map_or((name, false), |stem| (stem, true));
        let Some(member) = owner.member(stem) else {
            self.report.error(&place.member(name), IssueCode::Structure, "an element that this type does not have");
            return;
        };
        present.note(member.index, is_companion);
        let slot = Slot::new(owner, member);
        let place = place.element(slot.element.name, slot.kind);
        match (slot.element.list, node) {
            _ if is_companion => {
                self.companion(slot, node, object.get(stem).map_or(&[][..], Node::items), &place, scope);
            }
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
        if slot.primitive.is_some() {
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
            kind => {
                if let Some(definition) = definitions::definition(kind) {
                    self.object(definition, Some(slot), object, place, scope);
                }
            }
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
            Ok(()) if slot.kind == "xhtml" && self.is_form_only => {}
            Ok(()) if slot.kind == "xhtml" => narrative::check(node, place, &mut self.report),
            Ok(()) => binding::check(slot, node, place, &mut self.report),
        }
        if !self.is_form_only
            && let Some(element) = fhirpath::Element::of(node, None, slot.kind)
        {
            self.invariants_of_slot(slot, element, place, scope);
        }
    }

    /// What stands in `_name`, beside these values: an Element, or a list of them with `null` for none.
    fn companion(&mut self, slot: Slot, node: &Node, values: &[Node], place: &Place<'_>, scope: Scope<'_>) {
        if slot.primitive.is_none() {
            self.report.error(place, IssueCode::Structure, "only a primitive has a companion with `_`");
            return;
        }
        let has_value = |at: usize| values.get(at).is_some_and(|value| *value != Node::Null);
        match (slot.element.list, node) {
            (true, Node::Array(items)) => {
                for (at, item) in items.iter().enumerate().filter(|(_, item)| **item != Node::Null) {
                    self.companion_of_one(slot, item, has_value(at), &place.index(at), scope);
                }
            }
            (false, node) if !matches!(node, Node::Array(_)) => {
                self.companion_of_one(slot, node, has_value(0), place, scope);
            }
            _ => self.report.error(place, IssueCode::Structure, "a companion is an array where its element is one"),
        }
    }

    fn companion_of_one(&mut self, slot: Slot, node: &Node, has_value: bool, place: &Place<'_>, scope: Scope<'_>) {
        let (Node::Object(object), Some(definition)) = (node, definitions::definition("Element")) else {
            self.report.error(place, IssueCode::DataType, "id and extensions of a primitive: expected an object");
            return;
        };
        if !has_value {
            self.has_children(object, place);
        }
        self.object(definition, Some(slot), object, place, scope);
    }

    /// Required elements are there, of a choice only one type, and no member twice.
    fn presence(&mut self, definition: &'static Definition, present: &Present, object: &Object, place: &Place<'_>) {
        for (index, element) in definition.elements.iter().enumerate() {
            if element.required && !present.has(index) {
                let stem = element.name.trim_end_matches("[x]");
                self.report.error(&place.member(stem), IssueCode::RequiredMissing, "a required element is missing");
            }
        }
        if present.is_any_twice || (present.values & present.companions) != 0 {
            self.once(definition, object, place);
        }
    }

    fn once(&mut self, definition: &'static Definition, object: &Object, place: &Place<'_>) {
        let mut chosen: Vec<(usize, &str)> = Vec::new();
        for (at, (name, _)) in object.iter().enumerate() {
            if object.iter().take(at).any(|(earlier, _)| earlier == name) {
                self.report.error(&place.member(name), IssueCode::Structure, "a member that is there twice");
            }
            let Some(member) = definition.member(name.strip_prefix('_').unwrap_or(name)) else { continue };
            let Some(stem) = definition.elements[member.index].name.strip_suffix("[x]") else { continue };
            match chosen.iter().find(|(index, _)| *index == member.index) {
                Some((_, kind)) if *kind != member.kind => {
                    self.report.error(&place.member(stem), IssueCode::Cardinality, "only one of the types of a choice");
                }
                Some(_) => {}
                None => chosen.push((member.index, member.kind)),
            }
        }
    }
}

/// Which elements of a type an object has, by their index: no type has as many as there are bits.
#[derive(Default)]
struct Present {
    values: u128,
    companions: u128,
    is_any_twice: bool,
}

impl Present {
    const fn note(&mut self, index: usize, is_companion: bool) {
        let place = if is_companion { &mut self.companions } else { &mut self.values };
        self.is_any_twice |= *place & (1 << index) != 0;
        *place |= 1 << index;
    }

    const fn has(&self, index: usize) -> bool {
        (self.values | self.companions) & (1 << index) != 0
    }
}

/// What stands beside the values of a list of primitives.
fn companions<'n>(object: &'n Object, stem: &str, slot: Slot) -> &'n [Node] {
    if slot.primitive.is_none() {
        return &[];
    }
    let beside = object.iter().find(|(name, _)| name.strip_prefix('_') == Some(stem));
    beside.map_or(&[][..], |(_, node)| node.items())
}
