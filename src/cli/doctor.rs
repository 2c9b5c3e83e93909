//! `loopgate doctor`: looks for what would keep the gateway from running well, one line a finding.

use std::process::ExitCode;

use super::output::{Failure, Table, Tone, finish};
use super::{StoreArguments, setup};
use crate::app;
use crate::base::Clock as _;
use crate::config::{self, Settings};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
}

/// One thing looked at: what it is, and why it is not well.
type Finding = (&'static str, Result<String, String>);

pub async fn run(arguments: Arguments) -> ExitCode {
    finish(examine(&arguments).await)
}

async fn examine(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let settings = setup::settings(&arguments.store, &[])?;
    let mut findings =
        vec![("configuration", Ok(format!("{} feeds, {} endpoints", settings.feeds.len(), settings.endpoints.len())))];
    findings.push(("mapping", mapping(&settings)));
    findings.push(("endpoints", senders(&settings)));
    findings.extend(store(&settings).await);
    let mut table = Table::new(&["", "WHAT", "FINDING"]);
    for (what, finding) in &findings {
        let (mark, text) = match finding {
            Ok(text) => (("ok".to_owned(), Tone::Good), text),
            Err(text) => (("!!".to_owned(), Tone::Bad), text),
        };
        table.row(vec![mark, ((*what).to_owned(), Tone::Bold), (text.clone(), Tone::Plain)]);
    }
    table.print();
    let well = findings.iter().all(|(_, finding)| finding.is_ok());
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(super::output::NO) })
}

fn mapping(settings: &Settings) -> Result<String, String> {
    let release = setup::base_release(settings).map_err(|failure| failure.text)?;
    Ok(format!("release {}", &release.digest().to_string()[..12]))
}

fn senders(settings: &Settings) -> Result<String, String> {
    let clock: std::sync::Arc<dyn crate::base::Clock> = std::sync::Arc::new(setup::clock());
    config::senders(settings, &clock)
        .map(|senders| format!("{} can be set up", senders.len()))
        .map_err(|error| super::output::chain(&error))
}

async fn store(settings: &Settings) -> Vec<Finding> {
    let store = match app::open_store(settings).await {
        Ok(store) => store,
        Err(error) => return vec![("store", Err(super::output::chain(&error)))],
    };
    let writes = store.probe().await.map(|()| "takes a durable write".to_owned()).map_err(|error| error.to_string());
    let backlog = match store.backlog().await {
        Ok(backlog) => backlog,
        Err(error) => return vec![("store", writes), ("backlog", Err(error.to_string()))],
    };
    let age = backlog.oldest_pending.map_or(0, |oldest| setup::clock().now().since(oldest).as_secs());
    let waiting = format!(
        "{} messages wait, the oldest for {age} s; {} deliveries wait",
        backlog.messages_pending, backlog.deliveries_pending
    );
    let lanes = match backlog.lanes_parked {
        0 => Ok("none is parked".to_owned()),
        parked => Err(format!("{parked} are parked: `loopgate lane list`")),
    };
    let dead = match backlog.deliveries_dead {
        0 => Ok("none was given up".to_owned()),
        dead => Err(format!("{dead} were given up: somebody was not told")),
    };
    vec![("store", writes), ("backlog", Ok(waiting)), ("lanes", lanes), ("deliveries", dead)]
}
