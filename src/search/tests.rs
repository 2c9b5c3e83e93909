//! Searches over single resources: what each type of parameter, prefix and modifier finds, through index and parse.

use super::{Context, Handling, Query, index, matches, parse};
use crate::base::{Issue, Timestamp};
use crate::fhir::Resource;

pub(super) fn pairs(search: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        pair.split_once('=').map_or((pair.into(), String::new()), |(name, value)| (name.into(), value.into()))
    };
    search.split('&').filter(|pair| !pair.is_empty()).map(pair).collect()
}

pub(super) fn now() -> Timestamp {
    let now: jiff::Timestamp = "2026-03-12T08:45:00.123456Z".parse().unwrap();
    Timestamp::from_micros(now.as_microsecond())
}

pub(super) fn try_parse(kinds: &[&str], search: &str, handling: Handling) -> Result<Query, Vec<Issue>> {
    parse(kinds, &pairs(search), &Context { base_url: "http://us.example/fhir", now: now(), handling })
}

/// Whether the resource is found by each of the searches.
fn check(json: &str, searches: &[(&str, bool)]) {
    let resource = Resource::parse(json.as_bytes()).unwrap();
    let keys = index(&resource, now());
    assert!(keys.iter().all(|key| key.0.len() < 1500), "keys are short");
    for (search, expected) in searches {
        let query = try_parse(&[resource.kind()], search, Handling::Strict).expect(search);
        let found = matches(&keys, resource.id().unwrap_or_default(), &query.kinds[0].criterion);
        assert_eq!(found, Some(*expected), "{search}");
    }
}

/// Each of the searches is refused.
fn check_refused(kind: &str, searches: &[&str]) {
    for search in searches {
        let refused = try_parse(&[kind], search, Handling::Lenient).expect_err(search);
        assert!(!refused.is_empty() && refused.iter().all(|issue| issue.text.len() > 15), "{search}: {refused:?}");
    }
}

const PATIENT: &str = r##"{"resourceType":"Patient","id":"p1","active":true,
    "meta":{"profile":["http://x.example/profile|2"],"tag":[{"system":"http://t","code":"vip","display":"Very important"}],
        "source":"http://src.example/a/b#1"},
    "identifier":[{"type":{"coding":[{"system":"http://t.example/v2-0203","code":"MR"}],"text":"Record number"},
        "system":"urn:oid:1.2.36","value":"12345"},{"value":"A|b"}],
    "name":[{"use":"official","family":"Müller-Chalmers","given":["Peter","James"]},{"text":"O'Brien, Pat"}],
    "telecom":[{"system":"phone","value":"(03) 5555 6473"},{"system":"email","value":"a@example.org"}],
    "gender":"male","birthDate":"1974-12-25","deceasedDateTime":"2015-02",
    "address":[{"use":"home","line":["534 Erewhon St"],"city":"PleasantVille","postalCode":"3999"}],
    "generalPractitioner":[{"reference":"Practitioner/gp","identifier":{"system":"http://npi","value":"77"}},
        {"reference":"http://other.example/fhir/Organization/o1"},{"reference":"http://us.example/fhir/Organization/ours"},{"reference":"#c"}],
    "managingOrganization":{"reference":"Organization/o2/_history/3"}}"##;

#[test]
fn tokens() {
    check(
        PATIENT,
        &[
            ("identifier=12345", true),
            ("identifier=1234", false),
            ("identifier=urn:oid:1.2.36|12345", true),
            ("identifier=urn:oid:1.2.3|12345", false),
            ("identifier=urn:oid:1.2.36|", true),
            ("identifier=urn:oid:1.2.3|", false),
            ("identifier=|12345", false),
            (r"identifier=|A\|b", true),
            (r"identifier=A\|b", true),
            ("identifier=nothing,12345", true),
            ("identifier=12345&identifier=nothing", false),
            ("identifier:of-type=http://t.example/v2-0203|MR|12345", true),
            ("identifier:of-type=http://t.example/v2-0203|SS|12345", false),
            ("identifier:text=record", true),
            ("identifier:not=12345", false),
            ("identifier:not=999", true),
            ("identifier:missing=false", true),
            ("language:missing=true", true),
            ("language:missing=false", false),
            ("gender=male", true),
            ("gender=MALE", false),
            ("gender=http://hl7.org/fhir/administrative-gender|male", true),
            ("gender=http://elsewhere|male", false),
            ("gender:not=female", true),
            ("gender:not=female,male", false),
            ("active=true", true),
            ("active=false", false),
            ("deceased=true", true),
            ("telecom=(03) 5555 6473", true),
            ("telecom=phone|(03) 5555 6473", true),
            ("email=a@example.org", true),
            ("phone=a@example.org", false),
            ("address-use=home", true),
            ("_tag=http://t|vip", true),
            ("_tag:text=very", true),
            ("_tag:text=important", false),
            ("_id=p1", true),
            ("_id=p0,p1", true),
            ("_id=p0", false),
            ("_id:not=p1", false),
        ],
    );
    check(r#"{"resourceType":"Patient","id":"x"}"#, &[("deceased=false", true), ("deceased=true", false)]);
}

#[test]
fn strings() {
    check(
        PATIENT,
        &[
            ("name=muller", true),
            ("name=MÜLLER CHAL", true),
            ("name=chalmers", false),
            ("name:contains=chalmers", true),
            ("name:contains=zz", false),
            ("name:exact=Müller-Chalmers", true),
            ("name:exact=müller-chalmers", false),
            ("name=peter,nobody", true),
            (r"name=O'Brien\, P", true),
            ("family=Peter", false),
            ("given=jam", true),
            ("address=erewhon", false),
            ("address=534 erewhon", true),
            ("address-city=pleasantville", true),
            ("address-city:missing=true", false),
            ("address-country:missing=true", true),
            ("phonetic=Peter", true),
        ],
    );
}

#[test]
fn dates() {
    check(
        PATIENT,
        &[
            ("birthdate=1974-12-25", true),
            ("birthdate=eq1974-12", true),
            ("birthdate=1974", true),
            ("birthdate=1975", false),
            ("birthdate=1974-12-25T10:00", false),
            ("birthdate=ne1974-12-25", false),
            ("birthdate=ne1975", true),
            ("birthdate=ne1974-12-25T10:00", true),
            ("birthdate=gt1974-12-24", true),
            ("birthdate=gt1974-12-25", false),
            ("birthdate=gt1974-12-25T10:00", true),
            ("birthdate=ge1974-12-25", true),
            ("birthdate=ge1974-12-26", false),
            ("birthdate=lt1974-12-25", false),
            ("birthdate=lt1974-12-26", true),
            ("birthdate=le1974-12-25", true),
            ("birthdate=le1974-12-24", false),
            ("birthdate=sa1974-12-24", true),
            ("birthdate=sa1974-12-25", false),
            ("birthdate=eb1974-12-26", true),
            ("birthdate=eb1974-12-25", false),
            ("birthdate=ap1976", true),
            ("birthdate=ap1999", false),
            ("birthdate=ge1974&birthdate=lt1975", true),
            // Known to the month: what is inside of it is not told.
            ("death-date=2015", true),
            ("death-date=2015-02", true),
            ("death-date=2015-02-10", false),
            ("death-date=gt2015-02-10", true),
            ("death-date=gt2015-02", false),
            ("death-date=gt2015-03", false),
            ("death-date=lt2015-02-10", true),
            ("death-date=sa2015-01", true),
            ("death-date=sa2015-02-01", false),
            ("death-date=eb2015-03", true),
            ("death-date=eb2015-02-28", false),
            ("death-date=ne2015-02-10", true),
            ("death-date=ap2015-02-10", true),
            ("_lastUpdated=2026-03-12", true),
            ("_lastUpdated=2026-03-12T08:45:00.123Z", true),
            ("_lastUpdated=gt2026-03-12T08:45:00.122Z", true),
            ("_lastUpdated=gt2026-03-12T08:45:00.123Z", false),
            ("_lastUpdated=lt2026-03-12T08:45:00.124Z", true),
            ("_lastUpdated=2026-03-12T09:45:00.123+01:00", true),
            ("_lastUpdated=2026-03-12T09:45:00.123 01:00", true),
        ],
    );
    check_refused(
        "Patient",
        &["birthdate=abc", "birthdate=1974-13", "birthdate=xx1974", "birthdate=1974,", "birthdate:exact=1974"],
    );
}

#[test]
fn periods() {
    check(
        r#"{"resourceType":"Encounter","id":"e","period":{"start":"2020-01-10T08:00:00Z","end":"2020-02-20"}}"#,
        &[
            ("date=2020", true),
            ("date=2020-01", false),
            ("date=gt2020-02-01", true),
            ("date=gt2020-02-20", false),
            ("date=ge2020-02-20", true),
            ("date=ge2020-02-21", false),
            ("date=lt2020-01-10", false),
            ("date=lt2020-01-11", true),
            ("date=sa2020-01-09", true),
            ("date=sa2020-01-10", false),
            ("date=eb2020-02-21", true),
            ("date=eb2020-02-20", false),
            ("date=ne2020", false),
            ("date=ap2020-02-01", true),
        ],
    );
    check(
        r#"{"resourceType":"Encounter","id":"e","period":{"start":"2020-01-10"}}"#,
        &[
            ("date=gt2099", true),
            ("date=ge2099", true),
            ("date=eb2099", false),
            ("date=sa2020", false),
            ("date=2020", false),
            ("date=lt2020", false),
        ],
    );
    check(
        r#"{"resourceType":"Encounter","id":"e","period":{"end":"2020-01-10"}}"#,
        &[("date=lt1900", true), ("date=eb2021", true), ("date=gt2021", false)],
    );
}

#[test]
fn numbers() {
    check(
        r#"{"resourceType":"RiskAssessment","id":"r","prediction":[{"probabilityDecimal":100}]}"#,
        &[
            ("probability=100", true),
            ("probability=100.0", true),
            ("probability=99.6", false),
            ("probability=99", false),
            ("probability=1e2", true),
            ("probability=ne100", false),
            ("probability=ne101", true),
            ("probability=gt100", false),
            ("probability=gt99.9", true),
            ("probability=ge100", true),
            ("probability=lt100", false),
            ("probability=lt100.1", true),
            ("probability=le100", true),
            ("probability=sa99", true),
            ("probability=eb101", true),
            ("probability=ap92", true),
            ("probability=ap80", false),
        ],
    );
    check(
        r#"{"resourceType":"RiskAssessment","id":"r","prediction":[{"probabilityRange":{"low":{"value":10},"high":{"value":20.5}}}]}"#,
        &[
            ("probability=15", false),
            ("probability=gt15", true),
            ("probability=gt20.5", false),
            ("probability=sa9", true),
            ("probability=sa10", false),
            ("probability=eb21", true),
            ("probability=lt15", true),
            ("probability=ap15", true),
        ],
    );
    check_refused("RiskAssessment", &["probability=abc", "probability=1,5,", "probability=gt", "probability=1e"]);
}

const OBSERVATION: &str = r#"{"resourceType":"Observation","id":"o","status":"final",
    "code":{"coding":[{"system":"http://loinc.org","code":"8480-6","display":"Systolic"},{"system":"http://own","code":"sys"}],"text":"Systolic pressure"},
    "subject":{"reference":"Patient/p1"},"effectiveDateTime":"2020-01-10",
    "valueQuantity":{"value":5.4,"unit":"grams","system":"http://unitsofmeasure.org","code":"g"},
    "component":[{"code":{"coding":[{"system":"http://loinc.org","code":"a"}]},"valueQuantity":{"value":1}},
        {"code":{"coding":[{"system":"http://loinc.org","code":"b"}]},"valueCodeableConcept":{"coding":[{"code":"x"}]}}]}"#;

#[test]
fn quantities() {
    check(
        OBSERVATION,
        &[
            ("value-quantity=5.4", true),
            ("value-quantity=5.40", true),
            ("value-quantity=5", true),
            ("value-quantity=5.3", false),
            ("value-quantity=5.4|http://unitsofmeasure.org|g", true),
            ("value-quantity=5400|http://unitsofmeasure.org|mg", true),
            ("value-quantity=5500|http://unitsofmeasure.org|mg", false),
            ("value-quantity=gt0.005|http://unitsofmeasure.org|kg", true),
            ("value-quantity=lt0.005|http://unitsofmeasure.org|kg", false),
            ("value-quantity=5.4|http://unitsofmeasure.org|mL", false),
            ("value-quantity=5.4|http://elsewhere|g", false),
            ("value-quantity=5.4||g", true),
            ("value-quantity=5.4||grams", true),
            ("value-quantity=5.4||mg", false),
            ("value-quantity=gt5.3||g", true),
            ("value-quantity=ge5.4", true),
            ("value-quantity=gt5.4", false),
            ("value-quantity=ap5", true),
            ("value-quantity=ap5|http://unitsofmeasure.org|g", true),
            ("value-quantity=ne5.4", false),
            ("combo-value-quantity=1", true),
            ("value-quantity=1", false),
        ],
    );
    check(
        r#"{"resourceType":"Observation","id":"o","valueQuantity":{"value":5,"comparator":"<","code":"mg","system":"http://unitsofmeasure.org"}}"#,
        &[
            ("value-quantity=lt5", true),
            ("value-quantity=eb6||mg", true),
            ("value-quantity=eb0.006|http://unitsofmeasure.org|g", true),
            ("value-quantity=gt5", false),
            ("value-quantity=gt4|http://unitsofmeasure.org|mg", true),
            ("value-quantity=5", false),
        ],
    );
    check(
        r#"{"resourceType":"Invoice","id":"i","totalNet":{"value":12.50,"currency":"USD"}}"#,
        &[("totalnet=12.5|urn:iso:std:iso:4217|USD", true), ("totalnet=12.5||EUR", false), ("totalnet=gt12", true)],
    );
    check_refused(
        "Observation",
        &["value-quantity=a", "value-quantity=5|http://x|", "value-quantity=5|g", "value-quantity=1|2|3|4"],
    );
}

#[test]
fn composites() {
    check(
        OBSERVATION,
        &[
            ("code-value-quantity=8480-6$5.4", true),
            ("code-value-quantity=http://loinc.org|8480-6$5.4", true),
            ("code-value-quantity=http://loinc.org|sys$5.4", false),
            ("code-value-quantity=http://own|sys$gt5", true),
            ("code-value-quantity=8480-6$lt5", false),
            ("code-value-quantity=8480-6$5400|http://unitsofmeasure.org|mg", true),
            ("code-value-quantity=8480-6$5.4||grams", true),
            ("code-value-quantity=8480-6$5.4||kg", false),
            ("component-code-value-quantity=a$1", true),
            ("component-code-value-quantity=b$1", false),
            ("combo-code-value-quantity=http://loinc.org|a$1", true),
            ("combo-code-value-quantity=8480-6$1", false),
            ("component-code-value-concept=http://loinc.org|b$x", true),
            ("component-code-value-concept=http://loinc.org|b$|x", true),
            ("component-code-value-concept=a$x", false),
            ("code-value-quantity:missing=false", true),
            ("code-value-string:missing=true", true),
        ],
    );
    check(
        r#"{"resourceType":"DocumentReference","id":"d","relatesTo":[{"code":"appends","target":{"reference":"DocumentReference/x"}},
            {"code":"signs","target":{"reference":"DocumentReference/y"}}]}"#,
        &[
            ("relationship=appends$DocumentReference/x", true),
            ("relationship=appends$DocumentReference/y", false),
            ("relationship=signs$y", true),
            ("relationship=http://hl7.org/fhir/document-relationship-type|signs$y", true),
        ],
    );
    check(
        r#"{"resourceType":"MolecularSequence","id":"m","referenceSeq":{"chromosome":{"coding":[{"code":"1"}]},"windowStart":10,"windowEnd":20},
            "variant":[{"start":12,"end":13}]}"#,
        &[
            ("chromosome-window-coordinate=1$10$20", true),
            ("chromosome-window-coordinate=1$gt9$lt21", true),
            ("chromosome-window-coordinate=1$gt9$lt20", false),
            ("chromosome-window-coordinate=1$gt10$lt21", false),
            ("chromosome-window-coordinate=2$10$20", false),
            ("chromosome-variant-coordinate=1$12$13", true),
        ],
    );
    check_refused(
        "Observation",
        &[
            "code-value-quantity=8480-6",
            "code-value-quantity=$5",
            "code-value-quantity=a$b$c",
            "code-value-quantity:exact=a$1",
        ],
    );
}

#[test]
fn uris() {
    check(
        PATIENT,
        &[
            ("_profile=http://x.example/profile", true),
            ("_profile=http://x.example/profile|2", true),
            ("_profile=http://x.example/profile|3", false),
            ("_source=http://src.example/a/b#1", true),
            ("_source=http://src.example/a", false),
            ("_source:below=http://src.example/a", true),
            ("_source:above=http://src.example/a/b#1/c/d", true),
            ("_source:above=http://src.example/a", false),
        ],
    );
}

#[test]
fn references() {
    check(
        PATIENT,
        &[
            ("general-practitioner=Practitioner/gp", true),
            ("general-practitioner=gp", true),
            ("general-practitioner:Practitioner=gp", true),
            ("general-practitioner:Organization=gp", false),
            ("general-practitioner=http://us.example/fhir/Practitioner/gp", true),
            ("general-practitioner=http://other.example/fhir/Organization/o1", true),
            ("general-practitioner=Organization/o1", false),
            ("general-practitioner=Organization/ours", true),
            ("general-practitioner:identifier=http://npi|77", true),
            ("general-practitioner:identifier=77", true),
            ("general-practitioner:identifier=http://npi|78", false),
            ("organization=Organization/o2", true),
            ("organization=o2", true),
            ("link:missing=true", true),
        ],
    );
    let contained = r##"{"resourceType":"Task","id":"t","contained":[{"resourceType":"Patient","id":"c"}],"for":{"reference":"#c"},
        "focus":{"reference":"urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"},"instantiatesCanonical":"http://x|1"}"##;
    check(
        contained,
        &[
            ("patient:missing=false", true),
            ("subject=c", false),
            ("focus=urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", true),
        ],
    );
    check_refused(
        "Patient",
        &["general-practitioner:Patient=x", "general-practitioner:Organization=Practitioner/x", "organization:below=x"],
    );
}

#[test]
fn places() {
    check(
        r#"{"resourceType":"Location","id":"l","position":{"latitude":42.25,"longitude":-83.7}}"#,
        &[
            ("near=42.256500|-83.694810|11.20|km", true),
            ("near=42.0|-83.694810|11.20|km", false),
            ("near=42.25|-83.0|100|[mi_i]", true),
            ("near=42.25|-83.7", true),
        ],
    );
    check(
        r#"{"resourceType":"Location","id":"l","position":{"latitude":0,"longitude":179.9}}"#,
        &[("near=0|-179.9|50|km", true), ("near=0|-179.0|50|km", false)],
    );
    check_refused("Location", &["near=a|b", "near=42", "near=91|0", "near=1|1|1|furlong", "near=1|1|-1"]);
}

#[test]
fn long_values_are_found_by_all_of_them() {
    let long = "x".repeat(5000);
    let json = format!(
        r#"{{"resourceType":"Patient","id":"p","identifier":[{{"system":"{long}","value":"{long}"}}],"name":[{{"family":"{long}"}}]}}"#
    );
    let search = |name: &str, value: &str| format!("{name}={value}");
    let other = format!("{long}y");
    check(
        &json,
        &[
            (&search("identifier", &long), true),
            (&search("identifier", &format!("{long}|{long}")), true),
            (&search("identifier", &other), false),
            (&search("name:exact", &long), true),
            (&search("name:exact", &other), false),
            (&search("name", "xxx"), true),
        ],
    );
}
