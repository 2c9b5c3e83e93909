//! Sources and conditions: what a path, an alternative or a function gives for the segment and item at hand.

use std::borrow::Cow;

use super::item::{Found, Item, Level, Spot};
use super::{Run, Scope};
use crate::mapping::functions::{Arguments, Function};
use crate::mapping::notation::{self, Condition, ItemPath, SegmentPath};
use crate::mapping::plan::{Rule, Source};
use crate::mapping::trace::Outcome;

impl<'p, 'm> Run<'p, 'm> {
    /// Appends every value of a source to `found`. Nulls are among them; absent ones may be.
    pub(super) fn find(&mut self, rule: &Rule, source: &Source, scope: Scope<'m>) {
        match source {
            Source::Nothing => {}
            Source::Constant(text) => self.found.push(Found::Constant(text.clone())),
            Source::Segment(path) => self.find_in_field(path, scope),
            Source::Item(path) => {
                let item = self.item_at(path, scope);
                self.found.extend(item.map(Found::Item));
            }
            Source::FirstOf(sources) => {
                if let Some(first) = self.first_valued(sources, scope) {
                    self.find(rule, &sources[first], scope);
                    self.note_others(rule, &sources[first + 1..], scope);
                }
            }
            Source::Call(..) => {
                self.taken.clear();
                let made = self.call(source, scope);
                self.found.extend(made);
            }
        }
    }

    fn first_valued(&mut self, sources: &[Source], scope: Scope<'m>) -> Option<usize> {
        (0..sources.len()).find(|&at| self.is_valued(&sources[at], scope))
    }

    /// Another alternative was chosen before these.
    fn note_others(&mut self, rule: &Rule, others: &[Source], scope: Scope<'m>) {
        if self.tracer.is_none() {
            return;
        }
        let mut items = Vec::new();
        others.iter().for_each(|other| self.items(other, scope, false, &mut items));
        items.into_iter().for_each(|item| self.note(rule, item.spot, Outcome::Suppressed));
    }

    fn find_in_field(&mut self, path: &SegmentPath, scope: Scope<'m>) {
        let Some(node) = self.node_of(&path.segment, scope) else { return };
        let segment = self.tree.nodes[node].segment;
        let number = self.tree.nodes[node].number();
        for (repetition, part) in (1..).zip(segment.field(path.field).repetitions()) {
            if path.repetition == 0 || path.repetition == repetition {
                let spot = Spot { segment: number, field: path.field, repetition, component: 0, subcomponent: 0 };
                let whole = Item { level: Level::Repetition(part), spot };
                self.found.extend(whole.at(path.component, path.subcomponent).map(Found::Item));
            }
        }
    }

    /// The segment that a name means here: the one at hand, else the nearest.
    fn node_of(&self, name: &str, scope: Scope<'m>) -> Option<usize> {
        let here = &self.tree.nodes[scope.node];
        if here.name == name { Some(scope.node) } else { self.tree.nearest(here.group, name) }
    }

    fn is_valued(&mut self, source: &Source, scope: Scope<'m>) -> bool {
        match source {
            Source::Nothing => false,
            Source::Constant(_) => true,
            Source::Segment(path) => self.any_of_field(path, scope, &mut |item| item.is_valued()).is_some(),
            Source::Item(path) => self.item_at(path, scope).is_some_and(Item::is_valued),
            Source::FirstOf(sources) => self.first_valued(sources, scope).is_some(),
            Source::Call(..) => self.call(source, scope).is_some(),
        }
    }

    /// The first item of a path that passes a test.
    fn any_of_field(
        &self,
        path: &SegmentPath,
        scope: Scope<'m>,
        test: &mut dyn FnMut(Item<'m>) -> bool,
    ) -> Option<Item<'m>> {
        self.node_of(&path.segment, scope).and_then(|node| self.any_of_node(node, path, test))
    }

    fn any_of_node(&self, node: usize, path: &SegmentPath, test: &mut dyn FnMut(Item<'m>) -> bool) -> Option<Item<'m>> {
        let segment = self.tree.nodes[node].segment;
        let number = self.tree.nodes[node].number();
        (1..).zip(segment.field(path.field).repetitions()).find_map(|(repetition, part)| {
            if path.repetition != 0 && path.repetition != repetition {
                return None;
            }
            let level = Level::Repetition(part);
            let spot = Spot { segment: number, field: path.field, repetition, component: 0, subcomponent: 0 };
            let item = Item { level, spot }.at(path.component, path.subcomponent)?;
            test(item).then_some(item)
        })
    }

    /// What a function gives. With a tracer, the places that took part are in `taken` afterwards.
    pub(super) fn call(&mut self, source: &Source, scope: Scope<'m>) -> Option<Found<'m>> {
        let Source::Call(function, arguments) = source else { return None };
        let mut spot = Spot::default();
        let mut values = Arguments::with_capacity(arguments.len());
        for argument in arguments {
            self.argument(argument, scope, *function, &mut spot, &mut values);
            values.end_one();
        }
        function.call(&values, self.zone).map(|text| Found::Made(text, spot))
    }

    /// All segments that a name means here, for functions that gather.
    fn nodes_of(&self, name: &str, scope: Scope<'m>) -> Vec<usize> {
        let here = &self.tree.nodes[scope.node];
        if here.name == name { vec![scope.node] } else { self.tree.related(here.group, name) }
    }

    fn argument<'s>(
        &mut self,
        source: &'s Source,
        scope: Scope<'m>,
        function: Function,
        spot: &mut Spot,
        values: &mut Arguments<'s>,
    ) where
        'm: 's,
    {
        match source {
            Source::Constant(text) => values.push(Cow::Borrowed(text.as_str())),
            Source::Call(..) => {
                if let Some(found) = self.call(source, scope) {
                    values.push(Cow::Owned(found.text().into_owned()));
                }
            }
            Source::Nothing | Source::FirstOf(_) => {}
            Source::Segment(_) | Source::Item(_) => {
                let mut items = std::mem::take(&mut self.items);
                self.items(source, scope, function.gathers(), &mut items);
                for item in items.drain(..) {
                    if *spot == Spot::default() {
                        *spot = item.spot;
                    }
                    self.take(item, function.wants_er7());
                    values.push(if function.wants_er7() { Cow::Owned(item.to_er7()) } else { item.text() });
                }
                self.items = items;
            }
        }
    }

    /// Notes that an item took part.
    fn take(&mut self, item: Item<'m>, whole: bool) {
        if self.tracer.is_some() {
            if whole { item.valued_parts(&mut self.taken) } else { self.taken.push(item.spot) }
        }
    }

    /// The valued items of a path.
    fn items(&self, source: &Source, scope: Scope<'m>, gathers: bool, items: &mut Vec<Item<'m>>) {
        let mut take = |item: Item<'m>| {
            items.extend(item.is_valued().then_some(item));
            false
        };
        match source {
            Source::Segment(path) if gathers => {
                for node in self.nodes_of(&path.segment, scope) {
                    self.any_of_node(node, path, &mut take);
                }
            }
            Source::Segment(path) => {
                self.any_of_field(path, scope, &mut take);
            }
            Source::Item(path) => {
                self.item_at(path, scope).map(take);
            }
            _ => {}
        }
    }

    pub(super) fn holds(&mut self, condition: &Condition, scope: Scope<'m>) -> bool {
        match condition {
            Condition::All(parts) => parts.iter().all(|part| self.holds(part, scope)),
            Condition::Any(parts) => parts.iter().any(|part| self.holds(part, scope)),
            Condition::Not(inner) => !self.holds(inner, scope),
            Condition::Present(segment) => self.node_of(segment, scope).is_some(),
            Condition::Valued(source) => self.any(source, scope, &mut Item::is_valued),
            Condition::In(source, texts) => self.any(source, scope, &mut |item| {
                let text = item.text();
                texts.iter().any(|other| other.eq_ignore_ascii_case(&text))
            }),
            Condition::CountAbove(source, limit) => self.count(source, scope) > *limit,
            Condition::CountBelow(source, limit) => self.count(source, scope) < *limit,
            Condition::LengthAbove(source, limit) => {
                self.any(source, scope, &mut |item| item.text().chars().count() > usize::from(*limit))
            }
        }
    }

    /// Whether an item of the path passes the test; with a tracer, all that are valued count as looked at.
    fn any(&mut self, source: &notation::Source, scope: Scope<'m>, test: &mut dyn FnMut(Item<'m>) -> bool) -> bool {
        let mut seen = self.tracer.is_some().then(|| std::mem::take(&mut self.taken));
        let mut look = |item: Item<'m>| {
            seen.iter_mut().for_each(|seen| seen.extend(item.is_valued().then_some(item.spot)));
            test(item)
        };
        let passed = match source {
            notation::Source::Segment(path) => self.any_of_field(path, scope, &mut look).is_some(),
            notation::Source::Item(path) => self.item_at(path, scope).is_some_and(look),
            notation::Source::Constant(_) | notation::Source::Call { .. } => false,
        };
        self.taken = seen.unwrap_or_default();
        passed
    }

    fn count(&mut self, source: &notation::Source, scope: Scope<'m>) -> u16 {
        let mut count: u16 = 0;
        self.any(source, scope, &mut |item| {
            count = count.saturating_add(u16::from(item.is_valued()));
            false
        });
        count
    }

    /// The part of the item at hand; `None` also where the item has no such part.
    fn item_at(&self, path: &ItemPath, scope: Scope<'m>) -> Option<Item<'m>> {
        let whole = scope.item?;
        if path.component == 0 {
            return whole.at(0, path.subcomponent);
        }
        let parts = self.parts.get(scope.parts.0..scope.parts.1)?;
        parts.get(usize::from(path.component) - 1)?.at(0, path.subcomponent)
    }
}
