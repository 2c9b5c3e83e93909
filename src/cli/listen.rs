//! `loopgate listen`: a partner's end, for trying things out. Acknowledges whatever comes, and prints it.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::output::{Failure, finish, print, say};
use super::setup::clock;
use crate::app::sink::Sink;
use crate::base::Clock as _;
use crate::base::ids::FeedName;
use crate::connectors::mllp::{Listener, ListenerSettings};
use crate::http::{Port, sink};

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("door").required(true).multiple(true))]
pub struct Arguments {
    /// Take HL7 v2 messages here
    #[arg(long, value_name = "ADDR", group = "door")]
    mllp: Option<SocketAddr>,
    /// Take webhooks here
    #[arg(long, value_name = "ADDR", group = "door")]
    http: Option<SocketAddr>,
    /// Stop after this many
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments) -> ExitCode {
    finish(listen(&arguments).await)
}

async fn listen(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let shutdown = CancellationToken::new();
    let (sink, mut messages) = Sink::new(Arc::new(clock()));
    let (router, mut webhooks) = sink::router();
    if let Some(address) = arguments.mllp {
        let listener = Listener::bind(ListenerSettings::new(FeedName::new("listen"), address), None)
            .map_err(Failure::unavailable)?;
        say(&format!("listening for HL7 v2 on {}", listener.address()));
        tokio::spawn(listener.run(Arc::new(sink), shutdown.clone()));
    }
    if let Some(address) = arguments.http {
        let port = Port::open(address, router).await.map_err(Failure::unavailable)?;
        say(&format!("listening for webhooks on http://{}", port.address()));
        tokio::spawn(port.serve(shutdown.clone()));
    }
    let mut left = arguments.count.unwrap_or(usize::MAX);
    while left > 0 {
        tokio::select! {
            Some(message) = messages.recv() => show_message(&message, arguments.json),
            Some(webhook) = webhooks.recv() => show_webhook(&webhook, arguments.json),
            _ = tokio::signal::ctrl_c() => break,
        }
        left -= 1;
    }
    shutdown.cancel();
    Ok(ExitCode::SUCCESS)
}

fn show_message(message: &[u8], json: bool) {
    let text = String::from_utf8_lossy(message).replace('\r', "\n");
    if json {
        print(&json!({ "kind": "hl7v2", "at": clock().now().to_string(), "text": text }).to_string());
    } else {
        print(&format!("{}\n{}\n", clock().now(), text.trim_end()));
    }
}

fn show_webhook(webhook: &sink::Received, json: bool) {
    let body = String::from_utf8_lossy(&webhook.body).into_owned();
    if !json {
        return print(&format!("{}  webhook-id {}\n{body}\n", clock().now(), webhook.id));
    }
    let line = json!({
        "kind": "webhook", "at": clock().now().to_string(), "id": webhook.id, "timestamp": webhook.timestamp,
        "signature": webhook.signature, "body": body,
    });
    print(&line.to_string());
}
