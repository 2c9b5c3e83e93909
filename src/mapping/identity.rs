//! Logical ids that are derived, so that the same thing gets the same id from whatever message (DESIGN 5).
//!
//! A UUIDv5 of resource type, identifier system and identifier value. A number without a system is a number of its
//! sender alone: two hospitals both have a patient 17. What is no assigned number of one thing (a key made of
//! several fields, a number that people share) belongs to its sender too. Where a thing has no identifier, the id is
//! of the digest of the message and the place in it, so that a replay gives the same id again.

use smol_str::SmolStr;
use uuid::Uuid;

use super::mapped::Context;
use super::plan::{Choice, Preference};
use super::run::Spot;
use crate::base::Digest;
use crate::fhir::{Node, Object};

/// The name space of all ids that Loopgate derives; drawn once at random.
const NAMESPACE: Uuid = Uuid::from_u128(0x8d1f_6a52_43c7_4e0b_9f3a_51c2_7be4_90d6);

/// The logical id of the resource of this type with this business identifier. The system is empty when it has none.
pub fn logical_id(kind: &str, system: &str, value: &str) -> SmolStr {
    text(derived([kind, system, value]))
}

fn derived<const N: usize>(parts: [&str; N]) -> Uuid {
    let mut name = Vec::with_capacity(128);
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 {
            name.push(0);
        }
        name.extend_from_slice(part.as_bytes());
    }
    Uuid::new_v5(&NAMESPACE, &name)
}

/// Within which numbers without a system are the same: the facility of the sender (MSH-4), so that its systems agree;
/// without it the application (MSH-3); without both the message alone.
pub(super) struct SenderScope(String);

impl SenderScope {
    pub(super) fn of(context: &Context) -> Self {
        let (application, facility) = context.sender.split_once('|').unwrap_or((&context.sender, ""));
        Self(match (application.trim(), facility.trim()) {
            ("", "") => format!("message:{}", context.message_digest),
            (application, "") => format!("application:{application}"),
            (_, facility) => format!("facility:{facility}"),
        })
    }

    /// The logical id of the resource of this type with this number of the sender.
    pub(super) fn id(&self, kind: &str, system: &str, value: &str) -> Uuid {
        // No type of resource is empty, so that no identifier with a system gives the same name.
        derived(["", &self.0, kind, system, value])
    }
}

/// The logical id of a resource that has no business identifier.
pub(super) fn positional_id(kind: &str, message: &Digest, spot: Spot, ordinal: usize) -> Uuid {
    let mut name = Vec::with_capacity(kind.len() + 64);
    name.extend_from_slice(kind.as_bytes());
    name.push(0);
    name.extend_from_slice(&message.0);
    name.extend_from_slice(&spot.segment.to_le_bytes());
    for number in [spot.field, spot.repetition, spot.component, spot.subcomponent] {
        name.extend_from_slice(&number.to_le_bytes());
    }
    name.extend_from_slice(&(ordinal as u64).to_le_bytes());
    Uuid::new_v5(&NAMESPACE, &name)
}

/// The id as it is written.
pub(super) fn text(id: Uuid) -> SmolStr {
    let mut buffer = Uuid::encode_buffer();
    SmolStr::from(&*id.hyphenated().encode_lower(&mut buffer))
}

/// The id from the best identifier of a resource, by the preferences of its type, and which identifier that is.
pub(super) fn of_identifiers(
    kind: &str,
    object: &Object,
    preferences: &[Preference],
    scope: &SenderScope,
) -> Option<(Uuid, usize)> {
    let identifiers = object.get("identifier")?.items();
    preferences.iter().find_map(|preference| {
        let number = identifiers.iter().position(|identifier| suits(identifier, preference))?;
        let (system, value) = parts(&identifiers[number])?;
        let id = match preference.choice {
            Choice::OfSender => scope.id(kind, system, value),
            _ => number_id(kind, system, value, scope),
        };
        Some((id, number))
    })
}

/// The id that a reference by this identifier means.
pub(super) fn of_identifier(kind: &str, identifier: &Node, scope: &SenderScope) -> Option<Uuid> {
    parts(identifier).map(|(system, value)| number_id(kind, system, value, scope))
}

fn number_id(kind: &str, system: &str, value: &str, scope: &SenderScope) -> Uuid {
    if system.is_empty() { scope.id(kind, "", value) } else { derived([kind, system, value]) }
}

fn parts(identifier: &Node) -> Option<(&str, &str)> {
    let value = identifier.get("value")?.as_str()?;
    Some((identifier.get("system").and_then(Node::as_str).unwrap_or(""), value))
}

fn suits(identifier: &Node, preference: &Preference) -> bool {
    let code = identifier.text(&["type", "coding", "code"]);
    let is = |other: &SmolStr| code.is_some_and(|code| code.eq_ignore_ascii_case(other));
    identifier.get("value").is_some()
        && !preference.except.iter().any(is)
        && match &preference.choice {
            Choice::Any | Choice::OfSender => true,
            Choice::WithSystem => identifier.get("system").is_some(),
            Choice::Type(code) => is(code),
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

    fn scope(sender: &'static str) -> SenderScope {
        SenderScope::of(&Context {
            default_zone: jiff::tz::TimeZone::UTC,
            message_digest: Digest::of(b""),
            sender: SmolStr::new_static(sender),
            trace: false,
        })
    }

    #[test]
    fn a_number_without_a_system_is_one_of_its_facility() {
        let id = |sender| text(scope(sender).id("Patient", "", "17"));
        assert_eq!(id("EMR|NORTH"), id("SCHEDULING|NORTH"));
        assert_eq!(id("EMR|"), id("EMR"));
        for other in [id("EMR|SOUTH"), id("NORTH|"), id("|"), logical_id("Patient", "", "17")] {
            assert_ne!(id("EMR|NORTH"), other);
        }
    }

    #[test]
    fn the_preferred_identifier_makes_the_id() {
        let node = Node::parse(
            br#"{"identifier":[{"value":"1"},{"system":"s","value":"2"},{"type":{"coding":[{"code":"MR"}]},"value":"3"}]}"#,
        )
        .unwrap();
        let object = node.as_object().unwrap();
        let north = scope("|NORTH");
        for (preferences, expected) in [
            ("MR any", Some(text(north.id("P", "", "3")))),
            ("PI with-system", Some(logical_id("P", "s", "2"))),
            ("any", Some(text(north.id("P", "", "1")))),
            ("sender", Some(text(north.id("P", "", "1")))),
            ("PI", None),
        ] {
            let preferences: Vec<Preference> = preferences.split(' ').map(Preference::read).collect();
            assert_eq!(
                of_identifiers("P", object, &preferences, &north).map(|(id, _)| text(id)),
                expected,
                "{preferences:?}"
            );
        }
    }

    #[test]
    fn a_type_that_people_share_is_not_chosen() {
        let node = Node::parse(
            br#"{"identifier":[{"type":{"coding":[{"code":"SS"}]},"system":"s","value":"1"},{"system":"t","value":"2"}]}"#,
        )
        .unwrap();
        let north = scope("|NORTH");
        let of = |preference| {
            let preferences = [Preference::read(preference)];
            let found = of_identifiers("P", node.as_object().unwrap(), &preferences, &north);
            found.map(|(id, _)| text(id))
        };
        assert_eq!(of("with-system"), Some(logical_id("P", "s", "1")));
        assert_eq!(of("with-system except DL SS"), Some(logical_id("P", "t", "2")));
        assert_eq!(of("sender"), Some(text(north.id("P", "s", "1"))));
    }
}
