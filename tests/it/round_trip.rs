//! A message that is mapped and written again says the same: every mapped place of it has the same text.
//!
//! `round_trip/*.hl7` are messages of ours in which every field that the maps know is populated. What the trace calls
//! mapped is looked up in the message that is written from the resources. The envelope is the engine's: it is handed
//! over as facts, as the engine does, and MSH is not counted. `docs/mapping/round-trip.md` has the figures.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use loopgate::base::{Digest, Location};
use loopgate::hl7v2::timestamp::PartialDateTime;
use loopgate::hl7v2::{Charset, Header, Message};
use loopgate::mapping::{Context, Release, Sources};

use crate::support::checkout;

/// The mapped places of our own messages, so that the test cannot come to test nothing.
const OWN_PLACES_MIN: usize = 2300;

/// Larger files are collections of messages.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Of the mapped places of the messages of others, in percent: what comes back identical.
const CORPUS_SHARE_MIN: usize = 60;

/// The message that holds what does not come back where it was.
const NOT_RESTORED: &str = "tests/it/round_trip/oru_r01_not_restored.hl7";

/// Places that do not come back as they were, and why. `NOT_RESTORED` has each of them, the other messages none.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("PID-2.", "withdrawn in 2.5: a number among those of PID-3"),
    ("PID-4.", "withdrawn in 2.5: a number among those of PID-3"),
    ("PID-5.6.", "a suffix to FHIR, which XPN.4 holds"),
    ("PID-9.", "withdrawn in 2.5: a name among those of PID-5"),
    ("PID-11.1.2", "the parts of the street are lines to FHIR"),
    ("PID-11.1.3", "the parts of the street are lines to FHIR"),
    ("PID-12.", "withdrawn in 2.6: the county of PID-11.9"),
    ("PID-39.", "a citizenship, which PID-26 holds"),
    ("PID-40.", "a number among those of PID-13 and PID-14"),
    ("NK1-12.", "a number of the person, which NK1-33 holds"),
    ("NK1-40.", "a number among those of NK1-5 and NK1-6"),
    ("NK1-41.", "a number among those of NK1-5 and NK1-6"),
    ("PV2-13.", "a referrer, whom PV1-8 holds"),
    ("OBR-27.", "withdrawn in 2.7: the priority of OBR-5"),
    ("OBR-47.", "a detail among those of OBR-46"),
    ("OBX-2.", "VR, and SN with <> or +, are plain text to FHIR"),
    ("OBX-6.", "the unit of SN with <> or +, in the text"),
    ("OBX-5.", "VR, and SN with <> or +, are plain text to FHIR"),
    ("OBX-25.", "a performer, whom OBX-16 holds"),
];

/// A valued leaf of a message.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Leaf {
    segment: String,
    occurrence: u16,
    field: u16,
    repetition: u16,
    component: u16,
    subcomponent: u16,
}

impl Leaf {
    fn of(location: &Location) -> Self {
        Self {
            segment: location.segment.to_string(),
            occurrence: location.segment_repetition.unwrap_or(1),
            field: location.field.unwrap_or(0),
            repetition: location.field_repetition.unwrap_or(1),
            component: location.component.unwrap_or(1),
            subcomponent: location.subcomponent.unwrap_or(1),
        }
    }

    /// `PID-3.4.2`, wherever in the message.
    fn place(&self) -> String {
        format!("{}-{}.{}.{}", self.segment, self.field, self.component, self.subcomponent)
    }
}

fn leaves(message: &Message) -> BTreeMap<Leaf, String> {
    let mut found = BTreeMap::new();
    for segment in message.segments().filter(|segment| segment.name() != "MSH") {
        for (field, value) in segment.fields() {
            for (repetition, value) in (1..).zip(value.repetitions()) {
                for (component, value) in (1..).zip(value.components()) {
                    for (subcomponent, value) in (1..).zip(value.subcomponents()).filter(|(_, part)| part.is_valued()) {
                        let (segment, occurrence) = (segment.name().to_owned(), segment.occurrence());
                        let leaf = Leaf { segment, occurrence, field, repetition, component, subcomponent };
                        found.insert(leaf, value.text().into_owned());
                    }
                }
            }
        }
    }
    found
}

/// What became of the mapped places of one message.
#[derive(Default)]
struct Outcome {
    identical: usize,
    /// The same instant, written with the offset that the feed supplied or with seconds.
    explicit_times: usize,
    /// Place, text before, text after.
    other: Vec<(String, String, String)>,
    written: String,
}

/// `None` when the release has no map or nothing to write this message with.
fn outcome(release: &Release, text: &str) -> Option<Outcome> {
    let text = text.trim_start_matches(['\u{feff}', '\u{b}']).replace("\r\n", "\r").replace('\n', "\r");
    let (message, _) = Message::parse(text.as_str());
    let header = Header::read(text.as_bytes()).ok()?;
    let plan = release.select(&header.message_type())?;
    let context = Context {
        default_zone: TimeZone::UTC,
        message_digest: Digest::of(text.as_bytes()),
        sender: header.sender(),
        trace: true,
    };
    let mapped = plan.run(&message, &context);
    let unused: Vec<Leaf> = mapped.trace?.unused(&message).iter().map(Leaf::of).collect();
    let resources: Vec<_> = mapped.resources.iter().collect();
    let trigger = header.message_type().split('^').nth(1)?.to_owned();
    let facts = BTreeMap::from([("trigger".into(), trigger), ("whole_patient".into(), "true".to_owned())]);
    let sources = Sources { resources: &resources, facts: &facts };
    let written = release.render(plan.name(), &sources, Charset::Utf8)?;
    let written = String::from_utf8(written.bytes).ok()?;
    let after = leaves(&Message::parse(written.as_str()).0);
    let mut outcome = Outcome { written: written.replace('\r', "\n"), ..Outcome::default() };
    for (leaf, before) in leaves(&message).into_iter().filter(|(leaf, _)| !unused.contains(leaf)) {
        let after = after.get(&leaf).cloned().unwrap_or_default();
        if before == after {
            outcome.identical += 1;
        } else if same_instant(&before, &after) {
            outcome.explicit_times += 1;
        } else {
            outcome.other.push((leaf.place(), before, after));
        }
    }
    Some(outcome)
}

fn same_instant(before: &str, after: &str) -> bool {
    let instant = |text: &str| text.parse::<PartialDateTime>().ok().and_then(|time| time.to_instant(&TimeZone::UTC));
    instant(before).is_some_and(|before| Some(before) == instant(after))
}

/// The mapping files of the checkout, which are those of the binary, as `tidy` checks.
fn release() -> Release {
    let is_yaml = |path: &String| Path::new(path).extension().is_some_and(|ending| ending == "yaml");
    let files = checkout::files_below("mappings/v2").into_iter().filter(is_yaml);
    let files: BTreeMap<String, String> = files.map(|path| (path.clone(), checkout::read(&path))).collect();
    Release::compile(&files).unwrap_or_else(|found| panic!("{found:?}"))
}

#[test]
fn our_own_messages_come_back_with_every_mapped_field() {
    let release = release();
    let mut report = String::new();
    let messages = checkout::files_below("tests/it/round_trip").into_iter().filter(|name| name != NOT_RESTORED);
    let mut places = 0;
    for name in messages {
        let outcome = outcome(&release, &checkout::read(&name)).expect("a message that is mapped and written");
        println!("{name}: {} places identical, {} other", outcome.identical, outcome.other.len());
        places += outcome.identical;
        assert_eq!(outcome.explicit_times, 0, "our own times say everything");
        for (place, before, after) in &outcome.other {
            writeln!(report, "{name}: {place} was {before:?}, is {after:?}").unwrap();
        }
        if !outcome.other.is_empty() {
            writeln!(report, "{}", outcome.written).unwrap();
        }
    }
    assert!(report.is_empty(), "{report}");
    assert!(places >= OWN_PLACES_MIN, "{places}");
}

#[test]
fn what_is_not_restored_is_known() {
    let outcome = outcome(&release(), &checkout::read(NOT_RESTORED)).expect("a message that is mapped and written");
    let reason = |place: &str| EXCEPTIONS.iter().find(|(excepted, _)| place.starts_with(excepted));
    for (place, before, after) in &outcome.other {
        assert!(reason(place).is_some(), "{place} was {before:?}, is {after:?}\n{}", outcome.written);
    }
    for (excepted, _) in EXCEPTIONS {
        assert!(outcome.other.iter().any(|(place, ..)| place.starts_with(excepted)), "{excepted} comes back");
    }
}

#[test]
fn messages_of_others_come_back() {
    let folder = checkout::root().join("../shared/data/messages");
    if !folder.is_dir() {
        println!("SKIPPED: {} is not there to take messages from", folder.display());
        return;
    }
    let release = release();
    let mut figures: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for text in messages_below(&folder) {
        let Some(kind) = ["OSU", "SIU", "ORU", "REF"].into_iter().find(|kind| text.contains(&format!("|{kind}^")))
        else {
            continue;
        };
        let Some(outcome) = outcome(&release, &text) else { continue };
        let figure = figures.entry(kind).or_default();
        for (sum, count) in figure.iter_mut().zip([1, outcome.identical, outcome.explicit_times, outcome.other.len()]) {
            *sum += count;
        }
        for (place, ..) in outcome.other {
            *places.entry(format!("{kind} {place}")).or_default() += 1;
        }
    }
    let mut worst: Vec<_> = places.into_iter().map(|(place, count)| (count, place)).collect();
    worst.sort_by(|a, b| b.cmp(a));
    for (kind, [messages, identical, explicit_times, other]) in &figures {
        println!(
            "{kind}: {messages} messages, {identical} places identical, {explicit_times} times made explicit, {other} other"
        );
        let share = (identical + explicit_times) * 100 / (identical + explicit_times + other).max(1);
        assert!(share >= CORPUS_SHARE_MIN, "{kind}: {share} %: {:?}", &worst[..worst.len().min(60)]);
    }
    println!("{:?}", &worst[..worst.len().min(60)]);
}

/// The messages of all files that hold one.
fn messages_below(folder: &Path) -> Vec<String> {
    let mut folders = vec![PathBuf::from(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.extend(fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
    }
    found.retain(|text| {
        text.len() <= MESSAGE_BYTES_MAX && text.trim_start_matches(['\u{feff}', '\u{b}']).starts_with("MSH|")
    });
    found.sort();
    found
}
