//! The MLLP sender: one attempt to have a message acknowledged, over connections that stay open.
//!
//! One message is in flight on a connection. An acknowledgement that names another message is *quarantined*: counted,
//! logged, credited to none, and the right one is waited for until the deadline. After a failure the connection is
//! dropped, so that a late acknowledgement finds nobody.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use smol_str::SmolStr;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::link::{Link, LinkFault};
use super::settings::SenderSettings;
use crate::connectors::tls::ClientTls;
use crate::delivery::{Receipt, SendFailure, Sender};
use crate::hl7v2::ack::{AckCode, ReceivedAck};
use crate::hl7v2::{Header, mllp};
use crate::record::{Delivery, FailureClass};
use crate::telemetry::{Label, Metric, count};

/// A `delivery::Sender` over MLLP.
pub struct MllpSender {
    settings: SenderSettings,
    tls: Option<ClientTls>,
    /// Connections without a message in flight. Held only to push or pop, hence a plain mutex.
    idle: Mutex<Vec<Link>>,
    permits: Semaphore,
}

impl MllpSender {
    pub fn new(settings: SenderSettings, tls: Option<ClientTls>) -> Self {
        let permits = Semaphore::new(settings.connections_max);
        Self { settings, tls, idle: Mutex::default(), permits }
    }

    async fn attempt(&self, message: &Bytes) -> Result<Receipt, SendFailure> {
        let control_id = Header::read(message).ok().map(|header| header.control_id).filter(|id| !id.is_empty());
        let control_id = control_id.ok_or_else(|| failure(FailureClass::Permanent, "no-control-id"))?;
        let _permit = self.permits.acquire().await.expect("the semaphore is never closed");
        let mut link = match self.idle_link().await {
            Some(link) => link,
            None => self.connect().await?,
        };
        let deadline = Instant::now() + self.settings.ack_timeout;
        let frame = mllp::encode(message);
        let code = timeout_at(deadline, self.exchange(&mut link, &frame, &control_id))
            .await
            .map_err(|_| failure(FailureClass::Ambiguous, "ack-timeout"))?
            .map_err(of_link)?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(link);
        judge(code)
    }

    /// The latest used connection that the peer has not closed meanwhile.
    async fn idle_link(&self) -> Option<Link> {
        loop {
            let mut link = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if link.is_alive().await {
                return Some(link);
            }
        }
    }

    async fn connect(&self) -> Result<Link, SendFailure> {
        let connecting = async {
            let stream = TcpStream::connect(&self.settings.address).await.map_err(|error| match error.kind() {
                std::io::ErrorKind::ConnectionRefused => "connect-refused",
                _ => "connect-failed",
            })?;
            // A frame is written in one go; a socket that cannot be told so still works.
            let _ = stream.set_nodelay(true);
            match &self.tls {
                None => Ok(Link::new(stream)),
                Some(tls) => tls.connect(stream).await.map(Link::new).map_err(|_| "tls-failed"),
            }
        };
        let connected = timeout(self.settings.connect_timeout, connecting).await.unwrap_or(Err("connect-timeout"));
        connected.map_err(|code| failure(FailureClass::Transient, code))
    }

    /// Writes the frame and waits for the acknowledgement that names `control_id`.
    async fn exchange(&self, link: &mut Link, frame: &[u8], control_id: &str) -> Result<AckCode, LinkFault> {
        link.write(frame).await?;
        loop {
            let frame = link.next_frame().await?;
            match ReceivedAck::read(&frame) {
                Ok(ack) if ack.control_id == control_id => return Ok(ack.code),
                _ => self.quarantine(frame.len()),
            }
        }
    }

    /// The peer's text is not logged, not even the id it names: it may be any bytes.
    fn quarantine(&self, bytes: usize) {
        let endpoint = &self.settings.endpoint;
        count(Metric::AcksQuarantined, &[(Label::Endpoint, endpoint.as_str())]);
        tracing::warn!(%endpoint, bytes, "an acknowledgement that names no message in flight was set aside, credited to none");
    }
}

impl Sender for MllpSender {
    fn send<'a>(
        &'a self,
        delivery: &'a Delivery,
    ) -> Pin<Box<dyn Future<Output = Result<Receipt, SendFailure>> + Send + 'a>> {
        Box::pin(self.attempt(&delivery.payload.bytes))
    }
}

/// STANDARDS 6.3, "as a sender": accept is a receipt, error needs a person, reject may be tried again.
fn judge(code: AckCode) -> Result<Receipt, SendFailure> {
    let (class, text) = match code {
        AckCode::Aa | AckCode::Ca => return Ok(Receipt(SmolStr::new_static(code.as_str()))),
        AckCode::Ae => (FailureClass::Permanent, "ack-ae"),
        AckCode::Ce => (FailureClass::Permanent, "ack-ce"),
        AckCode::Ar => (FailureClass::Transient, "ack-ar"),
        AckCode::Cr => (FailureClass::Transient, "ack-cr"),
    };
    Err(failure(class, text))
}

fn of_link(fault: LinkFault) -> SendFailure {
    match fault {
        LinkFault::NothingWritten => failure(FailureClass::Transient, "write-failed"),
        LinkFault::Lost => failure(FailureClass::Ambiguous, "connection-lost"),
    }
}

fn failure(class: FailureClass, code: &'static str) -> SendFailure {
    SendFailure { class, code: SmolStr::new_static(code), retry_after: None, disable: false }
}

#[cfg(test)]
mod tests;
