//! The mapping releases at work: one for all feeds, and one of its own for each feed with overlays. Swapped as a whole
//! while messages run; a message is read by those that stood when its reading began.

use std::collections::{BTreeMap, HashMap};

use smol_str::{SmolStr, ToSmolStr as _};

use crate::base::Digest;
use crate::base::ids::FeedName;
use crate::mapping::Release;

/// A release with its digest as it stands in every message that it mapped.
pub struct NamedRelease {
    pub release: Release,
    pub name: SmolStr,
}

impl NamedRelease {
    fn new(release: Release) -> Self {
        let name = release.digest().to_smolstr();
        Self { release, name }
    }
}

/// What the feeds map by.
pub struct Releases {
    base: NamedRelease,
    by_feed: HashMap<FeedName, NamedRelease>,
}

impl Releases {
    /// `overlaid` holds the releases of the feeds that have one of their own.
    pub fn new(base: Release, overlaid: HashMap<FeedName, Release>) -> Self {
        let by_feed = overlaid.into_iter().map(|(feed, release)| (feed, NamedRelease::new(release))).collect();
        Self { base: NamedRelease::new(base), by_feed }
    }

    /// The release without overlays: outgoing messages are written by it.
    pub const fn base(&self) -> &Release {
        &self.base.release
    }

    /// One digest for all of them: two configurations that map alike have the same.
    pub fn digest(&self) -> Digest {
        let feeds: BTreeMap<&str, &str> =
            self.by_feed.iter().map(|(feed, release)| (feed.as_str(), release.name.as_str())).collect();
        let feeds = feeds.into_iter().flat_map(|(feed, name)| [feed.as_bytes(), name.as_bytes()]);
        Digest::of_parts(std::iter::once(self.base.name.as_bytes()).chain(feeds))
    }

    pub fn of(&self, feed: &FeedName) -> &NamedRelease {
        self.by_feed.get(feed).unwrap_or(&self.base)
    }
}
