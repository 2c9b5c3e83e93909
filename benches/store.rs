//! What the store does in a second: admissions by concurrent callers, conclusions by size of batch, and what the FHIR
//! door asks: creates, transactions, reads and searches by concurrent callers.
//!
//! `cargo bench --bench store` measures SQLite in a temporary directory, and PostgreSQL when `LOOPGATE_TEST_POSTGRES`
//! names a server (its database is used as it is: give it a throw-away one). `-- fhir 1000000` measures the door alone,
//! among so many resources; `-- messages` the rest alone.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use loopgate::base::ids::{FeedName, MessageId};
use loopgate::base::{Digest, Timestamp};
use loopgate::record::index::token_key;
use loopgate::record::{
    Audit, Cause, Committed, Conclusion, Counting, Criterion, Disposition, IndexKey, KindQuery, Lane, Lanes,
    MessageOutcome, Range, Reception, Request, ResourceKey, ResourceText, ResourceWrite, ReusePolicy, Scan,
    SearchQuery, Space, Trail,
};
use loopgate::store::{Admission, Concluded, Lease, Load, Store, StoreUrl, open};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const MESSAGES: usize = 6_400;
const RESOURCES_PER_MESSAGE: usize = 5;
const INDEX_ROWS_PER_RESOURCE: usize = 4;

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = tempfile::tempdir()?;
    runtime.block_on(measure("sqlite", &StoreUrl::Sqlite(folder.path().join("bench.db"))))?;
    #[expect(clippy::disallowed_methods, reason = "the environment says where the server is")]
    if let Ok(url) = std::env::var("LOOPGATE_TEST_POSTGRES") {
        runtime.block_on(measure("postgres", &StoreUrl::Postgres(url)))?;
    }
    Ok(())
}

async fn measure(name: &str, url: &StoreUrl) -> Outcome<()> {
    let store = open(url).await?;
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let topic = arguments.next();
    if topic.as_deref() != Some("messages") {
        let resources = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(10_000);
        door(&store, resources, name).await?;
    }
    if topic.as_deref() == Some("fhir") { Ok(()) } else { messages(&store, name).await }
}

async fn messages(store: &Arc<dyn Store>, name: &str) -> Outcome<()> {
    let start = Timestamp::from_micros(0);
    let lease = store.lease("bench", start, Timestamp::from_micros(i64::MAX)).await?;
    for callers in [1, 8, 32, 128] {
        let messages = if callers == 1 { MESSAGES / 4 } else { MESSAGES };
        let watch = Instant::now();
        admit(store, callers, messages, name).await?;
        report(name, &format!("admit, {callers} callers"), messages, watch);
    }
    conclude(store, &lease, 128, MESSAGES, false, name).await?;
    for batch in [1, 32, 128] {
        conclude(store, &lease, batch, if batch == 1 { 800 } else { MESSAGES }, true, name).await?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn report(store: &str, what: &str, messages: usize, watch: Instant) {
    let seconds = watch.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a count far below 2^52")]
    let rate = messages as f64 / seconds;
    println!("{store:9} {what:58} {rate:9.0} /s");
}

async fn admit(store: &Arc<dyn Store>, callers: usize, messages: usize, mark: &str) -> Outcome<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let (store, mark) = (Arc::clone(store), format!("{mark}-{callers}-{caller}"));
        tasks.spawn(async move {
            for number in 0..messages / callers {
                let admitted = store.admit(vec![reception(&format!("{mark}-{number}"))]).await?;
                assert!(matches!(admitted[..], [Admission::Stored(_)]), "a fresh control id");
            }
            Ok::<(), loopgate::store::StoreError>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

/// About a kilobyte, in a lane of its own.
fn reception(control_id: &str) -> Reception {
    let bytes = Bytes::from(format!("MSH|^~\\&|EPIC|NORTH|||20260101||ADT^A08|{control_id}|{:0>1000}", 7));
    Reception {
        feed: FeedName::new("emr"),
        sender: "EPIC|NORTH".into(),
        control_id: control_id.into(),
        message_type: "ADT^A08".into(),
        content_digest: Digest::of(&bytes),
        bytes,
        charset_declared: "UNICODE UTF-8".into(),
        charset_detected: "utf-8".into(),
        received_at: Timestamp::from_micros(1),
        reuse_policy: ReusePolicy::Flag,
        disposition: Disposition::Accepted(Lanes::new(Lane::of("bench", "north", control_id), [])),
    }
}

/// Claims, loads and concludes what is pending, and measures that; with or without resources.
async fn conclude(
    store: &Arc<dyn Store>,
    lease: &Lease,
    batch: usize,
    messages: usize,
    resources: bool,
    name: &str,
) -> Outcome<()> {
    let mut left = messages;
    let watch = Instant::now();
    while left > 0 {
        let claimed = store.claim_messages(lease, &HashSet::new(), batch.min(left)).await?;
        assert!(!claimed.is_empty(), "enough was admitted");
        left -= claimed.len();
        let writes = |id| if resources { writes(id) } else { vec![] };
        let conclusions: Vec<Conclusion> = claimed.iter().map(|one| conclusion(one.id, writes(one.id))).collect();
        let keys = conclusions.iter().flat_map(|one| one.resources.iter().map(|write| write.key.clone()));
        store.load(&Load { resources: keys.collect(), ..Load::default() }).await?;
        assert_eq!(store.conclude(lease, conclusions).await?, Concluded::Done);
    }
    let count = if resources { RESOURCES_PER_MESSAGE } else { 0 };
    report(name, &format!("claim, load, conclude in batches of {batch}, {count} resources"), messages, watch);
    Ok(())
}

fn writes(message: MessageId) -> Vec<ResourceWrite> {
    let write = |number: usize| {
        let content = Bytes::from(format!("{{\"resourceType\":\"Observation\",\"pad\":\"{:0>900}\"}}", message.0));
        let token = |row: usize| -> IndexKey {
            let space = Space::of("Observation", &format!("parameter-{row}"));
            token_key(space, "urn:north", &format!("{message}-{number}-{row}"))
        };
        let mut index: Vec<IndexKey> = (0..INDEX_ROWS_PER_RESOURCE).map(token).collect();
        index.sort_unstable();
        ResourceWrite {
            message: None,
            key: ResourceKey::new("Observation", format!("{message}-{number}-0000-0000-000000000000")),
            follows: 0,
            digest: Digest::of(&content),
            content,
            index,
            text: ResourceText::default(),
            deleted: false,
        }
    };
    (0..RESOURCES_PER_MESSAGE).map(write).collect()
}

fn conclusion(id: MessageId, resources: Vec<ResourceWrite>) -> Conclusion {
    Conclusion {
        cause: Cause::Message(id),
        outcome: MessageOutcome::Processed,
        issues: vec![],
        trail: Trail::default(),
        release: "0".repeat(64).into(),
        resources,
        redirects: vec![],
        referrals: vec![],
        deliveries: vec![],
        work_items: vec![],
        audit: Audit { action: "message.processed", agent: "emr".into() },
        concluded_at: Timestamp::from_micros(2),
    }
}

/// What the FHIR door asks, among so many patients.
async fn door(store: &Arc<dyn Store>, patients: usize, name: &str) -> Outcome<()> {
    const EACH: usize = 6_400;
    let watch = Instant::now();
    let loads = patients.div_ceil(100);
    let hundred =
        |store, turn: usize| commit(store, (turn * 100..turn * 100 + 100).map(|number| patient("l", number)).collect());
    in_turns(store, 4, loads, hundred).await?;
    report(name, &format!("load {patients} in requests of 100"), loads * 100, watch);
    for callers in [1, 8, 32] {
        let count = if callers == 1 { EACH / 8 } else { EACH };
        let told = |what: &str, count, watch| report(name, &format!("{what}, {callers} callers"), count, watch);
        let watch = Instant::now();
        let one = move |store, turn| commit(store, vec![patient(&format!("c{callers}"), turn)]);
        in_turns(store, callers, count, one).await?;
        told("create", count, watch);
        let watch = Instant::now();
        let ten = move |store, turn: usize| {
            commit(store, (0..10).map(|one| patient(&format!("t{callers}"), turn * 10 + one)).collect())
        };
        in_turns(store, callers, count / 8, ten).await?;
        told("transaction of ten", count / 8, watch);
        let watch = Instant::now();
        in_turns(store, callers, count * 4, move |store, turn| read(store, spread(turn, patients))).await?;
        told("read", count * 4, watch);
        let watch = Instant::now();
        let identifier =
            move |store, turn| find(store, vec![("identifier", format!("l-{}", spread(turn, patients)))], 1);
        in_turns(store, callers, count * 2, identifier).await?;
        told("search by identifier", count * 2, watch);
        let watch = Instant::now();
        let two = move |store, turn| {
            let practitioner = ("general-practitioner", spread(turn, 1_000).to_string());
            find(store, vec![("gender", "0".to_owned()), practitioner], 0)
        };
        in_turns(store, callers, count, two).await?;
        told("search by practitioner and gender", count, watch);
    }
    Ok(())
}

/// A place among `count` that jumps about.
const fn spread(turn: usize, count: usize) -> usize {
    turn.wrapping_mul(7_919) % count
}

/// `count` calls by so many callers at once, each caller one after the other.
async fn in_turns<W: Future<Output = Outcome<()>> + Send + 'static>(
    store: &Arc<dyn Store>,
    callers: usize,
    count: usize,
    call: impl Fn(Arc<dyn Store>, usize) -> W + Clone + Send + 'static,
) -> Outcome<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (store, next, call) = (Arc::clone(store), Arc::clone(&next), call.clone());
        tasks.spawn(async move {
            loop {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                if turn >= count {
                    return Outcome::Ok(());
                }
                call(Arc::clone(&store), turn).await?;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

/// A patient of some two kilobytes with the keys that the search parameters of R4 give one.
fn patient(group: &str, number: usize) -> ResourceWrite {
    let content =
        Bytes::from(format!("{{\"resourceType\":\"Patient\",\"id\":\"{number}\",\"pad\":\"{number:0>1800}\"}}"));
    let digest = Digest::of(format!("{group}{number}").as_bytes());
    let chance =
        |place: usize, among: u64| u64::from(digest.0[place]) * 256 % among + u64::from(digest.0[place + 1]) % among;
    let fixed = ["active", "_profile", "_tag", "language", "deceased"].map(|one| (one, "one".to_owned()));
    let mut keys: Vec<(&str, String)> = fixed.to_vec();
    keys.extend([
        ("_lastUpdated", format!("{number:016}")),
        ("identifier", format!("{group}-{number}")),
        ("identifier", format!("ssn-{digest}")),
        ("family", format!("family {}", chance(0, 1_000))),
        ("given", format!("given {}", chance(2, 500))),
        ("name", format!("family {}", chance(0, 1_000))),
        ("name", format!("given {}", chance(2, 500))),
        ("phonetic", format!("family {}", chance(0, 1_000))),
        ("birthdate", format!("{:08}", chance(4, 30_000))),
        ("gender", format!("{}", chance(6, 2))),
        ("address-city", format!("city {}", chance(8, 300))),
        ("address-postalcode", format!("{:05}", chance(10, 9_000))),
        ("address", format!("city {}", chance(8, 300))),
        ("telecom", format!("tel {digest}")),
        ("organization", format!("{}", chance(12, 50))),
        ("general-practitioner", format!("{}", number % 1_000)),
    ]);
    let mut index: Vec<IndexKey> = keys.iter().map(|(parameter, value)| entry(parameter, value)).collect();
    index.sort_unstable();
    index.dedup();
    ResourceWrite {
        message: None,
        key: ResourceKey::new("Patient", format!("{group}-{number}-0000-0000-0000-000000000000")),
        follows: 0,
        digest,
        content,
        index,
        text: ResourceText::default(),
        deleted: false,
    }
}

fn entry(parameter: &str, value: &str) -> IndexKey {
    token_key(Space::of("Patient", parameter), "urn:north", value)
}

async fn commit(store: Arc<dyn Store>, resources: Vec<ResourceWrite>) -> Outcome<()> {
    let reception = Reception { control_id: "".into(), message_type: "POST".into(), ..reception("request") };
    let conclusion = Conclusion { cause: Cause::Request, release: "".into(), ..conclusion(MessageId(0), resources) };
    let committed = store.commit(Request { reception, conclusion, guards: vec![] }).await?;
    assert!(matches!(committed, Committed::Done(_)), "new resources");
    Ok(())
}

async fn read(store: Arc<dyn Store>, number: usize) -> Outcome<()> {
    let key = ResourceKey::new("Patient", format!("l-{number}-0000-0000-0000-000000000000"));
    assert!(store.read(&key, None).await?.is_some(), "it was loaded");
    Ok(())
}

/// Searches by single keys; at least so many must be found.
async fn find(store: Arc<dyn Store>, criteria: Vec<(&str, String)>, expected: usize) -> Outcome<()> {
    let exactly = |(parameter, value): &(&str, String)| {
        Criterion::Bears(vec![Scan { range: Range::Exactly(entry(parameter, value)), tests: vec![] }])
    };
    let mut all: Vec<Criterion> = criteria.iter().map(exactly).collect();
    let criterion = if all.len() == 1 { all.remove(0) } else { Criterion::All(all) };
    let kinds = vec![KindQuery { kind: "Patient".into(), criterion, order: vec![] }];
    let page = store.search(&SearchQuery { kinds, after: None, limit: 20, count: Counting::WhenKnown }).await?;
    assert!(page.matches.len() >= expected, "what is looked for is there");
    Ok(())
}
