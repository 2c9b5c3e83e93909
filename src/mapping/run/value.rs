//! Values: texts as primitives, through code tables where there are any; what does not fit is told at its place.

use std::borrow::Cow;

use smol_str::SmolStr;

use super::item::{Found, Item, Spot};
use super::{Run, Scope, insert, leaf};
use crate::base::{Issue, IssueCode};
use crate::fhir::definitions::Primitive;
use crate::fhir::{Node, Object};
use crate::mapping::mapped::UnmappedCode;
use crate::mapping::plan::{Action, Rule, Step};
use crate::mapping::trace::Outcome;

impl<'p, 'm> Run<'p, 'm> {
    /// The first value that the rules of a map to a primitive give.
    pub(super) fn scalar(&mut self, rule: &'p Rule, rules: &'p [Rule], scope: Scope<'m>, object: &mut Object) -> bool {
        for inner in rules {
            if !scope.written.meets(inner.needs) || !self.applies(inner, scope) {
                continue;
            }
            let Action::Leaf { primitive, table } = &inner.action else { continue };
            if let Some((node, found)) = self.first_value(inner, *primitive, *table, scope) {
                let mark = self.open_element(rule);
                self.record(inner, &[], 0, &found);
                let index = insert::insert(object, &rule.target, node);
                self.close(mark, index);
                if let Some(tracer) = &mut self.tracer {
                    tracer.urls(rule, &rule.target, index);
                }
                return !found.is_constant();
            }
        }
        false
    }

    pub(super) fn first_value(
        &mut self,
        rule: &'p Rule,
        primitive: Primitive,
        table: Option<usize>,
        scope: Scope<'m>,
    ) -> Option<(Node, Found<'m>)> {
        let from = self.found.len();
        self.find(rule, &rule.source, scope);
        let mut value = None;
        for at in from..self.found.len() {
            let found = std::mem::replace(&mut self.found[at], Found::Constant(SmolStr::default()));
            if value.is_none() && found.item().is_none_or(Item::is_valued) {
                value = self.convert(rule, primitive, table, &found).map(|node| (node, found));
            }
        }
        self.found.truncate(from);
        value
    }

    pub(super) fn leaf(
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
        let index = insert::insert(object, &rule.target, node);
        self.record(rule, &rule.target, index, found);
        !found.is_constant()
    }

    /// A leaf stands at the target.
    pub(super) fn record(&mut self, rule: &Rule, target: &[Step], index: usize, found: &Found) {
        let Some(tracer) = &mut self.tracer else { return };
        let sources = (!found.is_constant()).then(|| sources_of(&self.taken, found));
        tracer.leaf(rule, target, index, sources.as_deref());
    }

    pub(super) fn convert(
        &mut self,
        rule: &Rule,
        kind: Primitive,
        table: Option<usize>,
        found: &Found<'m>,
    ) -> Option<Node> {
        let text = found.text();
        if text.is_empty() {
            return None;
        }
        let Some(table) = table else { return self.primitive(rule, kind, &text, found) };
        match self.library.tables[table].find(&text) {
            Some(code) if code.value.is_empty() => {
                self.note_found(rule, found, Outcome::NoCounterpart);
                None
            }
            Some(code) => self.primitive(rule, kind, &code.value, found),
            None => {
                self.note_found(rule, found, Outcome::UnmappedCode);
                self.note_unmapped(table, &text, found.spot());
                None
            }
        }
    }

    pub(super) fn primitive(&mut self, rule: &Rule, kind: Primitive, text: &str, found: &Found) -> Option<Node> {
        match leaf::convert(kind, text, self.zone) {
            Ok(node) => Some(node),
            Err(expected) => {
                let text = format!("expected {expected} (rule {})", rule.id);
                let location = found.spot().to_location(self.message);
                self.note_found(rule, found, Outcome::BadValue);
                self.issues.push(Issue::error(IssueCode::DataType, text).at(location));
                None
            }
        }
    }

    pub(super) fn note_unmapped(&mut self, table: usize, code: &str, spot: Spot) {
        if self.unmapped_at.insert((table, spot)) {
            let table = self.library.tables[table].name.clone();
            self.unmapped.push(UnmappedCode { table, code: code.into(), location: spot.to_location(self.message) });
        }
    }
}

/// The places that a value was made of.
pub(super) fn sources_of<'t>(taken: &'t [Spot], found: &Found) -> Cow<'t, [Spot]> {
    match found {
        Found::Item(item) => Cow::Owned(vec![item.spot]),
        Found::Made(..) => Cow::Borrowed(taken),
        Found::Constant(_) => Cow::Borrowed(&[]),
    }
}
