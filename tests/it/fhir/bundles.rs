//! Batches and transactions.

use super::{BASE, Bench, patient};
use loopgate::rest::{Integrity, Policy};

/// A Bundle of entries: method, URL, further members of the request, fullUrl, resource.
fn bundle(kind: &str, entries: &[(&str, &str, &str, &str, &str)]) -> String {
    let entry = |(method, url, request, full_url, resource): &(&str, &str, &str, &str, &str)| {
        let mut text = format!(r#"{{"request":{{"method":"{method}","url":"{url}"{request}}}"#);
        if !full_url.is_empty() {
            text = format!(r#"{text},"fullUrl":"{full_url}""#);
        }
        if !resource.is_empty() {
            text = format!(r#"{text},"resource":{resource}"#);
        }
        text + "}"
    };
    let entries: Vec<String> = entries.iter().map(entry).collect();
    format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{}]}}"#, entries.join(","))
}

fn encounter(subject: &str) -> String {
    format!(
        r#"{{"resourceType":"Encounter","status":"planned","class":{{"code":"AMB"}},"subject":{{"reference":"{subject}"}}}}"#
    )
}

#[tokio::test]
async fn entries_of_a_batch_stand_alone() {
    let bench = Bench::new().await;
    let body = bundle(
        "batch",
        &[
            ("PUT", "Patient/p", "", "", &patient("p", "A")),
            ("PUT", "Patient/p", "", "", &patient("q", "A")),
            ("GET", "Patient/p", "", "", ""),
            ("GET", "Patient/nobody", "", "", ""),
            ("GET", "Patient?identifier=urn:x|p", "", "", ""),
            ("PUT", "Patient/p", r#","ifMatch":"W/\"7\"""#, "", &patient("p", "B")),
            ("DELETE", "Patient/p", "", "", ""),
            ("MOVE", "Patient/p", "", "", ""),
        ],
    );
    let answered = bench.expect(200, "POST ", &[], &body).await;
    assert_eq!(answered.text(&["type"]), "batch-response");
    assert_eq!(
        answered.statuses(),
        [
            "201 Created",
            "400 Bad Request",
            "200 OK",
            "404 Not Found",
            "200 OK",
            "412 Precondition Failed",
            "204 No Content",
            "400 Bad Request"
        ]
    );
    let entries = answered.entries();
    assert_eq!(entries[0].text(&["response", "location"]), Some("Patient/p/_history/1"));
    assert_eq!(entries[3].text(&["response", "outcome", "issue", "code"]), Some("not-found"));
    assert_eq!(entries[4].text(&["resource", "type"]), Some("searchset"));
    assert_eq!(loopgate::profile::Validator::default().validate(&answered.resource()), []);
}

#[tokio::test]
async fn entries_of_a_transaction_refer_to_one_another() {
    let bench = Bench::new().await;
    bench
        .expect(
            201,
            "PUT Practitioner/d",
            &[],
            r#"{"resourceType":"Practitioner","id":"d","identifier":[{"system":"urn:n","value":"9"}]}"#,
        )
        .await;
    let observation = r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},
        "subject":{"reference":"urn:uuid:p"},"encounter":{"reference":"urn:uuid:e"},
        "performer":[{"reference":"Practitioner?identifier=urn:n|9"},{"reference":"Patient?identifier=urn:x|old"}]}"#;
    let body = bundle(
        "transaction",
        &[
            ("GET", "Patient?family=A", "", "", ""),
            ("POST", "Observation", "", "urn:uuid:o", observation),
            ("POST", "Encounter", "", "urn:uuid:e", &encounter("urn:uuid:p")),
            ("POST", "Patient", "", "urn:uuid:p", &patient("old", "A")),
            ("PUT", "Patient/fixed", "", "http://elsewhere/Patient/fixed", &patient("fixed", "B")),
        ],
    );
    let answered = bench.expect(200, "POST ", &["Prefer: return=representation"], &body).await;
    assert_eq!(answered.statuses(), ["200 OK", "201 Created", "201 Created", "201 Created", "201 Created"]);
    let entries = answered.entries();
    let key =
        |at: usize| entries[at].text(&["response", "location"]).unwrap().split("/_history").next().unwrap().to_owned();
    let resource = |at: usize| entries[at].get("resource").unwrap();
    assert_eq!(resource(2).text(&["subject", "reference"]), Some(key(3).as_str()));
    assert_eq!(resource(1).text(&["subject", "reference"]), Some(key(3).as_str()));
    assert_eq!(resource(1).text(&["encounter", "reference"]), Some(key(2).as_str()));
    let performers = resource(1).get("performer").unwrap().items();
    assert_eq!(performers[0].text(&["reference"]), Some("Practitioner/d"));
    assert_eq!(performers[1].text(&["reference"]), Some(key(3).as_str()));
    assert_eq!(resource(0).get("entry").unwrap().items().len(), 1, "a read sees what was written");
    assert_eq!(entries[4].text(&["fullUrl"]), Some(format!("{BASE}/Patient/fixed").as_str()));
    assert_eq!(bench.get(&key(2)).await.text(&["subject", "reference"]), key(3));
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing() {
    let bench = Bench::new().await;
    bench.expect(201, "PUT Patient/there", &[], &patient("there", "A")).await;
    let good = patient("p", "A");
    let (here, there) = (("PUT", "Patient/p", "", "", good.as_str()), patient("there", "B"));
    for (status, entry) in [
        (400, ("PUT", "Patient/p", "", "", good.as_str())),
        (400, ("PUT", "Patient/q", "", "", good.as_str())),
        (404, ("PUT", "Nobody/q", "", "", good.as_str())),
        (412, ("PUT", "Patient/there", r#","ifMatch":"W/\"9\"""#, "", there.as_str())),
        (412, ("POST", "Encounter", "", "", &encounter("Patient?identifier=urn:x|nobody"))),
        (404, ("PATCH", "Patient/nobody", "", "", r#"{"resourceType":"Parameters"}"#)),
        (422, ("POST", "Patient", "", "", r#"{"resourceType":"Patient","active":"x"}"#)),
        (400, ("POST", "Patient", "", "", "")),
        (400, ("POST", "Patient/$match", "", "", r#"{"resourceType":"Parameters"}"#)),
    ] {
        let answered = bench.expect(status, "POST ", &[], &bundle("transaction", &[here, entry])).await;
        assert_eq!(answered.text(&["issue", "expression"]), "Bundle.entry[1]", "{entry:?}");
        bench.expect(404, "GET Patient/p", &[], "").await;
    }
    bench.expect(400, "POST ", &[], &bundle("collection", &[])).await;
    bench.expect(400, "POST ", &[], &patient("p", "A")).await;
    bench.expect(200, "POST ", &[], &bundle("transaction", &[])).await;
}

#[tokio::test]
async fn entries_may_be_conditional() {
    let bench = Bench::new().await;
    let if_none = r#","ifNoneExist":"identifier=urn:x|1""#;
    let created = patient("1", "A");
    let refers = encounter("urn:uuid:p");
    let body = bundle(
        "transaction",
        &[("POST", "Patient", if_none, "urn:uuid:p", &created), ("POST", "Encounter", "", "", &refers)],
    );
    let first = bench.expect(200, "POST ", &[], &body).await;
    let second = bench.expect(200, "POST ", &[], &body).await;
    assert_eq!((first.statuses()[0], second.statuses()[0]), ("201 Created", "200 OK"));
    let patients = bench.get("Patient?identifier=urn:x|1").await.found();
    assert_eq!(patients.len(), 1);
    assert_eq!(bench.get(&format!("Encounter?subject=Patient/{}", patients[0])).await.entries().len(), 2);
    let twice = bundle(
        "transaction",
        &[
            ("POST", "Patient", r#","ifNoneExist":"identifier=urn:x|2""#, "", &created),
            ("POST", "Patient", r#","ifNoneExist":"identifier=urn:x|2""#, "", &created),
        ],
    );
    bench.expect(400, "POST ", &[], &twice).await;
    let mixed = bundle(
        "transaction",
        &[
            ("DELETE", "Patient?identifier=urn:x|1", "", "", ""),
            ("PUT", "Patient?identifier=urn:x|3", "", "", &patient("three", "A")),
        ],
    );
    let answered = bench.expect(200, "POST ", &[], &mixed).await;
    assert_eq!(answered.statuses(), ["204 No Content", "201 Created"]);
    bench.expect(410, &format!("GET Patient/{}", patients[0]), &[], "").await;
}

#[tokio::test]
async fn integrity_counts_what_is_written_together() {
    let bench = Bench::of(Policy { integrity: Integrity::Enforce, ..Policy::default() }).await;
    let refers = encounter("urn:uuid:p");
    let body = bundle(
        "transaction",
        &[("POST", "Encounter", "", "urn:uuid:e", &refers), ("PUT", "Patient/p", "", "urn:uuid:p", &patient("p", "A"))],
    );
    let made = bench.expect(200, "POST ", &[], &body).await;
    let encounter_key = made.entries()[0].text(&["response", "location"]).unwrap().split("/_history").next().unwrap();
    bench.expect(409, "POST ", &[], &bundle("transaction", &[("DELETE", "Patient/p", "", "", "")])).await;
    let both = [("DELETE", "Patient/p", "", "", ""), ("DELETE", encounter_key, "", "", "")];
    bench.expect(200, "POST ", &[], &bundle("transaction", &both)).await;
}
