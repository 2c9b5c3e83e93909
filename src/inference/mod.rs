//! What a feed's sample messages say about the feed: enough to write a first configuration, overlay and cases.
//!
//! Cast: *samples* are what was counted over all messages; *keys* are the identifiers that could order them; the
//! *findings* are samples, mapping coverage and advice together.
//!
//! Promise: pure; bounded by `REPORT_ROWS_MAX` and `SAMPLES_REMEMBERED_MAX`; no value of a message is kept but codes,
//! authorities and the names in MSH. What is written is a proposal: it compiles, and everything that a person must
//! decide stands in it as a comment.

mod advice;
mod configuration;
mod counted;
mod duplicates;
mod keys;
mod overlay;
mod samples;
mod tables;

pub use advice::advice;
pub use configuration::{MappingFiles, configuration, feed_name};
pub use counted::Counted;
pub use duplicates::Duplicates;
pub use keys::{KeyUse, Keys};
pub use overlay::overlay;
pub use samples::{LineEnds, Sample, Samples, SegmentUse};
pub use tables::Tables;

use crate::mapping::coverage::Report;

/// Everything that was found.
pub struct Findings {
    pub samples: Samples,
    pub coverage: Report,
    /// The codes that tables translated.
    pub tables: Tables,
    /// The types that no map takes, with the structure that the samples name in MSH-9.3.
    pub unmapped_types: Vec<UnmappedType>,
}

/// A message type without a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmappedType {
    /// `ADT^A14`.
    pub message_type: String,
    pub messages: u64,
    /// `ADT_A05`, where the samples name it and the release has a message map of that name.
    pub structure: Option<String>,
}

#[cfg(test)]
mod tests;
