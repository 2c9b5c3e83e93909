//! `loopgate serve`: runs the gateway until it is told to stop.
//!
//! SIGTERM and Ctrl-C drain; SIGHUP reads the certificates again.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::StoreArguments;
use super::output::{Failure, chain, finish, print, say};
use super::setup::{self, block_on};
use crate::app::{App, Running};
use crate::config::Settings;
use crate::telemetry;

/// How often the metrics are taken up: what they hold in between stays small.
const METRICS_UPKEEP_PERIOD: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Take HL7 v2 here instead of where the first feed says; port 0 lets the system choose
    #[arg(long, value_name = "ADDR")]
    mllp: Option<SocketAddr>,
    /// Serve the FHIR door here; port 0 lets the system choose
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Let everybody in at the FHIR door; on loopback only
    #[arg(long, requires = "http")]
    open: bool,
    /// Serve health and metrics here
    #[arg(long, value_name = "ADDR")]
    admin: Option<SocketAddr>,
}

pub fn run(arguments: Arguments) -> ExitCode {
    block_on(async { finish(serve(arguments).await) })
}

async fn serve(arguments: Arguments) -> Result<ExitCode, Failure> {
    let overrides = overrides(&arguments);
    let settings = setup::settings(&arguments.store, &overrides)?;
    let _guard = telemetry::init(&settings.telemetry, setup::stderr_is_terminal())
        .map_err(|error| Failure::configuration(chain(&error)))?;
    telemetry::redaction::install_panic_hook();
    let metrics = telemetry::install_metrics().map_err(|error| Failure::configuration(chain(&error)))?;
    tokio::spawn(keep_up(metrics.clone()));
    let running = start(settings, Arc::new(move || metrics.render())).await?;
    print(&ready_line(&running).to_string());
    wait_for_the_end(&running).await?;
    say("draining: no new message is taken, what is in hand is finished");
    running.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Histograms hold every observation until they are taken up; nobody may be scraping.
async fn keep_up(metrics: telemetry::MetricsHandle) {
    let mut period = tokio::time::interval(METRICS_UPKEEP_PERIOD);
    loop {
        period.tick().await;
        metrics.run_upkeep();
    }
}

/// The addresses of the command line, said as the environment would say them, so that they are checked alike.
fn overrides(arguments: &Arguments) -> Vec<(String, String)> {
    let named = [
        ("LOOPGATE__FEED__0__ADDRESS", arguments.mllp),
        ("LOOPGATE__ADMIN__ADDRESS", arguments.admin),
        ("LOOPGATE__FHIR__ADDRESS", arguments.http),
    ];
    let addresses = named.into_iter().filter_map(|(name, address)| Some((name.to_owned(), address?.to_string())));
    let open = arguments.open.then(|| ("LOOPGATE__FHIR__OPEN".to_owned(), "true".to_owned()));
    addresses.chain(open).collect()
}

async fn start(settings: Settings, metrics: crate::http::ops::RenderMetrics) -> Result<Running, Failure> {
    App::start(settings, metrics).await.map_err(|error| setup::start_failure(&error))
}

/// The one line on stdout that says where everything is: for scripts that chose port 0.
fn ready_line(running: &Running) -> Value {
    let addresses = running.addresses();
    let mllp: Map<String, Value> =
        addresses.mllp.iter().map(|(feed, address)| (feed.to_string(), json!(address.to_string()))).collect();
    json!({
        "ready": true, "pid": std::process::id(), "version": env!("CARGO_PKG_VERSION"), "mllp": mllp,
        "admin": addresses.admin.map(|address| address.to_string()), "fhir": addresses.fhir,
    })
}

async fn wait_for_the_end(running: &Running) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::unavailable)?;
    let mut reload = signal(SignalKind::hangup()).map_err(Failure::unavailable)?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = tokio::signal::ctrl_c() => return Ok(()),
            _ = reload.recv() => running.reload(),
        }
    }
}
