//! Findings from small synthetic samples.

use super::*;
use crate::hl7v2::{Charset, Header, Message};
use crate::mapping::Release;
use crate::mapping::coverage::Coverage;
use crate::mapping::explain::{Declarations, Explanation};

/// Findings as if no map took anything; `unmapped_types` are given.
fn findings(messages: &[&[u8]], unmapped_types: Vec<UnmappedType>) -> Findings {
    let (mut samples, mut coverage) = (Samples::default(), Coverage::default());
    for bytes in messages {
        let Ok(header) = Header::read(bytes) else {
            samples.add_unreadable();
            continue;
        };
        let (message, _, charset) = Message::read(bytes, Charset::Ascii);
        samples.add(&Sample { bytes, message: &message, header: &header, charset: &charset });
        let explanation = Explanation::without_map(&message, &Declarations::default());
        coverage.add("a.hl7", &header.message_type(), &explanation, None);
    }
    Findings { samples, coverage: coverage.report(String::new()), tables: Tables::default(), unmapped_types }
}

fn message(id: &str, rest: &str) -> Vec<u8> {
    format!("MSH|^~\\&|EMR|NORTH|LG|LG|20260312083000||ADT^A01|{id}|P|2.5.1\r{rest}\r").into_bytes()
}

#[test]
fn habits_are_counted() {
    let messages: [&[u8]; 4] = [
        b"MSH|^~\\&|EMR|NORTH|LG|LG|20260312083000+0100||ADT^A01|1|P|2.5.1|||AL|NE||UNICODE UTF-8\rPID|1\r",
        b"MSH|^~\\&|EMR|NORTH|LG|LG|20260312083000||ADT^A08|2|T^x|2.3\nPID|1|||M\xfcller\nZPI|1\nZPI|2\n",
        b"MSH|^~\\&|EMR|NORTH|LG|LG|2026||ADT^A08|3|P|2.3\r\nPID|1\r\n",
        b"no header",
    ];
    let samples = findings(&messages, vec![]).samples;
    assert_eq!((samples.messages, samples.unreadable), (3, 1));
    let ends = LineEnds { carriage_return: 1, line_feed: 1, both: 1, mixed: 0 };
    assert_eq!(samples.line_ends, ends);
    assert_eq!(samples.versions.by_count(), [("2.3", 2), ("2.5.1", 1)]);
    assert_eq!(samples.processing_ids.by_count(), [("P", 2), ("T", 1)]);
    assert_eq!(samples.acknowledgements.by_count(), [("original mode", 2), ("AL/NE", 1)]);
    assert_eq!(samples.charsets_declared.by_count(), [("UNICODE UTF-8", 1)]);
    assert_eq!((samples.times_with_offset, samples.times_without_offset), (1, 1));
    assert_eq!(samples.local_segments().next(), Some(("ZPI", SegmentUse { messages: 1, most: 2 })));
    assert!(samples.default_charset().is_some_and(|charset| charset.code() == "8859/1"));
}

#[test]
fn duplicates_are_told_apart() {
    let one = message("1", "PID|1||17");
    let other = message("1", "PID|1||18");
    let again = message("2", "PID|1||17");
    let nameless = message("", "PID|1||19");
    let found = findings(&[&one, &one, &other, &again, &nameless], vec![]).samples.duplicates;
    assert_eq!([found.resent, found.reused_ids, found.same_content, found.without_id], [1, 1, 1, 1]);
}

#[test]
fn keys_that_order_are_found() {
    let with_patient = message("1", "PID|1||17^^^NORTH^MR~9^^^^SS");
    let with_order = message("2", "ORC|NW|R1^EMR\rOBR|1|R1^EMR");
    let with_nothing = message("3", "EVN|A01");
    let found = findings(&[&with_patient, &with_order, &with_nothing], vec![]);
    let keys = &found.samples.keys;
    let names: Vec<&str> = keys.identifiers.keys().map(String::as_str).collect();
    assert_eq!(names, ["OBR-2", "ORC-2", "PID-3 MR of NORTH", "PID-3 SS"]);
    assert_eq!((keys.with_patient_number, keys.with_other_number, keys.with_nothing), (1, 1, 1));
    let advice = advice(&found);
    assert_eq!(advice[0], "Order: no identifier stands in every message.");
    assert!(advice.iter().any(|sentence| sentence.starts_with("PID-3 SS names no authority")), "{advice:?}");
    let ordered = findings(&[&with_patient, &message("2", "PID|1||18^^^NORTH^MR")], vec![]);
    assert_eq!(super::advice(&ordered)[0], "Order: PID-3 MR of NORTH stands in every message.");
}

#[test]
fn the_configuration_is_valid_whatever_the_samples_say() {
    let odd: [&[u8]; 3] = [
        b"MSH|^~\\&|E\"M\\R\x07|#|||20260312083000||ADT^A01|1|\"P|2.5.1\r",
        b"MSH|^~\\&|||||||||\r",
        b"MSH|^~\\&|EMR|NORTH|||20260312083000||ORU^R01|1|P|2.5.1|||NE|AL\rOBX|1|ST|||\xe4\r",
    ];
    for bytes in odd {
        let found = findings(&[bytes], vec![]);
        let text = configuration(&found, &feed_name(&found), MappingFiles::default());
        let checked = toml::from_str::<toml::Table>(&text);
        assert!(checked.is_ok(), "{text}\n{checked:?}");
    }
    let found = findings(&odd, vec![]);
    assert!(configuration(&found, "a", MappingFiles::default()).contains("ack = \"applied\""));
}

#[test]
fn the_overlay_compiles_and_maps_what_names_a_known_structure() {
    let row = |message_type: &str, structure: Option<&str>| UnmappedType {
        message_type: message_type.to_owned(),
        messages: 1,
        structure: structure.map(str::to_owned),
    };
    for (types, mapped) in [
        (vec![], None),
        (vec![row("ADT^Z99", Some("ADT_A01")), row("XYZ^X01", None)], Some("ADT^Z99")),
        (vec![row("ADT^Z\n- bad", Some("ADT_A01"))], None),
    ] {
        let found = findings(&[&message("1", "ZPI|1\rPID|1")], types);
        let text = overlay(&found, "north");
        let overlays = [("overlays/north.yaml".to_owned(), text.clone())];
        let release = Release::with_overlays(&crate::mapping::builtin_files(), &overlays);
        let release = release.unwrap_or_else(|faults| panic!("{faults:?}\n{text}"));
        if let Some(mapped) = mapped {
            assert!(release.select(mapped).is_some(), "{text}");
        }
        assert!(text.contains("# ZPI: in 1 messages, at most 1 in one"), "{text}");
    }
}

#[test]
fn tables_list_the_codes_they_translated() {
    let text = message("1", "PID|1||17^^^NORTH^MR||Everyman^Ann||19700131|F");
    let (message, _, _) = Message::read(&text, Charset::Ascii);
    let context = crate::mapping::Context {
        default_zone: jiff::tz::TimeZone::UTC,
        message_digest: crate::base::Digest::of(&text),
        sender: "EMR|NORTH".into(),
        trace: true,
    };
    let mapped = Release::builtin().select("ADT^A01").expect("a plan").run(&message, &context);
    let mut tables = Tables::default();
    tables.add(&Explanation::new(&message, &mapped, &Declarations::default()));
    let sex = tables.iter().find(|(table, _)| *table == "AdministrativeSex").expect("the table");
    assert_eq!(sex.1.by_count(), [("F", 1)]);
}
