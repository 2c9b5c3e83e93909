//! The FHIR door: where it listens, who is let in, and by which policies it writes. It is never open by accident.

use std::collections::HashSet;
use std::net::SocketAddr;

use smol_str::SmolStr;

use super::feed::role;
use super::{Section, both, check_names, options, tables, tls_paths};
use crate::access::{BearerDigest, KeySet, KeySource, Proof, Scopes};
use crate::base::ids::FeedName;
use crate::config::diagnostic::Fault;
use crate::config::settings::{Admission, ClientProof, FhirClient, FhirDoor};
use crate::config::tree::Value;
use crate::connectors::jwks::is_fetchable;
use crate::profile::Policy;
use crate::record::ResourceKey;
use crate::rest::{self, Integrity};

pub(super) fn door(root: &Section<'_>, faults: &mut Vec<Fault>) -> Option<FhirDoor> {
    let section = root.inner("fhir");
    if !section.is_given("address") {
        let fault =
            Fault::new(&section.place, "missing-option", "`fhir.address` is missing: the FHIR door would be off");
        faults.push(fault.hint("set `address = \"127.0.0.1:8080\"`, or leave `[fhir]` out"));
        return None;
    }
    let tls = section.is_given("tls").then(|| tls_paths(&section.inner("tls"), "client_ca"));
    let address = section.guarded_address(tls.is_some(), faults);
    let policy = rest::Policy {
        creates_by_update: section.boolean("create_as_update"),
        conditional_delete: section.text("conditional_delete") == Some("single"),
        integrity: if section.text("integrity") == Some("enforce") { Integrity::Enforce } else { Integrity::Off },
        page_size: count(&section, "page_size"),
        page_size_max: count(&section, "page_size_max"),
    };
    let door = FhirDoor {
        address,
        base_url: base_url(&section, address, faults),
        tls,
        admission: admission(root, &section, address, faults),
        role: role(&section),
        policy,
        validation: match section.text("validation") {
            Some("refuse") => Policy::Park,
            name => name.and_then(Policy::named).unwrap_or(Policy::Off),
        },
        body_bytes_max: section.size("body_bytes_max"),
        requests_max: section.size("requests_max"),
        connections_max: section.size("connections_max"),
    };
    if policy.page_size > policy.page_size_max {
        let text = "`page_size` is larger than `page_size_max`";
        faults.push(Fault::new(&section.place("page_size"), "conflict", text));
    }
    Some(door)
}

fn count(section: &Section<'_>, key: &str) -> u32 {
    section.integer(key).and_then(|number| u32::try_from(number).ok()).unwrap_or(1)
}

/// A wildcard address is nobody's URL, so that one must be given.
fn base_url(section: &Section<'_>, address: SocketAddr, faults: &mut Vec<Fault>) -> Option<String> {
    let expected = "expected the URL that clients use, such as https://gateway.example/fhir";
    let Some(text) = section.text("base_url") else {
        if address.ip().is_unspecified() {
            let text = format!("`base_url` is missing: {address} is no URL that clients could use");
            faults.push(Fault::new(&section.place("address"), "missing-option", text).hint(expected));
        }
        return None;
    };
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |host: &str| !host.starts_with(['/', ':']) && !host.contains(['?', '#', '@', ' ']);
    if !host.is_some_and(|host| !host.is_empty() && plain(host)) {
        faults.push(Fault::new(&section.place("base_url"), "bad-value", "`base_url` is not a URL").hint(expected));
    }
    Some(text.trim_end_matches('/').to_owned())
}

/// Somebody must be named who is let in; everybody only where nobody else can come.
fn admission(root: &Section<'_>, section: &Section<'_>, address: SocketAddr, faults: &mut Vec<Fault>) -> Admission {
    let sections = tables(section, "client", options::CLIENT);
    let feeds = tables(root, "feed", options::FEED);
    let mut names: HashSet<&str> = feeds.iter().filter_map(|feed| feed.text("name")).collect();
    check_names(&sections, "client or feed", "id", &mut names, faults);
    let clients: Vec<_> = sections.iter().filter_map(|section| client(section, faults)).collect();
    let open = section.boolean("open");
    if open && !address.ip().is_loopback() {
        let text = format!("everybody who reaches {address} could read and write everything");
        let fault = Fault::new(&section.place("open"), "open-listener", text);
        faults.push(fault.hint("`open` is for loopback: listen on 127.0.0.1, or name clients as `[[fhir.client]]`"));
    }
    if open && !sections.is_empty() {
        faults.push(both(section, "client", "open"));
    }
    if !open && sections.is_empty() {
        let text = "nobody is let in at the FHIR door: there is no client";
        let fault = Fault::new(&section.place, "missing-option", text);
        faults.push(fault.hint("name clients as `[[fhir.client]]`, or on loopback set `open = true` for trying out"));
    }
    if open { Admission::Open } else { Admission::Clients(clients) }
}

fn client(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<FhirClient> {
    let (scopes, organization) = (scopes(section, faults), organization(section, faults));
    let proof = proof(section, faults)?;
    Some(FhirClient { id: FeedName::new(section.text("id")?), proof, scopes, organization, role: role(section) })
}

/// The ways to show who one is. One of them is given.
const PROOFS: [&str; 5] = ["token", "token_file", "jwks", "jwks_file", "jwks_url"];

fn proof(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<ClientProof> {
    let mut given = PROOFS.into_iter().filter(|key| section.text(key).is_some());
    let Some(key) = given.next() else {
        let fault = Fault::new(&section.place, "missing-option", "the client has neither a token nor keys");
        faults.push(fault.hint("give one of `token`, `token_file`, `jwks`, `jwks_file`, `jwks_url`"));
        return None;
    };
    if let Some(other) = given.next() {
        faults.push(both(section, key, other));
    }
    let text = section.text(key)?;
    let proof = match key {
        "token_file" => return Some(ClientProof::TokenFile(text.into())),
        "jwks_file" => return Some(ClientProof::KeysFile(text.into())),
        "token" => BearerDigest::of(text).map(Proof::Bearer).map_err(|fault| fault.to_string()),
        "jwks" => KeySet::parse(text).map(KeySource::Given).map(Proof::Keys).map_err(|fault| fault.to_string()),
        _ if is_fetchable(text) => Ok(Proof::Keys(KeySource::Url(text.to_owned()))),
        _ => Err("expected https, or http to this machine".to_owned()),
    };
    let place = section.place(key);
    proof
        .map(ClientProof::Known)
        .map_err(|why| faults.push(Fault::new(&place, "bad-value", format!("`{key}`: {why}"))))
        .ok()
}

/// Each scope is told of where it stands.
fn scopes(section: &Section<'_>, faults: &mut Vec<Fault>) -> Scopes {
    let texts = section.texts("scopes");
    if texts.is_empty() && section.is_given("scopes") {
        let fault = Fault::new(&section.place("scopes"), "bad-value", "`scopes` is empty: the client could do nothing");
        faults.push(fault.hint("expected SMART scopes, such as \"system/Patient.rs\""));
    }
    if let Some(Value::List(items)) = section.value("scopes") {
        for (item, place) in items {
            if let Value::Text(text) = item
                && let Err((_, fault)) = Scopes::registered([text.as_str()])
            {
                faults.push(Fault::new(place, "bad-value", format!("`scopes`: {fault}")));
            }
        }
    }
    Scopes::registered(texts.iter().map(SmolStr::as_str)).unwrap_or_default()
}

fn organization(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<ResourceKey> {
    let text = section.text("organization")?;
    let key = ResourceKey::from_reference(text).filter(|key| key.kind == "Organization");
    if key.is_none() {
        let fault = Fault::new(&section.place("organization"), "bad-value", "`organization` names no organisation");
        faults.push(fault.hint("expected Organization/ and the logical id of its resource"));
    }
    key
}
