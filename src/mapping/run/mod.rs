//! Running a plan over a message: total, pure, deterministic.
//!
//! Resources are made in the order of the message map, one for every segment they come from; then, when all ids are
//! known, they are tied to one another. A value that does not fit costs its leaf alone, a null (`""`) is a deletion,
//! an empty field no statement. An element or resource of which only constants could be written is not made.

mod evaluate;
mod insert;
mod item;
pub(super) mod leaf;
mod make;
mod tree;

pub use item::{Found, Item, Spot};

use jiff::tz::TimeZone;
use smol_str::SmolStr;

use self::tree::Tree;
use super::identity::SenderScope;
use super::mapped::{Context, Mapped, UnmappedCode};
use super::plan::{Action, Code, Library, MessagePlan, Rule, Source};
use super::trace::{Leaf, LeafSource, Trace, Tracer};
use crate::base::{Issue, IssueCode};
use crate::fhir::definitions::Primitive;
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
        by_id: std::collections::HashMap::with_capacity(16),
        named: Vec::with_capacity(16),
        building: 0,
        issues: Vec::new(),
        unmapped: Vec::new(),
        cleared: Vec::new(),
        tracer: context.trace.then(Tracer::default),
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
    /// Type and logical id to index in `made`.
    by_id: std::collections::HashMap<(SmolStr, SmolStr), usize>,
    /// Resources that the message map names: name, group instance, index in `made`.
    named: Vec<(&'p SmolStr, usize, usize)>,
    /// Index in `made` of the resource whose rules run.
    building: usize,
    issues: Vec<Issue>,
    unmapped: Vec<UnmappedCode>,
    cleared: Vec<(usize, SmolStr)>,
    tracer: Option<Tracer>,
}

/// What paths of a rule start from.
#[derive(Clone, Copy)]
pub(super) struct Scope<'m> {
    /// The segment, as a node of the tree.
    node: usize,
    item: Option<Item<'m>>,
    /// Its parts: from and to in `Run::parts`.
    parts: (usize, usize),
}

impl Scope<'_> {
    const fn of_segment(node: usize) -> Self {
        Self { node, item: None, parts: (0, 0) }
    }
}

impl<'p, 'm> Run<'p, 'm> {
    fn finish(mut self) -> Mapped {
        let trace = self.tracer.take().map(|tracer| {
            let unused = tracer.unused(self.message);
            Trace { leaves: tracer.leaves, unused }
        });
        let (resources, kept) = make::assemble(self.made);
        let moved = |index: usize| kept.get(index).copied().flatten();
        let cleared = self.cleared.into_iter().filter_map(|(index, name)| Some((moved(index)?, name))).collect();
        let trace = trace.map(|mut trace| {
            trace.leaves.retain_mut(|leaf| moved(leaf.resource).map(|index| leaf.resource = index).is_some());
            trace
        });
        Mapped { resources, cleared, issues: self.issues, unmapped: self.unmapped, trace }
    }

    /// Runs rules into an element; true when something other than a constant was written.
    fn rules(&mut self, rules: &'p [Rule], scope: Scope<'m>, object: &mut Object) -> bool {
        let mut written = false;
        for rule in rules {
            if rule.when.as_ref().is_none_or(|when| self.holds(when, scope)) {
                written |= self.rule(rule, scope, object);
            }
        }
        written
    }

    fn rule(&mut self, rule: &'p Rule, scope: Scope<'m>, object: &mut Object) -> bool {
        match (&rule.action, &rule.source) {
            (Action::Refer { name }, _) => self.refer(rule, name, scope, object),
            (Action::Group { rules, .. }, Source::Nothing) => self.element(rule, rules, scope, object, None),
            (_, source) => {
                let mut written = false;
                self.each(source, scope, &mut |run, found| written |= run.apply(rule, scope, &found, object));
                written
            }
        }
    }

    /// Carries out a rule for one value.
    fn apply(&mut self, rule: &'p Rule, scope: Scope<'m>, found: &Found<'m>, object: &mut Object) -> bool {
        if let Some(item) = found.item() {
            match item.presence() {
                Presence::Absent => return false,
                Presence::Null => {
                    self.clear(rule, scope);
                    return false;
                }
                Presence::Valued => {}
            }
        }
        if insert::is_occupied(object, &rule.target) {
            return false;
        }
        if let Action::Leaf { primitive, table } = &rule.action {
            return self.leaf(rule, *primitive, *table, found, object);
        }
        let outer_parts = self.parts.len();
        let inner = self.take_apart(scope.node, found.item());
        let written = self.apply_within(rule, inner, found, object);
        self.parts.truncate(outer_parts);
        written
    }

    fn take_apart(&mut self, node: usize, item: Option<Item<'m>>) -> Scope<'m> {
        let from = self.parts.len();
        if let Some(item) = item {
            item.parts(&mut self.parts);
        }
        Scope { node, item, parts: (from, self.parts.len()) }
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
            Action::Leaf { .. } | Action::Refer { .. } => false,
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
        if rule.target.is_empty() {
            return self.rules(rules, scope, object);
        }
        if insert::is_occupied(object, &rule.target) {
            return false;
        }
        self.enter(object, rule);
        let mut element = Object::new();
        let mut written = self.rules(rules, scope, &mut element);
        if let Some((table, found)) = table {
            written |= self.translate(rule, table, found, &mut element);
        }
        self.leave();
        if written || matches!(rule.action, Action::Group { constant: true, .. }) {
            insert::insert(object, &rule.target, Node::Object(element));
        }
        written
    }

    /// The first value that the rules of a map to a primitive give.
    fn scalar(&mut self, rule: &'p Rule, rules: &'p [Rule], scope: Scope<'m>, object: &mut Object) -> bool {
        for inner in rules {
            if !inner.when.as_ref().is_none_or(|when| self.holds(when, scope)) {
                continue;
            }
            let Action::Leaf { primitive, table } = &inner.action else { continue };
            let mut value = None;
            self.each(&inner.source, scope, &mut |run, found| {
                if value.is_none() && found.item().is_none_or(Item::is_valued) {
                    value = run.convert(inner, *primitive, *table, &found).map(|node| (node, found));
                }
            });
            if let Some((node, found)) = value {
                self.put(inner, &rule.target, &found, node, object);
                return !found.is_constant();
            }
        }
        false
    }

    fn leaf(
        &mut self,
        rule: &'p Rule,
        primitive: Primitive,
        table: Option<usize>,
        found: &Found<'m>,
        object: &mut Object,
    ) -> bool {
        let node = match found {
            // Looked at when the release was compiled.
            Found::Constant(text) if table.is_none() && primitive.is_plain() => Node::String(text.clone()),
            _ => match self.convert(rule, primitive, table, found) {
                Some(node) => node,
                None => return false,
            },
        };
        self.put(rule, &rule.target, found, node, object);
        !found.is_constant()
    }

    fn put(&mut self, rule: &Rule, target: &[super::plan::Step], found: &Found, node: Node, object: &mut Object) {
        if let Some(tracer) = &mut self.tracer {
            let source = tracer.source(self.message, found);
            self.record(rule, target, source, object);
        }
        insert::insert(object, target, node);
    }

    fn record(&mut self, rule: &Rule, target: &[super::plan::Step], source: LeafSource, object: &Object) {
        let Some(tracer) = &mut self.tracer else { return };
        let mut address = String::new();
        insert::address(object, target, &mut address);
        let file = &self.library.files[usize::from(rule.origin.file)];
        tracer.leaves.push(Leaf {
            resource: self.building,
            path: tracer.path(&address),
            source,
            rule: rule.id.clone(),
            place: smol_str::format_smolstr!("{file}:{}", rule.origin.line),
        });
    }

    fn enter(&mut self, object: &Object, rule: &Rule) {
        if let Some(tracer) = &mut self.tracer {
            let mut address = String::new();
            insert::address(object, &rule.target, &mut address);
            tracer.enter(address);
        }
    }

    fn leave(&mut self) {
        if let Some(tracer) = &mut self.tracer {
            tracer.leave();
        }
    }

    fn convert(&mut self, rule: &Rule, kind: Primitive, table: Option<usize>, found: &Found<'m>) -> Option<Node> {
        let text = found.text();
        if text.is_empty() {
            return None;
        }
        let Some(table) = table else { return self.primitive(rule, kind, &text, found.spot()) };
        match self.library.tables[table].find(&text) {
            Some(code) if code.value.is_empty() => None,
            Some(code) => self.primitive(rule, kind, &code.value, found.spot()),
            None => {
                self.note_unmapped(table, &text, found.spot());
                None
            }
        }
    }

    fn primitive(&mut self, rule: &Rule, kind: Primitive, text: &str, spot: Spot) -> Option<Node> {
        match leaf::convert(kind, text, self.zone) {
            Ok(node) => Some(node),
            Err(expected) => {
                let text = format!("expected {expected} (rule {})", rule.id);
                let location = spot.to_location(self.message);
                self.issues.push(Issue::error(IssueCode::DataType, text).at(location));
                None
            }
        }
    }

    fn note_unmapped(&mut self, table: usize, code: &str, spot: Spot) {
        let table = self.library.tables[table].name.clone();
        let location = spot.to_location(self.message);
        let unmapped = UnmappedCode { table, code: code.into(), location };
        if !self.unmapped.contains(&unmapped) {
            self.unmapped.push(unmapped);
        }
    }

    /// Puts the coding of the table before those of the sender, or in the place of a single one.
    fn translate(&mut self, rule: &Rule, table: usize, found: &Found<'m>, element: &mut Object) -> bool {
        let text = found.text();
        let found_code = self.library.tables[table].find(&text).filter(|code| !code.value.is_empty());
        let Some(code) = found_code else { return false };
        if let Some(tracer) = &mut self.tracer {
            let source = tracer.source(self.message, found);
            self.record(rule, &[], source, element);
        }
        if element.get("coding").is_none() && element.get("code").is_some() {
            write_coding(code, element);
            return true;
        }
        let mut coding = Object::new();
        write_coding(code, &mut coding);
        match element.get_mut("coding") {
            Some(Node::Array(codings)) => {
                // The words of the sender are kept for a code that the table leaves as it is.
                if let Some(said) =
                    codings.iter().find(|old| same_code(old, &coding)).and_then(|old| old.get("display"))
                {
                    coding.set(SmolStr::new_static("display"), said.clone());
                }
                codings.retain(|old| !same_code(old, &coding));
                codings.insert(0, Node::Object(coding));
            }
            _ => element.set_first("coding", Node::Array(vec![Node::Object(coding)])),
        }
        true
    }
}

fn write_coding(code: &Code, coding: &mut Object) {
    if let Some(system) = &code.system {
        coding.set(SmolStr::new_static("system"), system.clone());
    }
    coding.set(SmolStr::new_static("code"), code.value.clone());
    if let Some(display) = &code.display {
        coding.set(SmolStr::new_static("display"), display.clone());
    }
}

fn same_code(old: &Node, new: &Object) -> bool {
    old.get("code") == new.get("code") && (old.get("system").is_none() || old.get("system") == new.get("system"))
}
