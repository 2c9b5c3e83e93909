//! The story of a referral, the rows of the transition table, and the invariants under random events.

use super::*;
use crate::base::{Timestamp, ids::ReferralId};
use crate::record::AnnouncementKind as Kind;

const HOUR: i64 = 3_600_000_000;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_micros(1_773_302_400_000_000 + hours * HOUR) // 2026-03-12T08:00Z, a Thursday
}

fn request() -> Request {
    Request {
        referral: ReferralId(uuid::Uuid::from_u128(7)),
        service_request: "sr-1".into(),
        patient: "Patient/p-1".into(),
        placer_number: "889342".into(),
        placer_system: "urn:example:placer".into(),
        filler_number: None,
        priority: Priority::Routine,
        deadline: None,
        digest: "d1".into(),
    }
}

fn slot(id: &str, start: i64) -> Slot {
    Slot { appointment: id.into(), start: Some(at(start)), ..Slot::default() }
}

fn visit(id: &str) -> Visit {
    Visit { object: id.into(), ..Visit::default() }
}

fn event(number: i64, what: What) -> Event {
    Event { key: format!("m{number}"), occurred_at: at(number), sender: String::new(), role: Some(Role::Filler), what }
}

/// Plays events one hour apart from a request on; the state and what was announced, or why one did not apply.
struct Play {
    state: Option<State>,
    told: Vec<Kind>,
    hour: i64,
    policy: Policy,
    calendar: Calendar,
    commands: Vec<Command>,
}

impl Play {
    fn new() -> Self {
        let mut play = Self {
            state: None,
            told: Vec::new(),
            hour: 0,
            policy: Policy::default(),
            calendar: Calendar::default(),
            commands: Vec::new(),
        };
        play.hear(Happening::Requested(request())).unwrap();
        play
    }

    fn hear(&mut self, happening: Happening) -> Result<(), NotApplicable> {
        self.hour += 1;
        self.hear_event(&event(self.hour, What::Happened(happening)))
    }

    fn placer_says(&mut self, happening: Happening) -> Result<(), NotApplicable> {
        self.hour += 1;
        self.hear_event(&Event { role: Some(Role::Placer), ..event(self.hour, What::Happened(happening)) })
    }

    fn says(&mut self, control: &str, status: &str) -> Result<(), NotApplicable> {
        self.hour += 1;
        let report = StatusReport { control: control.into(), status: status.into(), ..StatusReport::default() };
        self.hear_event(&event(self.hour, What::Status(report)))
    }

    fn hear_event(&mut self, event: &Event) -> Result<(), NotApplicable> {
        let context = Context { now: at(self.hour), policy: &self.policy, calendar: &self.calendar };
        let step = react(self.state.clone(), event, &context)?;
        for command in &step.commands {
            if let Command::Announce(announcement) = command {
                self.told.push(announcement.kind);
                assert_eq!(announcement.sequence as usize, self.told.len(), "announcements are numbered without gaps");
            }
        }
        self.commands = step.commands;
        self.state = Some(step.next);
        Ok(())
    }

    fn state(&self) -> &State {
        self.state.as_ref().unwrap()
    }

    fn name(&self) -> &'static str {
        self.state().fulfilment.as_str()
    }
}

#[test]
fn the_story_of_a_referral_is_told_in_order_and_each_once() {
    let mut play = Play::new();
    play.says("OK", "IP").unwrap();
    play.hear(Happening::Booked(slot("a1", 30))).unwrap();
    play.hear(Happening::NoShow(slot("a1", 30))).unwrap();
    play.hear(Happening::Booked(slot("a2", 60))).unwrap();
    play.hear(Happening::Arrived(visit("v1"))).unwrap();
    play.hear(Happening::VisitEnded(visit("v1"))).unwrap();
    play.hear(Happening::FinalReport(Some("report-1".into()))).unwrap();
    assert_eq!(
        play.told,
        [Kind::Received, Kind::Accepted, Kind::Scheduled, Kind::NoShow, Kind::Rescheduled, Kind::Seen, Kind::Report]
    );
    assert_eq!(play.name(), "outcome");
    assert_eq!(play.hear(Happening::Closed).unwrap_err().reason, "only the referrer closes a referral");
    play.placer_says(Happening::Closed).unwrap();
    assert_eq!((play.name(), stage(play.state()), play.state().clocks.hook), ("closed", "Closed won", None));
}
