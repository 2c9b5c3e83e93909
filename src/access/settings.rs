//! Registered clients as the configuration gives them, texts parsed and files read.

use crate::base::Digest;
use crate::base::ids::FeedName;
use crate::record::ResourceKey;

use super::Scopes;

/// One client that may ask at the FHIR door.
#[derive(Clone)]
pub struct ClientSettings {
    /// Its `client_id`, and its name in the journal.
    pub name: FeedName,
    pub proof: Proof,
    /// What it may be granted at most; of a bearer client, what it is granted.
    pub scopes: Scopes,
    /// The organisation whose compartment it is kept to: `Organization/…`. None sees everything its scopes allow.
    pub organization: Option<ResourceKey>,
}

/// How a client shows who it is.
#[derive(Clone)]
pub enum Proof {
    /// By a token that it sends with every request. Only its digest is kept.
    Bearer(BearerDigest),
    /// By assertions that one of these keys signed (SMART Backend Services).
    Keys(KeySource),
}

/// Where the public keys of a client are.
#[derive(Clone)]
pub enum KeySource {
    /// A JWK Set, as JSON text.
    Inline(String),
    /// Where the client publishes its JWK Set.
    Url(String),
}

/// The digest of a static token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BearerDigest(pub(super) Digest);
