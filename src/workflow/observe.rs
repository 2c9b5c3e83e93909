//! Events out of mapped resources, so that HL7 and FHIR doors move the same machine.
//!
//! Reads what the mapping promises: `ServiceRequest` and `Task` with the extensions `urn:loopgate:order-control`,
//! `order-status`, `referral-status`, `order-reason`; `Appointment` and `Encounter` with `urn:loopgate:trigger`.
//! A resource without them (from the FHIR door) speaks through its own status.

use jiff::tz::TimeZone;

use super::event::{Event, Happening, Reason, Request, Role, Slot, StatusReport, Visit, What};
use super::link::Clues;
use super::task::BUSINESS_STATUS_OF_OURS;
use crate::base::ids::ReferralId;
use crate::base::{Digest, Timestamp};
use crate::fhir::{Node, Resource};

/// Something said about a referral, and how to find it. The engine adds key, sender and role to make it an event.
#[derive(Clone, Debug)]
pub struct Observation {
    pub clues: Clues,
    pub occurred_at: Timestamp,
    pub what: What,
}

impl Observation {
    /// The event. `key` tells it from every other (message id and place in the message); `sender` is
    /// `application|facility`; `role` is what the feed's settings say of its sender, if they do.
    pub fn into_event(self, key: String, sender: String, role: Option<Role>) -> Event {
        Event { key, occurred_at: self.occurred_at, sender, role, what: self.what }
    }
}

/// The referral of a ServiceRequest: the same for every resend and replay.
pub fn referral_id(service_request: &str) -> ReferralId {
    /// Namespace of referral ids: a fixed random UUID (RFC 9562 5.5).
    const REFERRALS: uuid::Uuid = uuid::Uuid::from_u128(0x7f1e_6f0b_2f6d_4c58_9d11_0b7e_5a2c_41f3);
    ReferralId(uuid::Uuid::new_v5(&REFERRALS, service_request.as_bytes()))
}

/// A Task that a map made of an order status message: it carries the codes of the order, and is nobody's Task.
fn is_of_order(task: &Resource) -> bool {
    let extensions = task.get("extension").into_iter().flat_map(Node::items);
    extensions.filter_map(|extension| extension.text(&["url"])).any(|url| url.starts_with("urn:loopgate:"))
}

/// Whether resources of this type can say anything of a referral.
pub fn is_observed(kind: &str) -> bool {
    matches!(kind, "ServiceRequest" | "Task" | "Appointment" | "Encounter" | "DiagnosticReport" | "DocumentReference")
}

/// What the resources of one message say, in the order in which they say it. Times without an offset are read in
/// `zone`; what carries no time happened when it was sent, or else at `received_at`.
pub fn observe(resources: &[Resource], received_at: Timestamp, zone: &TimeZone) -> Vec<Observation> {
    let header = resources.iter().find(|resource| resource.kind() == "MessageHeader");
    let sent_at = header.and_then(|header| extension(header, "sent-at")).and_then(|sent| sent.text(&["valueDateTime"]));
    let sight = Sight {
        resources,
        zone,
        sent_at: sent_at.and_then(|text| instant(text, zone)).unwrap_or(received_at),
        trigger: header.and_then(|header| header.text(&["eventCoding", "code"])).unwrap_or_default(),
    };
    resources.iter().filter_map(|resource| sight.of(resource)).collect()
}

/// What the first of these resources says, a new ServiceRequest; the others are Tasks that came with it.
pub fn requested(together: &[Resource], received_at: Timestamp) -> Option<Observation> {
    let sight = Sight { resources: together, zone: &TimeZone::UTC, sent_at: received_at, trigger: "" };
    let request = sight.request(together.first()?)?;
    let mut alone = Sight { resources: &together[..1], ..sight }.of(together.first()?)?;
    if let What::Happened(Happening::Requested(said)) = &mut alone.what {
        said.task = request.task;
    }
    Some(alone)
}

/// One message as seen from any of its resources.
struct Sight<'a> {
    resources: &'a [Resource],
    zone: &'a TimeZone,
    sent_at: Timestamp,
    /// MSH-9.2.
    trigger: &'a str,
}

impl Sight<'_> {
    fn of(&self, resource: &Resource) -> Option<Observation> {
        let (clues, what) = match resource.kind() {
            "ServiceRequest" => self.service_request(resource)?,
            "Task" => self.task(resource)?,
            "Appointment" => self.appointment(resource)?,
            "Encounter" => self.encounter(resource)?,
            "DiagnosticReport" => Self::report(resource, "status")?,
            "DocumentReference" => Self::report(resource, "docStatus")?,
            _ => return None,
        };
        Some(Observation { clues, occurred_at: self.sent_at, what })
    }

    /// A request or a status of one. When a Task of the same message tells the status, it is left to the Task.
    fn service_request(&self, resource: &Resource) -> Option<(Clues, What)> {
        let request = self.request(resource)?;
        let reports = |other: &Resource| {
            other.kind() == "Task"
                && reference(other.get("focus")) == Some(("ServiceRequest", &request.service_request))
        };
        if self.resources.iter().any(reports) {
            return None;
        }
        let clues = Clues {
            service_request: Some(request.service_request.clone()),
            placer_number: Some((request.placer_number.clone(), request.placer_system.clone())),
            patient: Some(request.patient.clone()),
            ..Clues::default()
        };
        let mut report = status_report(resource);
        if report.trigger.is_empty() && self.trigger.starts_with('I') {
            self.trigger.clone_into(&mut report.trigger);
        }
        if self.is_told_by_report(&report) {
            return None;
        }
        if report.is_silent() {
            return Some((clues, What::Happened(plain_request(resource, request)?)));
        }
        report.filler_number.clone_from(&request.filler_number);
        report.request = Some(request);
        Some((clues, What::Status(report)))
    }

    /// A result (ORU, or an order status with its document) says once what it says: by the document.
    fn is_told_by_report(&self, report: &StatusReport) -> bool {
        let is_document = |other: &Resource| matches!(other.kind(), "DiagnosticReport" | "DocumentReference");
        let is_result = matches!(report.control.as_str(), "" | "RE" | "SC" | "SR");
        is_result
            && report.referral_status.is_empty()
            && report.trigger.is_empty()
            && self.resources.iter().any(is_document)
    }

    fn request(&self, resource: &Resource) -> Option<Request> {
        let id = resource.id()?;
        let (placer_number, placer_system) = identifier(resource, "PLAC").unwrap_or_default();
        let deadline = resource.text(&["occurrencePeriod", "end"]).and_then(|text| instant(text, self.zone));
        Some(Request {
            referral: referral_id(id),
            service_request: id.to_owned(),
            patient: resource.text(&["subject", "reference"]).unwrap_or_default().to_owned(),
            placer_number,
            placer_system,
            filler_number: identifier(resource, "FILL").map(|(value, _)| value),
            priority: super::Priority::from_fhir(resource.text(&["priority"]).unwrap_or_default()),
            deadline,
            digest: content_digest(resource),
            task: self.brought_task(id),
        })
    }

    /// The Task of fulfilment that came together with a request.
    fn brought_task(&self, service_request: &str) -> Option<String> {
        let tasks = self.resources.iter().filter(|other| other.kind() == "Task" && !is_of_order(other));
        let mut about = tasks.filter(|task| {
            let focus = reference(task.get("focus")).or_else(|| reference(task.get("basedOn")));
            focus == Some(("ServiceRequest", service_request))
                && matches!(task.text(&["code", "coding", "code"]), None | Some("fulfill"))
        });
        about.next()?.id().map(str::to_owned)
    }

    fn task(&self, resource: &Resource) -> Option<(Clues, What)> {
        let focus = reference(resource.get("focus")).or_else(|| reference(resource.get("basedOn")));
        let clues = Clues {
            service_request: focus.filter(|(kind, _)| *kind == "ServiceRequest").map(|(_, id)| id.to_owned()),
            placer_number: identifier(resource, "PLAC"),
            patient: resource.text(&["for", "reference"]).map(str::to_owned),
            ..Clues::default()
        };
        let report = status_report(resource);
        if self.is_told_by_report(&report) {
            return None;
        }
        if report.is_silent() {
            return Some((clues, What::Happened(plain_task(resource)?)));
        }
        Some((clues, What::Status(report)))
    }

    fn appointment(&self, resource: &Resource) -> Option<(Clues, What)> {
        let slot = Slot {
            appointment: resource.id()?.to_owned(),
            start: resource.text(&["start"]).and_then(|text| instant(text, self.zone)),
            location: participant(resource, "Location"),
            practitioner: participant(resource, "Practitioner"),
            visit: extension(resource, "visit")
                .and_then(|visit| visit.text(&["valueIdentifier", "value"]))
                .map(str::to_owned),
        };
        let clues = Clues {
            service_request: based_on(resource),
            appointment: Some(slot.appointment.clone()),
            visit: slot.visit.clone(),
            patient: participant(resource, "Patient"),
            start: slot.start,
            ..Clues::default()
        };
        let status = resource.text(&["status"]).unwrap_or_default();
        let trigger = trigger_of(resource);
        Some((clues, What::Happened(of_appointment(trigger, status, slot)?)))
    }

    fn encounter(&self, resource: &Resource) -> Option<(Clues, What)> {
        let start = resource.text(&["period", "start"]).and_then(|text| instant(text, self.zone));
        let trigger = trigger_of(resource);
        let visit = Visit {
            object: resource.id()?.to_owned(),
            number: identifier(resource, "VN")
                .map(|(value, _)| value)
                .or_else(|| resource.text(&["identifier", "value"]).map(str::to_owned)),
            appointment: reference(resource.get("appointment")).map(|(_, id)| id.to_owned()),
            start,
            maybe_registration: trigger == "A04",
        };
        let clues = Clues {
            service_request: based_on(resource),
            appointment: visit.appointment.clone(),
            visit: visit.number.clone(),
            patient: resource.text(&["subject", "reference"]).map(str::to_owned),
            start: start.or(Some(self.sent_at)),
            is_visit: true,
            ..Clues::default()
        };
        let status = resource.text(&["status"]).unwrap_or_default();
        Some((clues, What::Happened(of_encounter(trigger, status, visit)?)))
    }

    fn report(resource: &Resource, status: &str) -> Option<(Clues, What)> {
        let clues = Clues {
            service_request: based_on(resource),
            patient: resource.text(&["subject", "reference"]).map(str::to_owned),
            ..Clues::default()
        };
        let id = Some(format!("{}/{}", resource.kind(), resource.id()?));
        let happening = match resource.text(&[status]).unwrap_or_default() {
            "final" | "amended" | "corrected" | "appended" => Happening::FinalReport(id),
            "preliminary" | "partial" | "registered" => Happening::InterimReport(id),
            _ => return None,
        };
        Some((clues, What::Happened(happening)))
    }
}

/// SIU triggers (STANDARDS 4.1: S15, S17 and S26 win over the status, for S12 to S14 the status wins), or the status
/// alone.
#[expect(clippy::match_same_arms, reason = "the order of the arms is the precedence")]
fn of_appointment(trigger: &str, status: &str, slot: Slot) -> Option<Happening> {
    Some(match (trigger, status) {
        ("S15" | "S16", _) => Happening::AppointmentCancelled(slot),
        ("S17", _) => Happening::AppointmentDeleted(slot),
        ("S26", _) => Happening::NoShow(slot),
        (_, "cancelled") => Happening::AppointmentCancelled(slot),
        (_, "entered-in-error") => Happening::AppointmentDeleted(slot),
        (_, "noshow") => Happening::NoShow(slot),
        (_, "proposed" | "pending" | "waitlist") => Happening::SlotAwaited(slot),
        (_, "arrived" | "checked-in") => Happening::Arrived(visit_of(slot)),
        (_, "fulfilled") => Happening::VisitEnded(visit_of(slot)),
        ("S13", _) => Happening::Moved(slot),
        ("S14" | "S18" | "S19" | "S20" | "S21" | "S22", _) => Happening::Changed(slot),
        ("S12" | "", "booked") | ("S12", _) => Happening::Booked(slot),
        _ => return None,
    })
}

fn visit_of(slot: Slot) -> Visit {
    Visit {
        object: slot.appointment.clone(),
        number: slot.visit,
        appointment: Some(slot.appointment),
        start: slot.start,
        maybe_registration: false,
    }
}

/// ADT triggers (STANDARDS 4.2), or the status alone. Registrations, updates and leaves say nothing of a referral.
fn of_encounter(trigger: &str, status: &str, visit: Visit) -> Option<Happening> {
    Some(match (trigger, status) {
        ("A04" | "A10", _) | ("", "arrived" | "triaged") => Happening::Arrived(visit),
        ("A01", _) | ("", "in-progress") => Happening::VisitBegan(visit),
        ("A03", _) | ("", "finished") => Happening::VisitEnded(visit),
        ("A11", _) | ("", "cancelled") => Happening::ArrivalUndone(visit),
        ("A13", _) => Happening::EndUndone(visit),
        _ => return None,
    })
}

/// A ServiceRequest of the FHIR door.
fn plain_request(resource: &Resource, request: Request) -> Option<Happening> {
    Some(match resource.text(&["status"]).unwrap_or_default() {
        "active" => Happening::Requested(request),
        "completed" => Happening::Closed,
        "revoked" => Happening::Discontinued,
        "on-hold" => Happening::Held,
        "entered-in-error" => Happening::Voided,
        _ => return None,
    })
}

/// A Task of the FHIR door: of fulfilment, or of cancellation (code `abort`).
fn plain_task(resource: &Resource) -> Option<Happening> {
    let status = resource.text(&["status"]).unwrap_or_default();
    let reason = || reason_of(resource.get("statusReason")).unwrap_or_else(|| Reason::coded("other"));
    if resource.text(&["code", "coding", "code"]) == Some("abort") {
        return Some(match status {
            "requested" => Happening::CancelRequested,
            "completed" => Happening::CancellationConfirmed,
            "rejected" => Happening::CancellationRefused(reason()),
            _ => return None,
        });
    }
    Some(match status {
        "received" if business_status(resource) == Some("awaiting-information") => Happening::InformationAsked,
        "received" => Happening::TakenIn,
        "accepted" => Happening::Accepted,
        "rejected" => Happening::Declined(reason()),
        "on-hold" => Happening::Held,
        "completed" => {
            Happening::FinalReport(resource.text(&["output", "valueReference", "reference"]).map(str::to_owned))
        }
        "cancelled" => Happening::Withdrawn,
        "failed" => Happening::Failed(reason()),
        "entered-in-error" => Happening::Voided,
        _ => return None,
    })
}

fn business_status(resource: &Resource) -> Option<&str> {
    let codings = resource.get("businessStatus")?.get("coding")?;
    let ours = |coding: &&Node| coding.text(&["system"]) == Some(BUSINESS_STATUS_OF_OURS);
    codings.items().iter().find(ours)?.text(&["code"])
}

fn status_report(resource: &Resource) -> StatusReport {
    let code = |name| {
        let value = extension(resource, name).and_then(|found| found.text(&["valueCode"]));
        value.unwrap_or_default().to_owned()
    };
    StatusReport {
        control: code("order-control"),
        status: code("order-status"),
        referral_status: code("referral-status"),
        trigger: code("trigger"),
        reason: extension(resource, "order-reason")
            .and_then(|found| reason_of(found.get("valueCodeableConcept")))
            .or_else(|| reason_of(resource.get("statusReason"))),
        filler_number: identifier(resource, "FILL").map(|(value, _)| value),
        request: None,
    }
}

fn reason_of(concept: Option<&Node>) -> Option<Reason> {
    let concept = concept?;
    let code = concept.text(&["coding", "code"]).unwrap_or_default().to_owned();
    let display = concept.text(&["text"]).or_else(|| concept.text(&["coding", "display"]));
    Some(Reason { code, text: display.unwrap_or_default().to_owned() })
}

fn trigger_of(resource: &Resource) -> &str {
    extension(resource, "trigger").and_then(|found| found.text(&["valueCode"])).unwrap_or_default()
}

/// The extension `urn:loopgate:NAME` of a resource.
fn extension<'a>(resource: &'a Resource, name: &str) -> Option<&'a Node> {
    let is_it = |node: &&Node| {
        node.text(&["url"]).and_then(|url| url.strip_prefix("urn:loopgate:")).is_some_and(|found| found == name)
    };
    resource.get("extension")?.items().iter().find(is_it)
}

/// Value and system of the identifier whose type has this code of table 0203.
fn identifier(resource: &Resource, code: &str) -> Option<(String, String)> {
    let identifiers = resource.get("identifier")?.items();
    let found = identifiers.iter().find(|identifier| identifier.text(&["type", "coding", "code"]) == Some(code))?;
    let text = |key| found.text(&[key]).unwrap_or_default().to_owned();
    Some((text("value"), text("system")))
}

/// Type and id of a reference: `ServiceRequest/1`, also at the end of a URL.
fn reference(node: Option<&Node>) -> Option<(&str, &str)> {
    let text = node?.items().first()?.text(&["reference"])?;
    let (head, id) = text.rsplit_once('/')?;
    Some((head.rsplit('/').next()?, id))
}

/// The ServiceRequest that a resource is based on (`DocumentReference` in R4: `context.related`).
fn based_on(resource: &Resource) -> Option<String> {
    let related = resource.get("context").and_then(|context| context.get("related"));
    let nodes = [resource.get("basedOn"), related].into_iter().flatten().flat_map(Node::items);
    let mut requests = nodes.filter_map(|node| reference(Some(node))).filter(|(kind, _)| *kind == "ServiceRequest");
    requests.next().map(|(_, id)| id.to_owned())
}

/// The reference of the first participant of a type.
fn participant(resource: &Resource, kind: &str) -> Option<String> {
    let participants = resource.get("participant")?.items().iter();
    let mut references = participants.filter_map(|one| one.text(&["actor", "reference"]));
    references.find(|text| text.split('/').next() == Some(kind)).map(str::to_owned)
}

/// The digest of a resource without what changes on every send.
fn content_digest(resource: &Resource) -> String {
    let mut content = resource.object().clone();
    content.remove("meta");
    let mut bytes = Vec::new();
    content.write(&mut bytes);
    Digest::of(&bytes).to_string()
}

/// A FHIR dateTime as an instant: the start of the day or minute when it is not more precise.
fn instant(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_micros(instant.as_microsecond()));
    }
    let local: jiff::civil::DateTime = text.parse().ok()?;
    let instant = zone.to_ambiguous_timestamp(local).compatible().ok()?;
    Some(Timestamp::from_micros(instant.as_microsecond()))
}
