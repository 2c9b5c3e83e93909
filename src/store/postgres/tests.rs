//! What is PostgreSQL's own: statements against the schema, plans, and replicas beside each other.

use std::collections::HashSet;

use sqlx::{AssertSqlSafe, Row as _};

use super::database::Database;
use super::search::Words;
use super::{PostgresStore, sql};
use crate::base::Digest;
use crate::base::limits::{PARTITIONS, SEARCH_TIMEOUT};
use crate::record::{Cause, Criterion, Reception, Space, VersionNumber};
use crate::store::conformance::given::{at, bears, conclusion, reception, within};
use crate::store::search::{Direction, Plan};
use crate::store::{
    Admission, Concluded, FhirStore as _, Lease, MessageQuery, MessageStore as _, Store as _, StoreError,
};

async fn execute(store: &PostgresStore, text: String) {
    sqlx::raw_sql(AssertSqlSafe(text.clone()))
        .execute(&store.pool)
        .await
        .unwrap_or_else(|error| panic!("{text}: {error}"));
}

#[tokio::test]
async fn every_statement_prepares() {
    let Some(database) = Database::create().await else { return };
    let store = PostgresStore::open(&database.url).await.unwrap();
    for (name, text) in sql::ALL {
        execute(&store, format!("PREPARE {name} AS {text}")).await;
    }
    drop(store);
    database.drop_it().await;
}

#[tokio::test]
async fn hot_statements_use_their_index() {
    let Some(database) = Database::create().await else { return };
    let store = PostgresStore::open(&database.url).await.unwrap();
    let cases = [
        ("CLAIM_MESSAGES", 3, "pending_ready"),
        ("FIND_CONTROL_IDS", 4, "message_by_control_id"),
        ("OCCUPIED_LANES", 1, "lane_entry_pk"),
        ("UNBLOCK", 1, "lane_entry_pk"),
        ("CURRENT_RESOURCES", 2, "resource_pk"),
        ("LOAD_RESOURCES", 2, "resource_version_number_is_unique"),
        ("LOAD_RESOURCE", 2, "resource_pk"),
        ("LOAD_VERSIONS", 1, "resource_version_number_is_unique"),
        ("FIND_VERSION", 3, "resource_version_pk"),
        ("HISTORY_OF_RESOURCE", 6, "resource_version_pk"),
        ("HISTORY_OF_KIND", 6, "resource_version_by_kind"),
        ("HISTORY_OF_ALL", 5, "resource_version_number_is_unique"),
        ("VERSION_AT", 1, "resource_version_number_is_unique"),
        ("LATEST_VERSION", 0, "resource_version_number_is_unique"),
        ("SNAPSHOT", 5, "resource_version_by_kind"),
        ("REFERRAL_VERSIONS", 1, "referral_pk"),
        ("FORGET_TOKENS", 1, "used_token_by_expiry"),
        ("UPDATE_RESOURCES", 5, "resource_pk"),
        ("FIND_IDENTIFIERS", 1, "resource_index_pk"),
        ("DELETE_INDEX", 2, "resource_index_pk"),
        ("DELETE_PENDING", 2, "pending_pkey"),
        ("GET_REDIRECTS", 2, "redirect_pk"),
        ("CLAIM_DELIVERIES", 5, "delivery_due"),
        ("NEXT_DUE", 1, "delivery_due"),
        ("SET_READY", 2, "delivery_order"),
        ("OPEN_REFERRALS", 2, "referral_open"),
        ("DUE_TIMERS", 3, "timer_due"),
        ("LIST_MESSAGES_BY_OUTCOME", 4, "message_outcome_rare"),
    ];
    // The plan that a session keeps, made on empty tables.
    let mut connection = store.pool.acquire().await.unwrap();
    sqlx::raw_sql("SET plan_cache_mode = force_generic_plan").execute(&mut *connection).await.unwrap();
    let mut bad = Vec::new();
    for (name, parameters, index) in cases {
        let text = sql::ALL.iter().find(|(found, _)| *found == name).unwrap().1;
        let prepare = format!("PREPARE {name} AS {text}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *connection).await.unwrap();
        let values = if parameters == 0 { String::new() } else { format!("({})", vec!["NULL"; parameters].join(", ")) };
        let explain = format!("EXPLAIN EXECUTE {name} {values}");
        let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *connection).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        if !plan.contains(index) || plan.contains("Seq Scan") || plan.contains("Hash Join") {
            bad.push(format!("{name} without {index}:\n{plan}"));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n\n"));
    drop(connection);
    drop(store);
    database.drop_it().await;
}

#[tokio::test]
async fn searches_use_the_index() {
    let Some(database) = Database::create().await else { return };
    let store = PostgresStore::open(&database.url).await.unwrap();
    let mut bad = Vec::new();
    let from = Direction { after: Some(7), descending: false };
    let (smith, active) = (bears("Patient", "name", "smith"), bears("Patient", "active", "yes"));
    let (both, range) = (Criterion::All(vec![smith.clone(), active]), within("Patient", "name", "a", "b"));
    let space = Space::of("Patient", "name");
    let refers = Criterion::RefersTo { space, kind: "Patient".into(), criterion: Box::new(smith.clone()) };
    let referred = Criterion::ReferredBy { space, kind: "Task".into(), criterion: Box::new(smith.clone()) };
    let statements = [
        ("one_key", Plan::new("Patient", &smith, &[]).versions::<Words>(from, 10), false),
        ("two_keys", Plan::new("Patient", &both, &[20_000, 9]).versions::<Words>(from, 10), false),
        ("many_of_a_range", Plan::new("Patient", &range, &[20_000]).versions::<Words>(from, 10), false),
        ("an_order", Plan::new("Patient", &range, &[9]).keyed_by::<Words>(space, None, true, 10), false),
        ("few_of_a_range", Plan::new("Patient", &range, &[9]).versions::<Words>(from, 10), true),
        ("a_chain", Plan::new("Task", &refers, &[1]).versions::<Words>(from, 10), true),
        ("a_reverse_chain", Plan::new("Patient", &referred, &[1]).versions::<Words>(from, 10), true),
    ];
    let mut connection = store.searching.acquire().await.unwrap();
    for (name, statement, sorts) in statements {
        let prepare = format!("PREPARE {name} AS {}", statement.text);
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *connection).await.unwrap();
        let nulls = vec!["NULL"; statement.values.len()].join(", ");
        let explain = format!("EXPLAIN EXECUTE {name} ({nulls})");
        let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *connection).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        let scans = ["Seq Scan", "Hash Join", "Bitmap"].iter().any(|node| plan.contains(node));
        if scans || plan.contains("Sort") != sorts {
            bad.push(format!("{name}:\n{plan}"));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n\n"));
    drop(connection);
    drop(store);
    database.drop_it().await;
}

#[tokio::test]
async fn a_search_without_end_is_stopped() {
    let Some(database) = Database::create().await else { return };
    let store = PostgresStore::open(&database.url).await.unwrap();
    let mut connection = store.searching.acquire().await.unwrap();
    let limit: String =
        sqlx::query("SHOW statement_timeout").fetch_one(&mut *connection).await.unwrap().try_get(0).unwrap();
    assert_eq!(limit, format!("{}s", SEARCH_TIMEOUT.as_secs()));
    sqlx::query("SET statement_timeout = 20").execute(&mut *connection).await.unwrap();
    let stopped = sqlx::query("SELECT pg_sleep(60)").execute(&mut *connection).await;
    let error = super::fault::Fault::from(stopped.unwrap_err()).into_store_error("search");
    assert!(matches!(error, StoreError::TooSlow { operation: "search", .. }), "{error}");
    drop(connection);
    drop(store);
    database.drop_it().await;
}

/// A number that was given out and is not yet in the store holds up who asks for the latest.
#[tokio::test]
async fn the_latest_version_waits_for_those_in_flight() {
    let Some(database) = Database::create().await else { return };
    let store = PostgresStore::open(&database.url).await.unwrap();
    let mut writing = store.pool.begin().await.unwrap();
    let (space, bucket) = super::connection::Space::VERSIONS;
    let next = sqlx::query(sql::NEXT_VERSIONS).bind(1_i64).bind(space as i32).bind(bucket);
    let number: i64 = next.fetch_one(&mut *writing).await.unwrap().get(0);
    let asked = store.latest_version();
    let written = async {
        tokio::task::yield_now().await;
        let insert = "INSERT INTO resource_version (number, kind, id, version, updated_at, digest, content) \
            VALUES ($1, 'Patient', 'p', 1, 0, sha256(''), '')";
        sqlx::query(insert).bind(number).execute(&mut *writing).await.unwrap();
        writing.commit().await.unwrap();
    };
    let (latest, ()) = tokio::join!(asked, written);
    assert_eq!(latest.unwrap(), VersionNumber(number));
    drop(store);
    database.drop_it().await;
}

fn partitions(leases: &[&Lease]) -> Vec<usize> {
    let all: HashSet<u16> = leases.iter().flat_map(|lease| lease.partitions.iter().copied()).collect();
    let sum: usize = leases.iter().map(|lease| lease.partitions.len()).sum();
    assert_eq!(all.len(), sum, "no partition is leased twice");
    leases.iter().map(|lease| lease.partitions.len()).collect()
}

#[tokio::test]
async fn replicas_share_the_partitions() {
    let Some(database) = Database::create().await else { return };
    let store = PostgresStore::open(&database.url).await.unwrap();
    let lease = async |instance: &str, now: i64| store.lease(instance, at(now), at(now + 60)).await.unwrap();
    let all = usize::from(PARTITIONS);
    let one = lease("one", 0).await;
    let two = lease("two", 1).await;
    assert_eq!(partitions(&[&one, &two]), [all, 0], "the second waits for the first to give up its share");
    let one_less = lease("one", 2).await;
    assert_ne!(one_less.token, one.token, "it lost partitions");
    let two = lease("two", 3).await;
    assert_eq!(partitions(&[&one_less, &two]), [all / 2, all / 2]);
    assert_eq!(lease("one", 4).await.token, one_less.token, "nothing was lost");
    let three = lease("three", 5).await;
    let (one, two) = (lease("one", 6).await, lease("two", 7).await);
    assert_eq!(partitions(&[&one, &two, &three]), [22, 22, 0]);
    assert_eq!(partitions(&[&one, &two, &lease("three", 8).await]), [22, 22, 20]);
    // Two and three are silent from here on.
    let alone = lease("one", 100).await;
    assert_eq!(partitions(&[&alone]), [all]);
    assert_eq!(alone.token, one.token, "to gain partitions loses nothing");
    let late = store.conclude(&two, vec![]).await.unwrap();
    assert_eq!(late, Concluded::LeaseLost);
    drop(store);
    database.drop_it().await;
}

#[tokio::test]
async fn a_dead_process_loses_its_partitions_at_once() {
    let Some(database) = Database::create().await else { return };
    let [dead, alive] =
        [PostgresStore::open(&database.url).await.unwrap(), PostgresStore::open(&database.url).await.unwrap()];
    let all = usize::from(PARTITIONS);
    let lost = dead.lease("dead", at(0), at(60)).await.unwrap();
    assert_eq!(partitions(&[&lost, &alive.lease("alive", at(1), at(61)).await.unwrap()]), [all, 0]);
    dead.presence.break_off().await;
    // The server learns of the end of a connection by itself, a moment later.
    let mut taken = alive.lease("alive", at(2), at(62)).await.unwrap();
    for _ in 0..5_000 {
        if taken.partitions.len() == all {
            break;
        }
        taken = alive.lease("alive", at(2), at(62)).await.unwrap();
    }
    assert_eq!(taken.partitions.len(), all, "the dead one's lease runs until 60");
    assert_eq!(dead.conclude(&lost, vec![]).await.unwrap(), Concluded::LeaseLost);
    let back = dead.lease("dead", at(3), at(63)).await.unwrap();
    assert_ne!(back.token, lost.token, "it lives after all, and begins anew");
    let shared = alive.lease("alive", at(4), at(64)).await.unwrap();
    assert_eq!(partitions(&[&shared, &dead.lease("dead", at(5), at(65)).await.unwrap()]), [all / 2, all / 2]);
    drop((dead, alive));
    database.drop_it().await;
}

/// A bound on what must not wait, not a pause.
async fn at_once<T>(name: &str, work: impl Future<Output = T>) -> T {
    let patience = std::time::Duration::from_secs(5);
    tokio::time::timeout(patience, work).await.unwrap_or_else(|_| panic!("{name} waits"))
}

#[tokio::test]
async fn a_renewal_does_not_wait_for_conclusions() {
    let Some(database) = Database::create().await else { return };
    let store = PostgresStore::open(&database.url).await.unwrap();
    let lease = store.lease("one", at(0), at(60)).await.unwrap();
    let mut concluding = store.pool.begin().await.unwrap();
    assert!(super::conclude::holds_lease(&mut concluding, lease.token).await.unwrap());
    let renewed = at_once("the renewal", store.lease("one", at(1), at(61))).await.unwrap();
    assert_eq!(renewed.token, lease.token);
    let taking = sqlx::query("UPDATE replica SET token = token + 1000");
    let mut other = store.pool.begin().await.unwrap();
    sqlx::query("SET LOCAL lock_timeout = '50ms'").execute(&mut *other).await.unwrap();
    assert!(taking.execute(&mut *other).await.is_err(), "who takes partitions away waits for the conclusion");
    drop((concluding, other));
    drop(store);
    database.drop_it().await;
}

#[tokio::test]
async fn admission_does_not_wait_for_other_work() {
    let Some(database) = Database::create().await else { return };
    let store = PostgresStore::open(&database.url).await.unwrap();
    let mut busy = Vec::new();
    for _ in 0..crate::base::limits::POSTGRES_CONNECTIONS_MAX {
        busy.push(store.pool.acquire().await.unwrap());
    }
    at_once("admission", store.admit(vec![reception("a", &[1])])).await.unwrap();
    drop(busy);
    drop(store);
    database.drop_it().await;
}

#[tokio::test]
async fn a_long_control_id_is_admitted_and_found_again() {
    let Some(database) = Database::create().await else { return };
    let store = PostgresStore::open(&database.url).await.unwrap();
    // Hexadecimal digests, since the server compresses what repeats.
    let long =
        (0..200_i32).map(|number| format!("{:?}", Digest::of(&number.to_le_bytes()).0)).collect::<Vec<_>>().concat();
    let of = |last: &str| Reception { sender: long.as_str().into(), ..reception(&format!("{long}{last}"), &[1]) };
    let first = store.admit(vec![of("a"), of("b")]).await.unwrap();
    let [Admission::Stored(a), Admission::Stored(b)] = first[..] else { panic!("expected two: {first:?}") };
    let again = store.admit(vec![of("b")]).await.unwrap();
    assert!(matches!(again[..], [Admission::Duplicate { first, .. }] if first == b), "{again:?}");
    let query = MessageQuery { control_id: Some(format!("{long}a")), limit: 10, ..MessageQuery::default() };
    let found = store.messages(&query).await.unwrap();
    assert_eq!(found.iter().map(|message| message.id).collect::<Vec<_>>(), [a]);
    drop(store);
    database.drop_it().await;
}

#[tokio::test]
async fn a_failed_admission_does_not_touch_its_neighbours() {
    let Some(database) = Database::create().await else { return };
    let store = PostgresStore::open(&database.url).await.unwrap();
    execute(&store, "ALTER TABLE message ADD CHECK (control_id <> 'bad')".to_owned()).await;
    // Joined on one thread: all three wait before the task that admits them runs.
    let (before, bad, after) = tokio::join!(
        store.admit(vec![reception("before", &[1])]),
        store.admit(vec![reception("bad", &[1])]),
        store.admit(vec![reception("after", &[1])]),
    );
    assert!(matches!(before.unwrap()[..], [Admission::Stored(_)]));
    assert!(bad.is_err());
    assert!(matches!(after.unwrap()[..], [Admission::Stored(_)]));
    drop(store);
    database.drop_it().await;
}

/// Two replicas admit into the same lanes while each concludes what it owns: every lane stays in order, nothing is
/// lost or done twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_keep_lanes_in_order() {
    const LANES: i64 = 7;
    const EACH: i64 = 120;
    let Some(database) = Database::create().await else { return };
    let stores = [PostgresStore::open(&database.url).await.unwrap(), PostgresStore::open(&database.url).await.unwrap()];
    stores[0].lease("0", at(0), at(600)).await.unwrap();
    stores[1].lease("1", at(0), at(600)).await.unwrap();
    let work = async |number: usize| {
        let store = &stores[number];
        let lease = store.lease(&number.to_string(), at(1), at(600)).await.unwrap();
        let mut done = Vec::new();
        for round in 0..EACH {
            let lanes = if round % 10 == 0 { vec![round % LANES, (round + 3) % LANES] } else { vec![round % LANES] };
            store.admit(vec![reception(&format!("{number}-{round}"), &lanes)]).await.unwrap();
            done.extend(drain(store, &lease).await);
        }
        done
    };
    let (first, second) = tokio::join!(work(0), work(1));
    let mut done: Vec<_> = first.into_iter().chain(second).collect();
    for (number, store) in stores.iter().enumerate() {
        store.release(&number.to_string()).await.unwrap();
    }
    let lease = stores[0].lease("0", at(2), at(600)).await.unwrap();
    while let rest @ [_, ..] = &drain(&stores[0], &lease).await[..] {
        done.extend_from_slice(rest);
    }
    let distinct: HashSet<_> = done.iter().collect();
    let expected = usize::try_from(2 * EACH).unwrap();
    assert_eq!((done.len(), distinct.len()), (expected, expected));
    assert_eq!(stores[0].backlog().await.unwrap().messages_pending, 0);
    let left: i64 = sqlx::query("SELECT count(*) FROM lane_entry").fetch_one(&stores[0].pool).await.unwrap().get(0);
    assert_eq!(left, 0, "no lane keeps a place for a concluded message");
    drop(stores);
    database.drop_it().await;
}

/// Concludes what can be claimed now.
async fn drain(store: &PostgresStore, lease: &Lease) -> Vec<crate::base::ids::MessageId> {
    let claimed = store.claim_messages(lease, &HashSet::new(), 16).await.unwrap();
    let ids: Vec<_> = claimed.iter().map(|message| message.id).collect();
    let batch: Vec<_> = ids.iter().map(|id| conclusion(Cause::Message(*id))).collect();
    assert_eq!(store.conclude(lease, batch).await.unwrap(), Concluded::Done);
    ids
}

#[tokio::test]
async fn a_write_wakes_the_other_replica() {
    let Some(database) = Database::create().await else { return };
    let one = PostgresStore::open(&database.url).await.unwrap();
    let two = PostgresStore::open(&database.url).await.unwrap();
    // Until the listener listens a notice may be lost, so tell it again and again.
    let mut woken = two.woken();
    for number in 0.. {
        one.admit(vec![reception(&format!("m{number}"), &[1])]).await.unwrap();
        tokio::select! {
            () = &mut woken => break,
            () = tokio::task::yield_now() => {}
        }
        assert!(number < 5_000, "no notice came through");
    }
    drop(woken);
    drop((one, two));
    database.drop_it().await;
}
