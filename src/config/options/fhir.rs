//! The options of the FHIR door: `[fhir]` and `[[fhir.client]]`.

use super::{DANGEROUS_LISTEN, Default, LISTENER_TLS, Opt, Shape, limit, opt, secret};
use crate::base::limits;

pub const FHIR: &[Opt] = &[
    opt("address", Shape::Address, Default::Unset, "Where it listens. Unset: nowhere, there is no FHIR door."),
    opt(
        "base_url",
        Shape::Text,
        Default::Unset,
        "URL by which clients know the door, in links and as the audience of assertions: `https://gateway.example/fhir`. Unset: made from `address`.",
    ),
    opt(
        "open",
        Shape::Boolean,
        Default::Boolean(false),
        "Lets everybody read and write everything, on loopback only: for trying out. Otherwise clients are needed.",
    ),
    opt("client", Shape::Tables(CLIENT), Default::Unset, "Clients that are let in, one `[[fhir.client]]` for each."),
    opt("tls", Shape::Table(LISTENER_TLS), Default::Unset, "TLS. Files are looked at for changes while running."),
    DANGEROUS_LISTEN,
    opt(
        "role",
        ROLE,
        Default::Unset,
        "The part in a referral of clients that have no `role` of their own. Unset: told from each write.",
    ),
    opt(
        "create_as_update",
        Shape::Boolean,
        Default::Boolean(true),
        "Whether an update of an id that is not there makes the resource under that id.",
    ),
    opt(
        "conditional_delete",
        Shape::Choice(&["off", "single"]),
        Default::Text("single"),
        "Whether a delete by search is done: `single` when exactly one resource matches.",
    ),
    opt(
        "integrity",
        Shape::Choice(&["off", "enforce"]),
        Default::Text("off"),
        "References to resources of ours that are not there: `enforce` refuses them, and deletes of what is referred to.",
    ),
    opt(
        "validation",
        Shape::Choice(&["off", "note", "refuse"]),
        Default::Text("off"),
        "Resources that are no valid FHIR: `note` stores them, and the issues with the request; `refuse` answers 422.",
    ),
    opt(
        "page_size",
        Shape::Integer { min: 1, max: 10_000 },
        Default::Integer(limits::SEARCH_PAGE_DEFAULT as i64),
        "Resources of a page when the client does not say (`_count`).",
    ),
    opt(
        "page_size_max",
        Shape::Integer { min: 1, max: 10_000 },
        Default::Integer(limits::SEARCH_PAGE_MAX as i64),
        "Resources of a page at most.",
    ),
    opt(
        "body_bytes_max",
        Shape::Integer { min: 1024, max: 1 << 30 },
        limit(limits::FHIR_BODY_BYTES_MAX),
        "Largest body of a request; a larger one is answered 413.",
    ),
    opt(
        "requests_max",
        Shape::Integer { min: 1, max: 100_000 },
        limit(limits::FHIR_REQUESTS_MAX),
        "Requests under way at once; further ones are answered 429.",
    ),
    opt(
        "connections_max",
        Shape::Integer { min: 1, max: 100_000 },
        limit(limits::CONNECTIONS_MAX),
        "Connections open at once; further ones wait to be accepted.",
    ),
];

/// One `[[fhir.client]]`.
pub const CLIENT: &[Opt] = &[
    opt(
        "id",
        Shape::Text,
        Default::Required,
        "Its `client_id`, and its name in the journal, logs and metrics. Unique.",
    ),
    secret("token", Shape::Text, "Its static bearer token, 32 characters or more, made by chance."),
    opt("token_file", Shape::Path, Default::Unset, "A file that holds the token."),
    opt("jwks", Shape::Text, Default::Unset, "Its public keys for SMART Backend Services: a JWK Set as JSON text."),
    opt("jwks_file", Shape::Path, Default::Unset, "A file that holds the JWK Set."),
    opt(
        "jwks_url",
        Shape::Text,
        Default::Unset,
        "Where it publishes its JWK Set: https, or http to this machine. One of these five options is required.",
    ),
    opt(
        "scopes",
        Shape::Texts,
        Default::Required,
        "What it may do: `system/Patient.rs`, `system/Task.cruds`, `system/*.read`; SMART scopes, v1 or v2.",
    ),
    opt(
        "organization",
        Shape::Text,
        Default::Unset,
        "Its organisation, `Organization/id`: it sees only what belongs to that. Unset: everything that its scopes allow.",
    ),
    opt("role", ROLE, Default::Unset, "Its part in a referral. Unset: that of `[fhir]`."),
];

const ROLE: Shape = Shape::Choice(&["placer", "filler"]);
