//! FHIR resources as the store keeps them: every version, what is indexed of it, and where merged identities went.

use bytes::Bytes;
use smol_str::SmolStr;

use crate::base::ids::MessageId;
use crate::base::{Digest, Timestamp};

/// `Patient/3f2…`: the type and logical id of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceKey {
    pub kind: SmolStr,
    pub id: SmolStr,
}

impl ResourceKey {
    pub fn new(kind: impl Into<SmolStr>, id: impl Into<SmolStr>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }
}

impl std::fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

/// A business identifier in the index: never matched by value alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentifierKey {
    pub kind: SmolStr,
    /// `Identifier.system`, or `urn:loopgate:authority:NAME` for an assigning authority that has only a name.
    pub system: SmolStr,
    pub value: SmolStr,
}

/// One searchable value of a resource. `parameter` is the R4 search parameter's code.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IndexEntry {
    Token { parameter: SmolStr, system: SmolStr, value: SmolStr },
    Reference { parameter: SmolStr, target: ResourceKey },
}

/// A stored version of a resource.
#[derive(Clone)]
pub struct ResourceVersion {
    pub key: ResourceKey,
    pub version: u32,
    pub content: Bytes,
    pub digest: Digest,
    pub updated_at: Timestamp,
    pub deleted: bool,
    /// The latest message that it speaks for; none when no message ever said anything of it.
    pub message: Option<MessageId>,
}

/// A new version of a resource. The store adds nothing to `content`: id, versionId and lastUpdated are in it.
#[derive(Clone)]
pub struct ResourceWrite {
    pub key: ResourceKey,
    /// The version this one follows; 0 when the resource is new. Checked by the store.
    pub follows: u32,
    pub content: Bytes,
    /// Digest of the content without `meta`, so that an unchanged resource is recognised.
    pub digest: Digest,
    /// The latest message that this version speaks for: what an older one or a timer writes does not change it.
    pub message: Option<MessageId>,
    pub index: Vec<IndexEntry>,
}

/// A merged identity: whoever asks for `from` is answered with `to`, for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    pub from: ResourceKey,
    pub to: ResourceKey,
}
