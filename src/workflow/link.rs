//! Which referral an event without a referral number concerns, and whether a registration is an arrival
//! (STANDARDS 4.1, 4.2).

use std::time::Duration;

use super::event::{Event, Visit};
use super::policy::ArrivalRule;
use super::state::State;
use super::timers::Context;
use crate::base::{Timestamp, ids::ReferralId};

/// How far a visit's start may lie from the appointment's and still be that appointment's visit.
const NEARBY: Duration = Duration::from_hours(4);

/// What an event says of its referral.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clues {
    /// Logical id of the ServiceRequest.
    pub service_request: Option<String>,
    /// The placer's number and its system.
    pub placer_number: Option<(String, String)>,
    /// Logical id of the Appointment.
    pub appointment: Option<String>,
    /// PV1-19.
    pub visit: Option<String>,
    /// `Patient/id`.
    pub patient: Option<String>,
    pub start: Option<Timestamp>,
    /// The event tells of a visit: only then may time alone link it.
    pub is_visit: bool,
}

/// The referral of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    Referral(ReferralId),
    /// None for sure; these are what a person might choose from. Empty when nothing is near.
    Suggested(Vec<ReferralId>),
}

/// Finds the referral among `candidates`: those of the patient, or loaded by the number.
///
/// Only a referral number with its system is unique by itself. Appointment ids and visit numbers are the sender's own,
/// and two senders may use the same: a patient who is known to be another one rules them out.
pub fn link(clues: &Clues, candidates: &[&State]) -> Link {
    let sure = by_number(clues, candidates)
        .or_else(|| by_appointment(clues, candidates))
        .or_else(|| by_visit_number(clues, candidates))
        .or_else(|| by_time(clues, candidates));
    match sure {
        Some(state) => Link::Referral(state.id()),
        None => Link::Suggested(open_of_patient(clues, candidates).map(State::id).collect()),
    }
}

fn by_number<'a>(clues: &Clues, candidates: &[&'a State]) -> Option<&'a State> {
    candidates.iter().copied().find(|state| {
        let request = &state.request;
        clues.service_request.as_deref() == Some(&request.service_request)
            || clues.placer_number.as_ref().is_some_and(|(value, system)| {
                let same = !value.is_empty() && *value == request.placer_number && *system == request.placer_system;
                same && (!system.is_empty() || is_of_patient(clues, state))
            })
    })
}

fn is_of_patient(clues: &Clues, state: &State) -> bool {
    clues.patient.as_deref().is_some_and(|patient| !patient.is_empty() && patient == state.request.patient)
}

/// Both patients are known, and they differ.
fn is_of_another(clues: &Clues, state: &State) -> bool {
    let known = |patient: &str| !patient.is_empty();
    clues.patient.as_deref().is_some_and(known) && known(&state.request.patient) && !is_of_patient(clues, state)
}

fn by_appointment<'a>(clues: &Clues, candidates: &[&'a State]) -> Option<&'a State> {
    let id = clues.appointment.as_deref()?;
    candidates.iter().copied().find(|state| state.appointments.get(id).is_some() && !is_of_another(clues, state))
}

fn by_visit_number<'a>(clues: &Clues, candidates: &[&'a State]) -> Option<&'a State> {
    let visit = clues.visit.as_deref()?;
    let has = |state: &&State| state.appointments.iter().any(|known| known.visit.as_deref() == Some(visit));
    candidates.iter().copied().find(|state| has(state) && !is_of_another(clues, state))
}

/// The one open referral of the patient that has an appointment near the start of the visit.
fn by_time<'a>(clues: &Clues, candidates: &[&'a State]) -> Option<&'a State> {
    let start = clues.start.filter(|_| clues.is_visit)?;
    let is_near = |at: Timestamp| at.since(start).max(start.since(at)) <= NEARBY;
    let mut near = open_of_patient(clues, candidates)
        .filter(|state| state.appointments.iter().any(|known| known.start.is_some_and(is_near)));
    let first = near.next()?;
    near.next().is_none().then_some(first)
}

fn open_of_patient<'a>(clues: &Clues, candidates: &[&'a State]) -> impl Iterator<Item = &'a State> {
    candidates.iter().copied().filter(|state| state.is_open() && is_of_patient(clues, state))
}

/// Whether an ADT^A04 says that the patient is there: on the day of the visit and not earlier than four hours before
/// the appointment. Some senders register days ahead under the same trigger.
pub(super) fn is_arrival(state: &State, visit: &Visit, event: &Event, context: &Context) -> bool {
    match context.policy.arrival {
        ArrivalRule::Always => true,
        ArrivalRule::Never => false,
        ArrivalRule::ByTime => {
            let at = visit.start.unwrap_or(event.occurred_at);
            let appointment = state.appointments.of_visit(visit).and_then(|known| known.start);
            let today = context.calendar.date_of(at) == context.calendar.date_of(event.occurred_at);
            today && appointment.is_none_or(|start| event.occurred_at.plus(NEARBY) >= start)
        }
    }
}
