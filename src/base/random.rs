//! Chance as a parameter: the system's generator for the running gateway, a seeded one for tests.

use std::sync::Mutex;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// Where random bits come from. Making a generator anywhere else is a lint error.
pub trait Random: Send + Sync {
    fn next_u64(&self) -> u64;

    /// A version 7 UUID: sortable by `now`, unique by 74 random bits (RFC 9562 5.7).
    fn uuid(&self, now: super::Timestamp) -> uuid::Uuid {
        let millis = u64::try_from(now.as_micros() / 1000).unwrap_or(0);
        let mut tail = [0; 10];
        tail[..8].copy_from_slice(&self.next_u64().to_le_bytes());
        tail[8..].copy_from_slice(&self.next_u64().to_le_bytes()[..2]);
        uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }

    /// A number from 0 up to, but not including, 1.
    fn fraction(&self) -> f64 {
        // 53 bits are the precision of an f64.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64 exactly")]
        let numerator = (self.next_u64() >> 11) as f64;
        numerator / 9_007_199_254_740_992.0
    }
}

/// A generator seeded by the operating system.
pub struct SystemRandom(SeededRandom);

impl Default for SystemRandom {
    fn default() -> Self {
        // Two version 4 UUIDs are 244 random bits: enough for the secrets that are made from this generator.
        let mut seed = [0; 32];
        for half in seed.chunks_exact_mut(16) {
            half.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        }
        Self(SeededRandom(Mutex::new(StdRng::from_seed(seed))))
    }
}

impl Random for SystemRandom {
    fn next_u64(&self) -> u64 {
        self.0.next_u64()
    }
}

/// A generator that repeats itself, for tests.
pub struct SeededRandom(Mutex<StdRng>);

impl SeededRandom {
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Random for SeededRandom {
    fn next_u64(&self) -> u64 {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next_u64()
    }
}
