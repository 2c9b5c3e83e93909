//! Running a plan over a message: total, pure, deterministic.
//!
//! Resources are made in the order of the message map, one for every segment they come from; then, when all ids are
//! known, they are tied to one another. A value that does not fit costs its leaf alone, a null (`""`) is a deletion,
//! an empty field no statement. An element or resource of which only constants could be written is not made.

pub mod absent;
mod evaluate;
mod insert;
mod item;
pub(super) mod leaf;
mod make;
mod named;
mod translate;
mod tree;
mod value;

pub use item::{Found, Item, Spot};
pub use translate::Put;

use std::collections::{HashMap, HashSet};

use jiff::tz::TimeZone;
use smol_str::SmolStr;
use uuid::Uuid;

use self::named::Names;
use self::tree::Tree;
use self::value::sources_of;
use super::identity::SenderScope;
use super::mapped::{Context, Mapped, UnmappedCode};
use super::notation::Condition;
use super::plan::{Action, Library, MessagePlan, Rule, Source};
use super::presence;
use super::trace::{Mark, Outcome, Tracer};
use crate::base::Issue;
use crate::fhir::{Node, Object};
use crate::hl7v2::{Message, Presence};

use make::Made;

pub fn run(library: &Library, plan: &MessagePlan, message: &Message, context: &Context) -> Mapped {
    let mut run = Run {
        library,
        message,
        zone: &context.default_zone,
        context,
        sender: SenderScope::of(context),
        parts: Vec::with_capacity(64),
        tree: Tree::build(&plan.structure, message),
        made: Vec::with_capacity(16),
        by_id: HashMap::with_capacity(32),
        asides: HashMap::with_capacity(16),
        named: Names::default(),
        at_hand: None,
        building: 0,
        linked: false,
        issues: Vec::new(),
        unmapped: Vec::new(),
        unmapped_at: HashSet::new(),
        cleared: Vec::new(),
        tracer: context.trace.then(|| Tracer::new(&library.book)),
        taken: Vec::new(),
        found: Vec::with_capacity(16),
        items: Vec::with_capacity(16),
    };
    run.make_all(plan);
    run.finish()
}

/// The state of one run.
pub(super) struct Run<'p, 'm> {
    library: &'p Library,
    message: &'m Message,
    zone: &'p TimeZone,
    context: &'p Context,
    sender: SenderScope,
    /// The parts of the items whose rules run, the innermost last: split once for all paths that ask for them.
    parts: Vec<Item<'m>>,
    tree: Tree<'p, 'm>,
    made: Vec<Made<'p>>,
    /// Logical id to index in `made`: an id is of one type alone.
    by_id: HashMap<Uuid, usize>,
    /// What closed maps made aside: the map and the text of the item to index in `made`.
    asides: HashMap<(usize, (u8, &'m str)), usize>,
    /// Resources that the message map names.
    named: Names<'p>,
    /// The resource that an `each` has come to: name and index in `made`.
    at_hand: Option<(&'p SmolStr, usize)>,
    /// Index in `made` of the resource whose rules run.
    building: usize,
    /// A rule referred to something by its identifier.
    linked: bool,
    issues: Vec<Issue>,
    unmapped: Vec<UnmappedCode>,
    /// Tables and places of those, so that none is told twice.
    unmapped_at: HashSet<(usize, Spot)>,
    cleared: Vec<(usize, SmolStr)>,
    tracer: Option<Tracer>,
    /// With a tracer: the places that took part in the call at hand.
    taken: Vec<Spot>,
    /// Values of the rules that run, the innermost last.
    found: Vec<Found<'m>>,
    /// For the items of an argument, to be filled again and again.
    items: Vec<Item<'m>>,
}

/// What paths of a rule start from.
#[derive(Clone, Copy)]
pub(super) struct Scope<'m> {
    /// The segment, as a node of the tree.
    node: usize,
    item: Option<Item<'m>>,
    /// Its parts: from and to in `Run::parts`.
    parts: (usize, usize),
    /// What is written of the segment and the item.
    written: presence::Presence,
}

impl<'p, 'm> Run<'p, 'm> {
    fn finish(self) -> Mapped {
        let (resources, kept) = make::assemble(self.made);
        let trace = self.tracer.map(|tracer| tracer.finish(self.message, &kept));
        let moved = |index: usize| kept.get(index).copied().flatten();
        let cleared = self.cleared.into_iter().filter_map(|(index, name)| Some((moved(index)?, name))).collect();
        Mapped { resources, cleared, issues: self.issues, unmapped: self.unmapped, trace, linked: self.linked }
    }

    fn scope_of(&self, node: usize) -> Scope<'m> {
        let written = presence::Presence { fields: self.tree.nodes[node].written, parts: 1 };
        Scope { node, item: None, parts: (0, 0), written }
    }

    /// Runs rules into an element; true when something other than a constant was written.
    fn rules(&mut self, rules: &'p [Rule], scope: Scope<'m>, object: &mut Object) -> bool {
        let mut written = false;
        for rule in rules {
            if scope.written.meets(rule.needs) && self.applies(rule, scope) {
                written |= self.rule(rule, scope, object);
            }
        }
        written
    }

    fn applies(&mut self, rule: &Rule, scope: Scope<'m>) -> bool {
        let Some(when) = &rule.when else { return true };
        scope.written.meets(rule.when_needs) && self.decide(when, rule.number, scope)
    }

    /// Whether a condition of a rule holds; what was looked at is noted.
    fn decide(&mut self, when: &Condition, rule: u32, scope: Scope<'m>) -> bool {
        self.taken.clear();
        let holds = self.holds(when, scope);
        if let Some(tracer) = &mut self.tracer {
            self.taken.drain(..).for_each(|spot| tracer.note(rule, spot, Outcome::Consulted));
        }
        holds
    }

    fn rule(&mut self, rule: &'p Rule, scope: Scope<'m>, object: &mut Object) -> bool {
        match (&rule.action, &rule.source) {
            (Action::Refer { name }, _) => self.refer(rule, name, scope, object),
            (Action::Each { name, rules }, _) => self.for_each(rule, name, rules, scope, object),
            (Action::Group { rules, .. }, Source::Nothing) => self.element(rule, rules, scope, object, None),
            (Action::Leaf { primitive, table: None }, Source::Constant(text)) if primitive.is_plain() => {
                self.constant(rule, text, object);
                false
            }
            (_, source) => self.values(rule, source, scope, object),
        }
    }

    /// A constant was looked at when the release was compiled.
    fn constant(&mut self, rule: &Rule, text: &SmolStr, object: &mut Object) {
        if !insert::is_occupied(object, &rule.target) {
            let index = insert::insert(object, &rule.target, Node::String(text.clone()));
            if let Some(tracer) = &mut self.tracer {
                tracer.leaf(rule, &rule.target, index, None);
            }
        }
    }

    fn values(&mut self, rule: &'p Rule, source: &Source, scope: Scope<'m>, object: &mut Object) -> bool {
        let from = self.found.len();
        self.find(rule, source, scope);
        let mut written = false;
        for at in from..self.found.len() {
            let found = std::mem::replace(&mut self.found[at], Found::Constant(SmolStr::default()));
            written |= self.apply(rule, scope, &found, object);
        }
        self.found.truncate(from);
        written
    }

    /// Carries out a rule for one value.
    fn apply(&mut self, rule: &'p Rule, scope: Scope<'m>, found: &Found<'m>, object: &mut Object) -> bool {
        if let Some(item) = found.item() {
            match item.presence() {
                Presence::Absent => return false,
                Presence::Null => {
                    self.note(rule, item.spot, Outcome::Cleared);
                    self.clear(rule, scope);
                    return false;
                }
                Presence::Valued => {}
            }
        }
        if insert::is_occupied(object, &rule.target) {
            self.note_found(rule, found, Outcome::Suppressed);
            return false;
        }
        if let Action::Leaf { primitive, table } = &rule.action {
            return self.leaf(rule, *primitive, *table, found, object);
        }
        let outer_parts = self.parts.len();
        let inner = self.take_apart(scope, found.item());
        let written = self.apply_within(rule, inner, found, object);
        self.parts.truncate(outer_parts);
        written
    }

    /// The item with its parts, for rules that look into it. `$this` has been taken apart already.
    fn take_apart(&mut self, scope: Scope<'m>, item: Option<Item<'m>>) -> Scope<'m> {
        if item.is_some() && item.map(|item| item.spot) == scope.item.map(|item| item.spot) {
            return scope;
        }
        let from = self.parts.len();
        let parts = item.map_or(1, |item| item.parts(&mut self.parts));
        let written = presence::Presence { parts, ..scope.written };
        Scope { item, parts: (from, self.parts.len()), written, ..scope }
    }

    /// Carries out a rule whose rules look into the value.
    fn apply_within(&mut self, rule: &'p Rule, inner: Scope<'m>, found: &Found<'m>, object: &mut Object) -> bool {
        let library = self.library;
        match &rule.action {
            Action::Map { map, table } => {
                let code = table.map(|table| (table, found));
                self.element(rule, &library.maps[*map].rules, inner, object, code)
            }
            Action::Group { rules, .. } => self.element(rule, rules, inner, object, None),
            Action::Scalar { map } => self.scalar(rule, &library.maps[*map].rules, inner, object),
            Action::Make { map } => self.make_aside(rule, *map, inner, found.spot(), object),
            Action::Link { map, kind } => self.link(rule, *map, kind, inner, object),
            Action::Leaf { .. } | Action::Refer { .. } | Action::Each { .. } => false,
        }
    }

    /// A null in a field of the segment at hand deletes the element; deeper down it says nothing about a whole.
    fn clear(&mut self, rule: &Rule, scope: Scope<'m>) {
        if scope.item.is_none()
            && let Some(step) = rule.target.first()
        {
            self.cleared.push((self.building, step.key.clone()));
        }
    }

    /// Builds an element by rules and puts it at the target; without a target, writes into the element at hand.
    fn element(
        &mut self,
        rule: &'p Rule,
        rules: &'p [Rule],
        scope: Scope<'m>,
        object: &mut Object,
        table: Option<(usize, &Found<'m>)>,
    ) -> bool {
        if insert::is_occupied(object, &rule.target) {
            return false;
        }
        let mark = self.open_element(rule);
        if rule.target.is_empty() {
            let written = self.rules(rules, scope, object);
            self.close(mark, 0);
            return written;
        }
        if insert::is_occupied(object, &rule.target) {
            self.drop(mark);
            return false;
        }
        let mut element = Object::new();
        let mut written = self.rules(rules, scope, &mut element);
        if let Some((table, found)) = table {
            written |= self.translate(rule, table, found, mark, &mut element);
        }
        if written || matches!(rule.action, Action::Group { constant: true, .. }) {
            let index = insert::insert(object, &rule.target, Node::Object(element));
            self.close(mark, index);
            if let Some(tracer) = &mut self.tracer {
                tracer.urls(rule, &rule.target, index);
            }
        } else {
            self.drop(mark);
        }
        written
    }

    fn open_element(&mut self, rule: &Rule) -> Option<Mark> {
        self.tracer.as_mut().map(|tracer| tracer.open_element(rule))
    }

    fn close(&mut self, mark: Option<Mark>, index: usize) {
        if let (Some(tracer), Some(mark)) = (&mut self.tracer, mark) {
            tracer.close(mark, index);
        }
    }

    fn drop(&mut self, mark: Option<Mark>) {
        if let (Some(tracer), Some(mark)) = (&mut self.tracer, mark) {
            tracer.drop(mark);
        }
    }

    fn note(&mut self, rule: &Rule, spot: Spot, outcome: Outcome) {
        if let Some(tracer) = &mut self.tracer {
            tracer.note(rule.number, spot, outcome);
        }
    }

    /// Notes what became of everything that a source gave.
    fn note_found(&mut self, rule: &Rule, found: &Found, outcome: Outcome) {
        let Some(tracer) = &mut self.tracer else { return };
        sources_of(&self.taken, found).iter().for_each(|spot| tracer.note(rule.number, *spot, outcome));
    }
}
