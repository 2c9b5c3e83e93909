//! What came of an interaction, before it is put into the form that the client asked for.

use bytes::Bytes;
use smol_str::SmolStr;

use crate::base::Timestamp;
use crate::fhir::Resource;
use crate::record::{ResourceKey, ResourceVersion};

/// The result of one interaction: of a request, or of an entry of a Bundle.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub content: Content,
    /// The version it is about: for `ETag` and `Last-Modified`.
    pub version: Option<(u32, Timestamp)>,
    /// The resource version it led to, below the base: `Patient/x/_history/1`.
    pub location: Option<String>,
    /// Further headers, names in small letters; nothing in a Bundle.
    pub headers: Vec<(&'static str, String)>,
}

/// What is sent.
#[derive(Clone)]
pub enum Content {
    Nothing,
    /// A resource as it is kept, JSON: `_summary` and `_elements` go over it.
    Stored(Bytes),
    /// A resource that was made here, JSON, with its parts as they are to be shown.
    Made(Bytes),
    /// What is said instead of a resource.
    Outcome(Resource),
    /// Anything else, sent as it is.
    File {
        media_type: SmolStr,
        bytes: Bytes,
    },
}

impl Answer {
    pub const fn of(status: u16, content: Content) -> Self {
        Self { status, content, version: None, location: None, headers: Vec::new() }
    }

    /// A resource that was made to answer, as an operation does.
    pub fn made(resource: &Resource) -> Self {
        Self::of(200, Content::Made(resource.to_json().into()))
    }

    /// A version as it is kept.
    pub fn stored(version: &ResourceVersion) -> Self {
        Self::of(200, Content::Stored(version.content.clone())).about(version.version, version.updated_at)
    }

    #[must_use]
    pub const fn about(mut self, version: u32, updated_at: Timestamp) -> Self {
        self.version = Some((version, updated_at));
        self
    }

    #[must_use]
    pub fn located(mut self, key: &ResourceKey, version: u32) -> Self {
        self.location = Some(format!("{key}/_history/{version}"));
        self
    }
}

/// `W/"3"` (R4 3.1.0.4).
pub fn etag(version: u32) -> String {
    format!("W/\"{version}\"")
}

/// The form of dates in HTTP headers (RFC 9110 5.6.7): whole seconds.
pub fn http_date(at: Timestamp) -> String {
    at.to_zoned().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
