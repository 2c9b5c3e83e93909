//! Resources that are wrong in one way each, and the issue that says so.

use super::*;

/// The issues of a resource as `severity place: text`.
fn judged(json: &str) -> Vec<String> {
    let resource = Resource::parse(json.as_bytes()).unwrap();
    let line = |issue: Issue| format!("{} {issue}", issue.severity.as_fhir());
    Validator::builtin().validate(&resource).into_iter().map(line).collect()
}

#[track_caller]
fn check(json: &str, expected: &[&str]) {
    let found = judged(json);
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(|(found, expected)| found.contains(expected)),
        "{json}\nfound {found:#?}\nexpected {expected:#?}"
    );
}

#[test]
fn structure() {
    check(r#"{"resourceType":"Patient","name":[{"given":["A"]}],"deceasedBoolean":false}"#, &[]);
    check(r#"{"resourceType":"Patients"}"#, &["Patients: `resourceType` names no resource"]);
    check(r#"{"resourceType":"Patient","nam":[]}"#, &["Patient.nam: an element that this type does not have"]);
    check(r#"{"resourceType":"Patient","name":{}}"#, &["Patient.name: this element repeats"]);
    check(r#"{"resourceType":"Patient","name":[]}"#, &["Patient.name: an array that is empty"]);
    check(r#"{"resourceType":"Patient","gender":["male"]}"#, &["Patient.gender: this element does not repeat"]);
    check(r#"{"resourceType":"Patient","name":["A"]}"#, &["Patient.name[0]: HumanName: expected an object"]);
    check(r#"{"resourceType":"Patient","birthDate":"2024-1-1"}"#, &["Patient.birthDate: date: expected a date"]);
    check(r#"{"resourceType":"Patient","active":"true"}"#, &["Patient.active: boolean: expected true or false"]);
    check(r#"{"resourceType":"Patient","birthDate":null}"#, &["Patient.birthDate: date: expected a JSON string"]);
}

#[test]
fn companions() {
    let absent = r#"{"extension":[{"url":"http://a.org/b","valueCode":"unknown"}]}"#;
    check(&format!(r#"{{"resourceType":"Patient","_birthDate":{absent}}}"#), &[]);
    check(&format!(r#"{{"resourceType":"Patient","name":[{{"given":[null,"A"],"_given":[{absent},null]}}]}}"#), &[]);
    check(
        r#"{"resourceType":"Patient","name":[{"given":[null,"A"]}]}"#,
        &["Patient.name[0].given[0]: string: expected a JSON string"],
    );
    check(r#"{"resourceType":"Patient","_name":{}}"#, &["Patient.name: only a primitive has a companion"]);
}

#[test]
fn presence_and_choice() {
    let base = r#""status":"final","code":{"text":"x"}"#;
    check(&format!(r#"{{"resourceType":"Observation",{base},"valueString":"a"}}"#), &[]);
    check(r#"{"resourceType":"Observation","status":"final"}"#, &["Observation.code: a required element is missing"]);
    check(
        &format!(r#"{{"resourceType":"Observation",{base},"valueString":"a","valueInteger":1}}"#),
        &["Observation.value: only one of the types of a choice"],
    );
    check(
        &format!(r#"{{"resourceType":"Observation",{base},"valueQuantity":{{"value":"1"}}}}"#),
        &["Observation.value.ofType(Quantity).value: decimal: expected a JSON number"],
    );
}

#[test]
fn references() {
    let with = |reference: &str| format!(r#"{{"resourceType":"Patient","managingOrganization":{reference}}}"#);
    check(&with(r#"{"reference":"Organization/1"}"#), &[]);
    check(&with(r#"{"reference":"http://a.org/fhir/Organization/1/_history/2"}"#), &[]);
    check(&with(r#"{"display":"A"}"#), &[]);
    check(&with(r#"{"reference":"Patient/1"}"#), &["managingOrganization: refers to a type of resource"]);
    check(&with(r#"{"reference":"one"}"#), &["managingOrganization.reference: expected Type/id"]);
    check(&with(r##"{"reference":"#a"}"##), &["managingOrganization.reference: ref-1: no contained resource"]);
    check(&with(r#"{"reference":"urn:uuid:1"}"#), &[]);
    check(&with(r#"{"reference":"Organization/1","type":"Group"}"#), &["managingOrganization.type: not the type"]);
}

#[test]
fn bundles() {
    let urn = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520";
    let bundle = |url: &str, reference: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[
            {{"fullUrl":"{url}","resource":{{"resourceType":"Organization","id":"o","name":"O"}}}},
            {{"resource":{{"resourceType":"Patient","managingOrganization":{{"reference":"{reference}"}}}}}}]}}"#
        )
    };
    check(&bundle(urn, urn), &[]);
    check(&bundle(urn, "Organization/o"), &[]);
    check(
        &bundle(urn, "urn:uuid:c757873d-ec9a-4326-a141-556f43239521"),
        &["Bundle.entry[1].resource.managingOrganization.reference: no entry of the Bundle has this fullUrl"],
    );
    check(
        &bundle("http://a.org/Organization/p", "Organization/o"),
        &["fullUrl and the resource's type and id disagree"],
    );
    check(&bundle("o", "Organization/o"), &["Bundle.entry[0].fullUrl: fullUrl: expected an absolute URL"]);
}

#[test]
fn issues_hold_no_value_of_the_resource() {
    let found = judged(r#"{"resourceType":"Patient","birthDate":"Canary","Mr. Canary":1,"gender":7,"id":"Canary_1"}"#);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(!found.concat().contains("anary"), "{found:?}");
}

#[test]
fn invariants() {
    check(
        r#"{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},
        "period":{"start":"2024-02-02","end":"2024-02-01"}}"#,
        &["error Encounter.period: per-1: "],
    );
    check(
        r#"{"resourceType":"Organization","telecom":[{"system":"phone","value":"1","use":"home"}],"name":"O"}"#,
        &["error Organization.telecom[0]: org-3: "],
    );
    check(r#"{"resourceType":"Patient","contact":[{"gender":"male"}]}"#, &["error Patient.contact[0]: pat-1: "]);
    check(r#"{"resourceType":"Patient","name":[{}]}"#, &["error Patient.name[0]: ele-1: "]);
    check(
        r#"{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"O"}]}"#,
        &["error Patient: dom-3: "],
    );
}

#[test]
fn bindings() {
    check(
        r#"{"resourceType":"Patient","gender":"m"}"#,
        &["Patient.gender: a code of the value set administrative-gender"],
    );
    let allergy = |system: &str| {
        format!(
            r#"{{"resourceType":"AllergyIntolerance","patient":{{"reference":"Patient/1"}},"clinicalStatus":
            {{"coding":[{{"system":"{system}","code":"active"}}]}}}}"#
        )
    };
    check(&allergy("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"), &[]);
    check(&allergy("http://a.org/b"), &["AllergyIntolerance.clinicalStatus: a code of the value set"]);
}

#[test]
fn systems_of_codes_are_absolute() {
    let with = |system: &str| {
        format!(r#"{{"resourceType":"Patient","maritalStatus":{{"coding":[{{"system":"{system}","code":"M"}}]}}}}"#)
    };
    check(&with("http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"), &[]);
    check(&with("99LOCAL"), &["warning Patient.maritalStatus.coding[0].system: expected an absolute URI"]);
}

#[test]
fn extensions() {
    let address = |line: &str| format!(r#"{{"resourceType":"Patient","address":[{{"line":["A"],{line}}}]}}"#);
    let tract = r#"{"url":"http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-censusTract","valueString":"1"}"#;
    check(&address(&format!(r#""_line":[{{"extension":[{tract}]}}]"#)), &[]);
    check(
        &address(&format!(r#""extension":[{tract}]"#)),
        &["Patient.address[0].extension[0]: iso21090-ADXP-censusTract: an extension that may not stand here"],
    );
    let with = |extension: &str| format!(r#"{{"resourceType":"Patient","extension":[{extension}]}}"#);
    check(&with(r#"{"url":"http://a.org/b","valueString":"1"}"#), &[]);
    check(&with(r#"{"url":"b","valueString":"1"}"#), &["Patient.extension[0].url: an extension has an absolute url"]);
    let birth_place = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace";
    check(&with(&format!(r#"{{"url":"{birth_place}","valueAddress":{{"city":"A"}}}}"#)), &[]);
    check(
        &with(&format!(r#"{{"url":"{birth_place}","valueString":"A"}}"#)),
        &["Patient.extension[0].value.ofType(string): patient-birthPlace: only Address"],
    );
    check(
        r#"{"resourceType":"Patient","modifierExtension":[{"url":"http://a.org/b","valueString":"1"}]}"#,
        &["warning Patient.modifierExtension[0]: an unknown extension that changes the meaning"],
    );
}

/// A profile of our own: two slices by code, one closed list, a fixed value and a rule.
const OWN: &str = r#"profile http://a.org/p 1 Observation
 $this
  rule p-1 error The subject is known.
   subject.exists()
 status
  fixed "final"
 component 1..*
  slices closed pattern:code
 component:one 1..1
 component:one.code 1..1
  pattern {"coding":[{"code":"1"}]}
 component:one.value[x] 1..1 : Quantity
 component:two 0..1
 component:two.code 1..1
  pattern {"coding":[{"code":"2"}]}
"#;

#[track_caller]
fn check_own(rest: &str, expected: &[&str]) {
    let json = format!(
        r#"{{"resourceType":"Observation","meta":{{"profile":["http://a.org/p"]}},"code":{{"text":"x"}},{rest}}}"#
    );
    let resource = Resource::parse(json.as_bytes()).unwrap();
    let found = Validator::default().with(Package::new(OWN)).validate(&resource);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "{json}");
}

#[test]
fn profiles() {
    let subject = r#""subject":{"display":"A"},"status":"final""#;
    let component = |code: &str, value: &str| format!(r#"{{"code":{{"coding":[{{"code":"{code}"}}]}},{value}}}"#);
    let (one, two) = (component("1", r#""valueQuantity":{"value":1}"#), component("2", r#""valueString":"a""#));
    check_own(&format!(r#"{subject},"component":[{one},{two}]"#), &[]);
    check_own(subject, &["Observation: p: at least 1 of `component`", "Observation: p: at least 1 of `one`"]);
    check_own(&format!(r#"{subject},"component":[{one},{two},{two}]"#), &["Observation: p: at most 1 of `two`"]);
    check_own(
        &format!(r#"{subject},"component":[{one},{}]"#, component("3", r#""valueString":"a""#)),
        &["Observation: p: `component` has a value that belongs to no slice"],
    );
    check_own(
        &format!(r#"{subject},"component":[{}]"#, component("1", r#""valueString":"a""#)),
        &["Observation.component[0].value.ofType(string): p: only Quantity"],
    );
    check_own(
        &format!(r#""status":"amended","component":[{one}]"#),
        &["Observation: p-1: The subject is known.", "Observation.status: p: not the value that is fixed"],
    );
}

#[test]
fn us_core_is_carried() {
    let us_core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
    check(
        &format!(r#"{{"resourceType":"Patient","meta":{{"profile":["{us_core}|7.0.0"]}},"gender":"male"}}"#),
        &["Patient: us-core-patient: at least 1 of `identifier`", "Patient: us-core-patient: at least 1 of `name`"],
    );
    check(
        r#"{"resourceType":"Patient","meta":{"profile":["http://a.org/p"]}}"#,
        &["information Patient.meta.profile[0]: a profile that is not loaded"],
    );
}

/// The quick check finds what is wrong with the form, as the whole validation does, and nothing else.
#[test]
fn the_form_alone() {
    let form = |json: &str| {
        let issues = check_structure(&Resource::parse(json.as_bytes()).unwrap());
        issues.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    for (json, expected) in [
        (r#"{"resourceType":"Patient","name":[{"given":["A"]}],"deceasedBoolean":false}"#, ""),
        (
            r#"{"resourceType":"Patient","gender":"zzz"}"#,
            "Patient.gender: a code of the value set administrative-gender is required",
        ),
        (r#"{"resourceType":"Patient","nam":[]}"#, "Patient.nam: an element that this type does not have"),
        (r#"{"resourceType":"Patient","name":{}}"#, "Patient.name: this element repeats: expected an array"),
        (
            r#"{"resourceType":"Patient","birthDate":"2024-1-1"}"#,
            "Patient.birthDate: date: expected a date: YYYY, YYYY-MM or YYYY-MM-DD",
        ),
        (r#"{"resourceType":"Patient","active":1}"#, "Patient.active: boolean: expected true or false"),
        (r#"{"resourceType":"Patient","name":[{}]}"#, "Patient.name[0]: ele-1: an element has a value or children"),
        (r#"{"resourceType":"Patient","birthDate":"2024","_birthDate":{"id":"x"}}"#, ""),
        (
            r#"{"resourceType":"Patient","_birthDate":{"id":"x"}}"#,
            "Patient.birthDate: ele-1: an element has a value or children",
        ),
        (
            r#"{"resourceType":"Observation","status":"final","valueString":"a","valueInteger":1}"#,
            "Observation.code: a required element is missing; Observation.value: only one of the types of a choice",
        ),
        (
            r##"{"resourceType":"Patient","managingOrganization":{"reference":"#o"},"generalPractitioner":[{"reference":"x"}]}"##,
            "Patient.managingOrganization.reference: ref-1: no contained resource has this id; Patient.generalPractitioner[0].reference: expected Type/id, #id, or an absolute URL",
        ),
        // pat-1, the narrative, profiles and extensions are for the whole validation.
        (
            r#"{"resourceType":"Patient","contact":[{"gender":"male"}],"text":{"status":"generated","div":"x"},"meta":{"profile":["http://a.org/b"]},"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/x","valueCode":"y"}]}"#,
            "",
        ),
    ] {
        assert_eq!(form(json), expected, "{json}");
    }
}
