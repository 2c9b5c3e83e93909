//! A bound port with what it serves, so that nobody outside of `http` handles sockets or routers.

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::limit::GlobalConcurrencyLimitLayer;

use crate::base::limits;

/// A bound address that nothing is served at yet.
pub struct Bound(TcpListener, SocketAddr);

impl Bound {
    pub const fn address(&self) -> SocketAddr {
        self.1
    }

    /// What is served there.
    pub fn serving(self, router: Router) -> Port {
        Port { listener: self.0, address: self.1, router }
    }
}

/// Bound, not yet serving.
pub struct Port {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
}

impl Port {
    /// Binds; port 0 lets the system choose.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Bound> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Bound(listener, address))
    }

    /// Binds, for a few requests at a time.
    pub async fn open(address: SocketAddr, router: Router) -> std::io::Result<Self> {
        let router = router.layer(GlobalConcurrencyLimitLayer::new(limits::HTTP_REQUESTS_MAX));
        Ok(Self::bind(address).await?.serving(router))
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`; requests in hand are answered first.
    pub async fn serve(self, shutdown: CancellationToken) -> std::io::Result<()> {
        axum::serve(self.listener, self.router).with_graceful_shutdown(shutdown.cancelled_owned()).await
    }
}
