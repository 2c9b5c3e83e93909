//! The counts of a crash run: a line while it goes, an aligned table and one line of JSON at its end.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::Progress;
use super::judge::Judge;
use super::sender::Sender;
use super::sink::Sink;

/// Violations that are printed; all of them are in the file.
const VIOLATIONS_SHOWN: usize = 40;

pub struct Report {
    store: String,
    seed: u64,
    started: Instant,
    kills: u64,
    /// Kills before which something had been concluded since the start; the others prove less.
    kills_after_work: u64,
    /// Kills while messages or deliveries were in hand.
    kills_amid_work: u64,
    /// Kills before the gateway could say how far it was.
    kills_unknown: u64,
    restarts_ms: Vec<f64>,
    rows: Map<String, Value>,
    violations: Vec<String>,
}

impl Report {
    pub fn new(store: &str, seed: u64) -> Self {
        Self {
            store: store.to_owned(),
            seed,
            started: Instant::now(),
            kills: 0,
            kills_after_work: 0,
            kills_amid_work: 0,
            kills_unknown: 0,
            restarts_ms: Vec::new(),
            rows: Map::new(),
            violations: Vec::new(),
        }
    }

    pub fn started(&mut self, ready_after: Duration) {
        self.restarts_ms.push(ready_after.as_secs_f64() * 1_000.0);
    }

    pub fn killed(&mut self, progress: Option<Progress>) {
        self.kills += 1;
        match progress {
            Some(Progress { concluded, in_hand }) => {
                self.kills_after_work += u64::from(concluded > 0.0);
                self.kills_amid_work += u64::from(in_hand > 0.0);
            }
            None => self.kills_unknown += 1,
        }
    }

    pub fn progress(&self, round: u64, senders: &[Sender], sink: &Sink, judge: &Judge) {
        eprintln!(
            "round {round}: {} acknowledged and stored, {} resent, {} referrals, {} announcements, {} retries, {} violations",
            judge.acknowledged,
            senders.iter().map(|sender| sender.resent).sum::<u64>(),
            judge.referrals,
            sink.distinct(),
            sink.retries(),
            judge.violations.len()
        );
    }

    pub fn collect(&mut self, senders: &[Sender], sink: &Sink, judge: &Judge, interrupted: bool) {
        let sum = |count: fn(&Sender) -> u64| senders.iter().map(count).sum::<u64>();
        self.restarts_ms.sort_by(f64::total_cmp);
        let restarts = &self.restarts_ms;
        let restart = |share: usize| restarts.get(restarts.len().saturating_sub(1) * share / 100).map(|ms| ms.round());
        let rows = [
            ("store", json!(self.store)),
            ("seed", json!(self.seed)),
            ("kills", json!(self.kills)),
            ("kills after concluded work", json!(self.kills_after_work)),
            ("kills with work in hand", json!(self.kills_amid_work)),
            ("kills of unknown progress", json!(self.kills_unknown)),
            ("seconds", json!(self.started.elapsed().as_secs())),
            ("messages sent", json!(sum(|sender| sender.sent))),
            ("messages resent", json!(sum(|sender| sender.resent))),
            ("positive acknowledgements", json!(sum(|sender| sender.accepted))),
            ("negative acknowledgements", json!(sum(|sender| sender.refused))),
            ("acknowledged and judged", json!(judge.acknowledged)),
            ("stored by outcome", json!(judge.outcomes)),
            ("referrals finished", json!(judge.referrals)),
            ("announcements received", json!(sink.distinct())),
            ("retries received", json!(sink.retries())),
            ("other frames received", json!(sink.strangers())),
            ("restart ms, median", json!(restart(50))),
            ("restart ms, slowest", json!(restart(100))),
            ("interrupted", json!(interrupted)),
            ("violations", json!(judge.violations.len())),
        ];
        self.rows = rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.violations = judge.violations.clone();
    }

    /// The table and the violations to stderr, the JSON to stdout and into the folder.
    pub fn print(&mut self, folder: &Path) {
        for (name, value) in &self.rows {
            eprintln!("{name:<28}{}", value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        for violation in self.violations.iter().take(VIOLATIONS_SHOWN) {
            eprintln!("VIOLATION {violation}");
        }
        if self.violations.len() > VIOLATIONS_SHOWN {
            eprintln!("… and {} more, in {}/result.json", self.violations.len() - VIOLATIONS_SHOWN, folder.display());
        }
        println!("{}", Value::Object(self.rows.clone()));
        self.rows.insert("list of violations".to_owned(), json!(self.violations));
        let text = Value::Object(self.rows.clone()).to_string();
        if let Err(error) = std::fs::write(folder.join("result.json"), text) {
            eprintln!("{}: {error}", folder.display());
        }
    }
}
