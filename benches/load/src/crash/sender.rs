//! One sending connection that behaves like a real interface: in order per patient, and what was not answered is sent
//! again with the same bytes and the same MSH-10.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use crate::mllp::{Connection, Verdict, frame_into, verdict};
use crate::random::Random;
use crate::template::{Template, Values, now_text};

const STEPS: [&str; 3] = [
    include_str!("../../messages/referral_omg_o19.hl7"),
    include_str!("../../messages/referral_osu_accept.hl7"),
    include_str!("../../messages/referral_siu_s12.hl7"),
];
const NOISE: &str = include_str!("../../messages/noise_adt_a08.hl7");
const NOISE_PERCENT: u64 = 40;
/// Referrals one connection keeps going at the same time.
const ACTIVE_MAX: usize = 12;
/// A refusal may be passing (store down); after so many of one message it is a violation.
const REFUSALS_MAX: u32 = 20;
const ACK_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Until the connection breaks.
    Load,
    /// Nothing new is begun; ends when all that was begun is acknowledged.
    Finish,
}

#[derive(Clone, Copy)]
pub struct Pace {
    /// Unanswered messages at most.
    pub depth: usize,
    /// Between two messages of this connection.
    pub interval: Duration,
}

/// A referral under way.
struct Journey {
    referral: String,
    mrn: String,
    /// The next of `STEPS`.
    step: usize,
    /// One of its messages is on its way, so that the next must wait (order per patient).
    busy: bool,
}

/// A message without an answer yet.
struct Outstanding {
    control_id: String,
    frame: Vec<u8>,
    referral: String,
    is_step: bool,
    sent: u32,
    refusals: u32,
}

pub struct Sender {
    number: u64,
    run: String,
    pace: Pace,
    random: Random,
    templates: Vec<Template>,
    noise: Template,
    active: Vec<Journey>,
    outstanding: VecDeque<Outstanding>,
    made: u64,
    begun: u64,
    /// Control ids with a positive acknowledgement, not yet judged.
    pub acknowledged: Vec<String>,
    /// Referrals of which all steps are acknowledged.
    pub finished: Vec<String>,
    pub sent: u64,
    pub resent: u64,
    pub refused: u64,
    pub accepted: u64,
    pub complaints: Vec<String>,
}

impl Sender {
    pub fn new(number: u64, seed: u64, pace: Pace) -> Self {
        Self {
            number,
            run: format!("{:08X}", seed & 0xffff_ffff),
            pace,
            random: Random::new(seed.wrapping_add(number.wrapping_mul(0x1000_0001))),
            templates: STEPS.iter().map(|text| Template::new(text)).collect(),
            noise: Template::new(NOISE),
            active: Vec::new(),
            outstanding: VecDeque::new(),
            made: 0,
            begun: 0,
            acknowledged: Vec::new(),
            finished: Vec::new(),
            sent: 0,
            resent: 0,
            refused: 0,
            accepted: 0,
            complaints: Vec::new(),
        }
    }

    /// Sends over one connection until it breaks or, when finishing, until nothing is left.
    pub fn exchange(&mut self, address: SocketAddr, mode: Mode) {
        let outcome =
            Connection::open(address, ACK_TIMEOUT).and_then(|mut connection| self.talk(&mut connection, mode));
        if let (Err(error), Mode::Finish) = (outcome, mode) {
            self.complaints.push(format!("connection {} broke while draining: {error}", self.number));
        }
    }

    fn talk(&mut self, connection: &mut Connection, mode: Mode) -> io::Result<()> {
        let mut unanswered = self.resend(connection)?;
        let mut due = Instant::now();
        loop {
            while unanswered < self.pace.depth && (due <= Instant::now() || unanswered == 0) {
                thread::sleep(due.saturating_duration_since(Instant::now()));
                due += self.pace.interval;
                let Some(message) = self.next_message(mode) else { break };
                self.outstanding.push_back(message);
                let message = self.outstanding.back_mut().expect("it was just put there");
                message.sent += 1;
                self.sent += 1;
                connection.write(&message.frame)?;
                unanswered += 1;
            }
            if unanswered == 0 {
                return Ok(());
            }
            let ack = connection.read_frame()?;
            unanswered -= 1;
            self.take_answer(&ack);
        }
    }

    /// What was not answered, again and in order.
    fn resend(&mut self, connection: &mut Connection) -> io::Result<usize> {
        for message in &mut self.outstanding {
            connection.write(&message.frame)?;
            self.resent += u64::from(message.sent > 0);
            message.sent += 1;
        }
        Ok(self.outstanding.len())
    }

    fn take_answer(&mut self, ack: &[u8]) {
        let Some(mut message) = self.outstanding.pop_front() else {
            return self.complaints.push("an acknowledgement came for nothing".to_owned());
        };
        match verdict(ack, &message.control_id) {
            Verdict::Accepted => self.advance(message),
            Verdict::Refused if message.refusals < REFUSALS_MAX => {
                self.refused += 1;
                message.refusals += 1;
                self.outstanding.push_back(message);
            }
            Verdict::Refused => self.complaints.push(format!("{} was refused for good", message.control_id)),
            Verdict::Mismatched => {
                self.complaints.push(format!("the answer to {} names another message", message.control_id));
                self.outstanding.push_front(message);
            }
        }
    }

    fn advance(&mut self, message: Outstanding) {
        self.accepted += 1;
        self.acknowledged.push(message.control_id);
        let Some(at) = self.active.iter().position(|journey| journey.referral == message.referral) else { return };
        self.active[at].busy = false;
        self.active[at].step += usize::from(message.is_step);
        if self.active[at].step == STEPS.len() {
            self.finished.push(self.active.swap_remove(at).referral);
        }
    }

    /// A step of a referral that waits for one, or a new referral, or noise about a patient.
    fn next_message(&mut self, mode: Mode) -> Option<Outstanding> {
        if mode == Mode::Load && self.active.len() < ACTIVE_MAX {
            self.begin();
        }
        let idle: Vec<usize> = (0..self.active.len()).filter(|at| !self.active[*at].busy).collect();
        if idle.is_empty() {
            return None;
        }
        let at = idle[self.random.below(idle.len() as u64) as usize];
        let is_step = mode == Mode::Finish || !self.random.percent(NOISE_PERCENT);
        Some(self.write(at, is_step))
    }

    fn begin(&mut self) {
        self.begun += 1;
        let referral = format!("RF{}{:02}{:06}", self.run, self.number, self.begun);
        let mrn = format!("{}{:02}{:06}", &self.run[4..], self.number, self.begun);
        self.active.push(Journey { referral, mrn, step: 0, busy: false });
    }

    fn write(&mut self, at: usize, is_step: bool) -> Outstanding {
        self.made += 1;
        let journey = &mut self.active[at];
        journey.busy = true;
        let control_id = format!("C{}{:02}{:07}", self.run, self.number, self.made);
        let template = if is_step { &self.templates[journey.step] } else { &self.noise };
        let values = Values {
            control_id: &control_id,
            timestamp: &now_text(),
            mrn: &journey.mrn,
            visit: &format!("{:02}{:07}", self.number, self.made),
            referral: &journey.referral,
        };
        let (mut content, mut frame) = (Vec::new(), Vec::new());
        template.fill(values, &mut content);
        frame_into(&content, &mut frame);
        Outstanding { control_id, frame, referral: journey.referral.clone(), is_step, sent: 0, refusals: 0 }
    }
}
