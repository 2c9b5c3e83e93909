//! A mapping release as the runner wants it: paths taken apart, names resolved to indexes, targets known by type.

use std::collections::HashMap;
use std::sync::Arc;

use smol_str::SmolStr;

use super::functions::Function;
use super::notation::{Condition, ItemPath, SegmentPath, Structure};
use super::presence::Presence;
use super::rulebook::RuleBook;
use crate::fhir::definitions::Primitive;

/// What all plans of a release share.
#[derive(Default)]
pub struct Library {
    /// File names, for rules to point into.
    pub files: Vec<SmolStr>,
    pub maps: Vec<Map>,
    pub tables: Vec<Table>,
    /// Which identifier of a resource of this type makes its logical id, by identifier type, best first.
    pub identities: HashMap<SmolStr, Vec<Preference>>,
    /// All rules by number.
    pub book: Arc<RuleBook>,
}

/// One choice of an identifier: `MR`, or `with-system except SS DL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preference {
    pub choice: Choice,
    /// Types that are passed over.
    pub except: Vec<SmolStr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// `MR`: the first whose type has this code.
    Type(SmolStr),
    /// `with-system`: the first that has a system.
    WithSystem,
    /// `any`: the first.
    Any,
    /// `sender`: the first, as a number of the sender alone, whatever its system.
    OfSender,
}

impl Preference {
    pub fn read(text: &str) -> Self {
        let (choice, except) = text.split_once(" except ").unwrap_or((text, ""));
        let choice = match choice.trim() {
            "with-system" => Choice::WithSystem,
            "any" => Choice::Any,
            "sender" => Choice::OfSender,
            code => Choice::Type(code.into()),
        };
        Self { choice, except: except.split_whitespace().map(SmolStr::from).collect() }
    }
}

/// Where a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// Index into `Library::files`.
    pub file: u16,
    pub line: u32,
}

/// A segment map or a data type map.
pub struct Map {
    pub name: SmolStr,
    /// The FHIR type that its rules write into.
    pub target: SmolStr,
    pub rules: Vec<Rule>,
    /// What it makes depends on the text of its item alone.
    pub closed: bool,
}

pub struct Rule {
    /// Its number in the `RuleBook`.
    pub number: u32,
    /// Unique in the release: `PID-Patient/PID-3 -> identifier`.
    pub id: SmolStr,
    pub origin: Origin,
    pub when: Option<Condition>,
    /// What must be written for the rule, and for its condition, to do anything.
    pub needs: Presence,
    pub when_needs: Presence,
    pub source: Source,
    /// Empty: the element at hand.
    pub target: Vec<Step>,
    pub action: Action,
}

pub enum Source {
    /// For a group without a source of its own, and for references.
    Nothing,
    Constant(SmolStr),
    Segment(SegmentPath),
    Item(ItemPath),
    FirstOf(Vec<Source>),
    Call(Function, Vec<Source>),
}

impl std::fmt::Display for Source {
    /// As it would be written in a rule.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |f: &mut std::fmt::Formatter<'_>, sources: &[Self]| {
            sources.iter().enumerate().try_for_each(|(at, source)| {
                f.write_str(if at > 0 { ", " } else { "" })?;
                source.fmt(f)
            })
        };
        match self {
            Self::Nothing => Ok(()),
            Self::Constant(text) => write!(f, "{text:?}"),
            Self::Segment(path) => path.fmt(f),
            Self::Item(path) => path.fmt(f),
            Self::FirstOf(sources) => list(f, sources),
            Self::Call(function, arguments) => {
                write!(f, "{}(", function.name())?;
                list(f, arguments)?;
                f.write_str(")")
            }
        }
    }
}

/// One step into an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub key: SmolStr,
    pub list: bool,
    /// A fresh extension with this URL.
    pub url: Option<SmolStr>,
}

pub enum Action {
    /// A primitive value.
    Leaf { primitive: Primitive, table: Option<usize> },
    /// An element made by a data type map; a `table` translates its first coding.
    Map { map: usize, table: Option<usize> },
    /// A primitive value made by a data type map.
    Scalar { map: usize },
    /// A resource of its own made by a data type map, and the reference to it.
    Make { map: usize },
    /// A reference to a resource of this type by the identifier that a data type map makes.
    Link { map: usize, kind: SmolStr },
    /// An element made by rules of its own. One that was written with nothing but constants is made as a constant.
    Group { rules: Vec<Rule>, constant: bool },
    /// References to the resources of this name.
    Refer { name: SmolStr },
    /// An element made by rules of its own for every resource of this name, in the scope of its segment.
    Each { name: SmolStr, rules: Vec<Rule> },
}

/// A code table.
pub struct Table {
    pub name: SmolStr,
    /// By code in lower case.
    pub codes: HashMap<SmolStr, Code>,
    /// For each code that comes out, the first one that becomes it, as written.
    pub sources: HashMap<SmolStr, SmolStr>,
}

/// What a code becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Empty: the code is known and has no counterpart.
    pub value: SmolStr,
    pub system: Option<SmolStr>,
    pub display: Option<SmolStr>,
}

impl Table {
    /// Finds a code without regard to case.
    pub fn find(&self, code: &str) -> Option<&Code> {
        let code = code.trim();
        if code.bytes().any(|byte| byte.is_ascii_uppercase()) {
            let lower: SmolStr = code.chars().map(|c| c.to_ascii_lowercase()).collect();
            return self.codes.get(lower.as_str());
        }
        self.codes.get(code)
    }
}

/// What a message of one structure becomes.
pub struct MessagePlan {
    pub name: SmolStr,
    pub structure: Structure,
    pub resources: Vec<ResourcePlan>,
}

/// One kind of resource, made once for every segment `from`.
pub struct ResourcePlan {
    /// Its number in the `RuleBook`.
    pub number: u32,
    pub origin: Origin,
    pub from: SmolStr,
    pub kind: SmolStr,
    pub name: SmolStr,
    /// With the segment of each.
    pub maps: Vec<(SmolStr, usize)>,
    pub when: Option<Condition>,
    pub key: Option<Source>,
    /// Run when all resources have their ids.
    pub links: Vec<Rule>,
}
