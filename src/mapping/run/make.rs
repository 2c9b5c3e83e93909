//! Resources: made, identified, merged when two are one, tied to one another.

use smol_str::SmolStr;

use super::item::Spot;
use super::{Run, Scope, insert};
use crate::fhir::{Node, Object, Resource};
use crate::mapping::identity;
use crate::mapping::plan::{MessagePlan, ResourcePlan, Rule};
use crate::mapping::trace::{Mark, Tracer};

/// A resource under way.
pub(super) struct Made<'p> {
    pub(super) object: Object,
    /// `Patient/ID`: made once for all who refer to it. Empty until the id is known.
    reference: SmolStr,
    kind: SmolStr,
    /// The part of the message map that made it, and its segment; `None` when a rule of another resource did.
    plan: Option<(&'p ResourcePlan, usize)>,
    /// It turned out to be the same as an earlier one, or nothing but constants.
    dropped: bool,
}

const RESOURCE_TYPE: SmolStr = SmolStr::new_static("resourceType");
const ID: SmolStr = SmolStr::new_static("id");
const REFERENCE: SmolStr = SmolStr::new_static("reference");

fn begin(kind: &SmolStr) -> Object {
    let mut object = Object::new();
    object.push(RESOURCE_TYPE, Node::String(kind.clone()));
    object.push(ID, Node::Null);
    object
}

impl<'p, 'm> Run<'p, 'm> {
    pub(super) fn make_all(&mut self, plan: &'p MessagePlan) {
        for resource in &plan.resources {
            for node in 0..self.tree.nodes.len() {
                let wanted = self.tree.nodes[node].name == resource.from;
                let scope = Scope::of_segment(node);
                if wanted && resource.when.as_ref().is_none_or(|when| self.decide(when, resource.number, scope)) {
                    self.make(resource, scope);
                }
            }
        }
        for index in 0..self.made.len() {
            if let Some((plan, node)) = self.made[index].plan.filter(|_| !self.made[index].dropped) {
                self.tie(index, plan, node);
            }
        }
    }

    fn make(&mut self, plan: &'p ResourcePlan, scope: Scope<'m>) {
        let index = self.made.len();
        self.made.push(Made {
            object: Object::new(),
            reference: SmolStr::default(),
            kind: plan.kind.clone(),
            plan: Some((plan, scope.node)),
            dropped: true,
        });
        self.building = index;
        let mark = self.open_resource(plan.number, index);
        let mut object = begin(&plan.kind);
        if !self.run_maps(plan, scope, &mut object) {
            return self.drop(mark);
        }
        let id = self.identify(plan, scope, &object, mark);
        let index = self.settle(index, id, object, mark);
        self.close(mark, 0);
        self.named.push((&plan.name, self.tree.nodes[scope.node].group, index));
    }

    fn run_maps(&mut self, plan: &'p ResourcePlan, scope: Scope<'m>, object: &mut Object) -> bool {
        let library = self.library;
        let mut written = false;
        for (segment, map) in &plan.maps {
            let rules = &library.maps[*map].rules;
            if *segment == plan.from {
                written |= self.rules(rules, scope, object);
                continue;
            }
            for node in self.tree.related(self.tree.nodes[scope.node].group, segment) {
                written |= self.rules(rules, Scope::of_segment(node), object);
            }
        }
        written
    }

    fn identify(&mut self, plan: &ResourcePlan, scope: Scope<'m>, object: &Object, mark: Option<Mark>) -> SmolStr {
        if let Some(id) = self.id_of_identifiers(&plan.kind, object, mark) {
            return id;
        }
        self.taken.clear();
        if let Some(key) = plan.key.as_ref().and_then(|key| self.call(key, scope)) {
            if let (Some(tracer), Some(mark)) = (&mut self.tracer, mark) {
                tracer.keyed(mark, &self.taken);
            }
            return self.sender.id(&plan.kind, "urn:loopgate:key", &key.text());
        }
        let segment = u32::try_from(self.tree.nodes[scope.node].segment.index()).unwrap_or(u32::MAX);
        let spot = Spot { segment, ..Spot::default() };
        self.trace_in(mark, Tracer::placed);
        identity::positional_id(&plan.kind, &self.context.message_digest, spot, 0)
    }

    fn id_of_identifiers(&mut self, kind: &SmolStr, object: &Object, mark: Option<Mark>) -> Option<SmolStr> {
        let preferences = self.library.identities.get(kind).map_or(&[][..], Vec::as_slice);
        let (id, number) = identity::of_identifiers(kind, object, preferences, &self.sender)?;
        self.trace_in(mark, |tracer, mark| tracer.identified(mark, number));
        Some(id)
    }

    fn open_resource(&mut self, rule: u32, index: usize) -> Option<Mark> {
        self.tracer.as_mut().map(|tracer| tracer.open_resource(rule, index))
    }

    fn trace_in(&mut self, mark: Option<Mark>, record: impl FnOnce(&mut Tracer, Mark)) {
        if let (Some(tracer), Some(mark)) = (&mut self.tracer, mark) {
            record(tracer, mark);
        }
    }

    /// Gives the resource its id and keeps it, or adds it to the one that has this id already.
    fn settle(&mut self, index: usize, id: SmolStr, mut object: Object, mark: Option<Mark>) -> usize {
        let kind = self.made[index].kind.clone();
        if let Some(&first) = self.by_id.get(&(kind.clone(), id.clone())) {
            let adopted = merge(&mut self.made[first].object, object);
            self.trace_in(mark, |tracer, mark| tracer.merged(mark, first, &adopted));
            return first;
        }
        object.set(ID, Node::String(id.clone()));
        let made = &mut self.made[index];
        made.object = object;
        made.reference = address(&kind, &id);
        self.by_id.insert((kind, id), index);
        made.dropped = false;
        index
    }

    /// A resource that a data type map makes, and the reference to it.
    pub(super) fn make_aside(
        &mut self,
        rule: &'p Rule,
        map: usize,
        scope: Scope<'m>,
        spot: Spot,
        object: &mut Object,
    ) -> bool {
        let library = self.library;
        let map = &library.maps[map];
        let index = self.made.len();
        let made = Made {
            object: Object::new(),
            reference: SmolStr::default(),
            kind: map.target.clone(),
            plan: None,
            dropped: true,
        };
        self.made.push(made);
        let outer = std::mem::replace(&mut self.building, index);
        let mark = self.open_resource(rule.number, index);
        let mut aside = begin(&map.target);
        let written = self.rules(&map.rules, scope, &mut aside);
        self.building = outer;
        if !written {
            self.drop(mark);
            return false;
        }
        let id = self.id_of_identifiers(&map.target, &aside, mark).unwrap_or_else(|| {
            self.trace_in(mark, Tracer::placed);
            identity::positional_id(&map.target, &self.context.message_digest, spot, 1)
        });
        let index = self.settle(index, id, aside, mark);
        self.close(mark, 0);
        self.put_reference(rule, index, object);
        true
    }

    fn put_reference(&mut self, rule: &Rule, to: usize, object: &mut Object) {
        let reference = self.reference_to(to);
        let index = insert::insert(object, &rule.target, reference);
        if let Some(tracer) = &mut self.tracer {
            tracer.reference(rule, index, to);
        }
    }

    fn reference_to(&self, index: usize) -> Node {
        reference(self.made[index].reference.clone())
    }

    /// A reference to a resource that is not in this message, by its business identifier.
    pub(super) fn link(
        &mut self,
        rule: &'p Rule,
        map: usize,
        kind: &SmolStr,
        scope: Scope<'m>,
        object: &mut Object,
    ) -> bool {
        let library = self.library;
        let mark = self.tracer.as_mut().map(|tracer| tracer.open_identifier(rule));
        let mut identifier = Object::new();
        let written = self.rules(&library.maps[map].rules, scope, &mut identifier);
        let identifier = Node::Object(identifier);
        let Some(id) = identity::of_identifier(kind, &identifier, &self.sender).filter(|_| written) else {
            self.drop(mark);
            return false;
        };
        let mut target = reference(address(kind, &id));
        if let Some(target) = target.as_object_mut() {
            target.push(SmolStr::new_static("type"), Node::String(kind.clone()));
            target.push(SmolStr::new_static("identifier"), identifier);
        }
        let index = insert::insert(object, &rule.target, target);
        self.close(mark, index);
        self.trace_in(mark, |tracer, mark| tracer.link(rule, index, mark));
        true
    }

    /// Runs the rules that need the ids of other resources.
    fn tie(&mut self, index: usize, plan: &'p ResourcePlan, node: usize) {
        if plan.links.is_empty() {
            return;
        }
        self.building = index;
        let mark = self.open_resource(plan.number, index);
        let mut object = std::mem::take(&mut self.made[index].object);
        self.rules(&plan.links, Scope::of_segment(node), &mut object);
        self.close(mark, 0);
        self.made[index].object = object;
    }

    /// References to the nearest resources of a name: all of them where the target is a list.
    pub(super) fn refer(&mut self, rule: &'p Rule, name: &str, scope: Scope<'m>, object: &mut Object) -> bool {
        let all = rule.target.last().is_some_and(|step| step.list);
        let nearest = match self.at_hand {
            Some((at_hand, index)) if at_hand == name => vec![index],
            _ => self.nearest_named(name, self.tree.nodes[scope.node].group),
        };
        let mut written = false;
        for index in nearest.into_iter().take(if all { usize::MAX } else { 1 }) {
            if insert::is_occupied(object, &rule.target) {
                break;
            }
            self.put_reference(rule, index, object);
            written = true;
        }
        written
    }

    /// An element for every one of the nearest resources of a name; its rules look at the segment which made that one.
    pub(super) fn for_each(
        &mut self,
        rule: &'p Rule,
        name: &'p SmolStr,
        rules: &'p [Rule],
        scope: Scope<'m>,
        object: &mut Object,
    ) -> bool {
        let outer = self.at_hand;
        let mut written = false;
        for index in self.all_named(name, self.tree.nodes[scope.node].group) {
            let Some((_, node)) = self.made[index].plan else { continue };
            self.at_hand = Some((name, index));
            written |= self.element(rule, rules, Scope::of_segment(node), object, None);
        }
        self.at_hand = outer;
        written
    }

    /// The nearest resources of a name. Those of the name at hand are neighbours: all others of the message.
    fn all_named(&self, name: &str, from: usize) -> Vec<usize> {
        if self.made[self.building].plan.is_none_or(|(plan, _)| plan.name != name) {
            return self.nearest_named(name, from);
        }
        let others = self.named.iter().filter(|(other, _, index)| *other == name && *index != self.building);
        let mut found: Vec<usize> = others.map(|(_, _, index)| *index).collect();
        found.dedup();
        found
    }

    /// The resource whose rules run is none of them: nothing refers to itself.
    fn nearest_named(&self, name: &str, from: usize) -> Vec<usize> {
        let mut group = Some(from);
        let mut own = true;
        while let Some(outer) = group {
            let mut found: Vec<usize> = Vec::new();
            for (other, at, index) in &self.named {
                let fits = *other == name && *index != self.building && self.tree.holds(outer, *at, own);
                if fits && !found.contains(index) {
                    found.push(*index);
                }
            }
            if !found.is_empty() {
                return found;
            }
            group = self.tree.around(outer);
            own = false;
        }
        Vec::new()
    }
}

fn address(kind: &str, id: &str) -> SmolStr {
    [kind, "/", id].into_iter().collect()
}

fn reference(address: SmolStr) -> Node {
    let mut object = Object::new();
    object.push(REFERENCE, Node::String(address));
    Node::Object(object)
}

/// Adds what the first does not say, and gives the names of it.
fn merge(first: &mut Object, other: Object) -> Vec<SmolStr> {
    let mut adopted = Vec::new();
    for (key, node) in other.into_members() {
        if first.get(&key).is_none() {
            adopted.push(key.clone());
            first.push(key, node);
        }
    }
    adopted
}

/// The resources that stay, and where each went.
pub(super) fn assemble(made: Vec<Made>) -> (Vec<Resource>, Vec<Option<usize>>) {
    let mut resources = Vec::with_capacity(made.len());
    let mut kept = Vec::with_capacity(made.len());
    for made in made {
        let resource = (!made.dropped).then(|| Resource::from_object(made.object).ok()).flatten();
        kept.push(resource.as_ref().map(|_| resources.len()));
        resources.extend(resource);
    }
    (resources, kept)
}
