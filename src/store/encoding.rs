//! Values as both databases keep them: issues as JSON, index entries as keys, lanes as bytes, things as partitions.

use serde_json::json;

use smol_str::format_smolstr;

use super::LaneAction;
use crate::base::{
    Digest, Issue,
    ids::{DeliveryId, MessageId, ReferralId},
    limits,
};
use crate::record::{IndexKey, Lane, Lanes, WorkItem, WorkItemKind};

/// `[{severity,code,at,text}]`; `at` is the place in the message or resource, or null.
pub fn issues_json(issues: &[Issue]) -> String {
    if issues.is_empty() {
        return "[]".to_owned();
    }
    let list: Vec<_> = issues
        .iter()
        .map(|issue| {
            let place = issue.location.as_ref().map(ToString::to_string);
            let at = place.or_else(|| issue.expression.as_ref().map(ToString::to_string));
            json!({ "severity": issue.severity.as_fhir(), "code": issue.code.as_str(), "at": at, "text": issue.text })
        })
        .collect();
    serde_json::Value::Array(list).to_string()
}

/// The texts of stored issues, for a person.
pub fn issue_texts(json: &str) -> String {
    let list: Vec<serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
    let texts: Vec<&str> = list.iter().filter_map(|issue| issue.get("text")?.as_str()).collect();
    texts.join("; ")
}

/// Keys in a row, each after its length.
pub fn pack_keys(keys: &[IndexKey]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(keys.len() * 32);
    for key in keys {
        packed.extend_from_slice(&u16::try_from(key.0.len()).unwrap_or(u16::MAX).to_le_bytes());
        packed.extend_from_slice(&key.0);
    }
    packed
}

pub fn unpack_keys(packed: &[u8]) -> Vec<IndexKey> {
    packed_keys(packed).map(|key| IndexKey(key.to_vec())).collect()
}

/// The keys in a row, one by one.
pub fn packed_keys(mut packed: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = packed.split_first_chunk()?;
        let (key, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        packed = rest;
        Some(key)
    })
}

/// Characters of a word that count: what is longer is no word, and PostgreSQL keeps none beyond 2,046 bytes.
const WORD_LENGTH_MAX: usize = 100;

/// The words of a text as full text keeps and asks for them: letters and digits, in lower case, accents that stand apart
/// left out.
pub fn words(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split(|one: char| !one.is_alphanumeric() && !is_combining(one));
    let plain = |word: &str| word.chars().filter(|one| !is_combining(*one)).take(WORD_LENGTH_MAX).collect::<String>();
    parts.map(move |word| plain(word).to_lowercase()).filter(|word| !word.is_empty())
}

const fn is_combining(one: char) -> bool {
    matches!(one, '\u{300}'..='\u{36f}')
}

pub fn lanes_to_bytes(lanes: &Lanes) -> Vec<u8> {
    lanes.as_slice().iter().flat_map(|lane| lane.0.to_le_bytes()).collect()
}

pub fn lanes_from_bytes(bytes: &[u8]) -> Vec<Lane> {
    let (lanes, _) = bytes.as_chunks::<8>();
    lanes.iter().map(|lane| Lane(i64::from_le_bytes(*lane))).collect()
}

/// The kind of a stored work item.
pub fn work_item_kind(name: &str) -> Option<WorkItemKind> {
    use WorkItemKind as Kind;
    let all = [
        Kind::NotApplicable,
        Kind::UnmappedCode,
        Kind::UnknownReferral,
        Kind::Identity,
        Kind::DeadDelivery,
        Kind::Overdue,
        Kind::Parked,
        Kind::ControlIdReused,
    ];
    all.into_iter().find(|kind| kind.as_str() == name)
}

/// What people are asked about a delivery that was given up.
pub fn dead_delivery(id: DeliveryId, code: &str) -> WorkItem {
    let text = format_smolstr!(
        "delivery {id} was given up ({code}): tell the receiver another way, or mend it and send again"
    );
    WorkItem { kind: WorkItemKind::DeadDelivery, referral: None, text }
}

/// What people are asked about a message whose control id was used before with other content.
pub fn reused_control_id(id: MessageId) -> WorkItem {
    let text = format_smolstr!(
        "message {id}: its control id came before with other content: look whether its sender counts anew or repeats itself"
    );
    WorkItem { kind: WorkItemKind::ControlIdReused, referral: None, text }
}

/// The audit trail's name of what a person did with a lane.
pub const fn audit_action(action: LaneAction) -> &'static str {
    match action {
        LaneAction::Retry => "lane.retried",
        LaneAction::Release => "lane.released",
        LaneAction::Divert => "lane.diverted",
    }
}

/// The partition of a referral's timers.
pub fn referral_partition(referral: ReferralId) -> u16 {
    partition_of(referral.0.as_bytes())
}

/// The partition of a delivery: one for all of a subject, so that one replica keeps their order.
pub fn delivery_partition(subject: &str) -> u16 {
    partition_of(subject.as_bytes())
}

fn partition_of(bytes: &[u8]) -> u16 {
    let number = Digest::of(bytes).as_i64().rem_euclid(i64::from(limits::PARTITIONS));
    u16::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{IssueCode, Location};

    #[test]
    fn issues_show_place_and_text() {
        let issue = Issue::error(IssueCode::DataType, "expected a date").at(Location::field("PID", 1, 7));
        let json = issues_json(&[issue]);
        assert_eq!(json, r#"[{"at":"PID-7","code":"data-type","severity":"error","text":"expected a date"}]"#);
        assert_eq!(issue_texts(&json), "expected a date");
        assert_eq!(issue_texts(&issues_json(&[])), "");
    }

    #[test]
    fn keys_survive_packing() {
        let keys: Vec<IndexKey> = [0, 1, 48, 300].map(|length| IndexKey(vec![7; 8 + length])).into();
        assert_eq!(unpack_keys(&pack_keys(&keys)), keys);
    }

    #[test]
    fn words_are_letters_and_digits() {
        let words: Vec<String> = words("  Cafe\u{301}-au \"lait\", 2x; Ärzte").collect();
        assert_eq!(words, ["cafe", "au", "lait", "2x", "ärzte"]);
    }

    #[test]
    fn lanes_survive_their_bytes() {
        let lanes = Lanes::new(Lane(-5), [Lane(7)]);
        assert_eq!(lanes_from_bytes(&lanes_to_bytes(&lanes)), lanes.as_slice());
    }
}
