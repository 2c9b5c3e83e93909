//! The referring practice of the demo: an MLLP end and a webhook end that note what they hear and when.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::SECRET;
use super::story::heard;
use crate::app::sink::Sink;
use crate::base::ids::FeedName;
use crate::base::{Clock as _, Timestamp};
use crate::cli::output::Failure;
use crate::cli::setup::clock;
use crate::connectors::mllp::{Listener, ListenerSettings};
use crate::connectors::webhook::signature::{SignedHeaders, SigningSecret, verify};
use crate::hl7v2::{Charset, Message};
use crate::http::{Port, sink};

/// After the last expected event, how long to listen for one too many.
const SETTLING: Duration = Duration::from_millis(700);

/// One thing heard.
#[derive(Clone, Debug)]
pub struct Heard {
    pub event: String,
    /// `SIU^S12`, or the webhook's id.
    pub form: String,
    pub at: Timestamp,
}

pub struct Referrer {
    pub mllp_address: SocketAddr,
    pub web_address: SocketAddr,
    pub by_message: Vec<Heard>,
    pub by_webhook: Vec<Heard>,
    messages: mpsc::Receiver<bytes::Bytes>,
    webhooks: mpsc::Receiver<sink::Received>,
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

impl Referrer {
    pub async fn open(shutdown: CancellationToken) -> Result<Self, Failure> {
        let (door, messages) = Sink::new(Arc::new(clock()));
        let listener = Listener::bind(ListenerSettings::new(FeedName::new("referrer"), loopback()), None)
            .map_err(Failure::unavailable)?;
        let mllp_address = listener.address();
        tokio::spawn(listener.run(Arc::new(door), shutdown.clone()));
        let (router, webhooks) = sink::router();
        let port = Port::open(loopback(), router).await.map_err(Failure::unavailable)?;
        let web_address = port.address();
        tokio::spawn(port.serve(shutdown));
        Ok(Self { mllp_address, web_address, by_message: Vec::new(), by_webhook: Vec::new(), messages, webhooks })
    }

    /// Listens until the event was heard over HL7 v2; nothing when it was not in time.
    pub async fn wait_for(&mut self, event: &str, patience: Duration) -> Option<Heard> {
        let listening = async {
            loop {
                if let Some(heard) = self.by_message.iter().rev().find(|heard| heard.event == event) {
                    return Some(heard.clone());
                }
                self.listen().await?;
            }
        };
        tokio::time::timeout(patience, listening).await.ok().flatten()
    }

    /// Listens until nothing more comes.
    pub async fn settle(&mut self) {
        while let Ok(Some(())) = tokio::time::timeout(SETTLING, self.listen()).await {}
    }

    async fn listen(&mut self) -> Option<()> {
        tokio::select! {
            message = self.messages.recv() => self.hear_message(&message?),
            webhook = self.webhooks.recv() => self.hear_webhook(&webhook?),
        }
        Some(())
    }

    fn hear_message(&mut self, bytes: &[u8]) {
        let (message, _, _) = Message::read(bytes, Charset::Utf8);
        let field = |segment: &str, number: u16, component: u16| {
            let value = message
                .segment(segment)
                .map(|segment| segment.field(number).repetition(1).component(component).text().into_owned());
            value.unwrap_or_default()
        };
        let kind = format!("{}^{}", field("MSH", 9, 1), field("MSH", 9, 2));
        let before = self.by_message.iter().filter(|heard| heard.event == "scheduled").count();
        let event = heard(&kind, &field("ORC", 1, 1), &field("ORC", 5, 1), before);
        self.by_message.push(Heard { event, form: kind, at: clock().now() });
    }

    /// A webhook whose signature does not hold is noted as what it is.
    fn hear_webhook(&mut self, webhook: &sink::Received) {
        let body: serde_json::Value = serde_json::from_slice(&webhook.body).unwrap_or_default();
        let event = body["data"]["event"].as_str().filter(|_| signed(webhook)).unwrap_or("badly signed").to_owned();
        self.by_webhook.push(Heard { event, form: webhook.id.chars().take(8).collect(), at: clock().now() });
    }
}

fn signed(webhook: &sink::Received) -> bool {
    let secret = SigningSecret::parse(SECRET).ok();
    secret.is_some_and(|secret| {
        let headers = SignedHeaders {
            id: webhook.id.clone(),
            timestamp: webhook.timestamp.clone(),
            signature: webhook.signature.clone(),
        };
        verify(&[secret], &headers, &webhook.body, clock().now()).is_ok()
    })
}
