//! `crash`: rounds of load, `kill -9` at a random moment, restart on the same data, resend of what was not answered.
//! Every few rounds the gateway drains, and its promises are checked against what the client and the sink know:
//! every acknowledged message is stored once (P1), no effect is lost, doubled or out of order (P2, P3).

mod judge;
mod listing;
mod report;
mod sender;
mod sink;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::arguments::Arguments;
use crate::gateway::Gateway;
use crate::metrics;
use crate::random::Random;
use judge::Judge;
use report::Report;
use sender::{Mode, Pace, Sender};
use sink::Sink;

pub const OPTIONS: &[&str] = &[
    "gateway",
    "store",
    "database",
    "rounds",
    "drain-every",
    "connections",
    "depth",
    "rate",
    "seed",
    "folder",
    "config-template",
    "sink-silence",
];

const CONFIG: &str = include_str!("../../gateway.toml");
/// A drain gives up when nothing has arrived for so long; retries of deliveries cut off by a kill lie within.
const DRAIN_STALL: Duration = Duration::from_secs(90);
/// One kill in so many comes within milliseconds of the start, while the gateway is still recovering.
const EARLY_KILL_PERCENT: u64 = 15;

struct Setup {
    gateway: String,
    store: String,
    folder: PathBuf,
    rounds: u64,
    drain_every: u64,
    seed: u64,
}

struct Run {
    setup: Setup,
    senders: Vec<Sender>,
    sink: Sink,
    judge: Judge,
    report: Report,
    random: Random,
    interrupted: Arc<AtomicBool>,
}

pub fn run(arguments: &Arguments) -> Result<bool, String> {
    let setup = setup(arguments)?;
    let sink = Sink::open(arguments.number("sink-silence", 0)?, setup.seed).map_err(|error| error.to_string())?;
    write_config(arguments, &setup, &sink)?;
    let connections = arguments.number("connections", 8_u64)?.max(1);
    let pace = Pace {
        depth: arguments.number("depth", 4_usize)?.max(1),
        interval: Duration::from_secs_f64(connections as f64 / arguments.number("rate", 1_500.0_f64)?.max(1.0)),
    };
    let senders = (0..connections).map(|number| Sender::new(number, setup.seed, pace)).collect();
    let mut run = Run {
        senders,
        sink,
        judge: Judge::default(),
        report: Report::new(&setup.store, setup.seed),
        random: Random::new(setup.seed),
        interrupted: watch_interrupts()?,
        setup,
    };
    eprintln!("crash: {} rounds on {}, seed {}", run.setup.rounds, run.setup.store, run.setup.seed);
    let outcome = run.all_rounds();
    run.report.collect(&run.senders, &run.sink, &run.judge, run.interrupted.load(Ordering::Relaxed));
    run.report.print(&run.setup.folder);
    outcome.map(|()| run.judge.violations.is_empty())
}

fn setup(arguments: &Arguments) -> Result<Setup, String> {
    let store = arguments.text("store").unwrap_or("sqlite").to_owned();
    if !["sqlite", "postgres"].contains(&store.as_str()) {
        return Err(format!("--store {store}: sqlite or postgres"));
    }
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_micros() as u64 & 0xffff_ffff);
    Ok(Setup {
        gateway: arguments.required("gateway")?.to_owned(),
        folder: arguments.text("folder").map_or_else(|| Path::new("target/crash").join(&store), PathBuf::from),
        rounds: arguments.number("rounds", 20)?,
        drain_every: arguments.number("drain-every", 5_u64)?.max(1),
        seed: arguments.number("seed", clock)?,
        store,
    })
}

/// A fresh folder with the configuration in it.
fn write_config(arguments: &Arguments, setup: &Setup, sink: &Sink) -> Result<(), String> {
    let _ = fs::remove_dir_all(&setup.folder);
    let trouble = |error: std::io::Error| format!("{}: {error}", setup.folder.display());
    fs::create_dir_all(&setup.folder).map_err(trouble)?;
    let folder = setup.folder.canonicalize().map_err(trouble)?;
    let store = match setup.store.as_str() {
        "postgres" => format!("url = {:?}", arguments.required("database")?),
        _ => format!("data = {:?}", folder.join("data").display().to_string()),
    };
    let template = match arguments.text("config-template") {
        Some(file) => fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?,
        None => CONFIG.to_owned(),
    };
    let text = template.replace("@STORE@", &store).replace("@SINK@", &sink.address.to_string());
    fs::write(setup.config(), text).map_err(trouble)
}

/// The first Ctrl-C ends the run with a last drain and its counts, the second ends it at once.
fn watch_interrupts() -> Result<Arc<AtomicBool>, String> {
    let flag = Arc::new(AtomicBool::new(false));
    let trouble = |error: std::io::Error| error.to_string();
    signal_hook::flag::register_conditional_shutdown(2, 130, flag.clone()).map_err(trouble)?;
    signal_hook::flag::register(2, flag.clone()).map_err(trouble)?;
    Ok(flag)
}

impl Setup {
    fn config(&self) -> PathBuf {
        self.folder.join("gateway.toml")
    }

    fn start(&self) -> Result<Gateway, String> {
        let config = self.config().display().to_string();
        let arguments = ["--config", &config, "--admin", "127.0.0.1:0"].map(str::to_owned);
        Gateway::start(&self.gateway, &arguments, &self.folder.join("gateway.log"))
    }
}

impl Run {
    fn all_rounds(&mut self) -> Result<(), String> {
        for round in 1..=self.setup.rounds {
            if self.interrupted.load(Ordering::Relaxed) {
                break;
            }
            self.kill_round()?;
            if round % self.setup.drain_every == 0 || round == self.setup.rounds {
                self.drain_and_judge()?;
                self.report.progress(round, &self.senders, &self.sink, &self.judge);
            }
            if !self.judge.violations.is_empty() {
                return Ok(());
            }
        }
        if self.interrupted.load(Ordering::Relaxed) {
            self.drain_and_judge()?;
        }
        Ok(())
    }

    /// Load, and a kill in the midst of it.
    fn kill_round(&mut self) -> Result<(), String> {
        let delay = match self.random.percent(EARLY_KILL_PERCENT) {
            true => Duration::from_millis(self.random.below(20)),
            false => Duration::from_millis(50 + self.random.below(1_450)),
        };
        let gateway = self.setup.start()?;
        self.report.started(gateway.ready_after);
        let (address, admin) = (gateway.mllp, gateway.admin.clone());
        let progress = thread::scope(|scope| {
            for sender in &mut self.senders {
                scope.spawn(move || sender.exchange(address, Mode::Load));
            }
            thread::sleep(delay);
            let progress = admin.as_deref().and_then(Progress::read);
            gateway.kill();
            progress
        });
        self.report.killed(progress);
        Ok(())
    }

    /// Everything begun is brought to its end, then the promises are checked on the stopped gateway.
    fn drain_and_judge(&mut self) -> Result<(), String> {
        let mut gateway = self.setup.start()?;
        let address = gateway.mllp;
        thread::scope(|scope| {
            for sender in &mut self.senders {
                scope.spawn(move || sender.exchange(address, Mode::Finish));
            }
        });
        if !gateway.is_alive() {
            return Err(format!("the gateway ended by itself; see {}/gateway.log", self.setup.folder.display()));
        }
        self.await_announcements();
        await_idle(gateway.admin.as_deref());
        gateway.stop()?;
        let stored = listing::new_messages(&self.setup.gateway, &self.setup.config(), &self.judge)?;
        self.judge.check(&mut self.senders, stored, &self.sink);
        Ok(())
    }

    /// Until the sink has what every finished referral owes it, or nothing comes any more.
    fn await_announcements(&self) {
        let mut seen = self.sink.frames();
        let mut moved = Instant::now();
        while moved.elapsed() < DRAIN_STALL && !self.judge.all_announced(&self.senders, &self.sink) {
            thread::sleep(Duration::from_millis(50));
            if self.sink.frames() > seen {
                (seen, moved) = (self.sink.frames(), Instant::now());
            }
        }
    }
}

/// What the gateway says of its work, a moment before it is killed.
struct Progress {
    /// Messages concluded since it started.
    concluded: f64,
    /// Messages and deliveries not yet at their end: the gauges, which are up to two seconds old, and what came since
    /// the start beyond what was concluded.
    in_hand: f64,
}

impl Progress {
    fn read(admin: &str) -> Option<Self> {
        let metrics = [
            "loopgate_messages_concluded_total",
            "loopgate_messages_received_total",
            "loopgate_messages_duplicate_total",
            "loopgate_messages_pending",
            "loopgate_deliveries_pending",
        ];
        let [concluded, received, duplicate, messages, deliveries] = metrics::sums(admin, metrics)?;
        Some(Self { concluded, in_hand: (received - duplicate - concluded).max(0.0) + messages + deliveries })
    }
}

/// Until the gateway says that no message and no delivery is waiting (so that a doubled one would have come).
fn await_idle(admin: Option<&str>) {
    let Some(admin) = admin else { return };
    let waiting = |metric| metrics::sum(admin, metric).unwrap_or(0.0) > 0.0;
    let started = Instant::now();
    while started.elapsed() < DRAIN_STALL
        && (waiting("loopgate_messages_pending") || waiting("loopgate_deliveries_pending"))
    {
        thread::sleep(Duration::from_millis(100));
    }
}
