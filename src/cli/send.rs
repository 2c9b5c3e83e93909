//! `loopgate send`: an MLLP client. Prints one line per message: its control id and what the receiver said.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::output::{Failure, Tone, finish, print, say, toned};
use crate::connectors::mllp::Client;
use crate::hl7v2::Header;
use crate::hl7v2::ack::{ReceivedAck, Verdict};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where to: HOST:PORT
    address: String,
    /// HL7 v2 messages, one in each file
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// How long to wait for each acknowledgement
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
    /// Print the acknowledgements whole
    #[arg(long)]
    acks: bool,
}

pub async fn run(arguments: Arguments) -> ExitCode {
    finish(send(&arguments).await)
}

async fn send(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let patience = Duration::from_secs(arguments.timeout);
    let mut client = Client::connect(&arguments.address, patience)
        .await
        .map_err(|error| Failure::unavailable(format!("{}: {error}", arguments.address)))?;
    let mut refused = 0;
    for file in &arguments.files {
        let bytes = std::fs::read(file).map_err(|error| Failure::no(format!("{}: {error}", file.display())))?;
        let message = with_carriage_returns(&bytes);
        let ack = client
            .exchange(&message, patience)
            .await
            .map_err(|error| Failure::unavailable(format!("{}: {error}", file.display())))?;
        if arguments.acks {
            print(&String::from_utf8_lossy(&ack).replace('\r', "\n"));
        }
        refused += usize::from(!report(&message, &ack));
    }
    if refused > 0 {
        say(&format!("{refused} of {} messages were not accepted", arguments.files.len()));
        return Ok(ExitCode::from(super::output::NO));
    }
    Ok(ExitCode::SUCCESS)
}

/// Files are often kept with line feeds; on the wire a segment ends with a carriage return.
fn with_carriage_returns(bytes: &[u8]) -> Vec<u8> {
    let mut message: Vec<u8> = Vec::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'\n' if message.last() == Some(&b'\r') => {}
            b'\n' => message.push(b'\r'),
            other => message.push(*other),
        }
    }
    message
}

/// Prints the line of one message; whether it was accepted and the acknowledgement is its own.
fn report(message: &[u8], ack: &[u8]) -> bool {
    let control_id = Header::read(message).map(|header| header.control_id).unwrap_or_default();
    let (text, accepted) = match ReceivedAck::read(ack) {
        Ok(ack) if ack.control_id == control_id => {
            let errors = [ack.error_code.as_str(), ack.text.as_str()].join(" ");
            (format!("{} {}", ack.code.as_str(), errors.trim()), ack.code.verdict() == Verdict::Accept)
        }
        Ok(_) => ("the acknowledgement is for another message".to_owned(), false),
        Err(fault) => (fault.to_string(), false),
    };
    let tone = if accepted { Tone::Good } else { Tone::Bad };
    print(&format!("{control_id}  {}", toned(text.trim_end(), tone)));
    accepted
}
