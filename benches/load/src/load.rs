//! `load`: sends messages over several connections, checks every acknowledgement, tells throughput and latency.
//!
//! Closed loop: each connection keeps `--depth` messages unanswered. Open loop (`--rate`): messages are due at fixed
//! times, and latency counts from the due time, so that a stall is seen by all the messages it delays.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::mllp::{Connection, Verdict, frame_into, verdict};
use crate::template::{Template, Values, now_text};
use crate::{metrics, process};

pub const OPTIONS: &[&str] = &[
    "address",
    "message",
    "connections",
    "depth",
    "count",
    "warm-up",
    "rate",
    "patients",
    "pid",
    "admin",
    "prefix",
    "concluded-metric",
    "label",
    "seconds-max",
];

/// How long the drain to the last concluded message may stand still.
const DRAIN_STALL: Duration = Duration::from_secs(30);
const ACK_TIMEOUT: Duration = Duration::from_secs(30);

struct Plan {
    address: SocketAddr,
    templates: Vec<Template>,
    connections: usize,
    depth: usize,
    /// Messages a second over all connections; 0 is closed loop.
    rate: f64,
    patients: u64,
    prefix: String,
    time_max: Duration,
}

/// What one connection counted.
#[derive(Default)]
struct Tally {
    latencies_us: Vec<u64>,
    accepted: u64,
    refused: u64,
    mismatched: u64,
    io_errors: u64,
    bytes: u64,
    first_trouble: Option<String>,
}

/// A message on its way.
struct InFlight {
    control_id: String,
    due: Instant,
}

pub fn run(arguments: &Arguments) -> Result<bool, String> {
    let plan = Arc::new(plan(arguments)?);
    let count = arguments.number("count", 1_000_u64)?;
    let warm_up = arguments.number("warm-up", 0_u64)?;
    let pid: Option<u32> = arguments.text("pid").and_then(|text| text.parse().ok());
    let concluded = Concluded::of(arguments);
    if warm_up > 0 {
        phase(&Arc::new(Plan { rate: 0.0, templates: templates(arguments)?, ..clone(&plan) }), 0, warm_up);
        concluded.wait_for(concluded.start, warm_up);
    }
    let concluded_before = concluded.now();
    let cpu_before = pid.map_or(0.0, process::cpu_secs);
    let load_before = process::load_average();
    let started = Instant::now();
    let tally = phase(&plan, warm_up, count);
    let elapsed = started.elapsed().as_secs_f64();
    let resident = pid.map_or(0.0, process::resident_mib);
    let done = concluded.wait_for(concluded_before, tally.accepted);
    let drained = started.elapsed().as_secs_f64();
    let cpu = pid.map_or(0.0, process::cpu_secs) - cpu_before;
    let mut result = summary(arguments, &plan, &tally, elapsed);
    let answered = tally.latencies_us.len().max(1) as f64;
    result["concluded"] = json!(done);
    result["concluded_per_s"] = json!(done.map(|done| round(done / drained)));
    result["drained_secs"] = json!(round(drained));
    result["cpu_ms_per_message"] = json!(round(cpu * 1_000.0 / answered));
    result["resident_mib"] = json!(round(resident.max(pid.map_or(0.0, process::resident_mib))));
    result["peak_mib"] = json!(round(pid.map_or(0.0, process::peak_mib)));
    result["load_average_before"] = json!(load_before);
    println!("{result}");
    Ok(tally.accepted == count)
}

fn plan(arguments: &Arguments) -> Result<Plan, String> {
    let address = arguments.required("address")?;
    let address = address.to_socket_addrs().ok().and_then(|mut found| found.next());
    let address = address.filter(|found| found.ip().is_loopback()).ok_or("--address is not a loopback address")?;
    let nonce = std::process::id() as u64 ^ Instant::now().elapsed().as_nanos() as u64;
    Ok(Plan {
        address,
        templates: templates(arguments)?,
        connections: arguments.number("connections", 1_usize)?.max(1),
        depth: arguments.number("depth", 1_usize)?.max(1),
        rate: arguments.number("rate", 0.0)?,
        patients: arguments.number("patients", 1_000_u64)?.max(1),
        prefix: arguments.text("prefix").map_or_else(|| format!("L{}{nonce:x}-", now_text()), str::to_owned),
        time_max: Duration::from_secs(arguments.number("seconds-max", 120)?),
    })
}

fn clone(plan: &Plan) -> Plan {
    Plan { templates: Vec::new(), prefix: plan.prefix.clone(), ..*plan }
}

fn templates(arguments: &Arguments) -> Result<Vec<Template>, String> {
    let files = arguments.all("message");
    if files.is_empty() {
        return Err("--message is required".to_owned());
    }
    let read = |file: &String| std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"));
    files.iter().map(|file| read(file).map(|text| Template::new(&text))).collect()
}

/// Sends messages `from..from + count` over all connections at once.
fn phase(plan: &Arc<Plan>, from: u64, count: u64) -> Tally {
    let next = Arc::new(AtomicU64::new(from));
    let ready = Arc::new(Barrier::new(plan.connections));
    let handles: Vec<_> = (0..plan.connections)
        .map(|_| {
            let (plan, next, ready) = (plan.clone(), next.clone(), ready.clone());
            thread::spawn(move || {
                let mut worker = Worker { plan: &plan, next: &next, from, end: from + count, tally: Tally::default() };
                let connection = Connection::open(plan.address, ACK_TIMEOUT);
                ready.wait();
                worker.run(connection, Instant::now());
                worker.tally
            })
        })
        .collect();
    let mut sum = Tally::default();
    for tally in handles.into_iter().filter_map(|handle| handle.join().ok()) {
        sum.add(tally);
    }
    sum.latencies_us.sort_unstable();
    sum
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.latencies_us.extend(other.latencies_us);
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.mismatched += other.mismatched;
        self.io_errors += other.io_errors;
        self.bytes += other.bytes;
        self.first_trouble = self.first_trouble.take().or(other.first_trouble);
    }

    fn trouble(&mut self, text: String) {
        self.first_trouble.get_or_insert(text);
    }

    fn quantile_ms(&self, share: f64) -> f64 {
        let count = self.latencies_us.len();
        let rank = ((count as f64 * share).ceil() as usize).clamp(1, count.max(1));
        self.latencies_us.get(rank - 1).map_or(0.0, |latency| *latency as f64 / 1_000.0)
    }
}

/// One connection's thread.
struct Worker<'a> {
    plan: &'a Plan,
    next: &'a AtomicU64,
    from: u64,
    end: u64,
    tally: Tally,
}

impl Worker<'_> {
    fn run(&mut self, connection: io::Result<Connection>, started: Instant) {
        let outcome = connection.and_then(|mut connection| self.exchange(&mut connection, started));
        if let Err(error) = outcome {
            self.tally.io_errors += 1;
            self.tally.trouble(error.to_string());
        }
    }

    /// Keeps the window full until the messages run out, then reads what is still owed.
    fn exchange(&mut self, connection: &mut Connection, started: Instant) -> io::Result<()> {
        let mut window: VecDeque<InFlight> = VecDeque::new();
        let mut frames = Vec::new();
        let mut more = true;
        while more || !window.is_empty() {
            frames.clear();
            while more && window.len() < self.plan.depth {
                match self.prepare(started, &mut frames) {
                    Some(message) => window.push_back(message),
                    None => more = false,
                }
            }
            connection.write(&frames)?;
            self.tally.bytes += frames.len() as u64;
            if let Some(message) = window.pop_front() {
                let ack = connection.read_frame()?;
                self.judge(&ack, &message);
            }
        }
        Ok(())
    }

    /// The next message, framed, once it is due.
    fn prepare(&self, started: Instant, frames: &mut Vec<u8>) -> Option<InFlight> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number >= self.end || started.elapsed() > self.plan.time_max {
            return None;
        }
        let due = self.await_due(number, started);
        let control_id = format!("{}{number:08}", self.plan.prefix);
        let mut content = Vec::with_capacity(2_048);
        let values = Values {
            control_id: &control_id,
            timestamp: &now_text(),
            mrn: &format!("{:08}", 10_000_000 + number.wrapping_mul(7_919) % self.plan.patients),
            visit: &format!("{:09}", 200_000_000 + number),
            referral: "",
        };
        self.plan.templates[number as usize % self.plan.templates.len()].fill(values, &mut content);
        frame_into(&content, frames);
        Some(InFlight { control_id, due })
    }

    fn await_due(&self, number: u64, started: Instant) -> Instant {
        if self.plan.rate <= 0.0 {
            return Instant::now();
        }
        let due = started + Duration::from_secs_f64((number - self.from) as f64 / self.plan.rate);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due
    }

    fn judge(&mut self, ack: &[u8], message: &InFlight) {
        self.tally.latencies_us.push(message.due.elapsed().as_micros() as u64);
        match verdict(ack, &message.control_id) {
            Verdict::Accepted => self.tally.accepted += 1,
            Verdict::Refused => self.tally.refused += 1,
            Verdict::Mismatched => self.tally.mismatched += 1,
        }
        if verdict(ack, &message.control_id) != Verdict::Accepted {
            self.tally.trouble(String::from_utf8_lossy(ack).replace('\r', "\n"));
        }
    }
}

/// The gateway's own count of concluded messages.
struct Concluded {
    admin: Option<String>,
    metric: String,
    start: f64,
}

impl Concluded {
    fn of(arguments: &Arguments) -> Self {
        let admin = arguments.text("admin").map(str::to_owned);
        let metric = arguments.text("concluded-metric").unwrap_or("loopgate_messages_concluded_total").to_owned();
        let mut counter = Self { admin, metric, start: 0.0 };
        counter.start = counter.now();
        counter
    }

    fn now(&self) -> f64 {
        self.admin.as_ref().and_then(|admin| metrics::sum(admin, &self.metric)).unwrap_or(0.0)
    }

    /// Waits until `count` more than `before` are concluded, or nothing moves any more; answers how many were.
    fn wait_for(&self, before: f64, count: u64) -> Option<f64> {
        self.admin.as_ref()?;
        let mut done = self.now() - before;
        let mut moved = Instant::now();
        while done < count as f64 && moved.elapsed() < DRAIN_STALL {
            thread::sleep(Duration::from_millis(10));
            let now = self.now() - before;
            if now > done {
                (done, moved) = (now, Instant::now());
            }
        }
        Some(done)
    }
}

fn summary(arguments: &Arguments, plan: &Plan, tally: &Tally, elapsed: f64) -> Value {
    let answered = tally.latencies_us.len();
    json!({
        "label": arguments.text("label").unwrap_or_default(),
        "connections": plan.connections,
        "depth": plan.depth,
        "rate": plan.rate,
        "accepted": tally.accepted,
        "refused": tally.refused,
        "mismatched": tally.mismatched,
        "io_errors": tally.io_errors,
        "secs": round(elapsed),
        "acknowledged_per_s": round(tally.accepted as f64 / elapsed),
        "ms_p50": tally.quantile_ms(0.5),
        "ms_p90": tally.quantile_ms(0.9),
        "ms_p99": tally.quantile_ms(0.99),
        "ms_max": tally.quantile_ms(1.0),
        "bytes_per_message": tally.bytes / answered.max(1) as u64,
        "first_trouble": tally.first_trouble,
    })
}

fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
