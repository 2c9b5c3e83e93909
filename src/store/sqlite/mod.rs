//! The embedded backend: one SQLite file, one writing thread that shares commits, a few readers.
//!
//! Path: a verb of the port becomes a closure over a connection; writes go to `writer` and are answered after their
//! commit, reads to `reader`. The other files hold the statements of one subject each.

mod admit;
mod commit;
mod conclude;
mod connection;
mod deliveries;
mod fault;
mod fhir;
mod functions;
mod index;
mod kept;
mod lanes;
mod messages;
mod reader;
mod referrals;
mod resources;
mod search;
mod sql;
#[cfg(test)]
mod tests;
mod trail;
mod versions;
mod writer;

use std::collections::HashSet;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use rusqlite::{Connection, params};
use tokio::sync::Notify;

use self::fault::{Answered, Fault};
use self::reader::Readers;
use self::writer::{Verdict, Writer};
use super::{
    Admission, Answer, AttemptStart, Backlog, Concluded, DeliveryQuery, DeliveryStore, LaneActed, LaneAction,
    LaneStatus, Lease, Load, Loaded, MessageQuery, MessageStore, ResourceStore, Store, StoreError, TimelineEntry,
    TrailStore, WorkflowStore, encoding,
};
use crate::base::ids::{DeliveryId, EndpointName, MessageId, ReferralId};
use crate::base::{Clock as _, SystemClock, Timestamp, limits};
use crate::record::{
    Attempt, Conclusion, Delivery, Lane, Lanes, Reception, Referral, ResourceKey, ResourceVersion, StoredMessage,
    StoredTrace, Timer, WaitingCode, WorkItem,
};

/// A store in one file. Dropping it finishes what is queued.
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
    wake: Notify,
}

impl SqliteStore {
    /// Opens or makes the file, whose directory must exist, and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            let fault = |fault: Fault| fault.into_store_error("open");
            let mut connection = connection::writing(&path).map_err(fault)?;
            connection::migrate(&mut connection, SystemClock.now().as_micros())?;
            let writer = Writer::start(path.clone(), connection).map_err(|_| fault(Fault::Gone))?;
            Ok(Self { writer, readers: Readers::new(path), wake: Notify::new() })
        });
        opened.await.unwrap_or_else(|_| Err(Fault::Gone.into_store_error("open")))
    }

    /// A write whose answer has no declining form.
    async fn keep<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Answered<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.write(operation, |connection| work(connection).map(Verdict::Keep)).await
    }

    /// A write that may give out numbers.
    async fn number<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection, &mut i64) -> Answered<Verdict<T>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let numbered = move |connection: &Connection| {
            let before = connection.prepare_cached(sql::LAST_NUMBER)?.query_row([], |row| row.get(0))?;
            let mut last = before;
            let verdict = work(connection, &mut last)?;
            if last != before {
                connection.prepare_cached(sql::KEEP_LAST_NUMBER)?.execute([last])?;
            }
            Ok(verdict)
        };
        self.writer.write(operation, numbered).await
    }

    /// Wakes whoever waits for work, when the answer says there may be some.
    fn waking<T>(&self, answer: T) -> T {
        self.wake.notify_waiters();
        answer
    }
}

impl MessageStore for SqliteStore {
    fn admit(&self, batch: Vec<Reception>) -> Answer<'_, Vec<Admission>> {
        Box::pin(async move {
            let admit = move |connection: &Connection, last: &mut i64| {
                admit::admit(connection, last, &batch).map(Verdict::Keep)
            };
            self.number("admit", admit).await.map(|admissions| self.waking(admissions))
        })
    }

    fn note_unheard(&self, message: MessageId) -> Answer<'_, ()> {
        Box::pin(self.keep("note_unheard", move |connection| messages::note_unheard(connection, message)))
    }

    fn claim_messages<'a>(
        &'a self,
        _lease: &'a Lease,
        except: &'a HashSet<MessageId>,
        limit: usize,
    ) -> Answer<'a, Vec<StoredMessage>> {
        let except = except.clone();
        Box::pin(self.readers.read("claim_messages", move |connection| messages::claim(connection, &except, limit)))
    }

    fn conclude<'a>(&'a self, lease: &'a Lease, batch: Vec<Conclusion>) -> Answer<'a, Concluded> {
        let token = lease.token;
        Box::pin(async move {
            let work = move |connection: &Connection| conclude::conclude(connection, token, &batch);
            self.writer.write("conclude", work).await.map(|concluded| self.waking(concluded))
        })
    }

    fn count_try(&self, message: MessageId) -> Answer<'_, u32> {
        Box::pin(self.keep("count_try", move |connection| messages::count_try(connection, message)))
    }

    fn message(&self, id: MessageId) -> Answer<'_, Option<StoredMessage>> {
        Box::pin(self.readers.read("message", move |connection| messages::get(connection, id)))
    }

    fn messages<'a>(&'a self, query: &'a MessageQuery) -> Answer<'a, Vec<StoredMessage>> {
        let query = query.clone();
        Box::pin(self.readers.read("messages", move |connection| messages::list(connection, &query)))
    }

    fn requeue(&self, message: MessageId, lanes: Lanes) -> Answer<'_, bool> {
        Box::pin(async move {
            let work =
                move |connection: &Connection, last: &mut i64| messages::requeue(connection, last, message, &lanes);
            self.number("requeue", work).await.map(|done| self.waking(done))
        })
    }

    fn lanes(&self, parked_only: bool, limit: u32) -> Answer<'_, Vec<LaneStatus>> {
        Box::pin(self.readers.read("lanes", move |connection| lanes::list(connection, parked_only, limit)))
    }

    fn act_on_lane<'a>(
        &'a self,
        lane: Lane,
        action: LaneAction,
        agent: &'a str,
        now: Timestamp,
    ) -> Answer<'a, LaneActed> {
        let agent = agent.to_owned();
        Box::pin(async move {
            let work = move |connection: &Connection| lanes::act(connection, lane, action, &agent, now);
            self.writer.write("act_on_lane", work).await.map(|acted| self.waking(acted))
        })
    }
}

impl TrailStore for SqliteStore {
    fn trace(&self, message: MessageId) -> Answer<'_, Option<StoredTrace>> {
        Box::pin(self.readers.read("trace", move |connection| trail::trace(connection, message)))
    }

    fn waiting_codes(&self, limit: u32) -> Answer<'_, Vec<WaitingCode>> {
        Box::pin(self.readers.read("waiting_codes", move |connection| trail::waiting_codes(connection, limit)))
    }

    fn waiting_messages<'a>(
        &'a self,
        code: &'a WaitingCode,
        after: MessageId,
        limit: u32,
    ) -> Answer<'a, Vec<MessageId>> {
        let code = code.clone();
        let work = move |connection: &Connection| trail::waiting_messages(connection, &code, after, limit);
        Box::pin(self.readers.read("waiting_messages", work))
    }
}

impl ResourceStore for SqliteStore {
    fn load<'a>(&'a self, wanted: &'a Load) -> Answer<'a, Loaded> {
        let wanted = wanted.clone();
        Box::pin(self.readers.read("load", move |connection| resources::load(connection, &wanted)))
    }

    fn history<'a>(&'a self, key: &'a ResourceKey) -> Answer<'a, Vec<ResourceVersion>> {
        let key = key.clone();
        Box::pin(self.readers.read("history", move |connection| versions::history(connection, &key)))
    }
}

impl DeliveryStore for SqliteStore {
    fn claim_deliveries<'a>(
        &'a self,
        _lease: &'a Lease,
        now: Timestamp,
        except: &'a HashSet<DeliveryId>,
        paused: &'a HashSet<EndpointName>,
        limit: usize,
    ) -> Answer<'a, Vec<Delivery>> {
        let (except, paused) = (except.clone(), paused.clone());
        let work = move |connection: &Connection| deliveries::claim(connection, now, &except, &paused, limit);
        Box::pin(self.readers.read("claim_deliveries", work))
    }

    fn begin_attempt<'a>(&'a self, lease: &'a Lease, delivery: DeliveryId, now: Timestamp) -> Answer<'a, AttemptStart> {
        let token = lease.token;
        Box::pin(self.writer.write("begin_attempt", move |connection| {
            if conclude::holds_lease(connection, token)? {
                deliveries::begin(connection, delivery, now)
            } else {
                Ok(Verdict::Undo(AttemptStart::LeaseLost))
            }
        }))
    }

    fn finish_attempt(&self, delivery: DeliveryId, number: u32, attempt: Attempt, now: Timestamp) -> Answer<'_, ()> {
        Box::pin(async move {
            let work = move |connection: &Connection| deliveries::finish(connection, delivery, number, &attempt, now);
            self.writer.write("finish_attempt", work).await.map(|()| self.waking(()))
        })
    }

    fn deliveries<'a>(&'a self, query: &'a DeliveryQuery) -> Answer<'a, Vec<Delivery>> {
        let query = query.clone();
        Box::pin(self.readers.read("deliveries", move |connection| deliveries::list(connection, &query)))
    }

    fn next_due<'a>(&'a self, _lease: &'a Lease) -> Answer<'a, Option<Timestamp>> {
        Box::pin(self.readers.read("next_due", deliveries::next_due))
    }
}

impl WorkflowStore for SqliteStore {
    fn due_timers<'a>(&'a self, _lease: &'a Lease, now: Timestamp, limit: usize) -> Answer<'a, Vec<Timer>> {
        Box::pin(self.readers.read("due_timers", move |connection| referrals::due_timers(connection, now, limit)))
    }

    fn referrals(&self, limit: u32) -> Answer<'_, Vec<Referral>> {
        Box::pin(self.readers.read("referrals", move |connection| referrals::list(connection, limit)))
    }

    fn timeline(&self, referral: ReferralId) -> Answer<'_, Vec<TimelineEntry>> {
        Box::pin(self.readers.read("timeline", move |connection| referrals::timeline(connection, referral)))
    }

    fn work_items(&self, limit: u32) -> Answer<'_, Vec<WorkItem>> {
        Box::pin(self.readers.read("work_items", move |connection| referrals::work_items(connection, limit)))
    }
}

impl Store for SqliteStore {
    fn lease<'a>(&'a self, instance: &'a str, _now: Timestamp, until: Timestamp) -> Answer<'a, Lease> {
        let instance = instance.to_owned();
        Box::pin(self.keep("lease", move |connection| {
            let row = params![instance, until.as_micros()];
            let token = connection.prepare_cached(sql::TAKE_LEASE)?.query_row(row, |row| row.get(0))?;
            Ok(Lease { token, partitions: (0..limits::PARTITIONS).collect(), until })
        }))
    }

    fn release<'a>(&'a self, instance: &'a str) -> Answer<'a, ()> {
        let instance = instance.to_owned();
        Box::pin(self.keep("release", move |connection| {
            connection.prepare_cached(sql::RELEASE_LEASE)?.execute([instance])?;
            Ok(())
        }))
    }

    fn woken(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        // Made here and not on the first poll: a wake-up between this call and the await is not lost.
        Box::pin(self.wake.notified())
    }

    fn probe(&self) -> Answer<'_, ()> {
        Box::pin(self.keep("probe", |connection| {
            connection.prepare_cached(sql::PROBE)?.execute([])?;
            Ok(())
        }))
    }

    fn backlog(&self) -> Answer<'_, Backlog> {
        Box::pin(self.readers.read("backlog", backlog))
    }
}

fn backlog(connection: &Connection) -> Answered<Backlog> {
    let mut backlog = connection.prepare_cached(sql::BACKLOG)?.query_row([], |row| {
        let count = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        Ok(Backlog {
            messages_pending: count(0)?,
            lanes_parked: 0,
            deliveries_pending: count(1)?,
            deliveries_dead: count(2)?,
            oldest_pending: row.get::<_, Option<i64>>(3)?.map(Timestamp::from_micros),
        })
    })?;
    let mut statement = connection.prepare_cached(sql::PARKED_LANES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let lanes = encoding::lanes_from_bytes(row.get_ref(0)?.as_blob().unwrap_or_default());
        backlog.lanes_parked += lanes.len() as u64;
    }
    Ok(backlog)
}
