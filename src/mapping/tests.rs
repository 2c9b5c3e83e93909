//! The base maps as a whole: they compile, and messages come out as resources.

use jiff::tz::TimeZone;

use super::*;
use crate::base::Digest;
use crate::hl7v2::Message;

pub(super) fn map(text: &str) -> Mapped {
    let (message, _) = Message::parse(text);
    let header = message.segment("MSH").expect("a message begins with MSH");
    let part = |number| header.field(9).repetition(1).component(number).text();
    let kind = format!("{}^{}", part(1), part(2));
    let context = Context { default_zone: TimeZone::UTC, message_digest: Digest::of(text.as_bytes()), trace: true };
    Release::builtin().select(&kind).expect("a plan for the message type").run(&message, &context)
}

#[test]
fn the_base_maps_compile() {
    if let Err(found) = Release::compile(&builtin_files()) {
        let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"));
    }
}

#[test]
fn one_bad_value_costs_one_leaf_and_nulls_delete() {
    let mapped =
        map("MSH|^~\\&|A|B|||20260312||ADT^A08|1|P|2.5.1\rPID|||7^^^M&1.2&ISO^MR||A^B||19709999|\"\"|||||\"\"");
    let patient = &mapped.resources.iter().find(|resource| resource.kind() == "Patient").unwrap();
    assert_eq!(patient.text(&["name", "family"]), Some("A"));
    assert!(patient.get("birthDate").is_none());
    assert_eq!(mapped.issues.len(), 1);
    assert_eq!(mapped.issues[0].location.as_ref().unwrap().to_string(), "PID-7");
    let cleared: Vec<&str> = mapped.cleared.iter().map(|(_, element)| element.as_str()).collect();
    assert_eq!(cleared, ["telecom", "gender"]);
}

/// The files of a folder of cases, by name.
fn cases() -> Vec<std::path::PathBuf> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/v2/cases");
    let files = std::fs::read_dir(folder).expect("the folder of cases is there");
    let mut files: Vec<_> = files.map(|file| file.expect("a readable folder").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "hl7"));
    files.sort();
    files
}

#[test]
fn every_case_comes_out_as_written_beside_it() {
    let release = Release::builtin();
    let mut wrong = Vec::new();
    for case in cases() {
        let message = std::fs::read_to_string(&case).expect("a readable case");
        let got = cases::outcome(&release, &message).unwrap_or_else(|why| panic!("{}: {why}", case.display()));
        let expected = std::fs::read(case.with_extension("json")).unwrap_or_default();
        let expected = crate::fhir::Node::parse(&expected).unwrap_or(crate::fhir::Node::Null);
        wrong.extend(cases::differences(&expected, &got).into_iter().map(|what| format!("{}: {what}", case.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Writes the outcome of every case beside it, to be read and committed: `cargo test write_cases -- --ignored`.
#[test]
#[ignore = "writes files"]
fn write_cases() {
    let release = Release::builtin();
    for case in cases() {
        let message = std::fs::read_to_string(&case).expect("a readable case");
        let got = cases::outcome(&release, &message).unwrap_or_else(|why| panic!("{}: {why}", case.display()));
        std::fs::write(case.with_extension("json"), cases::pretty(&got)).expect("a writable folder");
    }
}

#[test]
fn the_list_of_base_maps_is_complete() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("mappings")];
    let mut names = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                names.push(path.strip_prefix(root).expect("within the root").to_string_lossy().into_owned());
            }
        }
    }
    names.sort();
    assert_eq!(builtin_files().into_keys().collect::<Vec<_>>(), names, "see src/mapping/builtin.rs");
}
