//! One mapped message explained in both directions (P4): where every leaf of the output came from, and where every
//! populated place of the message went.
//!
//! Cast: a *leaf* is a primitive value of a resource; its *origin* is a place, a constant or what the runner wrote
//! itself; a *fate* is what became of a populated place; a *shape* shows a value without saying it.
//!
//! Promise: every leaf and every populated place is listed exactly once, in order. Values are `Phi`: whoever shows
//! them must say so. It runs nothing: it reads a message and what was made of it.

mod declared;
mod shape;
pub mod source;
pub mod target;

use std::collections::HashMap;

use smol_str::SmolStr;

pub use declared::{DeclarationFault, Declarations};
pub use shape::shape;

use super::mapped::Mapped;
use super::trace::{self, LeafSource, Trace};
use crate::base::{Location, Phi};
use crate::fhir::Resource;
use crate::hl7v2::Message;

use source::SourcePlace;

/// What became of a message, leaf by leaf and place by place.
#[derive(Clone, Default)]
pub struct Explanation {
    pub resources: Vec<ExplainedResource>,
    pub places: Vec<ExplainedPlace>,
}

#[derive(Clone)]
pub struct ExplainedResource {
    pub kind: SmolStr,
    pub id: SmolStr,
    pub leaves: Vec<ExplainedLeaf>,
    /// Elements that the message deletes.
    pub cleared: Vec<SmolStr>,
}

/// A leaf of a resource.
#[derive(Clone)]
pub struct ExplainedLeaf {
    /// `name[0].family`.
    pub path: String,
    pub value: Phi<String>,
    pub origin: Origin,
    /// The rules that led to it, the outermost first; the last one wrote it.
    pub rules: Vec<RuleUse>,
    /// Code tables and functions on the way, in order.
    pub steps: Vec<Step>,
}

/// Where a leaf came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Places(Vec<Location>),
    Constant,
    /// The id of another resource of the same message.
    Reference,
    /// Written by the runner: a logical id.
    Derived,
}

/// A rule and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleUse {
    pub id: SmolStr,
    /// `mappings/v2/segment/PID-Patient.yaml:7`.
    pub place: SmolStr,
}

/// What a value went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Table(SmolStr),
    Function(SmolStr),
}

/// A populated place of the message.
#[derive(Clone)]
pub struct ExplainedPlace {
    pub place: SourcePlace,
    pub value: Phi<String>,
    pub fate: Fate,
    /// What was wrong with it: texts of issues, tables that lack its code.
    pub trouble: Vec<String>,
}

/// What became of a populated place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It reached these leaves.
    Mapped(Vec<Target>),
    /// What it says is said in the output already, from an earlier place.
    Repeated(Vec<RuleUse>),
    /// It reached no leaf, but these rules looked at it to decide.
    Consulted(Vec<RuleUse>),
    /// It reached nothing, on purpose.
    Declared(SmolStr),
    /// It reached nothing, and nobody said that it should not.
    Dropped(Why),
}

/// Why a place reached nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// No rule looks at it.
    Unused,
    /// An earlier value, or another alternative, took its place.
    Suppressed,
    /// Its code table knows it and has nothing for it.
    NoCounterpart,
    UnmappedCode,
    /// It does not fit the type of its target.
    BadValue,
}

/// A leaf, as index into `Explanation::resources` and `ExplainedResource::leaves`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    pub resource: usize,
    pub leaf: usize,
}

impl Explanation {
    /// Explains a message that was mapped with a trace. Without one, every place counts as dropped.
    pub fn new(message: &Message, mapped: &Mapped, declared: &Declarations) -> Self {
        let untraced = Trace::default();
        let trace = mapped.trace.as_ref().unwrap_or(&untraced);
        let resources = explain_resources(mapped, trace);
        let places = explain_places(message, mapped, &resources, declared);
        Self { resources, places }
    }

    /// Explains a message that no map takes.
    pub fn without_map(message: &Message, declared: &Declarations) -> Self {
        let nothing = Mapped { resources: vec![], cleared: vec![], issues: vec![], unmapped: vec![], trace: None };
        Self::new(message, &nothing, declared)
    }

    pub fn leaf(&self, target: Target) -> Option<(&ExplainedResource, &ExplainedLeaf)> {
        let resource = self.resources.get(target.resource)?;
        Some((resource, resource.leaves.get(target.leaf)?))
    }
}

fn explain_resources(mapped: &Mapped, trace: &Trace) -> Vec<ExplainedResource> {
    let mut traced: HashMap<(usize, &str), &trace::Leaf> = HashMap::with_capacity(trace.leaves.len());
    for leaf in &trace.leaves {
        traced.entry((leaf.resource, leaf.path.as_str())).or_insert(leaf);
    }
    let explain = |(index, resource): (usize, &Resource)| {
        let cleared = mapped.cleared.iter().filter(|(of, _)| *of == index).map(|(_, name)| name.clone());
        ExplainedResource {
            kind: resource.kind().into(),
            id: resource.id().unwrap_or_default().into(),
            leaves: explain_leaves(index, resource, &traced),
            cleared: cleared.collect(),
        }
    };
    mapped.resources.iter().enumerate().map(explain).collect()
}

fn explain_leaves(
    index: usize,
    resource: &Resource,
    traced: &HashMap<(usize, &str), &trace::Leaf>,
) -> Vec<ExplainedLeaf> {
    let mut leaves = Vec::new();
    target::for_each_leaf(resource, |path, node| {
        let traced = ancestors(path).find_map(|path| traced.get(&(index, path)).copied());
        leaves.push(ExplainedLeaf {
            path: path.to_owned(),
            value: Phi::new(target::text(node).into_owned()),
            origin: traced.map_or(Origin::Derived, origin),
            rules: traced.map(rules).unwrap_or_default(),
            steps: Vec::new(),
        });
    });
    leaves
}

/// The path and those of the elements around it, the innermost first: a table writes a whole coding at once.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rfind(['.', '[']).map(|at| &path[..at]))
}

fn origin(leaf: &trace::Leaf) -> Origin {
    match &leaf.source {
        LeafSource::Field(location) => Origin::Places(vec![location.clone()]),
        LeafSource::Constant => Origin::Constant,
        LeafSource::Reference => Origin::Reference,
    }
}

fn rules(leaf: &trace::Leaf) -> Vec<RuleUse> {
    vec![RuleUse { id: leaf.rule.clone(), place: leaf.place.clone() }]
}

fn explain_places(
    message: &Message,
    mapped: &Mapped,
    resources: &[ExplainedResource],
    declared: &Declarations,
) -> Vec<ExplainedPlace> {
    let mut targets = targets_by_place(resources);
    let mut trouble = trouble_by_place(mapped);
    let mut places = Vec::new();
    source::for_each_place(message, |place, text| {
        let fate = match targets.remove(&place.lowest) {
            Some(targets) => Fate::Mapped(targets),
            None => declared.reason(&place.lowest).cloned().map_or(Fate::Dropped(Why::Unused), Fate::Declared),
        };
        let trouble = trouble.remove(&place.lowest).unwrap_or_default();
        places.push(ExplainedPlace { place, value: Phi::new(text.to_owned()), fate, trouble });
    });
    places
}

fn targets_by_place(resources: &[ExplainedResource]) -> HashMap<Location, Vec<Target>> {
    let mut targets: HashMap<Location, Vec<Target>> = HashMap::new();
    for (resource, explained) in resources.iter().enumerate() {
        for (leaf, explained) in explained.leaves.iter().enumerate() {
            let Origin::Places(places) = &explained.origin else { continue };
            for place in places {
                targets.entry(source::lowest(place)).or_default().push(Target { resource, leaf });
            }
        }
    }
    targets
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

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Places(places) => f.write_str(&places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
            Self::Constant => f.write_str("constant"),
            Self::Reference => f.write_str("reference"),
            Self::Derived => f.write_str("derived"),
        }
    }
}

impl Origin {
    /// A name for machines.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Places(_) => "field",
            Self::Constant => "constant",
            Self::Reference => "reference",
            Self::Derived => "derived",
        }
    }
}

impl Step {
    pub fn table(&self) -> Option<&str> {
        match self {
            Self::Table(name) => Some(name),
            Self::Function(_) => None,
        }
    }

    pub fn function(&self) -> Option<&str> {
        match self {
            Self::Function(name) => Some(name),
            Self::Table(_) => None,
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Table(name) => write!(f, "code {name}"),
            Self::Function(name) => write!(f, "{name}()"),
        }
    }
}

impl Fate {
    /// A name for machines.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Mapped(_) => "mapped",
            Self::Repeated(_) => "repeated",
            Self::Consulted(_) => "consulted",
            Self::Declared(_) => "declared",
            Self::Dropped(_) => "dropped",
        }
    }
}

impl Why {
    /// A name for machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Suppressed => "suppressed",
            Self::NoCounterpart => "no-counterpart",
            Self::UnmappedCode => "unmapped-code",
            Self::BadValue => "bad-value",
        }
    }

    /// For people.
    pub const fn as_sentence(self) -> &'static str {
        match self {
            Self::Unused => "no rule reads it",
            Self::Suppressed => "an earlier value stands in its place",
            Self::NoCounterpart => "its code has no counterpart in FHIR",
            Self::UnmappedCode => "its code is in no table",
            Self::BadValue => "it does not fit the target",
        }
    }
}

#[cfg(test)]
pub(in crate::mapping) mod tests;
