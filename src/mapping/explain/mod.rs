//! One mapped message explained in both directions (P4): where every leaf of the output came from, and where every
//! populated place of the message went.
//!
//! Cast: a *leaf* is a primitive value of a resource; its *origin* is a place, a constant or what the runner wrote
//! itself; a *fate* is what became of a populated place; a *shape* shows a value without saying it.
//!
//! Promise: every leaf and every populated place is listed exactly once, in order. Values are `Phi`: whoever shows
//! them must say so. It runs nothing: it reads a message and what was made of it.

mod build;
mod declared;
mod shape;
pub mod source;
pub mod target;

use smol_str::SmolStr;

pub use declared::{DeclarationFault, Declarations};
pub use shape::shape;

use super::mapped::Mapped;
use crate::base::{Location, Phi};
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
    /// The id of a resource: index into `Explanation::resources`.
    Reference(usize),
    /// A logical id, made of these places; of none: of the whole message and the position in it.
    Derived(Vec<Location>),
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
    /// It reached no leaf, but these rules looked at it to decide, or made a logical id of it.
    Consulted(Vec<RuleUse>),
    /// It reached nothing, on purpose, for this reason.
    Declared(SmolStr),
    /// It reached nothing, and nobody said that it should not. With the rules that tried.
    Dropped(Why, Vec<RuleUse>),
}

/// Why a place reached nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// No map takes the message.
    NoMap,
    /// No rule looks at it.
    Unused,
    /// An earlier value, or another alternative, took its place.
    Suppressed,
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
    /// Explains a message that was mapped with a trace. Without one, every place counts as unused.
    pub fn new(message: &Message, mapped: &Mapped, declared: &Declarations) -> Self {
        let (resources, targets) = build::resources(mapped);
        let places = build::places(message, mapped, &targets, declared);
        Self { resources, places }
    }

    /// Explains a message that no map takes.
    pub fn without_map(message: &Message, declared: &Declarations) -> Self {
        let nothing =
            Mapped { resources: vec![], cleared: vec![], issues: vec![], unmapped: vec![], trace: None, linked: false };
        let mut explanation = Self::new(message, &nothing, declared);
        let dropped = explanation.places.iter_mut().filter(|place| matches!(place.fate, Fate::Dropped(..)));
        dropped.for_each(|place| place.fate = Fate::Dropped(Why::NoMap, Vec::new()));
        explanation
    }

    pub fn leaf(&self, target: Target) -> Option<(&ExplainedResource, &ExplainedLeaf)> {
        let resource = self.resources.get(target.resource)?;
        Some((resource, resource.leaves.get(target.leaf)?))
    }
}

impl Origin {
    /// The places of the message that it was made of.
    pub fn places(&self) -> &[Location] {
        match self {
            Self::Places(places) | Self::Derived(places) => places,
            Self::Constant | Self::Reference(_) => &[],
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let places = self.places().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match self {
            Self::Places(_) => f.write_str(&places),
            Self::Constant => f.write_str("constant"),
            Self::Reference(_) => f.write_str("reference"),
            Self::Derived(_) if places.is_empty() => f.write_str("derived"),
            Self::Derived(_) => write!(f, "derived of {places}"),
        }
    }
}

impl Origin {
    /// A name for machines.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Places(_) => "field",
            Self::Constant => "constant",
            Self::Reference(_) => "reference",
            Self::Derived(_) => "derived",
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
            Self::Dropped(..) => "dropped",
        }
    }
}

impl Why {
    /// A name for machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoMap => "no-map",
            Self::Unused => "unused",
            Self::Suppressed => "suppressed",
            Self::UnmappedCode => "unmapped-code",
            Self::BadValue => "bad-value",
        }
    }

    /// For people.
    pub const fn as_sentence(self) -> &'static str {
        match self {
            Self::NoMap => "no map takes the message",
            Self::Unused => "no rule reads it",
            Self::Suppressed => "an earlier value stands in its place",
            Self::UnmappedCode => "its code is in no table",
            Self::BadValue => "it does not fit the target",
        }
    }
}

#[cfg(test)]
pub(in crate::mapping) mod tests;
