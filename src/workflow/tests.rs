//! The story of a referral, the rows of the transition table, and the invariants under random events.

use proptest::prelude::*;

use super::*;
use crate::base::{Timestamp, ids::ReferralId};
use crate::record::{AnnouncementKind as Kind, TimerChange, WorkItemKind};

const HOUR: i64 = 3_600_000_000;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_micros(1_773_302_400_000_000 + hours * HOUR) // 2026-03-12T08:00Z, a Thursday
}

fn request() -> Request {
    Request {
        task: None,
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

fn check_rows(from: &[Happening], rows: &[(Happening, &str)]) {
    for (happening, expected) in rows {
        let mut play = Play::new();
        for earlier in from {
            play.hear(earlier.clone()).unwrap();
        }
        let heard = play.hear(happening.clone());
        let found = heard.map_or("not applicable", |()| play.name());
        assert_eq!(found, *expected, "{} after {:?}", happening.code(), from.last().map(Happening::code));
    }
}

#[test]
fn the_rows_of_the_table_that_depend_on_more_than_the_state() {
    let booked = Happening::Booked(slot("a1", 30));
    let cancelled = |id: &str| Happening::AppointmentCancelled(slot(id, 30));
    let accepted = [Happening::Accepted];
    check_rows(&[], &[(booked.clone(), "scheduled"), (Happening::FinalReport(None), "not applicable")]);
    check_rows(&accepted, &[(booked.clone(), "scheduled"), (Happening::Arrived(visit("v")), "arrived")]);
    let two = [booked.clone(), Happening::Booked(slot("a2", 60))];
    check_rows(&two, &[(cancelled("a1"), "scheduled"), (Happening::AppointmentDeleted(slot("a1", 30)), "scheduled")]);
    check_rows(
        &two[..1],
        &[(cancelled("a1"), "appt-cancelled"), (Happening::AppointmentDeleted(slot("a1", 30)), "scheduling")],
    );
    let walked_in = [Happening::Accepted, Happening::Arrived(visit("v"))];
    check_rows(&walked_in, &[(Happening::ArrivalUndone(visit("v")), "scheduling")]);
    let arrived = [booked.clone(), Happening::Arrived(visit("v"))];
    check_rows(&arrived, &[(Happening::ArrivalUndone(visit("v")), "scheduled")]);
    let asked = [booked.clone(), Happening::CancelRequested];
    let refused = Happening::CancellationRefused(Reason::coded("other"));
    check_rows(
        &asked,
        &[
            (Happening::CancellationConfirmed, "cancelled"),
            (Happening::FinalReport(None), "outcome"),
            (refused, "scheduled"),
        ],
    );
    let over = [booked.clone(), Happening::VisitEnded(visit("v"))];
    check_rows(
        &over,
        &[(Happening::VisitEnded(visit("w")), "visit-done"), (Happening::Arrived(visit("w")), "visit-done")],
    );
    let held = [booked.clone(), Happening::Held];
    check_rows(
        &held,
        &[(Happening::Released, "scheduled"), (cancelled("a1"), "on-hold"), (Happening::Held, "not applicable")],
    );
    check_rows(&[], &[(Happening::Withdrawn, "cancelled")]);
    check_rows(&accepted, &[(Happening::Withdrawn, "accepted")]); // becomes a request to cancel
}

#[test]
fn a_request_that_comes_again() {
    let again = |digest: &str| Happening::Requested(Request { digest: digest.into(), ..request() });
    let mut play = Play::new();
    play.placer_says(again("d1")).unwrap();
    assert_eq!((play.told.len(), play.state().request.digest.as_str()), (1, "d1"));
    play.hear(Happening::InformationAsked).unwrap();
    play.placer_says(again("d2")).unwrap();
    assert_eq!((play.name(), play.state().request.digest.as_str()), ("received", "d2"));
    assert_eq!(play.hear(again("d3")).unwrap_err().reason, "the referral number is known, and another sender uses it");
    play.hear(Happening::Declined(Reason::coded("no-capacity"))).unwrap();
    assert!(play.placer_says(again("d2")).unwrap_err().reason.contains("reopen"));
}

#[test]
fn the_fillers_number_is_learned_and_kept() {
    let mut play = Play::new();
    let report = StatusReport { control: "RR".into(), filler_number: Some("F1".into()), ..StatusReport::default() };
    play.hear_event(&event(2, What::Status(report))).unwrap();
    play.hour = 2;
    play.placer_says(Happening::Requested(Request { digest: "d2".into(), ..request() })).unwrap();
    assert_eq!(play.state().request.filler_number.as_deref(), Some("F1"));
}

#[test]
fn late_events_are_recorded_and_move_nothing() {
    let mut play = Play::new();
    play.hear(Happening::Booked(slot("a1", 30))).unwrap();
    play.hour += 10;
    play.hear(Happening::Moved(slot("a1", 50))).unwrap();
    let late = |key: i64, what| Event { key: format!("late{key}"), ..event(4, What::Happened(what)) };
    play.hear_event(&late(1, Happening::NoShow(slot("a1", 30)))).unwrap();
    play.hear_event(&late(2, Happening::AppointmentCancelled(slot("a1", 30)))).unwrap();
    assert_eq!((play.name(), play.state().appointments.expected().unwrap().start), ("scheduled", Some(at(50))));
    // A change is newer than the cancellation, but a change books nothing: the cancellation holds.
    play.hear(Happening::Changed(slot("a1", 50))).unwrap();
    let between =
        Event { key: "late3".into(), ..event(13, What::Happened(Happening::AppointmentCancelled(slot("a1", 50)))) };
    play.hear_event(&between).unwrap();
    assert_eq!(play.name(), "appt-cancelled");
}

#[test]
fn a_timer_that_ran_out_asks_a_person_and_starts_again() {
    let mut play = Play::new();
    let running = play.state().clocks.hook.unwrap();
    assert_eq!((running.kind, running.due_at), (TimerKind::Decision, at(49 + 48))); // over the weekend
    play.hour = 100;
    play.hear(Happening::TimerRanOut { kind: running.kind, due_at: running.due_at }).unwrap();
    assert_eq!((play.name(), stage(play.state())), ("received", "Attention needed"));
    assert!(play.commands.iter().any(|command| matches!(command, Command::OpenTask { .. })));
    assert!(play.state().clocks.hook.unwrap().due_at > running.due_at);
    let told = play.state.clone();
    play.hear(Happening::TimerRanOut { kind: running.kind, due_at: running.due_at }).unwrap();
    assert_eq!(play.state().clocks, told.unwrap().clocks, "a timer that no longer runs says nothing");
    play.hear(Happening::Accepted).unwrap();
    assert_eq!(stage(play.state()), "Ready to schedule");
}

#[test]
fn a_hold_and_a_question_pause_the_clock_and_resume_it() {
    let mut play = Play::new();
    let due = play.state().clocks.hook.unwrap().due_at;
    play.hear(Happening::InformationAsked).unwrap();
    play.hear(Happening::InformationSupplied).unwrap();
    assert_eq!(play.state().clocks.hook.unwrap().due_at, due.plus(std::time::Duration::from_hours(1)));
    play.hear(Happening::Held).unwrap();
    assert_eq!(play.state().clocks.hook, None);
    play.hear(Happening::Released).unwrap();
    assert_eq!(play.state().clocks.hook.unwrap().kind, TimerKind::Decision);
}

#[test]
fn an_unreachable_patient_is_given_back_at_the_second_asking() {
    let mut play = Play::new();
    let begin = [Happening::Accepted, Happening::OutreachBegun, Happening::OutreachBegun, Happening::OutreachBegun];
    for happening in begin {
        play.hear(happening).unwrap();
    }
    play.hear(Happening::Booked(slot("a1", 30))).unwrap();
    play.hear(Happening::NoShow(slot("a1", 30))).unwrap();
    for expected in ["no-show", "failed"] {
        let running = play.state().clocks.hook.unwrap();
        play.hear(Happening::TimerRanOut { kind: running.kind, due_at: running.due_at }).unwrap();
        assert_eq!(play.name(), expected);
    }
}

#[test]
fn a_registration_ahead_of_the_visit_is_no_arrival() {
    // (message sent, visit said to start, state after); the appointment is at hour 30, the day ends at hour 40
    for (sent, starts, expected) in [
        (4, 30, "scheduled"),
        (25, 25, "scheduled"),
        (26, 26, "arrived"),
        (29, 30, "arrived"),
        (31, 30, "arrived"),
        (29, 60, "scheduled"),
    ] {
        let mut play = Play::new();
        play.hear(Happening::Booked(slot("a1", 30))).unwrap();
        let registered = Visit { maybe_registration: true, start: Some(at(starts)), ..visit("v1") };
        play.hour = sent - 1;
        play.hear(Happening::Arrived(registered)).unwrap();
        assert_eq!(play.name(), expected, "sent at {sent}, visit at {starts}");
    }
}

#[test]
fn the_row_to_store_and_what_may_not_show() {
    let mut play = Play::new();
    play.hear(Happening::Declined(Reason { code: "other".into(), text: "Mrs Canary moved".into() })).unwrap();
    let row = play.state().to_referral(3);
    assert_eq!(
        (row.stage.as_str(), row.open, row.version, row.patient.to_string().as_str()),
        ("Closed lost", false, 3, "Patient/p-1")
    );
    assert!(!format!("{:?}{:?}", play.state(), play.commands).contains("Canary"));
    assert!(matches!(State::from_bytes(br#"{"form":2,"state":{}}"#), Err(StateFault::TooNew(2))));
    assert!(matches!(State::from_bytes(b"{"), Err(StateFault::Unreadable { .. })));
    let event = Event::timer(TimerKind::Decision, at(3));
    assert_eq!(role_of(&event, Some(play.state())), Role::Unknown);
}

#[test]
fn what_the_sender_wrote_is_shown_only_when_it_is_a_code() {
    for (control, status, expected) in [
        ("OK", "IP", "OK/IP"),
        ("SC", "", "SC/"),
        ("", "CM", "/CM"),
        ("MRS CANARY", "CM", "?"),
        ("OK", "CANARY", "?"),
        ("ok", "IP", "?"),
    ] {
        let report = StatusReport { control: control.into(), status: status.into(), ..StatusReport::default() };
        assert_eq!(format!("{report:?}"), expected);
        let context = Context { now: at(1), policy: &Policy::default(), calendar: &Calendar::default() };
        let refused = react(None, &event(1, What::Status(report)), &context).unwrap_err();
        assert_eq!(refused.event, expected);
        assert!(!refused.to_string().to_ascii_uppercase().contains("CANARY"), "{refused}");
    }
    for (code, expected) in [("no-capacity", "no-capacity"), ("A1", "A1"), ("Canary", "?"), ("CANARY JANE", "?")] {
        let reason = Reason { code: code.into(), text: "moved".into() };
        assert_eq!(format!("{reason:?}"), format!("{expected} (5 bytes of text)"));
    }
}

#[test]
fn what_the_engine_stores_of_a_step() {
    let due_at = at(9);
    let start = Command::StartTimer { kind: TimerKind::Decision, due_at };
    let name = TimerKind::Decision.as_str();
    assert_eq!(start.timer_change(), Some(TimerChange::Start { kind: name.into(), due_at }));
    let stop = Command::StopTimer { kind: TimerKind::Decision };
    assert_eq!(stop.timer_change(), Some(TimerChange::Stop { kind: name.into() }));
    let ask = Command::OpenTask { kind: WorkItemKind::Overdue, text: "look".into() };
    assert_eq!(ask.timer_change(), None);
    let (once, again) = (Event::timer(TimerKind::Decision, due_at), Event::timer(TimerKind::Decision, due_at));
    assert_eq!((&once.key, once.occurred_at), (&again.key, due_at));
    assert_ne!(once.key, Event::timer(TimerKind::Decision, at(10)).key);
    assert_ne!(once.key, Event::timer(TimerKind::Booking, due_at).key);
    let observed = Observation { clues: Clues::default(), occurred_at: due_at, what: once.what };
    let event = observed.into_event("m1/0".into(), "EMR|NORTH".into(), Some(Role::Placer));
    assert_eq!((event.key.as_str(), event.sender.as_str(), event.role), ("m1/0", "EMR|NORTH", Some(Role::Placer)));
    assert_eq!(event.occurred_at, due_at);
}

#[test]
fn the_referrers_own_deadline_stands_in_for_the_booking_clock() {
    let mut play = Play::new();
    play.placer_says(Happening::Requested(Request { deadline: Some(at(40)), digest: "d2".into(), ..request() }))
        .unwrap();
    play.hear(Happening::Accepted).unwrap();
    let running = play.state().clocks.hook.unwrap();
    assert_eq!((running.kind, running.due_at), (TimerKind::Booking, at(40)));
}

/// Every event with its least payload, for tables and random sequences.
pub(super) fn happenings() -> Vec<Happening> {
    let reason = || Reason::coded("other");
    vec![
        Happening::Requested(request()),
        Happening::Requested(Request { digest: "d2".into(), ..request() }),
        Happening::Updated,
        Happening::TakenIn,
        Happening::InformationAsked,
        Happening::InformationSupplied,
        Happening::Accepted,
        Happening::Declined(reason()),
        Happening::OutreachBegun,
        Happening::SlotAwaited(slot("a3", 40)),
        Happening::ScheduledElsewhere,
        Happening::Booked(slot("a2", 50)),
        Happening::Moved(slot("a1", 40)),
        Happening::Changed(slot("a1", 41)),
        Happening::AppointmentCancelled(slot("a1", 30)),
        Happening::AppointmentDeleted(slot("a1", 30)),
        Happening::NoShow(slot("a1", 30)),
        Happening::Arrived(visit("v1")),
        Happening::VisitBegan(visit("v1")),
        Happening::VisitEnded(visit("v1")),
        Happening::ArrivalUndone(visit("v1")),
        Happening::EndUndone(visit("v1")),
        Happening::InterimReport(Some("DiagnosticReport/r1".into())),
        Happening::FinalReport(Some("DiagnosticReport/r2".into())),
        Happening::FinalReport(None),
        Happening::Closed,
        Happening::CancelRequested,
        Happening::Withdrawn,
        Happening::CancellationConfirmed,
        Happening::CancellationRefused(reason()),
        Happening::Discontinued,
        Happening::Held,
        Happening::Released,
        Happening::Failed(reason()),
        Happening::Expired,
        Happening::Voided,
    ]
}

/// What may follow a Task.status (invariant 6 of STANDARDS 1.8.4).
fn may_follow(before: &str, after: &str) -> bool {
    match before {
        "completed" => matches!(after, "completed" | "entered-in-error"),
        "rejected" => after == "rejected",
        "in-progress" => !matches!(after, "requested" | "received" | "accepted"),
        _ => true,
    }
}

fn check_invariants(before: Option<&State>, after: &State) {
    if let Some(before) = before {
        if before.fulfilment.is_terminal() {
            assert_eq!(before.fulfilment, after.fulfilment, "a terminal state is absorbing");
        }
        let (was, is) = (task_status(before), task_status(after));
        assert!(may_follow(was, is), "Task.status {was} was followed by {is}");
    }
    let waits = matches!(after.fulfilment, Fulfilment::OnHold(_)) && after.cancellation.as_str() != "requested";
    assert_eq!(
        after.clocks.hook.is_some(),
        after.is_open() && !waits,
        "who is on the hook in {}",
        after.fulfilment.as_str()
    );
    let task = record(after);
    let says_why = task.get("output").is_some() || task.get("statusReason").is_some();
    assert!(task_status(after) != "completed" || says_why, "completed without output or reason");
    let bytes = after.to_bytes();
    assert_eq!(&State::from_bytes(&bytes).unwrap(), after, "the state survives storing");
}

/// An event of a random sequence: which, from whom, and how much later (or earlier) than the last.
fn moves() -> impl Strategy<Value = Vec<(usize, bool, i64)>> {
    proptest::collection::vec((0..happenings().len() + 1, any::<bool>(), -2_i64..20), 1..40)
}

fn random_events(moves: &[(usize, bool, i64)]) -> Vec<Event> {
    let all = happenings();
    let mut now = 1;
    let mut events = Vec::new();
    for (number, (which, placer, later)) in moves.iter().enumerate() {
        now += later;
        // Past the last happening: the clock of whoever is on the hook; filled in when played.
        let none = Happening::TimerRanOut { kind: TimerKind::Acknowledgement, due_at: at(0) };
        let happening = all.get(*which).cloned().unwrap_or(none);
        let role = if *placer { Role::Placer } else { Role::Filler };
        events.push(Event { key: format!("r{number}"), role: Some(role), ..event(now, What::Happened(happening)) });
    }
    events
}

fn play_random(play: &mut Play, events: &mut [Event]) {
    for event in events {
        play.hour = play.hour.max((event.occurred_at.as_micros() - at(0).as_micros()) / HOUR);
        if matches!(event.what, What::Happened(Happening::TimerRanOut { .. })) {
            let Some(running) = play.state().clocks.hook else { continue };
            event.what = What::Happened(Happening::TimerRanOut { kind: running.kind, due_at: running.due_at });
        }
        let before = play.state.clone();
        if play.hear_event(event).is_err() {
            assert!(!matches!(event.what, What::Happened(Happening::TimerRanOut { .. })), "a timer always applies");
        }
        check_invariants(before.as_ref(), play.state());
    }
}

proptest! {
    #[test]
    fn random_events_keep_the_invariants(moves in moves(), again in 0_usize..40) {
        let mut play = Play::new();
        let mut events = random_events(&moves);
        play_random(&mut play, &mut events);
        let end = play.state.clone();
        let told = play.told.len();
        for event in events.iter().take(again) {
            // What did not apply the first time may apply now: it left no trace. What did is recognised.
            if end.as_ref().is_some_and(|state| state.memory.knows(&event.key)) {
                play.hear_event(event).unwrap();
            }
        }
        prop_assert_eq!(&play.state, &end);
        prop_assert_eq!(play.told.len(), told);
    }

    #[test]
    fn statuses_never_panic_and_always_decide_alike(
        role in prop_oneof![Just(Role::Placer), Just(Role::Filler), Just(Role::Unknown)],
        control in "[A-Z]{0,2}",
        status in "[A-Z]{0,2}",
    ) {
        prop_assert_eq!(decode::decode(role, &control, &status), decode::decode(role, &control, &status));
    }
}
