//! The FHIR door, put together: who is let in, what a request can move, and the port it comes in by.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Notify;

use super::parts::StartError;
use crate::access::Access;
use crate::base::ids::FeedName;
use crate::base::{Clock, Random};
use crate::config::{self, Admission, FhirDoor, TlsFiles};
use crate::connectors::jwks::JwksClient;
use crate::connectors::tls::ServerTls;
use crate::engine::Intake;
use crate::engine::decide::Decider;
use crate::engine::read::Reader;
use crate::engine::request::{ClientPolicy, Requests};
use crate::http;
use crate::http::fhir::Bounds;
use crate::http::{LatestTls, Port, PortSettings};
use crate::rest::operation::{self, Doors};
use crate::rest::{Server, Setup};
use crate::store::Store;

/// What the door shares with the rest of the gateway.
pub struct Shared {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub decider: Arc<Decider>,
    pub reader: Arc<Reader>,
    pub intake: Arc<Intake>,
    pub wake_deliver: Arc<Notify>,
}

/// A port with what it shows to its clients, when it speaks TLS, and the URL that they know.
pub struct OpenDoor {
    pub port: Port,
    pub tls: Option<Arc<ServerTls>>,
    pub base_url: String,
}

/// Opens the door that the settings ask for.
pub async fn open_if_wanted(door: Option<&FhirDoor>, shared: Shared) -> Result<Option<OpenDoor>, StartError> {
    match door {
        Some(door) => open(door, shared).await.map(Some),
        None => Ok(None),
    }
}

/// Binds the port and builds what it serves. Its links name the port that was bound.
async fn open(door: &FhirDoor, shared: Shared) -> Result<OpenDoor, StartError> {
    let failed = |source| StartError::Fhir { address: door.address, source };
    let bound = Port::bind(door.address).await.map_err(failed)?;
    let base_url = door.base_url_at(bound.address());
    let access = access(door, &base_url, &shared).await?;
    let tls = door.tls.clone().map(|paths| ServerTls::new(Arc::new(TlsFiles(paths)))).transpose();
    let tls = tls.map_err(|source| StartError::FhirCertificate { source })?;
    let (store, clock, random) = (shared.store, shared.clock, shared.random);
    let clients = policies(door);
    let requests = Requests::new(Arc::clone(&store), Arc::clone(&clock), shared.decider, clients, shared.wake_deliver);
    let setup = Setup {
        base_url: base_url.clone(),
        policy: door.policy,
        built: BUILT,
        version: env!("CARGO_PKG_VERSION"),
        is_guarded: matches!(door.admission, Admission::Clients(_)),
    };
    let operations = operation::table(Doors { intake: shared.intake, reader: shared.reader });
    let server = Server::new(store, Arc::new(requests), Arc::clone(&clock), random, setup, operations);
    let bounds = Bounds { requests_max: door.requests_max, body_bytes_max: door.body_bytes_max };
    let router = http::fhir::router(Arc::new(server), Arc::new(access), clock, bounds);
    let latest = tls.clone().map(|tls| -> LatestTls { Arc::new(move || tls.acceptor()) });
    let port = bound.serving(router, PortSettings { tls: latest, connections_max: door.connections_max });
    Ok(OpenDoor { port, tls, base_url })
}

/// The `date` of the CapabilityStatement: when what it tells was last changed.
const BUILT: &str = "2026-11-22";

async fn access(door: &FhirDoor, base_url: &str, shared: &Shared) -> Result<Access, StartError> {
    let Some(clients) = config::clients(door)? else {
        tracing::warn!("the FHIR door is open: everybody on this machine can read and write everything");
        return Ok(Access::open());
    };
    let jwks = Arc::new(JwksClient::new().map_err(StartError::HttpClient)?);
    let store = Arc::clone(&shared.store) as _;
    Ok(Access::new(clients, base_url, store, jwks, shared.random.as_ref()).await?)
}

fn policies(door: &FhirDoor) -> HashMap<FeedName, ClientPolicy> {
    let names = match &door.admission {
        Admission::Open => vec![crate::access::Caller::anyone().name().clone()],
        Admission::Clients(clients) => clients.iter().map(|client| client.id.clone()).collect(),
    };
    let policy = |name: FeedName| {
        let role = door.role_of(&name).map(super::feeds::role);
        (name, ClientPolicy { role, validation: door.validation })
    };
    names.into_iter().map(policy).collect()
}
