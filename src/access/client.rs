//! A registered client at work: what it may be granted, and the keys it signs with.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::assertion::AssertionFault;
use super::compartment::Compartment;
use super::jwk::{Algorithm, PublicKey};
use super::{BearerDigest, ClientSettings, JwksSource, KeySet, KeySource, Proof, Scopes};
use crate::base::ids::FeedName;
use crate::base::{Digest, Timestamp, limits};

pub(super) struct Client {
    pub(super) name: FeedName,
    pub(super) scopes: Arc<Scopes>,
    /// None for a client that is bound to no organisation.
    pub(super) compartment: Option<Compartment>,
    /// None for a client with a static token.
    pub(super) keys: Option<Keys>,
    /// Of its registration: what stands in tokens so that a change withdraws them.
    pub(super) stamp: [u8; 8],
}

impl Client {
    /// Whoever asks at an open door.
    pub(super) fn anyone() -> Self {
        let scopes = Arc::new(Scopes::all());
        Self { name: FeedName::new("anyone"), scopes, compartment: None, keys: None, stamp: [0; 8] }
    }

    pub(super) fn new(settings: ClientSettings) -> Self {
        let stamp = stamp(&settings);
        let keys = match settings.proof {
            Proof::Bearer(_) => None,
            Proof::Keys(KeySource::Given(keys)) => Some(Keys::Given(keys)),
            Proof::Keys(KeySource::Url(url)) => Some(Keys::Remote(RemoteKeys { url, latest: Mutex::default() })),
        };
        let ClientSettings { name, scopes, organization, .. } = settings;
        Self { name, scopes: Arc::new(scopes), compartment: organization.map(Compartment::of), keys, stamp }
    }
}

fn stamp(settings: &ClientSettings) -> [u8; 8] {
    let proof = match &settings.proof {
        Proof::Bearer(BearerDigest(digest)) => digest.to_string(),
        Proof::Keys(KeySource::Given(keys)) => keys.digest().to_string(),
        Proof::Keys(KeySource::Url(url)) => url.clone(),
    };
    let organization = settings.organization.as_ref().map(ToString::to_string).unwrap_or_default();
    let parts = [settings.name.as_str(), &settings.scopes.to_string(), &organization, &proof];
    Digest::of_parts(parts.map(str::as_bytes)).as_i64().to_le_bytes()
}

/// The keys of a client.
pub(super) enum Keys {
    Given(KeySet),
    Remote(RemoteKeys),
}

impl Keys {
    /// The only `jku` that an assertion of this client may name.
    pub(super) fn url(&self) -> Option<&str> {
        match self {
            Self::Given(_) => None,
            Self::Remote(remote) => Some(&remote.url),
        }
    }

    /// The key that an assertion names and that fits its algorithm.
    pub(super) async fn find(
        &self,
        key_id: &str,
        algorithm: Algorithm,
        source: &dyn JwksSource,
        now: Timestamp,
    ) -> Result<Arc<PublicKey>, AssertionFault> {
        match self {
            Self::Given(keys) => keys.find(key_id, algorithm).ok_or(AssertionFault::UnknownKey),
            Self::Remote(remote) => remote.find(key_id, algorithm, source, now).await,
        }
    }
}

/// Keys that the client publishes, and what is known of them.
pub(super) struct RemoteKeys {
    url: String,
    /// Held over a fetch on purpose: assertions that come meanwhile share its answer.
    latest: Mutex<Latest>,
}

#[derive(Default)]
struct Latest {
    /// When a fetch was last tried.
    tried_at: Option<Timestamp>,
    keys: Option<(KeySet, Timestamp)>,
}

impl Latest {
    /// The keys while they may be used.
    fn fresh(&self, now: Timestamp) -> Option<&KeySet> {
        self.keys.as_ref().filter(|(_, until)| now < *until).map(|(keys, _)| keys)
    }

    fn may_fetch(&self, now: Timestamp) -> bool {
        self.tried_at.is_none_or(|at| now.since(at) >= limits::JWKS_FETCH_FLOOR)
    }
}

impl RemoteKeys {
    /// Looks in what was fetched; fetches once more when that is too old or does not have the key.
    async fn find(
        &self,
        key_id: &str,
        algorithm: Algorithm,
        source: &dyn JwksSource,
        now: Timestamp,
    ) -> Result<Arc<PublicKey>, AssertionFault> {
        let mut latest = self.latest.lock().await;
        if let Some(key) = latest.fresh(now).and_then(|keys| keys.find(key_id, algorithm)) {
            return Ok(key);
        }
        if latest.may_fetch(now) {
            latest.tried_at = Some(now);
            if let Some(fetched) = self.fetch(source, now).await {
                latest.keys = Some(fetched);
            }
        }
        let keys = latest.fresh(now).ok_or(AssertionFault::KeysUnavailable)?;
        keys.find(key_id, algorithm).ok_or(AssertionFault::UnknownKey)
    }

    /// The keys, and until when they may be used.
    async fn fetch(&self, source: &dyn JwksSource, now: Timestamp) -> Option<(KeySet, Timestamp)> {
        let fetched = source.fetch(&self.url).await.map_err(|fault| {
            tracing::warn!(%fault, "the keys of a client could not be fetched");
        });
        let fetched = fetched.ok()?;
        let keys = KeySet::parse(&fetched.text).map_err(|fault| {
            tracing::warn!(%fault, "what a client publishes as its keys cannot be used");
        });
        let age = fetched.max_age.unwrap_or(limits::JWKS_AGE_DEFAULT);
        Some((keys.ok()?, now.plus(age.clamp(limits::JWKS_FETCH_FLOOR, limits::JWKS_AGE_MAX))))
    }
}
