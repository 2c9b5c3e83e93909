//! What a feed lets in: the checks that are made on the header before a message is stored.
//!
//! A well-formed message is not refused for what it says: an unknown type is kept and set aside, unless the feed says
//! otherwise. What is refused is kept too.

use crate::base::{Issue, IssueCode, Location};
use crate::hl7v2::Header;

/// What a feed does with a type that the mapping release does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum UnknownType {
    /// Accept it, keep it, conclude it as "no mapping".
    #[default]
    Park,
    /// Refuse it (200 or 201).
    Refuse,
}

/// The rules of one feed.
#[derive(Clone, Debug)]
pub struct Rules {
    /// MSH-11.1 values that are let in; empty means all.
    pub processing_ids: Vec<String>,
    pub unknown_type: UnknownType,
}

/// Why a message is not let in, and whether it is a matter of MSH-9, 11 or 12 (AR, CR) or of content (AE, CE).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub issue: Issue,
    pub reject: bool,
}

/// Checks a header (HL7 v2.5.1 2.9.2.2: message type, processing id, version); `mapped` says whether there is a map
/// for its type.
pub fn refusal(header: &Header, rules: &Rules, mapped: bool) -> Option<Refusal> {
    let reject = |code, field, text| {
        Some(Refusal { issue: Issue::error(code, text).at(Location::field("MSH", 1, field)), reject: true })
    };
    if header.message_code.is_empty() {
        return reject(IssueCode::UnsupportedMessageType, 9, "the message type (MSH-9.1) is missing");
    }
    if !header.version.is_empty() && !header.version.starts_with('2') {
        return reject(IssueCode::UnsupportedVersion, 12, "only versions 2.1 to 2.9 are understood");
    }
    let processing_id = first_component(header);
    if !rules.processing_ids.is_empty()
        && !processing_id.is_empty()
        && !rules.processing_ids.iter().any(|accepted| accepted == processing_id)
    {
        return reject(
            IssueCode::UnsupportedProcessingId,
            11,
            "this feed does not take messages of this processing id",
        );
    }
    if !mapped && rules.unknown_type == UnknownType::Refuse {
        return reject(IssueCode::UnsupportedEvent, 9, "this feed takes only message types that it has a map for");
    }
    if header.control_id.is_empty() {
        let issue = Issue::error(
            IssueCode::RequiredMissing,
            "the control id (MSH-10) is missing: without it no acknowledgement can be matched",
        );
        return Some(Refusal { issue: issue.at(Location::field("MSH", 1, 10)), reject: true });
    }
    None
}

/// MSH-11.1.
fn first_component(header: &Header) -> &str {
    let separator = header.delimiters.component.map(char::from);
    separator.and_then(|separator| header.processing_id.split(separator).next()).unwrap_or(&header.processing_id)
}
