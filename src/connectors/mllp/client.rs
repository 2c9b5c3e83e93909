//! An MLLP client for commands: one connection, one message at a time, the answer as it comes.
//!
//! It does not judge the acknowledgement; a delivery is `sender`'s business.

use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpStream;

use super::link::Link;
use crate::hl7v2::mllp;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    #[error("nobody takes the connection: is the receiver running, and is the address right?")]
    Connect,
    #[error("the connection broke before the answer came")]
    Lost,
    #[error("no answer came in time")]
    Timeout,
}

/// One open connection.
pub struct Client(Link);

impl Client {
    pub async fn connect(address: &str, patience: Duration) -> Result<Self, ClientError> {
        let connecting = tokio::time::timeout(patience, TcpStream::connect(address)).await;
        let stream = connecting.map_err(|_| ClientError::Timeout)?.map_err(|_| ClientError::Connect)?;
        Ok(Self(Link::new(stream)))
    }

    /// Sends one message and waits for the next frame.
    pub async fn exchange(&mut self, message: &[u8], patience: Duration) -> Result<Bytes, ClientError> {
        self.0.write(&mllp::encode(message)).await.map_err(|_| ClientError::Lost)?;
        let answer = tokio::time::timeout(patience, self.0.next_frame()).await;
        answer.map_err(|_| ClientError::Timeout)?.map_err(|_| ClientError::Lost)
    }
}
