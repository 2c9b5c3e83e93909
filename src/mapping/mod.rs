//! The mapping language: compiled, run and traced.
//!
//! Cast: a *release* is all mapping files together; a *plan* is what a release makes of one message type; a *rule* moves
//! one value from a source path to a target path; a *map* is the rules of one segment or data type; a *table*
//! translates codes; a *trace* says where every leaf came from.
//!
//! ```text
//! files ─▶ written (YAML taken apart) ─▶ compile (checked against R4) ─▶ plan ─▶ run(message) ─▶ resources
//! ```
//!
//! Promise: compiling reports every mistake at its place; running is total, pure and deterministic (P5), and one bad
//! value costs one leaf (P13). It knows no file system, no network, no clock: it is given texts and a time zone.
//! The book of the language is `docs/mapping/README.md`.

mod builtin;
pub mod cases;
pub mod compare;
mod compile;
pub mod coverage;
pub mod diagnostic;
mod difference;
pub mod explain;
pub mod functions;
mod identity;
mod mapped;
mod notation;
mod plan;
mod presence;
mod release;
mod render;
mod rulebook;
mod run;
mod trace;
mod written;
mod yaml;

pub use builtin::files as builtin_files;
pub use compile::Declared;
pub use diagnostic::{Diagnostic, Mistake, Place};
pub use difference::{Difference, Side, differences};
pub use identity::logical_id;
pub use mapped::{Context, Mapped, UnmappedCode, bundle, write_bundle};
pub use plan::Code;
pub use release::{Plan, Release, overlay};
pub use render::{Rendered, Sources};
pub use rulebook::{RuleBook, RuleEntry};
pub use run::absent::is_absent;
pub use trace::{Fate, FieldTrace, Leaf, Origin, Outcome, Trace, TraceFault};
pub use written::Reason;

#[cfg(test)]
mod book;
#[cfg(test)]
mod tests;
