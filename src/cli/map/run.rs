//! `loopgate map run`: the Bundle that a message becomes.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::files::read;
use crate::cli::mapping::{Mapping, Reading, ReleaseArguments};
use crate::cli::output::{Failure, print, say};
use crate::mapping::{Mapped, bundle};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// An HL7 v2 message, or `-` for standard input
    file: PathBuf,
    #[command(flatten)]
    release: ReleaseArguments,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mapping = Mapping::open(&arguments.release)?;
    let bytes = read(&arguments.file)?;
    let mapped = mapping.run(&Reading::of(&bytes), false);
    let mapped = mapped.ok_or_else(|| Failure::no("there is no map for this message type"))?;
    mapped.issues.iter().for_each(|issue| say(&format!("{}: {issue}", issue.severity.as_fhir())));
    print(&text(&mapped));
    Ok(ExitCode::SUCCESS)
}

/// The Bundle as JSON.
pub fn text(mapped: &Mapped) -> String {
    String::from_utf8_lossy(&bundle(mapped).to_json()).into_owned()
}
