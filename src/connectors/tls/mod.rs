//! TLS and mutual TLS for listeners and senders: PEM in, handshakes out, certificates renewed without a restart.
//!
//! Cast: *material* is PEM text; a *source* reads it again when asked; *server* and *client* TLS hold what the latest
//! good material made. A connection keeps what it began with.
//!
//! Promise: TLS 1.2 at least (STANDARDS 6.9); where a client authority is given, no connection without a certificate
//! of it; a failed reload keeps the old certificate and says why. It does not know where material comes from.

mod client;
mod server;
pub mod subject;
#[cfg(test)]
pub mod test_material;

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub use client::ClientTls;
pub use server::{Reload, ServerTls};

/// PEM text of one identity and of the authority that the other side must come from.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Material {
    /// Our certificate, then its intermediates.
    pub certificate: Option<Vec<u8>>,
    pub key: Option<Vec<u8>>,
    /// For a server: authorities of client certificates (their presence demands one). For a client: authorities of
    /// the server's.
    pub authority: Option<Vec<u8>>,
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size = |part: &Option<Vec<u8>>| part.as_ref().map_or(0, Vec::len);
        write!(f, "Material({}, {}, {} bytes)", size(&self.certificate), size(&self.key), size(&self.authority))
    }
}

/// Where material comes from; read at start and at every reload.
pub trait MaterialSource: Send + Sync {
    fn read(&self) -> Result<Material, TlsError>;
}

impl MaterialSource for Material {
    fn read(&self) -> Result<Material, TlsError> {
        Ok(self.clone())
    }
}

/// Why material cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path} cannot be read")]
    Unreadable { path: String, source: std::io::Error },
    #[error("the {part} is missing: expected a PEM file")]
    Missing { part: &'static str },
    #[error("the {part} does not parse: expected PEM with at least one entry")]
    Malformed { part: &'static str },
    #[error("the certificate and key cannot be used together")]
    Unusable(#[source] rustls::Error),
    #[error("the authority of the other side cannot be used")]
    Authority(#[source] rustls::server::VerifierBuilderError),
    #[error("the server name is not a DNS name or an address")]
    ServerName,
}

/// The one provider of cryptography in the process.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn certificates(pem: &[u8], part: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    chain.ok().filter(|chain| !chain.is_empty()).ok_or(TlsError::Malformed { part })
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| TlsError::Malformed { part: "private key" })
}

fn roots(pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(pem, "authority")? {
        store.add(certificate).map_err(|_| TlsError::Malformed { part: "authority" })?;
    }
    Ok(store)
}

/// Our certificate chain and key, both or neither.
fn identity(material: &Material) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, TlsError> {
    match (&material.certificate, &material.key) {
        (Some(chain), Some(key)) => Ok(Some((certificates(chain, "certificate")?, private_key(key)?))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(TlsError::Missing { part: "private key" }),
        (None, Some(_)) => Err(TlsError::Missing { part: "certificate" }),
    }
}

#[cfg(test)]
mod tests;
