//! What an MLLP listener and an MLLP sender need to be told.

use std::net::SocketAddr;
use std::time::Duration;

use crate::base::ids::{EndpointName, FeedName};
use crate::base::limits;

/// One inbound feed's socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerSettings {
    pub feed: FeedName,
    /// Port 0 lets the system choose.
    pub address: SocketAddr,
    pub frame_bytes_max: usize,
    pub frame_read_timeout: Duration,
    pub connections_max: usize,
}

impl ListenerSettings {
    /// The defaults of `base::limits`.
    pub fn new(feed: FeedName, address: SocketAddr) -> Self {
        Self {
            feed,
            address,
            frame_bytes_max: limits::FRAME_BYTES_MAX,
            frame_read_timeout: limits::FRAME_READ_TIMEOUT,
            connections_max: limits::CONNECTIONS_MAX,
        }
    }
}

/// One partner's MLLP socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderSettings {
    pub endpoint: EndpointName,
    /// `host:port`.
    pub address: String,
    /// How long the partner has to acknowledge.
    pub ack_timeout: Duration,
    pub connect_timeout: Duration,
    /// Connections held open at most; one message is in flight on each.
    pub connections_max: usize,
}

impl SenderSettings {
    /// The defaults of `base::limits`. One connection: most receivers take one, and it keeps the order.
    pub fn new(endpoint: EndpointName, address: impl Into<String>) -> Self {
        Self {
            endpoint,
            address: address.into(),
            ack_timeout: limits::ACK_TIMEOUT,
            connect_timeout: limits::CONNECT_TIMEOUT,
            connections_max: 1,
        }
    }

    /// The part of the address before the port: the name that a certificate must be for.
    pub fn host(&self) -> &str {
        let host = self.address.rsplit_once(':').map_or(self.address.as_str(), |(host, _)| host);
        host.trim_start_matches('[').trim_end_matches(']')
    }
}
