//! What method and path mean (R4 http 3.1.0): pure and total, the same for requests and for entries of a Bundle.

use smol_str::SmolStr;

use super::query::unescape;
use super::{Cause, Fault, Method};
use crate::fhir::definitions;
use crate::record::{HistoryScope, ResourceKey};

/// One interaction of the specification, with what its path names. The query goes beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interaction {
    /// `GET metadata`.
    Capabilities,
    /// `GET openapi.json`.
    OpenApi,
    Read(ResourceKey),
    VersionRead(ResourceKey, u32),
    Update(ResourceKey),
    Patch(ResourceKey),
    Delete(ResourceKey),
    Create(&'static str),
    /// `PUT Type?criteria`.
    ConditionalUpdate(&'static str),
    ConditionalPatch(&'static str),
    ConditionalDelete(&'static str),
    History(HistoryScope),
    Search(SearchScope),
    /// A Bundle sent to the base: its type says whether it is a batch or a transaction.
    Bundle,
    /// `$name`; whether there is such an operation the table of operations knows.
    Operation(SmolStr, Level),
}

/// What a search goes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchScope {
    /// All types, or those of `_type`.
    System,
    Kind(&'static str),
    /// What belongs to a resource: members of one type, or of all.
    Compartment(ResourceKey, Option<&'static str>),
}

/// Where an operation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Level {
    System,
    Kind(&'static str),
    Instance(ResourceKey),
}

const READ: &str = "GET, HEAD";
const POST: &str = "POST";
const BASE: &str = "GET, HEAD, POST";
const INSTANCE: &str = "GET, HEAD, PUT, PATCH, DELETE";

impl Interaction {
    /// `path` is below the base, without a query and without a slash at its front; one at its end is let through.
    pub fn parse(method: Method, path: &str) -> Result<Self, Fault> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<String> = match path {
            "" => Vec::new(),
            path => path.split('/').map(|segment| unescape(segment, false)).collect::<Result<_, _>>()?,
        };
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            [] => at_base(method),
            ["metadata"] => only(method, Method::Get, READ, Self::Capabilities),
            ["openapi.json"] => only(method, Method::Get, READ, Self::OpenApi),
            ["_history"] => only(method, Method::Get, READ, Self::History(HistoryScope::System)),
            ["_search"] => only(method, Method::Post, POST, Self::Search(SearchScope::System)),
            [name] if name.starts_with('$') => operation(method, name, Level::System),
            [kind, rest @ ..] => below_kind(method, resource(kind)?, rest),
        }
    }

    /// Its name in a CapabilityStatement and in metrics (FHIR value set restful-interaction, where it is there).
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Capabilities | Self::OpenApi => "capabilities",
            Self::Read(_) => "read",
            Self::VersionRead(..) => "vread",
            Self::Update(_) | Self::ConditionalUpdate(_) => "update",
            Self::Patch(_) | Self::ConditionalPatch(_) => "patch",
            Self::Delete(_) | Self::ConditionalDelete(_) => "delete",
            Self::Create(_) => "create",
            Self::History(HistoryScope::Resource(_)) => "history-instance",
            Self::History(HistoryScope::Kind(_)) => "history-type",
            Self::History(HistoryScope::System) => "history-system",
            Self::Search(SearchScope::System) => "search-system",
            Self::Search(_) => "search-type",
            Self::Bundle => "transaction",
            Self::Operation(..) => "operation",
        }
    }
}

fn at_base(method: Method) -> Result<Interaction, Fault> {
    match method {
        Method::Get => Ok(Interaction::Search(SearchScope::System)),
        Method::Post => Ok(Interaction::Bundle),
        _ => Err(wrong_method(BASE)),
    }
}

fn below_kind(method: Method, kind: &'static str, rest: &[&str]) -> Result<Interaction, Fault> {
    match rest {
        [] => Ok(on_kind(method, kind)),
        ["_search"] => only(method, Method::Post, POST, Interaction::Search(SearchScope::Kind(kind))),
        ["_history"] => only(method, Method::Get, READ, Interaction::History(HistoryScope::Kind(kind.into()))),
        [name] if name.starts_with('$') => operation(method, name, Level::Kind(kind)),
        [id, rest @ ..] => below_instance(method, key(method, kind, id)?, rest),
    }
}

const fn on_kind(method: Method, kind: &'static str) -> Interaction {
    match method {
        Method::Get => Interaction::Search(SearchScope::Kind(kind)),
        Method::Post => Interaction::Create(kind),
        Method::Put => Interaction::ConditionalUpdate(kind),
        Method::Patch => Interaction::ConditionalPatch(kind),
        Method::Delete => Interaction::ConditionalDelete(kind),
    }
}

fn below_instance(method: Method, key: ResourceKey, rest: &[&str]) -> Result<Interaction, Fault> {
    let search = |kind| Interaction::Search(SearchScope::Compartment(key.clone(), kind));
    match rest {
        [] => on_instance(method, key),
        ["_history"] => only(method, Method::Get, READ, Interaction::History(HistoryScope::Resource(key))),
        ["_history", version] => {
            let version = version.parse().ok().filter(|version| *version > 0).ok_or_else(Fault::not_found)?;
            only(method, Method::Get, READ, Interaction::VersionRead(key, version))
        }
        ["*"] => only(method, Method::Get, READ, search(None)),
        ["_search"] => only(method, Method::Post, POST, search(None)),
        [name] if name.starts_with('$') => operation(method, name, Level::Instance(key)),
        [member] => only(method, Method::Get, READ, search(Some(resource(member)?))),
        [member, "_search"] => only(method, Method::Post, POST, search(Some(resource(member)?))),
        _ => Err(unknown_path()),
    }
}

fn on_instance(method: Method, key: ResourceKey) -> Result<Interaction, Fault> {
    Ok(match method {
        Method::Get => Interaction::Read(key),
        Method::Put => Interaction::Update(key),
        Method::Patch => Interaction::Patch(key),
        Method::Delete => Interaction::Delete(key),
        Method::Post => return Err(wrong_method(INSTANCE)),
    })
}

fn operation(method: Method, name: &str, level: Level) -> Result<Interaction, Fault> {
    match method {
        Method::Get | Method::Post | Method::Delete => Ok(Interaction::Operation(name[1..].into(), level)),
        Method::Put | Method::Patch => Err(wrong_method(BASE)),
    }
}

fn only(method: Method, expected: Method, allow: &'static str, interaction: Interaction) -> Result<Interaction, Fault> {
    if method == expected { Ok(interaction) } else { Err(wrong_method(allow)) }
}

fn resource(kind: &str) -> Result<&'static str, Fault> {
    definitions::resource(kind).ok_or_else(unknown_path)
}

/// An id that is none names nothing to read, and nothing may be written under it.
fn key(method: Method, kind: &'static str, id: &str) -> Result<ResourceKey, Fault> {
    if is_id(id) {
        return Ok(ResourceKey::new(kind, id));
    }
    match method {
        Method::Get | Method::Delete => Err(Fault::not_found()),
        _ => Err(Fault::invalid("a logical id has 1 to 64 letters, digits, `-` and `.`")),
    }
}

/// Whether a text is a logical id (R4 2.24.0.1).
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

fn unknown_path() -> Fault {
    Fault::new(Cause::NotFound, "no resource type or interaction has this path: see `metadata`")
}

/// The method does not go with what the path names.
pub fn wrong_method(allow: &'static str) -> Fault {
    Fault { allow: Some(allow), ..Fault::new(Cause::Method, format!("this path takes {allow}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> String {
        let (method, path) = line.split_once(' ').unwrap();
        match Interaction::parse(Method::of(method).unwrap(), path) {
            Ok(interaction) => format!("{interaction:?}"),
            Err(fault) => format!("{} {}", fault.status(), fault.allow.unwrap_or_default()).trim_end().to_owned(),
        }
    }

    #[test]
    fn paths_mean_interactions() {
        let key = r#"ResourceKey { kind: "Patient", id: "x" }"#;
        for (line, expected) in [
            ("GET metadata", "Capabilities".to_owned()),
            ("GET ", "Search(System)".to_owned()),
            ("POST ", "Bundle".to_owned()),
            ("POST _search", "Search(System)".to_owned()),
            ("GET _history", "History(System)".to_owned()),
            ("GET Patient", r#"Search(Kind("Patient"))"#.to_owned()),
            ("GET Patient/", r#"Search(Kind("Patient"))"#.to_owned()),
            ("POST Patient/_search", r#"Search(Kind("Patient"))"#.to_owned()),
            ("POST Patient", r#"Create("Patient")"#.to_owned()),
            ("PUT Patient", r#"ConditionalUpdate("Patient")"#.to_owned()),
            ("PATCH Patient", r#"ConditionalPatch("Patient")"#.to_owned()),
            ("DELETE Patient", r#"ConditionalDelete("Patient")"#.to_owned()),
            ("GET Patient/_history", r#"History(Kind("Patient"))"#.to_owned()),
            ("GET Patient/x", format!("Read({key})")),
            ("HEAD Patient/x", format!("Read({key})")),
            ("PUT Patient/x", format!("Update({key})")),
            ("PATCH Patient/x", format!("Patch({key})")),
            ("DELETE Patient/x", format!("Delete({key})")),
            ("GET Patient/x/_history", format!("History(Resource({key}))")),
            ("GET Patient/x/_history/3", format!("VersionRead({key}, 3)")),
            ("GET Patient/x/*", format!("Search(Compartment({key}, None))")),
            ("GET Patient/x/Task", format!("Search(Compartment({key}, Some(\"Task\")))")),
            ("POST Patient/x/Task/_search", format!("Search(Compartment({key}, Some(\"Task\")))")),
            ("GET Patient/x/$everything", format!("Operation(\"everything\", Instance({key}))")),
            ("POST Patient/%24match", r#"Operation("match", Kind("Patient"))"#.to_owned()),
            ("POST $process-message", r#"Operation("process-message", System)"#.to_owned()),
        ] {
            assert_eq!(check(line), expected, "{line}");
        }
    }

    #[test]
    fn other_paths_are_refused() {
        for (line, expected) in [
            ("GET Nobody", "404"),
            ("GET patient", "404"),
            ("GET Resource", "404"),
            ("GET Patient/x/y", "404"),
            ("GET Patient/x/_history/0", "404"),
            ("GET Patient/x/_history/a", "404"),
            ("GET Patient/x/_history/1/2", "404"),
            ("GET Patient/a_b", "404"),
            ("PUT Patient/a_b", "400"),
            ("GET Patient/%zz", "400"),
            ("PUT ", "405 GET, HEAD, POST"),
            ("POST metadata", "405 GET, HEAD"),
            ("POST Patient/x", "405 GET, HEAD, PUT, PATCH, DELETE"),
            ("DELETE Patient/x/_history", "405 GET, HEAD"),
            ("GET Patient/_search", "405 POST"),
            ("PUT $convert", "405 GET, HEAD, POST"),
        ] {
            assert_eq!(check(line), expected, "{line}");
        }
        let long = format!("PUT Patient/{}", "a".repeat(65));
        assert_eq!(check(&long), "400");
    }
}
