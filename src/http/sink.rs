//! A partner's webhook end for `listen` and `demo`: answers 204 and passes on what it got.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::any;
use tokio::sync::mpsc;

use crate::base::limits;

/// Webhooks that wait to be looked at; past this the sender waits for its answer.
const WAITING_MAX: usize = 256;

/// One webhook as received.
#[derive(Clone)]
pub struct Received {
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`; empty when missing.
    pub id: String,
    pub timestamp: String,
    pub signature: String,
    pub body: Bytes,
}

/// A router that takes every path, and the webhooks it receives.
pub fn router() -> (Router, mpsc::Receiver<Received>) {
    let (seen, receiver) = mpsc::channel(WAITING_MAX);
    let router =
        Router::new().fallback(any(receive)).layer(DefaultBodyLimit::max(limits::FRAME_BYTES_MAX)).with_state(seen);
    (router, receiver)
}

async fn receive(State(seen): State<mpsc::Sender<Received>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let received = Received {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body,
    };
    match seen.send(received).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
