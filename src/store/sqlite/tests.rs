//! What is SQLite's own: statements against the schema, plans, and a writer that survives what befalls it.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::Connection;

use super::search::Words;
use super::{SqliteStore, connection, sql};
use crate::record::{Cause, Conclusion, Criterion, MessageOutcome, Space};
use crate::store::conformance::given::{at, bears, conclusion, lanes, reception, within};
use crate::store::search::{Direction, Plan, Statement};
use crate::store::{Admission, MessageStore as _, Store as _, StoreError};

async fn store(folder: &Path) -> SqliteStore {
    SqliteStore::open(&folder.join("store.db")).await.unwrap()
}

fn migrated() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = connection::writing(&folder.path().join("store.db")).unwrap();
    connection::migrate(&mut connection, 0).unwrap();
    (folder, connection)
}

#[test]
fn every_statement_prepares() {
    let (_folder, connection) = migrated();
    for (name, text) in sql::ALL {
        connection.prepare(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn hot_statements_use_their_index() {
    let (_folder, connection) = migrated();
    let check = |name: &str, indexes: &[&str]| {
        let text = sql::ALL.iter().find(|(found, _)| *found == name).unwrap().1;
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
        let plan: Vec<String> = statement.raw_query().mapped(|row| row.get(3)).collect::<Result<_, _>>().unwrap();
        let plan = plan.join("\n");
        assert!(indexes.iter().all(|index| plan.contains(index)), "{name}:\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{name} sorts:\n{plan}");
        let scans = plan.lines().any(|line| line.starts_with("SCAN") && !line.contains("INDEX"));
        assert!(!scans, "{name} scans a table:\n{plan}");
    };
    check("CLAIM_MESSAGES", &["pending_ready", "SEARCH m USING INTEGER PRIMARY KEY"]);
    check("FIND_CONTROL_ID", &["message_by_control_id"]);
    check("LANE_HEAD", &["PRIMARY KEY (lane=?)"]);
    check("CURRENT_RESOURCE", &["PRIMARY KEY (kind=? AND id=?)"]);
    check("LOAD_RESOURCE", &["PRIMARY KEY (kind=? AND id=?)"]);
    check("FIND_IDENTIFIER", &["PRIMARY KEY (key=?)"]);
    check("LOAD_VERSION", &["INTEGER PRIMARY KEY"]);
    check("HISTORY_OF_KIND", &["resource_version_by_kind"]);
    check("VERSION_AT", &["INTEGER PRIMARY KEY"]);
    check("SNAPSHOT", &["resource_version_by_kind", "PRIMARY KEY (kind=? AND id=?)"]);
    check("STANDING_OF_VERSION", &["INTEGER PRIMARY KEY", "PRIMARY KEY (kind=? AND id=?)"]);
    check("FORGET_TOKENS", &["used_token_by_expiry"]);
    check("CLAIM_DELIVERIES", &["delivery_due"]);
    check("NEXT_DUE", &["delivery_due"]);
    check("FIRST_OF_SUBJECT", &["delivery_order"]);
    check("CLEAR_READY", &["delivery_one_ready_per_subject"]);
    check("OPEN_REFERRALS", &["referral_open"]);
    check("REDIRECTED_TO", &["redirect_by_target"]);
    check("LIST_MESSAGES_BY_OUTCOME", &["message_outcome_rare"]);
    check("LANES_PARKED", &["pending_parked"]);
}

#[test]
fn searches_use_the_index() {
    let (_folder, connection) = migrated();
    let check = |what: &str, statement: Statement, indexes: &[&str], sorts: bool| {
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.text)).unwrap();
        for (place, value) in (1..).zip(&statement.values) {
            explain.raw_bind_parameter(place, value).unwrap();
        }
        let plan: Vec<String> = explain.raw_query().mapped(|row| row.get(3)).collect::<Result<_, _>>().unwrap();
        let plan = plan.join("\n");
        assert!(indexes.iter().all(|index| plan.contains(index)), "{what}:\n{plan}");
        assert_eq!(plan.contains("TEMP B-TREE"), sorts, "{what}:\n{plan}");
        // Tables go by i, r, v, f, w and o; what else is scanned was selected before.
        let tables = ["i", "r", "v", "f", "w", "o"].map(|table| format!("SCAN {table}"));
        let is_scan = |line: &str| tables.iter().any(|table| line.starts_with(table)) && !line.contains("INDEX");
        let scans = plan.lines().any(is_scan);
        assert!(!scans, "{what} scans a table:\n{plan}");
    };
    let entry = "PRIMARY KEY (key=?";
    let row = "PRIMARY KEY (kind=? AND id=?)";
    let from = Direction { after: Some(7), descending: false };
    let (smith, active) = (bears("Patient", "name", "smith"), bears("Patient", "active", "yes"));
    let range = within("Patient", "name", "a", "b");
    let plan = Plan::new("Patient", &smith, &[]);
    check("one key", plan.versions::<Words>(from, 10), &[entry, row], false);
    let both = Criterion::All(vec![smith.clone(), active]);
    let plan = Plan::new("Patient", &both, &[20_000, 9]);
    check("two keys", plan.versions::<Words>(from, 10), &["PRIMARY KEY (key=? AND resource=?)", entry, row], false);
    let plan = Plan::new("Patient", &range, &[9]);
    check("few of a range", plan.versions::<Words>(from, 10), &["PRIMARY KEY (key>? AND key<?)", row], true);
    let plan = Plan::new("Patient", &range, &[20_000]);
    check("many of a range", plan.versions::<Words>(from, 10), &["resource_version_by_kind", row], false);
    let space = Space::of("Patient", "name");
    let ordered = plan.keyed_by::<Words>(space, Some((b"12345678x", 7)), true, 10);
    check("an order", ordered, &["PRIMARY KEY", row], false);
    let refers = Criterion::RefersTo { space, kind: "Patient".into(), criterion: Box::new(smith.clone()) };
    let plan = Plan::new("Task", &refers, &[1]);
    check("a chain", plan.versions::<Words>(from, 10), &[entry, row], true);
    let referred = Criterion::ReferredBy { space, kind: "Task".into(), criterion: Box::new(smith) };
    let plan = Plan::new("Patient", &referred, &[1]);
    check("a reverse chain", plan.versions::<Words>(from, 10), &[entry, row, "VIRTUAL TABLE"], true);
}

#[tokio::test]
async fn a_search_without_end_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let endless = |connection: &Connection| {
        let text = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c";
        Ok(connection.query_row(text, [], |row| row.get::<_, i64>(0))?)
    };
    let answer = store.readers.bounded("search", Some(std::time::Duration::from_millis(20)), endless).await;
    assert!(matches!(answer, Err(StoreError::TooSlow { operation: "search", .. })), "{answer:?}");
    store.probe().await.unwrap();
}

#[tokio::test]
async fn what_was_answered_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(folder.path()).await;
    let admitted = first.admit(vec![reception("a", &[1])]).await.unwrap();
    let Admission::Stored(id) = admitted[0] else { panic!("expected a stored message: {admitted:?}") };
    drop(first);
    let second = store(folder.path()).await;
    assert_eq!(second.message(id).await.unwrap().unwrap().outcome, MessageOutcome::Pending);
    let again = second.admit(vec![reception("a", &[1]), reception("b", &[1])]).await.unwrap();
    assert!(matches!(again[..], [Admission::Duplicate { .. }, Admission::Stored(next)] if next > id), "{again:?}");
}

#[tokio::test]
async fn two_processes_on_one_file_share_the_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (store(folder.path()).await, store(folder.path()).await);
    let lease = first.lease("first", at(0), at(60)).await.unwrap();
    let mut ids = Vec::new();
    for round in 0..3 {
        for (name, store) in [("first", &first), ("second", &second)] {
            let admitted = store.admit(vec![reception(&format!("{name} {round}"), &[1])]).await.unwrap();
            let Admission::Stored(id) = admitted[0] else { panic!("expected a stored message: {admitted:?}") };
            ids.push(id);
        }
    }
    let diverted = ids.remove(0);
    let diverting = Conclusion { outcome: MessageOutcome::Diverted, ..conclusion(Cause::Message(diverted)) };
    first.conclude(&lease, vec![diverting]).await.unwrap();
    assert!(second.requeue(diverted, lanes(&[1])).await.unwrap());
    first.admit(vec![reception("last", &[1])]).await.unwrap();
    ids.push(diverted);
    for expected in ids {
        let claimed = second.claim_messages(&lease, &HashSet::new(), 10).await.unwrap();
        assert_eq!(claimed.iter().map(|message| message.id).collect::<Vec<_>>(), [expected]);
        first.conclude(&lease, vec![conclusion(Cause::Message(expected))]).await.unwrap();
    }
}

#[tokio::test]
async fn a_panic_in_a_job_is_answered_and_the_next_job_runs() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let answer = store.keep("probe", |_| -> super::Answered<()> { panic!("on purpose") }).await;
    assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
    store.probe().await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_answered_and_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let limit = |pages: u32| {
        store.keep("probe", move |connection| {
            Ok(connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?)
        })
    };
    limit(1).await.unwrap();
    let big = || {
        let mut big = reception("big", &[1]);
        big.bytes = vec![b'x'; 1 << 20].into();
        big
    };
    let answer = store.admit(vec![reception("small", &[1]), big()]).await;
    let Err(StoreError::Unavailable { reason, .. }) = answer else { panic!("expected no room: {answer:?}") };
    assert!(reason.contains("full"), "{reason}");
    limit(1 << 20).await.unwrap();
    let admitted = store.admit(vec![reception("small", &[1]), big()]).await.unwrap();
    assert!(matches!(admitted[..], [Admission::Stored(_), Admission::Stored(_)]), "nothing was left: {admitted:?}");
}

#[tokio::test]
async fn a_failed_job_does_not_touch_its_neighbours() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let failing = store.keep("probe", |connection| {
        connection.execute(sql::INSERT_AUDIT, rusqlite::params![1, "half", "x", 1])?;
        Ok(connection.execute("INSERT INTO no_such_table VALUES (1)", [])?)
    });
    let (failed, admitted) = tokio::join!(failing, store.admit(vec![reception("a", &[1])]));
    assert!(failed.is_err());
    assert!(matches!(admitted.unwrap()[..], [Admission::Stored(_)]));
    let count = |connection: &Connection| Ok(connection.query_row("SELECT count(*) FROM audit", [], |row| row.get(0))?);
    assert_eq!(store.readers.read::<i64, _>("probe", count).await.unwrap(), 0);
}

#[tokio::test]
async fn a_write_wakes_who_registered_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let woken = store.woken();
    store.admit(vec![reception("a", &[1])]).await.unwrap();
    woken.await;
}
