//! Intake: a reception becomes durable, and only then is there a verdict to answer with (P1).
//!
//! The store shares one commit among all that wait at the same moment; intake bounds how many may wait.

use std::sync::Arc;

use tokio::sync::{Notify, Semaphore, oneshot};
use tracing::Instrument as _;

use super::outcomes::{Applied, Outcomes};
use crate::base::ids::{FeedName, MessageId};
use crate::base::{Clock, Issue, IssueCode, Timestamp, limits};
use crate::record::{Disposition, MessageOutcome, Reception};
use crate::store::{Admission, Store};
use crate::telemetry::names::{Label, Metric, count, observe, span};

/// What the sender is to be told.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Durable. `first_at` is the time of the first reception, the same for a resend.
    Accepted { message: MessageId, first_at: Timestamp },
    /// Its first reception did not go through as the sender asked (`applied` mode) or was refused.
    Failed { message: Option<MessageId>, first_at: Timestamp, issues: Vec<Issue> },
    /// Durable, and not yet concluded: the sender hears the outcome when it sends the message again.
    Undecided { message: MessageId, first_at: Timestamp },
    /// Not durable and not refused: the sender must keep it and try again.
    Unavailable,
}

/// The door to the store for new messages.
pub struct Intake {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    outcomes: Arc<Outcomes>,
    wake: Arc<Notify>,
    places: Semaphore,
}

impl Intake {
    /// `wake` is the signal that work may be there.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, outcomes: Arc<Outcomes>, wake: Arc<Notify>) -> Self {
        Self { store, clock, outcomes, wake, places: Semaphore::new(limits::INTAKE_QUEUE_MAX) }
    }

    /// Makes the reception durable. With `applied`, also waits until it is concluded.
    pub async fn admit(&self, reception: Reception, applied: bool) -> Verdict {
        let Ok(_place) = self.places.try_acquire() else {
            count(Metric::IntakeOverloads, &[(Label::Feed, reception.feed.as_str())]);
            return Verdict::Unavailable;
        };
        let (feed, received_at) = (reception.feed.clone(), reception.received_at);
        let refusal = match &reception.disposition {
            Disposition::Refused(issues) => Some(issues.clone()),
            Disposition::Accepted(_) => None,
        };
        let begun = self.clock.now();
        let admitting = self.store.admit(vec![reception]).instrument(tracing::debug_span!(span::ADMIT));
        let admitted = admitting.await;
        observe(Metric::AdmitSeconds, self.clock.now().since(begun).as_secs_f64(), &[]);
        let admission = match admitted {
            Ok(mut admissions) => admissions.pop(),
            Err(error) => {
                count(Metric::StoreErrors, &[(Label::Kind, "admit")]);
                tracing::error!(feed = feed.as_str(), %error, "a message could not be stored; its sender was told to keep it");
                None
            }
        };
        let Some(admission) = admission else { return Verdict::Unavailable };
        match refusal {
            Some(issues) => refused(&admission, received_at, issues),
            None => self.admitted(admission, &feed, received_at, applied).await,
        }
    }

    async fn admitted(&self, admission: Admission, feed: &FeedName, received_at: Timestamp, applied: bool) -> Verdict {
        match admission {
            Admission::Stored(message) | Admission::StoredReused(message) => {
                let accepted = Verdict::Accepted { message, first_at: received_at };
                let watch = applied.then(|| self.outcomes.watch(message));
                self.wake.notify_waiters();
                match watch {
                    Some(watch) => self.wait_applied(message, received_at, watch).await,
                    None => accepted,
                }
            }
            Admission::Duplicate { first, received_at, outcome } => {
                count(Metric::MessagesDuplicate, &[(Label::Feed, feed.as_str())]);
                self.duplicate(first, received_at, outcome, applied).await
            }
            Admission::ReuseRefused { kept } => {
                Verdict::Failed { message: Some(kept), first_at: received_at, issues: vec![reuse_issue()] }
            }
        }
    }

    async fn duplicate(
        &self,
        first: MessageId,
        first_at: Timestamp,
        outcome: MessageOutcome,
        applied: bool,
    ) -> Verdict {
        match outcome {
            MessageOutcome::Pending if applied => {
                let watch = self.outcomes.watch(first);
                self.wait_applied(first, first_at, watch).await
            }
            MessageOutcome::Parked | MessageOutcome::NoMapping if applied => {
                Verdict::Failed { message: Some(first), first_at, issues: vec![parked_issue()] }
            }
            _ => Verdict::Accepted { message: first, first_at },
        }
    }

    async fn wait_applied(
        &self,
        message: MessageId,
        first_at: Timestamp,
        watch: oneshot::Receiver<Applied>,
    ) -> Verdict {
        let applied = match self.stored_outcome(message).await {
            Some(applied) if applied.outcome != MessageOutcome::Pending => Some(applied),
            _ => self.heard(message, watch).await,
        };
        self.outcomes.forget(message);
        match applied {
            Some(Applied { outcome: MessageOutcome::Processed | MessageOutcome::Released, .. }) => {
                Verdict::Accepted { message, first_at }
            }
            Some(Applied { outcome, issues }) if outcome != MessageOutcome::Pending => {
                let issues = if issues.is_empty() { vec![parked_issue()] } else { issues };
                Verdict::Failed { message: Some(message), first_at, issues }
            }
            _ => Verdict::Undecided { message, first_at },
        }
    }

    /// Another replica may conclude the message: then nobody here tells, and the store is asked now and then.
    async fn heard(&self, message: MessageId, mut watch: oneshot::Receiver<Applied>) -> Option<Applied> {
        let listening = async {
            loop {
                if let Ok(told) = tokio::time::timeout(limits::APPLIED_LOOK_PERIOD, &mut watch).await {
                    return told.ok();
                }
                let stored = self.stored_outcome(message).await;
                if stored.as_ref().is_some_and(|applied| applied.outcome != MessageOutcome::Pending) {
                    return stored;
                }
            }
        };
        tokio::time::timeout(limits::APPLIED_WAIT, listening).await.ok().flatten()
    }

    async fn stored_outcome(&self, message: MessageId) -> Option<Applied> {
        let stored = self.store.message(message).await.ok().flatten()?;
        Some(Applied { outcome: stored.outcome, issues: Vec::new() })
    }
}

fn refused(admission: &Admission, received_at: Timestamp, issues: Vec<Issue>) -> Verdict {
    let message = match admission {
        Admission::Stored(id) | Admission::StoredReused(id) => Some(*id),
        Admission::Duplicate { first, .. } => Some(*first),
        Admission::ReuseRefused { kept } => Some(*kept),
    };
    Verdict::Failed { message, first_at: received_at, issues }
}

fn reuse_issue() -> Issue {
    Issue::error(
        IssueCode::DuplicateKey,
        "this control id was used before with other content: send it under a new MSH-10",
    )
    .at(crate::base::Location::field("MSH", 1, 10))
}

fn parked_issue() -> Issue {
    Issue::error(
        IssueCode::NotMapped,
        "the message is kept but could not be applied; a person is looking at it: do not resend it",
    )
}
