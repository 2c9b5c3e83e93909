//! Names of search parameters: code, modifier, and what a chain or a reverse chain goes on with.

use crate::fhir::definitions;

/// A name taken apart. `subject:Patient.name` is `subject` of type Patient, then `name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name<'t> {
    Plain {
        code: &'t str,
        modifier: Modifier<'t>,
    },
    /// A reference, the type that it is to when it is said, and the name of a parameter of that.
    Chain {
        code: &'t str,
        kind: Option<&'t str>,
        rest: &'t str,
    },
    /// `_has:Observation:patient:code`: a type, its reference to us, and the name of a parameter of that type.
    Has {
        kind: &'t str,
        code: &'t str,
        rest: &'t str,
    },
    Malformed,
}

/// FHIR R4 search 3.1.1.4.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Modifier<'t> {
    None,
    Missing,
    Exact,
    Contains,
    Text,
    Not,
    Above,
    Below,
    In,
    NotIn,
    OfType,
    Identifier,
    /// What a reference is to.
    Kind(&'t str),
    Unknown,
}

impl<'t> Modifier<'t> {
    fn of(text: &'t str) -> Self {
        match text {
            "missing" => Self::Missing,
            "exact" => Self::Exact,
            "contains" => Self::Contains,
            "text" => Self::Text,
            "not" => Self::Not,
            "above" => Self::Above,
            "below" => Self::Below,
            "in" => Self::In,
            "not-in" => Self::NotIn,
            "of-type" => Self::OfType,
            "identifier" => Self::Identifier,
            kind if definitions::is_resource(kind) => Self::Kind(kind),
            _ => Self::Unknown,
        }
    }
}

impl<'t> Name<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        if let Some(rest) = text.strip_prefix("_has:") {
            return Self::has(rest);
        }
        if let Some((head, rest)) = text.split_once('.') {
            let (code, kind) = head.split_once(':').map_or((head, None), |(code, kind)| (code, Some(kind)));
            return Self::Chain { code, kind, rest };
        }
        match text.split_once(':') {
            None => Self::Plain { code: text, modifier: Modifier::None },
            Some((code, modifier)) => Self::Plain { code, modifier: Modifier::of(modifier) },
        }
    }

    fn has(rest: &'t str) -> Self {
        let mut parts = rest.splitn(3, ':');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(kind), Some(code), Some(rest)) if !rest.is_empty() => Self::Has { kind, code, rest },
            _ => Self::Malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        for (text, expected) in [
            ("name", Name::Plain { code: "name", modifier: Modifier::None }),
            ("name:exact", Name::Plain { code: "name", modifier: Modifier::Exact }),
            ("subject:Patient", Name::Plain { code: "subject", modifier: Modifier::Kind("Patient") }),
            ("subject:patient", Name::Plain { code: "subject", modifier: Modifier::Unknown }),
            ("subject:Patient.name", Name::Chain { code: "subject", kind: Some("Patient"), rest: "name" }),
            ("patient.organization.name", Name::Chain { code: "patient", kind: None, rest: "organization.name" }),
            (
                "patient._has:Group:member:_id",
                Name::Chain { code: "patient", kind: None, rest: "_has:Group:member:_id" },
            ),
            ("_has:Observation:patient:code", Name::Has { kind: "Observation", code: "patient", rest: "code" }),
            (
                "_has:Observation:patient:_has:AuditEvent:entity:agent.name",
                Name::Has { kind: "Observation", code: "patient", rest: "_has:AuditEvent:entity:agent.name" },
            ),
            ("_has:Observation:patient", Name::Malformed),
            ("_has:", Name::Malformed),
        ] {
            assert_eq!(Name::of(text), expected, "{text}");
        }
    }
}
