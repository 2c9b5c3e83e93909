//! Searches: pages, counts, inclusions, compartments, parts, and what is said of what was left out.

use super::{BASE, Bench, patient};

async fn filled() -> Bench {
    let bench = Bench::new().await;
    for id in ["p1", "p2", "p3"] {
        bench.expect(201, &format!("PUT Patient/{id}"), &[], &patient(id, "Same")).await;
    }
    bench.expect(201, "PUT Patient/other", &[], &patient("other", "Other")).await;
    for (id, of) in [("e1", "p1"), ("e2", "p2")] {
        let body = format!(
            r#"{{"resourceType":"Encounter","id":"{id}","status":"planned","class":{{"code":"AMB"}},"subject":{{"reference":"Patient/{of}"}}}}"#
        );
        bench.expect(201, &format!("PUT Encounter/{id}"), &[], &body).await;
    }
    bench
}

fn below(link: &str) -> String {
    link.strip_prefix(BASE).unwrap().trim_start_matches('/').to_owned()
}

#[tokio::test]
async fn searches_find_and_count() {
    let bench = filled().await;
    for (url, expected) in [
        ("Patient?identifier=urn:x|p1", vec!["p1"]),
        ("Patient?identifier=p2", vec!["p2"]),
        ("Patient?family=Same", vec!["p1", "p2", "p3"]),
        ("Patient?_id=p3,other", vec!["p3", "other"]),
        ("Patient?identifier=urn:y|p1", vec![]),
        ("Encounter?subject=Patient/p1", vec!["e1"]),
        ("Encounter?subject:Patient.family=Same", vec!["e1", "e2"]),
        ("Encounter?subject.identifier=urn:x|p2", vec!["e2"]),
        ("Patient?_has:Encounter:subject:status=planned", vec!["p1", "p2"]),
        ("Patient/p1/Encounter", vec!["e1"]),
        ("?_type=Encounter&_id=e1", vec!["e1"]),
    ] {
        let found = bench.expect(200, &format!("GET {url}"), &[], "").await;
        assert_eq!(found.found(), expected, "{url}");
        assert_eq!(found.total(), Some(expected.len() as u64), "{url}");
        assert_eq!(found.link("next"), None, "{url}");
    }
    for url in ["Patient?family=Same&_summary=count", "Patient?family=Same&_count=0"] {
        let counted = bench.expect(200, &format!("GET {url}"), &[], "").await;
        assert_eq!((counted.total(), counted.entries().len()), (Some(3), 0), "{url}");
    }
    let form = ["Content-Type: application/x-www-form-urlencoded"];
    let posted = bench.expect(200, "POST Patient/_search", &form, "identifier=urn%3Ax%7Cp1").await;
    assert_eq!(posted.found(), ["p1"]);
    assert_eq!(posted.link("self"), Some("http://own/fhir/Patient?identifier=urn:x%7Cp1"));
    bench.expect(415, "POST Patient/_search", &["Content-Type: application/json"], "{}").await;
    assert_eq!(posted.entries()[0].text(&["fullUrl"]), Some("http://own/fhir/Patient/p1"));
}

#[tokio::test]
async fn pages_follow_one_another() {
    let bench = filled().await;
    let mut url = "Patient?family=Same&_count=1&_total=accurate".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = bench.expect(200, &format!("GET {url}"), &[], "").await;
        assert_eq!((page.total(), page.link("first").is_some()), (Some(3), true));
        seen.extend(page.found());
        match page.link("next") {
            Some(next) => url = below(next),
            None => break,
        }
    }
    assert_eq!(seen, ["p1", "p2", "p3"]);
    bench.expect(400, "GET Patient?_cursor=x", &[], "").await;
    bench.expect(400, "GET Patient?_count=x", &[], "").await;
}

#[tokio::test]
async fn what_belongs_with_a_match_comes_with_it() {
    let bench = filled().await;
    for (url, expected) in [
        ("Encounter?_id=e1&_include=Encounter:subject", vec!["e1", "include p1"]),
        ("Encounter?_include=Encounter:subject&_count=1", vec!["e1", "include p1"]),
        ("Patient?_id=p1&_revinclude=Encounter:subject", vec!["p1", "include e1"]),
        ("Patient?_id=other&_revinclude=Encounter:subject", vec!["other"]),
        ("Encounter?_id=e1&_include=Encounter:subject&_revinclude:iterate=Encounter:subject", vec!["e1", "include p1"]),
    ] {
        assert_eq!(bench.expect(200, &format!("GET {url}"), &[], "").await.found(), expected, "{url}");
    }
}

#[tokio::test]
async fn what_is_not_understood_is_said_or_refused() {
    let bench = filled().await;
    let lenient = bench.expect(200, "GET Patient?family=Same&unheard=of", &[], "").await;
    assert_eq!(lenient.found().last().map(String::as_str), Some("outcome "));
    assert!(!lenient.link("self").unwrap().contains("unheard"), "the self link tells what counted");
    let strict = bench.expect(400, "GET Patient?family=Same&unheard=of", &["Prefer: handling=strict"], "").await;
    assert_eq!(strict.text(&["resourceType"]), "OperationOutcome");
    bench.expect(400, "GET Patient?birthdate=never", &[], "").await;
    bench.expect(404, "GET Practitioner/x/Patient/y", &[], "").await;
    bench.expect(404, "GET Location/x/Encounter", &[], "").await;
}

#[tokio::test]
async fn parts_are_shown_where_they_are_asked_for() {
    let bench = filled().await;
    let part = bench.expect(200, "GET Patient/p1?_elements=identifier", &[], "").await;
    assert_eq!((part.body.get("name"), part.text(&["meta", "tag", "code"])), (None, "SUBSETTED"));
    let found = bench.expect(200, "GET Patient?_id=p1&_elements=identifier", &[], "").await;
    let resource = found.entries()[0].get("resource").unwrap();
    assert_eq!((resource.get("name"), resource.text(&["identifier", "value"])), (None, Some("p1")));
    let xml = bench.ask("GET Patient?_id=p1", &["Accept: application/fhir+xml"], "").await;
    assert_eq!((xml.status, xml.header("content-type")), (200, "application/fhir+xml; charset=utf-8"));
    assert!(xml.response.body.starts_with(b"<"));
    let pretty = bench.expect(200, "GET Patient/p1?_pretty=true", &[], "").await;
    assert!(pretty.response.body.starts_with(b"{\n  \"resourceType\": \"Patient\""));
}
