//! Every limit of the gateway, with its name and its reason (P9). Settings may lower or raise those marked so.

use std::time::Duration;

/// Largest MLLP frame, in bytes. Large enough for an embedded scanned report, small enough that a hundred
/// connections in mid-frame do not exhaust a small machine. (setting `frame_bytes_max`)
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Longest silence inside a frame: a peer that stops in mid-message for longer has died. (setting)
pub const FRAME_READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Connections of one listener. Each costs a task and a buffer. (setting)
pub const CONNECTIONS_MAX: usize = 1024;

/// Messages in one intake commit: past this a commit takes longer than the window it saves.
pub const ADMIT_BATCH_MAX: usize = 256;

/// Messages in one processing batch and so in one concluding commit.
pub const CONCLUDE_BATCH_MAX: usize = 128;

/// Senders waiting for an intake commit; past this the answer is "try again" (AR or CE with 207) at once.
pub const INTAKE_QUEUE_MAX: usize = 4096;

/// Deliveries in flight at once, over all endpoints.
pub const DELIVERIES_IN_FLIGHT_MAX: usize = 64;

/// Deliveries in flight at once to one endpoint, so that a slow one cannot take all permits.
pub const DELIVERIES_PER_ENDPOINT_MAX: usize = 8;

/// Lane partitions: the unit by which replicas share the work. Fixed for the life of a store.
pub const PARTITIONS: u16 = 64;

/// Nesting of JSON. FHIR's deepest resources stay below 30.
pub const JSON_DEPTH_MAX: usize = 64;

/// Bytes of a receiver's answer that are read and kept.
pub const RESPONSE_BYTES_MAX: usize = 64 * 1024;

/// How long a stopping process waits for work in hand.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// Oddities listed for one message: past this the text is not HL7 v2, and a longer list helps nobody.
pub const PARSE_ISSUES_MAX: usize = 100;

/// ERR segments of one acknowledgement: a sender that mends these first hears of the rest next time.
pub const ACK_ERRORS_MAX: usize = 20;

/// Line ends, blanks and NUL that may follow an end block without its last byte. Senders put one or two there; a
/// bound keeps the look back short on a frame of nothing but blanks.
pub const FRAME_FILLER_BYTES_MAX: usize = 16;
