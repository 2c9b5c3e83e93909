//! Values as both databases keep them: issues as JSON, index entries as keys, lanes as bytes, things as partitions.

use serde_json::json;

use smol_str::format_smolstr;

use super::LaneAction;
use crate::base::{
    Digest, Issue,
    ids::{DeliveryId, MessageId, ReferralId},
    limits,
};
use crate::record::{IdentifierKey, IndexEntry, Lane, Lanes, ResourceKey, WorkItem, WorkItemKind};

/// A key of the search index: eight bytes for what kind of value it is, then the value. Values that follow each other
/// lie beside each other, so that a batch touches few pages of the index.
pub type IndexKey = Vec<u8>;

/// Longest value that stands in a key as it is; a longer one keeps its beginning and gets its digest.
const INDEX_VALUE_BYTES_MAX: usize = 48;
const INDEX_VALUE_HEAD_BYTES: usize = 32;

/// The parameter under which business identifiers are indexed.
const IDENTIFIER: &str = "identifier";

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

fn key_of(space: [&str; 3], value: &str) -> IndexKey {
    let space = Digest::of_parts(space.map(str::as_bytes));
    let value = value.as_bytes();
    let mut key = space.0[..8].to_vec();
    if value.len() <= INDEX_VALUE_BYTES_MAX {
        key.extend_from_slice(value);
    } else {
        key.extend_from_slice(&value[..INDEX_VALUE_HEAD_BYTES]);
        key.extend_from_slice(&Digest::of(value).0);
    }
    key
}

/// Keys in a row, each after its length.
pub fn pack_keys(keys: &[IndexKey]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(keys.len() * 32);
    for key in keys {
        packed.push(u8::try_from(key.len()).unwrap_or(u8::MAX));
        packed.extend_from_slice(key);
    }
    packed
}

pub fn unpack_keys(mut packed: &[u8]) -> Vec<IndexKey> {
    let mut keys = Vec::new();
    while let Some((length, rest)) = packed.split_first()
        && let Some((key, rest)) = rest.split_at_checked(usize::from(*length))
    {
        keys.push(key.to_vec());
        packed = rest;
    }
    keys
}

pub fn identifier_key(identifier: &IdentifierKey) -> IndexKey {
    key_of([&identifier.kind, IDENTIFIER, &identifier.system], &identifier.value)
}

/// The keys of a resource's index entries, sorted and without doubles.
pub fn index_keys(resource: &ResourceKey, entries: &[IndexEntry]) -> Vec<IndexKey> {
    let mut keys: Vec<IndexKey> = entries
        .iter()
        .map(|entry| match entry {
            IndexEntry::Token { parameter, system, value } => key_of([&resource.kind, parameter, system], value),
            IndexEntry::Reference { parameter, target } => {
                key_of([&resource.kind, parameter, &target.kind], &target.id)
            }
        })
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
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
    fn identifiers_are_found_under_their_token() {
        let entry = IndexEntry::Token { parameter: "identifier".into(), system: "s".into(), value: "v".into() };
        let keys = index_keys(&ResourceKey::new("Patient", "1"), &[entry.clone(), entry]);
        let wanted = IdentifierKey { kind: "Patient".into(), system: "s".into(), value: "v".into() };
        assert_eq!(keys, [identifier_key(&wanted)]);
    }

    #[test]
    fn keys_survive_packing_and_differ() {
        let values = ["", "a", &"x".repeat(48), &"x".repeat(49), &"x".repeat(500)];
        let keys: Vec<IndexKey> = values.iter().map(|value| key_of(["Patient", "identifier", "s"], value)).collect();
        assert_eq!(unpack_keys(&pack_keys(&keys)), keys);
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn lanes_survive_their_bytes() {
        let lanes = Lanes::new(Lane(-5), [Lane(7)]);
        assert_eq!(lanes_from_bytes(&lanes_to_bytes(&lanes)), lanes.as_slice());
    }
}
