//! Registered clients as the configuration gives them, texts parsed and files read.

use std::collections::HashSet;

use super::seal::PREFIX;
use super::{KeySet, Scopes};
use crate::base::ids::FeedName;
use crate::base::{Digest, limits};
use crate::record::ResourceKey;

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
    Given(KeySet),
    /// Where the client publishes its JWK Set.
    Url(String),
}

/// The digest of a static token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BearerDigest(pub(super) Digest);

/// Why a text is no static token. `Display` does not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BearerFault {
    #[error("a token has at least {} characters", limits::BEARER_LENGTH_MIN)]
    Short,
    #[error("a token consists of letters, digits and `-._~+/`, perhaps with `=` at its end (RFC 6750)")]
    Characters,
    #[error("a token is made by chance; this one repeats a few characters")]
    Guessable,
    #[error("tokens that begin with `{PREFIX}` are those that the gateway gives")]
    Reserved,
}

impl BearerDigest {
    pub fn of(token: &str) -> Result<Self, BearerFault> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        let distinct: HashSet<u8> = token.bytes().collect();
        if token.len() < limits::BEARER_LENGTH_MIN {
            Err(BearerFault::Short)
        } else if !token.trim_end_matches('=').bytes().all(plain) {
            Err(BearerFault::Characters)
        } else if distinct.len() < DISTINCT_MIN {
            Err(BearerFault::Guessable)
        } else if token.starts_with(PREFIX) {
            Err(BearerFault::Reserved)
        } else {
            Ok(Self(Digest::of(token.as_bytes())))
        }
    }
}

/// Different characters of a token: chance gives 32 hexadecimal digits fewer than these once in a hundred million times.
const DISTINCT_MIN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_must_be_long_and_made_by_chance() {
        let check = |token: &str| BearerDigest::of(token).err();
        assert_eq!(check("c2VjcmV0LXNlY3JldC1zZWNyZXQtMQ=="), None);
        assert_eq!(check("0123456789abcdef0123456789abcdef"), None);
        assert_eq!(check("0123456789abcdef0123456789abcde"), Some(BearerFault::Short));
        assert_eq!(check("0123456789abcdef 0123456789abcdef"), Some(BearerFault::Characters));
        assert_eq!(check("=123456789abcdef0123456789abcdef"), Some(BearerFault::Characters));
        assert_eq!(check("changemechangemechangemechangeme"), Some(BearerFault::Guessable));
        assert_eq!(check("lgt_456789abcdef0123456789abcdef"), Some(BearerFault::Reserved));
    }
}
