//! `$process-message`: a FHIR message taken as every message is: kept, put in its patient's order, decided, answered
//! (FHIR R4 messaging 2.4, messageheader-operation-process-message).
//!
//! A resend is answered as the first time and has no effect.

use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};
use uuid::Uuid;

use super::parameters::{Input, empty};
use super::{Answered, Handler};
use crate::access::{Interaction as Deed, Permission};
use crate::base::{Digest, Issue, Timestamp};
use crate::engine::fhir_message::{self, Envelope};
use crate::engine::{Intake, Verdict};
use crate::fhir::{Node, Object, Resource};
use crate::profile;
use crate::record::{Disposition, Reception, ReusePolicy};
use crate::rest::answer::{Answer, Content};
use crate::rest::server::Call;
use crate::rest::{Cause, Fault, Level, Server};

/// The name space of the ids of answers: a fixed random UUID (RFC 9562 5.5).
const ANSWERS: Uuid = Uuid::from_u128(0x3f0a_77c2_91d4_4b0e_8a55_6f3e_0c1b_9d27);

pub struct ProcessMessage {
    pub intake: Arc<Intake>,
}

impl Handler for ProcessMessage {
    fn answer<'a>(&'a self, server: &'a Server, _level: &'a Level, call: &'a Call<'a>) -> Answered<'a> {
        Box::pin(async move {
            let input = Input::of(call)?;
            let bundle =
                input.resource("content").ok_or_else(|| Fault::invalid("send the message Bundle as the body"))?;
            crate::rest::body::in_order(&bundle)?;
            let envelope = fhir_message::envelope(&bundle, call.caller.name())
                .map_err(|issue| Fault::of_issues(Cause::Unprocessable, vec![issue]))?;
            may_send(&bundle, call)?;
            if call.caller.organization().is_some() {
                let text =
                    "messages come from clients that are not bound to an organisation: write the resources instead";
                return Err(Fault::new(Cause::Forbidden, text));
            }
            let is_async = input.flag("async");
            let verdict = self.intake.admit(reception(&bundle, &envelope, call), !is_async).await;
            if is_async && matches!(verdict, Verdict::Accepted { .. }) {
                return Ok(Answer::of(202, Content::Nothing));
            }
            let told = Told::of(verdict)?;
            Ok(Answer::made(&reply(&server.setup.base_url, &envelope, &told)))
        })
    }
}

/// Whoever sends a message makes and changes what it is about: that is asked of its scopes, without restrictions.
fn may_send(bundle: &Resource, call: &Call<'_>) -> Result<(), Fault> {
    let entries = bundle.get("entry").into_iter().flat_map(Node::items);
    let mut kinds = entries.filter_map(|entry| entry.text(&["resource", "resourceType"]));
    let is_open = |kind: &str| {
        [Deed::Create, Deed::Update].iter().all(|deed| call.caller.permits(kind, *deed) == Permission::All)
    };
    if kinds.all(is_open) { Ok(()) } else { Err(crate::rest::guard::forbidden()) }
}

fn reception(bundle: &Resource, envelope: &Envelope, call: &Call<'_>) -> Reception {
    let bytes = bundle.to_json();
    Reception {
        feed: call.caller.name().clone(),
        sender: SmolStr::new(call.caller.name().as_str()),
        control_id: envelope.id.clone(),
        message_type: envelope.message_type.clone(),
        content_digest: Digest::of(&bytes),
        bytes: bytes.into(),
        charset_declared: SmolStr::new_static("UTF-8"),
        charset_detected: SmolStr::new_static("UTF-8"),
        received_at: call.now,
        reuse_policy: ReusePolicy::Flag,
        disposition: Disposition::Accepted(envelope.lanes.clone()),
    }
}

/// What the sender is told: `MessageHeader.response.code`, when the first of its sendings came, and why it failed.
struct Told {
    code: &'static str,
    at: Timestamp,
    issues: Vec<Issue>,
}

impl Told {
    /// Nothing was kept: then there is no message to answer, and the sender tries again.
    fn of(verdict: Verdict) -> Result<Self, Fault> {
        match verdict {
            Verdict::Accepted { first_at, .. } => Ok(Self { code: "ok", at: first_at, issues: Vec::new() }),
            Verdict::Undecided { first_at, .. } => {
                Ok(Self { code: "transient-error", at: first_at, issues: Vec::new() })
            }
            Verdict::Failed { first_at, issues, .. } => Ok(Self { code: "fatal-error", at: first_at, issues }),
            Verdict::Unavailable => {
                Err(Fault::new(Cause::Unavailable, "the message could not be kept: send it again later"))
            }
        }
    }
}

/// The answer: the same for every resend that comes to the same.
fn reply(base: &str, envelope: &Envelope, told: &Told) -> Resource {
    let id = Uuid::new_v5(&ANSWERS, format!("{}\0{}", envelope.id, told.code).as_bytes());
    let mut header = Resource::new("MessageHeader", &id.to_string());
    let code = envelope.message_type.split_once('^').map_or("", |(_, event)| event);
    if code.contains(':') {
        header.object_mut().set("eventUri", code);
    } else {
        let coding: [(&str, Node); 2] = [("system", EVENTS.into()), ("code", code.into())];
        header.object_mut().set("eventCoding", coding.into_iter().collect::<Object>());
    }
    if !envelope.source.is_empty() {
        let destination: [(&str, Node); 1] = [("endpoint", envelope.source.clone().into())];
        header.object_mut().set("destination", vec![Node::Object(destination.into_iter().collect())]);
    }
    let source: [(&str, Node); 2] =
        [("name", "Loopgate".into()), ("endpoint", format!("{base}/$process-message").into())];
    header.object_mut().set("source", source.into_iter().collect::<Object>());
    let mut response: Object =
        [("identifier", Node::from(envelope.id.clone())), ("code", told.code.into())].into_iter().collect();
    let mut entries = Vec::new();
    if !told.issues.is_empty() {
        let outcome = Uuid::new_v5(&ANSWERS, id.as_bytes());
        let reference: [(&str, Node); 1] = [("reference", format_smolstr!("urn:uuid:{outcome}").into())];
        response.set("details", reference.into_iter().collect::<Object>());
        let mut issues = profile::operation_outcome(&told.issues);
        issues.set_id(outcome.to_string());
        entries.push((outcome, issues));
    }
    header.object_mut().set("response", response);
    entries.insert(0, (id, header));
    bundle(id, told.at, entries)
}

/// The code system of HL7 v2 events (table 0003).
const EVENTS: &str = "http://terminology.hl7.org/CodeSystem/v2-0003";

fn bundle(id: Uuid, at: Timestamp, entries: Vec<(Uuid, Resource)>) -> Resource {
    let mut bundle = empty("Bundle");
    bundle.set_id(id.to_string());
    bundle.object_mut().set("type", "message");
    bundle.object_mut().set("timestamp", at.to_string());
    let entry = |(id, resource): (Uuid, Resource)| {
        let members: [(&str, Node); 2] =
            [("fullUrl", format!("urn:uuid:{id}").into()), ("resource", resource.into_node())];
        Node::Object(members.into_iter().collect())
    };
    bundle.object_mut().set("entry", entries.into_iter().map(entry).collect::<Vec<_>>());
    bundle
}
