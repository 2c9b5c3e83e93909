//! Lanes: the order in which messages must have their effect (P3).
//!
//! A lane is a digest of what orders messages, the patient by default, so that it can be shown and indexed without
//! showing the patient. A message usually stands in one lane; a merge stands in the lanes of both identities and is
//! the fence between what came before and after in each.

use crate::base::{Digest, limits};

/// One lane: 64 bits of the digest of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(pub i64);

impl Lane {
    /// The lane of a business identifier, such as a patient's record number with its assigning authority.
    pub fn of(kind: &str, authority: &str, value: &str) -> Self {
        Self(Digest::of_parts([kind.as_bytes(), authority.as_bytes(), value.as_bytes()]).as_i64())
    }

    /// The partition that this lane belongs to, for sharing work among replicas.
    pub fn partition(self) -> u16 {
        u16::try_from(self.0.rem_euclid(i64::from(limits::PARTITIONS))).unwrap_or(0)
    }
}

impl std::fmt::Display for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl std::str::FromStr for Lane {
    type Err = crate::base::ids::BadId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = crate::base::ids::BadId { expected: "16 hexadecimal digits, as `loopgate lane list` prints them" };
        u64::from_str_radix(text, 16).map(|bits| Self(bits.cast_signed())).map_err(|_| bad)
    }
}

/// The lanes of one message: the first decides the partition, all of them order it. Never empty, no doubles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lanes(Vec<Lane>);

impl Lanes {
    pub fn new(first: Lane, others: impl IntoIterator<Item = Lane>) -> Self {
        let mut lanes = vec![first];
        for lane in others {
            if !lanes.contains(&lane) {
                lanes.push(lane);
            }
        }
        Self(lanes)
    }

    pub fn first(&self) -> Lane {
        self.0[0]
    }

    pub fn as_slice(&self) -> &[Lane] {
        &self.0
    }
}
