//! The story of the demo as data: who sends what, and what the referrer must hear of it.

use std::time::Duration;

use crate::base::Timestamp;
use crate::hl7v2::timestamp::utc_text;

/// Which feed a message goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The referring practice.
    Referrer,
    /// The clinic's EMR and scheduling system.
    Clinic,
}

impl From {
    pub const fn feed(self) -> &'static str {
        match self {
            Self::Referrer => "referrals",
            Self::Clinic => "clinic",
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Referrer => "Riverside practice",
            Self::Clinic => "Heart Centre",
        }
    }
}

/// One message of the story.
pub struct Step {
    pub from: From,
    pub says: &'static str,
    pub template: &'static str,
    /// The event that the referrer must hear of because of it.
    pub told: Option<&'static str>,
}

const fn step(from: From, says: &'static str, template: &'static str, told: Option<&'static str>) -> Step {
    Step { from, says, template, told }
}

/// The story, in order.
pub const STEPS: [Step; 9] = [
    step(From::Referrer, "refers Maria to cardiology", include_str!("referral.hl7"), Some("received")),
    step(From::Clinic, "accepts the referral", include_str!("accept.hl7"), Some("accepted")),
    step(From::Clinic, "books a first visit", include_str!("book.hl7"), Some("scheduled")),
    step(From::Clinic, "waits; Maria does not come", include_str!("no_show.hl7"), Some("no-show")),
    step(From::Clinic, "reaches her and books again", include_str!("rebook.hl7"), Some("rescheduled")),
    step(From::Clinic, "checks her in", include_str!("arrive.hl7"), None),
    step(From::Clinic, "sees her out", include_str!("leave.hl7"), Some("seen")),
    step(From::Clinic, "sends the final report", include_str!("report.hl7"), Some("report")),
    step(From::Referrer, "reads it and closes the loop", include_str!("close.hl7"), None),
];

/// What the referrer must have been told at the end, in this order, each once.
pub fn expected() -> Vec<&'static str> {
    STEPS.iter().filter_map(|step| step.told).collect()
}

/// A message ready to be sent: the placeholders of its template filled by the time and its number.
pub fn fill(step: &Step, number: usize, now: Timestamp) -> Vec<u8> {
    const HOUR: Duration = Duration::from_hours(1);
    let at = |span: Duration| utc_text(now.plus(span));
    let text = step
        .template
        .replace("{now}", &at(Duration::ZERO))
        .replace("{control}", &format!("DEMO{:013}{number:02}", now.as_micros() / 1000))
        .replace("{in_30_days}", &at(HOUR * 24 * 30))
        .replace("{first_start}", &at(HOUR / 4))
        .replace("{first_end}", &at(HOUR * 3 / 4))
        .replace("{second_start}", &at(HOUR))
        .replace("{second_end}", &at(HOUR * 3 / 2));
    text.replace('\n', "\r").into_bytes()
}

/// What an HL7 v2 message tells the referrer: the reading of a partner's system (STANDARDS "Encoding").
pub fn heard(message_type: &str, order_control: &str, order_status: &str, appointments_before: usize) -> String {
    let event = match (message_type, order_control, order_status) {
        ("OSU^O51", "RR" | "NA", _) => "received",
        ("OSU^O51", "OK", _) => "accepted",
        ("OSU^O51", "SC", "A") => "seen",
        ("SIU^S12", ..) if appointments_before == 0 => "scheduled",
        ("SIU^S12" | "SIU^S13", ..) => "rescheduled",
        ("SIU^S26", ..) => "no-show",
        ("ORU^R01", ..) => "report",
        _ => return format!("{message_type} {order_control}/{order_status}"),
    };
    event.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_is_filled() {
        for (number, step) in STEPS.iter().enumerate() {
            let text = String::from_utf8(fill(step, number, Timestamp::from_micros(1_800_000_000_000_000))).unwrap();
            assert!(!text.contains(['{', '}', '\n']), "{}", step.says);
            assert!(text.starts_with("MSH|^~\\&|"));
        }
    }
}
