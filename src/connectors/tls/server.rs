//! The server's side of TLS: a configuration that is replaced whole when its material changes.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::{Material, MaterialSource, TlsError, identity, provider, roots};
use crate::telemetry::{Label, Metric, count};

/// What a reload came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The material is what it was.
    Unchanged,
    /// New connections use the new material.
    Swapped,
}

struct Loaded {
    material: Material,
    config: Arc<ServerConfig>,
}

/// The certificate of a listener and the authority of its clients. Chain and client authority are swapped together, so
/// no handshake sees half of a renewal.
pub struct ServerTls {
    source: Arc<dyn MaterialSource>,
    loaded: ArcSwap<Loaded>,
}

impl ServerTls {
    /// Reads and checks the material once; fails when it cannot be used.
    pub fn new(source: Arc<dyn MaterialSource>) -> Result<Arc<Self>, TlsError> {
        let loaded = ArcSwap::from_pointee(load(source.read()?)?);
        Ok(Arc::new(Self { source, loaded }))
    }

    /// Reads the material again and uses it if it changed. On an error the old one stays.
    pub fn reload(&self) -> Result<Reload, TlsError> {
        let material = self.source.read()?;
        if material == self.loaded.load().material {
            return Ok(Reload::Unchanged);
        }
        self.loaded.store(Arc::new(load(material)?));
        Ok(Reload::Swapped)
    }

    /// Reloads and tells the log what came of it.
    pub fn reload_and_report(&self) {
        let outcome = match self.reload() {
            Ok(Reload::Unchanged) => return,
            Ok(Reload::Swapped) => {
                tracing::info!("the certificate was reloaded");
                "swapped"
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "the certificate was not reloaded; the old one stays in use");
                "failed"
            }
        };
        count(Metric::CertificateReloads, &[(Label::Outcome, outcome)]);
    }

    /// Looks for changed material every `period` until `shutdown`.
    pub async fn watch(self: Arc<Self>, period: Duration, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tokio::time::sleep(period)).await.is_some() {
            self.reload_and_report();
        }
    }

    /// The server's half of handshakes, by the latest good material.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.loaded.load().config.clone())
    }

    /// The server's half of the handshake.
    pub async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.acceptor().accept(stream).await
    }
}

fn load(material: Material) -> Result<Loaded, TlsError> {
    let (chain, key) = identity(&material)?.ok_or(TlsError::Missing { part: "certificate" })?;
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?;
    let builder = match &material.authority {
        Some(pem) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(pem)?), provider());
            builder.with_client_cert_verifier(verifier.build().map_err(TlsError::Authority)?)
        }
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(chain, key).map_err(TlsError::Unusable)?;
    Ok(Loaded { material, config: Arc::new(config) })
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
