//! One attempt at a webhook, and what its outcome means.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use smol_str::{SmolStr, format_smolstr};

use super::{WebhookSettings, signature};
use crate::base::limits::RESPONSE_BYTES_MAX;
use crate::base::{Clock, Timestamp};
use crate::connectors::http_client::{self, ClientError};
use crate::delivery::{Receipt, SendFailure, Sender};
use crate::record::{Delivery, FailureClass};

/// A `delivery::Sender` over signed HTTP POSTs.
pub struct WebhookSender {
    settings: WebhookSettings,
    client: Client,
    clock: Arc<dyn Clock>,
}

impl WebhookSender {
    pub fn new(settings: WebhookSettings, clock: Arc<dyn Clock>) -> Result<Self, ClientError> {
        let client = http_client::build(settings.addresses, settings.authority.as_deref())?;
        Ok(Self { settings, client, clock })
    }

    async fn post(&self, delivery: &Delivery) -> Result<Receipt, SendFailure> {
        let now = self.clock.now();
        let payload = &delivery.payload;
        let headers = signature::sign(&self.settings.secrets, &delivery.id.to_string(), now, &payload.bytes);
        let request = self
            .client
            .post(self.settings.url.as_url().clone())
            .timeout(self.settings.timeout)
            .header("content-type", payload.content_type.as_str())
            .header("webhook-id", headers.id)
            .header("webhook-timestamp", headers.timestamp)
            .header("webhook-signature", headers.signature)
            .body(payload.bytes.clone());
        match request.send().await {
            Ok(response) => judge(response, now).await,
            Err(error) => Err(classify(&error)),
        }
    }
}

impl Sender for WebhookSender {
    fn send<'a>(
        &'a self,
        delivery: &'a Delivery,
    ) -> Pin<Box<dyn Future<Output = Result<Receipt, SendFailure>> + Send + 'a>> {
        Box::pin(self.post(delivery))
    }
}

/// The status decides. The body is read only so that the connection can be used again, and only up to a limit.
async fn judge(mut response: Response, now: Timestamp) -> Result<Receipt, SendFailure> {
    let status = response.status();
    let retry_after = retry_after(&response, now);
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > RESPONSE_BYTES_MAX {
            break;
        }
    }
    if status.is_success() {
        return Ok(Receipt(format_smolstr!("{}", status.as_u16())));
    }
    Err(SendFailure {
        class: class_of(status),
        code: format_smolstr!("http-{}", status.as_u16()),
        retry_after,
        disable: status == StatusCode::GONE,
    })
}

/// A receiver that is busy or broken is asked again; one that refuses, or points elsewhere, is not.
fn class_of(status: StatusCode) -> FailureClass {
    let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    if status.is_server_error() || busy { FailureClass::Transient } else { FailureClass::Permanent }
}

/// `Retry-After` as seconds or as a date (RFC 9110 10.2.3).
fn retry_after(response: &Response, now: Timestamp) -> Option<Duration> {
    let text = response.headers().get("retry-after")?.to_str().ok()?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(Timestamp::from_micros(date.timestamp().as_microsecond()).since(now))
}

/// Before a connection stands, the receiver provably has nothing; after that it may.
fn classify(error: &reqwest::Error) -> SendFailure {
    let (class, code) = if http_client::is_blocked(error) {
        (FailureClass::Permanent, "address-blocked")
    } else if error.is_connect() {
        (FailureClass::Transient, if error.is_timeout() { "connect-timeout" } else { "connect-failed" })
    } else if error.is_timeout() {
        (FailureClass::Ambiguous, "http-timeout")
    } else if error.is_builder() {
        (FailureClass::Permanent, "request-invalid")
    } else {
        (FailureClass::Ambiguous, "connection-lost")
    };
    SendFailure { class, code: SmolStr::new_static(code), retry_after: None, disable: false }
}

#[cfg(test)]
mod tests;
