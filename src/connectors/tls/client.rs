//! The client's side of TLS, for senders.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Material, TlsError, identity, provider, roots};

/// Which servers a sender believes, and who it says it is.
#[derive(Clone)]
pub struct ClientTls {
    connector: TlsConnector,
    server: ServerName<'static>,
}

impl ClientTls {
    /// `server` is the DNS name or address that the certificate must be for. The authority is required: partners of
    /// an interface are named, not found in a public list.
    pub fn new(material: &Material, server: &str) -> Result<Self, TlsError> {
        let authority = material.authority.as_ref().ok_or(TlsError::Missing { part: "authority" })?;
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?
            .with_root_certificates(roots(authority)?);
        let config = match identity(material)? {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(TlsError::Unusable)?,
            None => builder.with_no_client_auth(),
        };
        let server = ServerName::try_from(server.to_owned()).map_err(|_| TlsError::ServerName)?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), server })
    }

    /// The client's half of the handshake.
    pub async fn connect(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.server.clone(), stream).await
    }
}
