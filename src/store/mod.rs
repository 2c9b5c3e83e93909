//! The persistence port: durable state in use-case verbs, two backends behind it, one conformance suite over both.
//!
//! Each method is one transaction (a claim is one read) and answers *what happened* as an enum. There is no public
//! "begin transaction", so no network call can happen inside one (P7). Times come from the caller's clock.
//!
//! Promises: what `admit` answered is on disk (P1); `conclude` writes all of a batch or nothing (P6); a message is
//! claimable only while it is the oldest unfinished one in each of its lanes (P3); a conclusion under a lost lease
//! changes nothing. It does not know what a message means, and makes no decision.
//!
//! SQL lives in `sqlite` and `postgres`; what their searches have in common is put together in `search`.
//!
//! To change what is kept: a migration pair (`migration`), the statements of both backends, and a case in `conformance`.

#[cfg(test)]
mod conformance;
mod encoding;
mod migration;
mod open;
mod period;
mod postgres;
mod search;
mod sqlite;

pub use open::{StoreUrl, open};

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;

use crate::base::Timestamp;
use crate::base::ids::{DeliveryId, EndpointName, FeedName, MessageId, ReferralId};
use crate::record::{
    Attempt, Committed, Conclusion, Delivery, DeliveryState, ExportJob, HistoryPage, HistoryQuery, IdentifierKey,
    IndexKey, Lane, MessageOutcome, Reception, Redirect, Referral, Request, ResourceKey, ResourceText, ResourceVersion,
    SearchPage, SearchQuery, SnapshotQuery, StoredMessage, StoredTrace, Timer, VersionNumber, WaitingCode, WorkItem,
};

/// A boxed future: the store is used as `Arc<dyn Store>`, once per batch, where boxing costs nothing.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Trouble in the world below the port. `Display` names the operation and never a value (P8).
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store cannot be reached or cannot write ({operation}): {reason}")]
    Unavailable { operation: &'static str, reason: String },
    #[error("{table}.{column} of row {row} does not decode: restore it from a backup or report it")]
    Corrupt { table: &'static str, column: &'static str, row: String },
    #[error(
        "the store did not answer within {seconds} s ({operation}): ask for less, or with a more selective criterion"
    )]
    TooSlow { operation: &'static str, seconds: u64 },
    #[error("the store's schema is version {found}, this program knows up to {known}: install the newer program")]
    SchemaTooNew { found: u32, known: u32 },
    #[error("{0}")]
    Configuration(String),
}

/// What intake learned of one reception, in the order of the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Durable and to be processed (or, for a refused one, durable and kept).
    Stored(MessageId),
    /// Durable, to be processed, and its control id was used before with other content.
    StoredReused(MessageId),
    /// The same sender, control id and content as `first`: nothing was written.
    Duplicate { first: MessageId, received_at: Timestamp, outcome: MessageOutcome },
    /// The control id was used with other content and the policy says refuse; the bytes are kept as `kept`.
    ReuseRefused { kept: MessageId },
}

/// The right to work on some partitions until `until`. Saves double work; correctness is `conclude`'s check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub token: i64,
    pub partitions: Vec<u16>,
    pub until: Timestamp,
}

/// What became of a batch of conclusions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concluded {
    /// All of it is durable.
    Done,
    /// Nothing was written: the lease is no longer ours, or a cause was concluded by somebody else.
    LeaseLost,
    /// Nothing was written: a resource or referral has moved on. Load again and decide again.
    Conflict,
}

/// What decisions need to know, for a whole batch in one read.
#[derive(Clone, Debug, Default)]
pub struct Load {
    pub resources: HashSet<ResourceKey>,
    pub identifiers: HashSet<IdentifierKey>,
    pub referrals: HashSet<ReferralId>,
    /// Patients whose open referrals are wanted.
    pub open_referrals_of: HashSet<ResourceKey>,
}

/// The answer to a `Load`, in no particular order; what is not there was not found.
#[derive(Clone, Default)]
pub struct Loaded {
    /// Current versions. A key that was merged away is answered through `redirects`, collapsed to the survivor, and
    /// the survivor's version is here.
    pub resources: Vec<ResourceVersion>,
    pub redirects: Vec<Redirect>,
    /// All bearers of each identifier, merged ones through their survivor. Their versions are not in `resources`.
    pub identifiers: Vec<(IdentifierKey, ResourceKey)>,
    /// Those of merged patients are found under either identity.
    pub referrals: Vec<Referral>,
}

/// How an attempt may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptStart {
    Started { number: u32 },
    AlreadyDone,
    LeaseLost,
}

/// A lane that waits for a person, or has work in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneStatus {
    pub lane: Lane,
    pub head: MessageId,
    pub parked: bool,
    /// Why it is parked: the issues' texts, without patient data.
    pub reason: String,
    /// Messages in the lane, the head included.
    pub depth: u64,
    pub since: Timestamp,
}

/// What a person wants of a parked lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneAction {
    /// Run its head again.
    Retry,
    /// Go on without its head, for good.
    Release,
    /// Set its head aside (it can be run again later), and go on.
    Divert,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneActed {
    Done(MessageId),
    NotParked,
    NoSuchLane,
}

/// Which messages to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct MessageQuery {
    pub feed: Option<FeedName>,
    pub outcome: Option<MessageOutcome>,
    pub control_id: Option<String>,
    pub before: Option<MessageId>,
    pub limit: u32,
}

/// Which deliveries to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct DeliveryQuery {
    pub endpoint: Option<EndpointName>,
    pub state: Option<DeliveryState>,
    pub subject: Option<String>,
    pub limit: u32,
}

/// One event of a referral's timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    pub at: Timestamp,
    pub event: String,
    pub note: String,
}

/// Counts for metrics and the readiness page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub messages_pending: u64,
    pub lanes_parked: u64,
    pub deliveries_pending: u64,
    pub deliveries_dead: u64,
    /// When the oldest message still waiting was received.
    pub oldest_pending: Option<Timestamp>,
}

/// Messages: admitted, claimed, concluded.
pub trait MessageStore: Send + Sync {
    fn admit(&self, batch: Vec<Reception>) -> Answer<'_, Vec<Admission>>;

    /// The sender never got the acknowledgement of this message (its connection broke).
    fn note_unheard(&self, message: MessageId) -> Answer<'_, ()>;

    /// Up to `limit` messages under `lease` that are at the head of all their lanes, not parked and not in `except`,
    /// oldest first.
    fn claim_messages<'a>(
        &'a self,
        lease: &'a Lease,
        except: &'a HashSet<MessageId>,
        limit: usize,
    ) -> Answer<'a, Vec<StoredMessage>>;

    /// Writes a batch, at most one message of each lane in it. A resource or referral may be written several times, each
    /// following the one before. `Referral::version` of a write is the version it follows, 0 when new; the store counts.
    fn conclude<'a>(&'a self, lease: &'a Lease, batch: Vec<Conclusion>) -> Answer<'a, Concluded>;

    /// Counts a try that failed through our own fault (a panic, a conflict without end); the count so far. It starts
    /// anew when a person puts the message back to work.
    fn count_try(&self, message: MessageId) -> Answer<'_, u32>;

    fn message(&self, id: MessageId) -> Answer<'_, Option<StoredMessage>>;
    fn messages<'a>(&'a self, query: &'a MessageQuery) -> Answer<'a, Vec<StoredMessage>>;

    /// Puts a concluded message (diverted, released, no-mapping, processed) back to work at the end of its lanes. It no
    /// longer waits for codes.
    fn requeue(&self, message: MessageId, lanes: crate::record::Lanes) -> Answer<'_, bool>;

    fn lanes(&self, parked_only: bool, limit: u32) -> Answer<'_, Vec<LaneStatus>>;
    fn act_on_lane<'a>(
        &'a self,
        lane: Lane,
        action: LaneAction,
        agent: &'a str,
        now: Timestamp,
    ) -> Answer<'a, LaneActed>;
}

/// What mapping left beside its results.
pub trait TrailStore: Send + Sync {
    /// The trace of the last run of a message; none for a message that was not mapped.
    fn trace(&self, message: MessageId) -> Answer<'_, Option<StoredTrace>>;

    /// Codes that concluded messages wait for, by feed, table and code.
    fn waiting_codes(&self, limit: u32) -> Answer<'_, Vec<WaitingCode>>;

    /// Up to `limit` messages after `after` that wait for a code, oldest first.
    fn waiting_messages<'a>(
        &'a self,
        code: &'a WaitingCode,
        after: MessageId,
        limit: u32,
    ) -> Answer<'a, Vec<MessageId>>;
}

/// What decisions read.
pub trait ResourceStore: Send + Sync {
    fn load<'a>(&'a self, wanted: &'a Load) -> Answer<'a, Loaded>;
    fn history<'a>(&'a self, key: &'a ResourceKey) -> Answer<'a, Vec<ResourceVersion>>;
}

/// Searches over the index.
pub trait SearchStore: Send + Sync {
    fn search<'a>(&'a self, query: &'a SearchQuery) -> Answer<'a, SearchPage>;
}

/// What else the FHIR door asks.
pub trait FhirStore: Send + Sync {
    /// Journals a request and writes what follows from it, in one transaction; many requests share one commit.
    fn commit(&self, request: Request) -> Answer<'_, Committed>;

    /// The current version, or an older one. A deleted resource is answered with its deletion. Merged identities are not
    /// followed: a merged resource is read as what it was written to be.
    fn read<'a>(&'a self, key: &'a ResourceKey, version: Option<u32>) -> Answer<'a, Option<ResourceVersion>>;

    /// A version by its number.
    fn version(&self, number: VersionNumber) -> Answer<'_, Option<ResourceVersion>>;

    fn history_page<'a>(&'a self, query: &'a HistoryQuery) -> Answer<'a, HistoryPage>;

    /// Everyone merged with one of the keys, they themselves included.
    fn families<'a>(&'a self, keys: &'a [ResourceKey]) -> Answer<'a, Vec<ResourceKey>>;

    /// The number that every version written so far is at or below.
    fn latest_version(&self) -> Answer<'_, VersionNumber>;
    fn snapshot<'a>(&'a self, query: &'a SnapshotQuery) -> Answer<'a, Vec<ResourceVersion>>;

    fn keep_export<'a>(&'a self, job: &'a ExportJob) -> Answer<'a, ()>;
    fn export<'a>(&'a self, id: &'a str) -> Answer<'a, Option<ExportJob>>;
    fn drop_export<'a>(&'a self, id: &'a str) -> Answer<'a, bool>;

    /// Which definitions of search parameters the index was made by; none for a store that was never indexed so.
    fn indexed_by(&self) -> Answer<'_, Option<crate::base::Digest>>;
    /// Puts the index of these current resources anew. One that has moved on since is left alone: its writer indexed it.
    fn reindex<'a>(&'a self, resources: &'a [(VersionNumber, Vec<IndexKey>, ResourceText)]) -> Answer<'a, ()>;
    fn set_indexed_by(&self, definitions: crate::base::Digest) -> Answer<'_, ()>;
    /// Current resources of all types behind a number, in the order of their numbers, for reindexing.
    fn current_after(&self, after: Option<VersionNumber>, limit: u32) -> Answer<'_, Vec<ResourceVersion>>;
}

/// What must be known to all replicas to let nobody in twice or by a wrong key.
pub trait AccessStore: Send + Sync {
    /// `true` the first time that `token` is used; it is remembered until `expires_at`.
    fn use_once<'a>(
        &'a self,
        token: &'a crate::base::Digest,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Answer<'a, bool>;

    /// The secret of that name; `fresh` becomes it when there is none yet.
    fn secret<'a>(&'a self, name: &'a str, fresh: &'a [u8]) -> Answer<'a, Vec<u8>>;
}

/// Deliveries: claimed, attempted, finished. The table is the queue.
pub trait DeliveryStore: Send + Sync {
    /// Up to `limit` deliveries under `lease` that are due, first of their endpoint and subject, not in `except` and
    /// whose endpoint is not in `paused`, oldest due first.
    fn claim_deliveries<'a>(
        &'a self,
        lease: &'a Lease,
        now: Timestamp,
        except: &'a HashSet<DeliveryId>,
        paused: &'a HashSet<EndpointName>,
        limit: usize,
    ) -> Answer<'a, Vec<Delivery>>;

    fn begin_attempt<'a>(&'a self, lease: &'a Lease, delivery: DeliveryId, now: Timestamp) -> Answer<'a, AttemptStart>;

    /// Writes the attempt and what follows it; on `GiveUp` also a work item. The next of the subject becomes due.
    fn finish_attempt(&self, delivery: DeliveryId, number: u32, attempt: Attempt, now: Timestamp) -> Answer<'_, ()>;

    fn deliveries<'a>(&'a self, query: &'a DeliveryQuery) -> Answer<'a, Vec<Delivery>>;

    /// When the next pending delivery falls due, so that the worker need not poll.
    fn next_due<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Option<Timestamp>>;
}

/// Referrals, their timers, and work for people.
pub trait WorkflowStore: Send + Sync {
    fn due_timers<'a>(&'a self, lease: &'a Lease, now: Timestamp, limit: usize) -> Answer<'a, Vec<Timer>>;
    fn referrals(&self, limit: u32) -> Answer<'_, Vec<Referral>>;
    fn timeline(&self, referral: ReferralId) -> Answer<'_, Vec<TimelineEntry>>;
    fn work_items(&self, limit: u32) -> Answer<'_, Vec<WorkItem>>;
}

/// The store as a whole: opened once, shared as `Arc<dyn Store>`.
pub trait Store:
    MessageStore + TrailStore + ResourceStore + SearchStore + FhirStore + AccessStore + DeliveryStore + WorkflowStore
{
    /// Takes or renews the lease of `instance` on its fair share of the partitions. The embedded store gives all.
    fn lease<'a>(&'a self, instance: &'a str, now: Timestamp, until: Timestamp) -> Answer<'a, Lease>;

    /// Gives the lease back on shutdown, so that another replica need not wait it out.
    fn release<'a>(&'a self, instance: &'a str) -> Answer<'a, ()>;

    /// Resolves when other work may be there: another task or replica wrote something. Registered by the call, not by
    /// the first poll. May be early, late or lost; the worker's tick makes up for it.
    fn woken(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Whether a durable write succeeds right now.
    fn probe(&self) -> Answer<'_, ()>;

    fn backlog(&self) -> Answer<'_, Backlog>;
}
