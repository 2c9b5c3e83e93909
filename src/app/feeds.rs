//! Feeds as configured, turned into what the door and the reader need of each.

use std::collections::HashMap;

use super::admission::{Rules, UnknownType};
use super::door::{AckWhen, FeedDoor};
use crate::base::ids::FeedName;
use crate::config::{AckTiming, Feed, OnUnknownType, Role as ConfiguredRole};
use crate::engine::read::FeedReading;
use crate::hl7v2::Charset;
use crate::workflow::Role;

/// The settings of a feed were checked when they were read; what is unknown here falls back to what is safest.
fn charset(feed: &Feed) -> Charset {
    feed.default_charset.as_deref().and_then(Charset::from_code).unwrap_or(Charset::Ascii)
}

fn zone(feed: &Feed) -> jiff::tz::TimeZone {
    let named = feed.default_zone.as_deref().and_then(|name| jiff::tz::TimeZone::get(name).ok());
    named.unwrap_or(jiff::tz::TimeZone::UTC)
}

pub fn doors(feeds: &[Feed]) -> HashMap<FeedName, FeedDoor> {
    let door = |feed: &Feed| FeedDoor {
        rules: Rules {
            processing_ids: feed.processing_ids.iter().map(ToString::to_string).collect(),
            unknown_type: match feed.on_unknown_type {
                OnUnknownType::Park => UnknownType::Park,
                OnUnknownType::Refuse => UnknownType::Refuse,
            },
        },
        ack: match feed.ack {
            AckTiming::Commit => AckWhen::Commit,
            AckTiming::Applied => AckWhen::Applied,
        },
        reuse: feed.on_control_id_reuse,
        charset: charset(feed),
    };
    feeds.iter().map(|feed| (feed.name().clone(), door(feed))).collect()
}

/// The part that a sender plays.
pub const fn role(role: ConfiguredRole) -> Role {
    match role {
        ConfiguredRole::Placer => Role::Placer,
        ConfiguredRole::Filler => Role::Filler,
    }
}

pub fn readings(feeds: &[Feed]) -> HashMap<FeedName, FeedReading> {
    let reading = |feed: &Feed| FeedReading {
        charset: charset(feed),
        zone: zone(feed),
        validation: feed.validation,
        role: feed.role.map(role),
    };
    feeds.iter().map(|feed| (feed.name().clone(), reading(feed))).collect()
}
