//! Whether the gateway can take messages, and the gauges of what waits.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::base::{Clock, limits};
use crate::http::ops::{NotReady, Readiness};
use crate::store::Store;
use crate::telemetry::names::{Metric, gauge};

/// Ready means: a durable write succeeds.
pub struct StoreReadiness(pub Arc<dyn Store>);

impl Readiness for StoreReadiness {
    fn check(&self) -> Pin<Box<dyn Future<Output = Vec<NotReady>> + Send + '_>> {
        Box::pin(async move {
            match self.0.probe().await {
                Ok(()) => Vec::new(),
                Err(error) => vec![NotReady { part: "store", reason: error.to_string() }],
            }
        })
    }
}

/// Passes the store's wake-ups to the workers, and keeps the gauges fresh.
pub struct Relay {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub wakes: [Arc<Notify>; 2],
}

impl Relay {
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.pass_on() => {}
            () = self.keep_looking() => {}
        }
    }

    async fn pass_on(&self) {
        loop {
            self.store.woken().await;
            self.wakes.iter().for_each(|wake| wake.notify_waiters());
        }
    }

    async fn keep_looking(&self) {
        let mut next_look = tokio::time::interval(limits::BACKLOG_PERIOD);
        loop {
            next_look.tick().await;
            self.look().await;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "gauges are floats; counts of waiting things are far below 2^53")]
    async fn look(&self) {
        let Ok(backlog) = self.store.backlog().await else { return };
        let age = backlog.oldest_pending.map_or(0.0, |oldest| self.clock.now().since(oldest).as_secs_f64());
        gauge(Metric::MessagesPending, backlog.messages_pending as f64, &[]);
        gauge(Metric::OldestPendingSeconds, age, &[]);
        gauge(Metric::LanesParked, backlog.lanes_parked as f64, &[]);
        gauge(Metric::DeliveriesPending, backlog.deliveries_pending as f64, &[]);
        gauge(Metric::DeliveriesDead, backlog.deliveries_dead as f64, &[]);
    }
}
