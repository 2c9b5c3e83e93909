//! Access tokens of our own: a few bytes sealed with a secret that all replicas share, so that checking one asks nobody.
//!
//! ```text
//! "lgt_" base64url( version 1 | expiry 8, seconds | stamp 8 | length of name 1 | name | scopes, when narrower | MAC 32 )
//! ```
//!
//! The stamp is the digest of the client's registration: a change of it withdraws the tokens given before. There is one
//! algorithm, HMAC-SHA256, and no header that could name another.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::AccessFault;
use crate::base::Timestamp;

/// How an access token begins, so that it is told from a static one, and found when it leaks.
pub(super) const PREFIX: &str = "lgt_";

const VERSION: u8 = 1;

/// Version, expiry, stamp, length of the name.
const HEAD_BYTES: usize = 1 + 8 + 8 + 1;

const MAC_BYTES: usize = 32;

/// What a token says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Granted<'a> {
    pub(super) client: &'a str,
    pub(super) stamp: [u8; 8],
    pub(super) expires_at: Timestamp,
    /// Empty: all that the client is registered for.
    pub(super) scopes: &'a str,
}

/// Makes and checks tokens.
pub(super) struct Sealer(Hmac<Sha256>);

impl Sealer {
    pub(super) fn new(secret: &[u8]) -> Self {
        Self(Hmac::new_from_slice(secret).expect("HMAC takes keys of any length"))
    }

    /// A name of more than 255 bytes, which the configuration does not take, makes a token that is never valid.
    pub(super) fn seal(&self, granted: &Granted<'_>) -> String {
        let name = granted.client.as_bytes();
        let length = u8::try_from(name.len()).unwrap_or_default();
        let seconds = granted.expires_at.as_micros().div_euclid(1_000_000);
        let mut bytes = vec![VERSION];
        for part in [&seconds.to_be_bytes()[..], &granted.stamp, &[length], name, granted.scopes.as_bytes()] {
            bytes.extend_from_slice(part);
        }
        let mac = self.0.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&mac);
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The bytes of a token of ours, its MAC checked in constant time and taken off.
    pub(super) fn open(&self, token: &str) -> Result<Vec<u8>, AccessFault> {
        let text = token.strip_prefix(PREFIX).ok_or(AccessFault::Invalid)?;
        let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| AccessFault::Invalid)?;
        let payload = bytes.len().checked_sub(MAC_BYTES).ok_or(AccessFault::Invalid)?;
        let mac = self.0.clone().chain_update(&bytes[..payload]);
        mac.verify_slice(&bytes[payload..]).map_err(|_| AccessFault::Invalid)?;
        bytes.truncate(payload);
        Ok(bytes)
    }
}

impl<'a> Granted<'a> {
    /// Reads what `Sealer::open` gave.
    pub(super) fn read(payload: &'a [u8], now: Timestamp) -> Result<Self, AccessFault> {
        let (head, rest) = payload.split_first_chunk::<HEAD_BYTES>().ok_or(AccessFault::Invalid)?;
        let [version, head @ .., length] = head;
        let (seconds, stamp) = head.split_first_chunk::<8>().ok_or(AccessFault::Invalid)?;
        let stamp = *stamp.first_chunk::<8>().ok_or(AccessFault::Invalid)?;
        let (name, scopes) = rest.split_at_checked(usize::from(*length)).ok_or(AccessFault::Invalid)?;
        let text = |bytes: &'a [u8]| std::str::from_utf8(bytes).map_err(|_| AccessFault::Invalid);
        let expires_at = Timestamp::from_micros(i64::from_be_bytes(*seconds).saturating_mul(1_000_000));
        if *version != VERSION {
            return Err(AccessFault::Invalid);
        }
        if expires_at <= now {
            return Err(AccessFault::Expired);
        }
        Ok(Self { client: text(name)?, stamp, expires_at, scopes: text(scopes)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn granted(scopes: &str) -> Granted<'_> {
        let expires_at = Timestamp::from_micros(1_700_000_300_000_000);
        Granted { client: "clinic", stamp: [7; 8], expires_at, scopes }
    }

    #[test]
    fn what_is_sealed_is_read_back() {
        let sealer = Sealer::new(b"secret");
        for scopes in ["", "system/Patient.rs?name=ü system/Task.cruds"] {
            let payload = sealer.open(&sealer.seal(&granted(scopes))).unwrap();
            assert_eq!(Granted::read(&payload, NOW), Ok(granted(scopes)));
            assert_eq!(Granted::read(&payload, granted("").expires_at), Err(AccessFault::Expired));
        }
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_seen() {
        let sealer = Sealer::new(b"secret");
        let token = sealer.seal(&granted("system/Task.rs"));
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&token[PREFIX.len()..]).unwrap();
        for at in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[at / 8] ^= 1 << (at % 8);
            let forged = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(forged));
            assert_eq!(sealer.open(&forged), Err(AccessFault::Invalid), "bit {at}");
        }
        for length in 0..token.len() {
            assert_eq!(sealer.open(&token[..length]), Err(AccessFault::Invalid), "{length} characters");
        }
        assert_eq!(Sealer::new(b"other").open(&token), Err(AccessFault::Invalid));
    }

    #[test]
    fn a_payload_that_is_cut_or_of_another_version_is_refused() {
        let sealer = Sealer::new(b"secret");
        let payload = sealer.open(&sealer.seal(&granted(""))).unwrap();
        for length in 0..payload.len() {
            assert_eq!(Granted::read(&payload[..length], NOW), Err(AccessFault::Invalid), "{length} bytes");
        }
        let newer = [&[2], &payload[1..]].concat();
        assert_eq!(Granted::read(&newer, NOW), Err(AccessFault::Invalid));
    }
}
