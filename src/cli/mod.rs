//! The commands: one file each, data on stdout, talk on stderr.
//!
//! Exit codes: 0 done; 1 the answer is no (a check failed, a message was refused); 2 wrong usage; 69 something outside
//! does not answer; 78 the configuration is wrong. Commands that compare use 2 for "worse than before": `map coverage`
//! and `plan` say so in their help.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

mod apply;
mod check;
mod code;
mod demo;
mod doctor;
mod feed;
mod files;
mod lane;
mod listen;
mod map;
mod mapping;
mod message;
mod output;
mod plan;
mod replay;
mod send;
mod serve;
mod setup;
mod validate;

/// Closed-loop referrals between HL7 v2 and FHIR systems.
#[derive(Debug, Parser)]
#[command(name = "loopgate", version, about, propagate_version = true, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Serve(serve::Arguments),
    /// Watch one referral go round, over real sockets, with a throw-away store
    Demo(demo::Arguments),
    /// Check a configuration file; exits with 78 when it is wrong
    Check(check::Arguments),
    /// Send HL7 v2 messages over MLLP and print the acknowledgements
    Send(send::Arguments),
    /// Listen for HL7 v2 messages or webhooks, acknowledge them and print them
    Listen(listen::Arguments),
    /// List and show the messages in the store
    #[command(subcommand)]
    Message(message::Command),
    /// List lanes, and get parked ones going again
    #[command(subcommand)]
    Lane(lane::Command),
    /// Codes that messages wait for, and giving them a map
    #[command(subcommand)]
    Code(code::Command),
    /// Run stored messages again, for a mapping that was corrected
    Replay(replay::Arguments),
    /// Run the mapping on files
    #[command(subcommand)]
    Map(map::Command),
    /// Learn about a feed from sample messages
    #[command(subcommand)]
    Feed(feed::Command),
    /// Say what a new mapping release would change, without changing anything
    Plan(plan::Arguments),
    /// Run again the messages that a plan names, and no others
    Apply(apply::Arguments),
    /// Judge FHIR resources by R4 and by profiles; exits with 1 when one has an error
    Validate(validate::Arguments),
    /// Look for what would keep the gateway from running well
    Doctor(doctor::Arguments),
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
}

/// Where the store is; the same options for every command that opens it.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct StoreArguments {
    /// The configuration file whose store is meant
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The directory of the embedded store
    #[arg(long, value_name = "DIR", conflicts_with = "database")]
    data: Option<PathBuf>,
    /// The URL of a PostgreSQL database
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

/// Reads the command line and runs the command.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::Completions { shell } => completions(shell),
        Command::Check(arguments) => check::run(&arguments),
        Command::Map(command) => map::run(&command),
        Command::Feed(command) => feed::run(&command),
        Command::Plan(arguments) => setup::block_on(plan::run(arguments)),
        Command::Apply(arguments) => setup::block_on(apply::run(arguments)),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Serve(arguments) => serve::run(arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Send(arguments) => setup::block_on(send::run(arguments)),
        Command::Listen(arguments) => setup::block_on(listen::run(arguments)),
        Command::Message(command) => setup::block_on(message::run(command)),
        Command::Code(command) => setup::block_on(code::run(command)),
        Command::Replay(arguments) => setup::block_on(replay::run(arguments)),
        Command::Lane(command) => setup::block_on(lane::run(command)),
        Command::Doctor(arguments) => setup::block_on(doctor::run(arguments)),
    }
}

fn completions(shell: clap_complete::Shell) -> ExitCode {
    clap_complete::generate(shell, &mut Arguments::command(), "loopgate", &mut std::io::stdout());
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
