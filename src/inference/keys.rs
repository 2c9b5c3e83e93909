//! Identifiers that could order the messages: which stand in every message, and how far they tell things apart.
//!
//! Order is kept per lane, and the lane of a message is its patient's record number, else the number of its referral or
//! appointment, else its sender. An identifier orders well when every message has it, with its authority.

use std::collections::{BTreeMap, HashSet};

use crate::base::Digest;
use crate::base::limits::{REPORT_ROWS_MAX, SAMPLES_REMEMBERED_MAX};
use crate::hl7v2::{Message, Repetition};

/// Fields that number something the messages are about, beside the patient.
const NUMBERS: [(&str, u16); 8] =
    [("PV1", 19), ("SCH", 1), ("SCH", 2), ("SCH", 26), ("ORC", 2), ("ORC", 3), ("OBR", 2), ("RF1", 6)];

/// How an identifier is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyUse {
    /// Messages that have it.
    pub messages: u64,
    /// Messages where it names no authority.
    pub without_authority: u64,
    /// How many different ones there are.
    pub distinct: usize,
    #[serde(skip)]
    seen: HashSet<i64>,
}

/// All identifiers, and how many messages have none of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Keys {
    /// By what people call it: `PID-3 MR of NORTH`, `PV1-19`.
    pub identifiers: BTreeMap<String, KeyUse>,
    /// Messages with a PID segment.
    pub with_patient: u64,
    /// Messages whose PID-3 has a number.
    pub with_patient_number: u64,
    /// Messages without a patient number that have another number.
    pub with_other_number: u64,
    /// Messages that nothing but their sender orders.
    pub with_nothing: u64,
}

impl Keys {
    pub fn add(&mut self, message: &Message) {
        self.with_patient += u64::from(message.segment("PID").is_some());
        let of_patient = self.add_patient_numbers(message);
        let mut other = false;
        for (segment, field) in NUMBERS {
            let Some(found) = message.segment(segment) else { continue };
            let number = found.field(field).repetition(1);
            if number.component(1).is_valued() {
                other = true;
                self.see(format!("{segment}-{field}"), number, authority_of_entity(number).is_some());
            }
        }
        match (of_patient, other) {
            (true, _) => self.with_patient_number += 1,
            (false, true) => self.with_other_number += 1,
            (false, false) => self.with_nothing += 1,
        }
    }

    fn add_patient_numbers(&mut self, message: &Message) -> bool {
        let mut named = HashSet::new();
        let patients = message.segments_named("PID").flat_map(|pid| pid.field(3).repetitions());
        for number in patients.filter(|number| number.component(1).is_valued()) {
            let kind = number.component(5).text().into_owned();
            let authority = authority_of_patient(number);
            let mut name = "PID-3".to_owned();
            if !kind.is_empty() {
                name = format!("{name} {kind}");
            }
            if let Some(authority) = &authority {
                name = format!("{name} of {authority}");
            }
            if named.insert(name.clone()) {
                self.see(name, number, authority.is_some());
            }
        }
        !named.is_empty()
    }

    fn see(&mut self, name: String, number: Repetition<'_>, has_authority: bool) {
        let full = self.identifiers.len() >= REPORT_ROWS_MAX && !self.identifiers.contains_key(&name);
        let entry = self.identifiers.entry(if full { "(more)".to_owned() } else { name }).or_default();
        entry.messages += 1;
        entry.without_authority += u64::from(!has_authority);
        if entry.seen.len() < SAMPLES_REMEMBERED_MAX {
            entry.seen.insert(Digest::of(number.raw().as_bytes()).as_i64());
            entry.distinct = entry.seen.len();
        }
    }

    /// The identifiers, those in most messages first.
    pub fn by_use(&self) -> Vec<(&str, &KeyUse)> {
        let mut rows: Vec<(&str, &KeyUse)> =
            self.identifiers.iter().map(|(name, used)| (name.as_str(), used)).collect();
        rows.sort_by_key(|(_, used)| std::cmp::Reverse(used.messages));
        rows
    }
}

/// CX.4: its name space, else its universal id.
fn authority_of_patient(number: Repetition<'_>) -> Option<String> {
    let authority = number.component(4);
    let parts = [authority.subcomponent(1), authority.subcomponent(2)];
    parts.into_iter().find(|part| part.is_valued()).map(|part| part.text().into_owned())
}

/// EI.2, else EI.3.
fn authority_of_entity(number: Repetition<'_>) -> Option<String> {
    let parts = [number.component(2), number.component(3)];
    parts.into_iter().find(|part| part.is_valued()).map(|part| part.text().into_owned())
}
