//! Advance: timers that ran out move their referrals, by the same machine and in the same one transaction as messages.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use super::decide::{Decider, decide_timer};
use super::desk::Desk;
use super::process::Surroundings;
use super::worker::{Job, Ran};
use crate::base::limits;
use crate::record::Timer;
use crate::store::{Answer, Concluded, Lease, StoreError};
use crate::telemetry::names::{Label, Metric, count};
use crate::workflow::{Event, TimerKind};

/// The timer job.
pub struct Advance {
    world: Surroundings,
    decider: Arc<Decider>,
}

impl Advance {
    pub fn new(world: Surroundings, decider: Arc<Decider>) -> Self {
        Self { world, decider }
    }

    async fn fire(&self, lease: &Lease, timer: &Timer) -> Result<Concluded, StoreError> {
        let Some(event) = event(timer) else { return Ok(Concluded::LeaseLost) };
        for _ in 0..limits::CONFLICTS_MAX {
            let mut desk = Desk::load_referral(self.world.store.as_ref(), timer.referral).await?;
            let now = self.world.clock.now();
            let decided = AssertUnwindSafe(|| decide_timer(&self.decider, &mut desk, timer, &event, now));
            let Ok(conclusion) = std::panic::catch_unwind(decided) else { return Ok(Concluded::Conflict) };
            let deliveries = !conclusion.deliveries.is_empty();
            match self.world.store.conclude(lease, vec![conclusion]).await? {
                Concluded::Conflict => {}
                concluded => {
                    if deliveries {
                        self.world.wake_deliver.notify_waiters();
                    }
                    count(Metric::TimersFired, &[(Label::Kind, timer.kind.as_str())]);
                    return Ok(concluded);
                }
            }
        }
        Ok(Concluded::Conflict)
    }
}

/// A timer as the machine hears of it; a kind that this release does not know is left to a newer one.
fn event(timer: &Timer) -> Option<Event> {
    Some(Event::timer(TimerKind::from_name(&timer.kind)?, timer.due_at))
}

impl Job for Advance {
    fn name(&self) -> &'static str {
        "advance"
    }

    fn run_once(&self) -> Answer<'_, Ran> {
        Box::pin(async move {
            let lease = self.world.lease.current();
            let due = self.world.store.due_timers(&lease, self.world.clock.now(), limits::CONCLUDE_BATCH_MAX).await?;
            let mut worked = false;
            for timer in &due {
                match self.fire(&lease, timer).await {
                    Ok(concluded) => worked |= concluded == Concluded::Done,
                    // The others must not wait for this one; it is tried again with the next tick.
                    Err(error) => tracing::error!(referral = %timer.referral, %error, "a timer could not be concluded"),
                }
            }
            Ok(if worked { Ran::Worked } else { Ran::Idle(None) })
        })
    }
}
