//! One inbound feed: where it listens, how it answers, and how its messages are read.

use smol_str::SmolStr;

use super::{Section, tls_paths};
use crate::base::ids::FeedName;
use crate::base::limits;
use crate::config::diagnostic::Fault;
use crate::config::settings::{AckTiming, Feed, OnUnknownType, Role};
use crate::connectors::mllp::ListenerSettings;
use crate::hl7v2::Charset;
use crate::profile::Policy;
use crate::record::ReusePolicy;

pub(super) fn feed(section: &Section<'_>, faults: &mut Vec<Fault>) -> Feed {
    let tls = section.is_given("tls").then(|| tls_paths(&section.inner("tls"), "client_ca"));
    let listener = ListenerSettings {
        feed: FeedName::new(section.text("name").unwrap_or_default()),
        address: section.guarded_address(tls.is_some(), faults),
        frame_bytes_max: section.size("frame_bytes_max"),
        frame_read_timeout: section.millis("frame_read_timeout_ms").unwrap_or(limits::FRAME_READ_TIMEOUT),
        connections_max: section.size("connections_max"),
    };
    Feed {
        listener,
        tls,
        ack: if section.text("ack") == Some("applied") { AckTiming::Applied } else { AckTiming::Commit },
        on_unknown_type: match section.text("on_unknown_type") {
            Some("refuse") => OnUnknownType::Refuse,
            _ => OnUnknownType::Park,
        },
        on_control_id_reuse: match section.text("on_control_id_reuse") {
            Some("refuse") => ReusePolicy::Refuse,
            _ => ReusePolicy::Flag,
        },
        role: role(section),
        default_charset: known(section, "default_charset", "a code of HL7 table 0211", faults, |text| {
            Charset::from_code(text).is_some()
        }),
        default_zone: known(section, "default_zone", "a name of the IANA time zone database", faults, |text| {
            jiff::tz::TimeZone::get(text).is_ok()
        }),
        processing_ids: section.texts("processing_ids"),
        overlays: section.texts("overlays"),
        validation: section.text("validation").and_then(Policy::named).unwrap_or(Policy::Off),
    }
}

/// The part in a referral, as feeds and clients of the FHIR door name it.
pub(super) fn role(section: &Section<'_>) -> Option<Role> {
    match section.text("role")? {
        "placer" => Some(Role::Placer),
        "filler" => Some(Role::Filler),
        _ => None,
    }
}

fn known(
    section: &Section<'_>,
    key: &str,
    expected: &str,
    faults: &mut Vec<Fault>,
    is_known: impl Fn(&str) -> bool,
) -> Option<SmolStr> {
    let text = section.text(key)?;
    if !is_known(text) {
        faults.push(Fault::new(&section.place(key), "bad-value", format!("`{key}` is not {expected}")));
    }
    Some(SmolStr::new(text))
}
