//! Who asks: a client that was recognised, with what it was granted.

use std::sync::Arc;

use super::client::Client;
use super::compartment::{Compartment, nothing};
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
        self.client.compartment.as_ref().map(|compartment| &compartment.organization)
    }

    /// What its scopes let it do to resources of type `kind`.
    pub fn permits(&self, kind: &str, interaction: Interaction) -> Permission {
        self.scopes.permit(kind, interaction)
    }

    /// What a resource of type `kind` must be to be seen by it; none: anything. Nothing is what `Any` of none finds.
    /// Whatever is answered goes through this: what is read, found, included, listed in a history, exported.
    pub fn visible(&self, kind: &str) -> Option<Criterion> {
        self.client.compartment.as_ref().and_then(|compartment| compartment.seen(kind))
    }

    /// What a resource of type `kind` must be, beside visible, to be deleted by it; none: anything. A client that is
    /// bound to an organisation deletes what that answers for, not what others share with it.
    pub fn deletable(&self, kind: &str) -> Option<Criterion> {
        self.client.compartment.as_ref().map(|compartment| compartment.owned(kind))
    }

    /// A search of `kind` kept to what the caller may see: the resources that are found, and those that chains lead
    /// over. A chain over a type that it may not search, or only in part, finds nothing: its answers would tell of them.
    pub fn confine(&self, kind: &str, criterion: Criterion) -> Criterion {
        if self.client.compartment.is_none() && self.scopes.permit_every_kind(Interaction::Search) {
            return criterion;
        }
        let confined = self.chains(criterion);
        match self.visible(kind) {
            Some(visible) => Criterion::All(vec![visible, confined]),
            None => confined,
        }
    }

    fn chains(&self, criterion: Criterion) -> Criterion {
        let all = |list: Vec<Criterion>| list.into_iter().map(|one| self.chains(one)).collect();
        match criterion {
            Criterion::RefersTo { space, kind, criterion } => {
                let criterion = Box::new(self.link(&kind, *criterion));
                Criterion::RefersTo { space, kind, criterion }
            }
            Criterion::ReferredBy { space, kind, criterion } => {
                let criterion = Box::new(self.link(&kind, *criterion));
                Criterion::ReferredBy { space, kind, criterion }
            }
            Criterion::Not(inner) => Criterion::Not(Box::new(self.chains(*inner))),
            Criterion::All(list) => Criterion::All(all(list)),
            Criterion::Any(list) => Criterion::Any(all(list)),
            plain @ (Criterion::Bears(_) | Criterion::Id(_) | Criterion::Text { .. }) => plain,
        }
    }

    fn link(&self, kind: &str, criterion: Criterion) -> Criterion {
        let searchable = self.permits(kind, Interaction::Search) == Permission::All;
        if searchable { self.confine(kind, criterion) } else { nothing() }
    }

    pub(super) fn compartment(&self) -> Option<&Compartment> {
        self.client.compartment.as_ref()
    }
}
