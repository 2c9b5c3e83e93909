//! Process: claimed messages become conclusions, a batch at a time.
//!
//! A batch holds heads of different lanes. It is read and mapped off the async threads, what its decisions need is
//! loaded in two reads, each message is decided against what the ones before it left, and all of it is concluded in
//! one transaction. A conflict with another batch or replica means: load and decide again.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smol_str::SmolStr;
use tokio::sync::Notify;
use tracing::Instrument as _;

use super::decide::{Decider, decide};
use super::desk::Desk;
use super::lease::LeaseKeeper;
use super::outcomes::{Applied, Outcomes};
use super::read::{Reader, Reading};
use super::worker::{Job, Ran};
use crate::base::ids::MessageId;
use crate::base::{Clock, Issue, limits};
use crate::record::{Cause, Conclusion, MessageOutcome, StoredMessage};
use crate::store::{Answer, Concluded, Lease, Store, StoreError};
use crate::telemetry::names::{Label, Metric, count, observe, span};

/// What processing needs of the world.
pub struct Surroundings {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub lease: Arc<LeaseKeeper>,
    pub outcomes: Arc<Outcomes>,
    /// The signal that deliveries may be there.
    pub wake_deliver: Arc<Notify>,
}

/// The processing job. Several workers may run it: what one has in hand, the others leave.
pub struct Process {
    world: Surroundings,
    reader: Arc<Reader>,
    decider: Arc<Decider>,
    in_hand: Mutex<HashSet<MessageId>>,
    claiming: tokio::sync::Mutex<()>,
}

/// The messages of one batch, given back when it ends, however it ends.
struct Hold<'p> {
    process: &'p Process,
    ids: Vec<MessageId>,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut in_hand = self.process.in_hand();
        for id in &self.ids {
            in_hand.remove(id);
        }
    }
}

impl Process {
    pub fn new(world: Surroundings, reader: Arc<Reader>, decider: Arc<Decider>) -> Self {
        Self { world, reader, decider, in_hand: Mutex::default(), claiming: tokio::sync::Mutex::default() }
    }

    fn in_hand(&self) -> MutexGuard<'_, HashSet<MessageId>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn claim(&self, lease: &Lease) -> Result<(Vec<StoredMessage>, Hold<'_>), StoreError> {
        let _one_at_a_time = self.claiming.lock().await;
        let except = self.in_hand().clone();
        let claimed = self.world.store.claim_messages(lease, &except, limits::CONCLUDE_BATCH_MAX).await?;
        let ids: Vec<MessageId> = claimed.iter().map(|message| message.id).collect();
        self.in_hand().extend(ids.iter().copied());
        Ok((claimed, Hold { process: self, ids }))
    }

    /// Parses and maps a batch off the async threads; a panic is this message's, not the batch's.
    async fn read(&self, claimed: Vec<StoredMessage>) -> Vec<Reading> {
        let reader = Arc::clone(&self.reader);
        let read_all = move || claimed.into_iter().map(|message| read_one(&reader, message)).collect();
        let batch: Vec<Result<Reading, MessageId>> = tokio::task::spawn_blocking(read_all).await.unwrap_or_default();
        let mut readings = Vec::with_capacity(batch.len());
        for read in batch {
            match read {
                Ok(reading) => readings.push(reading),
                Err(message) => self.failed_by_us(message).await,
            }
        }
        readings
    }

    /// Counts a panic; after some tries the message is parked by the reader, which sees the count.
    async fn failed_by_us(&self, message: MessageId) {
        count(Metric::Panics, &[]);
        match self.world.store.count_try(message).await {
            Ok(tries) => tracing::error!(%message, tries, "processing a message panicked"),
            Err(error) => {
                tracing::error!(%message, %error, "processing a message panicked, and that could not be counted");
            }
        }
    }

    async fn conclude(&self, lease: &Lease, readings: &[Reading]) -> Result<Concluded, StoreError> {
        for _ in 0..limits::CONFLICTS_MAX {
            let mut desk = Desk::load(self.world.store.as_ref(), readings).await?;
            let Some(conclusions) = self.decide(&mut desk, readings) else { return Ok(Concluded::Conflict) };
            let begun = self.world.clock.now();
            let told: Vec<Told> = conclusions.iter().map(Told::of).collect();
            let concluding = self.world.store.conclude(lease, conclusions);
            let concluded = concluding.instrument(tracing::debug_span!(span::CONCLUDE)).await?;
            observe(Metric::ConcludeSeconds, self.world.clock.now().since(begun).as_secs_f64(), &[]);
            match concluded {
                Concluded::Done => {
                    self.tell(told);
                    return Ok(Concluded::Done);
                }
                Concluded::LeaseLost => {
                    count(Metric::ConclusionsRepeated, &[(Label::Outcome, "lease-lost")]);
                    return Ok(Concluded::LeaseLost);
                }
                Concluded::Conflict => count(Metric::ConclusionsRepeated, &[(Label::Outcome, "conflict")]),
            }
        }
        Ok(Concluded::Conflict)
    }

    /// Nothing when our own code panics: then the messages are concluded apart, and the one at fault is counted.
    fn decide(&self, desk: &mut Desk, readings: &[Reading]) -> Option<Vec<Conclusion>> {
        let now = self.world.clock.now();
        std::panic::catch_unwind(AssertUnwindSafe(|| decide(&self.decider, desk, readings, now))).ok()
    }

    /// A batch that cannot be concluded as a whole is concluded message by message, so that one at fault does not hold
    /// up the others; its tries are counted, and in the end it parks its own lane.
    async fn conclude_apart(&self, lease: &Lease, readings: &[Reading]) -> Result<(), StoreError> {
        for reading in readings {
            let error = match self.conclude(lease, std::slice::from_ref(reading)).await {
                Ok(Concluded::Done | Concluded::LeaseLost) => continue,
                Ok(Concluded::Conflict) => None,
                Err(error) => Some(error),
            };
            // Is it the message, or is it the world?
            self.world.store.probe().await?;
            let tries = self.world.store.count_try(reading.message.id).await?;
            let reason = error.map_or_else(
                || "it panicked, or kept colliding with what others wrote".to_owned(),
                |error| error.to_string(),
            );
            tracing::error!(message = %reading.message.id, tries, reason, "a message could not be concluded");
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "a batch is far below 2^53")]
    fn tell(&self, told: Vec<Told>) {
        observe(Metric::ConcludeBatchMessages, told.len() as f64, &[]);
        if told.iter().any(|told| told.delivers) {
            self.world.wake_deliver.notify_waiters();
        }
        for Told { cause, outcome, issues, events, .. } in told {
            count(Metric::MessagesConcluded, &[(Label::Outcome, outcome.as_str())]);
            for issue in &issues {
                count(Metric::IssuesFound, &[(Label::Code, issue.code.as_str())]);
            }
            for event in events {
                count(Metric::WorkflowEvents, &[(Label::Event, event.as_str())]);
            }
            if let Cause::Message(message) = cause {
                self.world.outcomes.tell(message, || Applied { outcome, issues: issues.clone() });
            }
        }
    }
}

/// What others hear of a conclusion once it is durable.
struct Told {
    cause: Cause,
    outcome: MessageOutcome,
    issues: Vec<Issue>,
    events: Vec<SmolStr>,
    delivers: bool,
}

impl Told {
    fn of(conclusion: &Conclusion) -> Self {
        Self {
            cause: conclusion.cause.clone(),
            outcome: conclusion.outcome,
            issues: conclusion.issues.clone(),
            events: conclusion
                .referrals
                .iter()
                .flat_map(|write| &write.events)
                .map(|(event, _)| event.clone())
                .collect(),
            delivers: !conclusion.deliveries.is_empty(),
        }
    }
}

fn read_one(reader: &Reader, message: StoredMessage) -> Result<Reading, MessageId> {
    let id = message.id;
    std::panic::catch_unwind(AssertUnwindSafe(|| reader.read(message))).map_err(|_| id)
}

impl Job for Process {
    fn name(&self) -> &'static str {
        "process"
    }

    fn run_once(&self) -> Answer<'_, Ran> {
        Box::pin(async move {
            let lease = self.world.lease.current();
            let (claimed, hold) = self.claim(&lease).await?;
            if claimed.is_empty() {
                return Ok(Ran::Idle(None));
            }
            let begun = self.world.clock.now();
            let readings = self.read(claimed).instrument(tracing::debug_span!(span::PROCESS)).await;
            observe(Metric::MapSeconds, self.world.clock.now().since(begun).as_secs_f64(), &[]);
            match self.conclude(&lease, &readings).await {
                Ok(Concluded::Done) => {}
                Ok(Concluded::LeaseLost) => {
                    self.world.lease.renew().await?;
                    return Ok(Ran::Idle(Some(limits::WORKER_BACK_OFF)));
                }
                Ok(Concluded::Conflict) | Err(_) => self.conclude_apart(&lease, &readings).await?,
            }
            drop(hold);
            Ok(Ran::Worked)
        })
    }
}
