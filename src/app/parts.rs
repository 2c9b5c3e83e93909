//! Everything that runs, built from the settings in the order in which one needs the other.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::Notify;

use super::door::GatewayDoor;
use super::fhir::OpenDoor;
use super::readiness::{Relay, StoreReadiness};
use super::{Addresses, feeds, fhir, releases, routes};
use crate::base::{Clock, Random, SystemClock, SystemRandom};
use crate::config::{self, Feed, LoadError, Settings, TlsFiles};
use crate::connectors::http_client::ClientError;
use crate::connectors::mllp::{BindError, Listener};
use crate::connectors::tls::{ServerTls, TlsError};
use crate::engine::advance::Advance;
use crate::engine::decide::Decider;
use crate::engine::deliver::Deliver;
use crate::engine::dispatch::{Dispatcher, Ourselves};
use crate::engine::outcomes::Outcomes;
use crate::engine::process::{Process, Surroundings};
use crate::engine::read::Reader;
use crate::engine::reindex;
use crate::engine::{Intake, Job, LeaseKeeper};
use crate::http::Port;
use crate::http::ops::{self, RenderMetrics};
use crate::store::{self, Store, StoreError, StoreUrl};
use crate::workflow::Policy;

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the data directory {path} cannot be made")]
    DataDirectory { path: String, source: std::io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Configuration(#[from] LoadError),
    #[error("a route of the configuration cannot be used: {0}")]
    Route(crate::routing::RouteFault),
    #[error("the mapping files cannot be used:\n{0}")]
    Mapping(String),
    #[error("the certificate of feed {feed} cannot be used")]
    Certificate { feed: String, source: TlsError },
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("the admin port {address} cannot be opened")]
    Admin { address: SocketAddr, source: std::io::Error },
    #[error("the FHIR door {address} cannot be opened")]
    Fhir { address: SocketAddr, source: std::io::Error },
    #[error("the certificate of the FHIR door cannot be used")]
    FhirCertificate { source: TlsError },
    #[error("keys of FHIR clients cannot be fetched")]
    HttpClient(#[source] ClientError),
}

/// A listener with the certificates that it shows, when it speaks TLS.
type GuardedListener = (Listener, Option<Arc<ServerTls>>);

/// The parts, opened and not yet running.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub lease: Arc<LeaseKeeper>,
    pub door: Arc<GatewayDoor>,
    pub listeners: Vec<GuardedListener>,
    pub admin: Port,
    pub fhir: Option<OpenDoor>,
    pub process: Arc<dyn Job>,
    pub deliver: Arc<dyn Job>,
    pub advance: Arc<dyn Job>,
    pub wake_process: Arc<Notify>,
    pub wake_deliver: Arc<Notify>,
    pub reader: Arc<Reader>,
    clock: Arc<dyn Clock>,
    addresses: Addresses,
}

impl Parts {
    pub async fn open(settings: Settings, metrics: RenderMetrics) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom::default());
        let store = open_store(&settings).await?;
        let instance = random.uuid(clock.now()).to_string();
        let lease = Arc::new(LeaseKeeper::open(Arc::clone(&store), Arc::clone(&clock), instance).await?);
        let reader = Arc::new(releases::reader(&settings)?);
        let decider = Arc::new(decider(&settings, &reader, &random)?);
        let (wake_process, wake_deliver) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let outcomes = Arc::new(Outcomes::default());
        let world = || Surroundings {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            lease: Arc::clone(&lease),
            outcomes: Arc::clone(&outcomes),
            wake_deliver: Arc::clone(&wake_deliver),
        };
        index(store.as_ref()).await?;
        let senders = config::senders(&settings, &clock)?;
        let deliver = Deliver::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            Arc::clone(&random),
            Arc::clone(&lease),
            senders,
            Arc::clone(&wake_deliver),
        );
        let intake = intake(&store, &clock, &outcomes, &wake_process);
        let door = GatewayDoor::new(
            Arc::clone(&intake),
            Arc::clone(&reader),
            Arc::clone(&store),
            Arc::clone(&clock),
            feeds::doors(&settings.feeds),
        );
        let listeners = listeners(&settings)?;
        let admin = admin(settings.admin_address, &store, metrics).await?;
        let shared = fhir::Shared {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            random,
            decider: Arc::clone(&decider),
            reader: Arc::clone(&reader),
            intake,
            wake_deliver: Arc::clone(&wake_deliver),
        };
        let fhir = fhir::open_if_wanted(settings.fhir.as_ref(), shared).await?;
        let addresses = addresses(&listeners, &admin, fhir.as_ref());
        Ok(Self {
            process: Arc::new(Process::new(world(), Arc::clone(&reader), Arc::clone(&decider))),
            reader,
            advance: Arc::new(Advance::new(world(), decider)),
            deliver: Arc::new(deliver),
            door: Arc::new(door),
            store,
            lease,
            listeners,
            admin,
            fhir,
            wake_process,
            wake_deliver,
            clock,
            addresses,
        })
    }

    pub fn addresses(&self) -> Addresses {
        self.addresses.clone()
    }

    /// Those of all listeners, to be read again on demand.
    pub fn certificates(&self) -> Vec<Arc<ServerTls>> {
        let door = self.fhir.iter().filter_map(|door| door.tls.clone());
        self.listeners.iter().filter_map(|(_, tls)| tls.clone()).chain(door).collect()
    }

    pub fn relay(&self) -> Relay {
        Relay {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            wakes: [Arc::clone(&self.wake_process), Arc::clone(&self.wake_deliver)],
        }
    }
}

/// Opens the store that the settings name, making the directory of an embedded one.
pub async fn open_store(settings: &Settings) -> Result<Arc<dyn Store>, StartError> {
    let url = match &settings.store.url {
        Some(secret) => secret.read()?.parse::<StoreUrl>()?,
        None => {
            make_private_directory(&settings.store.data)?;
            StoreUrl::Sqlite(settings.store.data.join("loopgate.db"))
        }
    };
    Ok(store::open(&url).await?)
}

/// Only its owner may look into the store's directory: it holds what patients entrusted.
fn make_private_directory(path: &Path) -> Result<(), StartError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| StartError::DataDirectory { path: path.display().to_string(), source })
}

fn decider(settings: &Settings, reader: &Arc<Reader>, random: &Arc<dyn Random>) -> Result<Decider, StartError> {
    let dispatcher = Dispatcher {
        table: routes::table(&settings.endpoints)?,
        reader: Arc::clone(reader),
        ourselves: Ourselves {
            application: settings.identity.application.clone(),
            facility: settings.identity.facility.clone(),
        },
    };
    Ok(Decider { policy: Arc::new(Policy::default()), dispatcher, random: Arc::clone(random) })
}

fn intake(store: &Arc<dyn Store>, clock: &Arc<dyn Clock>, outcomes: &Arc<Outcomes>, wake: &Arc<Notify>) -> Arc<Intake> {
    Arc::new(Intake::new(Arc::clone(store), Arc::clone(clock), Arc::clone(outcomes), Arc::clone(wake)))
}

/// Brings the search index up to date before anybody can ask.
async fn index(store: &dyn Store) -> Result<(), StoreError> {
    let indexed = reindex::reindex(store).await?;
    if indexed > 0 {
        tracing::info!(resources = indexed, "the search index is up to date");
    }
    Ok(())
}

fn listeners(settings: &Settings) -> Result<Vec<GuardedListener>, StartError> {
    let open = |feed: &Feed| {
        let tls = feed.tls.clone().map(|paths| ServerTls::new(Arc::new(TlsFiles(paths)))).transpose();
        let tls = tls.map_err(|source| StartError::Certificate { feed: feed.name().to_string(), source })?;
        Ok((Listener::bind(feed.listener.clone(), tls.clone())?, tls))
    };
    settings.feeds.iter().map(open).collect()
}

async fn admin(address: SocketAddr, store: &Arc<dyn Store>, metrics: RenderMetrics) -> Result<Port, StartError> {
    let router = ops::router(Arc::new(StoreReadiness(Arc::clone(store))), metrics);
    Port::open(address, router).await.map_err(|source| StartError::Admin { address, source })
}

fn addresses(listeners: &[GuardedListener], admin: &Port, fhir: Option<&OpenDoor>) -> Addresses {
    let mllp = listeners.iter().map(|(listener, _)| (listener.feed().clone(), listener.address())).collect();
    Addresses { mllp, admin: Some(admin.address()), fhir: fhir.map(|door| door.base_url.clone()) }
}
