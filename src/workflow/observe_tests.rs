//! What mapped resources say: with the extensions of the HL7 door, and plain as the FHIR door brings them.

use super::observe::{Observation, observe, referral_id};
use super::*;
use crate::base::Timestamp;
use crate::fhir::Resource;

fn see(resources: &[&str]) -> Vec<Observation> {
    let resources: Vec<_> = resources.iter().map(|text| Resource::parse(text.as_bytes()).unwrap()).collect();
    observe(&resources, Timestamp::from_micros(5), &jiff::tz::TimeZone::UTC)
}

/// What the one observation says, as a code: of an event, or `ORC-1/ORC-5` and `RF1-1` of a status.
fn said(resources: &[&str]) -> Vec<String> {
    see(resources)
        .iter()
        .map(|one| match &one.what {
            What::Happened(happening) => happening.code().to_owned(),
            What::Status(report) => {
                format!("{}/{} {}{}", report.control, report.status, report.trigger, report.referral_status)
            }
        })
        .collect()
}

fn appointment(status: &str, trigger: &str) -> String {
    let extension = format!(r#""extension":[{{"url":"urn:loopgate:trigger","valueCode":"{trigger}"}}],"#);
    let extension = if trigger.is_empty() { "" } else { &extension };
    format!(
        r#"{{"resourceType":"Appointment","id":"a1",{extension}"status":"{status}","start":"2026-03-13T09:00:00Z"}}"#
    )
}

fn encounter(status: &str, trigger: &str) -> String {
    appointment(status, trigger).replace("Appointment", "Encounter")
}

#[test]
fn appointments_by_trigger_and_status() {
    for (trigger, status, expected) in [
        ("S12", "booked", "E-SCH"),
        ("S12", "pending", "E-SLOT"),
        ("S13", "booked", "E-RES"),
        ("S14", "booked", "E-MOD"),
        ("S14", "arrived", "E-ARR"),
        ("S14", "noshow", "E-NSH"),
        ("S15", "booked", "E-APX"),
        ("S17", "cancelled", "E-ADEL"),
        ("S26", "booked", "E-NSH"),
        ("", "booked", "E-SCH"),
        ("", "fulfilled", "E-END"),
        ("", "cancelled", "E-APX"),
    ] {
        assert_eq!(said(&[&appointment(status, trigger)]), [expected], "{trigger} {status}");
    }
    assert!(said(&[&appointment("unheard-of", "")]).is_empty());
}

#[test]
fn encounters_by_trigger_and_status() {
    for (trigger, status, expected) in [
        ("A04", "planned", "E-ARR"),
        ("A01", "in-progress", "E-BEG"),
        ("A03", "finished", "E-END"),
        ("A11", "cancelled", "E-UNA"),
        ("A13", "in-progress", "E-UNE"),
        ("", "arrived", "E-ARR"),
        ("", "finished", "E-END"),
    ] {
        assert_eq!(said(&[&encounter(status, trigger)]), [expected], "{trigger} {status}");
    }
    assert!(said(&[&encounter("planned", "A05")]).is_empty());
    assert!(said(&[&encounter("in-progress", "A08")]).is_empty());
}

const ORDER: &str = r#"{"resourceType":"ServiceRequest","id":"sr1","extension":[
    {"url":"urn:loopgate:order-control","valueCode":"NW"}],
    "identifier":[{"type":{"coding":[{"code":"PLAC"}]},"system":"urn:example:north","value":"889342"},
                  {"type":{"coding":[{"code":"FILL"}]},"value":"F1"}],
    "status":"active","priority":"urgent","subject":{"reference":"Patient/p1"},
    "occurrencePeriod":{"end":"2026-04-01T00:00:00Z"}}"#;

#[test]
fn an_order_carries_the_request() {
    let seen = see(&[ORDER]);
    let What::Status(report) = &seen[0].what else { panic!("an order with ORC-1 is a status") };
    let request = report.request.as_ref().unwrap();
    assert_eq!(request.referral, referral_id("sr1"));
    assert_eq!((request.placer_number.as_str(), request.placer_system.as_str()), ("889342", "urn:example:north"));
    assert_eq!((request.priority, request.filler_number.as_deref()), (Priority::Urgent, Some("F1")));
    assert_eq!((report.control.as_str(), request.patient.as_str()), ("NW", "Patient/p1"));
    assert!(request.deadline.is_some());
    assert_eq!(seen[0].occurred_at, Timestamp::from_micros(5));
}

#[test]
fn a_message_says_each_thing_once() {
    let header = r#"{"resourceType":"MessageHeader","id":"h","eventCoding":{"code":"O51"},
        "extension":[{"url":"urn:loopgate:sent-at","valueDateTime":"2026-03-12T10:00:00+01:00"}]}"#;
    let task = r#"{"resourceType":"Task","id":"t","focus":{"reference":"ServiceRequest/sr1"},"extension":[
        {"url":"urn:loopgate:order-control","valueCode":"OK"},{"url":"urn:loopgate:order-status","valueCode":"IP"}]}"#;
    let seen = see(&[header, ORDER, task]);
    assert_eq!(seen.len(), 1, "the Task speaks for its ServiceRequest");
    assert_eq!(seen[0].clues.service_request.as_deref(), Some("sr1"));
    assert_eq!(seen[0].occurred_at.to_string(), "2026-03-12T09:00:00.000Z");
    let result = ORDER.replace("\"NW\"", "\"RE\"");
    let report = r#"{"resourceType":"DiagnosticReport","id":"r1","status":"final","basedOn":[{"reference":"ServiceRequest/sr1"}]}"#;
    assert_eq!(said(&[&result, report]), ["E-OUT"]);
    assert_eq!(said(&[ORDER, report]), ["NW/ ", "E-OUT"]);
}

#[test]
fn plain_tasks_and_requests_speak_by_their_status() {
    for (status, expected) in [
        ("received", "E-RCV"),
        ("accepted", "E-ACC"),
        ("rejected", "E-DEC"),
        ("completed", "E-OUT"),
        ("cancelled", "E-CRQ!"),
        ("failed", "E-FAIL"),
    ] {
        let task = format!(
            r#"{{"resourceType":"Task","id":"t","status":"{status}","focus":{{"reference":"ServiceRequest/sr1"}}}}"#
        );
        assert_eq!(said(&[&task]), [expected], "{status}");
    }
    let plain = ORDER.replace("urn:loopgate:order-control", "urn:example:other");
    assert_eq!(said(&[&plain]), ["E-REQ"]);
    assert_eq!(said(&[&plain.replace("active", "completed")]), ["E-CLS"]);
    let reply = r#"{"resourceType":"Task","id":"t","focus":{"reference":"ServiceRequest/sr1"},
        "extension":[{"url":"urn:loopgate:referral-status","valueCode":"A"}]}"#;
    assert_eq!(said(&[reply]), ["/ A"]);
}

fn opened(service_request: &str, appointment: &str, start: i64) -> State {
    let order = ORDER.replace("\"sr1\"", &format!("\"{service_request}\""));
    let policy = Policy::default();
    let context = Context { now: Timestamp::default(), policy: &policy, calendar: policy.calendar("") };
    let hear = |state: Option<State>, key: &str, what: What| {
        let event =
            Event { key: key.into(), occurred_at: Timestamp::default(), sender: "EMR|NORTH".into(), role: None, what };
        react(state, &event, &context).unwrap().next
    };
    let state = hear(None, "1", see(&[&order]).remove(0).what);
    let slot = Slot {
        appointment: appointment.into(),
        start: Some(Timestamp::from_micros(start * 3_600_000_000)),
        visit: Some(format!("visit of {appointment}")),
        ..Slot::default()
    };
    hear(Some(state), "2", What::Happened(Happening::Booked(slot)))
}

#[test]
fn a_referral_is_found_by_number_appointment_visit_or_time() {
    let (first, second) = (opened("sr1", "a1", 10), opened("sr2", "a2", 30));
    let candidates = [&first, &second];
    let check = |clues: Clues, expected: Option<&State>| {
        let found = match link(&clues, &candidates) {
            Link::Referral(id) => Some(id),
            Link::Suggested(_) => None,
        };
        assert_eq!(found, expected.map(State::id), "{clues:?}");
    };
    let patient = || Clues { patient: Some("Patient/p1".into()), ..Clues::default() };
    let hour = |hour: i64| Some(Timestamp::from_micros(hour * 3_600_000_000));
    check(Clues { service_request: Some("sr2".into()), ..patient() }, Some(&second));
    check(Clues { appointment: Some("a1".into()), ..patient() }, Some(&first));
    check(Clues { visit: Some("visit of a2".into()), ..patient() }, Some(&second));
    check(Clues { is_visit: true, start: hour(13), ..patient() }, Some(&first));
    check(Clues { is_visit: true, start: hour(15), ..patient() }, None);
    check(Clues { start: hour(10), ..patient() }, None);
    assert_eq!(link(&patient(), &candidates), Link::Suggested(vec![first.id(), second.id()]));
    assert_eq!(link(&Clues::default(), &candidates), Link::Suggested(Vec::new()));
}

#[test]
fn the_numbers_of_another_patient_link_nothing() {
    let state = opened("sr1", "a1", 10);
    let mut without_system = state.clone();
    without_system.request.placer_system = String::new();
    let (number, system) = (state.request.placer_number.clone(), state.request.placer_system.clone());
    assert!(!number.is_empty() && !system.is_empty());
    let of = |patient: &str| Clues {
        patient: Some(patient.into()).filter(|id: &String| !id.is_empty()),
        ..Clues::default()
    };
    let appointment = |patient: &str| Clues { appointment: Some("a1".into()), ..of(patient) };
    let visit = |patient: &str| Clues { visit: Some("visit of a1".into()), ..of(patient) };
    let request = |patient: &str| Clues { service_request: Some("sr1".into()), ..of(patient) };
    let placer = |patient: &str| Clues { placer_number: Some((number.clone(), system.clone())), ..of(patient) };
    let bare = |patient: &str| Clues { placer_number: Some((number.clone(), String::new())), ..of(patient) };
    let (same, other, unknown) = ("Patient/p1", "Patient/p9", "");
    for (clues, state, expected) in [
        (appointment(same), &state, true),
        (appointment(unknown), &state, true),
        (appointment(other), &state, false),
        (visit(same), &state, true),
        (visit(unknown), &state, true),
        (visit(other), &state, false),
        (request(other), &state, true),
        (placer(other), &state, true),
        (bare(same), &state, false),
        (bare(same), &without_system, true),
        (bare(unknown), &without_system, false),
        (bare(other), &without_system, false),
    ] {
        let found = matches!(link(&clues, &[state]), Link::Referral(_));
        assert_eq!(found, expected, "{clues:?}");
    }
}

#[test]
fn the_sender_of_the_request_is_the_placer() {
    let state = opened("sr1", "a1", 10);
    let from = |sender: &str, role| Event {
        key: "k".into(),
        occurred_at: Timestamp::default(),
        sender: sender.into(),
        role,
        what: What::Happened(Happening::Accepted),
    };
    assert_eq!(role_of(&from("EMR|NORTH", None), Some(&state)), Role::Placer);
    assert_eq!(role_of(&from("EMR|SOUTH", None), Some(&state)), Role::Filler);
    assert_eq!(role_of(&from("EMR|NORTH", Some(Role::Filler)), Some(&state)), Role::Filler);
    assert_eq!(role_of(&from("EMR|SOUTH", None), None), Role::Placer);
}

#[test]
fn the_task_is_the_record() {
    let state = opened("sr1", "a1", 10);
    let text = String::from_utf8(record(&state).to_json()).unwrap();
    for part in [
        format!(r#"{{"resourceType":"Task","id":"{}""#, state.id()),
        r#""status":"in-progress","businessStatus""#.into(),
        r#"{"system":"http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS","code":"5.1.1"}"#.into(),
        r#"{"system":"urn:loopgate:referral-state","code":"scheduled"}"#.into(),
        r#""focus":{"reference":"ServiceRequest/sr1"},"for":{"reference":"Patient/p1"}"#.into(),
        r#""restriction":{"period":{"end":""#.into(),
    ] {
        assert!(text.contains(&part), "{part} is not in {text}");
    }
}
