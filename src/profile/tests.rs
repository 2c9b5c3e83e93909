//! Resources that are wrong in one way each, and the issue that says so.

use super::*;

/// The issues of a resource as `severity place: text`.
fn judged(json: &str) -> Vec<String> {
    let resource = Resource::parse(json.as_bytes()).unwrap();
    let line = |issue: Issue| format!("{} {issue}", issue.severity.as_fhir());
    Validator::default().validate(&resource).into_iter().map(line).collect()
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
