//! Reads, versions, histories, the CapabilityStatement, and the form of answers.

use super::{BASE, Bench, patient};

#[tokio::test]
async fn what_is_written_is_read_as_it_is() {
    let bench = Bench::new().await;
    let made = bench.expect(201, "PUT Patient/p", &[], &patient("p", "A")).await;
    assert_eq!(made.header("etag"), "W/\"1\"");
    assert_eq!(made.header("location"), format!("{BASE}/Patient/p/_history/1"));
    assert_eq!(made.header("last-modified"), "Mon, 02 Mar 2026 09:00:01 GMT");
    let read = bench.expect(200, "GET Patient/p", &[], "").await;
    assert_eq!(read.response.body, made.response.body);
    assert_eq!(read.header("content-type"), "application/fhir+json; charset=utf-8");
    assert_eq!((read.header("etag"), read.text(&["meta", "versionId"])), ("W/\"1\"", "1"));
    for (header, status) in [
        ("If-None-Match: W/\"1\"", 304),
        ("If-None-Match: W/\"2\"", 200),
        ("If-Modified-Since: Mon, 02 Mar 2026 09:00:01 GMT", 304),
        ("If-Modified-Since: Mon, 02 Mar 2026 09:00:00 GMT", 200),
    ] {
        let answered = bench.expect(status, "GET Patient/p", &[header], "").await;
        assert_eq!(answered.response.body.is_empty(), status == 304, "{header}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let bench = Bench::new().await;
    bench.expect(201, "PUT Patient/p", &[], &patient("p", "A")).await;
    bench.expect(200, "PUT Patient/p", &[], &patient("p", "B")).await;
    bench.expect(204, "DELETE Patient/p", &[], "").await;
    for (status, line, code) in [
        (404, "GET Patient/q", "not-found"),
        (404, "GET Patient/a_b", "not-found"),
        (404, "GET Nobody/p", "not-found"),
        (410, "GET Patient/p", "deleted"),
        (410, "GET Patient/p/_history/3", "deleted"),
        (404, "GET Patient/p/_history/4", "not-found"),
        (405, "POST Patient/p", "not-supported"),
        (406, "GET Patient/p?_format=ttl", "not-supported"),
        (400, "GET Patient/p?_summary=x", "invalid"),
    ] {
        let answered = bench.expect(status, line, &[], "").await;
        assert_eq!(answered.text(&["issue", "code"]), code, "{line}");
    }
    let old = bench.expect(200, "GET Patient/p/_history/1", &[], "").await;
    assert_eq!((old.text(&["name", "family"]), old.header("etag")), ("A", "W/\"1\""));
    let wrong = bench.expect(405, "POST Patient/p", &[], "").await;
    assert_eq!(wrong.header("allow"), "GET, HEAD, PUT, PATCH, DELETE");
}

#[tokio::test]
async fn histories_are_paged_newest_first() {
    let bench = Bench::new().await;
    bench.expect(201, "PUT Patient/p", &[], &patient("p", "A")).await;
    bench.expect(201, "PUT Task/t", &[], r#"{"resourceType":"Task","id":"t","status":"draft","intent":"order"}"#).await;
    bench.expect(200, "PUT Patient/p", &[], &patient("p", "B")).await;
    bench.expect(204, "DELETE Patient/p", &[], "").await;
    for (url, expected) in [
        ("Patient/p/_history", vec!["204 No Content", "200 OK", "201 Created"]),
        ("Patient/_history", vec!["204 No Content", "200 OK", "201 Created"]),
        ("_history", vec!["204 No Content", "200 OK", "201 Created", "201 Created"]),
        ("Patient/p/_history?_since=2026-03-02T09:00:03Z", vec!["204 No Content", "200 OK"]),
        ("Patient/p/_history?_at=2026-03-02T09:00:02Z", vec!["201 Created"]),
        ("Patient/p/_history?_at=2026-03-02T09:00:03Z", vec!["200 OK"]),
        ("Patient/p/_history?_at=2026-03", vec!["204 No Content", "200 OK", "201 Created"]),
    ] {
        let history = bench.expect(200, &format!("GET {url}"), &[], "").await;
        assert_eq!(history.statuses(), expected, "{url}");
        assert_eq!(history.text(&["type"]), "history");
    }
    let first = bench.get("Patient/p/_history?_count=2").await;
    assert_eq!((first.entries().len(), first.total()), (2, Some(3)));
    let gone = &first.entries()[0];
    assert_eq!((gone.get("resource"), gone.text(&["request", "method"])), (None, Some("DELETE")));
    let next = first.link("next").unwrap().strip_prefix(BASE).unwrap().trim_start_matches('/').to_owned();
    let second = bench.get(&next).await;
    assert_eq!((second.statuses(), second.link("next")), (vec!["201 Created"], None));
    bench.expect(404, "GET Patient/q/_history", &[], "").await;
    bench.expect(400, "GET Patient/p/_history?_since=soon", &[], "").await;
}

#[tokio::test]
async fn the_statement_tells_what_is_there() {
    let bench = Bench::new().await;
    let statement = bench.expect(200, "GET metadata", &[], "").await;
    assert_eq!(statement.text(&["resourceType"]), "CapabilityStatement");
    assert_eq!(statement.text(&["fhirVersion"]), "4.0.1");
    assert_eq!(statement.text(&["rest", "resource", "conditionalDelete"]), "single");
    let issues = loopgate::profile::Validator::default().validate(&statement.resource());
    assert_eq!(issues, []);
}
