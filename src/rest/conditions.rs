//! What a client makes a condition of its request: `If-Match`, `If-None-Match`, `If-Modified-Since`, `If-None-Exist`.
//!
//! Headers and the elements of `Bundle.entry.request` say the same things (R4 3.1.0.11).

use jiff::fmt::rfc2822;

use super::{Fault, Headers};
use crate::base::Timestamp;
use crate::fhir::Node;
use crate::record::ResourceVersion;

/// The conditions of one interaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The version that must be the current one.
    pub if_match: Option<u32>,
    pub if_none_match: Option<NoneMatch>,
    pub if_modified_since: Option<Timestamp>,
    /// The query of a conditional create.
    pub if_none_exist: Option<String>,
}

/// What must not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoneMatch {
    Anything,
    Versions(Vec<u32>),
}

impl Conditions {
    /// A date that is none is no condition (RFC 9110 13.1.3); an entity tag that is none of ours is a fault.
    pub fn of_headers(headers: &Headers) -> Result<Self, Fault> {
        let instant = |text: &str| rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
        Ok(Self {
            if_match: headers.if_match.as_deref().map(version_of_tag).transpose()?,
            if_none_match: headers.if_none_match.as_deref().map(NoneMatch::of),
            if_modified_since: headers.if_modified_since.as_deref().and_then(instant).map(timestamp),
            if_none_exist: headers.if_none_exist.clone(),
        })
    }

    /// From `Bundle.entry.request`.
    pub fn of_entry(request: &Node) -> Result<Self, Fault> {
        let instant = |text: &str| text.parse::<jiff::Timestamp>().ok();
        Ok(Self {
            if_match: request.text(&["ifMatch"]).map(version_of_tag).transpose()?,
            if_none_match: request.text(&["ifNoneMatch"]).map(NoneMatch::of),
            if_modified_since: request.text(&["ifModifiedSince"]).and_then(instant).map(timestamp),
            if_none_exist: request.text(&["ifNoneExist"]).map(str::to_owned),
        })
    }

    /// Whether the client has this version already. `If-None-Match` goes before the date (RFC 9110 13.2.2).
    pub fn is_known(&self, version: &ResourceVersion) -> bool {
        match (&self.if_none_match, self.if_modified_since) {
            (Some(none_match), _) => none_match.covers(version.version),
            // A header has whole seconds.
            (None, Some(since)) => version.updated_at.as_micros() / 1_000_000 <= since.as_micros() / 1_000_000,
            (None, None) => false,
        }
    }
}

impl NoneMatch {
    fn of(header: &str) -> Self {
        if header.trim() == "*" {
            return Self::Anything;
        }
        Self::Versions(header.split(',').filter_map(|tag| version_of_tag(tag).ok()).collect())
    }

    fn covers(&self, version: u32) -> bool {
        match self {
            Self::Anything => true,
            Self::Versions(versions) => versions.contains(&version),
        }
    }
}

/// The version in `W/"3"`; the strong form and the bare number are let through.
fn version_of_tag(tag: &str) -> Result<u32, Fault> {
    let tag = tag.trim();
    let number = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
    number.parse().map_err(|_| Fault::invalid("an entity tag of this server is W/\"n\" with the number of a version"))
}

fn timestamp(at: jiff::Timestamp) -> Timestamp {
    Timestamp::from_micros(at.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::answer::http_date;

    #[test]
    fn tags_and_dates_are_read() {
        for (tag, expected) in [("W/\"3\"", Some(3)), ("\"3\"", Some(3)), ("3", Some(3)), ("W/\"a\"", None)] {
            assert_eq!(version_of_tag(tag).ok(), expected, "{tag}");
        }
        let at = Timestamp::from_micros(1_773_305_100_000_000);
        let headers = Headers { if_modified_since: Some(http_date(at)), ..Headers::default() };
        assert_eq!(Conditions::of_headers(&headers).unwrap().if_modified_since, Some(at));
        assert_eq!(NoneMatch::of("W/\"1\", W/\"2\""), NoneMatch::Versions(vec![1, 2]));
        assert_eq!(NoneMatch::of("*"), NoneMatch::Anything);
    }
}
