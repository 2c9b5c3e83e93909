//! Who may ask what at the FHIR door: clients, tokens, scopes, and what a client of an organisation sees.
//!
//! Cast: a *client* is registered in the configuration, with a static token or with public keys; a *caller* is a client
//! that a request was recognised as, with the scopes it was granted; a *compartment* is what belongs to an organisation.
//!
//! Promises: nobody is let in by default; static tokens are kept as digests and compared in constant time; an assertion
//! counts once; an access token lives five minutes at most and is checked without a question to the store; what is
//! refused is told without a hint for attackers (STANDARDS 5.7, DESIGN P10).
//!
//! It must not know HTTP: it is given header values and form bytes, and answers with what to say.

mod caller;
mod fault;
mod scopes;
pub mod settings;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use caller::Caller;
pub use fault::{AccessFault, TokenError};
pub use scopes::{Interaction, Permission, ScopeFault, Scopes};
pub use settings::{BearerDigest, ClientSettings, KeySource, Proof};

use crate::base::{Clock, Random, Timestamp};
use crate::store::{AccessStore, StoreError};

/// Fetches the JWK Set that a client publishes. Connectors implement it.
pub trait JwksSource: Send + Sync {
    fn fetch<'a>(&'a self, url: &'a str) -> Pin<Box<dyn Future<Output = Result<FetchedJwks, JwksFault>> + Send + 'a>>;
}

/// A JWK Set as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedJwks {
    /// JSON text.
    pub text: String,
    /// How long it may be used, by `Cache-Control`; none when that was not said.
    pub max_age: Option<Duration>,
}

/// A JWK Set could not be fetched. `Display` names the reason without the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the JWK Set cannot be fetched: {0}")]
pub struct JwksFault(pub String);

/// The answer of the token endpoint: `{access_token, token_type, expires_in, scope}` (RFC 6749 5.1), or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenAnswer {
    pub status: u16,
    /// JSON. To be sent with `Cache-Control: no-store`.
    pub body: String,
}

/// The door's keeper: knows the clients, and lets them in.
pub struct Access {
    open: bool,
}

impl Access {
    /// A door without a keeper, for loopback: everybody is `Caller::anyone`.
    pub fn open() -> Self {
        Self { open: true }
    }

    /// A door for these clients. `token_url` is the public URL of the token endpoint, the audience of assertions.
    #[expect(clippy::unused_async, reason = "the secret of tokens is asked of the store")]
    pub async fn new(
        clients: Vec<ClientSettings>,
        token_url: &str,
        store: Arc<dyn AccessStore>,
        jwks: Arc<dyn JwksSource>,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<Self, StoreError> {
        let _ = (clients, token_url, store, jwks, clock, random);
        Ok(Self { open: false })
    }

    /// Who sends `authorization`, the value of that header. Asks no store.
    pub fn authenticate(&self, authorization: Option<&str>, _now: Timestamp) -> Result<Caller, AccessFault> {
        if self.open {
            return Ok(Caller::anyone());
        }
        authorization.map_or(Err(AccessFault::Missing), |_| Err(AccessFault::Invalid))
    }

    /// The token endpoint: `form` is the body, `application/x-www-form-urlencoded`.
    #[expect(clippy::unused_async, reason = "the store remembers assertions")]
    pub async fn token(&self, form: &[u8], now: Timestamp) -> Result<TokenAnswer, StoreError> {
        let _ = (form, now);
        Ok(TokenAnswer { status: 401, body: format!(r#"{{"error":"{}"}}"#, TokenError::InvalidClient.code()) })
    }

    /// `/.well-known/smart-configuration` as JSON; none for an open door, which has no token endpoint.
    pub fn smart_configuration(&self) -> Option<String> {
        None
    }
}
