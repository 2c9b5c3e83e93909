//! The keeper of the door: recognises callers by their tokens, and gives tokens for assertions.

use std::collections::HashMap;
use std::sync::Arc;

use smol_str::SmolStr;
use subtle::ConstantTimeEq as _;

use super::assertion::{Assertion, AssertionFault};
use super::client::Client;
use super::form::Form;
use super::seal::{Granted, PREFIX, Sealer};
use super::{AccessFault, Caller, ClientSettings, JwksSource, Proof, Scopes, TokenError};
use crate::base::{Digest, Timestamp, limits};
use crate::store::{AccessStore, StoreError};

/// The one way to show an assertion (RFC 7523 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(super) struct Keeper {
    clients: HashMap<SmolStr, Arc<Client>>,
    /// Clients with static tokens.
    bearers: Vec<(Digest, Arc<Client>)>,
    sealer: Sealer,
    token_url: String,
    store: Arc<dyn AccessStore>,
    jwks: Arc<dyn JwksSource>,
}

/// What the token endpoint grants.
pub(super) struct Grant {
    pub(super) access_token: String,
    pub(super) scopes: Scopes,
}

impl Keeper {
    pub(super) fn new(
        settings: Vec<ClientSettings>,
        token_url: &str,
        secret: &[u8],
        store: Arc<dyn AccessStore>,
        jwks: Arc<dyn JwksSource>,
    ) -> Self {
        let mut clients = HashMap::new();
        let mut bearers = Vec::new();
        for settings in settings {
            let bearer = match &settings.proof {
                Proof::Bearer(digest) => Some(digest.0),
                Proof::Keys(_) => None,
            };
            let client = Arc::new(Client::new(settings));
            bearers.extend(bearer.map(|digest| (digest, client.clone())));
            clients.insert(client.name.0.clone(), client);
        }
        Self { clients, bearers, sealer: Sealer::new(secret), token_url: token_url.to_owned(), store, jwks }
    }

    pub(super) fn token_url(&self) -> &str {
        &self.token_url
    }

    pub(super) fn authenticate(&self, authorization: Option<&str>, now: Timestamp) -> Result<Caller, AccessFault> {
        let (scheme, token) =
            authorization.ok_or(AccessFault::Missing)?.split_once(' ').ok_or(AccessFault::Malformed)?;
        let token = token.trim_matches(' ');
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
            return Err(AccessFault::Malformed);
        }
        if token.starts_with(PREFIX) { self.holder(token, now) } else { self.bearer(token) }
    }

    /// Who was given this token.
    fn holder(&self, token: &str, now: Timestamp) -> Result<Caller, AccessFault> {
        let payload = self.sealer.open(token)?;
        let granted = Granted::read(&payload, now)?;
        let client = self.clients.get(granted.client).ok_or(AccessFault::Invalid)?;
        if client.stamp != granted.stamp {
            return Err(AccessFault::Invalid);
        }
        let scopes = match granted.scopes {
            "" => client.scopes.clone(),
            narrower => Arc::new(Scopes::asked(narrower)),
        };
        Ok(Caller::new(client.clone(), scopes))
    }

    /// Whose static token this is. All are compared, each in constant time.
    fn bearer(&self, token: &str) -> Result<Caller, AccessFault> {
        let digest = Digest::of(token.as_bytes());
        let same = |other: &Digest| bool::from(other.0.ct_eq(&digest.0));
        let found = self.bearers.iter().fold(None, |found, (own, client)| if same(own) { Some(client) } else { found });
        found.map(|client| Caller::new(client.clone(), client.scopes.clone())).ok_or(AccessFault::Invalid)
    }

    /// `client_credentials` with `private_key_jwt`, field by field.
    pub(super) async fn exchange(&self, body: &[u8], now: Timestamp) -> Result<Result<Grant, TokenError>, StoreError> {
        let Some(form) = Some(body).filter(|body| body.len() <= limits::TOKEN_REQUEST_BYTES_MAX).and_then(Form::parse)
        else {
            return Ok(Err(TokenError::InvalidRequest));
        };
        match form.get("grant_type") {
            Some("client_credentials") => {}
            Some(_) => return Ok(Err(TokenError::UnsupportedGrantType)),
            None => return Ok(Err(TokenError::InvalidRequest)),
        }
        if form.get("client_assertion_type") != Some(ASSERTION_TYPE) || form.get("client_secret").is_some() {
            return Ok(Err(TokenError::InvalidClient));
        }
        let client = match self.believe(&form, now).await? {
            Ok(client) => client,
            Err(fault) => {
                tracing::info!(%fault, "a client assertion was refused");
                return Ok(Err(TokenError::InvalidClient));
            }
        };
        Ok(self.grant(&client, form.get("scope").unwrap_or_default(), now))
    }

    /// The client whose assertion this is, once it is believed and noted as used.
    pub(super) async fn believe(
        &self,
        form: &Form,
        now: Timestamp,
    ) -> Result<Result<Arc<Client>, AssertionFault>, StoreError> {
        let text = form.get("client_assertion").unwrap_or_default();
        let (client, assertion) = match self.verify(text, form.get("client_id"), now).await {
            Ok(verified) => verified,
            Err(fault) => return Ok(Err(fault)),
        };
        let (digest, until) = assertion.once();
        let first = self.store.use_once(&digest, now, until).await?;
        Ok(if first { Ok(client) } else { Err(AssertionFault::Replayed) })
    }

    /// All that can be said of an assertion without noting its use; that comes last, so that strangers note nothing.
    pub(super) async fn verify<'a>(
        &self,
        text: &'a str,
        client_id: Option<&str>,
        now: Timestamp,
    ) -> Result<(Arc<Client>, Assertion<'a>), AssertionFault> {
        let assertion = Assertion::read(text)?;
        if client_id.is_some_and(|id| id != assertion.issuer()) {
            return Err(AssertionFault::ClientId);
        }
        let client = self.clients.get(assertion.issuer()).ok_or(AssertionFault::UnknownClient)?;
        let keys = client.keys.as_ref().ok_or(AssertionFault::UnknownClient)?;
        assertion.check_key_set_url(keys.url())?;
        assertion.check_claims(&self.token_url, now)?;
        let key = keys.find(assertion.key_id()?, assertion.algorithm(), &*self.jwks, now).await?;
        assertion.check_signature(&key)?;
        Ok((client.clone(), assertion))
    }

    /// A token for what is both asked for and registered.
    fn grant(&self, client: &Client, asked: &str, now: Timestamp) -> Result<Grant, TokenError> {
        if asked.split(' ').count() > limits::SCOPES_MAX {
            return Err(TokenError::InvalidScope);
        }
        let scopes = Scopes::asked(asked).and(&client.scopes);
        if scopes.is_empty() {
            return Err(TokenError::InvalidScope);
        }
        let text = if scopes == *client.scopes { String::new() } else { scopes.to_string() };
        let granted = Granted {
            client: client.name.as_str(),
            stamp: client.stamp,
            expires_at: now.plus(limits::ACCESS_TOKEN_LIFE),
            scopes: &text,
        };
        Ok(Grant { access_token: self.sealer.seal(&granted), scopes })
    }
}
