//! What several commands need: a runtime, the settings, the store, and how failures are told.

use std::future::Future;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;

use super::StoreArguments;
use super::output::{self, Failure, chain, say};
use crate::app::{self, StartError};
use crate::base::{SystemClock, limits};
use crate::config::{self, LoadError, Settings};
use crate::engine::releases::Releases;
use crate::mapping::Release;
use crate::store::Store;

/// What holds without a configuration file: one feed, everything else by default.
const WITHOUT_A_FILE: &str = "[[feed]]\nname = \"default\"\n";

/// The clock of the running program.
pub const fn clock() -> SystemClock {
    SystemClock
}

pub fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Runs a command's future to its end on the async runtime.
pub fn block_on(command: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(limits::BLOCKING_THREADS_MAX)
        .build()
    {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => {
            say(&format!("the async runtime cannot be started: {error}"));
            ExitCode::from(output::UNAVAILABLE)
        }
    }
}

/// The settings that the store arguments name; `more` are overrides that win over the environment.
pub fn settings(store: &StoreArguments, more: &[(String, String)]) -> Result<Settings, Failure> {
    let mut overrides = config::environment();
    if let Some(data) = &store.data {
        overrides.push(("LOOPGATE__STORE__DATA".to_owned(), data.display().to_string()));
    }
    if let Some(url) = &store.database {
        overrides.push(("LOOPGATE__STORE__URL".to_owned(), url.clone()));
    }
    overrides.extend_from_slice(more);
    match &store.config {
        Some(file) => config::load(Some(file), &overrides).map_err(|error| load_failure(&error)),
        None => config::check(WITHOUT_A_FILE, "(no file)", &overrides)
            .map_err(|faults| Failure::configuration(config::render(&faults))),
    }
}

fn load_failure(error: &LoadError) -> Failure {
    match error {
        LoadError::Invalid(faults) => Failure::configuration(config::render(faults)),
        other => Failure::configuration(chain(other)),
    }
}

/// What keeps the gateway from starting: the configuration, or the world.
pub fn start_failure(error: &StartError) -> Failure {
    match error {
        StartError::Configuration(error) => load_failure(error),
        StartError::Route(_) | StartError::Mapping(_) | StartError::Certificate { .. } => {
            Failure::configuration(chain(error))
        }
        _ => Failure::unavailable(chain(error)),
    }
}

/// Opens the store of a command.
pub async fn open_store(arguments: &StoreArguments) -> Result<Arc<dyn Store>, Failure> {
    store_of(&settings(arguments, &[])?).await
}

/// Opens the store of settings.
pub async fn store_of(settings: &Settings) -> Result<Arc<dyn Store>, Failure> {
    app::open_store(settings).await.map_err(|error| start_failure(&error))
}

/// Compiles the mapping files of settings, with the overlays of each feed.
pub fn releases(settings: &Settings) -> Result<Releases, Failure> {
    app::releases(settings).map_err(|error| start_failure(&error))
}

/// Compiles the mapping files of settings without overlays.
pub fn base_release(settings: &Settings) -> Result<Release, Failure> {
    app::base_release(settings).map_err(|error| start_failure(&error))
}
