//! `loopgate map`: runs, explains and tests the mapping on files, without a store.

mod batch;
mod check;
mod coverage;
mod diff;
mod explain;
mod render;
mod run;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

use super::output::finish;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the Bundle that a message becomes; issues go to stderr
    Run(run::Arguments),
    /// Print the HL7 v2 message that a Bundle becomes
    Render(render::Arguments),
    /// For each NAME.hl7 of a folder write NAME.json to another
    Batch(batch::Arguments),
    /// Say where every leaf of the output came from, and where every populated field went
    Explain(explain::Arguments),
    /// Sum over a corpus what becomes of its fields; exits with 2 when it drifted from a baseline
    Coverage(coverage::Arguments),
    /// Say what is wrong with mapping files, all of it; exits with 1 when something is
    Check(check::Arguments),
    /// List what sets the mapping of a feed apart from the base; exits with 1 when something does
    Diff(diff::Arguments),
    /// Run the cases of a folder: NAME.hl7 with the expected NAME.json; exits with 1 when one fails
    Test(test::Arguments),
}

pub fn run(command: &Command) -> ExitCode {
    finish(match command {
        Command::Check(arguments) => check::run(arguments),
        Command::Diff(arguments) => diff::run(arguments),
        Command::Run(arguments) => run::run(arguments),
        Command::Render(arguments) => render::run(arguments),
        Command::Batch(arguments) => batch::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Coverage(arguments) => coverage::run(arguments),
        Command::Test(arguments) => test::run(arguments),
    })
}
