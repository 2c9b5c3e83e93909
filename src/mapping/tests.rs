//! The base maps as a whole: they compile, and messages come out as resources.

use jiff::tz::TimeZone;

use super::*;
use crate::base::Digest;
use crate::hl7v2::{Header, Message};

/// The release of a feed that says nothing of overlays.
pub(super) fn as_configured() -> &'static Release {
    static RELEASE: std::sync::OnceLock<Release> = std::sync::OnceLock::new();
    RELEASE.get_or_init(|| {
        Release::builtin_with(&["arrival", "appointment-status"]).expect("the overlays fit the base maps")
    })
}

pub(super) fn map(text: &str) -> Mapped {
    let (message, _) = Message::parse(text);
    let header = message.segment("MSH").expect("a message begins with MSH");
    let part = |number| header.field(9).repetition(1).component(number).text();
    let kind = format!("{}^{}", part(1), part(2));
    let sender = Header::read(text.as_bytes()).expect("a header that reads").sender();
    let message_digest = Digest::of(text.as_bytes());
    let context = Context { default_zone: TimeZone::UTC, message_digest, sender, trace: true };
    as_configured().select(&kind).expect("a plan for the message type").run(&message, &context)
}

#[test]
fn an_acknowledgement_is_one_whatever_its_event() {
    for kind in ["ACK", "ACK^", "ACK^A08", "ACK^Z99"] {
        assert!(as_configured().select(kind).is_some(), "{kind}");
    }
    assert!(as_configured().select("ADT").is_none() && as_configured().select("ADT^Z99").is_none());
}

#[test]
fn the_base_maps_compile() {
    if let Err(found) = Release::compile(&builtin_files()) {
        let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"));
    }
}

#[test]
fn the_site_rules_say_what_the_guide_leaves_open() {
    for (name, kind, status) in [
        ("adt_a04", "Encounter", "arrived"),
        ("siu_s15", "Appointment", "cancelled"),
        ("siu_s17", "Appointment", "entered-in-error"),
        ("siu_s26", "Appointment", "noshow"),
    ] {
        let mapped = case(name);
        let made = mapped.resources.iter().find(|resource| resource.kind() == kind).expect("the resource is made");
        assert_eq!(made.text(&["status"]), Some(status), "{name}");
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

fn id_of(mapped: &Mapped, kind: &str) -> String {
    let resource = mapped.resources.iter().find(|resource| resource.kind() == kind);
    resource.and_then(crate::fhir::Resource::id).expect("a resource of that type, with an id").to_owned()
}

/// A message of a facility with what stands in PID-3 and PV1-19.
fn visit(facility: &str, patient: &str, visit: &str) -> Mapped {
    let end = "|".repeat(18);
    map(&format!("MSH|^~\\&|EMR|{facility}|||20260312||ADT^A08|1|P|2.5.1\rPID|1||{patient}||A^B\rPV1|1{end}{visit}"))
}

#[test]
fn a_number_without_an_authority_is_not_that_of_another_sender() {
    let check = |patient: &str, number: &str, same: bool| {
        let [north, again, south] = ["NORTH", "NORTH", "SOUTH"].map(|facility| visit(facility, patient, number));
        for kind in ["Patient", "Encounter"] {
            assert_eq!(id_of(&north, kind), id_of(&again, kind), "{kind} {patient}");
            assert_eq!(id_of(&north, kind) == id_of(&south, kind), same, "{kind} {patient}");
        }
    };
    check("17^^^^MR", "V1", false);
    check("17", "V1^^^^VN", false);
    check("17^^^&1.2&ISO^MR", "V1^^^&1.3&ISO", true);
}

#[test]
fn a_name_space_with_blanks_is_a_system_too() {
    let encounter = visit("NORTH", "17^^^Grün West^MR", "V1");
    let patient = encounter.resources.iter().find(|resource| resource.kind() == "Patient").expect("one");
    assert_eq!(patient.text(&["identifier", "system"]), Some("urn:loopgate:authority:Gr%C3%BCn%20West"));
    assert_eq!(encounter.issues, []);
}

#[test]
fn a_number_that_people_share_makes_no_patient() {
    let shared = "123^^^USSSA&1.9&ISO^SS";
    let id = |facility: &str, patient: &str| id_of(&visit(facility, patient, "V1"), "Patient");
    assert_ne!(id("NORTH", shared), id("SOUTH", shared));
    assert_eq!(id("NORTH", shared), id("NORTH", shared));
    let [first, second] = ["7", "8"].map(|own| id("NORTH", &format!("{shared}~{own}^^^X^U")));
    assert_ne!(first, second);
}

#[test]
fn a_reference_by_a_bare_number_means_the_one_of_the_same_facility() {
    let text = |facility: &str, kind: &str, rest: &str| {
        map(&format!("MSH|^~\\&|A|{facility}|||20260312||{kind}|1|P|2.5.1\rPID|1||17^^^^MR\r{rest}"))
    };
    let order = id_of(&text("NORTH", "OMG^O19", "ORC|NW|889342\rOBR|1|889342||X"), "ServiceRequest");
    for (facility, same) in [("NORTH", true), ("SOUTH", false)] {
        let report = text(facility, "ORU^R01", "ORC|RE|889342|R-1\rOBR|1|889342|R-1|X");
        let report = report.resources.iter().find(|resource| resource.kind() == "DiagnosticReport").expect("one");
        let reference = report.text(&["basedOn", "reference"]).expect("a link");
        assert_eq!(reference == format!("ServiceRequest/{order}"), same, "{facility}");
    }
}

/// The files of a folder of cases, by name.
pub(super) fn cases() -> Vec<std::path::PathBuf> {
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
    let mut folders = vec![root.join("mappings/v2"), root.join("mappings/overlays")];
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

fn case(name: &str) -> Mapped {
    let text = builtin_case(name);
    map(&text.replace('\n', "\r"))
}

fn builtin_case(name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/v2/cases");
    std::fs::read_to_string(folder.join(name).with_extension("hl7")).expect("a case of that name")
}

/// Renders from the resources of cases; the facts are those that every message has and the given ones.
fn render(name: &str, cases: &[&str], facts: &[(&str, &str)]) -> Vec<String> {
    let mapped: Vec<Mapped> = cases.iter().map(|name| case(name)).collect();
    let mut resources: Vec<&crate::fhir::Resource> = Vec::new();
    for resource in mapped.iter().flat_map(|mapped| &mapped.resources) {
        if !resources.iter().any(|other| (other.kind(), other.id()) == (resource.kind(), resource.id())) {
            resources.push(resource);
        }
    }
    let common = [
        ("control_id", "C1"),
        ("message_time", "2026-03-12T12:00:00+01:00"),
        ("processing_id", "P"),
        ("sending_facility", "^1.2.3^ISO"),
    ];
    let facts = common.iter().chain(facts).map(|(name, text)| ((*name).into(), (*text).to_owned())).collect();
    let sources = Sources { resources: &resources, facts: &facts };
    let rendered = Release::builtin().render(name, &sources, crate::hl7v2::Charset::Utf8).expect("a map of that name");
    assert_eq!(rendered.issues, []);
    let text = String::from_utf8(rendered.bytes).expect("UTF-8 was asked for");
    text.split_terminator('\r').map(str::to_owned).collect()
}

#[test]
fn a_bundle_is_written_as_it_would_be_built() {
    let mapped = case("oru_r01");
    let mut out = Vec::new();
    write_bundle(&mapped, &mut out);
    assert!(out == bundle(&mapped).to_json());
}

#[test]
fn a_status_goes_back_with_the_number_as_it_came() {
    let lines = render(
        "OSU_O51",
        &["omg_o19"],
        &[
            ("order_control", "UA"),
            ("order_status", "CA"),
            ("event_time", "2026-03-12T11:59:00+01:00"),
            ("filler_number", "R-5^CRM"),
            ("reason_text", "No capacity"),
            ("note", "Try the clinic | in town"),
        ],
    );
    assert_eq!(
        lines,
        [
            "MSH|^~\\&||^1.2.3^ISO|||20260312120000+0100||OSU^O51^OSU_O51|C1|P|2.5.1||||||UNICODE UTF-8",
            "NTE|1||Try the clinic \\F\\ in town",
            "PID|1||MRN-1001^^^MERCY&2.16.840.1.113883.3.777&ISO^MR||Muster^Maxine||19700615|F",
            "ORC|UA|889342^EMR^2.16.840.1.113883.3.555^ISO|R-5^CRM||CA||||20260312115900+0100|||7777^Referrer^Rita^Q^^Dr^^^&2.16.840.1.113883.3.555&ISO^L^^^DN||||^No capacity",
        ]
    );
}

#[test]
fn an_appointment_goes_out_with_its_times_and_its_referral() {
    let lines = render("SIU_S12", &["omg_o19", "siu_s26"], &[("trigger", "S26")]);
    let starts = |start: &str| lines.iter().find(|line| line.starts_with(start)).expect("a segment").clone();
    assert_eq!(
        starts("SCH"),
        "SCH|A-1^EMR|18467^^2.16.840.1.113883.3.777.5^ISO||||NEW^New appointment^L|CHECKUP^Check-up^HL70276|CONSULT^Consultation^L|30|min|^^^20260401100000+0200^20260401103000+0200|||||5551^Clerk^Cara|||||||||Noshow|889342^EMR^2.16.840.1.113883.3.555^ISO"
    );
    assert_eq!(starts("TQ1"), "TQ1|1||||||20260401100000+0200|20260401103000+0200");
    assert_eq!(starts("RGS"), "RGS|1");
}

#[test]
fn a_report_comes_back_as_it_went() {
    let lines = render("ORU_R01", &["oru_r01", "omg_o19"], &[]);
    let first = case("oru_r01");
    // The numbers of the results are those of their sender.
    let second = map(&lines.join("\r").replace("|^1.2.3^ISO|", "|MERCY^2.16.840.1.113883.3.777^ISO|"));
    for kind in ["DiagnosticReport", "Observation"] {
        let of_kind = |mapped: &Mapped| {
            let resource = mapped.resources.iter().find(|resource| resource.kind() == kind).expect("one").clone();
            ["id", "status", "code", "valueQuantity", "basedOn", "effectiveDateTime", "subject"]
                .map(|element| resource.get(element).cloned())
        };
        assert!(of_kind(&first) == of_kind(&second), "{kind}: {}", lines.join("\n"));
    }
}
