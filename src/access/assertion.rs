//! Client assertions: JSON Web Tokens by which a client shows that it holds a private key (RFC 7523, SMART App Launch
//! STU 2.2 "Client Authentication: Asymmetric").
//!
//! Reading believes nothing. What a client claims counts after its signature was checked by a key that the configuration
//! ties to it, and each rule has its own fault, for the log and the tests: the answer tells none of them.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::jwk::{Algorithm, PublicKey};
use crate::base::{Digest, Timestamp, limits};

/// Why an assertion is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AssertionFault {
    #[error("the assertion is not a signed JWT of three parts in base64url with JSON objects")]
    Malformed,
    #[error("`alg` is neither RS384 nor ES384")]
    Algorithm,
    #[error("`typ` is not JWT")]
    Type,
    #[error("`kid` is missing")]
    KeyIdMissing,
    #[error("`crit` names extensions that we do not know")]
    Critical,
    #[error("`iss` is no client that is registered with keys")]
    UnknownClient,
    #[error("`sub` is not the same as `iss`")]
    Subject,
    #[error("`client_id` of the form is not the `iss` of the assertion")]
    ClientId,
    #[error("`jku` is not the registered URL")]
    KeySetUrl,
    #[error("no key of the client has this `kid` and fits `alg`")]
    UnknownKey,
    #[error("the JWK Set of the client cannot be had")]
    KeysUnavailable,
    #[error("the signature is not by the client's key")]
    Signature,
    #[error("`aud` is not the URL of the token endpoint")]
    Audience,
    #[error("`exp` is past")]
    Expired,
    #[error("`exp` is more than five minutes ahead")]
    TooLong,
    #[error("`nbf` or `iat` is ahead")]
    NotYet,
    #[error("`jti` is missing or too long")]
    NoTokenId,
    #[error("the assertion was used before")]
    Replayed,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    jku: Option<String>,
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: NumericDate,
    nbf: Option<NumericDate>,
    iat: Option<NumericDate>,
    jti: Option<String>,
}

/// One audience; a list of one is the same. Several are refused: an assertion for others is not for us.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    List([String; 1]),
    Other(IgnoredAny),
}

/// Seconds since 1970, perhaps with a fraction (RFC 7519 2).
#[derive(Clone, Copy, Deserialize)]
struct NumericDate(f64);

impl NumericDate {
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and so do all sums with it")]
    fn at(self) -> Timestamp {
        Timestamp::from_micros((self.0 * 1e6) as i64)
    }
}

/// An assertion as it was read, unbelieved.
pub(super) struct Assertion<'a> {
    header: Header,
    claims: Claims,
    algorithm: Algorithm,
    /// The bytes that are signed: header and claims as they came.
    signed: &'a [u8],
    signature: Vec<u8>,
}

impl<'a> Assertion<'a> {
    /// Reads the assertion and checks its header.
    pub(super) fn read(text: &'a str) -> Result<Self, AssertionFault> {
        let (signed, signature) = text.rsplit_once('.').ok_or(AssertionFault::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(AssertionFault::Malformed)?;
        let header: Header = part(header)?;
        let algorithm = Algorithm::named(&header.alg).ok_or(AssertionFault::Algorithm)?;
        if !header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case("JWT")) {
            return Err(AssertionFault::Type);
        }
        if header.crit.is_some() {
            return Err(AssertionFault::Critical);
        }
        let claims = part(claims)?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| AssertionFault::Malformed)?;
        Ok(Self { header, claims, algorithm, signed: signed.as_bytes(), signature })
    }

    /// Who it says it is from.
    pub(super) fn issuer(&self) -> &str {
        &self.claims.iss
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn key_id(&self) -> Result<&str, AssertionFault> {
        self.header.kid.as_deref().filter(|id| !id.is_empty()).ok_or(AssertionFault::KeyIdMissing)
    }

    /// `jku`, where given, is the URL that the client is registered with: nobody makes us fetch another one.
    pub(super) fn check_key_set_url(&self, registered: Option<&str>) -> Result<(), AssertionFault> {
        let fits = self.header.jku.as_deref().is_none_or(|url| Some(url) == registered);
        if fits { Ok(()) } else { Err(AssertionFault::KeySetUrl) }
    }

    pub(super) fn check_signature(&self, key: &PublicKey) -> Result<(), AssertionFault> {
        if key.verifies(self.signed, &self.signature) { Ok(()) } else { Err(AssertionFault::Signature) }
    }

    /// The rules of time, audience and names. `audience` is the URL of the token endpoint.
    pub(super) fn check_claims(&self, audience: &str, now: Timestamp) -> Result<(), AssertionFault> {
        let Claims { iss, sub, aud, exp, nbf, iat, jti } = &self.claims;
        let not_before = [nbf, iat].into_iter().flatten().map(|date| date.at());
        let token_id = jti.as_deref().unwrap_or_default();
        if iss != sub {
            Err(AssertionFault::Subject)
        } else if !aud.is(audience) {
            Err(AssertionFault::Audience)
        } else if exp.at().plus(limits::ASSERTION_LEEWAY) <= now {
            Err(AssertionFault::Expired)
        } else if exp.at() > now.plus(limits::ASSERTION_LIFE_MAX + limits::ASSERTION_LEEWAY) {
            Err(AssertionFault::TooLong)
        } else if not_before.into_iter().any(|date| date > now.plus(limits::ASSERTION_LEEWAY)) {
            Err(AssertionFault::NotYet)
        } else if token_id.is_empty() || token_id.len() > limits::CLAIM_LENGTH_MAX {
            Err(AssertionFault::NoTokenId)
        } else {
            Ok(())
        }
    }

    /// What is remembered of it, and until when, so that it counts once: `jti` is unique for its issuer.
    pub(super) fn once(&self) -> (Digest, Timestamp) {
        let token_id = self.claims.jti.as_deref().unwrap_or_default();
        let digest = Digest::of_parts([b"client-assertion", self.claims.iss.as_bytes(), token_id.as_bytes()]);
        (digest, self.claims.exp.at().plus(limits::ASSERTION_LEEWAY))
    }
}

impl Audience {
    fn is(&self, url: &str) -> bool {
        match self {
            Self::One(one) | Self::List([one]) => one == url,
            Self::Other(_) => false,
        }
    }
}

fn part<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, AssertionFault> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| AssertionFault::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| AssertionFault::Malformed)
}
