//! The FHIR record of a referral: its Task, which is the truth of fulfilment. The ServiceRequest is the referrer's and
//! is never written here.

use super::announce::stage;
use super::event::Reason;
use super::fulfilment::{Ending, Fulfilment, Phase};
use super::state::State;
use crate::fhir::{Node, Object, Resource};

/// The code system of BSeR for `Task.businessStatus` (BSeR IG, R4).
const BUSINESS_STATUS_OF_BSER: &str = "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS";

/// The finer states of our own.
pub(super) const BUSINESS_STATUS_OF_OURS: &str = "urn:loopgate:referral-state";

/// What the input is called that names the running timer.
const TIMER: &str = "timer";

/// What an output is called that names a report.
const OUTPUT: &str = "report";

/// The system of the pipeline column, carried as a tag.
const STAGE: &str = "urn:loopgate:stage";

/// The Task of a referral (STANDARDS 1.8.2): the same state always gives the same resource.
pub fn record(state: &State) -> Resource {
    let mut task = Resource::new("Task", &state.task());
    let object = task.object_mut();
    let request = &state.request;
    let service_request = format!("ServiceRequest/{}", request.service_request);
    object.set("meta", object_of([("tag", vec![coding(STAGE, stage(state))].into())]));
    object.set("basedOn", vec![reference(&service_request)]);
    object.set("status", task_status(state));
    if let Some(reason) = status_reason(state) {
        object.set("statusReason", reason);
    }
    object.set("businessStatus", business_status(state));
    object.set("intent", "order");
    object.set("priority", priority(state));
    object.set("code", concept("http://hl7.org/fhir/CodeSystem/task-code", "fulfill"));
    object.set("focus", reference(&service_request));
    object.set("for", reference(&request.patient));
    object.set("authoredOn", instant(state.opened_at));
    object.set("lastModified", instant(state.changed_at));
    if let Some(running) = state.clocks.hook {
        object.set("restriction", object_of([("period", object_of([("end", instant(running.due_at))]))]));
        object.set("input", vec![input(TIMER, running.kind.as_str())]);
    }
    if !state.outputs.is_empty() {
        object.set("output", state.outputs.iter().map(|id| output(id)).collect::<Vec<_>>());
    }
    task
}

/// Elements of the Task that are the machine's to say, present or absent. Of `input`, `output` and `meta` it has some
/// entries, beside those of partners.
const OF_THE_MACHINE: [&str; 3] = ["status", "statusReason", "businessStatus"];

/// Elements of a Task of ours as well; in one that a partner brought they are the partner's, and said where missing.
const OF_THE_MAKER: [&str; 8] = ["basedOn", "intent", "priority", "code", "focus", "for", "authoredOn", "restriction"];

/// The record of a referral put over its Task as it stands: what others wrote (notes, owner, inputs) stays.
pub fn over(current: &Resource, state: &State) -> Resource {
    let record = &record(state);
    let mut task = current.clone();
    for element in OF_THE_MACHINE.into_iter().filter(|element| *element != "status" || !is_awaited(current, record)) {
        put(&mut task, element, record.get(element));
    }
    let is_brought = state.request.task.is_some();
    for element in OF_THE_MAKER.into_iter().filter(|element| !is_brought || current.get(element).is_none()) {
        put(&mut task, element, record.get(element));
    }
    put(&mut task, "lastModified", record.get("lastModified"));
    task.object_mut().set("meta", stage_over(current, record));
    beside(&mut task, record, "input", |input| input.text(&["type", "text"]) == Some(TIMER));
    let reports: Vec<&str> = entries(record, "output").filter_map(|output| output.text(REPORT)).collect();
    beside(&mut task, record, "output", |output| {
        output.text(&["type", "text"]) == Some(OUTPUT) || output.text(REPORT).is_some_and(|id| reports.contains(&id))
    });
    task
}

fn put(task: &mut Resource, element: &str, node: Option<&Node>) {
    match node {
        Some(node) => task.object_mut().set(element, node.clone()),
        None => drop(task.object_mut().remove(element)),
    }
}

/// A Task that was asked for stays `requested` until its owner takes it: that we have it is no word of the owner.
fn is_awaited(current: &Resource, record: &Resource) -> bool {
    current.text(&["status"]) == Some("requested") && record.text(&["status"]) == Some("received")
}

/// Where an output names its document.
const REPORT: &[&str] = &["valueReference", "reference"];

fn entries<'r>(resource: &'r Resource, element: &str) -> impl Iterator<Item = &'r Node> + use<'r> {
    resource.get(element).into_iter().flat_map(Node::items)
}

/// Puts the record's entries of a list behind those of others.
fn beside(task: &mut Resource, record: &Resource, element: &str, is_ours: impl Fn(&Node) -> bool) {
    let theirs = entries(task, element).filter(|entry| !is_ours(entry)).cloned();
    let all: Vec<Node> = theirs.chain(entries(record, element).cloned()).collect();
    if all.is_empty() {
        task.object_mut().remove(element);
    } else {
        task.object_mut().set(element, all);
    }
}

/// The `meta` of the Task as it stands, with the stage of the record.
fn stage_over(current: &Resource, record: &Resource) -> Object {
    let mut meta = match current.get("meta") {
        Some(Node::Object(meta)) => meta.clone(),
        _ => Object::new(),
    };
    let is_stage = |tag: &&Node| tag.text(&["system"]) == Some(STAGE);
    let theirs = meta.get("tag").into_iter().flat_map(Node::items).filter(|tag| !is_stage(tag)).cloned();
    let ours = record.get("meta").and_then(|meta| meta.get("tag")).into_iter().flat_map(Node::items).cloned();
    let tags: Vec<Node> = theirs.chain(ours).collect();
    meta.set("tag", tags);
    meta
}

/// `Task.status`. Once work has begun it does not go back before `in-progress`, and a decline is `failed` (COW).
pub fn task_status(state: &State) -> &'static str {
    match state.fulfilment {
        Fulfilment::OnHold(_) => "on-hold",
        Fulfilment::Outcome | Fulfilment::Ended(Ending::Closed) => "completed",
        Fulfilment::Ended(Ending::Declined) if !state.begun => "rejected",
        Fulfilment::Ended(Ending::Declined | Ending::Failed) => "failed",
        Fulfilment::Ended(Ending::Cancelled | Ending::Expired) => "cancelled",
        Fulfilment::Ended(Ending::Error) => "entered-in-error",
        Fulfilment::Open(_) if state.begun => "in-progress",
        Fulfilment::Open(Phase::Received | Phase::AwaitingInformation) => "received",
        Fulfilment::Open(_) => "accepted",
    }
}

/// The BSeR code of `Task.businessStatus`; none for what never should have been.
const fn bser_code(state: &State) -> Option<&'static str> {
    Some(match state.fulfilment {
        Fulfilment::Open(phase) | Fulfilment::OnHold(phase) => match phase {
            Phase::Received | Phase::AwaitingInformation => "2.0",
            Phase::Accepted | Phase::Scheduling => "3.0",
            Phase::Scheduled | Phase::Arrived | Phase::InVisit => "5.1.1",
            Phase::NoShow => "5.1.2",
            Phase::AppointmentCancelled => "5.1.3",
            Phase::VisitDone | Phase::Interim => "5.1.4",
        },
        Fulfilment::Outcome | Fulfilment::Ended(Ending::Closed) => "7.0",
        Fulfilment::Ended(Ending::Declined) => "4.0",
        Fulfilment::Ended(Ending::Cancelled | Ending::Failed | Ending::Expired) => "6.0",
        Fulfilment::Ended(Ending::Error) => return None,
    })
}

/// Our finer code (STANDARDS 1.8.2).
const fn own_code(state: &State) -> &'static str {
    match state.fulfilment {
        Fulfilment::OnHold(_) => "on-hold",
        Fulfilment::Outcome => "outcome-sent",
        Fulfilment::Ended(Ending::Closed) => "closed-loop",
        Fulfilment::Ended(Ending::Error) => "entered-in-error",
        Fulfilment::Ended(how) => how.as_str(),
        Fulfilment::Open(phase) => match phase {
            Phase::AwaitingInformation => "awaiting-information",
            Phase::VisitDone => "visit-completed",
            Phase::Interim => "interim-report",
            Phase::AppointmentCancelled => "appointment-cancelled",
            phase => phase.as_str(),
        },
    }
}

fn business_status(state: &State) -> Node {
    let bser = bser_code(state).map(|code| coding(BUSINESS_STATUS_OF_BSER, code));
    let codings: Vec<_> = bser.into_iter().chain([coding(BUSINESS_STATUS_OF_OURS, own_code(state))]).collect();
    object_of([("coding", codings.into())])
}

/// The reason it ended; for a completed Task without a document, why there is none.
fn status_reason(state: &State) -> Option<Node> {
    if task_status(state) == "completed" {
        let text = "Completed by status: no report was received";
        return state.outputs.is_empty().then(|| object_of([("text", text.into())]));
    }
    if state.fulfilment == Fulfilment::Ended(Ending::Expired) {
        return Some(concept("urn:loopgate:reason", "expired"));
    }
    let Reason { code, text } = state.reason.as_ref()?;
    let mut reason = Object::new();
    if !code.is_empty() {
        reason.set("coding", vec![coding("urn:loopgate:reason", code)]);
    }
    if !text.is_empty() {
        reason.set("text", text.as_str());
    }
    (!reason.is_empty()).then_some(Node::Object(reason))
}

const fn priority(state: &State) -> &'static str {
    match state.request.priority {
        super::Priority::Routine => "routine",
        super::Priority::Urgent => "urgent",
        super::Priority::Stat => "stat",
    }
}

fn output(id: &str) -> Node {
    object_of([("type", object_of([("text", OUTPUT.into())])), ("valueReference", reference(id))])
}

fn input(kind: &str, value: &str) -> Node {
    object_of([("type", object_of([("text", kind.into())])), ("valueString", value.into())])
}

fn instant(at: crate::base::Timestamp) -> Node {
    Node::from(at.to_string())
}

fn reference(text: &str) -> Node {
    object_of([("reference", text.into())])
}

fn concept(system: &str, code: &str) -> Node {
    object_of([("coding", vec![coding(system, code)].into())])
}

fn coding(system: &str, code: &str) -> Node {
    object_of([("system", system.into()), ("code", code.into())])
}

fn object_of<const N: usize>(members: [(&str, Node); N]) -> Node {
    Node::Object(members.into_iter().collect())
}
