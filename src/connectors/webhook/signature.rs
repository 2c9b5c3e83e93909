//! Signatures of webhooks: HMAC-SHA256 over `{id}.{timestamp}.{body}` (Standard Webhooks, "Signature scheme").

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::base::Timestamp;

/// How far a time stamp may be from the receiver's clock.
pub const TOLERANCE: Duration = Duration::from_mins(5);

const SECRET_PREFIX: &str = "whsec_";
const VERSION: &str = "v1,";
/// Lengths of a secret in bytes that Standard Webhooks allows.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A symmetric signing secret. It has no `Display`; `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Vec<u8>);

/// The text is not a signing secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningSecretFault {
    #[error("expected a secret of the form `whsec_` and base64")]
    Form,
    #[error("expected a secret of 24 to 64 bytes, but got {bytes}")]
    Length { bytes: usize },
}

impl SigningSecret {
    pub fn parse(text: &str) -> Result<Self, SigningSecretFault> {
        let encoded = text.trim().strip_prefix(SECRET_PREFIX).ok_or(SigningSecretFault::Form)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| SigningSecretFault::Form)?;
        if SECRET_BYTES.contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(SigningSecretFault::Length { bytes: bytes.len() })
        }
    }

    fn signature(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        format!("{VERSION}{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// The three headers of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHeaders {
    /// `webhook-id`
    pub id: String,
    /// `webhook-timestamp`, in seconds since 1970.
    pub timestamp: String,
    /// `webhook-signature`: one signature for each secret, separated by spaces.
    pub signature: String,
}

/// Signs an attempt made at `now`.
pub fn sign(secrets: &[SigningSecret], id: &str, now: Timestamp, body: &[u8]) -> SignedHeaders {
    let timestamp = now.as_micros().div_euclid(1_000_000).to_string();
    let signatures: Vec<_> = secrets.iter().map(|secret| secret.signature(id, &timestamp, body)).collect();
    SignedHeaders { id: id.to_owned(), timestamp, signature: signatures.join(" ") }
}

/// Why a received webhook is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyFault {
    #[error("expected `webhook-timestamp` in seconds since 1970")]
    Timestamp,
    #[error("the time stamp is more than five minutes from now")]
    TooFar,
    #[error("no signature matches")]
    NoMatch,
}

/// Checks what a receiver got: any signature of any secret suffices; comparison takes constant time.
pub fn verify(
    secrets: &[SigningSecret],
    headers: &SignedHeaders,
    body: &[u8],
    now: Timestamp,
) -> Result<(), VerifyFault> {
    let seconds: i64 = headers.timestamp.parse().map_err(|_| VerifyFault::Timestamp)?;
    let sent_at = Timestamp::from_micros(seconds.checked_mul(1_000_000).ok_or(VerifyFault::Timestamp)?);
    if now.since(sent_at) > TOLERANCE || sent_at.since(now) > TOLERANCE {
        return Err(VerifyFault::TooFar);
    }
    let matches = secrets.iter().any(|secret| {
        let expected = secret.signature(&headers.id, &headers.timestamp, body);
        headers.signature.split(' ').any(|given| given.as_bytes().ct_eq(expected.as_bytes()).into())
    });
    if matches { Ok(()) } else { Err(VerifyFault::NoMatch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000 + 999_999)
    }

    /// The example of the Standard Webhooks specification.
    #[test]
    fn the_published_example_is_reproduced() {
        let secret = SigningSecret::parse(SECRET).unwrap();
        let headers = sign(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at(1_614_265_330), br#"{"test": 2432232314}"#);
        assert_eq!(headers.timestamp, "1614265330");
        assert_eq!(headers.signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn only_what_was_signed_in_time_is_believed() {
        let (first, second) = (SigningSecret::parse(SECRET).unwrap(), SigningSecret(vec![7; 32]));
        let headers = sign(&[first.clone(), second.clone()], "id", at(1000), b"body");
        let both = [second.clone()];
        let cases = [
            (&both[..], headers.clone(), &b"body"[..], 1000, Ok(())),
            (&[first][..], headers.clone(), b"body", 1299, Ok(())),
            (&both[..], headers.clone(), b"body", 1302, Err(VerifyFault::TooFar)),
            (&both[..], headers.clone(), b"body", 698, Err(VerifyFault::TooFar)),
            (&both[..], headers.clone(), b"other", 1000, Err(VerifyFault::NoMatch)),
            (
                &both[..],
                SignedHeaders { id: "other".to_owned(), ..headers.clone() },
                b"body",
                1000,
                Err(VerifyFault::NoMatch),
            ),
            (&[SigningSecret(vec![8; 32])][..], headers.clone(), b"body", 1000, Err(VerifyFault::NoMatch)),
            (
                &both[..],
                SignedHeaders { timestamp: "soon".to_owned(), ..headers },
                b"body",
                1000,
                Err(VerifyFault::Timestamp),
            ),
        ];
        for (index, (secrets, headers, body, now, expected)) in cases.into_iter().enumerate() {
            assert_eq!(verify(secrets, &headers, body, at(now)), expected, "case {index}");
        }
    }

    #[test]
    fn secrets_are_checked_and_never_shown() {
        assert_eq!(SigningSecret::parse("secret"), Err(SigningSecretFault::Form));
        assert_eq!(SigningSecret::parse("whsec_%%%"), Err(SigningSecretFault::Form));
        assert_eq!(SigningSecret::parse("whsec_c2hvcnQ="), Err(SigningSecretFault::Length { bytes: 5 }));
        assert_eq!(format!("{:?}", SigningSecret::parse(SECRET)), "Ok(SigningSecret(…))");
    }
}
