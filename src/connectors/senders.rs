//! The senders of all endpoints, by name.

use std::collections::HashMap;
use std::sync::Arc;

use super::http_client::ClientError;
use super::mllp::{MllpSender, SenderSettings};
use super::tls::{ClientTls, TlsError};
use super::webhook::{WebhookSender, WebhookSettings};
use crate::base::Clock;
use crate::base::ids::EndpointName;
use crate::delivery::Sender;

/// One sender for each configured endpoint.
pub type Senders = HashMap<EndpointName, Arc<dyn Sender>>;

/// How an endpoint is reached, with everything read that had to be read.
pub enum Transport {
    Mllp(SenderSettings, Option<ClientTls>),
    Webhook(WebhookSettings),
}

/// An endpoint's sender cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("the TLS of endpoint {endpoint} cannot be set up")]
    Tls { endpoint: EndpointName, source: TlsError },
    #[error("the HTTP client of endpoint {endpoint} cannot be set up")]
    Client { endpoint: EndpointName, source: ClientError },
}

/// Builds them all. Nothing is connected yet.
pub fn build(transports: Vec<Transport>, clock: &Arc<dyn Clock>) -> Result<Senders, BuildError> {
    transports.into_iter().map(|transport| build_one(transport, clock)).collect()
}

fn build_one(transport: Transport, clock: &Arc<dyn Clock>) -> Result<(EndpointName, Arc<dyn Sender>), BuildError> {
    match transport {
        Transport::Mllp(settings, tls) => {
            let endpoint = settings.endpoint.clone();
            Ok((endpoint, Arc::new(MllpSender::new(settings, tls))))
        }
        Transport::Webhook(settings) => {
            let endpoint = settings.endpoint.clone();
            match WebhookSender::new(settings, clock.clone()) {
                Ok(sender) => Ok((endpoint, Arc::new(sender))),
                Err(source) => Err(BuildError::Client { endpoint, source }),
            }
        }
    }
}
