//! The printed tables: what the machine and the decoder do, snapshotted in `docs/workflow`.

use std::fmt::Write as _;

use super::appointments::Appointments;
use super::cancellation::Cancellation;
use super::decode::{CONTROL_CODES, Meaning, STATUS_CODES, decode, decode_referral};
use super::event::{Event, Happening, Role, Slot, What};
use super::fulfilment::{Fulfilment, Phase};
use super::state::State;
use super::step::{Command, Step};
use super::timers::{Running, hook_of};
use super::{Calendar, Context, Policy, react};
use crate::base::Timestamp;

const TRANSITIONS: &str = include_str!("../../docs/workflow/referral-transitions.md");
const DECODING: &str = include_str!("../../docs/workflow/order-status-decoding.md");

const TRANSITIONS_HEAD: &str = "# Transitions of a referral

Printed from the machine by `cargo test --lib workflow::table`; a change of the machine fails that test until this text
is renewed. Each section is a state; each row an event that applies there. What is not listed is kept and put before a
person. The appointment in hand is `a1`; E-SCH books another one, `a2`. The second E-REQ has other content, the second
E-OUT comes without a document. Timers are those of `mappings/workflow/timers.yaml`.
";

const DECODING_HEAD: &str = "# What an order status means

Printed from the decoder by `cargo test --lib workflow::table`: ORC-1 (table 0119) against ORC-5 (table 0038, `-` is
empty, `*` any that has no row of its own), by the sender's part in the referral. A combination that is not listed is an
exception: the control code is not that sender's to send, or nobody has agreed what the pair means.
";

fn compare(name: &str, printed: &str, committed: &str) {
    assert!(printed == committed, "{name} is stale: replace its text by what follows\n<<<<\n{printed}>>>>");
}

#[test]
fn the_transitions_are_as_documented() {
    compare("docs/workflow/referral-transitions.md", &transitions(), TRANSITIONS);
}

#[test]
fn the_decoding_is_as_documented() {
    compare("docs/workflow/order-status-decoding.md", &decoding(), DECODING);
}

fn transitions() -> String {
    let mut text = TRANSITIONS_HEAD.to_owned();
    for fulfilment in Fulfilment::all() {
        section(&mut text, fulfilment, Cancellation::None);
    }
    section(&mut text, Fulfilment::Open(Phase::Scheduled), Cancellation::Requested);
    text
}

fn section(text: &mut String, fulfilment: Fulfilment, cancellation: Cancellation) {
    let state = standing(fulfilment, cancellation);
    let asked = if cancellation == Cancellation::Requested { ", cancellation requested" } else { "" };
    let _ = write!(text, "\n## {}{asked}\n\n| event | to | actions |\n| --- | --- | --- |\n", fulfilment.as_str());
    let mut happenings = super::tests::happenings();
    happenings.extend(state.clocks.hook.map(|Running { kind, due_at }| Happening::TimerRanOut { kind, due_at }));
    for happening in happenings {
        let role = match happening {
            Happening::Requested(_) | Happening::Closed | Happening::CancelRequested | Happening::Withdrawn => {
                Role::Placer
            }
            _ => Role::Filler,
        };
        let event = Event {
            key: "table".into(),
            occurred_at: Timestamp::from_micros(1_773_302_400_000_000),
            sender: String::new(),
            role: Some(role),
            what: What::Happened(happening.clone()),
        };
        let (policy, calendar) = (Policy::default(), Calendar::default());
        let context = Context { now: event.occurred_at, policy: &policy, calendar: &calendar };
        if let Ok(step) = react(Some(state.clone()), &event, &context) {
            let to = arrow(&state, &step.next);
            let _ = writeln!(text, "| {} | {to} | {} |", happening.code(), actions(&step));
        }
    }
}

/// A referral that stands in a state as if it had come there.
fn standing(fulfilment: Fulfilment, cancellation: Cancellation) -> State {
    let Some(Happening::Requested(request)) = super::tests::happenings().into_iter().next() else {
        panic!("the first happening is the request")
    };
    let mut state = State::opened(request, "EMR|NORTH", Timestamp::default());
    state.fulfilment = fulfilment;
    state.cancellation = cancellation;
    state.begun = fulfilment.phase().is_none_or(Phase::has_begun);
    let phase = fulfilment.phase().filter(|phase| phase.has_begun());
    state.appointments = phase.map_or_else(Appointments::default, appointments);
    let due_at = Timestamp::from_micros(1_773_302_400_000_000);
    state.clocks.hook = hook_of(fulfilment, cancellation).map(|kind| Running { kind, due_at });
    state.clocks.whole =
        state.is_open().then_some(Running { kind: super::TimerKind::Loop, due_at: Timestamp::from_micros(i64::MAX) });
    state
}

fn appointments(phase: Phase) -> Appointments {
    let slot = || Slot { appointment: "a1".into(), ..Slot::default() };
    let visit = || super::Visit { object: "v1".into(), ..super::Visit::default() };
    let booked = Appointments::default().after(&Happening::Booked(slot())).0;
    let then = match phase {
        Phase::Arrived => Happening::Arrived(visit()),
        Phase::InVisit => Happening::VisitBegan(visit()),
        Phase::VisitDone | Phase::Interim => Happening::VisitEnded(visit()),
        Phase::NoShow => Happening::NoShow(slot()),
        Phase::AppointmentCancelled => Happening::AppointmentCancelled(slot()),
        _ => return booked,
    };
    booked.after(&then).0
}

fn arrow(before: &State, after: &State) -> String {
    let mut to = after.fulfilment.as_str().to_owned();
    if before.cancellation != after.cancellation {
        let _ = write!(to, "; X := {}", after.cancellation.as_str());
    }
    to
}

fn actions(step: &Step) -> String {
    let notes = step
        .events
        .iter()
        .map(|(code, note)| if note.is_empty() { code.to_string() } else { format!("{code} ({note})") });
    let mut parts: Vec<String> = if step.events.len() > 1 {
        notes.collect()
    } else {
        step.events.iter().map(|(_, note)| note.to_string()).filter(|note| !note.is_empty()).collect()
    };
    parts.extend(step.commands.iter().map(|command| match command {
        Command::Announce(announcement) => format!("tell {}", told(announcement)),
        Command::StartTimer { kind, .. } => format!("start {}", kind.as_str()),
        Command::StopTimer { kind } => format!("stop {}", kind.as_str()),
        Command::OpenTask { text, .. } => format!("ask a person: {text}"),
        Command::SetAppointment { id, status } => format!("{id} is {}", status.as_fhir()),
    }));
    parts.join("; ")
}

fn told(announcement: &crate::record::Announcement) -> String {
    let name = announcement.kind.as_str();
    match (&announcement.order_status, announcement.trigger) {
        (_, Some(trigger)) => format!("{name} (SIU^{trigger})"),
        (Some(status), None) if status.status.is_empty() => format!("{name} ({})", status.control),
        (Some(status), None) => format!("{name} ({}/{})", status.control, status.status),
        (None, None) => name.to_owned(),
    }
}

fn decoding() -> String {
    let mut text = DECODING_HEAD.to_owned();
    for (role, name) in [(Role::Placer, "placer"), (Role::Filler, "filler"), (Role::Unknown, "not known")] {
        let _ = write!(text, "\n## Sender: {name}\n\n| ORC-1 | ORC-5 | meaning |\n| --- | --- | --- |\n");
        for control in std::iter::once("").chain(CONTROL_CODES) {
            decoding_rows(&mut text, role, control);
        }
    }
    text.push_str("\n## RF1-1 (table 0283)\n\n| sender | trigger | RF1-1 | meaning |\n| --- | --- | --- | --- |\n");
    for (role, name) in [(Role::Placer, "placer"), (Role::Filler, "filler")] {
        for (trigger, status) in ["I12"]
            .iter()
            .flat_map(|trigger| ["", "P", "A", "R", "E"].map(|status| (*trigger, status)))
            .chain([("I13", ""), ("I14", ""), ("I15", "")])
        {
            let meaning = decode_referral(role, trigger, status);
            let _ = writeln!(text, "| {name} | {trigger} | {} | {} |", dash(status), meaning.as_str());
        }
    }
    text
}

/// The rows of one control code: those of the most frequent meaning as one row.
fn decoding_rows(text: &mut String, role: Role, control: &str) {
    let statuses: Vec<_> = std::iter::once("").chain(STATUS_CODES).collect();
    let meanings: Vec<_> = statuses.iter().map(|status| (*status, decode(role, control, status))).collect();
    let count = |meaning: Meaning| meanings.iter().filter(|(_, other)| *other == meaning).count();
    let common = meanings.iter().map(|(_, meaning)| *meaning).find(|meaning| count(*meaning) > statuses.len() / 2);
    for (status, meaning) in meanings.iter().filter(|(_, meaning)| Some(*meaning) != common) {
        row(text, control, dash(status), *meaning);
    }
    if let Some(meaning) = common {
        row(text, control, "*", meaning);
    }
}

fn row(text: &mut String, control: &str, status: &str, meaning: Meaning) {
    if !meaning.is_unagreed() {
        let _ = writeln!(text, "| {} | {status} | {} |", dash(control), meaning.as_str());
    }
}

const fn dash(code: &str) -> &str {
    if code.is_empty() { "-" } else { code }
}
