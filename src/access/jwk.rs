//! Public keys as JWK Sets give them (RFC 7517, RFC 7518 6): RSA for RS384 and P-384 for ES384, nothing else.

use std::collections::HashSet;
use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA384, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::base::{Digest, limits};

/// The algorithms that SMART Backend Services asks servers to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Algorithm {
    Rs384,
    Es384,
}

impl Algorithm {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "RS384" => Some(Self::Rs384),
            "ES384" => Some(Self::Es384),
            _ => None,
        }
    }
}

/// Why a JWK Set cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkSetFault {
    #[error("this is no JWK Set: expected JSON of the form {{\"keys\": [...]}}")]
    Json,
    #[error("the JWK Set holds more than {} keys", limits::JWKS_KEYS_MAX)]
    TooMany,
    #[error("the JWK Set holds a private key: take it out, and use it nowhere any more")]
    Private,
    #[error("the JWK Set holds no key for RS384 (RSA of 2048 bits or more) or ES384 (P-384) with a `kid`")]
    NoKey,
    #[error("two keys of one kind have the same `kid`")]
    SameKeyId,
}

/// A key that can check signatures.
pub(super) struct PublicKey {
    key_id: String,
    algorithm: Algorithm,
    key: ParsedPublicKey,
}

impl PublicKey {
    /// Whether this key made `signature` of `signed`.
    pub(super) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(signed, signature).is_ok()
    }
}

/// The usable keys of one client: a JWK Set, read. Cheap to clone.
#[derive(Clone)]
pub struct KeySet {
    keys: Arc<[Arc<PublicKey>]>,
    /// Of the text that it was read from.
    digest: Digest,
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

/// The members of RFC 7517 and RFC 7518 that matter here. `d` and `k` are looked at only to see that they are absent.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    key_ops: Option<Vec<String>>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<serde::de::IgnoredAny>,
    k: Option<serde::de::IgnoredAny>,
}

impl KeySet {
    /// Keys of other kinds and for other uses are passed over: a client may have them for others.
    pub fn parse(text: &str) -> Result<Self, JwkSetFault> {
        let set: JwkSet = serde_json::from_str(text).map_err(|_| JwkSetFault::Json)?;
        if set.keys.len() > limits::JWKS_KEYS_MAX {
            return Err(JwkSetFault::TooMany);
        }
        if set.keys.iter().any(|jwk| jwk.d.is_some() || jwk.k.is_some()) {
            return Err(JwkSetFault::Private);
        }
        let keys: Arc<[_]> = set.keys.iter().filter_map(Jwk::usable).map(Arc::new).collect();
        let names: HashSet<_> = keys.iter().map(|key| (key.key_id.as_str(), key.algorithm)).collect();
        if names.len() < keys.len() {
            return Err(JwkSetFault::SameKeyId);
        }
        if keys.is_empty() { Err(JwkSetFault::NoKey) } else { Ok(Self { keys, digest: Digest::of(text.as_bytes()) }) }
    }

    pub(super) const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The one key with this `kid` that fits the algorithm: the algorithm of the key decides, not the assertion's.
    pub(super) fn find(&self, key_id: &str, algorithm: Algorithm) -> Option<Arc<PublicKey>> {
        self.keys.iter().find(|key| key.key_id == key_id && key.algorithm == algorithm).cloned()
    }
}

impl Jwk {
    fn usable(&self) -> Option<PublicKey> {
        let signs = self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|uses| uses.iter().any(|one| one == "verify"));
        let (algorithm, key) = match self.kty.as_str() {
            "RSA" => (Algorithm::Rs384, self.rsa()?),
            "EC" if self.crv.as_deref() == Some("P-384") => (Algorithm::Es384, self.p384()?),
            _ => return None,
        };
        let fits = self.alg.as_deref().is_none_or(|name| Algorithm::named(name) == Some(algorithm));
        let key_id = self.kid.clone().filter(|id| !id.is_empty() && id.len() <= limits::CLAIM_LENGTH_MAX)?;
        (signs && fits).then_some(PublicKey { key_id, algorithm, key })
    }

    /// The sizes are checked when the key is used: 2048 to 8192 bits. Smaller ones are no keys for us from the start.
    fn rsa(&self) -> Option<ParsedPublicKey> {
        const BYTES_MIN: usize = 2048 / 8;
        let (n, e) = (decode(self.n.as_deref()?)?, decode(self.e.as_deref()?)?);
        let n = n.strip_prefix(&[0]).unwrap_or(&n);
        if n.len() < BYTES_MIN {
            return None;
        }
        RsaPublicKeyComponents { n, e: &e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA384).ok()
    }

    /// An uncompressed point (SEC 1 2.3.3): a byte 4, then both coordinates. That it lies on the curve is checked.
    fn p384(&self) -> Option<ParsedPublicKey> {
        const COORDINATE_BYTES: usize = 48;
        let mut point = vec![4];
        for coordinate in [&self.x, &self.y] {
            let bytes = decode(coordinate.as_deref()?)?;
            if bytes.len() != COORDINATE_BYTES {
                return None;
            }
            point.extend_from_slice(&bytes);
        }
        ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).ok()
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}
