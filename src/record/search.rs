//! What is asked of the resources: criteria over the index, an order, a page; histories; the state at an instant.

use smol_str::SmolStr;

use super::{ResourceKey, ResourceVersion, Scan, Space};
use crate::base::Timestamp;

/// What a resource must be to be found. Spaces belong to the resource type that is searched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Criterion {
    /// It bears a key in one of these.
    Bears(Vec<Scan>),
    /// Its logical id is one of these.
    Id(Vec<SmolStr>),
    /// Its full text holds all of these words.
    Text {
        part: TextPart,
        words: Vec<SmolStr>,
    },
    /// It refers, by keys of `space`, to a resource of type `kind` that meets `criterion`: chaining.
    RefersTo {
        space: Space,
        kind: SmolStr,
        criterion: Box<Criterion>,
    },
    /// A resource of type `kind` that meets `criterion` refers to it by keys of `space` (of that type): `_has`.
    ReferredBy {
        space: Space,
        kind: SmolStr,
        criterion: Box<Criterion>,
    },
    Not(Box<Criterion>),
    /// All of none is: every resource of the type.
    All(Vec<Criterion>),
    /// Any of none is: no resource.
    Any(Vec<Criterion>),
}

/// Which text is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextPart {
    /// The narrative: `_text`.
    Narrative,
    /// Every string of the resource: `_content`.
    Content,
}

/// The words of a resource that full-text search finds, apart by a blank each; empty parts cost nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceText {
    pub narrative: String,
    pub content: String,
}

/// One order of the results: by the least (or, descending, the greatest) key in the space; those without follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    pub space: Space,
    pub descending: bool,
}

/// What is searched of one resource type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KindQuery {
    pub kind: SmolStr,
    pub criterion: Criterion,
    /// Empty: in the order of creation, oldest first. As long for every type of a query.
    pub order: Vec<Order>,
}

/// A search over one or several resource types. Deleted resources are never found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    pub kinds: Vec<KindQuery>,
    /// Go on behind this version, the last one of the page before.
    pub after: Option<VersionNumber>,
    /// Matches of one page; 0 asks for the count alone.
    pub limit: u32,
    pub count: Counting,
}

/// Whether all matches are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Counting {
    /// Only when the page shows it: a first page that is the last.
    #[default]
    WhenKnown,
    Exactly,
}

/// A page of matches.
#[derive(Clone, Default)]
pub struct SearchPage {
    pub matches: Vec<ResourceVersion>,
    /// Whether there are matches behind this page.
    pub more: bool,
    pub total: Option<u64>,
}

/// Numbers all versions of all resources of a store, rising.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VersionNumber(pub i64);

/// Whose history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryScope {
    Resource(ResourceKey),
    Kind(SmolStr),
    System,
}

/// A page of a history, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryQuery {
    pub scope: HistoryScope,
    /// Only versions made at or after this instant.
    pub since: Option<Timestamp>,
    /// Only the versions that were current at some time up to this instant: nothing made after it.
    pub until: Option<Timestamp>,
    /// Go on with versions before this one, the last one of the page before.
    pub before: Option<VersionNumber>,
    pub limit: u32,
}

/// Versions, deletions among them.
#[derive(Clone, Default)]
pub struct HistoryPage {
    pub versions: Vec<ResourceVersion>,
    pub more: bool,
    /// All versions in scope; known for one resource and when the first page is the last.
    pub total: Option<u64>,
}

/// A page of the resources of a type as they stood when `as_of` was the latest version, in the order of their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotQuery {
    pub kind: SmolStr,
    pub as_of: VersionNumber,
    /// Only resources whose version at that time was made at or after this instant.
    pub since: Option<Timestamp>,
    pub after: Option<VersionNumber>,
    pub limit: u32,
}
