//! Resources: made, identified, merged when two are one, tied to one another.

use smol_str::SmolStr;
use uuid::Uuid;

use super::item::Spot;
use super::{Run, Scope, absent, insert};
use crate::fhir::{Node, Object, Resource};
use crate::mapping::identity;
use crate::mapping::plan::{Map, MessagePlan, ResourcePlan, Rule};
use crate::mapping::trace::{Mark, Outcome, Tracer};

/// A resource under way.
pub(super) struct Made<'p> {
    pub(super) object: Object,
    /// `Patient/ID`: made once for all who refer to it. Empty until the id is known.
    reference: SmolStr,
    kind: &'p SmolStr,
    /// The part of the message map that made it, and its segment; `None` when a rule of another resource did.
    plan: Option<(&'p ResourcePlan, usize)>,
    /// It turned out to be the same as an earlier one, or nothing but constants.
    dropped: bool,
}

impl<'p> Made<'p> {
    const fn begin(kind: &'p SmolStr, plan: Option<(&'p ResourcePlan, usize)>) -> Self {
        Self { object: Object::new(), reference: SmolStr::new_static(""), kind, plan, dropped: true }
    }
}

const RESOURCE_TYPE: SmolStr = SmolStr::new_static("resourceType");
const ID: SmolStr = SmolStr::new_static("id");
const REFERENCE: SmolStr = SmolStr::new_static("reference");

/// Members that most resources do not exceed.
const RESOURCE_MEMBERS: usize = 12;

fn begin(kind: &SmolStr) -> Object {
    let mut object = Object::with_capacity(RESOURCE_MEMBERS);
    object.push(RESOURCE_TYPE, Node::String(kind.clone()));
    object.push(ID, Node::Null);
    object
}

impl<'p, 'm> Run<'p, 'm> {
    pub(super) fn make_all(&mut self, plan: &'p MessagePlan) {
        for resource in &plan.resources {
            for node in 0..self.tree.nodes.len() {
                let wanted = self.tree.nodes[node].name == resource.from;
                let scope = self.scope_of(node);
                if wanted && resource.when.as_ref().is_none_or(|when| self.decide(when, resource.number, scope)) {
                    self.make(resource, scope);
                }
            }
        }
        self.named.sort();
        for index in 0..self.made.len() {
            if let Some((plan, node)) = self.made[index].plan.filter(|_| !self.made[index].dropped) {
                self.tie(index, plan, node);
            }
        }
    }

    fn make(&mut self, plan: &'p ResourcePlan, scope: Scope<'m>) {
        let index = self.made.len();
        self.made.push(Made::begin(&plan.kind, Some((plan, scope.node))));
        self.building = index;
        let mark = self.open_resource(plan.number, index);
        let mut object = begin(&plan.kind);
        if !self.run_maps(plan, scope, &mut object) {
            return self.drop(mark);
        }
        let id = self.identify(plan, scope, &object, mark);
        let index = self.settle(index, id, object, mark);
        self.close(mark, 0);
        self.named.add(&plan.name, self.tree.nodes[scope.node].group, index, &self.tree);
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
                written |= {
                    let scope = self.scope_of(node);
                    self.rules(rules, scope, object)
                };
            }
        }
        written
    }

    fn identify(&mut self, plan: &ResourcePlan, scope: Scope<'m>, object: &Object, mark: Option<Mark>) -> Uuid {
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
        let spot = self.placed(Spot { segment: self.tree.nodes[scope.node].number(), ..Spot::default() });
        self.trace_in(mark, Tracer::placed);
        identity::positional_id(&plan.kind, &self.context.message_digest, spot, 0)
    }

    fn id_of_identifiers(&mut self, kind: &SmolStr, object: &Object, mark: Option<Mark>) -> Option<Uuid> {
        let preferences = self.library.identities.get(kind).map_or(&[][..], Vec::as_slice);
        let (id, number) = identity::of_identifiers(kind, object, preferences, &self.sender)?;
        self.trace_in(mark, |tracer, mark| tracer.identified(mark, number));
        Some(id)
    }

    /// The place with its segment counted among those that the structure has: one that is unknown moves no id.
    fn placed(&self, spot: Spot) -> Spot {
        let nodes = &self.tree.nodes;
        let before = nodes.partition_point(|node| node.number() < spot.segment);
        Spot { segment: u32::try_from(before).unwrap_or(u32::MAX), ..spot }
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
    fn settle(&mut self, index: usize, id: Uuid, mut object: Object, mark: Option<Mark>) -> usize {
        if let Some(&first) = self.by_id.get(&id) {
            let adopted = merge(&mut self.made[first].object, object);
            self.trace_in(mark, |tracer, mark| tracer.merged(mark, first, &adopted));
            return first;
        }
        self.by_id.insert(id, index);
        let id = identity::text(id);
        let made = &mut self.made[index];
        made.reference = address(made.kind, &id);
        made.dropped = false;
        object.set(ID, Node::String(id));
        made.object = object;
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
        let (index, map) = (map, &library.maps[map]);
        let key = scope.item.filter(|_| map.closed).map(|item| (index, item.raw()));
        if let Some(&known) = key.as_ref().and_then(|key| self.asides.get(key)) {
            self.note(rule, spot, Outcome::Repeated);
            self.put_reference(rule, known, object);
            return true;
        }
        let clean = (self.issues.len(), self.unmapped.len());
        let Some((made, identified)) = self.build_aside(rule, map, scope, spot) else { return false };
        // What went wrong in it is to be told at every place.
        if let Some(key) = key.filter(|_| identified && clean == (self.issues.len(), self.unmapped.len())) {
            self.asides.insert(key, made);
        }
        self.put_reference(rule, made, object);
        true
    }

    /// The resource, and whether a business identifier made its id.
    fn build_aside(&mut self, rule: &Rule, map: &'p Map, scope: Scope<'m>, spot: Spot) -> Option<(usize, bool)> {
        let index = self.made.len();
        self.made.push(Made::begin(&map.target, None));
        let outer = std::mem::replace(&mut self.building, index);
        let mark = self.open_resource(rule.number, index);
        let mut aside = begin(&map.target);
        let written = self.rules(&map.rules, scope, &mut aside);
        self.building = outer;
        if !written {
            self.drop(mark);
            return None;
        }
        let id = self.id_of_identifiers(&map.target, &aside, mark);
        let identified = id.is_some();
        let id = id.unwrap_or_else(|| {
            self.trace_in(mark, Tracer::placed);
            identity::positional_id(&map.target, &self.context.message_digest, self.placed(spot), 1)
        });
        let index = self.settle(index, id, aside, mark);
        self.close(mark, 0);
        Some((index, identified))
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
        self.linked = true;
        let mut target = reference(address(kind, &identity::text(id)));
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
        let scope = self.scope_of(node);
        self.rules(&plan.links, scope, &mut object);
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
            let scope = self.scope_of(node);
            written |= self.element(rule, rules, scope, object, None);
        }
        self.at_hand = outer;
        written
    }

    /// The nearest resources of a name. Those of the name at hand are neighbours: all others of the message.
    fn all_named(&self, name: &str, from: usize) -> Vec<usize> {
        if self.made[self.building].plan.is_none_or(|(plan, _)| plan.name != name) {
            return self.nearest_named(name, from);
        }
        self.named.all(name, self.building)
    }

    /// The resource whose rules run is none of them: nothing refers to itself.
    fn nearest_named(&self, name: &str, from: usize) -> Vec<usize> {
        self.named.nearest(name, from, self.building, &self.tree)
    }
}

fn address(kind: &str, id: &str) -> SmolStr {
    [kind, "/", id].into_iter().collect()
}

fn reference(address: SmolStr) -> Node {
    let mut object = Object::with_capacity(1);
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
        let mut object = made.object;
        if !made.dropped {
            absent::complete(made.kind, &mut object);
        }
        let resource = (!made.dropped).then(|| Resource::from_object(object).ok()).flatten();
        kept.push(resource.as_ref().map(|_| resources.len()));
        resources.extend(resource);
    }
    (resources, kept)
}
