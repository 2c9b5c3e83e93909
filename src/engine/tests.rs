//! Decisions over a desk that nobody takes away: messages in, conclusions out, no store.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::decide::{Decider, decide};
use super::desk::Desk;
use super::dispatch::{Dispatcher, Ourselves};
use super::read::Reader;
use super::releases::Releases;
use crate::base::ids::{FeedName, MessageId};
use crate::base::{SeededRandom, Timestamp};
use crate::fhir::{Node, Resource};
use crate::hl7v2::Header;
use crate::mapping::Release;
use crate::record::{Conclusion, MessageOutcome, ResourceKey, StoredMessage, WorkItemKind};
use crate::routing::{RouteSettings, Table};
use crate::workflow::Policy;

/// The release of a feed that says nothing of overlays.
fn as_configured() -> Release {
    Release::builtin_with(&["arrival", "appointment-status"]).unwrap()
}

/// A gateway without a store: what is decided stays on the desk.
struct Bench {
    desk: Desk,
    reader: Arc<Reader>,
    decider: Decider,
    sent: i64,
    heard: Vec<StoredMessage>,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        let reader = Arc::new(Reader::new(Releases::new(as_configured(), HashMap::new()), HashMap::new()));
        let route = RouteSettings { endpoint: "referrer".to_owned(), ..RouteSettings::default() };
        let dispatcher = Dispatcher {
            table: Table::new(vec![route]).unwrap(),
            reader: Arc::clone(&reader),
            ourselves: Ourselves { application: "LOOPGATE".to_owned(), facility: "HUB".to_owned() },
        };
        let decider =
            Decider { policy: Arc::new(Policy::default()), dispatcher, random: Arc::new(SeededRandom::new(1)) };
        // 2026-03-02T09:00:00Z, a Monday.
        let now = Timestamp::from_micros(1_772_442_000_000_000);
        Self { desk: Desk::default(), reader, decider, sent: 0, heard: Vec::new(), now }
    }

    /// `segments` follow an MSH of `sender` (`application|facility`) that is sent now.
    fn hear(&mut self, sender: &str, kind: &str, segments: &str) -> Conclusion {
        self.sent += 1;
        self.now = self.now.plus(Duration::from_mins(1));
        let at = self.now.to_zoned().strftime("%Y%m%d%H%M%S+0000");
        let text = format!("MSH|^~\\&|{sender}|GW|HUB|{at}||{kind}|K{}|P|2.5.1\r{segments}\r", self.sent);
        let header = Header::read(text.as_bytes()).unwrap();
        let message = StoredMessage {
            id: MessageId(self.sent),
            feed: FeedName::new("feed"),
            sender: header.sender(),
            control_id: header.control_id.clone(),
            message_type: header.message_type(),
            bytes: text.into_bytes().into(),
            charset_declared: "".into(),
            charset_detected: "".into(),
            received_at: self.now,
            outcome: MessageOutcome::Pending,
            concluded_at: None,
            issues: "[]".into(),
            release: "".into(),
            control_id_reused: false,
            tries: 0,
        };
        self.heard.push(message.clone());
        self.process(message)
    }

    fn process(&mut self, message: StoredMessage) -> Conclusion {
        let reading = self.reader.read(message);
        decide(&self.decider, &mut self.desk, &[reading], self.now).remove(0)
    }

    /// Runs the message of this place again, counted from the first.
    fn replay(&mut self, place: usize) -> Conclusion {
        self.now = self.now.plus(Duration::from_mins(1));
        let message = self.heard[place].clone();
        self.process(message)
    }

    fn patients(&self, conclusion: &Conclusion) -> Vec<Resource> {
        let keys = conclusion.resources.iter().map(|write| &write.key).filter(|key| key.kind == "Patient");
        keys.filter_map(|key| self.desk.resource(key)).cloned().collect()
    }
}

const REFERRER: &str = "EMR|NORTH";
const CLINIC: &str = "EMR|HEART";

fn pid(number: &str) -> String {
    format!("PID|1||{number}^^^NORTH^MR||Testcase^Ann||19710423|F")
}

fn refer(bench: &mut Bench, number: &str, patient: &str) -> Conclusion {
    let segments = format!("{}\rORC|NW|{number}^NORTH\rOBR|1|{number}^NORTH||CARD^Cardiology^L", pid(patient));
    bench.hear(REFERRER, "OMG^O19^OMG_O19", &segments)
}

fn book(bench: &mut Bench, number: &str, patient: &str, visit: &str) -> Conclusion {
    let segments = format!(
        "SCH||APT-{number}^HEART|||||||30|min|^^30^20260302120000+0000^20260302123000+0000||||||||||||||Booked|{number}^NORTH\r{}\rPV1|1|O|||||||||||||||||{visit}^^^HEART^VN\rRGS|1",
        pid(patient)
    );
    bench.hear(CLINIC, "SIU^S12^SIU_S12", &segments)
}

fn events(conclusion: &Conclusion) -> Vec<&str> {
    conclusion.deliveries.iter().map(|delivery| delivery.event.as_str()).collect()
}

#[test]
fn a_referral_is_told_received_accepted_and_scheduled_in_order() {
    let mut bench = Bench::new();
    assert_eq!(events(&refer(&mut bench, "R1", "1")), ["referral.received"]);
    let booked = book(&mut bench, "R1", "1", "V1");
    assert_eq!(events(&booked), ["referral.accepted", "referral.scheduled"]);
    let sequences: Vec<u32> = booked.deliveries.iter().map(|delivery| delivery.sequence).collect();
    assert_eq!(sequences, [2, 3]);
    let text = String::from_utf8_lossy(&booked.deliveries[0].payload.bytes).into_owned();
    assert!(text.contains("|OSU^O51^OSU_O51|") && text.contains("\rORC|OK|R1^NORTH|"), "{text}");
}

#[test]
fn what_is_known_is_not_written_again() {
    let mut bench = Bench::new();
    let first = bench.hear(CLINIC, "ADT^A08^ADT_A01", &format!("{}\rPV1|1|O|CARD^R1", pid("1")));
    assert!(first.resources.iter().any(|write| write.key.kind == "Patient"));
    let second = bench.hear(CLINIC, "ADT^A08^ADT_A01", &format!("{}\rPV1|1|O|CARD^R1", pid("1")));
    assert!(!second.resources.iter().any(|write| matches!(write.key.kind.as_str(), "Patient" | "Location")));
}

#[test]
fn a_visit_of_another_patient_moves_nothing() {
    let mut bench = Bench::new();
    refer(&mut bench, "R1", "1");
    book(&mut bench, "R1", "1", "V1");
    let other = bench.hear(CLINIC, "ADT^A03^ADT_A03", &format!("{}\rPV1|1|O|||||||||||||||||V1^^^HEART^VN", pid("2")));
    assert!(other.referrals.is_empty() && other.deliveries.is_empty());
}

#[test]
fn a_filler_adds_its_number_and_changes_nothing_else_of_the_request() {
    let mut bench = Bench::new();
    refer(&mut bench, "R1", "1");
    let segments =
        format!("{}\rORC|SC|R1^NORTH|F9^HEART||CM\rOBR|1|R1^NORTH|F9^HEART|OTHER^Something else^L", pid("1"));
    let said = bench.hear(CLINIC, "ORM^O01^ORM_O01", &segments);
    let request = said.resources.iter().find(|write| write.key.kind == "ServiceRequest");
    let key = request.map(|write| write.key.clone()).expect("the filler's number is new");
    let request = bench.desk.resource(&key).unwrap();
    assert_eq!(request.text(&["code", "coding", "code"]), Some("CARD"));
    assert_eq!(request.text(&["status"]), Some("active"));
    let numbers: Vec<&str> =
        request.get("identifier").unwrap().items().iter().filter_map(|number| number.text(&["value"])).collect();
    assert!(numbers.contains(&"R1") && numbers.contains(&"F9"), "{numbers:?}");
}

#[test]
fn a_merge_redirects_and_a_second_one_leaves_the_survivor_as_it_is() {
    let mut bench = Bench::new();
    refer(&mut bench, "R1", "1");
    bench.hear(CLINIC, "ADT^A08^ADT_A01", &pid("2"));
    let merge = format!("EVN|A40|20260302\r{}\rMRG|1^^^NORTH^MR", pid("2"));
    let first = bench.hear(CLINIC, "ADT^A40^ADT_A39", &merge);
    assert_eq!(first.redirects.len(), 1);
    assert_eq!(first.referrals.len(), 1, "the open referral follows the survivor");
    let second = bench.hear(CLINIC, "ADT^A40^ADT_A39", &merge);
    assert!(second.redirects.is_empty());
    let survivor: ResourceKey = first.redirects[0].to.clone();
    let patient = bench.desk.resource(&survivor).unwrap();
    assert_ne!(patient.get("active").and_then(Node::as_bool), Some(false));
    assert!(bench.patients(&second).iter().all(|patient| patient.id() == Some(survivor.id.as_str())));
    assert!(booked_for(&mut bench, &survivor));
}

/// Whether a booking under the merged number lands at the survivor.
fn booked_for(bench: &mut Bench, survivor: &ResourceKey) -> bool {
    let booked = book(bench, "R1", "1", "V1");
    let appointment = booked.resources.iter().find(|write| write.key.kind == "Appointment").unwrap();
    String::from_utf8_lossy(&appointment.content).contains(&survivor.to_string())
}

#[test]
fn an_appointment_without_a_number_is_suggested_to_a_person() {
    let mut bench = Bench::new();
    refer(&mut bench, "R1", "1");
    let segments =
        format!("SCH||APT-9^HEART|||||||30|min|^^30^20260310120000+0000||||||||||||||Booked\r{}\rRGS|1", pid("1"));
    let said = bench.hear(CLINIC, "SIU^S12^SIU_S12", &segments);
    assert!(said.referrals.is_empty());
    let kinds: Vec<WorkItemKind> = said.work_items.iter().map(|item| item.kind).collect();
    assert!(kinds.contains(&WorkItemKind::UnknownReferral), "{kinds:?}");
}

#[test]
fn a_status_for_an_unknown_referral_is_kept_for_a_person() {
    let mut bench = Bench::new();
    let said = bench.hear(CLINIC, "OSU^O51^OSU_O51", &format!("{}\rORC|OK|R7^NORTH|||IP", pid("1")));
    assert_eq!(said.outcome, MessageOutcome::Processed);
    assert_eq!(said.work_items.iter().map(|item| item.kind).collect::<Vec<_>>(), [WorkItemKind::UnknownReferral]);
}

fn gender(bench: &Bench, conclusion: &Conclusion) -> Option<String> {
    bench.patients(conclusion).first().and_then(|patient| patient.text(&["gender"]).map(str::to_owned))
}

/// A release whose table of sexes says `other` where the built-in one says `female`.
fn corrected() -> Release {
    let mut files = crate::mapping::builtin_files();
    let (_, sexes) = files.iter_mut().find(|(name, _)| name.ends_with("/AdministrativeSex.yaml")).unwrap();
    let changed = sexes.replace("F: { code: female,", "F: { code: other,");
    assert_ne!(*sexes, changed);
    *sexes = changed;
    Release::compile(&files).unwrap()
}

#[test]
fn a_replay_corrects_what_the_message_made() {
    let mut bench = Bench::new();
    let first = bench.hear(CLINIC, "ADT^A08^ADT_A01", &format!("{}\rPV1|1|O", pid("1")));
    assert_eq!(gender(&bench, &first).as_deref(), Some("female"));
    assert!(bench.replay(0).resources.is_empty(), "nothing is new under the same release");
    bench.reader.swap(Releases::new(corrected(), HashMap::new()));
    let again = bench.replay(0);
    assert_eq!(gender(&bench, &again).as_deref(), Some("other"));
    assert!(bench.replay(0).resources.is_empty(), "twice is once");
}

#[test]
fn a_replay_leaves_what_a_later_message_said() {
    let mut bench = Bench::new();
    bench.hear(CLINIC, "ADT^A08^ADT_A01", "PID|1||1^^^NORTH^MR||Testcase^Ann||19710423|F\rPV1|1|O");
    bench.hear(CLINIC, "ADT^A08^ADT_A01", "PID|1||1^^^NORTH^MR||Newname^Ann||19710423|M\rPV1|1|O");
    let again = bench.replay(0);
    assert!(!again.resources.iter().any(|write| write.key.kind == "Patient"), "the later name and sex stand");
    assert!(again.issues.iter().any(|issue| issue.text.contains("later messages")), "{:?}", again.issues);
}

#[test]
fn a_replay_moves_no_referral_twice() {
    let mut bench = Bench::new();
    refer(&mut bench, "R1", "1");
    book(&mut bench, "R1", "1", "V1");
    for place in [0, 1] {
        let again = bench.replay(place);
        assert!(again.deliveries.is_empty() && again.work_items.is_empty(), "{:?}", events(&again));
        assert!(again.referrals.iter().all(|write| write.events.is_empty()));
    }
}

#[test]
fn filling_a_gap_makes_an_older_message_no_newer() {
    let mut bench = Bench::new();
    bench.hear(CLINIC, "ADT^A08^ADT_A01", "PID|1||1^^^NORTH^MR||Testcase^Ann||19710423|F\rPV1|1|O");
    bench.hear(CLINIC, "ADT^A08^ADT_A01", "PID|1||1^^^NORTH^MR||Newname^Ann||\"\"|M\rPV1|1|O");
    let filled = bench.replay(0);
    assert!(filled.resources.iter().any(|write| write.key.kind == "Patient"), "the birth date was a gap");
    let again = bench.replay(0);
    assert!(!again.resources.iter().any(|write| write.key.kind == "Patient"), "the later name and sex still stand");
    assert_eq!(gender(&bench, &filled).as_deref(), Some("male"));
}
