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
    /// Attempts whose failure may be ambiguous: a receiver that ignores the idempotency key sees at most so many.
    pub ambiguous_attempts_max: u32,
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
            ambiguous_attempts_max: 6,
        }
    }
}

/// How much earlier or later than the schedule an attempt may be, as a fraction, so that what failed together does not
/// come back together.
const JITTER: f64 = 0.2;

/// What follows the failure of attempt `attempt_number`, counted from 1.
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
    let bounded = match failure.class {
        FailureClass::Permanent => return AfterFailure::GiveUp,
        FailureClass::Ambiguous => attempt_number >= policy.ambiguous_attempts_max,
        FailureClass::Transient => false,
    };
    let place = usize::try_from(attempt_number.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(delay) = policy.delays.get(place).filter(|_| !bounded && !failure.disable) else {
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

    proptest! {
        #[test]
        fn never_too_early_never_too_late_never_without_end(
            seed: u64,
            attempt in 1_u32..40,
            class in class(),
            asked in proptest::option::of(0_u64..1_000_000),
        ) {
            let policy = RetryPolicy::default();
            let failure = failure(class, asked.map(Duration::from_secs));
            let now = Timestamp::from_micros(1_000_000);
            match decide(&policy, attempt, &failure, now, &SeededRandom::new(seed)) {
                AfterFailure::GiveUp => {
                    let used_up = attempt as usize > policy.delays.len();
                    let doubtful = class == FailureClass::Ambiguous && attempt >= policy.ambiguous_attempts_max;
                    prop_assert!(class == FailureClass::Permanent || used_up || doubtful);
                }
                AfterFailure::RetryAt(at) => {
                    prop_assert!(class != FailureClass::Permanent);
                    let delay = policy.delays[attempt as usize - 1];
                    let wait = at.since(now);
                    prop_assert!(wait >= delay.mul_f64(0.799) && wait <= delay.mul_f64(2.401));
                    prop_assert!(asked.is_none_or(|asked| wait >= Duration::from_secs(asked).min(delay.mul_f64(0.799))));
                    prop_assert!(asked.is_some() || wait <= delay.mul_f64(1.201));
                }
            }
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
