//! Read: a stored message becomes resources by its feed's charset and zone and the mapping release. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use smol_str::{SmolStr, format_smolstr};

use super::desk::is_stored;
use super::fhir_message;
use super::releases::{NamedRelease, Releases};

use crate::base::ids::FeedName;
use crate::base::{Digest, Issue, IssueCode, Severity, limits};
use crate::fhir::Resource;
use crate::hl7v2::{Charset, Message};
use crate::mapping::{self, Context, Mapped, Release};
use crate::profile::{Policy, Validator, Verdict};
use crate::record::{StoredMessage, Trail, UnmappedCode};
use crate::workflow::Role;

/// What reading depends on, by feed.
#[derive(Clone)]
pub struct FeedReading {
    pub charset: Charset,
    pub zone: jiff::tz::TimeZone,
    /// The part its senders play, when the configuration says so.
    pub role: Option<Role>,
    pub validation: Policy,
}

impl Default for FeedReading {
    fn default() -> Self {
        Self { charset: Charset::Ascii, zone: jiff::tz::TimeZone::UTC, role: None, validation: Policy::Off }
    }
}

/// What reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readable {
    Mapped,
    /// The release has no map for this type.
    NoMapping,
    /// Our own code failed on it too often.
    Broken,
}

/// A message with what it says.
pub struct Reading {
    pub message: StoredMessage,
    pub readable: Readable,
    pub resources: Vec<Resource>,
    /// Top-level elements that the message deletes, by resource.
    pub cleared: Vec<(usize, SmolStr)>,
    pub issues: Vec<Issue>,
    pub trail: Trail,
    pub role: Option<Role>,
    /// For times that name no zone.
    pub zone: jiff::tz::TimeZone,
    /// The digest of the release, in hexadecimal.
    pub release: SmolStr,
}

/// Reads messages by the releases of the day.
pub struct Reader {
    releases: ArcSwap<Releases>,
    validator: Validator,
    feeds: HashMap<FeedName, FeedReading>,
}

impl Reader {
    pub fn new(releases: Releases, feeds: HashMap<FeedName, FeedReading>) -> Self {
        Self { releases: ArcSwap::from_pointee(releases), validator: Validator::builtin(), feeds }
    }

    pub fn releases(&self) -> Arc<Releases> {
        self.releases.load_full()
    }

    /// From the next message on, these hold.
    pub fn swap(&self, releases: Releases) {
        self.releases.store(Arc::new(releases));
    }

    pub fn read(&self, message: StoredMessage) -> Reading {
        let fallback = FeedReading::default();
        let feed = self.feeds.get(&message.feed).unwrap_or(&fallback);
        let releases = self.releases();
        let NamedRelease { release, name } = releases.of(&message.feed);
        let blank = |message, readable, issues| Reading {
            message,
            readable,
            resources: Vec::new(),
            cleared: Vec::new(),
            issues,
            trail: Trail::default(),
            role: feed.role,
            zone: feed.zone.clone(),
            release: name.clone(),
        };
        if message.tries >= limits::TRIES_MAX {
            return blank(message, Readable::Broken, vec![broken_issue()]);
        }
        if fhir_message::is_fhir(&message.message_type) {
            let (resources, mut issues) = fhir_message::read(&message.bytes, &message.sender);
            issues.extend(self.judge(feed.validation, &resources));
            return Reading { resources, ..blank(message, Readable::Mapped, issues) };
        }
        let Some(mapped) = run(release, feed, &message) else {
            return blank(message, Readable::NoMapping, vec![no_mapping_issue()]);
        };
        let mut issues = mapped.issues;
        issues.extend(self.judge(feed.validation, &mapped.resources));
        Reading {
            resources: mapped.resources,
            cleared: mapped.cleared,
            trail: Trail {
                trace: mapped.trace.map(|trace| trace.encode().into()).unwrap_or_default(),
                unmapped: unmapped(&mapped.unmapped),
            },
            ..blank(message, Readable::Mapped, issues)
        }
    }

    /// What a message maps to, for those who compare; nothing when its feed's release has no map for its type.
    pub fn map(&self, message: &StoredMessage) -> Option<Mapped> {
        let fallback = FeedReading::default();
        let feed = self.feeds.get(&message.feed).unwrap_or(&fallback);
        run(&self.releases().of(&message.feed).release, feed, message)
    }

    /// What validation finds, and what the feed's policy makes of it.
    fn judge(&self, policy: Policy, resources: &[Resource]) -> Vec<Issue> {
        if policy == Policy::Off {
            return Vec::new();
        }
        let stored = resources.iter().filter(|resource| is_stored(resource));
        let mut found: Vec<Issue> = stored.flat_map(|resource| self.validator.validate(resource)).collect();
        if policy.verdict(&found) == Verdict::Park {
            found.push(invalid_issue());
        }
        found
    }
}

fn run(release: &Release, feed: &FeedReading, message: &StoredMessage) -> Option<Mapped> {
    let plan = release.select(&message.message_type)?;
    let (parsed, issues, _) = Message::read(&message.bytes, feed.charset);
    let context = Context {
        default_zone: feed.zone.clone(),
        message_digest: Digest::of(&message.bytes),
        sender: message.sender.clone(),
        trace: true,
    };
    let mut mapped = plan.run(&parsed, &context);
    mapped.issues.splice(0..0, issues);
    Some(mapped)
}

fn invalid_issue() -> Issue {
    Issue::new(
        Severity::Fatal,
        IssueCode::Structure,
        "its resources are no valid FHIR: correct the map and retry the lane, or set the feed's validation to note",
    )
}

/// A text too long for a code is none that a table could ever have.
fn unmapped(found: &[mapping::UnmappedCode]) -> Vec<UnmappedCode> {
    let codes = found.iter().filter(|unmapped| unmapped.code.chars().count() <= limits::CODE_LENGTH_MAX);
    let stored = |unmapped: &mapping::UnmappedCode| UnmappedCode {
        table: unmapped.table.clone(),
        code: unmapped.code.clone(),
        place: format_smolstr!("{}", unmapped.location),
    };
    codes.map(stored).collect()
}

fn broken_issue() -> Issue {
    Issue::error(
        IssueCode::Internal,
        "processing this message failed in our own code several times: report it with its number, then retry or release its lane",
    )
}

fn no_mapping_issue() -> Issue {
    Issue::warning(
        IssueCode::UnsupportedEvent,
        "no mapping for this message type: it is kept; add a map and run `loopgate message retry`",
    )
}
