//! The ground every other module stands on: identifiers, time, chance, limits, issues and patient data by type.
//!
//! It knows no format and does no I/O; nothing of ours lies below it.

pub mod clock;
pub mod digest;
pub mod ids;
pub mod issue;
pub mod limits;
pub mod nearest;
pub mod phi;
pub mod random;

pub use clock::{Clock, FrozenClock, SystemClock, Timestamp};
pub use digest::Digest;
pub use issue::{Issue, IssueCode, Location, Severity};
pub use nearest::nearest;
pub use phi::Phi;
pub use random::{Random, SeededRandom, SystemRandom};
