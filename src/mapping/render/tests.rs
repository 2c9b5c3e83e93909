//! The outgoing messages of the base maps, written from resources made here.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::*;
use crate::mapping::Release;

/// The segments of a message, without MSH.
fn written(name: &str, resources: &[&str], facts: &[(&str, &str)]) -> Vec<String> {
    let resources: Vec<Resource> = resources.iter().map(|json| Resource::parse(json.as_bytes()).unwrap()).collect();
    let resources: Vec<&Resource> = resources.iter().collect();
    let facts =
        facts.iter().map(|(name, value)| (SmolStr::from(*name), (*value).to_owned())).collect::<BTreeMap<_, _>>();
    let sources = Sources { resources: &resources, facts: &facts };
    let rendered = Release::builtin().render(name, &sources, Charset::Utf8).expect("a message of that name");
    String::from_utf8(rendered.bytes).unwrap().split_terminator('\r').map(str::to_owned).collect()
}

fn check(name: &str, resources: &[&str], facts: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(written(name, resources, facts)[1..], *expected, "{name}");
}

const OUTCOME: &str = r#"{"resourceType":"OperationOutcome","id":"o","issue":[
    {"severity":"error","code":"required","location":["PID-3[2].1"],"diagnostics":"expected a number & a type"},
    {"severity":"warning","code":"code-invalid","details":{"text":"Nobody knows this code"}}]}"#;

#[test]
fn an_acknowledgement_has_an_error_for_each_issue() {
    check(
        "ACK",
        &[OUTCOME],
        &[("acknowledged_id", "M7"), ("trigger", "A08")],
        &[
            "MSA|AE|M7",
            "ERR||PID^1^3^2^1|101^^HL70357|E|||expected a number \\T\\ a type",
            "ERR|||103^^HL70357|W||||Nobody knows this code",
        ],
    );
}

#[test]
fn old_versions_get_their_form_of_an_error() {
    let lines = written("ACK-2.3", &[OUTCOME], &[("acknowledged_id", "M7")]);
    assert!(lines[0].contains("|2.3|") || lines[0].ends_with("|2.3"), "{}", lines[0]);
    assert_eq!(lines[1..], ["MSA|AE|M7", "ERR|PID^1^3^101", "ERR|^^^103"]);
}

const REQUEST: &str = r#"{"resourceType":"ServiceRequest","id":"s","status":"active","intent":"order","identifier":[
    {"type":{"coding":[{"code":"PLAC"}]},"system":"urn:loopgate:authority:EMR","value":"889342",
     "extension":[{"url":"urn:loopgate:as-received","valueString":"889342^EMR^1.2.3^ISO"}]}],
    "code":{"coding":[{"system":"http://loinc.org","code":"11488-4"}]},"subject":{"reference":"Patient/p"},
    "requester":{"reference":"PractitionerRole/r"},"occurrencePeriod":{"end":"2026-06-12"}}"#;

const ROLE: &str = r#"{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/d"},
    "code":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0286","code":"RP"}]}]}"#;

const PRACTITIONER: &str =
    r#"{"resourceType":"Practitioner","id":"d","name":[{"family":"Referrer","given":["Rita"]}]}"#;

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p","name":[{"family":"Muster"}],"identifier":[{"value":"1"},
    {"system":"http://hl7.org/fhir/sid/us-ssn","value":"123-45-6789"}]}"#;

#[test]
fn a_referral_is_answered_with_its_number_as_it_came() {
    check(
        "RRI_I12",
        &[REQUEST, ROLE, PRACTITIONER, PATIENT],
        &[("referral_status", "A"), ("filler_number", "R-5^CRM"), ("note", "Soon")],
        &[
            "RF1|A|||||889342^EMR^1.2.3^ISO|||||R-5^CRM",
            "PRD|RP^^HL70286|Referrer^Rita",
            "PID|1||1||Muster",
            "NTE|1||Soon",
        ],
    );
}

#[test]
fn what_else_is_known_of_a_patient_is_told_when_it_is_granted() {
    let lines = written("OSU_O51", &[PATIENT], &[("order_control", "OK"), ("whole_patient", "true")]);
    assert_eq!(lines[1], "PID|1||1||Muster||||||||||||||123-45-6789");
}

#[test]
fn an_order_goes_out_as_it_came() {
    check(
        "OMG_O19",
        &[REQUEST, PATIENT],
        &[("order_control", "SC"), ("order_status", "CM")],
        &[
            "PID|1||1||Muster",
            "ORC|SC|889342^EMR^1.2.3^ISO|||CM",
            "TQ1|1|||||||20260612",
            "OBR|1|889342^EMR^1.2.3^ISO||11488-4^^LN",
        ],
    );
}

#[test]
fn a_document_goes_out_with_its_content() {
    let document = r#"{"resourceType":"DocumentReference","id":"x","status":"current","docStatus":"final",
        "masterIdentifier":{"value":"D-1"},"type":{"coding":[{"system":"http://loinc.org","code":"11488-4"}]},
        "content":[{"attachment":{"contentType":"application/pdf","data":"SGVsbG8="}}]}"#;
    check(
        "MDM_T02",
        &[PATIENT, document, REQUEST],
        &[("event_time", "2026-03-12T10:00:00+01:00")],
        &[
            "EVN|T02|20260312100000+0100",
            "PID|1||1||Muster",
            "PV1|1|N",
            "TXA|1|11488-4^^LN|AP|20260312100000+0100||||||||D-1||889342^EMR^1.2.3^ISO|||AU||AV",
            "OBX|1|ED|11488-4^^LN||^application^PDF^Base64^SGVsbG8=||||||F",
        ],
    );
}

#[test]
fn a_visit_goes_out_as_its_trigger_says() {
    let visit = r#"{"resourceType":"Encounter","id":"e","status":"arrived","class":{"code":"AMB",
        "system":"http://terminology.hl7.org/CodeSystem/v3-ActCode"},
        "identifier":[{"type":{"coding":[{"code":"VN"}]},"value":"V-1"}]}"#;
    let lines = written("ADT_A01", &[PATIENT, visit], &[("trigger", "A04"), ("event_time", "2026-03-12")]);
    assert!(lines[0].contains("|ADT^A04^ADT_A01|"), "{}", lines[0]);
    assert_eq!(lines[1..], ["EVN|A04|20260312", "PID|1||1||Muster", "PV1|1|O|||||||||||||||||V-1^^^^VN"]);
}

#[test]
fn a_variant_puts_its_fields_before_those_of_the_message() {
    let facts = [("order_control", "OK"), ("order_status", "IP")];
    assert_eq!(written("OSU_O51", &[], &facts)[1], "ORC|OK||||IP");
    assert_eq!(written("OSU_O51-SC", &[], &facts)[1], "ORC|SC||||IP");
    assert_eq!(written("OSU_O51-unheard", &[], &facts)[1], "ORC|OK||||IP", "without the variant the message stands");
    assert!(written("OSU_O51-360X", &[], &facts)[0].contains("|360X"));
}
