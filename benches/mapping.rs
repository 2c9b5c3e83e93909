//! Messages a second on one core: bytes to serialised Bundle, for an ADT^A08 and an SIU^S12 of about 1 kB.
//!
//! `cargo bench --bench mapping`. Plain timing: the median of eleven runs of 5,000 messages each.

use std::time::Instant;

use loopgate::base::Digest;
use loopgate::hl7v2::{Charset, Message};
use loopgate::mapping::{Context, Release, write_bundle};

#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 11;
const MESSAGES: u32 = 5_000;

const ADT: &str = include_str!("../mappings/v2/cases/adt_a08.hl7");
const SIU: &str = include_str!("../mappings/v2/cases/siu_s12.hl7");

fn map(release: &Release, kind: &str, bytes: &[u8], trace: bool) -> usize {
    let (message, _, _) = Message::read(bytes, Charset::Ascii);
    let context = Context {
        default_zone: jiff::tz::TimeZone::UTC,
        message_digest: Digest::of(bytes),
        sender: "EMR|MERCY".into(),
        trace,
    };
    let plan = release.select(kind).expect("the base maps have this type");
    let mut out = Vec::with_capacity(16 * 1024);
    write_bundle(&plan.run(&message, &context), &mut out);
    out.len()
}

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn main() {
    let release = Release::builtin();
    for (kind, text) in [("ADT^A08", ADT), ("SIU^S12", SIU)] {
        let bytes = text.replace('\n', "\r").into_bytes();
        for trace in [false, true] {
            let mut rates: Vec<f64> = (0..RUNS).map(|_| rate(&release, kind, &bytes, trace)).collect();
            rates.sort_by(f64::total_cmp);
            let size = map(&release, kind, &bytes, trace);
            println!("{kind} {} bytes in, {size} out, trace {trace}: {:.0} messages/s", bytes.len(), rates[RUNS / 2]);
        }
    }
}

fn rate(release: &Release, kind: &str, bytes: &[u8], trace: bool) -> f64 {
    let start = Instant::now();
    for _ in 0..MESSAGES {
        std::hint::black_box(map(release, kind, std::hint::black_box(bytes), trace));
    }
    f64::from(MESSAGES) / start.elapsed().as_secs_f64()
}
