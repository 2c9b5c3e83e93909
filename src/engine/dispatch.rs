//! Dispatch: an announcement becomes the deliveries owed to those who are told, their bytes frozen.
//!
//! `routing` says who and in which form; the mapping release renders HL7 v2; the webhook body carries no patient data.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::{SmolStr, ToSmolStr as _, format_smolstr};

use super::desk::Desk;
use super::read::Reader;
use crate::base::ids::DeliveryId;
use crate::base::{Issue, Random, Timestamp, limits};
use crate::fhir::{Node, Object, Resource};
use crate::hl7v2::Charset;
use crate::mapping::Sources;
use crate::record::{Announcement, NewDelivery, Payload, ResourceKey};
use crate::routing::{self, Destination, Form, ReferralSummary};
use crate::workflow::State;

const HL7_V2: &str = "application/hl7-v2+er7";
const JSON: &str = "application/json";

/// How we name ourselves to partners: MSH-3 and MSH-4.
#[derive(Clone, Debug)]
pub struct Ourselves {
    pub application: String,
    pub facility: String,
}

/// Who is told, and how it is written.
pub struct Dispatcher {
    pub table: routing::Table,
    pub reader: Arc<Reader>,
    pub ourselves: Ourselves,
}

/// The deliveries of one announcement, and what was wrong with their making.
#[derive(Default)]
pub struct Dispatched {
    pub deliveries: Vec<NewDelivery>,
    pub issues: Vec<Issue>,
    /// What could not be written, for a person.
    pub untold: Vec<SmolStr>,
}

/// One announcement with all that its messages may show.
struct Told<'d> {
    desk: &'d Desk,
    state: &'d State,
    announcement: &'d Announcement,
    now: Timestamp,
}

impl Dispatcher {
    /// Decides who hears of it, and freezes what they hear.
    pub fn dispatch(
        &self,
        desk: &Desk,
        state: &State,
        announcement: &Announcement,
        random: &dyn Random,
        now: Timestamp,
    ) -> Dispatched {
        let summary = summary(state);
        let told = Told { desk, state, announcement, now };
        let mut dispatched = Dispatched::default();
        for Destination { endpoint, form } in routing::destinations(&self.table, &summary, announcement) {
            let id = DeliveryId(random.uuid(now));
            let payload = match &form {
                Form::Webhook => Some(webhook(&summary, announcement, now)),
                other => self.message(other, id, &told, &mut dispatched.issues),
            };
            let Some(payload) = payload else {
                let event = announcement.kind.as_str();
                dispatched.untold.push(format_smolstr!(
                    "{endpoint} was not told `{event}`: the mapping release has no outgoing map for it; add it under `render`"
                ));
                continue;
            };
            dispatched.deliveries.push(NewDelivery {
                id,
                endpoint,
                subject: state.id().to_smolstr(),
                sequence: announcement.sequence,
                event: announcement.kind.event_name(),
                payload,
                due_at: now,
            });
        }
        dispatched
    }

    fn message(&self, form: &Form, id: DeliveryId, told: &Told<'_>, issues: &mut Vec<Issue>) -> Option<Payload> {
        let (template, form_facts) = form_facts(form);
        let mut facts = told.facts();
        facts.extend(form_facts.into_iter().map(|(name, value)| (SmolStr::new_static(name), value.to_string())));
        let (application, facility) = told.state.placer.split_once('|').unwrap_or((told.state.placer.as_str(), ""));
        let envelope = [
            ("control_id", id.control_id()),
            ("sending_application", self.ourselves.application.clone()),
            ("sending_facility", self.ourselves.facility.clone()),
            ("receiving_application", application.to_owned()),
            ("receiving_facility", facility.to_owned()),
            ("processing_id", "P".to_owned()),
        ];
        facts.extend(envelope.into_iter().map(|(name, value)| (SmolStr::new_static(name), value)));
        let resources = told.resources();
        let sources = Sources { resources: &resources, facts: &facts };
        let rendered = self.reader.releases().base().render(template, &sources, Charset::Utf8)?;
        issues.extend(rendered.issues);
        Some(Payload { content_type: SmolStr::new_static(HL7_V2), bytes: rendered.bytes.into() })
    }
}

/// The outgoing map of a form, and what it must be told beside the resources.
fn form_facts(form: &Form) -> (&'static str, Vec<(&'static str, SmolStr)>) {
    match form {
        Form::OrderStatus(status) => {
            ("OSU_O51", vec![("order_control", status.control.clone()), ("order_status", status.status.clone())])
        }
        Form::Appointment { trigger } => ("SIU_S12", vec![("trigger", SmolStr::new_static(trigger))]),
        Form::Result { status } => {
            ("ORU_R01", vec![("order_status", SmolStr::new_static(if *status == "F" { "CM" } else { "A" }))])
        }
        Form::Webhook => ("", Vec::new()),
    }
}

fn webhook(summary: &ReferralSummary, announcement: &Announcement, now: Timestamp) -> Payload {
    let mut body = Vec::with_capacity(512);
    routing::webhook_body(summary, announcement, now).write(&mut body);
    Payload { content_type: SmolStr::new_static(JSON), bytes: body.into() }
}

fn summary(state: &State) -> ReferralSummary {
    ReferralSummary {
        id: state.id(),
        sender: state.placer.as_str().into(),
        placer_number: state.request.placer_number.as_str().into(),
        placer_system: state.request.placer_system.as_str().into(),
    }
}

impl<'d> Told<'d> {
    /// What the message may show: the request and who made it, the patient, the appointment and the report concerned,
    /// and what these refer to.
    fn resources(&self) -> Vec<&'d Resource> {
        let announcement = self.announcement;
        let appointment = announcement.appointment.as_deref().map(|id| ResourceKey::new("Appointment", id));
        let report = announcement.report.as_deref().and_then(ResourceKey::from_reference);
        let request = Some(ResourceKey::new("ServiceRequest", self.state.request.service_request.as_str()));
        let keys = [request, ResourceKey::from_reference(&self.state.request.patient), appointment, report]
            .into_iter()
            .flatten();
        let mut resources: Vec<&Resource> = keys.filter_map(|key| self.desk.resource(&key)).collect();
        for place in 0.. {
            let Some(resource) = resources.get(place) else { break };
            for key in references(resource.object()) {
                let referred = self
                    .desk
                    .resource(&key)
                    .filter(|referred| !resources.iter().any(|known| std::ptr::eq(*known, *referred)));
                if resources.len() < limits::RENDER_RESOURCES_MAX {
                    resources.extend(referred);
                }
            }
        }
        resources
    }

    fn facts(&self) -> BTreeMap<SmolStr, String> {
        let mut facts = BTreeMap::new();
        let mut fact = |name: &'static str, value: String| facts.insert(SmolStr::new_static(name), value);
        fact("message_time", self.now.to_string());
        fact("event_time", self.announcement.occurred_at.to_string());
        if let Some(number) = &self.state.request.filler_number {
            fact("filler_number", number.clone());
        }
        if let Some((code, text)) = &self.announcement.reason {
            fact("reason_code", code.to_string());
            fact("reason_text", text.to_string());
        }
        facts
    }
}

/// What a resource refers to, wherever the references stand.
fn references(object: &Object) -> Vec<ResourceKey> {
    let mut found = Vec::new();
    let mut nodes: Vec<&Node> = object.iter().map(|(_, node)| node).collect();
    while let Some(node) = nodes.pop() {
        match node {
            Node::Array(items) => nodes.extend(items),
            Node::Object(inner) => {
                found.extend(inner.get("reference").and_then(Node::as_str).and_then(ResourceKey::from_reference));
                nodes.extend(inner.iter().map(|(_, node)| node));
            }
            _ => {}
        }
    }
    found
}
