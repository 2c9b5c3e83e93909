//! From a checked tree to settings: defaults filled in, texts parsed, combinations refused.
//!
//! It goes on after a fault with a value that does no harm, so that all faults are told at once.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use smol_str::SmolStr;

use super::diagnostic::{Fault, Place};
use super::options::{self, Default, Opt, Shape};
use super::settings::{
    Endpoint, Identity, SecretText, Settings, SigningSecrets, StoreSettings, Target, TlsPaths, Webhook, WebhookLocation,
};
use super::tree::{Table, Value};
use crate::base::Phi;
use crate::base::ids::EndpointName;
use crate::base::limits;
use crate::connectors::http_client::AddressPolicy;
use crate::connectors::mllp::SenderSettings;
use crate::connectors::webhook::{SigningSecret, WebhookUrl};
use crate::telemetry::{self, LogFormat};

mod feed;
mod fhir;
mod notify;

/// A table with its options: reads values, falls back to the defaults of the options.
struct Section<'a> {
    table: Option<&'a Table>,
    options: &'static [Opt],
    place: Place,
}

impl<'a> Section<'a> {
    fn value(&self, key: &str) -> Option<&'a Value> {
        self.table?.get(key).map(|entry| &entry.value)
    }

    /// Where `key` is given; the table when it is not.
    fn place(&self, key: &str) -> Place {
        let entry = self.table.and_then(|table| table.get(key));
        entry.map_or_else(|| self.place.clone(), |entry| entry.place.clone())
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        match (self.value(key), options::find(self.options, key).default) {
            (Some(Value::Text(text)), _) => Some(text),
            (_, Default::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    fn boolean(&self, key: &str) -> bool {
        match (self.value(key), options::find(self.options, key).default) {
            (Some(Value::Boolean(truth)), _) => *truth,
            (_, Default::Boolean(truth)) => truth,
            _ => false,
        }
    }

    fn integer(&self, key: &str) -> Option<u64> {
        let number = match (self.value(key), options::find(self.options, key).default) {
            (Some(Value::Integer(number)), _) => *number,
            (_, Default::Integer(number)) => number,
            _ => return None,
        };
        u64::try_from(number).ok()
    }

    fn size(&self, key: &str) -> usize {
        self.integer(key).and_then(|number| usize::try_from(number).ok()).unwrap_or(1)
    }

    fn millis(&self, key: &str) -> Option<Duration> {
        self.integer(key).map(Duration::from_millis)
    }

    fn texts(&self, key: &str) -> Vec<SmolStr> {
        match (self.value(key), options::find(self.options, key).default) {
            (Some(Value::List(items)), _) => items.iter().filter_map(|(item, _)| as_text(item)).collect(),
            (_, Default::Texts(texts)) => texts.iter().map(|text| SmolStr::new_static(text)).collect(),
            _ => Vec::new(),
        }
    }

    fn inner(&self, key: &str) -> Section<'a> {
        let table = match self.value(key) {
            Some(Value::Table(table)) => Some(table),
            _ => None,
        };
        let options = match options::find(self.options, key).shape {
            Shape::Table(options) => options,
            _ => &[],
        };
        Section { table, options, place: self.place(key) }
    }

    fn is_given(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    fn address(&self, key: &str, faults: &mut Vec<Fault>) -> SocketAddr {
        let text = self.text(key).unwrap_or_default();
        text.parse().unwrap_or_else(|_| {
            if !text.is_empty() {
                let fault = Fault::new(&self.place(key), "bad-value", format!("`{key}` is not an address with port"));
                faults.push(fault.hint("expected an IP address and a port, such as 127.0.0.1:2575 or [::1]:2575"));
            }
            SocketAddr::from(([127, 0, 0, 1], 0))
        })
    }

    /// P10: beyond loopback only with TLS, unless the configuration says that it is dangerous.
    fn guarded_address(&self, tls: bool, faults: &mut Vec<Fault>) -> SocketAddr {
        let address = self.address("address", faults);
        if !address.ip().is_loopback() && !tls && !self.boolean("dangerous_listen_without_tls") {
            let text = format!("{address} is reachable from other machines, and there is no TLS");
            let fault = Fault::new(&self.place("address"), "open-listener", text);
            faults.push(fault.hint("add `tls`, listen on 127.0.0.1, or set `dangerous_listen_without_tls = true`"));
        }
        address
    }
}

fn as_text(value: &Value) -> Option<SmolStr> {
    match value {
        Value::Text(text) => Some(SmolStr::new(text)),
        _ => None,
    }
}

/// All settings. With faults, theirs or earlier ones, the result is not to be used.
pub fn settings(root: &Table, faults: &mut Vec<Fault>) -> Settings {
    let root = Section { table: Some(root), options: options::ROOT, place: root.place.clone() };
    let feeds = tables(&root, "feed", options::FEED).iter().map(|section| feed::feed(section, faults)).collect();
    let endpoints = tables(&root, "endpoint", options::ENDPOINT);
    let settings = Settings {
        store: store(&root.inner("store"), faults),
        telemetry: telemetry(&root, faults),
        admin_address: root.inner("admin").guarded_address(false, faults),
        identity: identity(&root.inner("identity")),
        mapping_directory: root.inner("mapping").path("directory"),
        fhir: root.is_given("fhir").then(|| fhir::door(&root, faults)).flatten(),
        feeds,
        endpoints: endpoints.iter().filter_map(|section| endpoint(section, faults)).collect(),
    };
    for key in ["feed", "endpoint"] {
        check_names(&tables(&root, key, options::FEED), key, "name", &mut HashSet::new(), faults);
    }
    settings
}

fn tables<'a>(root: &Section<'a>, key: &str, options: &'static [Opt]) -> Vec<Section<'a>> {
    let Some(Value::List(items)) = root.value(key) else { return Vec::new() };
    let sections = items.iter().filter_map(|(item, place)| match item {
        Value::Table(table) => Some(Section { table: Some(table), options, place: place.clone() }),
        _ => None,
    });
    sections.collect()
}

/// Names stand in logs, metrics and commands: one of a kind, short, and of letters that need no quoting.
fn check_names<'a>(
    sections: &[Section<'a>],
    what: &str,
    key: &str,
    taken: &mut HashSet<&'a str>,
    faults: &mut Vec<Fault>,
) {
    for section in sections {
        let Some(name) = section.text(key) else { continue };
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            let text = format!("`{key}` may hold letters, digits, `-`, `_` and `.` only");
            faults.push(Fault::new(&section.place(key), "bad-value", text));
        }
        if name.len() > limits::NAME_LENGTH_MAX {
            let text = format!("`{key}` is longer than {} characters", limits::NAME_LENGTH_MAX);
            faults.push(Fault::new(&section.place(key), "bad-value", text));
        }
        if !taken.insert(name) {
            let text = format!("there is another {what} named `{name}`");
            faults.push(Fault::new(&section.place(key), "conflict", text));
        }
    }
}

fn store(section: &Section<'_>, faults: &mut Vec<Fault>) -> StoreSettings {
    let url = match (section.text("url"), section.path("url_file")) {
        (Some(_), Some(_)) => {
            faults.push(both(section, "url", "url_file"));
            None
        }
        (Some(text), None) => {
            if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
                let fault = Fault::new(&section.place("url"), "bad-value", "`url` is not a PostgreSQL URL");
                faults.push(fault.hint("expected postgres://…; leave it out for the embedded store in `data`"));
            }
            Some(SecretText::Inline(Phi::new(text.to_owned())))
        }
        (None, file) => file.map(SecretText::File),
    };
    StoreSettings { url, data: section.path("data").unwrap_or_default() }
}

fn both(section: &Section<'_>, one: &str, other: &str) -> Fault {
    Fault::new(&section.place(other), "conflict", format!("`{one}` and `{other}` cannot both be given"))
}

fn telemetry(root: &Section<'_>, faults: &mut Vec<Fault>) -> telemetry::Settings {
    let log = root.inner("log");
    let filter = log.text("filter").unwrap_or_default().to_owned();
    if let Err(error) = telemetry::init::check_filter(&filter) {
        faults.push(Fault::new(&log.place("filter"), "bad-value", error.to_string()));
    }
    let format = match log.text("format") {
        Some("text") => LogFormat::Text,
        Some("json") => LogFormat::Json,
        _ => LogFormat::Auto,
    };
    let section = root.inner("telemetry");
    let otlp_endpoint = section.text("otlp_endpoint").map(str::to_owned);
    if otlp_endpoint.as_deref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
        let text = "`otlp_endpoint` is not a URL: expected http://host:4318";
        faults.push(Fault::new(&section.place("otlp_endpoint"), "bad-value", text));
    }
    telemetry::Settings { filter, format, otlp_endpoint }
}

fn tls_paths(section: &Section<'_>, authority: &str) -> TlsPaths {
    TlsPaths { certificate: section.path("certificate"), key: section.path("key"), authority: section.path(authority) }
}

fn endpoint(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<Endpoint> {
    let target = match section.text("kind")? {
        "mllp" => mllp(section, faults),
        "webhook" => webhook(section, faults),
        _ => None,
    };
    let notify = notify::notify(section, faults);
    target.map(|target| Endpoint { target, notify })
}

fn identity(section: &Section<'_>) -> Identity {
    let text = |key| section.text(key).unwrap_or_default().to_owned();
    Identity { application: text("application"), facility: text("facility") }
}

/// Options that mean nothing for this kind are refused, so that nobody relies on them.
fn refuse_foreign(section: &Section<'_>, kind: &str, keys: &[&str], faults: &mut Vec<Fault>) {
    for key in keys.iter().filter(|key| section.is_given(key)) {
        let text = format!("`{key}` means nothing for an endpoint of kind \"{kind}\"");
        faults.push(Fault::new(&section.place(key), "conflict", text));
    }
}

fn mllp(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<Target> {
    const FOREIGN: [&str; 6] =
        ["url", "url_file", "secrets", "secrets_file", "dangerous_allow_http", "dangerous_allow_private_addresses"];
    refuse_foreign(section, "mllp", &FOREIGN, faults);
    let Some(address) = section.text("address") else {
        faults.push(Fault::new(&section.place, "missing-option", "an endpoint of kind \"mllp\" needs `address`"));
        return None;
    };
    let mut sender = SenderSettings::new(EndpointName::new(section.text("name")?), address);
    if !address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
        let fault = Fault::new(&section.place("address"), "bad-value", "`address` is not a host with port");
        faults.push(fault.hint("expected host:port, such as interface.example:2575"));
    }
    sender.ack_timeout = section.millis("timeout_ms").unwrap_or(limits::ACK_TIMEOUT);
    sender.connections_max = section.size("connections_max");
    let inner = section.inner("tls");
    let tls = section.is_given("tls").then(|| tls_paths(&inner, "ca"));
    if tls.as_ref().is_some_and(|tls| tls.authority.is_none()) {
        faults.push(Fault::new(&section.place("tls"), "missing-option", "`tls` of an mllp endpoint needs `ca`"));
    }
    if tls.as_ref().is_some_and(|tls| tls.certificate.is_some() != tls.key.is_some()) {
        faults.push(Fault::new(&section.place("tls"), "missing-option", "`certificate` and `key` go together"));
    }
    let server_name = inner.text("server_name").unwrap_or(sender.host()).to_owned();
    Some(Target::Mllp { sender, tls, server_name })
}

fn webhook(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<Target> {
    refuse_foreign(section, "webhook", &["address", "connections_max"], faults);
    let allow_http = section.boolean("dangerous_allow_http");
    let private = section.boolean("dangerous_allow_private_addresses");
    let addresses = if private { AddressPolicy::Any } else { AddressPolicy::PublicOnly };
    let url = webhook_url(section, allow_http, addresses, faults);
    let secrets = signing_secrets(section, faults);
    Some(Target::Webhook(Webhook {
        endpoint: EndpointName::new(section.text("name")?),
        url: url?,
        secrets: secrets?,
        timeout: section.millis("timeout_ms").unwrap_or(limits::WEBHOOK_TIMEOUT),
        addresses,
        allow_http,
        authority: section.inner("tls").path("ca"),
    }))
}

fn webhook_url(
    section: &Section<'_>,
    allow_http: bool,
    addresses: AddressPolicy,
    faults: &mut Vec<Fault>,
) -> Option<WebhookLocation> {
    let fault = match (section.text("url"), section.path("url_file")) {
        (Some(_), Some(_)) => both(section, "url", "url_file"),
        (None, Some(file)) => return Some(WebhookLocation::File(file)),
        (None, None) => Fault::new(&section.place, "missing-option", "an endpoint of kind \"webhook\" needs `url`"),
        (Some(text), None) => match WebhookUrl::parse(text, allow_http, addresses) {
            Ok(url) => return Some(WebhookLocation::Inline(url)),
            Err(fault) => Fault::new(&section.place("url"), "bad-value", format!("`url`: {fault}")),
        },
    };
    faults.push(fault);
    None
}

fn signing_secrets(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<SigningSecrets> {
    let texts = section.texts("secrets");
    match (texts.is_empty(), section.path("secrets_file")) {
        (false, Some(_)) => faults.push(both(section, "secrets", "secrets_file")),
        (true, Some(file)) => return Some(SigningSecrets::File(file)),
        (true, None) => {
            let text = "an endpoint of kind \"webhook\" needs `secrets` or `secrets_file`";
            faults.push(Fault::new(&section.place, "missing-option", text));
        }
        (false, None) => match texts.iter().map(|text| SigningSecret::parse(text)).collect() {
            Ok(secrets) => return Some(SigningSecrets::Inline(secrets)),
            Err(fault) => {
                faults.push(Fault::new(&section.place("secrets"), "bad-value", format!("`secrets`: {fault}")));
            }
        },
    }
    None
}
