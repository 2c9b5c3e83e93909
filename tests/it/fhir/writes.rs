//! Create, update, patch and delete, and what refuses them.

use super::{BASE, Bench, patient};
use loopgate::rest::Policy;

const JSON_PATCH: &str = "Content-Type: application/json-patch+json";

#[tokio::test]
async fn creates_get_a_fresh_id() {
    let bench = Bench::new().await;
    let made = bench.expect(201, "POST Patient", &[], &patient("mine", "A")).await;
    let id = made.text(&["id"]);
    assert_ne!(id, "mine");
    assert_eq!(made.header("location"), format!("{BASE}/Patient/{id}/_history/1"));
    assert_eq!(made.text(&["name", "family"]), "A");
    bench.expect(404, "GET Patient/mine", &[], "").await;
    let minimal = bench.expect(201, "POST Patient", &["Prefer: return=minimal"], &patient("m", "A")).await;
    assert!(minimal.response.body.is_empty());
    let told = bench.expect(201, "POST Patient", &["Prefer: return=OperationOutcome"], &patient("m", "A")).await;
    assert_eq!(told.text(&["resourceType"]), "OperationOutcome");
}

#[tokio::test]
async fn bodies_that_are_wrong_are_refused() {
    let bench = Bench::new().await;
    for (status, line, headers, body) in [
        (400, "POST Patient", &[][..], "{"),
        (400, "POST Patient", &[], ""),
        (400, "POST Patient", &[], "[]"),
        (400, "POST Patient", &[], r#"{"resourceType":"Task"}"#),
        (400, "PUT Patient/p", &[], r#"{"resourceType":"Patient"}"#),
        (400, "PUT Patient/p", &[], r#"{"resourceType":"Patient","id":"q"}"#),
        (400, "PUT Patient/a_b", &[], r#"{"resourceType":"Patient","id":"a_b"}"#),
        (415, "POST Patient", &["Content-Type: text/plain"], "{}"),
        (422, "POST Patient", &[], r#"{"resourceType":"Patient","birthDate":7}"#),
        (422, "POST Patient", &[], r#"{"resourceType":"Patient","unheard":"of"}"#),
    ] {
        let answered = bench.expect(status, line, headers, body).await;
        assert_eq!(answered.text(&["resourceType"]), "OperationOutcome", "{line} {body}");
    }
    let broken = bench.expect(400, "POST Patient", &[], "{\"resourceType\":\"Patient\",\n  x}").await;
    assert!(broken.text(&["issue", "diagnostics"]).starts_with("line 2, column 3: "));
    assert_eq!(bench.get("_history").await.entries().len(), 0, "nothing was written");
}

#[tokio::test]
async fn updates_follow_versions() {
    let bench = Bench::new().await;
    bench.expect(412, "PUT Patient/p", &["If-Match: W/\"1\""], &patient("p", "A")).await;
    bench.expect(201, "PUT Patient/p", &[], &patient("p", "A")).await;
    let second = bench.expect(200, "PUT Patient/p", &["If-Match: W/\"1\""], &patient("p", "B")).await;
    assert_eq!(second.header("etag"), "W/\"2\"");
    bench.expect(412, "PUT Patient/p", &["If-Match: W/\"1\""], &patient("p", "C")).await;
    bench.expect(400, "PUT Patient/p", &["If-Match: x"], &patient("p", "C")).await;
    bench.expect(412, "PUT Patient/p", &["If-None-Match: *"], &patient("p", "C")).await;
    let same = bench.expect(200, "PUT Patient/p", &[], &patient("p", "B")).await;
    assert_eq!(same.response.body, second.response.body, "what changes nothing makes no version");
    bench.expect(204, "DELETE Patient/p", &[], "").await;
    let again = bench.expect(201, "PUT Patient/p", &[], &patient("p", "D")).await;
    assert_eq!(again.header("etag"), "W/\"4\"");
}

#[tokio::test]
async fn ids_may_be_the_server_s_alone() {
    let bench = Bench::of(Policy { creates_by_update: false, ..Policy::default() }).await;
    bench.expect(405, "PUT Patient/p", &[], &patient("p", "A")).await;
    let made = bench.expect(201, "POST Patient", &[], &patient("p", "A")).await;
    let id = made.text(&["id"]).to_owned();
    bench.expect(200, &format!("PUT Patient/{id}"), &[], &patient(&id, "B")).await;
}

#[tokio::test]
async fn deletes_may_be_repeated() {
    let bench = Bench::new().await;
    bench.expect(201, "PUT Patient/p", &[], &patient("p", "A")).await;
    bench.expect(412, "DELETE Patient/p", &["If-Match: W/\"7\""], "").await;
    let deleted = bench.expect(204, "DELETE Patient/p", &["If-Match: W/\"1\""], "").await;
    assert_eq!(deleted.header("etag"), "W/\"2\"");
    bench.expect(204, "DELETE Patient/p", &[], "").await;
    bench.expect(204, "DELETE Patient/never", &[], "").await;
    assert_eq!(bench.get("Patient/p/_history").await.entries().len(), 2);
}

#[tokio::test]
async fn patches_change_parts() {
    let bench = Bench::new().await;
    let patch = r#"[{"op":"replace","path":"/name/0/family","value":"B"}]"#;
    bench.expect(404, "PATCH Patient/p", &[JSON_PATCH], patch).await;
    bench.expect(201, "PUT Patient/p", &[], &patient("p", "A")).await;
    let patched = bench.expect(200, "PATCH Patient/p", &[JSON_PATCH], patch).await;
    assert_eq!((patched.text(&["name", "family"]), patched.header("etag")), ("B", "W/\"2\""));
    let parameters = r#"{"resourceType":"Parameters","parameter":[{"name":"operation","part":[
        {"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.name[0].family"},
        {"name":"value","valueString":"C"}]}]}"#;
    let patched = bench.expect(200, "PATCH Patient/p", &["If-Match: W/\"2\""], parameters).await;
    assert_eq!(patched.text(&["name", "family"]), "C");
    for (status, headers, body) in [
        (412, &[JSON_PATCH, "If-Match: W/\"1\""][..], patch),
        (400, &[JSON_PATCH], "{"),
        (400, &[JSON_PATCH], r#"{"op":"add"}"#),
        (422, &[JSON_PATCH], r#"[{"op":"test","path":"/active","value":true}]"#),
        (422, &[JSON_PATCH], r#"[{"op":"replace","path":"/id","value":"q"}]"#),
        (422, &[JSON_PATCH], r#"[{"op":"add","path":"/unheard","value":"of"}]"#),
        (415, &["Content-Type: application/fhir+json"], &patient("p", "A")),
    ] {
        bench.expect(status, "PATCH Patient/p", headers, body).await;
    }
    bench.expect(204, "DELETE Patient/p", &[], "").await;
    bench.expect(410, "PATCH Patient/p", &[JSON_PATCH], patch).await;
}
