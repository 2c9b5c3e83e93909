//! Cases: versions, histories and the past.

use super::given::{Bench, at, deletion, patient, request, write};
use crate::record::{
    Committed, HistoryPage, HistoryQuery, HistoryScope, Redirect, ResourceKey, ResourceVersion, ResourceWrite,
    SnapshotQuery, VersionNumber,
};

/// Commits a version at an instant.
async fn put_at(bench: &Bench, seconds: i64, resource: ResourceWrite) {
    let mut asked = request(vec![resource]);
    asked.conclusion.concluded_at = at(seconds);
    let committed = bench.commit(asked).await;
    assert!(matches!(committed, Committed::Done(_)), "{committed:?}");
}

/// Two patients and an observation: p1, q1, p2, o1, p deleted, p4; an hour and a half apart.
async fn fill(bench: &Bench) {
    put_at(bench, 0, write("Patient", "p", 0, &[])).await;
    put_at(bench, 5_400, write("Patient", "q", 0, &[])).await;
    put_at(bench, 10_800, write("Patient", "p", 1, &[])).await;
    put_at(bench, 16_200, write("Observation", "o", 0, &[])).await;
    put_at(bench, 21_600, deletion("Patient", "p", 2)).await;
    put_at(bench, 27_000, write("Patient", "p", 3, &[])).await;
}

fn names(versions: &[ResourceVersion]) -> Vec<String> {
    versions.iter().map(|one| format!("{}{}{}", one.key.id, one.version, if one.deleted { "x" } else { "" })).collect()
}

fn all(scope: HistoryScope) -> HistoryQuery {
    HistoryQuery { scope, since: None, until: None, before: None, limit: 100 }
}

async fn history(bench: &Bench, query: &HistoryQuery) -> HistoryPage {
    bench.store.history_page(query).await.unwrap()
}

pub async fn versions_are_read_by_number_and_id(bench: &Bench) {
    fill(bench).await;
    let check = async |version: Option<u32>, expected: Option<&str>| {
        let read = bench.store.read(&patient("p"), version).await.unwrap();
        assert_eq!(read.iter().flat_map(|one| names(std::slice::from_ref(one))).next().as_deref(), expected);
        if let Some(read) = read {
            let numbered = bench.store.version(read.number).await.unwrap().expect("the same");
            assert_eq!((numbered.key, numbered.version, numbered.content), (read.key, read.version, read.content));
        }
    };
    check(None, Some("p4")).await;
    check(Some(1), Some("p1")).await;
    check(Some(3), Some("p3x")).await;
    check(Some(4), Some("p4")).await;
    check(Some(5), None).await;
    check(Some(0), None).await;
    assert!(bench.store.read(&patient("nobody"), None).await.unwrap().is_none());
    assert!(bench.store.read(&ResourceKey::new("Observation", "p"), None).await.unwrap().is_none());
    assert!(bench.store.version(VersionNumber(4_711)).await.unwrap().is_none());
}

pub async fn a_history_is_read_in_pages(bench: &Bench) {
    fill(bench).await;
    for (scope, expected) in [
        (HistoryScope::Resource(patient("p")), vec!["p4", "p3x", "p2", "p1"]),
        (HistoryScope::Kind("Patient".into()), vec!["p4", "p3x", "p2", "q1", "p1"]),
        (HistoryScope::System, vec!["p4", "p3x", "o1", "p2", "q1", "p1"]),
    ] {
        let mut query = HistoryQuery { limit: 2, ..all(scope) };
        let mut found = Vec::new();
        loop {
            let page = history(bench, &query).await;
            query.before = page.versions.last().map(|one| one.number);
            found.extend(names(&page.versions));
            assert!(page.versions.len() <= 2);
            if !page.more {
                break;
            }
        }
        assert_eq!(found, expected, "{:?}", query.scope);
    }
}

pub async fn a_history_of_a_type_and_of_all(bench: &Bench) {
    fill(bench).await;
    let page = history(bench, &all(HistoryScope::Kind("Observation".into()))).await;
    assert_eq!((names(&page.versions), page.more, page.total), (vec!["o1".to_owned()], false, Some(1)));
    let short = HistoryQuery { limit: 2, ..all(HistoryScope::System) };
    let page = history(bench, &short).await;
    assert_eq!((page.versions.len(), page.more, page.total), (2, true, None));
    let one = HistoryQuery { limit: 1, ..all(HistoryScope::Resource(patient("p"))) };
    let page = history(bench, &one).await;
    assert_eq!((page.more, page.total), (true, Some(4)), "the total of one resource is always known");
    assert!(history(bench, &all(HistoryScope::Resource(patient("nobody")))).await.versions.is_empty());
}

pub async fn a_history_keeps_to_its_period(bench: &Bench) {
    fill(bench).await;
    let check = async |scope: &HistoryScope, since: Option<i64>, until: Option<i64>, expected: &[&str]| {
        let query = HistoryQuery { since: since.map(at), until: until.map(at), ..all(scope.clone()) };
        let page = history(bench, &query).await;
        assert_eq!(names(&page.versions), expected, "{scope:?} {since:?} {until:?}");
        assert_eq!(page.total, Some(expected.len() as u64));
    };
    let resource = HistoryScope::Resource(patient("p"));
    check(&resource, Some(10_800), None, &["p4", "p3x", "p2"]).await;
    check(&resource, Some(10_801), Some(21_600), &["p3x"]).await;
    for scope in [HistoryScope::System, HistoryScope::Kind("Patient".into())] {
        check(&scope, Some(21_600), None, &["p4", "p3x"]).await;
        check(&scope, None, Some(5_400), &["q1", "p1"]).await;
        check(&scope, Some(1), Some(5_400), &["q1"]).await;
        check(&scope, Some(90_000), None, &[]).await;
    }
}

pub async fn a_snapshot_shows_the_past(bench: &Bench) {
    put_at(bench, 0, write("Patient", "p", 0, &[])).await;
    put_at(bench, 1, write("Patient", "q", 0, &[])).await;
    let early = bench.store.latest_version().await.unwrap();
    put_at(bench, 2, write("Patient", "p", 1, &[])).await;
    put_at(bench, 3, write("Observation", "o", 0, &[])).await;
    let middle = bench.store.latest_version().await.unwrap();
    put_at(bench, 4, deletion("Patient", "p", 2)).await;
    put_at(bench, 5, write("Patient", "q", 1, &[])).await;
    let late = bench.store.latest_version().await.unwrap();
    let check = async |as_of: VersionNumber, since: Option<i64>, limit: u32, expected: &[&str]| {
        let mut query = SnapshotQuery { kind: "Patient".into(), as_of, since: since.map(at), after: None, limit };
        let mut found = Vec::new();
        while let page @ [.., last] = &bench.store.snapshot(&query).await.unwrap()[..] {
            assert!(page.len() <= limit as usize);
            query.after = Some(last.number);
            found.extend(names(page));
        }
        assert_eq!(found, expected, "{as_of:?} {since:?} {limit}");
    };
    for limit in [1, 100] {
        check(early, None, limit, &["p1", "q1"]).await;
        check(middle, None, limit, &["q1", "p2"]).await;
        check(middle, Some(2), limit, &["p2"]).await;
        check(late, None, limit, &["q2"]).await;
        check(VersionNumber(0), None, limit, &[]).await;
    }
}

pub async fn current_resources_are_listed_for_reindexing(bench: &Bench) {
    fill(bench).await;
    let mut found = Vec::new();
    let mut after = None;
    while let page @ [.., last] = &bench.store.current_after(after, 2).await.unwrap()[..] {
        after = Some(last.number);
        found.extend(names(page));
    }
    assert_eq!(found, ["q1", "o1", "p4"]);
}

pub async fn families_are_all_who_were_merged(bench: &Bench) {
    for (from, to) in [("a", "b"), ("b", "c"), ("x", "y")] {
        let mut asked = request(vec![]);
        asked.conclusion.redirects = vec![Redirect { from: patient(from), to: patient(to) }];
        bench.commit(asked).await;
    }
    let check = async |keys: &[&str], expected: &[&str]| {
        let keys: Vec<_> = keys.iter().map(|id| patient(id)).collect();
        let mut family = bench.store.families(&keys).await.unwrap();
        family.sort();
        assert_eq!(family, expected.iter().map(|id| patient(id)).collect::<Vec<_>>());
    };
    check(&["a"], &["a", "b", "c"]).await;
    check(&["c", "x"], &["a", "b", "c", "x", "y"]).await;
    check(&["alone"], &["alone"]).await;
    check(&[], &[]).await;
}
