//! `loopgate code`: codes that wait for a map, and giving them one.
//!
//! A map is text: `code map` adds rows to an overlay file of the feed, checks the whole release with it, and takes the
//! rows back when it does not compile. The gateway runs the waiting messages again when it loads the file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::StoreArguments;
use super::files::write_whole;
use super::output::{Failure, Table, Tone, finish, print, say};
use super::setup;
use crate::app;
use crate::base::ids::FeedName;
use crate::base::limits;
use crate::config::Settings;
use crate::record::WaitingCode;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the codes that messages wait for, the most frequent first
    List {
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Give codes their map, in the overlay file of their feed
    Map(MapArguments),
}

#[derive(Debug, clap::Args)]
pub struct MapArguments {
    /// The code table that lacks them, as `loopgate code list` names it
    table: String,
    /// CODE=TARGET; an empty target says that the code is known and has no counterpart
    #[arg(required = true, value_parser = pair)]
    codes: Vec<(String, String)>,
    /// The feed whose senders use the codes
    #[arg(long, value_name = "NAME")]
    feed: String,
    /// Why, or where it was agreed: kept with the rows
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The overlay file; the last of the feed's `overlays` that is a file, if left out
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArguments,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (code, target) = text.split_once('=').ok_or("expected CODE=TARGET")?;
    if code.trim().is_empty() { Err("the code is empty".to_owned()) } else { Ok((code.to_owned(), target.to_owned())) }
}

pub async fn run(command: Command) -> ExitCode {
    finish(match command {
        Command::List { json, store } => list(json, &store).await,
        Command::Map(arguments) => map(&arguments),
    })
}

async fn list(json: bool, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let store = setup::open_store(store).await?;
    let codes = store.waiting_codes(limits::WAITING_CODES_MAX).await.map_err(Failure::unavailable)?;
    if json {
        codes.iter().for_each(|code| print(&as_json(code).to_string()));
        return Ok(ExitCode::SUCCESS);
    }
    if codes.is_empty() {
        say("no code waits for a map");
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&["FEED", "TABLE", "CODE", "MESSAGES", "FIRST"]);
    for code in &codes {
        let plain = |text: &str| (text.to_owned(), Tone::Plain);
        table.row(vec![
            plain(code.feed.as_str()),
            plain(&code.table),
            (code.code.to_string(), Tone::Bold),
            plain(&code.messages.to_string()),
            plain(&code.first.to_string()),
        ]);
    }
    table.print();
    Ok(ExitCode::SUCCESS)
}

fn as_json(code: &WaitingCode) -> serde_json::Value {
    json!({
        "feed": code.feed.as_str(), "table": code.table.as_str(), "code": code.code.as_str(),
        "messages": code.messages, "first": code.first.to_string(),
    })
}

fn map(arguments: &MapArguments) -> Result<ExitCode, Failure> {
    let settings = setup::settings(&arguments.store, &[])?;
    let feed = FeedName::new(&arguments.feed);
    let file = overlay_file(&settings, &feed, arguments.file.as_deref())?;
    let before = match std::fs::read_to_string(&file) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(Failure::no(format!("{}: {error}", file.display()))),
    };
    let head = || format!("overlay: {}-codes\nchanges:\n", arguments.feed);
    let text = before.clone().unwrap_or_else(head);
    write_whole(&file, format!("{}\n{}", text.trim_end(), change(arguments)).as_bytes())?;
    if let Err(told) = setup::releases(&settings) {
        match &before {
            Some(text) => write_whole(&file, text.as_bytes())?,
            None => std::fs::remove_file(&file).map_err(|error| Failure::no(format!("{}: {error}", file.display())))?,
        }
        return Err(Failure { text: format!("{}\nnothing was changed", told.text), ..told });
    }
    say(&format!("{} now maps {} codes of {}", file.display(), arguments.codes.len(), arguments.table));
    say("tell the gateway to load it (SIGHUP, or a restart): it runs the waiting messages again");
    Ok(ExitCode::SUCCESS)
}

/// The file must be among the feed's overlays: rows that nobody loads would help nobody.
fn overlay_file(settings: &Settings, feed: &FeedName, named: Option<&Path>) -> Result<PathBuf, Failure> {
    let Some(feed) = settings.feeds.iter().find(|known| known.name() == feed) else {
        return Err(Failure::configuration(format!(
            "the configuration has no feed {feed}: name its file with --config"
        )));
    };
    let mut files = feed.overlays.iter().filter(|overlay| app::is_overlay_file(overlay)).map(PathBuf::from);
    let found = match named {
        Some(named) => files.find(|file| file == named),
        None => files.next_back(),
    };
    found.ok_or_else(|| {
        let name = feed.name();
        let file = named.map_or_else(|| format!("{name}-codes.yaml"), |named| named.display().to_string());
        Failure::configuration(format!(
            "add `overlays = [\"{file}\"]` to feed {name} of the configuration, then map the code"
        ))
    })
}

/// One change of an overlay, in JSON's quoting, which is YAML's.
fn change(arguments: &MapArguments) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let rows: Vec<String> =
        arguments.codes.iter().map(|(code, target)| format!("      {}: {}\n", quoted(code), quoted(target))).collect();
    format!(
        "  - in: {}\n    reason: {}\n    codes:\n{}",
        quoted(&arguments.table),
        quoted(&arguments.reason),
        rows.concat()
    )
}
