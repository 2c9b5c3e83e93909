//! Messages a second of processor time on one core, from bytes to serialised Bundle, without and with a trace; and the
//! time for each byte of ever larger messages.
//!
//! `make bench-map`. Processor time of the thread, not wall time: the median and the best of eleven runs, so that other
//! work on the machine disturbs little. Messages of corpora beside the repository are taken where they are there.

use std::fmt::Write as _;

use loopgate::base::Digest;
use loopgate::hl7v2::{Charset, Header, Message};
use loopgate::mapping::{Context, Release, write_bundle};

#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 11;
const RUNS_OF_LARGE: usize = 3;
/// Bytes of messages in one run.
const RUN_BYTES: usize = 2_000_000;
const SIZES: [usize; 4] = [1 << 10, 64 << 10, 1 << 20, 16 << 20];

const ADT: &str = include_str!("../mappings/v2/cases/adt_a01.hl7");
const UPDATE: &str = include_str!("../mappings/v2/cases/adt_a08.hl7");
const SIU: &str = include_str!("../mappings/v2/cases/siu_s12.hl7");

/// Messages of others, of about 1 kB.
const CORPUS: [&str; 2] = [
    "../shared/data/messages/rethinkhealth-hl7v2/fixtures/adt-a01-full.hl7",
    "../shared/data/messages/grongierisc-iris/ADT_A01Carter.txt",
];

fn map(release: &Release, bytes: &[u8], trace: bool) -> usize {
    let (message, _, _) = Message::read(bytes, Charset::Ascii);
    let header = Header::read(bytes).expect("a header");
    let context = Context {
        default_zone: jiff::tz::TimeZone::UTC,
        message_digest: Digest::of(bytes),
        sender: header.sender(),
        trace,
    };
    let plan = release.select(&header.message_type()).expect("the base maps have this type");
    let mut out = Vec::with_capacity(16 * 1024);
    write_bundle(&plan.run(&message, &context), &mut out);
    out.len()
}

/// Seconds that the thread was on a processor (proc(5), schedstat).
fn processor_time() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux with schedstat");
    let nanoseconds: f64 = text.split(' ').next().and_then(|number| number.parse().ok()).expect("a number");
    nanoseconds / 1e9
}

/// Seconds for each message: the median and the best of the runs.
fn seconds(release: &Release, bytes: &[u8], trace: bool) -> (f64, f64) {
    let messages = (RUN_BYTES / bytes.len()).max(1);
    let run = || {
        let start = processor_time();
        for _ in 0..messages {
            std::hint::black_box(map(release, std::hint::black_box(bytes), trace));
        }
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let count = messages as f64;
        (processor_time() - start) / count
    };
    let count = if bytes.len() > RUN_BYTES { RUNS_OF_LARGE } else { RUNS };
    let mut runs: Vec<f64> = (0..count).map(|_| run()).collect();
    runs.sort_by(f64::total_cmp);
    (runs[count / 2], runs[0])
}

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn rates(release: &Release, name: &str, text: &str) {
    let bytes = text.trim_end().replace("\r\n", "\r").replace('\n', "\r").into_bytes();
    for trace in [false, true] {
        let (median, best) = seconds(release, &bytes, trace);
        let out = map(release, &bytes, trace);
        let trace = if trace { "with trace" } else { "no trace" };
        let [median, best] = [median, best].map(|seconds| 1.0 / seconds);
        println!("{name:24} {:6} B in {out:7} B out  {trace:10} {median:8.0}/s  best {best:8.0}/s", bytes.len());
    }
}

/// A report with as many results as make so many bytes, each with a note.
fn report(size: usize) -> String {
    let mut text = String::from(
        "MSH|^~\\&|LAB|MERCY|EMR|MERCY|20260312||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||7^^^M&1.2&ISO^MR||Muster^Max\r\
         ORC|RE|1^EMR|2^LAB\rOBR|1|1^EMR|2^LAB|24331-1^Lipids^LN|||20260312\r",
    );
    for number in 1.. {
        if text.len() >= size {
            break;
        }
        let value = number % 97;
        let _ = write!(
            text,
            "OBX|{number}|NM|2093-3^Cholesterol^LN|{number}|{value}|mg/dL^mg/dL^UCUM|0-200|N|||F|||20260312\r\
             NTE|1||Measured twice\r"
        );
    }
    text
}

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn growth(release: &Release) {
    for trace in [false, true] {
        for size in SIZES {
            let text = report(size);
            let (median, best) = seconds(release, text.as_bytes(), trace);
            #[expect(clippy::cast_precision_loss, reason = "16 MB")]
            let [median, best] = [median, best].map(|seconds| seconds * 1e9 / text.len() as f64);
            let trace = if trace { "with trace" } else { "no trace" };
            println!("ORU^R01 {:9} B  {trace:10} {median:7.0} ns/byte  best {best:7.0} ns/byte", text.len());
        }
    }
}

fn main() {
    let release = Release::builtin();
    let only = std::env::args().nth(1).filter(|argument| !argument.starts_with("--"));
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    if wanted("rates") {
        for (name, text) in [("ADT^A01", ADT), ("ADT^A08", UPDATE), ("SIU^S12", SIU)] {
            rates(&release, name, text);
        }
        for path in CORPUS {
            if let Ok(text) = std::fs::read_to_string(path) {
                rates(&release, path.rsplit('/').next().unwrap_or(path), &text);
            }
        }
    }
    if wanted("growth") {
        growth(&release);
    }
}
