//! When to try again: one policy for every kind of endpoint, as data (STANDARDS 5.6).

use std::time::Duration;

use super::SendFailure;
use crate::base::{Random, Timestamp};
use crate::record::FailureClass;
use crate::record::delivery::AfterFailure;

/// The schedule of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The wait after the first, second … failed attempt. When it is used up, the delivery is given up.
    pub delays: Vec<Duration>,
}

impl Default for RetryPolicy {
    /// The schedule of Standard Webhooks: ten attempts over about three days.
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        let hours = |count: u64| Duration::from_secs(count * 3_600);
        Self {
            delays: vec![
                Duration::from_secs(5),
                minutes(5),
                minutes(30),
                hours(2),
                hours(5),
                hours(10),
                hours(14),
                hours(20),
                hours(24),
            ],
        }
    }
}

/// How much earlier or later than the schedule an attempt may be, as a fraction, so that what failed together does not
/// come back together.
const JITTER: f64 = 0.2;

/// What follows the failure of attempt `attempt_number`, counted from 1.
///
/// An ambiguous failure is treated like a transient one: at least once is the promise, and the delivery's id is the
/// key by which the receiver tells a double. One that ignores the key may see as many as there are attempts.
///
/// The receiver's own wish to wait is honoured between one and two times our own delay: not less, or a broken clock of
/// theirs makes us hammer; not more, or it keeps a delivery for ever.
pub fn decide(
    policy: &RetryPolicy,
    attempt_number: u32,
    failure: &SendFailure,
    now: Timestamp,
    random: &dyn Random,
) -> AfterFailure {
    let may_go_on = failure.class != FailureClass::Permanent && !failure.disable;
    let place = usize::try_from(attempt_number.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(delay) = policy.delays.get(place).filter(|_| may_go_on) else {
        return AfterFailure::GiveUp;
    };
    let own = delay.mul_f64(1.0 - JITTER + 2.0 * JITTER * random.fraction());
    let wait = failure.retry_after.map_or(own, |asked| asked.clamp(own, own * 2));
    AfterFailure::RetryAt(now.plus(wait))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::SeededRandom;

    fn failure(class: FailureClass, retry_after: Option<Duration>) -> SendFailure {
        SendFailure { class, code: "test".into(), retry_after, disable: false }
    }

    fn class() -> impl Strategy<Value = FailureClass> {
        prop_oneof![Just(FailureClass::Transient), Just(FailureClass::Ambiguous), Just(FailureClass::Permanent)]
    }

    /// Standard Webhooks, in seconds, written out a second time on purpose.
    const SCHEDULE: [f64; 9] = [5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0];

    /// The wait in seconds after a failure; nothing when it is given up.
    fn wait_after(attempt: u32, failure: &SendFailure, seed: u64) -> Option<f64> {
        let now = Timestamp::from_micros(1_000_000);
        match decide(&RetryPolicy::default(), attempt, failure, now, &SeededRandom::new(seed)) {
            AfterFailure::GiveUp => None,
            AfterFailure::RetryAt(at) => Some(at.since(now).as_secs_f64()),
        }
    }

    proptest! {
        #[test]
        fn what_may_succeed_is_tried_again_near_the_schedule_until_it_ends(
            seed: u64,
            attempt in 1_usize..40,
            class in class(),
            asked in proptest::option::of(0_u32..1_000_000),
        ) {
            let failure = failure(class, asked.map(|seconds| Duration::from_secs(seconds.into())));
            let wait = wait_after(u32::try_from(attempt).unwrap(), &failure, seed);
            let delay = SCHEDULE.get(attempt - 1).filter(|_| class != FailureClass::Permanent);
            prop_assert_eq!(wait.is_some(), delay.is_some());
            let (Some(wait), Some(delay)) = (wait, delay) else { return Ok(()) };
            let ask = asked.map_or(0.0, f64::from);
            // Between the delay and twice the delay as asked, give or take the jitter of a fifth.
            prop_assert!(wait >= delay * 0.799 && wait <= delay * 2.401, "{wait} at {delay}");
            prop_assert!(wait <= (delay * 1.201).max(ask + 0.001), "{wait} at {delay}, asked {ask}");
            prop_assert!(wait >= ask.min(delay * 1.599), "{wait} at {delay}, asked {ask}");
        }
    }

    #[test]
    fn an_ambiguous_failure_counts_like_a_transient_one() {
        for attempt in 1..12 {
            let wait = |class| wait_after(attempt, &failure(class, None), 7);
            assert_eq!(wait(FailureClass::Ambiguous), wait(FailureClass::Transient), "attempt {attempt}");
            assert_eq!(wait(FailureClass::Ambiguous).is_some(), attempt < 10, "attempt {attempt}");
            assert_eq!(wait(FailureClass::Permanent), None);
        }
    }

    #[test]
    fn a_receiver_that_asked_never_to_be_called_again_is_not() {
        let gone = SendFailure { disable: true, ..failure(FailureClass::Transient, None) };
        let next = decide(&RetryPolicy::default(), 1, &gone, Timestamp::default(), &SeededRandom::new(1));
        assert_eq!(next, AfterFailure::GiveUp);
    }

    #[test]
    fn the_schedule_ends_after_ten_attempts() {
        let policy = RetryPolicy::default();
        let attempts = (1..).take_while(|number| {
            let failure = failure(FailureClass::Transient, None);
            decide(&policy, *number, &failure, Timestamp::default(), &SeededRandom::new(1)) != AfterFailure::GiveUp
        });
        assert_eq!(attempts.count() + 1, 10);
    }
}
