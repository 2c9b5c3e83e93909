//! Search strings taken apart: which resources are asked for, in what order, and what is to come with them.

mod criterion;
mod fault;
mod find;
mod include;
mod name;
mod parsing;
mod value;

use smol_str::SmolStr;

use crate::base::{Issue, Timestamp};
use crate::record::{KindQuery, VersionNumber};

/// What a search is read against.
#[derive(Clone, Copy, Debug)]
pub struct Context<'c> {
    /// The base of this server, without a slash at its end: references to it are ours.
    pub base_url: &'c str,
    /// For `ap` on dates.
    pub now: Timestamp,
    pub handling: Handling,
}

/// What becomes of parameters that are not known (`Prefer: handling=…`, FHIR R4 http 3.1.1.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Handling {
    Strict,
    #[default]
    Lenient,
}

/// A search, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// One for every resource type that is searched: those that were asked for, or those of `_type`.
    pub kinds: Vec<KindQuery>,
    /// `_sort`: codes of parameters, and whether the greatest comes first. The kinds have it as spaces.
    pub order: Vec<(&'static str, bool)>,
    pub count: Option<u32>,
    pub total: Option<Total>,
    pub summary: Option<Summary>,
    /// `_elements`: names at the root of the resources; empty for all.
    pub elements: Vec<SmolStr>,
    pub includes: Vec<Include>,
    /// Our own paging key: go on behind this version.
    pub cursor: Option<VersionNumber>,
    /// The pairs that were used, in order: for the self link.
    pub applied: Vec<(String, String)>,
    /// What was left out, and why.
    pub warnings: Vec<Issue>,
}

/// `_total` (FHIR R4 search 3.1.1.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    None,
    Estimate,
    Accurate,
}

/// `_summary` (FHIR R4 search 3.1.1.5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    True,
    Text,
    Data,
    Count,
    False,
}

/// `_include` or `_revinclude` (FHIR R4 search 3.1.1.5.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// The type that refers; `*` for any.
    pub source: SmolStr,
    /// The code of its reference parameter; `*` for all.
    pub parameter: SmolStr,
    /// Only what is of this type.
    pub target: Option<SmolStr>,
    /// Also of what was included.
    pub iterate: bool,
    /// `_revinclude`.
    pub reverse: bool,
}

/// Reads a search over some resource types. Pairs are name and value, decoded, in order. Errors are bad values,
/// modifiers that are not supported (FHIR R4 search 3.1.1.4.4), and under strict handling what is not known.
pub fn parse(kinds: &[&str], pairs: &[(String, String)], context: &Context<'_>) -> Result<Query, Vec<Issue>> {
    parsing::Parsing::new(kinds, context).run(pairs)
}

#[cfg(test)]
mod tests;
