//! Conditional create, update, patch and delete; referential integrity; races.

use std::sync::Arc;

use super::{Bench, patient};
use loopgate::rest::{Integrity, Policy};

const JSON_PATCH: &str = "Content-Type: application/json-patch+json";

#[tokio::test]
async fn a_conditional_create_makes_one() {
    let bench = Bench::new().await;
    let condition = ["If-None-Exist: identifier=urn:x|1"];
    let made = bench.expect(201, "POST Patient", &condition, &patient("1", "A")).await;
    let found = bench.expect(200, "POST Patient", &condition, &patient("1", "B")).await;
    assert_eq!(found.response.body, made.response.body);
    assert_eq!(found.header("location"), made.header("location"));
    bench.expect(201, "POST Patient", &[], &patient("1", "C")).await;
    let several = bench.expect(412, "POST Patient", &condition, &patient("1", "D")).await;
    assert_eq!(several.text(&["issue", "code"]), "multiple-matches");
    bench.expect(400, "POST Patient", &["If-None-Exist: unheard=of"], &patient("1", "D")).await;
    bench.expect(412, "POST Patient", &["If-None-Exist: "], &patient("1", "D")).await;
}

#[tokio::test]
async fn a_conditional_update_finds_or_makes() {
    let bench = Bench::new().await;
    let line = "PUT Patient?identifier=urn:x|1";
    let nameless = r#"{"resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}],"active":true}"#;
    let made = bench.expect(201, line, &[], nameless).await;
    let id = made.text(&["id"]).to_owned();
    let same = bench.expect(200, line, &[], nameless).await;
    assert_eq!(same.header("etag"), "W/\"1\"");
    let named = patient("1", "A").replace("\"id\":\"1\"", &format!("\"id\":\"{id}\""));
    assert_eq!(bench.expect(200, line, &[], &named).await.header("etag"), "W/\"2\"");
    bench.expect(400, line, &[], &patient("other", "A")).await;
    bench.expect(412, "PUT Patient", &[], &patient("1", "A")).await;
    bench.expect(201, "PUT Patient?identifier=urn:x|2", &[], &patient("2", "A")).await;
    bench.expect(200, "GET Patient/2", &[], "").await;
    bench.expect(409, "PUT Patient?identifier=urn:x|3", &[], &patient("2", "A")).await;
}

#[tokio::test]
async fn conditional_patches_and_deletes_are_about_one() {
    let bench = Bench::new().await;
    let patch = r#"[{"op":"add","path":"/active","value":true}]"#;
    bench.expect(404, "PATCH Patient?identifier=urn:x|1", &[JSON_PATCH], patch).await;
    bench.expect(204, "DELETE Patient?identifier=urn:x|1", &[], "").await;
    bench.expect(201, "PUT Patient/1", &[], &patient("1", "A")).await;
    bench.expect(201, "PUT Patient/2", &[], &patient("2", "A")).await;
    bench.expect(200, "PATCH Patient?identifier=urn:x|1", &[JSON_PATCH], patch).await;
    bench.expect(412, "DELETE Patient?identifier=urn:x|1,urn:x|2", &[], "").await;
    bench.expect(412, "DELETE Patient", &[], "").await;
    bench.expect(204, "DELETE Patient?identifier=urn:x|1", &[], "").await;
    bench.expect(410, "GET Patient/1", &[], "").await;
    bench.expect(200, "GET Patient/2", &[], "").await;
    let strict = Bench::of(Policy { conditional_delete: false, ..Policy::default() }).await;
    strict.expect(412, "DELETE Patient?identifier=urn:x|1", &[], "").await;
}

#[tokio::test]
async fn races_make_one() {
    let bench = Arc::new(Bench::new().await);
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let bench = Arc::clone(&bench);
        racers.spawn(async move {
            let made = bench.ask("POST Patient", &["If-None-Exist: identifier=urn:x|1"], &patient("1", "A")).await;
            made.status
        });
    }
    let mut statuses = racers.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 201]);
    let mut racers = tokio::task::JoinSet::new();
    for at in 0..8 {
        let bench = Arc::clone(&bench);
        racers.spawn(async move { bench.ask("PUT Patient/p", &[], &patient("p", &format!("F{at}"))).await.status });
    }
    assert!(racers.join_all().await.iter().all(|status| [200, 201].contains(status)));
    assert_eq!(bench.get("Patient/p/_history").await.total(), Some(8));
}

#[tokio::test]
async fn integrity_is_kept_where_it_is_wanted() {
    let bench = Bench::of(Policy { integrity: Integrity::Enforce, ..Policy::default() }).await;
    let encounter = r#"{"resourceType":"Encounter","id":"e","status":"planned","class":{"code":"AMB"},"subject":{"reference":"Patient/p"}}"#;
    let refused = bench.expect(422, "PUT Encounter/e", &[], encounter).await;
    assert_eq!(refused.text(&["issue", "code"]), "not-found");
    bench.expect(201, "PUT Patient/p", &[], &patient("p", "A")).await;
    bench.expect(201, "PUT Encounter/e", &[], encounter).await;
    bench.expect(409, "DELETE Patient/p", &[], "").await;
    bench.expect(204, "DELETE Encounter/e", &[], "").await;
    bench.expect(204, "DELETE Patient/p", &[], "").await;
    bench.expect(422, "PUT Encounter/e", &[], encounter).await;
    let open = Bench::new().await;
    open.expect(201, "PUT Encounter/e", &[], encounter).await;
}
