//! An explanation read from a result and its trace.

use std::collections::HashMap;

use smol_str::SmolStr;

use super::source::{self, SourcePlace};
use super::{
    Declarations, ExplainedLeaf, ExplainedPlace, ExplainedResource, Fate, Origin, RuleUse, Step, Target, Why, target,
};
use crate::base::{Location, Phi};
use crate::fhir::Resource;
use crate::hl7v2::Message;
use crate::mapping::mapped::Mapped;
use crate::mapping::rulebook::RuleEntry;
use crate::mapping::trace::{self, FieldTrace, Leaf, Outcome, Trace};

/// Where each leaf of the trace stands, by its number; with the rule, when the leaf is a logical id: an id is a digest,
/// and what it was made of does not stand in it.
pub type Targets = HashMap<usize, (Target, Option<RuleUse>)>;

pub fn resources(mapped: &Mapped) -> (Vec<ExplainedResource>, Targets) {
    let mut traced: HashMap<(usize, String), Leaf<'_>> = HashMap::new();
    for leaf in mapped.trace.iter().flat_map(Trace::leaves) {
        traced.entry((leaf.resource(), leaf.path())).or_insert(leaf);
    }
    let mut targets = Targets::new();
    let explain = |(index, resource): (usize, &Resource)| {
        let cleared = mapped.cleared.iter().filter(|(of, _)| *of == index).map(|(_, name)| name.clone());
        ExplainedResource {
            kind: resource.kind().into(),
            id: resource.id().unwrap_or_default().into(),
            leaves: leaves(index, resource, &traced, &mut targets),
            cleared: cleared.collect(),
        }
    };
    (mapped.resources.iter().enumerate().map(explain).collect(), targets)
}

fn leaves(
    index: usize,
    resource: &Resource,
    traced: &HashMap<(usize, String), Leaf<'_>>,
    targets: &mut Targets,
) -> Vec<ExplainedLeaf> {
    let mut leaves = Vec::new();
    target::for_each_leaf(resource, |path, node| {
        let traced = traced.get(&(index, path.to_owned())).copied();
        if let Some(leaf) = traced {
            let identity =
                !matches!(leaf.origin(), trace::Origin::Field | trace::Origin::Constant | trace::Origin::Reference(_));
            let rule = identity.then(|| leaf.rule().map(rule_use)).flatten();
            targets.insert(leaf.index(), (Target { resource: index, leaf: leaves.len() }, rule));
        }
        let chain = traced.map(Leaf::chain).unwrap_or_default();
        leaves.push(ExplainedLeaf {
            path: path.to_owned(),
            value: Phi::new(target::text(node).into_owned()),
            origin: traced.map_or(Origin::Derived(Vec::new()), origin),
            rules: chain.iter().rev().copied().map(rule_use).collect(),
            steps: steps(&chain),
        });
    });
    leaves
}

fn origin(leaf: Leaf<'_>) -> Origin {
    match leaf.origin() {
        trace::Origin::Field => Origin::Places(leaf.sources()),
        trace::Origin::Constant => Origin::Constant,
        trace::Origin::Reference(resource) => Origin::Reference(resource),
        trace::Origin::Identifier | trace::Origin::Key | trace::Origin::Position => Origin::Derived(leaf.sources()),
    }
}

fn rule_use(rule: &RuleEntry) -> RuleUse {
    RuleUse { id: rule.id.clone(), place: rule.place().into() }
}

/// The functions of all rules of the chain, and the table of the rule that wrote the leaf: a table around it put its
/// codes elsewhere.
fn steps(chain: &[&RuleEntry]) -> Vec<Step> {
    let functions = chain.iter().rev().flat_map(|rule| &rule.functions);
    let mut steps: Vec<Step> = functions.map(|name| Step::Function(SmolStr::new_static(name))).collect();
    steps.extend(chain.first().and_then(|rule| rule.table.clone()).map(Step::Table));
    steps
}

pub fn places(message: &Message, mapped: &Mapped, targets: &Targets, declared: &Declarations) -> Vec<ExplainedPlace> {
    let traced = mapped.trace.iter().flat_map(|trace| trace.fields(message));
    let mut traced: HashMap<Location, FieldTrace<'_>> = traced.map(|field| (field.location.clone(), field)).collect();
    let mut trouble = trouble_by_place(mapped);
    let said = said(mapped);
    let mut places = Vec::new();
    source::for_each_place(message, |place, text| {
        let fate = match traced.remove(&place.lowest).map_or(unused(), |field| fate(&field, targets)) {
            Fate::Repeated(rules) if !said.contains(&letters(text)) => Fate::Dropped(Why::Suppressed, rules),
            fate => fate,
        };
        let fate = match fate {
            Fate::Dropped(why, rules) => {
                let reason = declared.reason(&place.lowest).cloned();
                reason.map_or(Fate::Dropped(why, rules), Fate::Declared)
            }
            fate => fate,
        };
        places.push(explained(place, text, fate, &mut trouble));
    });
    places
}

/// All texts of the output, one after the other, as `letters`.
fn said(mapped: &Mapped) -> String {
    let mut said = String::new();
    for resource in &mapped.resources {
        target::for_each_leaf(resource, |_, node| {
            said.push_str(&letters(&target::text(node)));
            said.push(' ');
        });
    }
    said
}

/// Letters and digits alone, small: the same for `20260312` and `2026-03-12`.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn explained(
    place: SourcePlace,
    text: &str,
    fate: Fate,
    trouble: &mut HashMap<Location, Vec<String>>,
) -> ExplainedPlace {
    let trouble = trouble.remove(&place.lowest).unwrap_or_default();
    ExplainedPlace { place, value: Phi::new(text.to_owned()), fate, trouble }
}

const fn unused() -> Fate {
    Fate::Dropped(Why::Unused, Vec::new())
}

/// A value that a rule tried to move in vain is dropped, even when another rule looked at it: looking saves nothing.
fn fate(field: &FieldTrace<'_>, targets: &Targets) -> Fate {
    let reached: Vec<_> = field.leaves.iter().filter_map(|leaf| targets.get(leaf)).collect();
    if reached.iter().any(|(_, identity)| identity.is_none()) {
        return Fate::Mapped(reached.into_iter().map(|(target, _)| *target).collect());
    }
    let rules = |wanted: Outcome| -> Option<Vec<RuleUse>> {
        let found = field.outcomes.iter().filter(|(outcome, _)| *outcome == wanted);
        let rules: Vec<RuleUse> = found.clone().filter_map(|(_, rule)| rule.map(rule_use)).collect();
        (found.count() > 0).then_some(rules)
    };
    let dropped = |outcome, why| rules(outcome).map(|rules| Fate::Dropped(why, rules));
    rules(Outcome::Repeated)
        .map(Fate::Repeated)
        .or_else(|| dropped(Outcome::BadValue, Why::BadValue))
        .or_else(|| dropped(Outcome::UnmappedCode, Why::UnmappedCode))
        .or_else(|| rules(Outcome::NoCounterpart).map(|_| Fate::Declared(no_counterpart(field))))
        .or_else(|| dropped(Outcome::Suppressed, Why::Suppressed))
        .or_else(|| rules(Outcome::Consulted).or_else(|| rules(Outcome::Cleared)).map(Fate::Consulted))
        .or_else(|| {
            (!reached.is_empty())
                .then(|| Fate::Consulted(reached.into_iter().filter_map(|(_, rule)| rule.clone()).collect()))
        })
        .unwrap_or(unused())
}

/// An empty text in a code table is a declaration: the code is known, and there is nothing to map it to.
fn no_counterpart(field: &FieldTrace<'_>) -> SmolStr {
    let mut rules = field.outcomes.iter().filter(|(outcome, _)| *outcome == Outcome::NoCounterpart);
    let table = rules.find_map(|(_, rule)| rule.and_then(|rule| rule.table.clone())).unwrap_or_default();
    smol_str::format_smolstr!("{table} knows the code and has nothing for it")
}

fn trouble_by_place(mapped: &Mapped) -> HashMap<Location, Vec<String>> {
    let mut trouble: HashMap<Location, Vec<String>> = HashMap::new();
    let issues = mapped.issues.iter().filter_map(|issue| Some((issue.location.as_ref()?, issue.text.to_string())));
    let unmapped = mapped.unmapped.iter();
    let unmapped = unmapped.map(|code| (&code.location, format!("{} lacks the code", code.table)));
    for (location, text) in issues.chain(unmapped) {
        let texts = trouble.entry(source::lowest(location)).or_default();
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    trouble
}
