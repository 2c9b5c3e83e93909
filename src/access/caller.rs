//! Who asks: a client that was recognised, with what it was granted.

use std::sync::Arc;

use super::client::Client;
use super::{Interaction, Permission, Scopes};
use crate::base::ids::FeedName;
use crate::record::{Criterion, ResourceKey};

/// A recognised client and what it may do now. Cheap to clone.
#[derive(Clone)]
pub struct Caller {
    client: Arc<Client>,
    scopes: Arc<Scopes>,
}

impl Caller {
    /// Whoever asks at a door that is open: it may do everything.
    pub fn anyone() -> Self {
        let client = Arc::new(Client::anyone());
        Self { scopes: client.scopes.clone(), client }
    }

    pub(super) const fn new(client: Arc<Client>, scopes: Arc<Scopes>) -> Self {
        Self { client, scopes }
    }

    /// Its `client_id`, and its name in the journal.
    pub fn name(&self) -> &FeedName {
        &self.client.name
    }

    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// The organisation that it is bound to.
    pub fn organization(&self) -> Option<&ResourceKey> {
        self.client.organization.as_ref()
    }

    /// What its scopes let it do to resources of type `kind`.
    pub fn permits(&self, kind: &str, interaction: Interaction) -> Permission {
        self.scopes.permit(kind, interaction)
    }

    /// What a resource of type `kind` must be to be seen by it; none: anything. Nothing is what `Any` of none finds.
    pub fn visible(&self, _kind: &str) -> Option<Criterion> {
        self.organization().map(|_| Criterion::Any(Vec::new()))
    }

    /// A search of `kind` kept to what it may see: the resources that are found, and those that chains lead over.
    pub fn confine(&self, kind: &str, criterion: Criterion) -> Criterion {
        match self.visible(kind) {
            Some(visible) => Criterion::All(vec![visible, criterion]),
            None => criterion,
        }
    }
}
