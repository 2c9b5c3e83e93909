//! A referral as the machine keeps it: regions side by side, each with its own state, and the clocks that run.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::appointments::Appointments;
use super::cancellation::Cancellation;
use super::event::{Reason, Request, Role};
use super::fulfilment::Fulfilment;
use super::timers::Clocks;
use crate::base::limits::REFERRAL_EVENTS_REMEMBERED_MAX;
use crate::base::{Timestamp, ids::ReferralId};
use crate::record::{Referral, ResourceKey};

/// The form of the serialised state. A later form reads the earlier ones.
const FORM: u32 = 1;

/// One referral. A region is one field: adding coverage or prior authorisation adds a field with a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub request: Request,
    /// `application|facility` that sent the request: how the placer is known again.
    pub placer: String,
    pub fulfilment: Fulfilment,
    pub cancellation: Cancellation,
    pub appointments: Appointments,
    /// Work for the patient has begun at some time: the Task never goes back before `in-progress`.
    pub begun: bool,
    pub clocks: Clocks,
    /// Announcements made so far.
    pub sequence: u32,
    pub no_shows: u32,
    pub contact_attempts: u32,
    /// The documents that answer the referral (`DiagnosticReport/id`), in the order they came.
    pub outputs: Vec<String>,
    /// Why it ended, or why a cancellation was refused.
    pub reason: Option<Reason>,
    /// Timers that ran out and whose matter is still open.
    pub breached: bool,
    #[serde(with = "micros")]
    pub opened_at: Timestamp,
    #[serde(with = "micros")]
    pub changed_at: Timestamp,
    pub(super) memory: Memory,
}

/// What is needed to recognise events seen before and events that come late.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Keys of the last events, oldest first.
    keys: Vec<String>,
    /// Per object, the time of the last event that moved it, in microseconds.
    clock: BTreeMap<String, i64>,
    /// When the last event that moved fulfilment happened, in microseconds.
    moved_at: i64,
}

/// What an event is about, for telling a late one: each source of truth has its own clock, so that two senders whose
/// clocks differ do not make each other late.
pub(super) enum Object<'a> {
    Order(Role),
    Appointment(&'a str),
    /// The appointment as last booked: what a late cancellation is measured by.
    Booking(&'a str),
    Visit(&'a str),
}

impl Object<'_> {
    fn key(&self) -> String {
        match self {
            Self::Order(role) => format!("order/{role:?}"),
            Self::Appointment(id) => format!("appointment/{id}"),
            Self::Booking(id) => format!("booking/{id}"),
            Self::Visit(id) => format!("visit/{id}"),
        }
    }
}

impl Memory {
    pub(super) fn knows(&self, key: &str) -> bool {
        self.keys.iter().any(|known| known == key)
    }

    pub(super) fn is_late(&self, object: &Object, at: Timestamp) -> bool {
        self.clock.get(&object.key()).is_some_and(|last| at.as_micros() < *last)
    }

    pub(super) const fn is_before_last_move(&self, at: Timestamp) -> bool {
        at.as_micros() < self.moved_at
    }

    pub(super) fn remember(&mut self, key: &str) {
        if self.keys.len() >= REFERRAL_EVENTS_REMEMBERED_MAX {
            self.keys.remove(0);
        }
        self.keys.push(key.to_owned());
    }

    pub(super) fn advance(&mut self, object: &Object, at: Timestamp) {
        let last = self.clock.entry(object.key()).or_insert(i64::MIN);
        *last = (*last).max(at.as_micros());
    }

    pub(super) fn note_move(&mut self, at: Timestamp) {
        self.moved_at = self.moved_at.max(at.as_micros());
    }
}

/// The stored bytes are not a referral of a form this program knows.
#[derive(Debug, thiserror::Error)]
pub enum StateFault {
    #[error("the referral's state is of form {0}, this program knows up to {FORM}: install the newer program")]
    TooNew(u32),
    #[error("the referral's state does not decode at line {line}, column {column}")]
    Unreadable { line: usize, column: usize },
}

impl From<serde_json::Error> for StateFault {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable { line: error.line(), column: error.column() }
    }
}

#[derive(Deserialize)]
struct FormOnly {
    form: u32,
}

#[derive(Serialize, Deserialize)]
struct Stored<T> {
    form: u32,
    state: T,
}

impl State {
    /// A referral that has just come in.
    pub(super) fn opened(request: Request, placer: &str, at: Timestamp) -> Self {
        Self {
            request,
            placer: placer.to_owned(),
            fulfilment: Fulfilment::default(),
            cancellation: Cancellation::default(),
            appointments: Appointments::default(),
            begun: false,
            clocks: Clocks::default(),
            sequence: 0,
            no_shows: 0,
            contact_attempts: 0,
            outputs: Vec::new(),
            reason: None,
            breached: false,
            opened_at: at,
            changed_at: at,
            memory: Memory::default(),
        }
    }

    pub const fn id(&self) -> ReferralId {
        self.request.referral
    }

    /// Logical id of its Task: the one that the placer brought, or ours.
    pub fn task(&self) -> String {
        self.request.task.clone().unwrap_or_else(|| self.id().to_string())
    }

    /// Still running: not in a terminal state.
    pub const fn is_open(&self) -> bool {
        !self.fulfilment.is_terminal()
    }

    /// The row to store. `version` is the one this state was read under, 0 when it is new: the store refuses the write
    /// when another has come in between, and keeps it as `version + 1`.
    pub fn to_referral(&self, version: u32) -> Referral {
        let (kind, id) = self.request.patient.split_once('/').unwrap_or(("Patient", &self.request.patient));
        Referral {
            id: self.id(),
            version,
            patient: ResourceKey::new(kind, id),
            stage: SmolStr::new_static(super::announce::stage(self)),
            open: self.is_open(),
            state: Bytes::from(self.to_bytes()),
        }
    }

    /// The JSON text to store: `{"form":1,"state":{…}}`.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&Stored { form: FORM, state: self })
            .expect("the state is strings, numbers and maps with string keys, which JSON can hold")
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateFault> {
        let FormOnly { form } = serde_json::from_slice(bytes)?;
        if form > FORM {
            return Err(StateFault::TooNew(form));
        }
        Ok(serde_json::from_slice::<Stored<Self>>(bytes)?.state)
    }
}

/// A time stamp as microseconds.
pub(super) mod micros {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::base::Timestamp;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde calls")]
    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.as_micros())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_micros)
    }
}

/// An optional time stamp as microseconds or null.
pub(super) mod optional_micros {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::base::Timestamp;

    #[expect(clippy::ref_option, reason = "the signature serde calls")]
    pub fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(Timestamp::as_micros).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(Timestamp::from_micros))
    }
}

/// A referral id as its text.
pub(super) mod uuid_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::base::ids::ReferralId;

    pub fn serialize<S: Serializer>(id: &ReferralId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ReferralId, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
