//! Where every leaf of the output came from, and what of the input went nowhere (P4).

use std::collections::BTreeSet;

use smol_str::SmolStr;

use super::run::{Found, Spot};
use crate::base::Location;
use crate::hl7v2::Message;

/// One leaf of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Index into `Mapped::resources`.
    pub resource: usize,
    /// `name[0].family`.
    pub path: String,
    pub source: LeafSource,
    /// The rule's id, and its place as `mappings/v2/segment/PID-Patient.yaml:7`.
    pub rule: SmolStr,
    pub place: SmolStr,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeafSource {
    Field(Location),
    Constant,
    /// The id of another resource.
    Reference,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    pub leaves: Vec<Leaf>,
    /// Populated places of the message that no leaf came from, in order.
    pub unused: Vec<Location>,
}

/// Builds the trace while the plan runs.
#[derive(Default)]
pub(super) struct Tracer {
    pub(super) leaves: Vec<Leaf>,
    used: BTreeSet<Spot>,
    /// Where the element being built will stand.
    prefix: Vec<String>,
}

impl Tracer {
    pub(super) fn enter(&mut self, address: String) {
        self.prefix.push(address);
    }

    pub(super) fn leave(&mut self) {
        self.prefix.pop();
    }

    /// The prefixes so far, for a resource of its own to be built aside.
    pub(super) fn set_aside(&mut self) -> Vec<String> {
        std::mem::take(&mut self.prefix)
    }

    pub(super) fn take_back(&mut self, prefix: Vec<String>) {
        self.prefix = prefix;
    }

    pub(super) fn path(&self, address: &str) -> String {
        let mut path = String::new();
        for part in self.prefix.iter().map(String::as_str).chain([address]).filter(|part| !part.is_empty()) {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(part);
        }
        path
    }

    pub(super) fn source(&mut self, message: &Message, found: &Found) -> LeafSource {
        if found.is_constant() {
            return LeafSource::Constant;
        }
        self.used.insert(found.spot());
        LeafSource::Field(found.spot().to_location(message))
    }

    /// Populated leaves of the message that were not used. MSH-1 and MSH-2 are not data.
    pub(super) fn unused(&self, message: &Message) -> Vec<Location> {
        let mut unused = Vec::new();
        for (index, segment) in message.segments().enumerate() {
            let first = if segment.name() == "MSH" { 3 } else { 1 };
            for (field, value) in segment.fields().filter(|(field, value)| *field >= first && value.is_valued()) {
                for (repetition, value) in (1..).zip(value.repetitions()) {
                    let spot = Spot { segment: count(index), field, repetition, component: 0, subcomponent: 0 };
                    self.unused_parts(value, spot, message, &mut unused);
                }
            }
        }
        unused
    }

    fn unused_parts(
        &self,
        value: crate::hl7v2::Repetition<'_>,
        spot: Spot,
        message: &Message,
        unused: &mut Vec<Location>,
    ) {
        for (component, part) in (1..).zip(value.components()) {
            for (subcomponent, part) in (1..).zip(part.subcomponents()) {
                let spot = Spot { component, subcomponent, ..spot };
                if part.is_valued() && !self.is_used(spot) {
                    unused.push(spot.to_location(message));
                }
            }
        }
    }

    /// A use of a level above stands for its first part, as its text does.
    fn is_used(&self, spot: Spot) -> bool {
        let first_part = Spot { subcomponent: 0, ..spot };
        let first_of_all = Spot { component: 0, ..first_part };
        self.used.contains(&spot)
            || (spot.subcomponent == 1 && self.used.contains(&first_part))
            || (spot.subcomponent == 1 && spot.component == 1 && self.used.contains(&first_of_all))
    }
}

fn count(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
