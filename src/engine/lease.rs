//! Which partitions this process works on: a lease on its share, renewed well before it ends.
//!
//! A lease saves double work and keeps the order per lane among replicas; it never carries correctness, for the store
//! checks the token in every conclusion.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use crate::base::{Clock, limits};
use crate::store::{Lease, Store, StoreError};

/// Holds the current lease and renews it.
pub struct LeaseKeeper {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    instance: String,
    current: ArcSwap<Lease>,
}

impl LeaseKeeper {
    /// Takes the first lease under the name of this process.
    pub async fn open(store: Arc<dyn Store>, clock: Arc<dyn Clock>, instance: String) -> Result<Self, StoreError> {
        let now = clock.now();
        let lease = store.lease(&instance, now, now.plus(limits::LEASE_SPAN)).await?;
        Ok(Self { store, clock, instance, current: ArcSwap::from_pointee(lease) })
    }

    /// The lease as last taken, or an empty one when it has run out: then nothing is claimed.
    pub fn current(&self) -> Arc<Lease> {
        let lease = self.current.load_full();
        if lease.until > self.clock.now() {
            return lease;
        }
        Arc::new(Lease { token: lease.token, partitions: Vec::new(), until: lease.until })
    }

    pub async fn renew(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let lease = self.store.lease(&self.instance, now, now.plus(limits::LEASE_SPAN)).await?;
        if lease.partitions != self.current.load().partitions {
            tracing::info!(partitions = lease.partitions.len(), "this process's share of the partitions changed");
        }
        self.current.store(Arc::new(lease));
        Ok(())
    }

    /// Renews until `shutdown`, then gives the lease back.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(limits::LEASE_RENEWAL) => {}
            }
            if let Err(error) = self.renew().await {
                tracing::error!(%error, "the lease could not be renewed; when it ends this process stops claiming");
            }
        }
    }

    /// Gives the partitions back so that another replica need not wait for the lease to end.
    pub async fn release(&self) -> Result<(), StoreError> {
        self.store.release(&self.instance).await
    }
}
