//! The composition root: the one place that sees everything, opens it, runs it and lets it drain.
//!
//! `open` builds every part from the settings and fails with the reason; `Running` holds what runs. Nobody below
//! receives the whole.

pub mod admission;
pub mod door;
mod feeds;
mod fhir;
mod parts;
mod readiness;
mod releases;
mod routes;
pub mod sink;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::parts::Parts;
pub use self::parts::{StartError, open_store};
pub use self::releases::{base_release, is_overlay_file, load as releases, mapping_files, named_overlay, reader};
use crate::base::ids::FeedName;
use crate::base::limits;
use crate::config::Settings;
use crate::connectors::tls::ServerTls;
use crate::engine::read::Reader;
use crate::engine::{LeaseKeeper, Worker, waiting};
use crate::http::ops::RenderMetrics;
use crate::store::Store;

/// How often certificate files are looked at.
const CERTIFICATE_PERIOD: Duration = Duration::from_secs(30);

/// Where the gateway listens.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    pub mllp: Vec<(FeedName, SocketAddr)>,
    pub admin: Option<SocketAddr>,
    /// The base URL of the FHIR door.
    pub fhir: Option<String>,
}

/// The gateway, opened but not started.
pub struct App;

/// The gateway at work.
pub struct Running {
    addresses: Addresses,
    store: Arc<dyn Store>,
    lease: Arc<LeaseKeeper>,
    reader: Arc<Reader>,
    settings: Settings,
    certificates: Vec<Arc<ServerTls>>,
    /// Stops taking messages.
    listening: CancellationToken,
    /// Stops working.
    working: CancellationToken,
    listeners: TaskTracker,
    workers: TaskTracker,
}

impl App {
    /// Opens the store and the sockets, then starts everything. When this returns, messages are taken.
    pub async fn start(settings: Settings, metrics: RenderMetrics) -> Result<Running, StartError> {
        let parts = Parts::open(settings.clone(), metrics).await?;
        Ok(Running::start(settings, parts))
    }
}

impl Running {
    fn start(settings: Settings, parts: Parts) -> Self {
        let running = Self {
            addresses: parts.addresses(),
            store: Arc::clone(&parts.store),
            lease: Arc::clone(&parts.lease),
            reader: Arc::clone(&parts.reader),
            settings,
            certificates: parts.certificates(),
            listening: CancellationToken::new(),
            working: CancellationToken::new(),
            listeners: TaskTracker::new(),
            workers: TaskTracker::new(),
        };
        running.run_workers(&parts);
        running.run_listeners(parts);
        running.requeue_known();
        running
    }

    fn run_workers(&self, parts: &Parts) {
        let jobs = [
            (parts.process.clone(), &parts.wake_process),
            (parts.process.clone(), &parts.wake_process),
            (parts.deliver.clone(), &parts.wake_deliver),
            (parts.advance.clone(), &parts.wake_deliver),
        ];
        for (job, wake) in jobs {
            self.workers.spawn(Worker::new(job, Arc::clone(wake)).run(self.working.clone()));
        }
        self.workers.spawn(Arc::clone(&parts.lease).run(self.working.clone()));
        self.workers.spawn(parts.relay().run(self.working.clone()));
    }

    fn run_listeners(&self, parts: Parts) {
        for (listener, tls) in parts.listeners {
            self.listeners.spawn(listener.run(Arc::clone(&parts.door) as _, self.listening.clone()));
            if let Some(tls) = tls {
                self.listeners.spawn(tls.watch(CERTIFICATE_PERIOD, self.listening.clone()));
            }
        }
        if let Some(door) = parts.fhir {
            if let Some(tls) = door.tls {
                self.listeners.spawn(tls.watch(CERTIFICATE_PERIOD, self.listening.clone()));
            }
            let serving = door.port.serve(self.listening.clone());
            self.listeners.spawn(async move {
                if let Err(error) = serving.await {
                    tracing::error!(%error, "the FHIR door stopped");
                }
            });
        }
        let serving = parts.admin.serve(self.working.clone());
        self.workers.spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the admin port stopped");
            }
        });
    }

    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The store, for commands and tests that look at it while the gateway runs.
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    /// Reads certificates and mapping files again; what does not fit leaves the old in place and is told.
    pub fn reload(&self) {
        self.certificates.iter().for_each(|tls| tls.reload_and_report());
        match releases::load(&self.settings) {
            Ok(loaded) => {
                self.reader.swap(loaded);
                tracing::info!(release = %self.reader.releases().base().digest(), "mapping files were loaded");
                self.requeue_known();
            }
            Err(error) => tracing::error!(%error, "mapping files have mistakes; the release at work stays"),
        }
    }

    /// Runs the messages again whose codes have a map by now.
    fn requeue_known(&self) {
        let (store, reader) = (self.store(), Arc::clone(&self.reader));
        self.workers.spawn(async move {
            match waiting::requeue_known(store.as_ref(), &reader.releases()).await {
                Ok(0) => {}
                Ok(messages) => tracing::info!(messages, "messages whose codes have a map now are run again"),
                Err(error) => tracing::error!(%error, "messages that wait for codes could not be looked up"),
            }
        });
    }

    /// Drains: no new message is taken, what is in hand is finished and answered, then the lease is given back.
    pub async fn stop(self) {
        self.listening.cancel();
        self.listeners.close();
        let in_time = tokio::time::timeout(limits::DRAIN_TIMEOUT, self.listeners.wait()).await;
        self.working.cancel();
        self.workers.close();
        let ended = tokio::time::timeout(limits::DRAIN_TIMEOUT, self.workers.wait()).await;
        if in_time.is_err() || ended.is_err() {
            tracing::warn!("draining took too long; what is left is done after the restart");
        }
        if let Err(error) = self.lease.release().await {
            tracing::warn!(%error, "the lease could not be given back; others take over when it ends");
        }
    }
}
