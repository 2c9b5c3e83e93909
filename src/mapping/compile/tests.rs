//! Wrong files give their own diagnostics at the right place.

use std::collections::BTreeMap;

use super::compile;

/// Compiles one file beside a few good ones and shows what is wrong with it.
fn check(name: &str, text: &str, expected: &[&str]) {
    let good = [
        ("datatype/CX-Identifier.yaml", "datatype: CX -> Identifier\nrules:\n  - { from: CX.1, to: value }\n"),
        (
            "datatype/XCN-Practitioner.yaml",
            "datatype: XCN -> Practitioner\nrules:\n  - { from: XCN.2, to: name.family }\n",
        ),
        (
            "segment/PID-Patient.yaml",
            "map: PID -> Patient\nrules:\n  - { from: PID-3, to: identifier, as: CX-Identifier }\n",
        ),
        ("datatype/CWE-code.yaml", "datatype: CWE -> code\nrules:\n  - { from: CWE.1, to: $this }\n"),
        ("code/Sex.yaml", "table: Sex\ncodes: { F: female }\n"),
        ("code/Man.yaml", "table: Man\ncodes: { F: female, M: man }\n"),
    ];
    let mut files: BTreeMap<String, String> =
        good.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    files.insert(name.to_owned(), text.to_owned());
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let found = compile(&files).err().unwrap_or_default();
    let found: Vec<String> = found
        .iter()
        .map(|diagnostic| {
            format!("{}:{} {}", diagnostic.place.line, diagnostic.place.column, diagnostic.mistake.code())
        })
        .collect();
    assert_eq!(found, expected, "{text}");
}

fn check_rule(rule: &str, expected: &[&str]) {
    check("segment/PV1-Patient.yaml", &format!("map: PV1 -> Patient\nrules:\n  - {rule}\n"), expected);
}

#[test]
fn rules() {
    check_rule("{ from: PV1-3, to: birthDate }", &[]);
    check_rule("{ from: PV1-3, to: birthDate, foo: 1 }", &["3:35 LG0102"]);
    check_rule("{ to: birthDate }", &["3:5 LG0103"]);
    check_rule("birthDate", &["3:5 LG0104"]);
    check_rule("{ from: pv1.3, to: birthDate }", &["3:13 LG0106"]);
    check_rule("{ from: CX.3, to: birthDate }", &["3:13 LG0106"]);
    check_rule("{ from: PV1-3, to: birthDate, when: PV1-3 is there }", &["3:47 LG0107"]);
    check_rule("{ from: PV1-3, to: birthDate, when: CX.3 valued }", &["3:41 LG0106"]);
    check_rule("{ from: PV1-3, to: 'name[0]' }", &["3:29 LG0108"]);
    check_rule("{ from: PV1-3, to: birthday }", &["3:24 LG0109"]);
    check_rule("{ from: PV1-3, to: deceased }", &["3:24 LG0109"]);
    check_rule("{ from: PV1-3, to: identifier, as: EI-Identifier }", &["3:40 LG0110"]);
    check_rule("{ from: PV1-3, to: gender, code: Gender }", &["3:38 LG0111"]);
    check_rule("{ from: eval(PV1-3), to: birthDate }", &["3:13 LG0112"]);
    check_rule("{ from: minutes(PV1-3), to: birthDate }", &["3:13 LG0112"]);
    check_rule("{ from: PV1-3, to: identifier }", &["3:5 LG0115"]);
    check_rule("{ value: not a code, to: gender }", &["3:14 LG0115"]);
    check_rule("{ from: PV1-5, to: name, as: CX-Identifier }", &["3:34 LG0115"]);
    check_rule("{ from: PV1-2, to: gender, as: CWE-code }", &[]);
    check_rule("{ from: PV1-2, to: gender, as: CWE-code, code: Sex }", &["3:52 LG0115"]);
    check_rule("{ from: PV1-7, to: generalPractitioner, as: XCN-Practitioner, code: Sex }", &["3:73 LG0115"]);
    check_rule("{ from: PV1-3, to: identifier, as: PID-Patient }", &["3:40 LG0115"]);
    check_rule("{ from: PV1-3, value: x, to: birthDate }", &["3:5 LG0102"]);
    check_rule("{ id: a, from: PV1-3, to: birthDate }\n  - { id: a, from: PV1-4, to: gender }", &["4:11 LG0113"]);
    check_rule("{ from: PV1-7, to: generalPractitioner, as: XCN-Practitioner }", &[]);
    check_rule("{ from: PV1-3, to: managingOrganization, link: Nothing, as: CX-Identifier }", &["3:52 LG0115"]);
}

#[test]
fn places_in_the_message() {
    check_rule("{ from: PIX-3, to: birthDate }", &["3:13 LG0119"]);
    check_rule("{ from: ZPI-3, to: birthDate }", &[]);
    check_rule("{ from: PID-99, to: birthDate }", &["3:13 LG0120"]);
    check_rule("{ from: PID-3.13, to: birthDate }", &["3:13 LG0121"]);
    check_rule("{ from: PID-3.4.4, to: birthDate }", &["3:13 LG0121"]);
    check_rule("{ from: PID-1.2, to: birthDate }", &["3:13 LG0121"]);
    check_rule("{ from: 'join(\"-\", PID-7, PID-77)', to: birthDate }", &["3:31 LG0120"]);
    check_rule("{ from: PID-7, to: birthDate, when: PID-3 valued and PID-33.3 = A }", &["3:58 LG0121"]);
    check_rule("{ from: PID-7, to: birthDate, when: PIX valued }", &["3:41 LG0119"]);
    check_rule("{ from: PID-5, to: identifier, as: CX-Identifier }", &["3:40 LG0122"]);
    check_rule("{ from: PID-3, to: identifier, rules: [{ from: XPN.1, to: value }] }", &["3:52 LG0106"]);
    check_rule("{ from: PID-3, to: identifier, rules: [{ from: CX.99, to: value }] }", &["3:52 LG0121"]);
    check_rule("{ from: OBX-5, to: identifier, as: CX-Identifier }", &[]);
    check("a.yaml", "map: PIX -> Patient\nrules: []", &["1:6 LG0119"]);
    check("a.yaml", "datatype: XPM -> HumanName\nrules: []", &["1:11 LG0121"]);
    check("a.yaml", "message: M\nevents: []\nstructure: MSH [PIX]\nresources: []", &["3:17 LG0119"]);
}

#[test]
fn what_r4_wants() {
    check_rule("{ value: male, to: gender }", &[]);
    check_rule("{ value: man, to: gender }", &["3:14 LG0124"]);
    check_rule("{ from: PID-8, to: gender, code: Man }", &["3:38 LG0124"]);
    check_rule("{ from: PID-8, to: gender, code: Sex }", &[]);
    check_rule("{ from: PID-8, to: communication, rules: [{ value: true, to: preferred }] }", &["3:5 LG0125"]);
    check_rule("{ value: true, to: communication.preferred }", &[]);
    let url = "http://hl7.org/fhir/StructureDefinition/patient-birth";
    check_rule(&format!("{{ from: PID-11, to: 'extension[{url}Place].valueString' }}"), &["3:96 LG0126"]);
    check_rule(&format!("{{ from: PID-7.1, to: 'extension[{url}Time].valueDateTime' }}"), &[]);
    check_rule(&format!("{{ from: PID-7.1, to: 'extension[{url}Tim].valueDateTime' }}"), &["3:37 LG0126"]);
}

#[test]
fn files() {
    check("a.yaml", "a: [1", &["1:4 LG0101"]);
    check("a.yaml", "what: is this", &["1:1 LG0105"]);
    check("a.yaml", "map: PID to Patient", &["1:6 LG0104"]);
    check("a.yaml", "map: PID -> Patents", &["1:13 LG0109"]);
    check("a.yaml", "table: Sex\ncodes: {}", &["1:8 LG0113"]);
    check("a.yaml", "table: T\ncodes: { a: x, A: y }", &["2:16 LG0113"]);
    check("a.yaml", "identity: { Patients: [MR] }", &["1:13 LG0109"]);
    check("A.yaml", "datatype: HD -> Identifier\nrules: [{ from: $this, as: B }]", &["2:28 LG0110"]);
    check("A.yaml", "datatype: HD -> Identifier\nrules: [{ from: $this, as: A }]", &["1:11 LG0117"]);
}

#[test]
fn messages() {
    let message = |structure: &str, resource: &str| {
        format!("message: M\nevents: [ADT^A01]\nstructure: {structure}\nresources:\n  - {resource}\n")
    };
    let patient = "{ from: PID, make: Patient, maps: [PID-Patient] }";
    check("m.yaml", &message("MSH PID", patient), &[]);
    check("m.yaml", &message("MSH (PID)", patient), &["3:16 LG0114"]);
    check("m.yaml", &message(">\n  MSH\n  [PID}", patient), &["5:7 LG0114"]);
    check("m.yaml", &message("MSH PV1", patient), &["5:13 LG0106", "5:40 LG0106"]);
    check("m.yaml", &message("MSH PID", "{ from: PID, make: Persona }"), &["5:24 LG0109"]);
    check("m.yaml", &message("MSH PID", "{ from: PID, make: Patient, maps: [X] }"), &["5:40 LG0110"]);
    check("m.yaml", &message("MSH PID", "{ from: PID, make: Encounter, maps: [PID-Patient] }"), &["5:42 LG0115"]);
    let refer = "{ from: PID, make: Patient, maps: [PID-Patient], refer: { managingOrganization: owner } }";
    check("m.yaml", &message("MSH PID", refer), &["5:85 LG0116"]);
    let refer = "{ from: PID, make: Patient, maps: [PID-Patient], refer: { gender: patient } }";
    check("m.yaml", &message("MSH PID", refer), &["5:71 LG0115"]);
    let each = |name: &str| {
        let rule = format!("{{ to: link, each: {name}, rules: [{{ refer: patient, to: other }}] }}");
        format!("{{ from: PID, make: Patient, maps: [PID-Patient], rules: [{rule}] }}")
    };
    check("m.yaml", &message("MSH PID", &each("patient")), &[]);
    check("m.yaml", &message("MSH PID", &each("owner")), &["5:80 LG0116"]);
}

#[test]
fn renders() {
    let field = |field: &str| format!("render: X\nsegments:\n  - segment: MSH\n    fields: [{field}]\n");
    check("r.yaml", &field("{ to: MSH-3, from: Patient.id }"), &[]);
    check("r.yaml", &field("{ to: PID-3, from: Patient.id }"), &["4:20 LG0106"]);
    check("r.yaml", &field("{ to: MSH-99, from: Patient.id }"), &["4:20 LG0120"]);
    check("r.yaml", &field("{ to: MSH-3, from: Patient..id }"), &["4:41 LG0106"]);
    check("r.yaml", &field("{ to: MSH-3 }"), &["4:14 LG0103"]);
    check("r.yaml", &field("{ to: MSH-3, from: Patient.id, as: XPN }"), &["4:49 LG0110"]);
    check("r.yaml", &field("{ to: MSH-3, from: Patient.gender, code: Gender }"), &["4:55 LG0111"]);
    check("r.yaml", "render: X", &["1:9 LG0103"]);
    check("r.yaml", "render: X\nsegments: [{ include: Y }]", &["2:23 LG0110"]);
    check("r.yaml", "render: X\nsegments: [{ include: X }]", &["2:23 LG0117"]);
    check("r.yaml", "render: X\nbased_on: X\nfields: [{ to: MSH-3, value: a }]", &["2:11 LG0117"]);
    check("r.yaml", "render: X\nsegments: [{ each: Patient, segments: [{ include: Y }] }]", &["2:51 LG0110"]);
    check("r.yaml", "render: X\nsegments: [{ each: Patient.., segments: [] }]", &["2:28 LG0106"]);
}
