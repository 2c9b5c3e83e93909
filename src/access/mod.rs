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

mod assertion;
mod caller;
mod client;
mod compartment;
mod fault;
mod form;
mod jwk;
mod keeper;
mod scopes;
mod seal;
pub mod settings;
mod writes;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use caller::Caller;
pub use fault::{AccessFault, TokenError};
pub use jwk::{JwkSetFault, KeySet};
pub use scopes::{Interaction, Permission, ScopeFault, Scopes};
pub use settings::{BearerDigest, BearerFault, ClientSettings, KeySource, Proof};
pub use writes::{Refusal, Write, judge};

use keeper::{Grant, Keeper};

use crate::base::{Random, Timestamp, limits};
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

/// Where the token endpoint is, below the base of the FHIR door.
pub const TOKEN_PATH: &str = "auth/token";

/// The name of the secret that access tokens are sealed with.
const SECRET_NAME: &str = "access-token";

/// Who may come in: everybody, or the registered clients.
pub struct Access(Option<Keeper>);

impl Access {
    /// A door without a keeper, for loopback: everybody is `Caller::anyone`.
    pub const fn open() -> Self {
        Self(None)
    }

    /// A door for these clients. `base_url` is the public URL of the door, without a slash at its end; the audience of
    /// assertions is the token endpoint below it.
    pub async fn new(
        clients: Vec<ClientSettings>,
        base_url: &str,
        store: Arc<dyn AccessStore>,
        jwks: Arc<dyn JwksSource>,
        random: &dyn Random,
    ) -> Result<Self, StoreError> {
        let fresh: Vec<u8> = (0..4).flat_map(|_| random.next_u64().to_le_bytes()).collect();
        let secret = store.secret(SECRET_NAME, &fresh).await?;
        Ok(Self(Some(Keeper::new(clients, &format!("{base_url}/{TOKEN_PATH}"), &secret, store, jwks))))
    }

    /// Who sends `authorization`, the value of that header. Asks no store.
    pub fn authenticate(&self, authorization: Option<&str>, now: Timestamp) -> Result<Caller, AccessFault> {
        self.0.as_ref().map_or_else(|| Ok(Caller::anyone()), |keeper| keeper.authenticate(authorization, now))
    }

    /// The token endpoint: `form` is the body of a POST, `application/x-www-form-urlencoded`.
    pub async fn token(&self, form: &[u8], now: Timestamp) -> Result<TokenAnswer, StoreError> {
        let granted = match &self.0 {
            Some(keeper) => keeper.exchange(form, now).await?,
            None => Err(TokenError::InvalidClient),
        };
        Ok(granted.map_or_else(TokenAnswer::refused, |grant| TokenAnswer::granted(&grant)))
    }

    /// `/.well-known/smart-configuration` as JSON (SMART App Launch STU 2.2, "Conformance"); none for an open door,
    /// which has no token endpoint.
    pub fn smart_configuration(&self) -> Option<String> {
        let keeper = self.0.as_ref()?;
        let configuration = serde_json::json!({
            "token_endpoint": keeper.token_url(),
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
            "scopes_supported": ["system/*.cruds", "system/*.rs"],
            "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
        });
        Some(configuration.to_string())
    }
}

impl TokenAnswer {
    fn granted(grant: &Grant) -> Self {
        let body = serde_json::json!({
            "access_token": grant.access_token,
            "token_type": "bearer",
            "expires_in": limits::ACCESS_TOKEN_LIFE.as_secs(),
            "scope": grant.scopes.to_string(),
        });
        Self { status: 200, body: body.to_string() }
    }

    /// The code alone: a description would tell strangers what was right (RFC 6749 5.2 leaves it out).
    fn refused(error: TokenError) -> Self {
        Self { status: error.status(), body: serde_json::json!({ "error": error.code() }).to_string() }
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod world_tests;
