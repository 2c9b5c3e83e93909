//! `loopgate lane`: which lanes wait for a person, and getting them going again.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::StoreArguments;
use super::output::{Failure, Table, Tone, finish, print, say};
use super::setup::{clock, open_store};
use crate::base::Clock as _;
use crate::record::Lane;
use crate::store::{LaneActed, LaneAction, LaneStatus};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the lanes that are parked, or all that have work in them
    List {
        /// Also those that only wait their turn
        #[arg(long)]
        all: bool,
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Run the message at the head of a parked lane again, after a fix
    Retry(Act),
    /// Go on without the message at the head of a parked lane, for good
    Release(Act),
    /// Set the message at the head of a parked lane aside, to be run again later, and go on
    Divert(Act),
}

#[derive(Debug, clap::Args)]
pub struct Act {
    /// The lane, as `loopgate lane list` prints it
    lane: Lane,
    /// Who decides this; kept in the audit trail
    #[arg(long, default_value = "operator")]
    agent: String,
    #[command(flatten)]
    store: StoreArguments,
}

/// At most this many lanes are listed; a longer list is not read by anybody.
const LISTED_MAX: u32 = 500;

pub async fn run(command: Command) -> ExitCode {
    finish(match command {
        Command::List { all, json, store } => list(all, json, &store).await,
        Command::Retry(act) => apply(act, LaneAction::Retry).await,
        Command::Release(act) => apply(act, LaneAction::Release).await,
        Command::Divert(act) => apply(act, LaneAction::Divert).await,
    })
}

async fn list(all: bool, json: bool, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let store = open_store(store).await?;
    let lanes = store.lanes(!all, LISTED_MAX).await.map_err(Failure::unavailable)?;
    if json {
        lanes.iter().for_each(|lane| print(&as_json(lane).to_string()));
        return Ok(ExitCode::SUCCESS);
    }
    if lanes.is_empty() {
        say(if all { "no lane has work in it" } else { "no lane is parked" });
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&["LANE", "STATE", "HEAD", "WAITING", "SINCE", "REASON"]);
    for lane in &lanes {
        let state = if lane.parked { ("parked".to_owned(), Tone::Bad) } else { ("moving".to_owned(), Tone::Good) };
        let plain = |text: String| (text, Tone::Plain);
        table.row(vec![
            plain(lane.lane.to_string()),
            state,
            plain(lane.head.to_string()),
            plain(lane.depth.to_string()),
            plain(lane.since.to_string()),
            plain(lane.reason.clone()),
        ]);
    }
    table.print();
    Ok(ExitCode::SUCCESS)
}

fn as_json(lane: &LaneStatus) -> serde_json::Value {
    json!({
        "lane": lane.lane.to_string(), "parked": lane.parked, "head": lane.head.to_string(),
        "depth": lane.depth, "since": lane.since.to_string(), "reason": lane.reason,
    })
}

async fn apply(act: Act, action: LaneAction) -> Result<ExitCode, Failure> {
    let store = open_store(&act.store).await?;
    let acted = store.act_on_lane(act.lane, action, &act.agent, clock().now()).await.map_err(Failure::unavailable)?;
    let done = match action {
        LaneAction::Retry => "will be run again",
        LaneAction::Release => "is released: its lane goes on without it",
        LaneAction::Divert => "is set aside: run it again with `loopgate message retry`",
    };
    match acted {
        LaneActed::Done(message) => say(&format!("message {message} {done}")),
        LaneActed::NotParked => return Err(Failure::no("the lane is not parked: there is nothing to decide")),
        LaneActed::NoSuchLane => {
            return Err(Failure::no("no such lane: `loopgate lane list` shows those that are parked"));
        }
    }
    Ok(ExitCode::SUCCESS)
}
