//! `loopgate message`: what was received and what became of it.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::StoreArguments;
use super::output::{Failure, Table, Tone, finish, print, say};
use super::setup::open_store;
use crate::base::ids::{FeedName, MessageId};
use crate::engine::waiting;
use crate::record::{MessageOutcome, StoredMessage};
use crate::store::MessageQuery;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List messages, newest first
    List(List),
    /// Show one message: what became of it, and its bytes
    Show {
        message: MessageId,
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Put a concluded message back to work, at the end of its lanes
    Retry {
        message: MessageId,
        #[command(flatten)]
        store: StoreArguments,
    },
}

#[derive(Debug, clap::Args)]
pub struct List {
    #[arg(long, value_name = "NAME")]
    feed: Option<String>,
    /// pending, processed, parked, no-mapping, released, diverted or refused
    #[arg(long, value_parser = outcome)]
    outcome: Option<MessageOutcome>,
    /// MSH-10
    #[arg(long, value_name = "ID")]
    control_id: Option<String>,
    /// Only messages older than this one
    #[arg(long, value_name = "MESSAGE")]
    before: Option<MessageId>,
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArguments,
}

pub(super) fn outcome(text: &str) -> Result<MessageOutcome, String> {
    MessageOutcome::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = MessageOutcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

pub async fn run(command: Command) -> ExitCode {
    finish(match command {
        Command::List(arguments) => list(arguments).await,
        Command::Show { message, json, store } => show(message, json, &store).await,
        Command::Retry { message, store } => retry(message, &store).await,
    })
}

async fn list(arguments: List) -> Result<ExitCode, Failure> {
    let store = open_store(&arguments.store).await?;
    let query = MessageQuery {
        feed: arguments.feed.map(FeedName::new),
        outcome: arguments.outcome,
        control_id: arguments.control_id,
        before: arguments.before,
        limit: arguments.limit,
    };
    let messages = store.messages(&query).await.map_err(Failure::unavailable)?;
    if arguments.json {
        messages.iter().for_each(|message| print(&as_json(message).to_string()));
        return Ok(ExitCode::SUCCESS);
    }
    if messages.is_empty() {
        say("no message of that kind");
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&["MESSAGE", "RECEIVED", "FEED", "TYPE", "CONTROL ID", "OUTCOME", "ISSUES"]);
    for message in &messages {
        let plain = |text: &str| (text.to_owned(), Tone::Plain);
        table.row(vec![
            plain(&message.id.to_string()),
            plain(&message.received_at.to_string()),
            plain(message.feed.as_str()),
            plain(&message.message_type),
            plain(&message.control_id),
            (message.outcome.as_str().to_owned(), tone(message.outcome)),
            plain(&issue_count(message)),
        ]);
    }
    table.print();
    Ok(ExitCode::SUCCESS)
}

fn tone(outcome: MessageOutcome) -> Tone {
    match outcome {
        MessageOutcome::Processed => Tone::Good,
        MessageOutcome::Parked | MessageOutcome::Refused => Tone::Bad,
        MessageOutcome::NoMapping | MessageOutcome::Diverted | MessageOutcome::Released => Tone::Notable,
        MessageOutcome::Pending => Tone::Plain,
    }
}

fn issues(message: &StoredMessage) -> Value {
    serde_json::from_str(&message.issues).unwrap_or_else(|_| json!([]))
}

fn issue_count(message: &StoredMessage) -> String {
    match issues(message).as_array().map_or(0, Vec::len) {
        0 => String::new(),
        count => count.to_string(),
    }
}

fn as_json(message: &StoredMessage) -> Value {
    json!({
        "id": message.id.to_string(), "feed": message.feed.as_str(), "sender": message.sender.as_str(),
        "controlId": message.control_id.as_str(), "type": message.message_type.as_str(),
        "receivedAt": message.received_at.to_string(), "outcome": message.outcome.as_str(),
        "concludedAt": message.concluded_at.map(|at| at.to_string()), "issues": issues(message),
        "release": message.release.as_str(), "controlIdReused": message.control_id_reused,
        "charset": { "declared": message.charset_declared.as_str(), "used": message.charset_detected.as_str() },
        "bytes": message.bytes.len(), "tries": message.tries,
    })
}

async fn show(id: MessageId, json: bool, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let store = open_store(store).await?;
    let message = store.message(id).await.map_err(Failure::unavailable)?;
    let message = message.ok_or_else(|| Failure::no(format!("no message {id}: `loopgate message list` shows them")))?;
    let text = String::from_utf8_lossy(&message.bytes).replace("\r\n", "\n").replace('\r', "\n");
    if json {
        let mut value = as_json(&message);
        value["text"] = Value::from(text);
        print(&value.to_string());
        return Ok(ExitCode::SUCCESS);
    }
    let head = as_json(&message);
    for (name, value) in head.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        print(&format!("{name:<16} {value}"));
    }
    print(&format!("\n{}", text.trim_end()));
    Ok(ExitCode::SUCCESS)
}

async fn retry(id: MessageId, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let store = open_store(store).await?;
    let message = store.message(id).await.map_err(Failure::unavailable)?;
    let message = message.ok_or_else(|| Failure::no(format!("no message {id}: `loopgate message list` shows them")))?;
    if !waiting::requeue(store.as_ref(), message.id).await.map_err(Failure::unavailable)? {
        return Err(Failure::no(format!("message {id} is still at work: use `loopgate lane` when its lane is parked")));
    }
    say(&format!("message {id} will be run again"));
    Ok(ExitCode::SUCCESS)
}
