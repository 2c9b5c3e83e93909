//! The appointment region: every appointment of a referral by its id, with what is last known of it.

use serde::{Deserialize, Serialize};

use super::event::{Happening, Slot, Visit};
use super::state::optional_micros;
use crate::base::Timestamp;
use crate::base::limits::REFERRAL_APPOINTMENTS_MAX;

/// `Appointment.status` (R4), as far as the machine tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AppointmentStatus {
    Pending,
    Booked,
    Arrived,
    CheckedIn,
    Fulfilled,
    Cancelled,
    NoShow,
    EnteredInError,
}

impl AppointmentStatus {
    /// The R4 code.
    pub const fn as_fhir(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Booked => "booked",
            Self::Arrived => "arrived",
            Self::CheckedIn => "checked-in",
            Self::Fulfilled => "fulfilled",
            Self::Cancelled => "cancelled",
            Self::NoShow => "noshow",
            Self::EnteredInError => "entered-in-error",
        }
    }

    const fn is_over(self) -> bool {
        matches!(self, Self::Fulfilled | Self::Cancelled | Self::NoShow | Self::EnteredInError)
    }
}

/// One appointment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// Logical id of the Appointment; `walk-in/…` for a visit nobody had booked.
    pub id: String,
    pub status: AppointmentStatus,
    #[serde(with = "optional_micros")]
    pub start: Option<Timestamp>,
    pub location: Option<String>,
    pub practitioner: Option<String>,
    /// PV1-19, once known.
    pub visit: Option<String>,
    /// Nobody had booked it: the patient came without.
    pub walk_in: bool,
}

/// All of them, in the order they became known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointments(Vec<Appointment>);

/// What an event did to the region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The event is not about an appointment.
    None,
    /// The first one, or one beside others that stand.
    Added,
    /// A new one after others that came to nothing.
    Replaced,
    /// Its start, place or practitioner changed.
    Moved,
    /// Only its status, or nothing, changed.
    Touched,
}

impl Appointments {
    pub fn iter(&self) -> impl Iterator<Item = &Appointment> {
        self.0.iter()
    }

    pub fn get(&self, id: &str) -> Option<&Appointment> {
        self.0.iter().find(|appointment| appointment.id == id)
    }

    /// The one the patient is expected to: booked, with the earliest start.
    pub fn expected(&self) -> Option<&Appointment> {
        self.0
            .iter()
            .filter(|appointment| appointment.status == AppointmentStatus::Booked)
            .min_by_key(|appointment| (appointment.start.is_none(), appointment.start))
    }

    /// The one of a visit: named by it, known by its number, under way, or expected.
    pub fn of_visit(&self, visit: &Visit) -> Option<&Appointment> {
        visit
            .appointment
            .as_deref()
            .and_then(|id| self.get(id))
            .or_else(|| self.0.iter().find(|known| known.visit.is_some() && known.visit == visit.number))
            .or_else(|| self.under_way())
            .or_else(|| self.expected())
            .or_else(|| self.0.iter().rev().find(|known| known.status == AppointmentStatus::NoShow))
    }

    fn under_way(&self) -> Option<&Appointment> {
        self.0.iter().find(|known| matches!(known.status, AppointmentStatus::Arrived | AppointmentStatus::CheckedIn))
    }

    pub(super) fn has_booked(&self) -> bool {
        self.expected().is_some()
    }

    /// Carries an event into the region.
    #[must_use]
    pub(super) fn after(mut self, happening: &Happening) -> (Self, Effect) {
        let effect = match happening {
            Happening::Booked(slot) | Happening::Moved(slot) => self.put(slot, AppointmentStatus::Booked),
            Happening::SlotAwaited(slot) => self.put(slot, AppointmentStatus::Pending),
            Happening::Changed(slot) => self.change(slot),
            Happening::AppointmentCancelled(slot) => self.mark(slot, AppointmentStatus::Cancelled),
            Happening::AppointmentDeleted(slot) => self.mark(slot, AppointmentStatus::EnteredInError),
            Happening::NoShow(slot) => self.mark(slot, AppointmentStatus::NoShow),
            Happening::Arrived(visit) => self.visited(visit, AppointmentStatus::Arrived),
            Happening::VisitBegan(visit) | Happening::EndUndone(visit) => {
                self.visited(visit, AppointmentStatus::CheckedIn)
            }
            Happening::VisitEnded(visit) => self.visited(visit, AppointmentStatus::Fulfilled),
            Happening::ArrivalUndone(visit) => self.unvisited(visit),
            _ => Effect::None,
        };
        (self, effect)
    }

    /// The referral ended: what is still to come is off.
    #[must_use]
    pub(super) fn called_off(mut self) -> Self {
        for appointment in &mut self.0 {
            if matches!(appointment.status, AppointmentStatus::Booked | AppointmentStatus::Pending) {
                appointment.status = AppointmentStatus::Cancelled;
            }
        }
        self
    }

    fn put(&mut self, slot: &Slot, status: AppointmentStatus) -> Effect {
        if let Some(known) = self.0.iter_mut().find(|known| known.id == slot.appointment) {
            let before = known.status;
            known.status = status;
            let moved = known.would_change(slot);
            known.take(slot);
            return match before {
                AppointmentStatus::Pending if status == AppointmentStatus::Booked => Effect::Added,
                before if before.is_over() => Effect::Replaced,
                _ if moved => Effect::Moved,
                _ => Effect::Touched,
            };
        }
        let replaces = !self.0.is_empty() && self.0.iter().all(|known| known.status.is_over());
        self.add(slot, status);
        if replaces { Effect::Replaced } else { Effect::Added }
    }

    fn change(&mut self, slot: &Slot) -> Effect {
        match self.0.iter_mut().find(|known| known.id == slot.appointment) {
            Some(known) if known.would_change(slot) => {
                known.take(slot);
                Effect::Moved
            }
            Some(_) => Effect::Touched,
            None => self.put(slot, AppointmentStatus::Booked),
        }
    }

    fn mark(&mut self, slot: &Slot, status: AppointmentStatus) -> Effect {
        match self.0.iter_mut().find(|known| known.id == slot.appointment) {
            Some(known) => {
                known.status = status;
                known.take(slot);
            }
            None => self.add(slot, status),
        }
        Effect::Touched
    }

    fn visited(&mut self, visit: &Visit, status: AppointmentStatus) -> Effect {
        let id = self.of_visit(visit).map(|known| known.id.clone());
        if let Some(known) = self.0.iter_mut().find(|known| Some(&known.id) == id.as_ref()) {
            known.status = status;
            known.visit = visit.number.clone().or(known.visit.take());
            return Effect::Touched;
        }
        let slot = Slot {
            appointment: format!("walk-in/{}", visit.object),
            start: visit.start,
            visit: visit.number.clone(),
            ..Slot::default()
        };
        self.add(&slot, status);
        self.0.last_mut().into_iter().for_each(|added| added.walk_in = true);
        Effect::Added
    }

    /// The patient had not come after all: back to booked, or gone when nobody had booked.
    fn unvisited(&mut self, visit: &Visit) -> Effect {
        let Some(id) = self.of_visit(visit).map(|known| known.id.clone()) else { return Effect::Touched };
        self.0.retain(|known| known.id != id || !known.walk_in);
        for known in self.0.iter_mut().filter(|known| known.id == id) {
            known.status = AppointmentStatus::Booked;
        }
        Effect::Touched
    }

    fn add(&mut self, slot: &Slot, status: AppointmentStatus) {
        if self.0.len() >= REFERRAL_APPOINTMENTS_MAX {
            let oldest = self.0.iter().position(|known| known.status.is_over()).unwrap_or(0);
            self.0.remove(oldest);
        }
        let Slot { appointment, start, location, practitioner, visit } = slot.clone();
        self.0.push(Appointment { id: appointment, status, start, location, practitioner, visit, walk_in: false });
    }
}

impl Appointment {
    /// Whether start, place or practitioner would change.
    fn would_change(&self, slot: &Slot) -> bool {
        (slot.start.is_some() && slot.start != self.start)
            || (slot.location.is_some() && slot.location != self.location)
            || (slot.practitioner.is_some() && slot.practitioner != self.practitioner)
    }

    /// Takes what the message says. What it leaves out stays.
    fn take(&mut self, slot: &Slot) {
        self.start = slot.start.or(self.start);
        self.location = slot.location.clone().or(self.location.take());
        self.practitioner = slot.practitioner.clone().or(self.practitioner.take());
        self.visit = slot.visit.clone().or(self.visit.take());
    }
}
