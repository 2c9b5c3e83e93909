//! What the store does in a second: admissions by concurrent callers, conclusions by size of batch.
//!
//! `cargo bench --bench store` measures SQLite in a temporary directory, and PostgreSQL when `LOOPGATE_TEST_POSTGRES`
//! names a server (its database is used as it is: give it a throw-away one).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use loopgate::base::ids::{FeedName, MessageId};
use loopgate::base::{Digest, Timestamp};
use loopgate::record::index::token_key;
use loopgate::record::{
    Audit, Cause, Conclusion, Disposition, IndexKey, Lane, Lanes, MessageOutcome, Reception, ResourceKey, ResourceText,
    ResourceWrite, ReusePolicy, Space, Trail,
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
    let start = Timestamp::from_micros(0);
    let lease = store.lease("bench", start, Timestamp::from_micros(i64::MAX)).await?;
    for callers in [1, 8, 32, 128] {
        let messages = if callers == 1 { MESSAGES / 4 } else { MESSAGES };
        let watch = Instant::now();
        admit(&store, callers, messages, name).await?;
        report(name, &format!("admit, {callers} callers"), messages, watch);
    }
    conclude(&store, &lease, 128, MESSAGES, false, name).await?;
    for batch in [1, 32, 128] {
        conclude(&store, &lease, batch, if batch == 1 { 800 } else { MESSAGES }, true, name).await?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn report(store: &str, what: &str, messages: usize, watch: Instant) {
    let seconds = watch.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a count far below 2^52")]
    let rate = messages as f64 / seconds;
    println!("{store:9} {what:58} {rate:9.0} messages/s");
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
