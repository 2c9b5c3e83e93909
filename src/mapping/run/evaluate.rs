//! Sources and conditions: what a path, an alternative or a function gives for the segment and item at hand.

use std::borrow::Cow;

use super::item::{Found, Item, Level, Spot};
use super::{Run, Scope};
use crate::mapping::functions::Function;
use crate::mapping::notation::{self, Condition, ItemPath, SegmentPath};
use crate::mapping::plan::Source;

type Visit<'v, 'p, 'm> = &'v mut dyn FnMut(&mut Run<'p, 'm>, Found<'m>);

impl<'p, 'm> Run<'p, 'm> {
    /// Visits every value of a source. Nulls are visited too; absent ones may be.
    pub(super) fn each(&mut self, source: &Source, scope: Scope<'m>, visit: Visit<'_, 'p, 'm>) {
        match source {
            Source::Nothing => {}
            Source::Constant(text) => visit(self, Found::Constant(text.clone())),
            Source::Segment(path) => self.each_of_field(path, scope, visit),
            Source::Item(path) => {
                if let Some(item) = self.item_at(path, scope) {
                    visit(self, Found::Item(item));
                }
            }
            Source::FirstOf(sources) => {
                if let Some(first) = sources.iter().find(|source| self.is_valued(source, scope)) {
                    self.each(first, scope, visit);
                }
            }
            Source::Call(..) => {
                if let Some(found) = self.call(source, scope) {
                    visit(self, found);
                }
            }
        }
    }

    fn each_of_field(&mut self, path: &SegmentPath, scope: Scope<'m>, visit: Visit<'_, 'p, 'm>) {
        let Some(node) = self.node_of(&path.segment, scope) else { return };
        let segment = self.tree.nodes[node].segment;
        let number = u32::try_from(segment.index()).unwrap_or(u32::MAX);
        for (repetition, part) in (1..).zip(segment.field(path.field).repetitions()) {
            if path.repetition != 0 && path.repetition != repetition {
                continue;
            }
            let spot = Spot { segment: number, field: path.field, repetition, component: 0, subcomponent: 0 };
            let whole = Item { level: Level::Repetition(part), spot };
            if let Some(item) = whole.at(path.component, path.subcomponent) {
                visit(self, Found::Item(item));
            }
        }
    }

    /// The segment that a name means here: the one at hand, else the nearest.
    fn node_of(&self, name: &str, scope: Scope<'m>) -> Option<usize> {
        let here = &self.tree.nodes[scope.node];
        if here.name == name { Some(scope.node) } else { self.tree.nearest(here.group, name) }
    }

    fn is_valued(&self, source: &Source, scope: Scope<'m>) -> bool {
        match source {
            Source::Nothing => false,
            Source::Constant(_) => true,
            Source::Segment(path) => self.any_of_field(path, scope, &mut |item| item.is_valued()),
            Source::Item(path) => self.item_at(path, scope).is_some_and(Item::is_valued),
            Source::FirstOf(sources) => sources.iter().any(|source| self.is_valued(source, scope)),
            Source::Call(..) => self.call(source, scope).is_some(),
        }
    }

    fn any_of_field(&self, path: &SegmentPath, scope: Scope<'m>, test: &mut dyn FnMut(Item<'m>) -> bool) -> bool {
        self.node_of(&path.segment, scope).is_some_and(|node| self.any_of_node(node, path, test))
    }

    fn any_of_node(&self, node: usize, path: &SegmentPath, test: &mut dyn FnMut(Item<'m>) -> bool) -> bool {
        let segment = self.tree.nodes[node].segment;
        let number = u32::try_from(segment.index()).unwrap_or(u32::MAX);
        (1..).zip(segment.field(path.field).repetitions()).any(|(repetition, part)| {
            let level = Level::Repetition(part);
            let spot = Spot { segment: number, field: path.field, repetition, component: 0, subcomponent: 0 };
            let whole = Item { level, spot };
            (path.repetition == 0 || path.repetition == repetition)
                && whole.at(path.component, path.subcomponent).is_some_and(&mut *test)
        })
    }

    pub(super) fn call(&self, source: &Source, scope: Scope<'m>) -> Option<Found<'m>> {
        let Source::Call(function, arguments) = source else { return None };
        let mut spot = Spot::default();
        let values: Vec<Vec<Cow<'_, str>>> =
            arguments.iter().map(|argument| self.argument(argument, scope, *function, &mut spot)).collect();
        function.call(&values, self.zone).map(|text| Found::Made(text, spot))
    }

    /// All segments that a name means here, for functions that gather.
    fn nodes_of(&self, name: &str, scope: Scope<'m>) -> Vec<usize> {
        let here = &self.tree.nodes[scope.node];
        if here.name == name { vec![scope.node] } else { self.tree.related(here.group, name) }
    }

    fn argument<'s>(
        &self,
        source: &'s Source,
        scope: Scope<'m>,
        function: Function,
        spot: &mut Spot,
    ) -> Vec<Cow<'s, str>>
    where
        'm: 's,
    {
        let mut values = Vec::new();
        let mut take = |item: Item<'m>| {
            if item.is_valued() {
                if *spot == Spot::default() {
                    *spot = item.spot;
                }
                values.push(if function.wants_er7() { Cow::Owned(item.to_er7()) } else { item.text() });
            }
            false
        };
        match source {
            Source::Constant(text) => values.push(Cow::Borrowed(text.as_str())),
            Source::Segment(path) if function.gathers() => {
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
            Source::Call(..) => {
                values.extend(self.call(source, scope).map(|found| Cow::Owned(found.text().into_owned())));
            }
            Source::Nothing | Source::FirstOf(_) => {}
        }
        values
    }

    pub(super) fn holds(&self, condition: &Condition, scope: Scope<'m>) -> bool {
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

    fn any(&self, source: &notation::Source, scope: Scope<'m>, test: &mut dyn FnMut(Item<'m>) -> bool) -> bool {
        match source {
            notation::Source::Segment(path) => self.any_of_field(path, scope, test),
            notation::Source::Item(path) => self.item_at(path, scope).is_some_and(test),
            notation::Source::Constant(_) | notation::Source::Call { .. } => false,
        }
    }

    fn count(&self, source: &notation::Source, scope: Scope<'m>) -> u16 {
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
