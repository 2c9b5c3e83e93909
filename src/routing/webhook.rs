//! The body of a webhook: thin JSON in the envelope of Standard Webhooks, ids and codes only (STANDARDS 5.6).

use super::table::ReferralSummary;
use crate::base::Timestamp;
use crate::fhir::{Node, Object};
use crate::record::Announcement;

/// `{"type":"referral.status.changed","timestamp":…,"data":{…}}`. `placerOrderNumber` is the partner's own key; nothing
/// in the body names the patient. The reason travels as its code alone: its text may say more.
pub fn webhook_body(referral: &ReferralSummary, announcement: &Announcement, now: Timestamp) -> Node {
    let mut data = Object::new();
    data.set("referral", referral.id.to_string());
    data.set("placerOrderNumber", referral.placer_number.clone());
    data.set("event", announcement.kind.as_str());
    data.set("stage", announcement.stage);
    data.set("sequence", Node::Number(announcement.sequence.to_string().into()));
    data.set("occurredAt", announcement.occurred_at.to_string());
    if let Some(appointment) = &announcement.appointment {
        data.set("appointment", appointment.clone());
    }
    if let Some((code, _)) = announcement.reason.as_ref().filter(|(code, _)| !code.is_empty()) {
        data.set("reason", code.clone());
    }
    let envelope: Object = [
        ("type", Node::from("referral.status.changed")),
        ("timestamp", Node::from(now.to_string())),
        ("data", Node::Object(data)),
    ]
    .into_iter()
    .collect();
    Node::Object(envelope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::ReferralId;
    use crate::record::AnnouncementKind;

    #[test]
    fn the_body_is_thin() {
        let referral = ReferralSummary {
            id: ReferralId(uuid::Uuid::nil()),
            sender: "EMR|NORTH".into(),
            placer_number: "889342".into(),
            placer_system: "urn:example:north".into(),
        };
        let announcement = Announcement {
            kind: AnnouncementKind::Declined,
            sequence: 2,
            occurred_at: Timestamp::default(),
            stage: "Closed lost",
            order_status: None,
            trigger: None,
            appointment: None,
            report: None,
            reason: Some(("no-capacity".into(), "Mrs Canary is not welcome".into())),
        };
        let mut body = Vec::new();
        webhook_body(&referral, &announcement, Timestamp::default()).write(&mut body);
        assert_eq!(
            String::from_utf8(body).unwrap(),
            concat!(
                r#"{"type":"referral.status.changed","timestamp":"1970-01-01T00:00:00.000Z","data":{"#,
                r#""referral":"00000000-0000-0000-0000-000000000000","placerOrderNumber":"889342","event":"declined","#,
                r#""stage":"Closed lost","sequence":2,"occurredAt":"1970-01-01T00:00:00.000Z","reason":"no-capacity"}}"#
            )
        );
    }
}
