//! `loopgate check`: says what is wrong with a configuration file, all at once, without touching anything.

use std::path::PathBuf;
use std::process::ExitCode;

use super::StoreArguments;
use super::output::{finish, say};
use super::setup;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The configuration file
    file: PathBuf,
}

pub fn run(arguments: &Arguments) -> ExitCode {
    let store = StoreArguments { config: Some(arguments.file.clone()), ..StoreArguments::default() };
    finish(setup::settings(&store, &[]).and_then(|settings| {
        setup::base_release(&settings)?;
        say(&format!(
            "{}: no problems; {} feeds, {} endpoints",
            arguments.file.display(),
            settings.feeds.len(),
            settings.endpoints.len()
        ));
        Ok(ExitCode::SUCCESS)
    }))
}
