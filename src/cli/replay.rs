//! `loopgate replay`: runs stored messages again. Dry unless told to go; stopped and started again, it goes on.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use super::StoreArguments;
use super::output::{Failure, Table, Tone, finish, print, say};
use super::setup::{self, clock};
use crate::base::ids::{FeedName, MessageId};
use crate::base::{Clock as _, Timestamp};
use crate::engine::replay::{self, Selected, Selection};
use crate::record::MessageOutcome;
use crate::store::Store;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    selection: SelectionArguments,
    /// Run also what the configured release has processed already
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    pace: Pace,
    /// Put them back to work; without it, only say which
    #[arg(long)]
    go: bool,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArguments,
}

/// Which stored messages are meant; the same options for every command that works on many.
#[derive(Debug, clap::Args)]
pub(super) struct SelectionArguments {
    #[arg(long, value_name = "NAME")]
    feed: Option<String>,
    /// processed, no-mapping, released or diverted
    #[arg(long, value_parser = super::message::outcome)]
    outcome: Option<MessageOutcome>,
    /// A message type such as ADT^A08, or ADT for all of its events
    #[arg(long = "type", value_name = "TYPE")]
    message_type: Option<String>,
    /// Received within this span (90m, 12h, 7d) or since this instant (2026-03-01T00:00:00Z)
    #[arg(long, value_name = "SPAN|INSTANT")]
    pub(super) since: Option<String>,
    /// Received before this instant, or longer ago than this span
    #[arg(long, value_name = "SPAN|INSTANT")]
    before: Option<String>,
}

/// How fast messages are put back to work.
#[derive(Debug, clap::Args)]
pub(super) struct Pace {
    /// Messages a second, so that what comes in meanwhile is not held up
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
}

impl SelectionArguments {
    pub(super) fn selection(&self) -> Result<Selection, Failure> {
        let instant = |text: &Option<String>| text.as_deref().map(instant).transpose();
        Ok(Selection {
            feed: self.feed.as_deref().map(FeedName::new),
            outcome: self.outcome,
            message_type: self.message_type.clone(),
            since: instant(&self.since)?,
            before: instant(&self.before)?,
        })
    }
}

/// An instant as written, or a span before now.
fn instant(text: &str) -> Result<Timestamp, Failure> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from_micros(instant.as_microsecond()));
    }
    let span = span(text).ok_or_else(|| Failure {
        code: 2,
        text: format!("{text}: expected a span (90m, 12h, 7d) or an instant (2026-03-01T00:00:00Z)"),
    })?;
    let back = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    Ok(Timestamp::from_micros(clock().now().as_micros().saturating_sub(back)))
}

fn span(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let amount: u64 = text.strip_suffix(unit)?.parse().ok()?;
    Some(Duration::from_secs(amount.checked_mul(seconds)?))
}

pub async fn run(arguments: Arguments) -> ExitCode {
    finish(replay(&arguments).await)
}

async fn replay(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let selection = arguments.selection.selection()?;
    let settings = setup::settings(&arguments.store, &[])?;
    let releases = setup::releases(&settings)?;
    let store = setup::store_of(&settings).await?;
    let known = (!arguments.again).then_some(&releases);
    let selected = replay::select(store.as_ref(), &selection, known).await.map_err(Failure::unavailable)?;
    if arguments.json {
        print(&as_json(&selected, arguments.go).to_string());
    } else {
        show(&selected);
    }
    if arguments.go {
        return go(store.as_ref(), &selected.messages, &arguments.pace).await;
    }
    if !selected.messages.is_empty() {
        say("nothing was changed: --go puts them back to work");
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(selected: &Selected, go: bool) -> serde_json::Value {
    let counts: Vec<_> = selected
        .counts
        .iter()
        .map(|((kind, outcome), count)| json!({ "type": kind.as_str(), "outcome": outcome, "messages": count }))
        .collect();
    let messages: Vec<String> = selected.messages.iter().map(ToString::to_string).collect();
    json!({ "dry": !go, "selected": counts, "upToDate": selected.current, "messages": messages })
}

fn show(selected: &Selected) {
    let mut table = Table::new(&["TYPE", "OUTCOME", "MESSAGES"]);
    for ((kind, outcome), count) in &selected.counts {
        let plain = |text: &str| (text.to_owned(), Tone::Plain);
        table.row(vec![plain(kind), plain(outcome), plain(&count.to_string())]);
    }
    if !selected.counts.is_empty() {
        table.print();
    }
    let left_out = match selected.current {
        0 => String::new(),
        current => format!("; {current} were processed by this release already"),
    };
    say(&format!("{} messages to run again{left_out}", selected.messages.len()));
}

/// Puts messages back to work, telling how far it is; an interrupt ends it between two messages.
pub(super) async fn go(store: &dyn Store, messages: &[MessageId], pace: &Pace) -> Result<ExitCode, Failure> {
    let total = messages.len();
    let mut reached = 0;
    let pause = Duration::from_secs(1) / pace.rate;
    let told = std::io::stderr().is_terminal();
    let running = replay::run(store, messages, pause, |place| {
        reached = place;
        if told && place % pace.rate.max(1) as usize == 0 {
            say(&format!("{place} of {total}"));
        }
    });
    let finished = tokio::select! {
        requeued = running => Some(requeued.map_err(Failure::unavailable)?),
        _ = tokio::signal::ctrl_c() => None,
    };
    match finished {
        Some(requeued) => {
            say(&format!("{requeued} of {total} messages were put back to work"));
            Ok(ExitCode::SUCCESS)
        }
        None => Err(Failure::no(format!("stopped after {reached} of {total}: the same command goes on from here"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_unit() {
        assert_eq!(span("90m"), Some(Duration::from_mins(90)));
        assert_eq!(span("7d"), Some(Duration::from_hours(7 * 24)));
        for wrong in ["", "7", "d", "-1d", "7w", "7dd", "é"] {
            assert_eq!(span(wrong), None, "{wrong}");
        }
    }
}
