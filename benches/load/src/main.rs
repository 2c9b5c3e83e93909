//! Measures and torments a gateway: MLLP load, start time, and `kill -9` under load. Loopback only.

mod arguments;
mod crash;
mod gateway;
mod load;
mod metrics;
mod mllp;
mod probe;
mod process;
mod random;
mod template;

use std::process::ExitCode;

use arguments::Arguments;

const HELP: &str = "\
usage: loopgate-load COMMAND OPTIONS

load          send messages, check every acknowledgement, print one line of JSON
  --address HOST:PORT       the MLLP listener (loopback)
  --message FILE            template with @CTRL@ @TS@ @MRN@ @VISIT@; repeat it to alternate
  --connections N           at the same time [1]
  --depth N                 unanswered messages a connection [1]
  --count N                 measured messages in all [1000]
  --warm-up N               messages before the clock starts [0]
  --rate R                  open loop, messages a second in all [closed loop]
  --patients N              distinct patients [1000]
  --pid PID                 whose processor time and memory to tell
  --admin HOST:PORT         wait there until all is concluded, and tell that throughput too
  --concluded-metric NAME   [loopgate_messages_concluded_total]
  --prefix TEXT             of control ids [new each time]
  --label TEXT  --seconds-max S

probe-ready   start a gateway, tell the time to its ready line and to its first acknowledgement
  --gateway PROGRAM  --log FILE  -- SERVE-ARGUMENTS

crash         rounds of load, kill -9, restart; checks that nothing acknowledged is lost and nothing happens twice
  --gateway PROGRAM
  --store sqlite|postgres [sqlite]   --database URL (postgres)
  --rounds N [20]           --drain-every K rounds [5]
  --connections N [8]       --depth N [4]     --rate R messages a second [1500]
  --seed N [from the clock] --folder DIR [target/crash/STORE]
  --config-template FILE    instead of the built-in benches/load/gateway.toml
  --sink-silence PERCENT    deliveries the sink takes but does not answer [0]
";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let outcome = match words.next().as_deref() {
        Some("load") => Arguments::parse(words, load::OPTIONS).and_then(|given| load::run(&given)),
        Some("probe-ready") => Arguments::parse(words, probe::OPTIONS).and_then(|given| probe::run(&given)),
        Some("crash") => Arguments::parse(words, crash::OPTIONS).and_then(|given| crash::run(&given)),
        Some("--help" | "help") => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => Err(format!("which command?\n\n{HELP}")),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("loopgate-load: {reason}");
            ExitCode::from(2)
        }
    }
}
