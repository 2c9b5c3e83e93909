//! `loopgate demo`: one referral goes round, over real sockets, with a throw-away store.
//!
//! The gateway runs as `serve` runs it, from a configuration text. Around it stand a referring practice (an MLLP and a
//! webhook end that take what they are told) and a clinic (an MLLP client). Each step is sent, acknowledged, and waited
//! for at the referrer's end; the run ends by comparing what the referrer heard with what it must have heard.

mod referrer;
mod story;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use self::referrer::{Heard, Referrer};
use self::story::{STEPS, Step};
use super::output::{Failure, Table, Tone, finish, print, say, toned};
use super::setup::{block_on, clock, start_failure};
use crate::app::{App, Running};
use crate::base::{Clock as _, Random as _, SystemRandom, Timestamp};
use crate::config;
use crate::connectors::mllp::Client;
use crate::hl7v2::ack::{ReceivedAck, Verdict};
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Check what the referrer heard and end, with exit code 0 or 1
    #[arg(long)]
    once: bool,
}

/// How long a step may take to reach the referrer before the demo says that it failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// The signing secret of the demo's webhook: known to everybody, good for nothing else.
const SECRET: &str = "whsec_bG9vcGdhdGUtZGVtby1ub3QtYS1zZWNyZXQtMTIzNDU2Nzg=";

pub fn run(arguments: &Arguments) -> ExitCode {
    finish(scratch_folder().map(|folder| {
        let code = block_on(async { finish(play(&folder, arguments.once).await) });
        // Best effort: the folder lies in the system's temporary folder.
        let _ = std::fs::remove_dir_all(&folder);
        code
    }))
}

fn scratch_folder() -> Result<PathBuf, Failure> {
    let folder = std::env::temp_dir().join(format!("loopgate-demo-{:016x}", SystemRandom::default().next_u64()));
    std::fs::create_dir_all(&folder).map_err(|error| Failure::no(format!("{}: {error}", folder.display())))?;
    Ok(folder)
}

async fn play(folder: &Path, once: bool) -> Result<ExitCode, Failure> {
    let shutdown = CancellationToken::new();
    let mut referrer = Referrer::open(shutdown.clone()).await?;
    let running = start(folder, &referrer).await?;
    let begun = clock().now();
    introduce(&running);
    let told = tell_story(&running, &mut referrer, begun).await;
    let code = match told {
        Ok(()) => conclude(&mut referrer, begun).await,
        Err(failure) => {
            say(&failure.text);
            ExitCode::from(super::output::NO)
        }
    };
    if !once {
        print(&format!("\nStill running. Look around with: loopgate message list --data {}", folder.display()));
        print("Stop with Ctrl-C.");
        let _ = tokio::signal::ctrl_c().await;
    }
    running.stop().await;
    shutdown.cancel();
    Ok(code)
}

async fn start(folder: &Path, referrer: &Referrer) -> Result<Running, Failure> {
    let text = format!(
        r#"
[store]
data = "{folder}"

[admin]
address = "127.0.0.1:0"

[[feed]]
name = "referrals"
address = "127.0.0.1:0"

[[feed]]
name = "clinic"
address = "127.0.0.1:0"

[[endpoint]]
name = "riverside-hl7"
kind = "mllp"
address = "{mllp}"
notify = {{ facilities = ["RIVERSIDE"] }}

[[endpoint]]
name = "riverside-web"
kind = "webhook"
url = "http://{web}/referrals"
secrets = ["{SECRET}"]
dangerous_allow_private_addresses = true
notify = {{ facilities = ["RIVERSIDE"] }}

[identity]
facility = "HEARTCENTRE"
"#,
        folder = folder.display(),
        mllp = referrer.mllp_address,
        web = referrer.web_address,
    );
    let settings =
        config::check(&text, "demo", &[]).map_err(|faults| Failure::configuration(config::render(&faults)))?;
    let metrics = telemetry::install_metrics().map_err(Failure::unavailable)?;
    App::start(settings, Arc::new(move || metrics.render())).await.map_err(|error| start_failure(&error))
}

fn introduce(running: &Running) {
    print(&toned("A referral goes round", Tone::Bold));
    for (feed, address) in &running.addresses().mllp {
        print(&format!("  feed {feed:<10} MLLP on {address}"));
    }
    if let Some(admin) = running.addresses().admin {
        print(&format!("  health and metrics on http://{admin}/metrics"));
    }
    print("");
}

async fn tell_story(running: &Running, referrer: &mut Referrer, begun: Timestamp) -> Result<(), Failure> {
    for (number, step) in STEPS.iter().enumerate() {
        let sent_at = clock().now();
        let code = send(running, step, number).await?;
        let heard = match step.told {
            Some(event) => Some(referrer.wait_for(event, PATIENCE).await.ok_or_else(|| not_told(event))?),
            None => None,
        };
        print(&line(step, &code, heard.as_ref(), begun, sent_at));
    }
    Ok(())
}

fn not_told(event: &str) -> Failure {
    Failure::no(format!("the referrer did not hear `{event}` within {} s", PATIENCE.as_secs()))
}

fn line(step: &Step, code: &str, heard: Option<&Heard>, begun: Timestamp, sent_at: Timestamp) -> String {
    let at = sent_at.since(begun).as_millis();
    let told = heard.map_or_else(
        || toned("nothing to tell the referrer", Tone::Dim),
        |heard| {
            toned(&format!("told \"{}\" after {} ms", heard.event, heard.at.since(sent_at).as_millis()), Tone::Good)
        },
    );
    format!("{at:>6} ms  {:<18}  {:<32} {code}   {told}", step.from.as_str(), step.says)
}

/// Sends one message of the story; the acknowledgement's code.
async fn send(running: &Running, step: &Step, number: usize) -> Result<String, Failure> {
    let address = running.addresses().mllp.iter().find(|(feed, _)| feed.as_str() == step.from.feed());
    let (_, address) = address.ok_or_else(|| Failure::no("the demo's feed is not listening"))?;
    let mut client = Client::connect(&address.to_string(), PATIENCE).await.map_err(Failure::unavailable)?;
    let ack =
        client.exchange(&story::fill(step, number, clock().now()), PATIENCE).await.map_err(Failure::unavailable)?;
    let ack = ReceivedAck::read(&ack).map_err(Failure::no)?;
    if ack.code.verdict() != Verdict::Accept {
        return Err(Failure::no(format!("the message was not accepted: {} {}", ack.code.as_str(), ack.text)));
    }
    Ok(ack.code.as_str().to_owned())
}

/// Prints what the referrer heard and compares it with what it must have heard: in that order, each once, both ways.
async fn conclude(referrer: &mut Referrer, begun: Timestamp) -> ExitCode {
    referrer.settle().await;
    print(&format!("\n{}", toned("What the referrer received", Tone::Bold)));
    let mut table = Table::new(&["EVENT", "HL7 V2", "WEBHOOK"]);
    let time = |heard: Option<&Heard>| {
        heard.map_or(String::from("-"), |heard| format!("{} ms  {}", heard.at.since(begun).as_millis(), heard.form))
    };
    for (at, event) in story::expected().iter().enumerate() {
        let row = [referrer.by_message.get(at), referrer.by_webhook.get(at)].map(|heard| (time(heard), Tone::Plain));
        let [message, webhook] = row;
        table.row(vec![((*event).to_owned(), Tone::Bold), message, webhook]);
    }
    table.print();
    let events = |heard: &[Heard]| heard.iter().map(|heard| heard.event.clone()).collect::<Vec<_>>();
    let (message, webhook) = (events(&referrer.by_message), events(&referrer.by_webhook));
    let expected = story::expected();
    if message == expected && webhook == expected {
        print(&toned("\nEvery step was told once, in order, by HL7 v2 and by signed webhook.", Tone::Good));
        return ExitCode::SUCCESS;
    }
    print(&toned(&format!("\nExpected {expected:?}\nby HL7 v2 {message:?}\nby webhook {webhook:?}"), Tone::Bad));
    ExitCode::from(super::output::NO)
}
