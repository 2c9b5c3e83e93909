//! Which fields of a segment, or parts of an item, are written: as bits, so that one look passes over the many rules
//! that would find nothing.
//!
//! Bit n stands for number n. Bit 0 is always there: it stands for numbers past 63 and for everything that cannot be
//! told beforehand.

use std::collections::HashMap;

use smol_str::SmolStr;

use super::notation::{self, Condition};
use super::plan::{Action, Library, MessagePlan, Rule, Source};

/// What is there, or what is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Of the segment at hand.
    pub fields: u64,
    /// Of the item at hand, one level down.
    pub parts: u64,
}

impl Presence {
    /// Needed by what must be looked at in any case.
    pub const ALWAYS: Self = Self { fields: 1, parts: 0 };

    /// Whether anything of what is needed is there.
    pub const fn meets(self, needed: Self) -> bool {
        (self.fields & needed.fields) | (self.parts & needed.parts) != 0
    }

    const fn or(self, other: Self) -> Self {
        Self { fields: self.fields | other.fields, parts: self.parts | other.parts }
    }
}

/// The bit of a field or part.
pub const fn bit(number: u16) -> u64 {
    if number > 63 { 1 } else { 1 << number }
}

/// Tells every rule of a release what it needs.
pub fn prepare(library: &mut Library, messages: &mut [MessagePlan]) {
    let mut segments: HashMap<usize, SmolStr> = HashMap::new();
    for resource in messages.iter().flat_map(|message| &message.resources) {
        segments.extend(resource.maps.iter().map(|(segment, map)| (*map, segment.clone())));
    }
    for (index, map) in library.maps.iter_mut().enumerate() {
        rules(&mut map.rules, segments.get(&index).map_or("", SmolStr::as_str));
    }
    for index in 0..library.maps.len() {
        library.maps[index].closed = is_closed(library, &library.maps[index].rules);
    }
    for resource in messages.iter_mut().flat_map(|message| &mut message.resources) {
        rules(&mut resource.links, &resource.from);
    }
}

fn rules(all: &mut [Rule], segment: &str) {
    for rule in all {
        if let Action::Group { rules: inner, .. } = &mut rule.action {
            rules(inner, segment);
        }
        // The rules of `each` look at another segment: none of theirs is passed over.
        rule.needs = of_action(rule, segment);
        rule.when_needs = rule.when.as_ref().map_or(Presence::ALWAYS, |when| of_condition(when, segment));
    }
}

fn of_action(rule: &Rule, segment: &str) -> Presence {
    match (&rule.action, &rule.source) {
        (Action::Refer { .. } | Action::Each { .. } | Action::Group { constant: true, .. }, _) => Presence::ALWAYS,
        (Action::Group { rules, .. }, Source::Nothing) => {
            let none = Presence { fields: 0, parts: 0 };
            rules.iter().fold(none, |needed, rule| needed.or(rule.needs))
        }
        (_, source) => of_source(source, segment),
    }
}

fn of_source(source: &Source, segment: &str) -> Presence {
    match source {
        Source::Nothing | Source::Constant(_) | Source::Call(..) => Presence::ALWAYS,
        Source::Segment(path) => of_field(&path.segment, path.field, segment),
        Source::Item(path) => of_part(path.component),
        Source::FirstOf(sources) => {
            let none = Presence { fields: 0, parts: 0 };
            sources.iter().fold(none, |needed, source| needed.or(of_source(source, segment)))
        }
    }
}

fn of_field(name: &str, field: u16, segment: &str) -> Presence {
    if name == segment { Presence { fields: bit(field), parts: 0 } } else { Presence::ALWAYS }
}

const fn of_part(component: u16) -> Presence {
    if component == 0 { Presence::ALWAYS } else { Presence { fields: 0, parts: bit(component) } }
}

/// Without what a condition needs it does not hold.
fn of_condition(condition: &Condition, segment: &str) -> Presence {
    let of = |source: &notation::Source| match source {
        notation::Source::Segment(path) => of_field(&path.segment, path.field, segment),
        notation::Source::Item(path) => of_part(path.component),
        notation::Source::Constant(_) | notation::Source::Call { .. } => Presence::ALWAYS,
    };
    match condition {
        Condition::All(parts) => {
            let mut needed = parts.iter().map(|part| of_condition(part, segment));
            needed.find(|needed| needed.fields & 1 == 0).unwrap_or(Presence::ALWAYS)
        }
        Condition::Any(parts) => {
            let none = Presence { fields: 0, parts: 0 };
            parts.iter().fold(none, |needed, part| needed.or(of_condition(part, segment)))
        }
        Condition::Valued(source) | Condition::CountAbove(source, _) | Condition::LengthAbove(source, _) => of(source),
        Condition::In(source, texts) if texts.iter().all(|text| !text.is_empty()) => of(source),
        Condition::In(..) | Condition::Not(_) | Condition::Present(_) | Condition::CountBelow(..) => Presence::ALWAYS,
    }
}

/// Whether rules look at nothing but the item they are given and the header: what such a map makes depends on the text
/// of the item alone.
fn is_closed(library: &Library, rules: &[Rule]) -> bool {
    rules.iter().all(|rule| {
        let inner = match &rule.action {
            Action::Group { rules, .. } => is_closed(library, rules),
            Action::Map { map, .. } | Action::Scalar { map } | Action::Make { map } | Action::Link { map, .. } => {
                is_closed(library, &library.maps[*map].rules)
            }
            Action::Leaf { .. } => true,
            Action::Refer { .. } | Action::Each { .. } => false,
        };
        inner && is_closed_source(&rule.source) && rule.when.as_ref().is_none_or(is_closed_condition)
    })
}

fn is_closed_source(source: &Source) -> bool {
    match source {
        Source::Nothing | Source::Constant(_) | Source::Item(_) => true,
        Source::Segment(path) => path.segment == "MSH",
        Source::FirstOf(sources) | Source::Call(_, sources) => sources.iter().all(is_closed_source),
    }
}

fn is_closed_condition(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().all(is_closed_condition),
        Condition::Not(inner) => is_closed_condition(inner),
        Condition::Present(_) => false,
        Condition::Valued(source)
        | Condition::In(source, _)
        | Condition::CountAbove(source, _)
        | Condition::CountBelow(source, _)
        | Condition::LengthAbove(source, _) => match source {
            notation::Source::Segment(path) => path.segment == "MSH",
            notation::Source::Item(_) | notation::Source::Constant(_) | notation::Source::Call { .. } => true,
        },
    }
}
