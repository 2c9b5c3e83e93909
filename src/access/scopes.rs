//! What a client may do: SMART scopes of the kind `system/…`, v1 and v2 (SMART App Launch STU 2.2, "Scopes").
//!
//! A scope names a resource type or all (`*`), rights, and with v2 perhaps a restriction in the form of a search.
//! What is granted is what was asked for and is registered, each of both kept to the narrower.

use smol_str::SmolStr;

use crate::fhir::definitions;

/// What is done to resources of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interaction {
    /// Create, also by an update that makes a resource under a new id.
    Create,
    /// Read and vread, and the history of one resource.
    Read,
    /// Update and patch.
    Update,
    Delete,
    /// Search, and the histories of types and of the system.
    Search,
}

impl Interaction {
    /// In the order in which v2 scopes name them: `cruds`.
    const ALL: [(Self, u8); 5] =
        [(Self::Create, b'c'), (Self::Read, b'r'), (Self::Update, b'u'), (Self::Delete, b'd'), (Self::Search, b's')];

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// What a caller may do to resources of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    All,
    /// Only to resources that one of these finds; each is a search string without the `?`: `category=laboratory`.
    Within(Vec<SmolStr>),
    None,
}

/// A set of interactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Rights(u8);

impl Rights {
    const ALL: Self = Self(0b1_1111);

    /// A subset of `cruds`, in that order (SMART 2.2: "one or more", in order).
    fn parse_v2(text: &str) -> Option<Self> {
        let mut rest = text.bytes().peekable();
        let found = Interaction::ALL.iter().filter(|(_, letter)| rest.next_if_eq(letter).is_some());
        let bits = found.fold(0, |bits, (interaction, _)| bits | interaction.bit());
        (bits != 0 && rest.peek().is_none()).then_some(Self(bits))
    }

    /// `.read` is `rs`, `.write` is `cud`, `.*` is `cruds` (SMART 2.2, "Scopes for requesting FHIR Resources (v1)").
    fn parse_v1(text: &str) -> Option<Self> {
        match text {
            "read" => Self::parse_v2("rs"),
            "write" => Self::parse_v2("cud"),
            "*" => Some(Self::ALL),
            _ => None,
        }
    }

    const fn permits(self, interaction: Interaction) -> bool {
        self.0 & interaction.bit() != 0
    }
}

impl std::fmt::Display for Rights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let letters = Interaction::ALL.iter().filter(|(interaction, _)| self.permits(*interaction));
        letters.map(|(_, letter)| char::from(*letter)).try_for_each(|letter| write!(f, "{letter}"))
    }
}

/// One scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Scope {
    /// The resource type; none is every type.
    kind: Option<SmolStr>,
    rights: Rights,
    /// A search string without the `?`.
    restriction: Option<SmolStr>,
}

/// Why a text is no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeFault {
    #[error("a scope of a backend client begins with `system/`")]
    Context,
    #[error("the resource type is not one of FHIR R4, nor `*`")]
    Kind,
    #[error("the rights are not `read`, `write` or `*`, nor some of `cruds` in that order")]
    Rights,
    #[error("a restriction is a search string behind the rights of a v2 scope: `.rs?category=laboratory`")]
    Restriction,
}

impl Scope {
    fn parse(text: &str) -> Result<Self, ScopeFault> {
        let (kind, rights) =
            text.strip_prefix("system/").ok_or(ScopeFault::Context)?.split_once('.').ok_or(ScopeFault::Rights)?;
        let kind = match kind {
            "*" => None,
            kind => Some(SmolStr::new_static(definitions::resource(kind).ok_or(ScopeFault::Kind)?)),
        };
        if let Some(rights) = Rights::parse_v1(rights) {
            return Ok(Self { kind, rights, restriction: None });
        }
        let (rights, restriction) =
            rights.split_once('?').map_or((rights, None), |(rights, restriction)| (rights, Some(restriction)));
        let rights = Rights::parse_v2(rights).ok_or(ScopeFault::Rights)?;
        if restriction.is_some_and(|text| !text.contains('=') || text.starts_with('=')) {
            return Err(ScopeFault::Restriction);
        }
        Ok(Self { kind, rights, restriction: restriction.map(SmolStr::new) })
    }

    fn covers(&self, kind: &str, interaction: Interaction) -> bool {
        self.kind.as_deref().is_none_or(|own| own == kind) && self.rights.permits(interaction)
    }

    /// What both allow; none when that is nothing. Two restrictions both hold.
    fn and(&self, other: &Self) -> Option<Self> {
        let kind = match (&self.kind, &other.kind) {
            (Some(one), Some(two)) if one != two => return None,
            (one, two) => one.clone().or_else(|| two.clone()),
        };
        let rights = Rights(self.rights.0 & other.rights.0);
        let restriction = match (&self.restriction, &other.restriction) {
            (Some(one), Some(two)) if one != two => Some(SmolStr::from(format!("{one}&{two}"))),
            (one, two) => one.clone().or_else(|| two.clone()),
        };
        (rights.0 != 0).then_some(Self { kind, rights, restriction })
    }

    /// Whether all that `other` allows is allowed by this one.
    fn includes(&self, other: &Self) -> bool {
        (self.kind.is_none() || self.kind == other.kind)
            && (self.restriction.is_none() || self.restriction == other.restriction)
            && self.rights.0 & other.rights.0 == other.rights.0
    }
}

impl std::fmt::Display for Scope {
    /// In the form of v2, whichever it was written in.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "system/{}.{}", self.kind.as_deref().unwrap_or("*"), self.rights)?;
        self.restriction.iter().try_for_each(|restriction| write!(f, "?{restriction}"))
    }
}

/// What a client may do, over all types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Every interaction with every type.
    pub fn all() -> Self {
        Self(vec![Scope { kind: None, rights: Rights::ALL, restriction: None }])
    }

    /// Registered scopes: each must be one. The fault comes with the number of the scope that has it.
    pub fn registered<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, (usize, ScopeFault)> {
        let scopes = texts.into_iter().enumerate().map(|(at, text)| Scope::parse(text).map_err(|fault| (at, fault)));
        scopes.collect::<Result<Vec<_>, _>>().map(Self)
    }

    /// Scopes asked for, apart by blanks: what is none of ours asks for nothing we could grant (RFC 6749 3.3).
    pub fn asked(text: &str) -> Self {
        Self(text.split(' ').filter_map(|text| Scope::parse(text).ok()).collect())
    }

    /// What both allow. What another scope includes is left out.
    pub fn and(&self, other: &Self) -> Self {
        let pairs = self.0.iter().flat_map(|one| other.0.iter().filter_map(|two| one.and(two)));
        let mut kept: Vec<Scope> = Vec::new();
        for scope in pairs {
            if !kept.iter().any(|other| other.includes(&scope)) {
                kept.retain(|other| !scope.includes(other));
                kept.push(scope);
            }
        }
        Self(kept)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What may be done to resources of type `kind`.
    pub fn permit(&self, kind: &str, interaction: Interaction) -> Permission {
        let mut restrictions = Vec::new();
        for scope in self.0.iter().filter(|scope| scope.covers(kind, interaction)) {
            match &scope.restriction {
                Some(restriction) => restrictions.push(restriction.clone()),
                None => return Permission::All,
            }
        }
        if restrictions.is_empty() { Permission::None } else { Permission::Within(restrictions) }
    }

    /// Whether every type is open to this interaction, as for a search over all types and the bulk export of a system.
    pub fn permit_every_kind(&self, interaction: Interaction) -> bool {
        self.0
            .iter()
            .any(|scope| scope.kind.is_none() && scope.restriction.is_none() && scope.rights.permits(interaction))
    }
}

impl std::fmt::Display for Scopes {
    /// In the form of v2, apart by blanks.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, scope) in self.0.iter().enumerate() {
            write!(f, "{}{scope}", if at == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> Scopes {
        Scopes::registered(text.split(' ').filter(|text| !text.is_empty())).unwrap()
    }

    #[test]
    fn scopes_of_both_versions_are_read() {
        let check =
            |text: &str| Scopes::registered([text]).map(|scopes| scopes.to_string()).map_err(|(_, fault)| fault);
        for (text, expected) in [
            ("system/Patient.read", Ok("system/Patient.rs")),
            ("system/Patient.write", Ok("system/Patient.cud")),
            ("system/*.*", Ok("system/*.cruds")),
            ("system/*.rs", Ok("system/*.rs")),
            ("system/Encounter.cud", Ok("system/Encounter.cud")),
            ("system/Observation.rs?category=laboratory", Ok("system/Observation.rs?category=laboratory")),
            ("system/Observation.s?a=b?c&d=e", Ok("system/Observation.s?a=b?c&d=e")),
            ("user/Patient.rs", Err(ScopeFault::Context)),
            ("Patient.rs", Err(ScopeFault::Context)),
            ("system/Human.rs", Err(ScopeFault::Kind)),
            ("system/patient.rs", Err(ScopeFault::Kind)),
            ("system/HumanName.rs", Err(ScopeFault::Kind)),
            ("system/.rs", Err(ScopeFault::Kind)),
            ("system/Patient", Err(ScopeFault::Rights)),
            ("system/Patient.", Err(ScopeFault::Rights)),
            ("system/Patient.sr", Err(ScopeFault::Rights)),
            ("system/Patient.rr", Err(ScopeFault::Rights)),
            ("system/Patient.rx", Err(ScopeFault::Rights)),
            ("system/Patient.READ", Err(ScopeFault::Rights)),
            ("system/Patient.read?active=true", Err(ScopeFault::Rights)),
            ("system/Patient.rs?", Err(ScopeFault::Restriction)),
            ("system/Patient.rs?active", Err(ScopeFault::Restriction)),
            ("system/Patient.rs?=true", Err(ScopeFault::Restriction)),
        ] {
            assert_eq!(check(text).as_deref(), expected.as_ref().copied(), "{text}");
        }
        assert_eq!(Scopes::registered(["system/*.rs", "x"]).err(), Some((1, ScopeFault::Context)));
    }

    #[test]
    fn what_is_granted_is_the_narrower_of_both() {
        for (registered, asked, granted) in [
            ("system/*.cruds", "system/Patient.rs", "system/Patient.rs"),
            ("system/Patient.rs", "system/*.cruds", "system/Patient.rs"),
            ("system/Patient.crs", "system/Patient.rud", "system/Patient.r"),
            ("system/Patient.cud", "system/Patient.rs", ""),
            ("system/Patient.rs", "system/Task.rs", ""),
            ("system/Patient.rs system/Task.cruds", "system/*.rs", "system/Patient.rs system/Task.rs"),
            ("system/*.rs system/Task.cruds", "system/Task.cruds", "system/Task.cruds"),
            ("system/*.rs", "system/*.rs?_tag=a", "system/*.rs?_tag=a"),
            ("system/Task.rs?a=b", "system/Task.r", "system/Task.r?a=b"),
            ("system/Task.rs?a=b", "system/*.rs?a=b", "system/Task.rs?a=b"),
            ("system/Task.rs?a=b", "system/Task.rs?c=d", "system/Task.rs?c=d&a=b"),
            ("system/Task.rs?a=b system/Task.cruds", "system/Task.rs", "system/Task.rs"),
            ("system/Patient.rs", "", ""),
            ("", "system/*.*", ""),
        ] {
            let narrower = Scopes::asked(asked).and(&scopes(registered));
            assert_eq!(narrower.to_string(), granted, "{registered} ∩ {asked}");
            assert_eq!(narrower.is_empty(), granted.is_empty());
        }
    }

    #[test]
    fn scopes_permit_interactions_with_types() {
        let granted = scopes(
            "system/Patient.rs system/Observation.rs?category=laboratory system/Observation.r?code=1 system/*.s?_tag=a",
        );
        for (kind, interaction, expected) in [
            ("Patient", Interaction::Read, Permission::All),
            ("Patient", Interaction::Search, Permission::All),
            ("Patient", Interaction::Create, Permission::None),
            ("Observation", Interaction::Read, Permission::Within(vec!["category=laboratory".into(), "code=1".into()])),
            (
                "Observation",
                Interaction::Search,
                Permission::Within(vec!["category=laboratory".into(), "_tag=a".into()]),
            ),
            ("Observation", Interaction::Delete, Permission::None),
            ("Task", Interaction::Search, Permission::Within(vec!["_tag=a".into()])),
            ("Task", Interaction::Read, Permission::None),
        ] {
            assert_eq!(granted.permit(kind, interaction), expected, "{interaction:?} {kind}");
        }
        assert!(!granted.permit_every_kind(Interaction::Search), "a restricted scope leaves some out");
        assert!(scopes("system/*.rs").permit_every_kind(Interaction::Read));
        assert!(!scopes("system/*.rs").permit_every_kind(Interaction::Update));
        for interaction in [Interaction::Create, Interaction::Update, Interaction::Delete] {
            assert_eq!(Scopes::all().permit("Patient", interaction), Permission::All);
        }
    }
}
