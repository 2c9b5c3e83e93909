//! Bodies and searches that were mangled on the way: answered, whatever they are, and never by a fault of ours.

use proptest::prelude::*;
use proptest::sample::Index;

use super::Bench;

const BUNDLE: &str = r#"{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","identifier":[{"system":"s","value":"1"}],"birthDate":"1970-01-01"},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=s|1"}},{"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:1"},"valueQuantity":{"value":1.50}},"request":{"method":"PUT","url":"Observation/o"}}]}"#;

const SEARCH: &str = "GET Observation?subject:Patient.name=a&value-quantity=gt5.4||mg&_has:Provenance:target:agent=x&_include=*&_sort=-date&date=ge2020-01";

/// Some bytes replaced, cut out or doubled.
fn mangled(text: &'static str) -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "", "\"", "{", "}", "[", "\\u0000", "\u{e9}", "1e99", "null", "%", "$", "|", ",", "&",
    ]);
    prop::collection::vec((any::<Index>(), 0..6_usize, pieces), 1..5).prop_map(move |edits| {
        let mut letters: Vec<String> = text.chars().map(String::from).collect();
        for (at, length, piece) in edits {
            let from = at.index(letters.len());
            let to = (from + length).min(letters.len());
            letters.splice(from..to, [piece.to_owned()]);
        }
        letters.concat()
    })
}

#[test]
fn mangled_requests_are_answered_without_a_fault_of_ours() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let bench = runtime.block_on(Bench::new());
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(bundle in mangled(BUNDLE), search in mangled(SEARCH))| {
        let status = runtime.block_on(async {
            let line = if search.starts_with("GET ") { search.as_str() } else { SEARCH };
            (bench.ask("POST ", &[], &bundle).await.status, bench.ask(line, &[], "").await.status)
        });
        prop_assert!(status.0 < 500 && status.1 < 500, "{status:?} {bundle} {search}");
    });
}
