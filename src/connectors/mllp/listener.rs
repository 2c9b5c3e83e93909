//! The MLLP listener: accepts connections while there are permits, and drains them on shutdown.
//!
//! At its connection limit it stops accepting: peers wait in the system's backlog and keep their messages, where
//! closing would make them reconnect in a loop. One log line and a counter tell. A permit is owned by the
//! connection's task, so that even a panic gives it back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use smol_str::SmolStr;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, Ending};
use super::settings::ListenerSettings;
use crate::base::ids::FeedName;
use crate::base::limits::{DRAIN_TIMEOUT, HANDSHAKE_TIMEOUT};
use crate::connectors::door::{Door, PeerInfo};
use crate::connectors::tls::{ServerTls, subject};
use crate::telemetry::{Label, Metric, count, gauge_change};

/// The listener's address cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the address {address} of feed {feed} cannot be bound: {source}")]
pub struct BindError {
    pub feed: FeedName,
    pub address: SocketAddr,
    pub source: std::io::Error,
}

/// How long the listener rests when the system cannot give it a socket (no file descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections waiting in the system until they are accepted.
const BACKLOG: u32 = 1024;

/// A bound socket, ready to run.
pub struct Listener {
    settings: ListenerSettings,
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<ServerTls>>,
}

impl Listener {
    /// Binds the address of the settings.
    pub fn bind(settings: ListenerSettings, tls: Option<Arc<ServerTls>>) -> Result<Self, BindError> {
        let failed = |source| BindError { feed: settings.feed.clone(), address: settings.address, source };
        let socket = listen(settings.address).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { settings, socket, address, tls })
    }

    /// The feed that it serves.
    pub fn feed(&self) -> &FeedName {
        &self.settings.feed
    }

    /// Where it listens: the port that the system chose, when the settings say 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`, then lets connections finish what they hold, for `DRAIN_TIMEOUT` at most.
    pub async fn run(self, door: Arc<dyn Door>, shutdown: CancellationToken) {
        let feed = self.settings.feed.clone();
        tracing::info!(%feed, address = %self.address, "listening for HL7 v2 over MLLP");
        let permits = Arc::new(Semaphore::new(self.settings.connections_max));
        let shared = Shared { settings: Arc::new(self.settings), tls: self.tls, door, shutdown: shutdown.clone() };
        let mut connections = JoinSet::new();
        while let Some((stream, peer, permit)) = accept(&self.socket, &permits, &shared, &mut connections).await {
            connections.spawn(serve(shared.clone(), stream, peer, permit));
        }
        drop(self.socket);
        drain(&mut connections).await;
        tracing::info!(%feed, "no longer listening");
    }
}

/// Keep-alive is inherited by accepted sockets: a peer that vanished gives its permit back after a few hours, although
/// an idle connection may stay open for days.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_keepalive(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What every connection of a listener shares.
#[derive(Clone)]
struct Shared {
    settings: Arc<ListenerSettings>,
    tls: Option<Arc<ServerTls>>,
    door: Arc<dyn Door>,
    shutdown: CancellationToken,
}

/// The next connection with its permit; `None` on shutdown. Ended connections are reaped meanwhile.
async fn accept(
    socket: &TcpListener,
    permits: &Arc<Semaphore>,
    shared: &Shared,
    connections: &mut JoinSet<()>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let mut permit = None;
    loop {
        tokio::select! {
            biased;
            () = shared.shutdown.cancelled() => return None,
            Some(ended) = connections.join_next() => report_end(ended),
            taken = take_permit(permits, shared), if permit.is_none() => permit = Some(taken),
            accepted = socket.accept(), if permit.is_some() => match accepted {
                Ok((stream, peer)) => return permit.map(|permit| (stream, peer, permit)),
                Err(error) => {
                    tracing::warn!(feed = %shared.settings.feed, %error, "a connection could not be accepted");
                    shared.shutdown.run_until_cancelled(tokio::time::sleep(ACCEPT_PAUSE)).await?;
                }
            },
        }
    }
}

async fn take_permit(permits: &Arc<Semaphore>, shared: &Shared) -> OwnedSemaphorePermit {
    if let Ok(permit) = permits.clone().try_acquire_owned() {
        return permit;
    }
    let feed = &shared.settings.feed;
    count(Metric::ConnectionLimitReached, &[(Label::Feed, feed.as_str())]);
    tracing::warn!(%feed, "the connection limit is reached: peers wait until another one closes (`connections_max`)");
    permits.clone().acquire_owned().await.expect("the semaphore is never closed")
}

/// The task's own hook has told where it panicked; here it is only counted as an end.
fn report_end(ended: Result<(), tokio::task::JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!("a connection's task panicked; its peer was not answered and will send again");
    }
}

async fn drain(connections: &mut JoinSet<()>) {
    let all = async {
        while let Some(ended) = connections.join_next().await {
            report_end(ended);
        }
    };
    if tokio::time::timeout(DRAIN_TIMEOUT, all).await.is_err() {
        tracing::warn!("connections were cut off: they did not finish within the time for draining");
        connections.shutdown().await;
    }
}

/// One connection from handshake to close. `_permit` is given back when this task ends, however it ends.
async fn serve(shared: Shared, stream: TcpStream, address: SocketAddr, _permit: OwnedSemaphorePermit) {
    let _open = OpenGauge::up(&shared);
    // Answers are small and waited for; a socket that cannot be told so still works.
    let _ = stream.set_nodelay(true);
    let Some(tls) = shared.tls.clone() else {
        return converse(shared, stream, PeerInfo { address, certificate_subject: None }).await;
    };
    let feed = shared.settings.feed.clone();
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let certificates = stream.get_ref().1.peer_certificates();
            let certificate_subject: Option<SmolStr> =
                certificates.and_then(|chain| chain.first()).and_then(|first| subject::subject(first));
            converse(shared, stream, PeerInfo { address, certificate_subject }).await;
        }
        Ok(Err(error)) => refuse(&feed, address, &error.to_string()),
        Err(_) => refuse(&feed, address, "the handshake took too long"),
    }
}

fn refuse(feed: &FeedName, peer: SocketAddr, reason: &str) {
    count(Metric::HandshakesFailed, &[(Label::Feed, feed.as_str())]);
    tracing::warn!(%feed, %peer, reason, "a connection was refused: no TLS handshake");
}

async fn converse<S>(shared: Shared, stream: S, peer: PeerInfo)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let feed = shared.settings.feed.clone();
    let address = peer.address;
    tracing::info!(%feed, peer = %address, "a connection was opened");
    let mut connection = Connection::new(stream, shared.settings, shared.door, peer);
    let ending = connection.run(&shared.shutdown).await;
    let frames = connection.frames_received();
    match ending {
        Ending::Closed | Ending::Drained => tracing::info!(%feed, peer = %address, frames, "a connection was closed"),
        Ending::Refused => {
            tracing::warn!(%feed, peer = %address, frames, "a connection was closed: nothing could be promised");
        }
        Ending::Silent => {
            tracing::warn!(%feed, peer = %address, frames, "a connection was closed: silence in mid-frame");
        }
        Ending::Broken(error) => tracing::warn!(%feed, peer = %address, frames, %error, "a connection broke"),
    }
}

/// Counts a connection as open for as long as it lives.
struct OpenGauge(Arc<ListenerSettings>);

impl OpenGauge {
    fn up(shared: &Shared) -> Self {
        let settings = shared.settings.clone();
        count(Metric::ConnectionsAccepted, &[(Label::Feed, settings.feed.as_str())]);
        gauge_change(Metric::ConnectionsOpen, 1.0, &[(Label::Feed, settings.feed.as_str())]);
        Self(settings)
    }
}

impl Drop for OpenGauge {
    fn drop(&mut self) {
        gauge_change(Metric::ConnectionsOpen, -1.0, &[(Label::Feed, self.0.feed.as_str())]);
    }
}

#[cfg(test)]
mod tests;
