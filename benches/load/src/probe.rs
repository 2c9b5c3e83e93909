//! `probe-ready`: how long from starting the program to its ready line, and to the first positive acknowledgement.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::arguments::Arguments;
use crate::gateway::Gateway;
use crate::mllp::{Connection, Verdict, frame_into, verdict};
use crate::template::{Template, Values, now_text};

pub const OPTIONS: &[&str] = &["gateway", "log"];

const MESSAGE: &str = include_str!("../messages/adt_a08.hl7");

/// Starts the gateway once with the arguments after `--`, and stops it again.
pub fn run(arguments: &Arguments) -> Result<bool, String> {
    let log = arguments.text("log").unwrap_or("target/probe-ready.log");
    let started = Instant::now();
    let gateway = Gateway::start(arguments.required("gateway")?, arguments.all(""), Path::new(log))?;
    let acknowledged = first_acknowledgement(&gateway)?;
    let first_ms = started.elapsed().as_secs_f64() * 1_000.0;
    let ready_ms = gateway.ready_after.as_secs_f64() * 1_000.0;
    let resident = crate::process::resident_mib(gateway.pid);
    gateway.stop()?;
    println!("{}", json!({"ready_ms": ready_ms, "first_ack_ms": first_ms, "resident_mib": resident}));
    Ok(acknowledged)
}

fn first_acknowledgement(gateway: &Gateway) -> Result<bool, String> {
    let values =
        Values { control_id: "PROBE1", timestamp: &now_text(), mrn: "10000001", visit: "200000001", referral: "" };
    let (mut content, mut framed) = (Vec::new(), Vec::new());
    Template::new(MESSAGE).fill(values, &mut content);
    frame_into(&content, &mut framed);
    let exchange = || -> std::io::Result<Vec<u8>> {
        let mut connection = Connection::open(gateway.mllp, Duration::from_secs(10))?;
        connection.write(&framed)?;
        connection.read_frame()
    };
    let ack = exchange().map_err(|error| format!("{}: {error}", gateway.mllp))?;
    Ok(verdict(&ack, "PROBE1") == Verdict::Accepted)
}
