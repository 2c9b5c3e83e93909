//! Deliver: claims what is due, makes one attempt each, and writes down what came of it.
//!
//! The delivery table is the queue. An attempt begins with a conditional update; the sender classifies its failure;
//! `delivery::retry` says what follows; this is the one place where an attempt is begun. At least once: the delivery's
//! id is the receiver's idempotency key.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::lease::LeaseKeeper;
use super::worker::{Job, Ran};
use crate::base::ids::{DeliveryId, EndpointName};
use crate::base::{Clock, Random, limits};
use crate::delivery::retry::{self, RetryPolicy};
use crate::delivery::{Receipt, SendFailure, Sender};
use crate::record::{Attempt, Delivery, FailureClass, delivery::AfterFailure};
use crate::store::{Answer, AttemptStart, Lease, Store, StoreError};
use crate::telemetry::names::{Label, Metric, count, observe, span};

/// Everything an attempt needs.
struct Desk {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    policy: RetryPolicy,
    wake: Arc<Notify>,
    hands: Mutex<Hands>,
}

/// What is in flight, so that it is not claimed twice and no endpoint takes all permits.
#[derive(Default)]
struct Hands {
    deliveries: HashSet<DeliveryId>,
    per_endpoint: HashMap<EndpointName, usize>,
    disabled: HashSet<EndpointName>,
}

/// The delivering job.
pub struct Deliver {
    desk: Arc<Desk>,
    lease: Arc<LeaseKeeper>,
    senders: HashMap<EndpointName, Arc<dyn Sender>>,
    permits: Arc<Semaphore>,
    running: TaskTracker,
}

impl Deliver {
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        lease: Arc<LeaseKeeper>,
        senders: HashMap<EndpointName, Arc<dyn Sender>>,
        wake: Arc<Notify>,
    ) -> Self {
        let desk = Desk { store, clock, random, policy: RetryPolicy::default(), wake, hands: Mutex::default() };
        let permits = Arc::new(Semaphore::new(limits::DELIVERIES_IN_FLIGHT_MAX));
        Self { desk: Arc::new(desk), lease, senders, permits, running: TaskTracker::new() }
    }

    async fn claim(&self) -> Result<(Arc<Lease>, Vec<Delivery>), StoreError> {
        let lease = self.lease.current();
        let (except, busy) = self.desk.in_flight();
        let limit = self.permits.available_permits();
        if limit == 0 || lease.partitions.is_empty() {
            return Ok((lease, Vec::new()));
        }
        let now = self.desk.clock.now();
        let due = self.desk.store.claim_deliveries(&lease, now, &except, &busy, limit).await?;
        Ok((lease, due))
    }

    /// Starts an attempt in its own task, if its endpoint has room.
    fn start(&self, delivery: Delivery, lease: Arc<Lease>) -> bool {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else { return false };
        if !self.desk.take(&delivery) {
            return false;
        }
        let sender = self.senders.get(&delivery.endpoint).map(Arc::clone);
        let delivery = Arc::new(delivery);
        let desk = Arc::clone(&self.desk);
        self.running.spawn(async move {
            let hold = Hold { desk: &desk, id: delivery.id, endpoint: delivery.endpoint.clone() };
            let made = desk.attempt(&lease, &delivery, sender).await.unwrap_or_else(|error| {
                count(Metric::StoreErrors, &[(Label::Kind, "deliver")]);
                tracing::error!(delivery = %delivery.id, %error, "an attempt could not be written down; it will be made again");
                false
            });
            drop(hold);
            drop(permit);
            // After a refusal the tick is soon enough: waking at once would spin.
            if made {
                desk.wake.notify_waiters();
            }
        });
        true
    }
}

impl Job for Deliver {
    fn name(&self) -> &'static str {
        "deliver"
    }

    fn run_once(&self) -> Answer<'_, Ran> {
        Box::pin(async move {
            let (lease, due) = self.claim().await?;
            let mut started = 0;
            for delivery in due {
                started += usize::from(self.start(delivery, Arc::clone(&lease)));
            }
            if started > 0 {
                return Ok(Ran::Worked);
            }
            let now = self.desk.clock.now();
            let next = self.desk.store.next_due(&lease).await?;
            Ok(Ran::Idle(next.filter(|due| *due > now).map(|due| due.since(now))))
        })
    }

    fn drain(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.running.close();
            // What does not finish in time is made again after the restart, under the same id.
            let _ = tokio::time::timeout(limits::DRAIN_TIMEOUT, self.running.wait()).await;
            Ok(())
        })
    }
}

/// Gives back a delivery's place, even when its task panics.
struct Hold<'d> {
    desk: &'d Desk,
    id: DeliveryId,
    endpoint: EndpointName,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut hands = self.desk.hands();
        hands.deliveries.remove(&self.id);
        if let Some(count) = hands.per_endpoint.get_mut(&self.endpoint) {
            *count = count.saturating_sub(1);
        }
    }
}

impl Desk {
    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in flight, and the endpoints that may not be given more now.
    fn in_flight(&self) -> (HashSet<DeliveryId>, HashSet<EndpointName>) {
        let hands = self.hands();
        let full = hands.per_endpoint.iter().filter(|(_, count)| **count >= limits::DELIVERIES_PER_ENDPOINT_MAX);
        let busy = full.map(|(name, _)| name.clone()).chain(hands.disabled.iter().cloned()).collect();
        (hands.deliveries.clone(), busy)
    }

    fn take(&self, delivery: &Delivery) -> bool {
        let mut hands = self.hands();
        let count = hands.per_endpoint.entry(delivery.endpoint.clone()).or_default();
        if *count >= limits::DELIVERIES_PER_ENDPOINT_MAX {
            return false;
        }
        *count += 1;
        hands.deliveries.insert(delivery.id)
    }

    /// Makes one attempt; false when it was not ours to make.
    async fn attempt(
        &self,
        lease: &Lease,
        delivery: &Arc<Delivery>,
        sender: Option<Arc<dyn Sender>>,
    ) -> Result<bool, StoreError> {
        let number = match self.store.begin_attempt(lease, delivery.id, self.clock.now()).await? {
            AttemptStart::Started { number } => number,
            AttemptStart::AlreadyDone | AttemptStart::LeaseLost => return Ok(false),
        };
        let begun = self.clock.now();
        let sent = match sender {
            Some(sender) => send(sender, Arc::clone(delivery)).await,
            None => Err(no_such_endpoint()),
        };
        let now = self.clock.now();
        let endpoint = (Label::Endpoint, delivery.endpoint.as_str());
        observe(Metric::DeliverySeconds, now.since(begun).as_secs_f64(), &[endpoint]);
        let attempt = match sent {
            Ok(receipt) => Attempt::Succeeded { receipt: receipt.0 },
            Err(failure) => self.failed(delivery, number, failure),
        };
        let result = if matches!(attempt, Attempt::Succeeded { .. }) { "delivered" } else { "failed" };
        count(Metric::DeliveryAttempts, &[endpoint, (Label::Outcome, result)]);
        self.store.finish_attempt(delivery.id, number, attempt, now).await?;
        Ok(true)
    }

    fn failed(&self, delivery: &Delivery, number: u32, failure: SendFailure) -> Attempt {
        let next = retry::decide(&self.policy, number, &failure, self.clock.now(), self.random.as_ref());
        if failure.disable {
            self.hands().disabled.insert(delivery.endpoint.clone());
        }
        let gave_up = matches!(next, AfterFailure::GiveUp);
        tracing::warn!(
            delivery = %delivery.id, endpoint = delivery.endpoint.as_str(), attempt = number,
            class = failure.class.as_str(), code = failure.code.as_str(), gave_up,
            "a delivery attempt failed"
        );
        Attempt::Failed { class: failure.class, code: failure.code, next }
    }
}

/// Sends in a task of its own, so that a panic of a sender is a failure like others: the receiver may have got it.
async fn send(sender: Arc<dyn Sender>, delivery: Arc<Delivery>) -> Result<Receipt, SendFailure> {
    let span = tracing::info_span!(span::DELIVER, delivery = %delivery.id);
    let sending = tokio::spawn(async move { sender.send(&delivery).await }.instrument(span));
    sending.await.unwrap_or_else(|_| {
        count(Metric::Panics, &[]);
        Err(SendFailure { class: FailureClass::Ambiguous, code: "panic".into(), retry_after: None, disable: false })
    })
}

/// The configuration no longer has the endpoint: wait for an operator, but not for ever.
fn no_such_endpoint() -> SendFailure {
    SendFailure {
        class: FailureClass::Transient,
        code: "endpoint-not-configured".into(),
        retry_after: Some(Duration::from_mins(1)),
        disable: false,
    }
}
