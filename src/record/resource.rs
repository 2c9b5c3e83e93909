//! FHIR resources as the store keeps them: every version, what is indexed of it, and where merged identities went.

use bytes::Bytes;
use smol_str::SmolStr;

use super::{IndexKey, ResourceText, VersionNumber};
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

impl ResourceKey {
    /// The key that a literal reference of the form `Type/id` names.
    pub fn from_reference(reference: &str) -> Option<Self> {
        let (kind, id) = reference.split_once('/')?;
        let plain = !kind.is_empty()
            && !id.is_empty()
            && !id.contains('/')
            && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
        plain.then(|| Self::new(kind, id))
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

/// A stored version of a resource.
#[derive(Clone)]
pub struct ResourceVersion {
    pub number: VersionNumber,
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
    /// What it is found by: sorted, without doubles; nothing when deleted.
    pub index: Vec<IndexKey>,
    pub text: ResourceText,
    /// The resource is gone from here on. `content` is then empty.
    pub deleted: bool,
}

/// A merged identity: whoever asks for `from` is answered with `to`, for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    pub from: ResourceKey,
    pub to: ResourceKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_literal_relative_references_have_a_key() {
        assert_eq!(ResourceKey::from_reference("Patient/p"), Some(ResourceKey::new("Patient", "p")));
        for other in ["#contained", "urn:uuid:1/2", "http://x/Patient/p", "Patient/", "Patient/p/_history/1"] {
            assert_eq!(ResourceKey::from_reference(other), None, "{other}");
        }
    }
}
