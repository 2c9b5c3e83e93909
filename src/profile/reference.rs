//! References: what they may point to, and whether it is there (R4 2.3.0, 2.36.4, 3.1.0.3).
//!
//! A reference to a server of somebody is left alone: nothing here looks further than the Bundle it came in.

use std::collections::HashMap;

use super::place::Place;
use super::primitive;
use super::structure::{Scope, Walk};
use crate::base::issue::IssueCode;
use crate::fhir::definitions::{self, Element};
use crate::fhir::{Node, Object};

/// The entries of a Bundle by the addresses that references use.
pub struct Entries<'n> {
    kind: &'n str,
    is_empty: bool,
    by_url: HashMap<&'n str, &'n Object>,
    /// By type and id.
    by_id: HashMap<(&'n str, &'n str), &'n Object>,
}

impl<'n> Entries<'n> {
    pub fn of(bundle: &'n Object) -> Self {
        let kind = bundle.get("type").and_then(Node::as_str).unwrap_or_default();
        let mut found = Self { kind, is_empty: true, by_url: HashMap::new(), by_id: HashMap::new() };
        for entry in bundle.get("entry").map_or(&[][..], Node::items) {
            let Some(resource) = entry.get("resource").and_then(Node::as_object) else { continue };
            found.is_empty = false;
            if let Some(url) = entry.get("fullUrl").and_then(Node::as_str) {
                found.by_url.entry(url).or_insert(resource);
            }
            if let (Some(kind), Some(id)) = (kind_of(resource), resource.get("id").and_then(Node::as_str)) {
                found.by_id.entry((kind, id)).or_insert(resource);
            }
        }
        found
    }

    /// The resource at a reference: by `fullUrl` first, then by type and id.
    pub fn find(&self, reference: &str) -> Option<&'n Object> {
        let by_id = || Local::read(reference).and_then(|local| self.by_id.get(&(local.kind, local.id)));
        self.by_url.get(reference).or_else(by_id).copied()
    }
}

/// `Type/id`, alone or at the end of an URL, its version left out.
#[derive(Clone, Copy)]
struct Local<'t> {
    kind: &'t str,
    id: &'t str,
}

impl<'t> Local<'t> {
    fn read(reference: &'t str) -> Option<Self> {
        let reference = reference.split_once("/_history/").map_or(reference, |(before, _)| before);
        let (before, id) = reference.rsplit_once('/')?;
        let kind = before.rsplit_once('/').map_or(before, |(_, kind)| kind);
        (definitions::is_resource(kind) && primitive::is_id(id)).then_some(Self { kind, id })
    }

    fn names(self, resource: &Object) -> bool {
        kind_of(resource) == Some(self.kind) && resource.get("id").and_then(Node::as_str) == Some(self.id)
    }
}

fn kind_of(resource: &Object) -> Option<&str> {
    resource.get("resourceType").and_then(Node::as_str)
}

/// The contained resource that `#id` means; `#` alone is the container.
pub fn contained<'n>(root: &'n Object, fragment: &str) -> Option<&'n Object> {
    if fragment.is_empty() {
        return Some(root);
    }
    let contained = root.get("contained").map_or(&[][..], Node::items).iter().filter_map(Node::as_object);
    contained.into_iter().find(|inner| inner.get("id").and_then(Node::as_str) == Some(fragment))
}

impl Walk<'_> {
    /// Any reference: its form, and that it leads somewhere.
    pub fn reference(&mut self, object: &Object, place: &Place<'_>, scope: Scope<'_>) {
        let Some(reference) = object.get("reference").and_then(Node::as_str) else { return };
        let place = place.member("reference");
        if let Some(fragment) = reference.strip_prefix('#') {
            if contained(scope.root, fragment).is_none() {
                self.report.error(&place, IssueCode::Reference, "ref-1: no contained resource has this id");
            }
            return;
        }
        let in_bundle = scope.entries.and_then(|entries| entries.find(reference));
        if reference.starts_with("urn:") {
            if scope.entries.is_some() && in_bundle.is_none() {
                self.report.error(&place, IssueCode::Reference, "no entry of the Bundle has this fullUrl");
            }
            return;
        }
        let is_absolute = reference.contains("://");
        let is_conditional =
            scope.entries.is_some_and(|entries| entries.kind == "transaction") && reference.contains('?');
        if !is_absolute && !is_conditional && Local::read(reference).is_none() {
            self.report.error(&place, IssueCode::DataType, "expected Type/id, #id, or an absolute URL");
        }
        let must_be_there = scope.entries.is_some_and(|entries| entries.kind == "document");
        if must_be_there && !is_absolute && in_bundle.is_none() {
            self.report.warning(&place, IssueCode::Reference, "the document does not hold what is referred to");
        }
    }

    /// The type that is referred to is one that the element allows.
    pub fn target(&mut self, element: &Element, object: &Object, place: &Place<'_>, scope: Scope<'_>) {
        let mut targets = element.targets("Reference").peekable();
        if targets.peek().is_none() {
            return;
        }
        let said = object.get("type").and_then(Node::as_str);
        let kind = object.get("reference").and_then(Node::as_str).and_then(|reference| target_kind(reference, scope));
        let known = kind.or(said.filter(|kind| definitions::is_resource(kind)));
        if let Some(known) = known
            && !targets.any(|target| target == known)
        {
            self.report.error(place, IssueCode::Reference, "refers to a type of resource that is not allowed here");
        }
        if let (Some(said), Some(kind)) = (said, kind)
            && said != kind
        {
            self.report.error(&place.member("type"), IssueCode::Reference, "not the type that is referred to");
        }
    }

    /// What invariants cannot say about entries: fullUrl is absolute and agrees with the id (R4 2.36.4).
    pub fn bundle(&mut self, bundle: &Object, entries: &Entries<'_>, place: &Place<'_>) {
        let list = place.member("entry");
        for (at, entry) in bundle.get("entry").map_or(&[][..], Node::items).iter().enumerate() {
            let Some(url) = entry.get("fullUrl").and_then(Node::as_str) else { continue };
            let entry_place = list.index(at);
            let place = entry_place.member("fullUrl");
            if !url.contains(':') {
                self.report.error(&place, IssueCode::DataType, "fullUrl: expected an absolute URL");
            }
            let resource = entry.get("resource").and_then(Node::as_object);
            let disagrees = |resource| Local::read(url).is_some_and(|local| !local.names(resource));
            if url.starts_with("http") && resource.is_some_and(disagrees) {
                self.report.error(&place, IssueCode::Reference, "fullUrl and the resource's type and id disagree");
            }
        }
        if entries.kind == "message" && entries.is_empty {
            self.report.error(&list, IssueCode::RequiredMissing, "a message begins with a MessageHeader");
        }
    }
}

/// The resource that a reference leads to within what is at hand, with its type.
pub fn resolve<'n>(reference: &str, scope: Scope<'n>) -> Option<(&'n Object, &'static str)> {
    let found = match reference.strip_prefix('#') {
        Some(fragment) => contained(scope.root, fragment),
        None => scope.entries.and_then(|entries| entries.find(reference)),
    }?;
    Some((found, definitions::resource(kind_of(found)?)?))
}

/// The type of what a Reference leads to, as far as it can be known here.
pub fn kind_of_target<'n>(node: &'n Node, scope: Scope<'n>) -> Option<&'n str> {
    target_kind(node.get("reference")?.as_str()?, scope)
}

/// The type of what a reference leads to, as far as it can be known here.
fn target_kind<'s>(reference: &'s str, scope: Scope<'s>) -> Option<&'s str> {
    if let Some(fragment) = reference.strip_prefix('#') {
        return contained(scope.root, fragment).and_then(kind_of);
    }
    let found = scope.entries.and_then(|entries| entries.find(reference)).and_then(kind_of);
    found.or_else(|| Local::read(reference).map(|local| local.kind))
}
