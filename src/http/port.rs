//! A bound port with what it serves, so that nobody outside of `http` handles sockets or routers.
//!
//! Cast: the *port* accepts connections within its limits; each *connection* is a task of its own, from the TLS handshake
//! to the last answer, so that a slow peer holds up nobody but itself.
//!
//! Promise: no handshake, no head of a request and no stopping port takes longer than its limit. It does not know where
//! certificates come from: it asks for an acceptor for every connection, which is how renewed ones come into use.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::limit::GlobalConcurrencyLimitLayer;

use crate::base::limits;

/// A bound address that nothing is served at yet.
pub struct Bound(TcpListener, SocketAddr);

impl Bound {
    pub const fn address(&self) -> SocketAddr {
        self.1
    }

    /// What is served there; the number of requests at once is left to the router.
    pub fn serving(self, router: Router, settings: PortSettings) -> Port {
        Port { listener: self.0, address: self.1, router, settings }
    }
}

/// Gives the acceptor of the latest certificate.
pub type LatestTls = Arc<dyn Fn() -> TlsAcceptor + Send + Sync>;

/// How a port takes connections.
#[derive(Clone)]
pub struct PortSettings {
    /// None: without TLS.
    pub tls: Option<LatestTls>,
    /// Connections open at once; further ones wait to be accepted.
    pub connections_max: usize,
}

impl Default for PortSettings {
    fn default() -> Self {
        Self { tls: None, connections_max: limits::CONNECTIONS_MAX }
    }
}

/// Pause after a connection could not be accepted: the reason, such as too many open files, does not go away at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bound, not yet serving.
pub struct Port {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    settings: PortSettings,
}

impl Port {
    /// Binds; port 0 lets the system choose.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Bound> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Bound(listener, address))
    }

    /// A port for probes and other small things: without TLS, a few requests at once.
    pub async fn open(address: SocketAddr, router: Router) -> std::io::Result<Self> {
        let router = router.layer(GlobalConcurrencyLimitLayer::new(limits::HTTP_REQUESTS_MAX));
        Ok(Self::bind(address).await?.serving(router, PortSettings::default()))
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`; requests in hand are answered first, for `DRAIN_TIMEOUT` at most.
    pub async fn serve(self, shutdown: CancellationToken) -> std::io::Result<()> {
        let permits = Arc::new(Semaphore::new(self.settings.connections_max));
        let mut connections = JoinSet::new();
        while let Some((stream, permit)) = self.accept(&permits, &mut connections, &shutdown).await {
            let (tls, router) = (self.settings.tls.clone(), self.router.clone());
            connections.spawn(connection(stream, tls, router, shutdown.clone(), permit));
        }
        drop(self.listener);
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(limits::DRAIN_TIMEOUT, all).await.is_err() {
            tracing::warn!("HTTP connections were cut off: they did not finish within the time for draining");
        }
        Ok(())
    }

    /// The next connection with its permit; none on shutdown. Ended connections are reaped meanwhile.
    async fn accept(
        &self,
        permits: &Arc<Semaphore>,
        connections: &mut JoinSet<()>,
        shutdown: &CancellationToken,
    ) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        let mut permit = None;
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return None,
                Some(_) = connections.join_next() => {}
                taken = take_permit(permits), if permit.is_none() => permit = Some(taken),
                accepted = self.listener.accept(), if permit.is_some() => match accepted {
                    Ok((stream, _)) => return permit.map(|permit| (stream, permit)),
                    Err(error) => {
                        tracing::warn!(address = %self.address, %error, "a connection could not be accepted");
                        shutdown.run_until_cancelled(tokio::time::sleep(ACCEPT_PAUSE)).await?;
                    }
                },
            }
        }
    }
}

async fn take_permit(permits: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    if let Ok(permit) = permits.clone().try_acquire_owned() {
        return permit;
    }
    tracing::warn!("the limit of HTTP connections is reached: peers wait until another one closes");
    permits.clone().acquire_owned().await.expect("the semaphore is never closed")
}

/// One connection from handshake to close. `_permit` is given back when this task ends, however it ends.
async fn connection(
    stream: TcpStream,
    tls: Option<LatestTls>,
    router: Router,
    shutdown: CancellationToken,
    _permit: OwnedSemaphorePermit,
) {
    // Answers are small and waited for; a socket that cannot be told so still works.
    let _ = stream.set_nodelay(true);
    let Some(latest) = tls else { return converse(stream, router, shutdown).await };
    let handshake = tokio::time::timeout(limits::HANDSHAKE_TIMEOUT, latest().accept(stream));
    // A handshake that fails is the peer's trouble, and anybody's scanner makes them: it is not worth a warning.
    match shutdown.run_until_cancelled(handshake).await {
        Some(Ok(Ok(stream))) => converse(stream, router, shutdown).await,
        Some(Ok(Err(error))) => tracing::debug!(%error, "a TLS handshake failed"),
        Some(Err(_)) => tracing::debug!("a TLS handshake took too long"),
        None => {}
    }
}

/// Requests and answers, until the peer is done, is silent for too long, or the port stops.
async fn converse<S>(stream: S, router: Router, shutdown: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(tower::service_fn(move |request: Request<Incoming>| {
        let answering = tower::ServiceExt::oneshot(router.clone(), request.map(Body::new));
        async move { answering.await as Result<Response<Body>, Infallible> }
    }));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits::HTTP_HEAD_TIMEOUT);
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = shutdown.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an HTTP connection ended early");
    }
}

#[cfg(test)]
mod tests;
