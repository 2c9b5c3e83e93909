//! HL7 v2 as bytes and as text: frames, headers, messages, paths, time stamps, character sets, acknowledgements.
//!
//! Cast: a *frame* is what MLLP carries; a *header* is what of MSH is needed to admit and to answer; a *message* is
//! decoded text with an index over it; a *view* (segment, field, repetition, component, subcomponent) is a borrowed
//! slice of that text; a *path* names a place in it.
//!
//! Promise: reading never fails and never drops a byte. What is wrong with the input comes back as issues beside the
//! value. Pure: no I/O, no clock, no chance. It knows nothing of FHIR, stores or connections.

pub mod ack;
pub mod batch;
pub mod builder;
pub mod charset;
pub mod delimiters;
pub mod dictionary;
pub mod escape;
pub mod header;
pub mod message;
pub mod mllp;
pub mod path;
pub mod timestamp;
pub mod view;

pub use ack::{Ack, AckCode, AckFault, AckStage, ReceivedAck, Verdict};
pub use builder::{BuildError, MessageBuilder};
pub use charset::{Charset, CharsetReport};
pub use delimiters::Delimiters;
pub use header::{AckCondition, AckMode, Header, HeaderFault};
pub use message::Message;
pub use path::{FieldPath, Path, PathError, Selector};
pub use timestamp::{PartialDateTime, Precision, TimestampError};
pub use view::{Component, Field, Presence, Repetition, Segment, Subcomponent, Value};
