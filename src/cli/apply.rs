//! `loopgate apply`: runs again the messages that a plan names, and no others.

use std::path::PathBuf;
use std::process::ExitCode;

use super::StoreArguments;
use super::files::read_text;
use super::output::{Failure, finish, say};
use super::replay::{self, Pace};
use super::setup;
use crate::base::ids::MessageId;
use crate::engine::releases::Releases;
use crate::mapping::compare::{Outcome, Plan};
use crate::store::Store;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What `loopgate plan --since … --out FILE` wrote
    plan: PathBuf,
    /// Run also the messages that newly fail
    #[arg(long)]
    failing: bool,
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    store: StoreArguments,
}

pub async fn run(arguments: Arguments) -> ExitCode {
    finish(apply(&arguments).await)
}

async fn apply(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let file = arguments.plan.display();
    let plan = Plan::parse(&read_text(&arguments.plan)?).map_err(|fault| Failure::no(format!("{file}: {fault}")))?;
    let messages = messages(&plan, arguments.failing)?;
    let settings = setup::settings(&arguments.store, &[])?;
    let releases = setup::releases(&settings)?;
    if releases.digest().to_string() != plan.to {
        return Err(Failure::configuration(
            "the configured mapping is not the one that was planned: put the planned files in [mapping] directory, have \
             the gateway load them (SIGHUP), then apply; or plan again",
        ));
    }
    let store = setup::store_of(&settings).await?;
    let outstanding = outstanding(store.as_ref(), &releases, messages).await?;
    replay::go(store.as_ref(), &outstanding, &arguments.pace).await
}

/// Those that the planned release has not run yet: a stopped apply goes on where it was.
async fn outstanding(store: &dyn Store, releases: &Releases, ids: Vec<MessageId>) -> Result<Vec<MessageId>, Failure> {
    let mut outstanding = Vec::new();
    for id in ids {
        let message = store.message(id).await.map_err(Failure::unavailable)?;
        if message.is_some_and(|message| releases.of(&message.feed).name != message.release) {
            outstanding.push(id);
        }
    }
    Ok(outstanding)
}

/// The messages that the plan names, oldest first. Those that newly fail are refused unless asked for.
fn messages(plan: &Plan, failing: bool) -> Result<Vec<MessageId>, Failure> {
    let fails = plan.messages.iter().filter(|planned| planned.outcome == Outcome::NewlyFailing).count();
    if fails > 0 && !failing {
        let text =
            format!("{fails} messages of the plan newly fail: correct the map and plan again, or give --failing");
        return Err(Failure::no(text));
    }
    let ids: Result<Vec<MessageId>, _> = plan.messages.iter().map(|planned| planned.message.parse()).collect();
    let mut ids = ids.map_err(|_| {
        Failure::no("the plan names files, not messages of a store: `loopgate plan --since` makes one to apply")
    })?;
    ids.sort_unstable();
    say(&format!("{} messages of the plan are run again", ids.len()));
    Ok(ids)
}
