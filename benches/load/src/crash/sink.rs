//! The referrer's side: an MLLP listener that takes every delivery, remembers what it announces, and answers AA.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use crate::mllp::{Connection, accept, field};
use crate::random::Random;

/// The number of characters of a referral number as `sender` writes it, `RF` included.
const REFERRAL_LENGTH: usize = 18;

/// What happened first under one delivery id.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// `received`, `accepted`, `scheduled`, or the codes as they came.
    pub kind: String,
    /// MSH-10: the delivery id.
    pub control_id: String,
    /// How often it came under this id.
    pub arrivals: u64,
}

#[derive(Default)]
struct Log {
    /// By referral number, in order of first arrival.
    announcements: HashMap<String, Vec<Announcement>>,
    frames: u64,
    retries: u64,
    /// Frames that name no referral of this run.
    strangers: u64,
}

pub struct Sink {
    pub address: SocketAddr,
    log: Arc<Mutex<Log>>,
}

impl Sink {
    /// `silence` percent of the deliveries are taken but not answered, and their connection is closed.
    pub fn open(silence: u64, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let log = Arc::new(Mutex::new(Log::default()));
        let shared = log.clone();
        thread::spawn(move || {
            for (number, stream) in (0..).zip(listener.incoming().flatten()) {
                let log = shared.clone();
                thread::spawn(move || serve(stream, &log, silence, Random::new(seed ^ number)));
            }
        });
        Ok(Self { address, log })
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("no thread panics while it holds the log")
    }

    pub fn frames(&self) -> u64 {
        self.lock().frames
    }

    pub fn retries(&self) -> u64 {
        self.lock().retries
    }

    pub fn strangers(&self) -> u64 {
        self.lock().strangers
    }

    pub fn announcements_of(&self, referral: &str) -> Vec<Announcement> {
        self.lock().announcements.get(referral).cloned().unwrap_or_default()
    }

    pub fn distinct(&self) -> u64 {
        self.lock().announcements.values().map(|list| list.len() as u64).sum()
    }
}

fn serve(stream: TcpStream, log: &Mutex<Log>, silence: u64, mut random: Random) {
    let Ok(mut connection) = Connection::over(stream, None) else { return };
    while let Ok(message) = connection.read_frame() {
        log.lock().expect("no thread panics while it holds the log").note(&message);
        if random.percent(silence) || connection.write(&accept(&message)).is_err() {
            return;
        }
    }
}

impl Log {
    fn note(&mut self, message: &[u8]) {
        self.frames += 1;
        let Some(referral) = referral_in(message) else {
            self.strangers += 1;
            return;
        };
        let control_id = text(field(message, "MSH", 10));
        let list = self.announcements.entry(referral).or_default();
        if let Some(known) = list.iter_mut().find(|known| known.control_id == control_id) {
            known.arrivals += 1;
            self.retries += 1;
        } else {
            list.push(Announcement { kind: kind_of(message), control_id, arrivals: 1 });
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The referral number, wherever the message carries it.
fn referral_in(message: &[u8]) -> Option<String> {
    let is_number = |window: &&[u8]| window.starts_with(b"RF") && window[2..].iter().all(u8::is_ascii_hexdigit);
    message.windows(REFERRAL_LENGTH).find(is_number).map(text)
}

/// What a message announces (order style, referral style, or scheduling).
fn kind_of(message: &[u8]) -> String {
    let first = |bytes: &[u8]| text(bytes.split(|byte| *byte == b'^').next().unwrap_or_default());
    let kind = text(field(message, "MSH", 9));
    let (control, referral_status) = (first(field(message, "ORC", 1)), first(field(message, "RF1", 1)));
    match (kind.get(..7).unwrap_or(&kind), control.as_str(), referral_status.as_str()) {
        ("SIU^S12", ..) => "scheduled".to_owned(),
        (_, "RR" | "NA", _) | (_, _, "P") => "received".to_owned(),
        (_, "OK", _) | (_, _, "A") => "accepted".to_owned(),
        _ => format!("{kind} {control}/{}", first(field(message, "ORC", 5))),
    }
}

#[cfg(test)]
mod tests {
    use super::Log;

    #[test]
    fn tells_announcements_from_retries() {
        let mut log = Log::default();
        let status = |id: &str, codes: &str| {
            format!("MSH|^~\\&|A|B|C|D|1||OSU^O51^OSU_O51|{id}|P|2.5.1\rORC|{codes}|RF0000000100000001^X\r")
        };
        log.note(status("d1", "RR").as_bytes());
        log.note(status("d1", "RR").as_bytes());
        log.note(status("d2", "OK").as_bytes());
        log.note(b"MSH|^~\\&|A|B|C|D|1||SIU^S12^SIU_S12|d3|P|2.5.1\rSCH|||||RF0000000100000001\r");
        log.note(b"MSH|^~\\&|A|B|C|D|1||ADT^A08|d4|P|2.5.1\r");
        let kinds: Vec<&str> =
            log.announcements["RF0000000100000001"].iter().map(|known| known.kind.as_str()).collect();
        assert_eq!(kinds, ["received", "accepted", "scheduled"]);
        assert_eq!((log.frames, log.retries, log.strangers), (5, 1, 1));
    }
}
