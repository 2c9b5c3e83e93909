//! Logical ids that are derived, so that the same thing gets the same id from whatever message (DESIGN 5).
//!
//! A UUIDv5 of resource type, identifier system and identifier value; where a thing has no identifier, of the digest
//! of the message and the place in it, so that a replay gives the same id again.

use smol_str::SmolStr;
use uuid::Uuid;

use super::plan::Preference;
use super::run::Spot;
use crate::base::Digest;
use crate::fhir::{Node, Object};

/// The name space of all ids that Loopgate derives; drawn once at random.
const NAMESPACE: Uuid = Uuid::from_u128(0x8d1f_6a52_43c7_4e0b_9f3a_51c2_7be4_90d6);

/// The logical id of the resource of this type with this business identifier. The system is empty when it has none.
pub fn logical_id(kind: &str, system: &str, value: &str) -> SmolStr {
    let mut name = Vec::with_capacity(kind.len() + system.len() + value.len() + 2);
    for part in [kind, system] {
        name.extend_from_slice(part.as_bytes());
        name.push(0);
    }
    name.extend_from_slice(value.as_bytes());
    text(Uuid::new_v5(&NAMESPACE, &name))
}

/// The logical id of a resource that has no business identifier.
pub(super) fn positional_id(kind: &str, message: &Digest, spot: Spot, ordinal: usize) -> SmolStr {
    let mut name = Vec::with_capacity(kind.len() + 64);
    name.extend_from_slice(kind.as_bytes());
    name.push(0);
    name.extend_from_slice(&message.0);
    name.extend_from_slice(&spot.segment.to_le_bytes());
    for number in [spot.field, spot.repetition, spot.component, spot.subcomponent] {
        name.extend_from_slice(&number.to_le_bytes());
    }
    name.extend_from_slice(&(ordinal as u64).to_le_bytes());
    text(Uuid::new_v5(&NAMESPACE, &name))
}

fn text(id: Uuid) -> SmolStr {
    let mut buffer = Uuid::encode_buffer();
    SmolStr::from(&*id.hyphenated().encode_lower(&mut buffer))
}

/// The id from the best identifier of a resource, by the preferences of its type.
pub(super) fn of_identifiers(kind: &str, object: &Object, preferences: &[Preference]) -> Option<SmolStr> {
    let identifiers = object.get("identifier")?.items();
    preferences.iter().find_map(|preference| {
        let chosen = identifiers.iter().find(|identifier| suits(identifier, preference))?;
        of_identifier(kind, chosen)
    })
}

pub(super) fn of_identifier(kind: &str, identifier: &Node) -> Option<SmolStr> {
    let value = identifier.get("value")?.as_str()?;
    let system = identifier.get("system").and_then(Node::as_str).unwrap_or("");
    Some(logical_id(kind, system, value))
}

fn suits(identifier: &Node, preference: &Preference) -> bool {
    let valued = identifier.get("value").is_some();
    valued
        && match preference {
            Preference::Any => true,
            Preference::WithSystem => identifier.get("system").is_some(),
            Preference::Type(code) => {
                identifier.text(&["type", "coding", "code"]).is_some_and(|found| found.eq_ignore_ascii_case(code))
            }
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_depend_on_kind_system_and_value_alone() {
        let id = logical_id("Patient", "urn:oid:1.2", "7");
        assert_eq!((id.len(), id.as_bytes()[14]), (36, b'5'));
        assert_eq!(id, logical_id("Patient", "urn:oid:1.2", "7"));
        for other in [
            logical_id("Task", "urn:oid:1.2", "7"),
            logical_id("Patient", "", "urn:oid:1.27"),
            logical_id("Patient", "urn:oid:1.27", ""),
        ] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn the_preferred_identifier_makes_the_id() {
        let node = Node::parse(
            br#"{"identifier":[{"value":"1"},{"system":"s","value":"2"},{"type":{"coding":[{"code":"MR"}]},"value":"3"}]}"#,
        )
        .unwrap();
        let object = node.as_object().unwrap();
        for (preferences, expected) in [
            (vec![Preference::Type("MR".into()), Preference::Any], Some(logical_id("P", "", "3"))),
            (vec![Preference::Type("PI".into()), Preference::WithSystem], Some(logical_id("P", "s", "2"))),
            (vec![Preference::Any], Some(logical_id("P", "", "1"))),
            (vec![Preference::Type("PI".into())], None),
        ] {
            assert_eq!(of_identifiers("P", object, &preferences), expected);
        }
    }
}
