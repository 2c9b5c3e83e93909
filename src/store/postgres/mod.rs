//! The shared backend: PostgreSQL, where several replicas work on one store.
//!
//! Path: `admit` and the requests of the FHIR doors go each through one task that collects what waits into one transaction
//! (`admit`, `commit`); every other verb is a transaction of its caller's on a pooled connection, its statements over whole arrays. Replicas are kept apart by
//! leases (`lease`, `presence`) and locks on lanes (`connection::Space`), and wake each other (`wake`). The other files hold the
//! statements of one subject each.

mod admit;
mod commit;
mod conclude;
mod connection;
#[cfg(test)]
pub mod database;
mod deliveries;
mod fault;
mod fhir;
mod index;
mod kept;
mod lanes;
mod lease;
mod messages;
mod presence;
mod referrals;
mod resources;
mod search;
mod sql;
#[cfg(test)]
mod tests;
mod trail;
mod versions;
mod wake;

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;

use sqlx::{PgPool, Row as _};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use self::admit::Waiting;
use self::fault::{Answered, Fault};
use self::presence::Presence;
use self::wake::Wake;
use super::{
    Admission, Answer, AttemptStart, Backlog, Concluded, DeliveryQuery, DeliveryStore, LaneActed, LaneAction,
    LaneStatus, Lease, Load, Loaded, MessageQuery, MessageStore, ResourceStore, Store, StoreError, TimelineEntry,
    TrailStore, WorkflowStore,
};
use crate::base::ids::{DeliveryId, EndpointName, MessageId, ReferralId};
use crate::base::limits::{POSTGRES_CONNECTIONS_MAX, WRITE_QUEUE_MAX};
use crate::base::{Clock as _, SystemClock, Timestamp};
use crate::record::{
    Attempt, Conclusion, Delivery, Lane, Lanes, Reception, Referral, ResourceKey, ResourceVersion, StoredMessage,
    StoredTrace, Timer, WaitingCode, WorkItem,
};

/// A store on a server. Its tasks end when it is dropped, after they have admitted what waits.
pub struct PostgresStore {
    pool: PgPool,
    /// For what the FHIR doors read.
    searching: PgPool,
    requests: mpsc::Sender<commit::Waiting>,
    admissions: mpsc::Sender<Waiting>,
    presence: Presence,
    wake: Wake,
    /// Those that tell and listen; aborted on drop.
    _tasks: JoinSet<()>,
}

impl PostgresStore {
    /// Connects and brings the schema up to date.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let options = connection::options(url)?;
        let pool = connection::pool(&options, POSTGRES_CONNECTIONS_MAX);
        let alone = || connection::pool(&options, 1);
        connection::migrate(&pool, SystemClock.now().as_micros()).await?;
        let own = own_mark(&pool).await.map_err(|fault| fault.into_store_error("open"))?;
        let (admissions, queue) = mpsc::channel(WRITE_QUEUE_MAX);
        let wake = Wake::default();
        let ringing = wake.clone();
        tokio::spawn(admit::serve(alone(), queue, move || ringing.ring()));
        let searching = connection::searching(&options);
        let (requests, queue) = mpsc::channel(WRITE_QUEUE_MAX);
        let ringing = wake.clone();
        tokio::spawn(commit::serve(connection::pool(&searching, 1), queue, move || ringing.ring()));
        let searching = connection::pool(&searching, POSTGRES_CONNECTIONS_MAX);
        let mut tasks = JoinSet::new();
        tasks.spawn(wake.clone().tell_others(pool.clone(), own.clone()));
        tasks.spawn(wake.clone().listen(alone(), own));
        Ok(Self { pool, searching, requests, admissions, presence: Presence::new(options), wake, _tasks: tasks })
    }

    /// Runs a verb that may leave work to others.
    fn run_waking<'a, T: 'a>(
        &'a self,
        operation: &'static str,
        work: impl Future<Output = Answered<T>> + Send + 'a,
    ) -> Answer<'a, T> {
        let waking = async move {
            let answer = work.await;
            self.wake.ring();
            answer
        };
        run(operation, waking)
    }
}

/// Runs a verb and names it in its error.
fn run<'a, T: 'a>(operation: &'static str, work: impl Future<Output = Answered<T>> + Send + 'a) -> Answer<'a, T> {
    Box::pin(async move { work.await.map_err(|fault| fault.into_store_error(operation)) })
}

/// Something no other replica has.
async fn own_mark(pool: &PgPool) -> Answered<String> {
    let mut connection = pool.acquire().await?;
    let number = admit::numbers(&mut connection, 1).await?;
    Ok(number.first().map(ToString::to_string).unwrap_or_default())
}

impl MessageStore for PostgresStore {
    fn admit(&self, batch: Vec<Reception>) -> Answer<'_, Vec<Admission>> {
        Box::pin(async move {
            let gone = || Fault::from(sqlx::Error::PoolClosed).into_store_error("admit");
            let (answer, answered) = oneshot::channel();
            self.admissions.send(Waiting { batch, answer }).await.map_err(|_| gone())?;
            answered.await.map_err(|_| gone())?
        })
    }

    fn note_unheard(&self, message: MessageId) -> Answer<'_, ()> {
        run("note_unheard", messages::note_unheard(&self.pool, message))
    }

    fn claim_messages<'a>(
        &'a self,
        lease: &'a Lease,
        except: &'a HashSet<MessageId>,
        limit: usize,
    ) -> Answer<'a, Vec<StoredMessage>> {
        run("claim_messages", messages::claim(&self.pool, lease, except, limit))
    }

    fn conclude<'a>(&'a self, lease: &'a Lease, batch: Vec<Conclusion>) -> Answer<'a, Concluded> {
        let token = lease.token;
        self.run_waking("conclude", async move { conclude::conclude(&self.pool, token, &batch).await })
    }

    fn count_try(&self, message: MessageId) -> Answer<'_, u32> {
        run("count_try", messages::count_try(&self.pool, message))
    }

    fn message(&self, id: MessageId) -> Answer<'_, Option<StoredMessage>> {
        run("message", messages::get(&self.pool, id))
    }

    fn messages<'a>(&'a self, query: &'a MessageQuery) -> Answer<'a, Vec<StoredMessage>> {
        run("messages", messages::list(&self.pool, query))
    }

    fn requeue(&self, message: MessageId, lanes: Lanes) -> Answer<'_, bool> {
        self.run_waking("requeue", async move { messages::requeue(&self.pool, message, &lanes).await })
    }

    fn lanes(&self, parked_only: bool, limit: u32) -> Answer<'_, Vec<LaneStatus>> {
        run("lanes", lanes::list(&self.pool, parked_only, limit))
    }

    fn act_on_lane<'a>(
        &'a self,
        lane: Lane,
        action: LaneAction,
        agent: &'a str,
        now: Timestamp,
    ) -> Answer<'a, LaneActed> {
        self.run_waking("act_on_lane", lanes::act(&self.pool, lane, action, agent, now))
    }
}

impl TrailStore for PostgresStore {
    fn trace(&self, message: MessageId) -> Answer<'_, Option<StoredTrace>> {
        run("trace", trail::trace(&self.pool, message))
    }

    fn waiting_codes(&self, limit: u32) -> Answer<'_, Vec<WaitingCode>> {
        run("waiting_codes", trail::waiting_codes(&self.pool, limit))
    }

    fn waiting_messages<'a>(
        &'a self,
        code: &'a WaitingCode,
        after: MessageId,
        limit: u32,
    ) -> Answer<'a, Vec<MessageId>> {
        run("waiting_messages", trail::waiting_messages(&self.pool, code, after, limit))
    }
}

impl ResourceStore for PostgresStore {
    fn load<'a>(&'a self, wanted: &'a Load) -> Answer<'a, Loaded> {
        run("load", resources::load(&self.pool, wanted))
    }

    fn history<'a>(&'a self, key: &'a ResourceKey) -> Answer<'a, Vec<ResourceVersion>> {
        run("history", versions::history(&self.pool, key))
    }
}

impl DeliveryStore for PostgresStore {
    fn claim_deliveries<'a>(
        &'a self,
        lease: &'a Lease,
        now: Timestamp,
        except: &'a HashSet<DeliveryId>,
        paused: &'a HashSet<EndpointName>,
        limit: usize,
    ) -> Answer<'a, Vec<Delivery>> {
        run("claim_deliveries", deliveries::claim(&self.pool, lease, now, except, paused, limit))
    }

    fn begin_attempt<'a>(&'a self, lease: &'a Lease, delivery: DeliveryId, now: Timestamp) -> Answer<'a, AttemptStart> {
        run("begin_attempt", deliveries::begin(&self.pool, lease, delivery, now))
    }

    fn finish_attempt(&self, delivery: DeliveryId, number: u32, attempt: Attempt, now: Timestamp) -> Answer<'_, ()> {
        let work = async move { deliveries::finish(&self.pool, delivery, number, &attempt, now).await };
        self.run_waking("finish_attempt", work)
    }

    fn deliveries<'a>(&'a self, query: &'a DeliveryQuery) -> Answer<'a, Vec<Delivery>> {
        run("deliveries", deliveries::list(&self.pool, query))
    }

    fn next_due<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Option<Timestamp>> {
        run("next_due", deliveries::next_due(&self.pool, lease))
    }
}

impl WorkflowStore for PostgresStore {
    fn due_timers<'a>(&'a self, lease: &'a Lease, now: Timestamp, limit: usize) -> Answer<'a, Vec<Timer>> {
        run("due_timers", referrals::due_timers(&self.pool, lease, now, limit))
    }

    fn referrals(&self, limit: u32) -> Answer<'_, Vec<Referral>> {
        run("referrals", referrals::list(&self.pool, limit))
    }

    fn timeline(&self, referral: ReferralId) -> Answer<'_, Vec<TimelineEntry>> {
        run("timeline", referrals::timeline(&self.pool, referral))
    }

    fn work_items(&self, limit: u32) -> Answer<'_, Vec<WorkItem>> {
        run("work_items", referrals::work_items(&self.pool, limit))
    }
}

impl Store for PostgresStore {
    fn lease<'a>(&'a self, instance: &'a str, now: Timestamp, until: Timestamp) -> Answer<'a, Lease> {
        run("lease", async move {
            let presence = self.presence.hold().await?;
            lease::lease(&self.pool, presence, instance, now, until).await
        })
    }

    fn release<'a>(&'a self, instance: &'a str) -> Answer<'a, ()> {
        self.run_waking("release", lease::release(&self.pool, instance))
    }

    fn woken(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        // Made here and not on the first poll: a wake-up between this call and the await is not lost.
        Box::pin(self.wake.waiter())
    }

    fn probe(&self) -> Answer<'_, ()> {
        run("probe", async { Ok(sqlx::query(sql::PROBE).execute(&self.pool).await.map(drop)?) })
    }

    fn backlog(&self) -> Answer<'_, Backlog> {
        run("backlog", backlog(&self.pool))
    }
}

async fn backlog(pool: &PgPool) -> Answered<Backlog> {
    let row = sqlx::query(sql::BACKLOG).fetch_one(pool).await?;
    let count = |column| row.try_get::<i64, _>(column).map(i64::cast_unsigned);
    Ok(Backlog {
        messages_pending: count(0)?,
        lanes_parked: count(1)?,
        deliveries_pending: count(2)?,
        deliveries_dead: count(3)?,
        oldest_pending: row.try_get::<Option<i64>, _>(4)?.map(Timestamp::from_micros),
    })
}
