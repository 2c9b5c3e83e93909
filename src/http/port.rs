//! A bound port with what it serves, so that nobody outside of `http` handles sockets or routers.

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::limit::GlobalConcurrencyLimitLayer;

use crate::base::limits;

/// Bound, not yet serving.
pub struct Port {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
}

impl Port {
    /// Binds; port 0 lets the system choose.
    pub async fn open(address: SocketAddr, router: Router) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let router = router.layer(GlobalConcurrencyLimitLayer::new(limits::HTTP_REQUESTS_MAX));
        Ok(Self { listener, address, router })
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`; requests in hand are answered first.
    pub async fn serve(self, shutdown: CancellationToken) -> std::io::Result<()> {
        axum::serve(self.listener, self.router).with_graceful_shutdown(shutdown.cancelled_owned()).await
    }
}
