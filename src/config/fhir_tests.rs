//! Configurations of the FHIR door: what is let in, and what is refused because it would be open.

use super::settings::{ClientProof, FhirDoor};
use super::*;
use crate::access::{KeySource, Proof};
use crate::base::ids::FeedName;
use crate::profile::Policy;
use crate::rest::Integrity;

const TOKEN: &str = "canary-Y2FuYXJ5LWNhbmFyeS1jYW5hcnk";

fn door(text: &str) -> Result<FhirDoor, Vec<Diagnostic>> {
    check(text, "loopgate.toml", &[]).map(|settings| settings.fhir.expect("a door"))
}

/// A door with one client of these lines.
fn with_client(lines: &str) -> String {
    format!("[fhir]\naddress = \"127.0.0.1:8080\"\n[[fhir.client]]\nid = \"emr\"\n{lines}")
}

#[test]
fn there_is_no_door_unless_it_is_asked_for() {
    assert!(check("", "f", &[]).unwrap().fhir.is_none());
}

#[test]
fn a_door_is_resolved_with_its_defaults() {
    let found = door(&with_client(&format!("token = \"{TOKEN}\"\nscopes = [\"system/*.cruds\"]"))).ok().unwrap();
    assert_eq!(found.base_url_at(found.address), "http://127.0.0.1:8080/fhir");
    assert_eq!(found.policy, crate::rest::Policy::default());
    assert_eq!((found.validation, found.role_of(&FeedName::new("emr"))), (Policy::Off, None));
    assert_eq!((found.policy.page_size, found.policy.page_size_max), (50, 1000));
    assert_eq!((found.body_bytes_max, found.requests_max, found.connections_max), (64 << 20, 512, 1024));
    let open = door("[fhir]\naddress = \"[::1]:0\"\nopen = true").ok().unwrap();
    assert!(matches!(open.admission, Admission::Open) && clients(&open).unwrap().is_none());
    assert_eq!(open.base_url_at("[::1]:4711".parse().unwrap()), "http://[::1]:4711/fhir");
}

#[test]
fn a_full_door_is_resolved() {
    let text = format!(
        r#"
[fhir]
address = "0.0.0.0:443"
base_url = "https://gateway.example/fhir/"
tls = {{ certificate = "gateway.pem", key = "gateway.key" }}
role = "filler"
create_as_update = false
conditional_delete = "off"
integrity = "enforce"
validation = "refuse"
page_size = 10

[[fhir.client]]
id = "emr"
jwks_url = "https://emr.example/jwks.json"
scopes = ["system/Task.cruds", "system/Patient.read"]
organization = "Organization/123"
role = "placer"

[[fhir.client]]
id = "billing"
token = "{TOKEN}"
scopes = ["system/*.rs"]
"#
    );
    let found = door(&text).unwrap_or_else(|faults| panic!("{}", render(&faults)));
    assert_eq!(found.base_url_at(found.address), "https://gateway.example/fhir");
    assert_eq!(found.role_of(&FeedName::new("emr")), Some(Role::Placer));
    assert_eq!(found.role_of(&FeedName::new("billing")), Some(Role::Filler));
    assert_eq!((found.policy.integrity, found.validation, found.policy.page_size), (Integrity::Enforce, Policy::Park, 10));
    assert!(!found.policy.creates_by_update && !found.policy.conditional_delete);
    let Admission::Clients(listed) = &found.admission else { panic!("clients") };
    assert!(matches!(&listed[0].proof, ClientProof::Known(Proof::Keys(KeySource::Url(_)))));
    let registered = clients(&found).unwrap().unwrap();
    assert_eq!(registered[0].scopes.to_string(), "system/Task.cruds system/Patient.rs");
    assert_eq!(registered[0].organization.as_ref().unwrap().to_string(), "Organization/123");
    assert!(matches!(registered[1].proof, Proof::Bearer(_)) && registered[1].organization.is_none());
}

#[test]
fn a_door_that_would_be_open_is_refused() {
    for (text, expected) in [
        ("[fhir]\nopen = true", "(1, 1) missing-option: `fhir.address` is missing: the FHIR door would be off"),
        (
            "[fhir]\naddress = \"127.0.0.1:1\"",
            "(1, 1) missing-option: nobody is let in at the FHIR door: there is no client",
        ),
        (
            "[fhir]\naddress = \"192.0.2.1:1\"\nopen = true\ndangerous_listen_without_tls = true",
            "(3, 8) open-listener: everybody who reaches 192.0.2.1:1 could read and write everything",
        ),
        (
            "[fhir]\naddress = \"0.0.0.0:1\"\nbase_url = \"http://a/fhir\"\n[[fhir.client]]\nid = \"a\"\nscopes = [\"system/*.rs\"]\njwks_url = \"https://a/\"",
            "(2, 11) open-listener: 0.0.0.0:1 is reachable from other machines, and there is no TLS",
        ),
    ] {
        check_one(text, expected);
    }
}

fn check_one(text: &str, expected: &str) {
    let faults = check(text, "loopgate.toml", &[]).err().unwrap_or_default();
    let told = |fault: &Diagnostic| format!("{:?} {}: {}", fault.position.unwrap(), fault.code, fault.text);
    assert_eq!(faults.iter().map(told).collect::<Vec<_>>(), [expected], "{text}");
    assert!(!render(&faults).contains("canary"), "{}", render(&faults));
}

#[test]
fn problems_of_doors_are_located() {
    let token = format!("token = \"{TOKEN}\"");
    let good = format!("{token}\nscopes = [\"system/*.rs\"]");
    for (line, expected) in [
        ("page_size = 2000", "(4, 13) conflict: `page_size` is larger than `page_size_max`"),
        ("page_size = 0", "(4, 13) bad-value: `fhir.page_size` must be from 1 to 10000"),
        ("open = true", "(4, 8) conflict: `client` and `open` cannot both be given"),
        ("base_url = \"gateway.example\"", "(4, 12) bad-value: `base_url` is not a URL"),
        ("base_url = \"https://a/fhir?x=1\"", "(4, 12) bad-value: `base_url` is not a URL"),
        ("base_url = \"https://\"", "(4, 12) bad-value: `base_url` is not a URL"),
        ("validation = \"park\"", "(4, 14) bad-value: `fhir.validation` must be one of \"off\", \"note\", \"refuse\""),
        ("adress = \"x\"", "(4, 1) unknown-option: there is no option `fhir.adress`"),
        (
            "tls = { key = \"k\" }",
            "(4, 7) missing-option: `fhir.tls.certificate` is missing: PEM file: the certificate, then its intermediates.",
        ),
    ] {
        let text = with_client(&good).replace("[[fhir", &format!("\n{line}\n[[fhir"));
        check_one(&text, expected);
    }
    let wildcard = with_client(&good).replace("127.0.0.1:8080\"", "0.0.0.0:1\"\ndangerous_listen_without_tls = true");
    check_one(&wildcard, "(2, 11) missing-option: `base_url` is missing: 0.0.0.0:1 is no URL that clients could use");
}

#[test]
fn problems_of_clients_are_located() {
    let token = format!("token = \"{TOKEN}\"");
    let scopes = "scopes = [\"system/*.rs\"]";
    for (lines, expected) in [
        (scopes.to_owned(), "(3, 1) missing-option: the client has neither a token nor keys"),
        (
            format!("{scopes}\n{token}\njwks_file = \"k\""),
            "(7, 13) conflict: `token` and `jwks_file` cannot both be given",
        ),
        (
            token.clone(),
            "(3, 1) missing-option: `fhir.client.scopes` is missing: What it may do: `system/Patient.rs`, `system/Task.cruds`, `system/*.read`; SMART scopes, v1 or v2.",
        ),
        (format!("{token}\nscopes = []"), "(6, 10) bad-value: `scopes` is empty: the client could do nothing"),
        (
            format!("{token}\nscopes = [\"system/*.rs\", \"user/Patient.rs\"]"),
            "(6, 26) bad-value: `scopes`: a scope of a backend client begins with `system/`",
        ),
        (
            format!("{token}\nscopes = [\"system/Patience.rs\"]"),
            "(6, 11) bad-value: `scopes`: the resource type is not one of FHIR R4, nor `*`",
        ),
        (format!("{scopes}\ntoken = \"canary\""), "(6, 9) bad-value: `token`: a token has at least 32 characters"),
        (
            format!("{scopes}\ntoken = \"canarycanarycanarycanarycanarycanary\""),
            "(6, 9) bad-value: `token`: a token is made by chance; this one repeats a few characters",
        ),
        (
            format!("{scopes}\njwks = \"[]\""),
            "(6, 8) bad-value: `jwks`: this is no JWK Set: expected JSON of the form {\"keys\": [...]}",
        ),
        (
            format!("{scopes}\njwks_url = \"http://emr.example/jwks\""),
            "(6, 12) bad-value: `jwks_url`: expected https, or http to this machine",
        ),
        (
            format!("{scopes}\n{token}\norganization = \"Patient/1\""),
            "(7, 16) bad-value: `organization` names no organisation",
        ),
        (
            format!("{scopes}\n{token}\n[[fhir.client]]\nid = \"emr\"\n{scopes}\njwks_file = \"k\""),
            "(8, 6) conflict: there is another client or feed named `emr`",
        ),
        (
            format!("{scopes}\n{token}\n[[feed]]\nname = \"emr\""),
            "(4, 6) conflict: there is another client or feed named `emr`",
        ),
    ] {
        check_one(&with_client(&lines), expected);
    }
    check_one(
        &with_client(&format!("{scopes}\n{token}")).replace("\"emr\"", "\"a b\""),
        "(4, 6) bad-value: `id` may hold letters, digits, `-`, `_` and `.` only",
    );
    check_one(
        &with_client(&format!("{scopes}\n{token}")).replace("emr", &"x".repeat(101)),
        "(4, 6) bad-value: `id` is longer than 100 characters",
    );
}

#[test]
fn the_environment_overrides_the_door() {
    let text = with_client(&format!("token = \"{TOKEN}\"\nscopes = [\"system/*.rs\"]"));
    let set = |name: &str, value: &str| check(&text, "f", &[(name.to_owned(), value.to_owned())]);
    assert_eq!(set("LOOPGATE__FHIR__ADDRESS", "127.0.0.1:9").unwrap().fhir.unwrap().address.port(), 9);
    let other = set("LOOPGATE__FHIR__CLIENT__0__SCOPES", "system/Task.rs, system/Patient.r").unwrap().fhir.unwrap();
    let registered = clients(&other).unwrap().unwrap();
    assert_eq!(registered[0].scopes.to_string(), "system/Task.rs system/Patient.r");
    for (name, value, code) in [
        ("LOOPGATE__FHIR__ADDRESS", "192.0.2.1:9", "open-listener"),
        ("LOOPGATE__FHIR__CLIENT__0__TOKEN", "canary", "bad-value"),
        ("LOOPGATE__FHIR__CLIENT__0__SCOPES", "system/Patient", "bad-value"),
        ("LOOPGATE__FHIR__CLIENT__1__TOKEN", "canary", "unknown-option"),
    ] {
        let faults = set(name, value).err().unwrap();
        assert_eq!((faults.len(), faults[0].code, faults[0].origin.as_str()), (1, code, name));
        assert!(!render(&faults).contains("canary"));
    }
}

#[test]
fn tokens_and_keys_are_read_from_files() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let start = |line: &str| {
        let found = door(&with_client(&format!("scopes = [\"system/*.rs\"]\n{line}"))).ok().unwrap();
        clients(&found).map(|clients| clients.unwrap().remove(0).proof)
    };
    let token = write("token", &format!("{TOKEN}\n"));
    assert!(matches!(start(&format!("token_file = \"{token}\"")), Ok(Proof::Bearer(_))));
    let short = write("short", "secret\n");
    assert!(matches!(start(&format!("token_file = \"{short}\"")), Err(LoadError::Token { .. })));
    assert!(matches!(start(&format!("jwks_file = \"{short}\"")), Err(LoadError::Keys { .. })));
    assert!(matches!(start("jwks_file = \"absent\""), Err(LoadError::Unreadable { .. })));
}
