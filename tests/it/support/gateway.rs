//! The real application in this process: real sockets on port 0, a real store in a scratch folder.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use loopgate::app::{App, Running};
use loopgate::config;
use loopgate::connectors::mllp::Client;
use loopgate::hl7v2::ack::ReceivedAck;
use loopgate::record::{MessageOutcome, StoredMessage};
use loopgate::store::{MessageQuery, Store};

/// How long a test waits for something that must happen; it fails then, and does not wait when it happens sooner.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway with one feed named `feed`, and whatever else the configuration text adds.
pub struct Gateway {
    running: Running,
    folder: tempfile::TempDir,
}

impl Gateway {
    /// `feed_options` are lines of the feed's table, `more` is TOML after it.
    pub async fn start(feed_options: &str, more: &str) -> Self {
        Self::start_in(tempfile::tempdir().expect("a scratch folder can be made"), feed_options, more).await
    }

    /// The same on the store of an earlier gateway.
    pub async fn start_in(folder: tempfile::TempDir, feed_options: &str, more: &str) -> Self {
        let running = Self::run(folder.path(), feed_options, more).await;
        Self { running, folder }
    }

    /// On a store whose folder the test keeps.
    pub async fn start_at(data: &Path, feed_options: &str) -> Self {
        let running = Self::run(data, feed_options, "").await;
        Self { running, folder: tempfile::tempdir().expect("a scratch folder can be made") }
    }

    async fn run(data: &Path, feed_options: &str, more: &str) -> Running {
        let text = format!(
            "[store]\ndata = \"{}\"\n[admin]\naddress = \"127.0.0.1:0\"\n[[feed]]\nname = \"feed\"\naddress = \"127.0.0.1:0\"\n{feed_options}\n{more}",
            data.display()
        );
        let settings = config::check(&text, "test", &[]).unwrap_or_else(|faults| panic!("{}", config::render(&faults)));
        App::start(settings, Arc::new(String::new)).await.expect("the gateway starts")
    }

    /// On a PostgreSQL that others may be using too.
    pub async fn start_on(url: &str) -> Self {
        let text = format!(
            "[store]\nurl = \"{url}\"\n[admin]\naddress = \"127.0.0.1:0\"\n[[feed]]\nname = \"feed\"\naddress = \"127.0.0.1:0\"\n"
        );
        let settings = config::check(&text, "test", &[]).unwrap_or_else(|faults| panic!("{}", config::render(&faults)));
        let running = App::start(settings, Arc::new(String::new)).await.expect("the gateway starts");
        Self { running, folder: tempfile::tempdir().expect("a scratch folder can be made") }
    }

    pub fn address(&self) -> SocketAddr {
        self.running.addresses().mllp[0].1
    }

    /// The base URL of its FHIR door.
    pub fn fhir(&self) -> String {
        self.running.addresses().fhir.clone().expect("the configuration has a FHIR door")
    }

    pub fn store(&self) -> Arc<dyn Store> {
        self.running.store()
    }

    pub async fn client(&self) -> Client {
        Client::connect(&self.address().to_string(), PATIENCE).await.expect("the feed takes connections")
    }

    /// Sends one message on a connection of its own; its acknowledgement.
    pub async fn send(&self, message: &[u8]) -> ReceivedAck {
        let answer = self.client().await.exchange(message, PATIENCE).await.expect("the message is answered");
        ReceivedAck::read(&answer).expect("the answer is an acknowledgement")
    }

    /// The message with this control id, once it is concluded.
    pub async fn concluded(&self, control_id: &str) -> StoredMessage {
        let store = self.store();
        let query = MessageQuery { control_id: Some(control_id.to_owned()), limit: 1, ..MessageQuery::default() };
        let waiting = async {
            loop {
                let found = store.messages(&query).await.expect("the store answers").pop();
                match found {
                    Some(message) if message.outcome != MessageOutcome::Pending => return message,
                    _ => next_change(store.as_ref()).await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the message is concluded")
    }

    /// As a hang-up signal does.
    pub fn reload(&self) {
        self.running.reload();
    }

    /// Drains; the folder of its store, for starting another on it.
    pub async fn stop(self) -> tempfile::TempDir {
        self.running.stop().await;
        self.folder
    }
}

/// The next moment at which something may have changed: the store's wake-up, or a short beat when one was lost.
pub async fn next_change(store: &dyn Store) {
    let _ = tokio::time::timeout(Duration::from_millis(50), store.woken()).await;
}
