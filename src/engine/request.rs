//! Requests of the FHIR door: changes to resources become one journalled transaction with everything that follows.
//!
//! A request does not wait in a lane: it says which versions it replaces, and its sender is told when they are not the
//! current ones any more. What its resources say of the workflow moves the same machines as a message does: only what
//! a change *changes* is an event, so that a client that reads, edits a note and writes back moves nothing.
//!
//! Promise: when `submit` answers `Done`, all of it is durable (P1, P6); otherwise nothing of it is.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::tz::TimeZone;
use smol_str::SmolStr;
use tokio::sync::Notify;

use super::content::Text;
use super::decide::{Decider, Moved, decide_request, may_change};
use super::desk::{Desk, key_of};
use super::identity;
use crate::base::ids::{FeedName, MessageId};
use crate::base::{Clock, Digest, Issue, IssueCode, Timestamp, limits};
use crate::fhir::Resource;
use crate::profile::{Policy, Validator, Verdict};
use crate::record::{
    Audit, Cause, Committed, Conclusion, Disposition, Guard, Lane, Lanes, MessageOutcome, Reception, Redirect, Request,
    ResourceKey, ResourceText, ResourceVersion, ResourceWrite, ReusePolicy, Trail,
};
use crate::search;
use crate::store::{Store, StoreError};
use crate::telemetry::names::{Label, Metric, count};
use crate::workflow::{self, Observation, Role, What};

/// What a change replaces: the version that the client's wish was judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub version: u32,
    digest: Digest,
    deleted: bool,
}

impl Standing {
    pub const fn of(version: &ResourceVersion) -> Self {
        Self { version: version.version, digest: version.digest, deleted: version.deleted }
    }
}

/// One change. The resource has its logical id.
#[derive(Clone)]
pub enum Change {
    /// `over`: nothing when it is new.
    Put {
        resource: Resource,
        over: Option<Standing>,
    },
    Delete {
        key: ResourceKey,
        over: Standing,
    },
}

/// A request as the REST layer understood it.
pub struct Submission {
    /// The name of the client, which is its feed in the journal.
    pub client: FeedName,
    /// Who the client is to the workflow, as `application|facility` is for HL7 v2.
    pub sender: SmolStr,
    /// Method and type: `POST Patient`. No id, no criteria.
    pub label: SmolStr,
    /// What the client calls the request, if it does: looked up by people, and not by us.
    pub control_id: SmolStr,
    pub body: Bytes,
    pub received_at: Timestamp,
    pub changes: Vec<Change>,
    pub redirects: Vec<Redirect>,
    pub guards: Vec<Guard>,
}

/// What stands after a change.
#[derive(Clone)]
pub struct Written {
    pub key: ResourceKey,
    pub version: u32,
    pub updated_at: Timestamp,
    /// Empty when it was deleted, and when nothing was written.
    pub content: Bytes,
    pub deleted: bool,
    /// It says what stood already: no version was made, and what stood is at `version`.
    pub unchanged: bool,
}

/// What became of a request.
pub enum Submitted {
    /// One answer for each change, in their order. No message when nothing changed.
    Done { message: Option<MessageId>, written: Vec<Written> },
    /// A resource has moved on.
    Conflict,
    /// This guard no longer holds.
    GuardFailed(usize),
    /// It may not be: the profile policy or the rules of the workflow are against it.
    Refused(Vec<Issue>),
}

/// How the writes of one client are taken.
#[derive(Clone, Copy, Debug)]
pub struct ClientPolicy {
    /// The part it plays in a referral, when the configuration says so.
    pub role: Option<Role>,
    pub validation: Policy,
}

impl Default for ClientPolicy {
    fn default() -> Self {
        Self { role: None, validation: Policy::Off }
    }
}

/// Takes the requests of the FHIR door.
pub struct Requests {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    decider: Arc<Decider>,
    validator: Validator,
    clients: HashMap<FeedName, ClientPolicy>,
    wake_deliver: Arc<Notify>,
}

impl Requests {
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        decider: Arc<Decider>,
        clients: HashMap<FeedName, ClientPolicy>,
        wake_deliver: Arc<Notify>,
    ) -> Self {
        Self { store, clock, decider, validator: Validator::builtin(), clients, wake_deliver }
    }

    /// Makes the changes, or none of them.
    pub async fn submit(&self, submission: Submission) -> Result<Submitted, StoreError> {
        let policy = self.clients.get(&submission.client).copied().unwrap_or_default();
        let issues = match self.judge(policy.validation, &submission.changes) {
            Ok(issues) => issues,
            Err(refusal) => return Ok(Submitted::Refused(refusal)),
        };
        for _ in 0..limits::CONFLICTS_MAX {
            if let Some(submitted) = self.attempt(&submission, policy.role, &issues).await? {
                return Ok(submitted);
            }
        }
        Ok(Submitted::Conflict)
    }

    /// Decides and writes once; nothing when a referral was moved by others meanwhile.
    async fn attempt(
        &self,
        submission: &Submission,
        role: Option<Role>,
        issues: &[Issue],
    ) -> Result<Option<Submitted>, StoreError> {
        let now = self.clock.now();
        let drafts: Vec<Draft> = submission.changes.iter().map(|change| Draft::of(change, now)).collect();
        let redirects = redirects(submission);
        if drafts.iter().all(|draft| draft.write.is_none()) && redirects.is_empty() {
            return Ok(Some(done(None, drafts, now)));
        }
        let moves = !redirects.is_empty() || submission.changes.iter().any(may_move);
        let decided = if moves {
            self.decide(submission, &drafts, &redirects, role, now).await?
        } else {
            Decided::Conclusion(Box::new(plain(&submission.client, now)))
        };
        let mut conclusion = match decided {
            Decided::Conclusion(conclusion) => *conclusion,
            Decided::Conflict => return Ok(Some(Submitted::Conflict)),
            Decided::Refused(issue) => return Ok(Some(Submitted::Refused(vec![issue]))),
        };
        conclusion.issues.extend(issues.iter().cloned());
        let followed = conclusion.resources;
        conclusion.resources =
            drafts.iter().filter_map(|draft| draft.write.clone()).chain(followed.iter().cloned()).collect();
        let committed = self.commit(submission, conclusion).await?;
        Ok(match committed {
            Committed::Done(message) => Some(done(Some(message), followed_by(drafts, &followed), now)),
            Committed::GuardFailed(guard) => Some(Submitted::GuardFailed(guard)),
            Committed::Conflict => (!moves).then_some(Submitted::Conflict),
        })
    }

    async fn commit(&self, submission: &Submission, conclusion: Conclusion) -> Result<Committed, StoreError> {
        let delivers = !conclusion.deliveries.is_empty();
        let events: Vec<SmolStr> =
            conclusion.referrals.iter().flat_map(|write| &write.events).map(|(event, _)| event.clone()).collect();
        let request = Request { reception: reception(submission), conclusion, guards: submission.guards.clone() };
        let committed = self.store.commit(request).await?;
        if matches!(committed, Committed::Done(_)) {
            events.iter().for_each(|event| count(Metric::WorkflowEvents, &[(Label::Event, event.as_str())]));
            if delivers {
                self.wake_deliver.notify_waiters();
            }
        }
        Ok(committed)
    }

    /// What validation finds; `Err` when the client's policy refuses it.
    fn judge(&self, policy: Policy, changes: &[Change]) -> Result<Vec<Issue>, Vec<Issue>> {
        if policy == Policy::Off {
            return Ok(Vec::new());
        }
        let put = changes.iter().filter_map(Change::resource);
        let found: Vec<Issue> = put.flat_map(|resource| self.validator.validate(resource)).collect();
        if policy.verdict(&found) == Verdict::Park { Err(found) } else { Ok(found) }
    }

    /// What follows for the referrals. A conflict is the client's when a resource of its own has moved on.
    async fn decide(
        &self,
        submission: &Submission,
        drafts: &[Draft],
        redirects: &[Redirect],
        role: Option<Role>,
        now: Timestamp,
    ) -> Result<Decided, StoreError> {
        let concerned = submission.changes.iter().filter(|change| may_move(change));
        let mut resources: Vec<&Resource> = concerned.filter_map(Change::resource).collect();
        let merged: Vec<Resource> = redirects.iter().map(|one| named(&one.from)).collect();
        resources.extend(&merged);
        let mut desk = Desk::load_request(self.store.as_ref(), &resources).await?;
        let mut observed = Vec::new();
        for (change, draft) in submission.changes.iter().zip(drafts).filter(|(change, _)| may_move(change)) {
            let (Some(write), Some(resource)) = (&draft.write, change.resource()) else { continue };
            if draft.is_overtaken(&desk) {
                return Ok(Decided::Conflict);
            }
            if !may_change(&desk, resource, role, &submission.sender) {
                return Ok(Decided::Refused(not_the_placer()));
            }
            let before = desk.resource(&write.key).cloned();
            let news = news(before.as_ref(), resource, submission);
            let part = role.or_else(|| part_of(resource));
            observed.extend(news.map(|one| (format!("{}/_history/{}", write.key, write.follows + 1), one, part)));
            desk.hold(write);
        }
        let moved = Moved { observed, redirects, client: submission.client.as_str(), sender: &submission.sender };
        Ok(Decided::Conclusion(Box::new(decide_request(&self.decider, &mut desk, moved, now))))
    }
}

impl Change {
    const fn resource(&self) -> Option<&Resource> {
        match self {
            Self::Put { resource, .. } => Some(resource),
            Self::Delete { .. } => None,
        }
    }
}

enum Decided {
    Conclusion(Box<Conclusion>),
    Conflict,
    Refused(Issue),
}

/// A change with the write that makes it, or none when it changes nothing.
struct Draft {
    key: ResourceKey,
    standing: Option<Standing>,
    write: Option<ResourceWrite>,
}

impl Draft {
    fn of(change: &Change, now: Timestamp) -> Self {
        match change {
            Change::Delete { key, over } => Self {
                key: key.clone(),
                standing: Some(*over),
                write: (!over.deleted).then(|| deletion(key.clone(), over.version)),
            },
            Change::Put { resource, over } => Self::put(resource, *over, now),
        }
    }

    fn put(resource: &Resource, over: Option<Standing>, now: Timestamp) -> Self {
        let key = key_of(resource).unwrap_or_else(|| ResourceKey::new(resource.kind(), ""));
        let text = Text::of(resource);
        let digest = text.digest();
        let unchanged = over.is_some_and(|over| !over.deleted && over.digest == digest);
        let follows = over.map_or(0, |over| over.version);
        let write = (!unchanged).then(|| ResourceWrite {
            key: key.clone(),
            follows,
            content: text.with_meta(follows + 1, now).into(),
            digest,
            message: None,
            index: search::index(resource, now),
            text: search::text(resource),
            deleted: false,
        });
        Self { key, standing: over, write }
    }

    fn is_overtaken(&self, desk: &Desk) -> bool {
        let version = desk.standing(&self.key).map_or(0, |(version, _)| version);
        version != self.standing.map_or(0, |standing| standing.version)
    }
}

fn deletion(key: ResourceKey, follows: u32) -> ResourceWrite {
    ResourceWrite {
        key,
        follows,
        content: Bytes::new(),
        digest: Digest::of(&[]),
        message: None,
        index: Vec::new(),
        text: ResourceText::default(),
        deleted: true,
    }
}

/// What the machine wrote after a change is what its client gets to see.
fn followed_by(mut drafts: Vec<Draft>, followed: &[ResourceWrite]) -> Vec<Draft> {
    for draft in &mut drafts {
        if let Some(last) = followed.iter().rfind(|write| write.key == draft.key) {
            draft.write = Some(last.clone());
        }
    }
    drafts
}

fn done(message: Option<MessageId>, drafts: Vec<Draft>, now: Timestamp) -> Submitted {
    let written = drafts.into_iter().map(|draft| match draft.write {
        Some(write) => Written {
            key: write.key,
            version: write.follows + 1,
            updated_at: now,
            content: write.content,
            deleted: write.deleted,
            unchanged: false,
        },
        None => Written {
            key: draft.key,
            version: draft.standing.map_or(0, |standing| standing.version),
            updated_at: now,
            content: Bytes::new(),
            deleted: draft.standing.is_some_and(|standing| standing.deleted),
            unchanged: true,
        },
    });
    Submitted::Done { message, written: written.collect() }
}

/// The merges that it asks for, and those that its Patients tell of by their links.
fn redirects(submission: &Submission) -> Vec<Redirect> {
    let linked = submission.changes.iter().filter_map(Change::resource).filter(|one| one.kind() == "Patient");
    let told = linked.flat_map(|patient| identity::redirects(std::slice::from_ref(patient)));
    let mut redirects = submission.redirects.clone();
    redirects.extend(told);
    redirects.dedup();
    redirects
}

/// Whether a change can concern the workflow; all others need not look at it.
fn may_move(change: &Change) -> bool {
    change.resource().is_some_and(|resource| workflow::is_observed(resource.kind()))
}

/// What a resource says now that it did not say before. A Task that comes with its request is told with the request.
fn news(before: Option<&Resource>, after: &Resource, submission: &Submission) -> Option<Observation> {
    let observe = |resources: &[Resource]| workflow::observe(resources, submission.received_at, &TimeZone::UTC);
    let said = if after.kind() == "ServiceRequest" && before.is_none() {
        let tasks = submission.changes.iter().filter_map(Change::resource).filter(|one| one.kind() == "Task");
        let together: Vec<Resource> = std::iter::once(after).chain(tasks).cloned().collect();
        workflow::requested(&together, submission.received_at)?
    } else {
        observe(std::slice::from_ref(after)).pop()?
    };
    match (before.and_then(|before| observe(std::slice::from_ref(before)).pop()).map(|one| one.what), &said.what) {
        (Some(What::Happened(old)), What::Happened(new)) if old == *new => None,
        _ => Some(said),
    }
}

/// Whose word a Task is when the configuration does not say who its client is: what becomes of the work is told by who
/// does it, even where one client writes for both sides.
fn part_of(resource: &Resource) -> Option<Role> {
    let is_work = resource.kind() == "Task" && resource.text(&["code", "coding", "code"]) != Some("abort");
    let told = resource.text(&["status"]).filter(|_| is_work)?;
    matches!(told, "received" | "accepted" | "rejected" | "in-progress" | "completed" | "failed")
        .then_some(Role::Filler)
}

fn named(key: &ResourceKey) -> Resource {
    Resource::new(&key.kind, &key.id)
}

fn plain(client: &FeedName, now: Timestamp) -> Conclusion {
    Conclusion {
        cause: Cause::Request,
        outcome: MessageOutcome::Processed,
        issues: Vec::new(),
        release: SmolStr::default(),
        trail: Trail::default(),
        resources: Vec::new(),
        redirects: Vec::new(),
        referrals: Vec::new(),
        deliveries: Vec::new(),
        work_items: Vec::new(),
        audit: Audit { action: "request.processed", agent: SmolStr::new(client.as_str()) },
        concluded_at: now,
    }
}

fn reception(submission: &Submission) -> Reception {
    Reception {
        feed: submission.client.clone(),
        sender: submission.sender.clone(),
        control_id: submission.control_id.clone(),
        message_type: submission.label.clone(),
        content_digest: Digest::of(&submission.body),
        bytes: submission.body.clone(),
        charset_declared: SmolStr::new_static("UTF-8"),
        charset_detected: SmolStr::new_static("UTF-8"),
        received_at: submission.received_at,
        reuse_policy: ReusePolicy::Flag,
        // A request stands in no lane; the journal does not look at this.
        disposition: Disposition::Accepted(Lanes::new(Lane(0), [])),
    }
}

fn not_the_placer() -> Issue {
    Issue::error(
        IssueCode::NotApplicable,
        "only the party that made this request may change it: write to the Task of the referral instead",
    )
}
