//! The one claim loop: woken by signal and by tick, it takes no input and reads what to do from the store.
//!
//! So recovery after a crash is the normal path: a started worker finds the work that the dead one left.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::base::limits;
use crate::store::{Answer, StoreError};
use crate::telemetry::names::{Label, Metric, count};

/// What one run of a job came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    /// Something was done: there may be more.
    Worked,
    /// Nothing to do until something happens, or this span has passed.
    Idle(Option<Duration>),
}

/// One kind of background work.
pub trait Job: Send + Sync {
    /// For logs and metrics: `process`, `deliver`, `advance`.
    fn name(&self) -> &'static str;

    /// Claims what is there, does it, commits it.
    fn run_once(&self) -> Answer<'_, Ran>;

    /// Waits for what is still in hand; called once, on shutdown.
    fn drain(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// A job in its loop.
pub struct Worker {
    job: Arc<dyn Job>,
    wake: Arc<Notify>,
}

impl Worker {
    pub fn new(job: Arc<dyn Job>, wake: Arc<Notify>) -> Self {
        Self { job, wake }
    }

    /// Runs until `shutdown`, then lets the work in hand finish.
    pub async fn run(self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            // Registered before the claim, so that what is written during it is not slept through.
            let woken = self.wake.notified();
            let wait = match self.attempt().await {
                Ok(Ran::Worked) => continue,
                Ok(Ran::Idle(wait)) => wait.unwrap_or(limits::WORKER_TICK).min(limits::WORKER_TICK),
                Err(error) => {
                    self.complain(&error);
                    limits::WORKER_BACK_OFF
                }
            };
            tokio::select! {
                () = woken => {}
                () = tokio::time::sleep(wait) => {}
                () = shutdown.cancelled() => {}
            }
        }
        if let Err(error) = self.job.drain().await {
            self.complain(&error);
        }
    }

    /// One run in a task of its own, so that a panic in our code ends that run only.
    async fn attempt(&self) -> Result<Ran, StoreError> {
        let job = Arc::clone(&self.job);
        tokio::spawn(async move { job.run_once().await }).await.unwrap_or_else(|_| {
            count(Metric::Panics, &[]);
            tracing::error!(job = self.job.name(), "a job panicked; it goes on with its next run");
            Ok(Ran::Idle(Some(limits::WORKER_BACK_OFF)))
        })
    }

    fn complain(&self, error: &StoreError) {
        count(Metric::StoreErrors, &[(Label::Kind, self.job.name())]);
        tracing::error!(job = self.job.name(), %error, "the store did not answer; trying again");
    }
}
