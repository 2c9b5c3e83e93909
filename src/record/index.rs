//! Keys of the search index: where a searchable value of a resource stands, so that what is asked for lies together.
//!
//! Every value of every search parameter is one key: eight bytes for its *space* (the parameter of a resource type),
//! then the value in a form whose bytes order as the values do. What is searched for is then a range of keys, for every
//! type of parameter. `search` makes the keys and the ranges; the store keeps and scans them and knows no more of them.

use super::{IdentifierKey, ResourceKey};
use crate::base::Digest;

/// Where the values of one search parameter of one resource type lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Space(pub [u8; 8]);

impl Space {
    /// `kind` is the resource type, `parameter` the code of the R4 search parameter. Computes a digest: keep the answer.
    pub fn of(kind: &str, parameter: &str) -> Self {
        let digest = Digest::of_parts([kind.as_bytes(), parameter.as_bytes()]);
        let mut space = [0; 8];
        space.copy_from_slice(&digest.0[..8]);
        Self(space)
    }

    /// The key of a value in this space.
    pub fn key(self, value: &[u8]) -> IndexKey {
        let mut key = Vec::with_capacity(8 + value.len());
        key.extend_from_slice(&self.0);
        key.extend_from_slice(value);
        IndexKey(key)
    }
}

/// A key of the search index. At least the eight bytes of its space.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IndexKey(pub Vec<u8>);

impl IdentifierKey {
    /// Where the bearers of this business identifier stand: the key of the token parameter `identifier`.
    pub fn index_key(&self) -> IndexKey {
        token_key(Space::of(&self.kind, "identifier"), &self.system, &self.value)
    }
}

/// The key of a token: its code, a NUL, its system. All codes of any system lie together, and so do those of one.
pub fn token_key(space: Space, system: &str, code: &str) -> IndexKey {
    let mut value = Vec::with_capacity(code.len() + 1 + system.len());
    for part in [code.as_bytes(), &[0], system.as_bytes()] {
        value.extend_from_slice(part);
    }
    space.key(&value)
}

/// The key of a literal reference to a resource of ours: its id, a NUL, its type. The stores make the same key in SQL to
/// follow chains.
pub fn reference_key(space: Space, target: &ResourceKey) -> IndexKey {
    token_key(space, &target.kind, &target.id)
}

/// Keys that lie together, and what is asked of each beyond that.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scan {
    pub range: Range,
    pub tests: Vec<KeyTest>,
}

/// Where in the index.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Range {
    Exactly(IndexKey),
    /// From `from` up to and without `to`.
    Within {
        from: IndexKey,
        to: IndexKey,
    },
}

/// A test of the bytes of a key from byte `at` on (the space counts), `length` of them, or all that follow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyTest {
    pub at: usize,
    pub length: Option<usize>,
    pub relation: Relation,
    pub value: Vec<u8>,
}

/// How bytes of a key compare with a value, byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    Below,
    AtMost,
    Equal,
    AtLeast,
    Above,
    /// The value occurs in them.
    Contains,
}
