//! Decide: what a message said, put against what is known, gives everything that follows from it. No I/O.
//!
//! Resources are merged into what is known, referrals move, announcements become deliveries; an event that does not
//! apply becomes a work item for a person. The result is one conclusion for the store to write.

use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use super::desk::{Comparison, Desk, is_stored};
use super::dispatch::Dispatcher;
use super::read::{Readable, Reading};
use super::{identity, merge};
use crate::base::ids::ReferralId;
use crate::base::{Issue, IssueCode, Random, Severity, Timestamp};
use crate::fhir::{Node, Resource};
use crate::record::{
    Audit, Cause, Conclusion, MessageOutcome, Redirect, ResourceKey, Timer, Trail, WorkItem, WorkItemKind,
};
use crate::workflow::{
    self, Clues, Command, Context, Event, Link, NotApplicable, Observation, Policy, Role, State, Step, link,
};

/// What decisions depend on besides the desk.
pub struct Decider {
    pub policy: Arc<Policy>,
    pub dispatcher: Dispatcher,
    pub random: Arc<dyn Random>,
}

/// One decision in the making.
struct Draft<'d> {
    decider: &'d Decider,
    desk: &'d mut Desk,
    conclusion: Conclusion,
    now: Timestamp,
}

/// Decides a batch in its order, each message against what the ones before it left.
pub fn decide(decider: &Decider, desk: &mut Desk, readings: &[Reading], now: Timestamp) -> Vec<Conclusion> {
    readings.iter().map(|reading| decide_message(decider, desk, reading, now)).collect()
}

fn decide_message(decider: &Decider, desk: &mut Desk, reading: &Reading, now: Timestamp) -> Conclusion {
    let outcome = match reading.readable {
        Readable::Mapped if is_fatal(&reading.issues) => MessageOutcome::Parked,
        Readable::Mapped => MessageOutcome::Processed,
        Readable::NoMapping => MessageOutcome::NoMapping,
        Readable::Broken => MessageOutcome::Parked,
    };
    let agent = SmolStr::new(reading.message.feed.as_str());
    let mut draft =
        Draft::new(decider, desk, Cause::Message(reading.message.id), outcome, "message.processed", agent, now);
    draft.conclusion.issues.clone_from(&reading.issues);
    draft.conclusion.release = reading.release.clone();
    draft.conclusion.trail = reading.trail.clone();
    match outcome {
        MessageOutcome::Processed => draft.process(reading),
        MessageOutcome::Parked => draft.ask(WorkItemKind::Parked, None, parked_text(reading)),
        _ => {}
    }
    draft.conclusion
}

/// What follows when a timer of a referral ran out.
pub fn decide_timer(decider: &Decider, desk: &mut Desk, timer: &Timer, event: &Event, now: Timestamp) -> Conclusion {
    let cause = Cause::Timer(timer.clone());
    let mut draft =
        Draft::new(decider, desk, cause, MessageOutcome::Processed, "timer.fired", SmolStr::new_static("timer"), now);
    draft.happen(Some(timer.referral), event);
    draft.conclusion
}

/// What a FHIR request moves besides its own resources, which are on the desk already.
pub struct Moved<'r> {
    /// What its resources say of the workflow, each with a key that tells it from every other event.
    pub observed: Vec<(String, Observation, Option<Role>)>,
    pub redirects: &'r [Redirect],
    pub client: &'r str,
    pub sender: &'r str,
}

/// What follows from a FHIR request besides the resources that it writes.
pub fn decide_request(decider: &Decider, desk: &mut Desk, moved: Moved<'_>, now: Timestamp) -> Conclusion {
    let agent = SmolStr::new(moved.client);
    let mut draft =
        Draft::new(decider, desk, Cause::Request, MessageOutcome::Processed, "request.processed", agent, now);
    for redirect in moved.redirects {
        draft.follow_merge(redirect.clone());
    }
    for (key, observation, role) in moved.observed {
        let link = draft.find(&observation.clues);
        let named = names_a_referral(&observation.clues);
        let (clues, event) = (observation.clues.clone(), observation.into_event(key, moved.sender.to_owned(), role));
        match link {
            Link::Referral(referral) => draft.happen(Some(referral), &event),
            Link::Suggested(_) if named => draft.happen(None, &event),
            Link::Suggested(candidates) if !clues.is_visit => draft.suggest("a FHIR request", &candidates),
            Link::Suggested(_) => {}
        }
    }
    draft.conclusion
}

fn is_fatal(issues: &[Issue]) -> bool {
    issues.iter().any(|issue| issue.severity == Severity::Fatal)
}

fn parked_text(reading: &Reading) -> SmolStr {
    let worst = reading.issues.iter().max_by_key(|issue| issue.severity);
    let reason =
        worst.map_or_else(|| SmolStr::new_static("it could not be processed"), |issue| format_smolstr!("{issue}"));
    format_smolstr!("message {} holds its lane: {reason}", reading.message.id)
}

impl<'d> Draft<'d> {
    fn new(
        decider: &'d Decider,
        desk: &'d mut Desk,
        cause: Cause,
        outcome: MessageOutcome,
        action: &'static str,
        agent: SmolStr,
        now: Timestamp,
    ) -> Self {
        desk.begin(cause.message());
        let conclusion = Conclusion {
            cause,
            outcome,
            issues: Vec::new(),
            release: SmolStr::default(),
            trail: Trail::default(),
            resources: Vec::new(),
            redirects: Vec::new(),
            referrals: Vec::new(),
            deliveries: Vec::new(),
            work_items: Vec::new(),
            audit: Audit { action, agent },
            concluded_at: now,
        };
        Self { decider, desk, conclusion, now }
    }

    fn process(&mut self, reading: &Reading) {
        let (renames, doubts) = identity::resolve(&reading.resources, &self.desk.known);
        let resources = identity::renamed(&reading.resources, &renames);
        if let Some(doubt) = doubts.first() {
            self.ask(WorkItemKind::Identity, None, format_smolstr!("message {}: {doubt}", reading.message.id));
        }
        self.conclusion.issues.extend(doubts);
        let unmapped = reading.trail.unmapped.len();
        if unmapped > 0 {
            let text = format_smolstr!("message {}: {unmapped} codes have no map", reading.message.id);
            self.ask(WorkItemKind::UnmappedCode, None, text);
        }
        let sender = reading.message.sender.as_str();
        let observations = workflow::observe(&resources, reading.message.received_at, &reading.zone);
        self.keep(&resources, reading, sender);
        self.merge_patients(&resources);
        for (place, observation) in observations.into_iter().enumerate() {
            match self.find(&observation.clues) {
                Link::Referral(referral) => self.happen(Some(referral), &event(reading, place, observation)),
                Link::Suggested(_) if names_a_referral(&observation.clues) => {
                    self.happen(None, &event(reading, place, observation));
                }
                Link::Suggested(candidates) if !observation.clues.is_visit => {
                    self.suggest(&format!("message {}", reading.message.id), &candidates);
                }
                Link::Suggested(_) => {}
            }
        }
    }

    /// Stores what the message said of the world; what it said of the workflow is the machine's to store.
    fn keep(&mut self, resources: &[Resource], reading: &Reading, sender: &str) {
        let mut overtaken = 0;
        for (at, said) in resources.iter().enumerate().filter(|(_, resource)| is_stored(resource)) {
            let cleared: Vec<SmolStr> =
                reading.cleared.iter().filter(|(of, _)| *of == at).map(|(_, element)| element.clone()).collect();
            match self.desk.compare(said) {
                Comparison::Unknown(text) => {
                    self.conclusion.resources.extend(self.desk.put_text(said, &text, self.now));
                }
                Comparison::Same if cleared.is_empty() => {}
                // What stands is what is said: only the deletions are news.
                Comparison::Same => self.put(&merge::merge(said, said, &cleared)),
                Comparison::Other(current) if self.desk.is_overtaken(said) => {
                    overtaken += 1;
                    let filled = if self.may_change(said, reading.role, sender) {
                        merge::fill(current, said)
                    } else {
                        merge::fill(current, &identifiers_of(said))
                    };
                    self.put(&filled);
                }
                Comparison::Other(current) => {
                    let merged = if self.may_change(said, reading.role, sender) {
                        merge::merge(current, said, &cleared)
                    } else {
                        merge::merge(current, &identifiers_of(said), &[])
                    };
                    self.put(&merged);
                }
            }
        }
        if overtaken > 0 {
            self.conclusion.issues.push(overtaken_issue(overtaken));
        }
    }

    fn put(&mut self, resource: &Resource) {
        let written = self.desk.put(resource, self.now);
        self.conclusion.resources.extend(written);
    }

    /// Only the party that made a request changes it (COW); the other side may add its own number.
    fn may_change(&self, said: &Resource, role: Option<Role>, sender: &str) -> bool {
        may_change(self.desk, said, role, sender)
    }

    /// Follows the merges that the message asks for.
    fn merge_patients(&mut self, resources: &[Resource]) {
        for redirect in identity::redirects(resources) {
            self.follow_merge(redirect);
        }
    }

    fn follow_merge(&mut self, redirect: Redirect) {
        if self.desk.known.survivor(&redirect.from) == self.desk.known.survivor(&redirect.to) {
            return;
        }
        let moved: Vec<State> =
            self.desk.referrals().filter(|state| state.request.patient == redirect.from.to_string()).cloned().collect();
        for mut state in moved {
            state.request.patient = redirect.to.to_string();
            let mut write = self.desk.put_referral(state);
            write.events.push(("patient-merged".into(), SmolStr::default()));
            self.conclusion.referrals.push(write);
        }
        self.desk.redirect(&redirect);
        self.conclusion.redirects.push(redirect);
    }

    /// The referral that clues lead to, among those that the message names and those of its patient.
    fn find(&self, clues: &Clues) -> Link {
        let named = clues.service_request.as_deref().map(workflow::referral_id);
        let concerned = |state: &&State| {
            named == Some(state.id()) || clues.patient.as_deref() == Some(state.request.patient.as_str())
        };
        let candidates: Vec<&State> = self.desk.referrals().filter(concerned).collect();
        link(clues, &candidates)
    }

    /// An appointment or a report that names no referral, for a patient who has open ones: a person links it.
    fn suggest(&mut self, who: &str, candidates: &[ReferralId]) {
        let Some(first) = candidates.first() else { return };
        let text = format_smolstr!(
            "{who} names no referral, and its patient has {} open: link it by its number, or leave it",
            candidates.len()
        );
        self.ask(WorkItemKind::UnknownReferral, Some(*first), text);
    }

    fn happen(&mut self, referral: Option<ReferralId>, event: &Event) {
        let policy = Arc::clone(&self.decider.policy);
        let state = referral.and_then(|id| self.desk.referral(id)).cloned();
        let known = state.is_some();
        let calendar = policy.calendar(state.as_ref().map_or("", |state| state.placer.as_str()));
        let context = Context { now: self.now, policy: &policy, calendar };
        match workflow::react(state, event, &context) {
            Ok(step) => self.step(step),
            Err(refused) => self.refused(referral, known, &refused),
        }
    }

    /// Never dropped: stored with the message, and a person is asked.
    fn refused(&mut self, referral: Option<ReferralId>, known: bool, refused: &NotApplicable) {
        let kind = if known { WorkItemKind::NotApplicable } else { WorkItemKind::UnknownReferral };
        let text = match &self.conclusion.cause {
            Cause::Message(message) => format_smolstr!("message {message}: {refused}"),
            Cause::Timer(_) => format_smolstr!("{refused}"),
            Cause::Request => format_smolstr!("a FHIR request of {}: {refused}", self.conclusion.audit.agent),
        };
        self.conclusion.issues.push(Issue::warning(IssueCode::NotApplicable, refused.to_string()));
        self.ask(kind, referral, text);
    }

    fn step(&mut self, step: Step) {
        if step.events.is_empty() && step.commands.is_empty() {
            return;
        }
        let state = step.next.clone();
        let referral = state.id();
        self.put_task(&state);
        let mut write = self.desk.put_referral(step.next);
        write.events = step.events;
        for command in step.commands {
            match command {
                Command::StartTimer { .. } | Command::StopTimer { .. } => write.timers.extend(command.timer_change()),
                Command::OpenTask { kind, text } => self.ask(kind, Some(referral), text),
                Command::SetAppointment { id, status } => self.set_appointment(id, status.as_fhir()),
                Command::Announce(announcement) => {
                    let Decider { dispatcher, random, .. } = self.decider;
                    let told = dispatcher.dispatch(self.desk, &state, &announcement, random.as_ref(), self.now);
                    self.conclusion.issues.extend(told.issues);
                    self.conclusion.deliveries.extend(told.deliveries);
                    for text in told.untold {
                        self.ask(WorkItemKind::DeadDelivery, Some(referral), text);
                    }
                }
            }
        }
        self.conclusion.referrals.push(write);
    }

    /// The machine's elements of a Task are as the machine says; what partners added beside them stays.
    fn put_task(&mut self, state: &State) {
        let task = match self.desk.resource(&ResourceKey::new("Task", state.task())) {
            Some(current) => workflow::over(current, state),
            None => workflow::record(state),
        };
        self.put(&task);
    }

    fn set_appointment(&mut self, id: SmolStr, status: &'static str) {
        let Some(mut appointment) = self.desk.resource(&ResourceKey::new("Appointment", id)).cloned() else { return };
        appointment.object_mut().set("status", status);
        self.put(&appointment);
    }

    fn ask(&mut self, kind: WorkItemKind, referral: Option<ReferralId>, text: SmolStr) {
        self.conclusion.work_items.push(WorkItem { kind, referral, text });
    }
}

/// Only the party that made a request changes it (COW).
pub fn may_change(desk: &Desk, said: &Resource, role: Option<Role>, sender: &str) -> bool {
    let referral = said.id().filter(|_| said.kind() == "ServiceRequest").map(workflow::referral_id);
    match referral.and_then(|id| desk.referral(id)) {
        Some(state) => role.map_or(state.placer == sender, |role| role == Role::Placer),
        None => true,
    }
}

fn overtaken_issue(resources: usize) -> Issue {
    let text = format!("later messages changed {resources} of its resources: only what they lack was added");
    Issue::new(Severity::Information, IssueCode::NotApplicable, text)
}

/// A resource that says nothing but its identifiers.
fn identifiers_of(said: &Resource) -> Resource {
    let mut only = Resource::new(said.kind(), said.id().unwrap_or_default());
    if let Some(identifiers) = said.get("identifier") {
        only.object_mut().set("identifier", Node::clone(identifiers));
    }
    only
}

/// What happened to a patient who has no referral is no business of the workflow.
fn names_a_referral(clues: &Clues) -> bool {
    clues.service_request.is_some() || clues.placer_number.is_some()
}

/// The same message seen again gives the same keys.
fn event(reading: &Reading, place: usize, observation: Observation) -> Event {
    observation.into_event(format!("{}/{place}", reading.message.id), reading.message.sender.to_string(), reading.role)
}
