//! The table of options: names, types, defaults, what they mean. The check and the reference are made from it, and
//! defaults stand nowhere else.

mod fhir;

pub use fhir::CLIENT;

use fhir::FHIR;

use crate::base::limits;

/// The type of a value.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    Text,
    /// `127.0.0.1:2575`
    Address,
    Path,
    Integer {
        min: i64,
        max: i64,
    },
    Boolean,
    Choice(&'static [&'static str]),
    /// A list of strings.
    Texts,
    Table(&'static [Opt]),
    /// A list of tables: `[[feed]]`.
    Tables(&'static [Opt]),
}

impl Shape {
    /// What is expected, for diagnostics and the reference.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Address => "an address with port, as a string",
            Self::Path => "a path, as a string",
            Self::Integer { .. } => "an integer",
            Self::Boolean => "true or false",
            Self::Choice(_) => "one of a few strings",
            Self::Texts => "a list of strings",
            Self::Table(_) => "a table",
            Self::Tables(_) => "a list of tables",
        }
    }
}

/// What holds when an option is left out.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    Required,
    /// Off, or as the description says.
    Unset,
    Text(&'static str),
    Integer(i64),
    Boolean(bool),
    Texts(&'static [&'static str]),
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    pub key: &'static str,
    pub shape: Shape,
    pub default: Default,
    /// Never shown in diagnostics.
    pub secret: bool,
    pub doc: &'static str,
}

const fn opt(key: &'static str, shape: Shape, default: Default, doc: &'static str) -> Opt {
    Opt { key, shape, default, secret: false, doc }
}

const fn secret(key: &'static str, shape: Shape, doc: &'static str) -> Opt {
    Opt { key, shape, default: Default::Unset, secret: true, doc }
}

const MILLIS: Shape = Shape::Integer { min: 1, max: 3_600_000 };

/// A limit as the integer of an option. All limits are far below what an `i64` holds.
#[expect(clippy::cast_possible_wrap, reason = "limits are far below 2^63")]
const fn limit(value: usize) -> Default {
    Default::Integer(value as i64)
}

#[expect(clippy::cast_possible_truncation, reason = "durations of seconds fit easily")]
const fn millis(value: std::time::Duration) -> Default {
    Default::Integer(value.as_millis() as i64)
}

pub const ROOT: &[Opt] = &[
    opt("store", Shape::Table(STORE), Default::Unset, "Where everything is kept."),
    opt("log", Shape::Table(LOG), Default::Unset, "What is logged, and how."),
    opt("telemetry", Shape::Table(TELEMETRY), Default::Unset, "Where traces go."),
    opt("admin", Shape::Table(ADMIN), Default::Unset, "Health and metrics."),
    opt("mapping", Shape::Table(MAPPING), Default::Unset, "The mapping files."),
    opt("identity", Shape::Table(IDENTITY), Default::Unset, "How we name ourselves to partners."),
    opt(
        "fhir",
        Shape::Table(FHIR),
        Default::Unset,
        "The FHIR R4 door: a REST API below `/fhir`. Off without an `address`.",
    ),
    opt("feed", Shape::Tables(FEED), Default::Unset, "Inbound HL7 v2 over MLLP, one table for each feed."),
    opt("endpoint", Shape::Tables(ENDPOINT), Default::Unset, "Partners that are told, one table for each."),
];

const STORE: &[Opt] = &[
    secret(
        "url",
        Shape::Text,
        "PostgreSQL by URL: `postgres://user:password@host/database`. Unset: the embedded store.",
    ),
    opt("url_file", Shape::Path, Default::Unset, "A file that holds the URL, instead of `url`."),
    opt(
        "data",
        Shape::Path,
        Default::Text("loopgate-data"),
        "Directory of the embedded store. It is made when absent.",
    ),
];

const LOG: &[Opt] = &[
    opt("filter", Shape::Text, Default::Text("info"), "Directives such as `info,loopgate::connectors=debug`."),
    opt(
        "format",
        Shape::Choice(&["auto", "text", "json"]),
        Default::Text("auto"),
        "Form of a line. `auto` is text on a terminal and JSON elsewhere.",
    ),
];

const TELEMETRY: &[Opt] = &[opt(
    "otlp_endpoint",
    Shape::Text,
    Default::Unset,
    "Base URL of an OpenTelemetry collector (OTLP over HTTP): `http://127.0.0.1:4318`. Unset: no traces are sent.",
)];

const ADMIN: &[Opt] = &[
    opt(
        "address",
        Shape::Address,
        Default::Text("127.0.0.1:9575"),
        "Where `/livez`, `/readyz` and `/metrics` are served.",
    ),
    DANGEROUS_LISTEN,
];

const DANGEROUS_LISTEN: Opt = opt(
    "dangerous_listen_without_tls",
    Shape::Boolean,
    Default::Boolean(false),
    "Permits an address beyond loopback without TLS: whoever reaches it reads and writes in the clear.",
);

const IDENTITY: &[Opt] = &[
    opt("application", Shape::Text, Default::Text("LOOPGATE"), "MSH-3 of what we send."),
    opt("facility", Shape::Text, Default::Text("LOOPGATE"), "MSH-4 of what we send."),
];

const MAPPING: &[Opt] = &[opt("directory", Shape::Path, Default::Unset, "Mapping files in place of those built in.")];

/// One `[[feed]]`.
pub const FEED: &[Opt] = &[
    opt("name", Shape::Text, Default::Required, "Unique name, in logs, metrics and commands."),
    opt("address", Shape::Address, Default::Text("127.0.0.1:2575"), "Where it listens. Port 0 lets the system choose."),
    opt(
        "ack",
        Shape::Choice(&["commit", "applied"]),
        Default::Text("commit"),
        "When a message is acknowledged: `commit` once it is durable, `applied` after mapping and workflow.",
    ),
    opt(
        "on_unknown_type",
        Shape::Choice(&["park", "refuse"]),
        Default::Text("park"),
        "A message of a type without a map: `park` keeps it as \"no mapping\", `refuse` answers AR or CR.",
    ),
    opt(
        "on_control_id_reuse",
        Shape::Choice(&["flag", "refuse"]),
        Default::Text("flag"),
        "A control id that comes again with other content: `flag` processes it and tells, `refuse` answers 205.",
    ),
    opt(
        "role",
        Shape::Choice(&["placer", "filler"]),
        Default::Unset,
        "The sender's part in a referral. Unset: told from each message.",
    ),
    opt("default_charset", Shape::Text, Default::Unset, "Character set (HL7 table 0211) where MSH-18 is empty."),
    opt("default_zone", Shape::Text, Default::Unset, "Time zone of times without one: `Europe/Berlin`. Unset: UTC."),
    opt(
        "processing_ids",
        Shape::Texts,
        Default::Texts(&["P", "T", "D"]),
        "Accepted values of MSH-11.1; others are answered AR or CR with 202.",
    ),
    opt(
        "overlays",
        Shape::Texts,
        Default::Texts(&["arrival", "appointment-status"]),
        "Overlays over the mapping files, in order: the name of one built in, or the path of a file that ends in `.yaml`.",
    ),
    opt(
        "validation",
        Shape::Choice(&["off", "note", "park"]),
        Default::Text("off"),
        "Resources that are no valid FHIR: `note` stores them, and the issues with the message; `park` holds the lane.",
    ),
    opt(
        "frame_bytes_max",
        Shape::Integer { min: 1024, max: 1 << 30 },
        limit(limits::FRAME_BYTES_MAX),
        "Largest message; a larger one is answered AE or CE.",
    ),
    opt(
        "frame_read_timeout_ms",
        MILLIS,
        millis(limits::FRAME_READ_TIMEOUT),
        "Longest silence inside a message. Between messages a connection may be silent for ever.",
    ),
    opt(
        "connections_max",
        Shape::Integer { min: 1, max: 100_000 },
        limit(limits::CONNECTIONS_MAX),
        "Connections open at once; further ones wait to be accepted.",
    ),
    opt("tls", Shape::Table(LISTENER_TLS), Default::Unset, "TLS. Files are looked at for changes while running."),
    DANGEROUS_LISTEN,
];

const LISTENER_TLS: &[Opt] = &[
    opt("certificate", Shape::Path, Default::Required, "PEM file: the certificate, then its intermediates."),
    opt("key", Shape::Path, Default::Required, "PEM file: the private key."),
    opt(
        "client_ca",
        Shape::Path,
        Default::Unset,
        "PEM file: authorities of client certificates, which are then required.",
    ),
];

/// One `[[endpoint]]`.
pub const ENDPOINT: &[Opt] = &[
    opt("name", Shape::Text, Default::Required, "Unique name, in logs, metrics and commands."),
    opt("kind", Shape::Choice(&["mllp", "webhook"]), Default::Required, "HL7 v2 over MLLP, or signed JSON over HTTPS."),
    opt("address", Shape::Text, Default::Unset, "mllp: `host:port`. Required."),
    secret("url", Shape::Text, "webhook: where to POST. Required, here or in `url_file`."),
    opt("url_file", Shape::Path, Default::Unset, "webhook: a file that holds the URL."),
    secret(
        "secrets",
        Shape::Texts,
        "webhook: signing secrets `whsec_…`; all of them sign. Required, here or in `secrets_file`.",
    ),
    opt("secrets_file", Shape::Path, Default::Unset, "webhook: a file with one signing secret a line."),
    opt(
        "timeout_ms",
        MILLIS,
        Default::Unset,
        "How long the partner has to answer. Unset: 30 000 for mllp, 20 000 for webhook.",
    ),
    opt(
        "connections_max",
        Shape::Integer { min: 1, max: 64 },
        Default::Integer(1),
        "mllp: connections at once. Each carries one message at a time.",
    ),
    opt("tls", Shape::Table(SENDER_TLS), Default::Unset, "mllp: TLS. webhook: only `ca` is used."),
    opt("notify", Shape::Table(NOTIFY), Default::Unset, "What this partner is told, of which referrals. Required."),
    opt(
        "dangerous_allow_http",
        Shape::Boolean,
        Default::Boolean(false),
        "webhook: permits http to hosts other than this one.",
    ),
    opt(
        "dangerous_allow_private_addresses",
        Shape::Boolean,
        Default::Boolean(false),
        "webhook: permits loopback, private and link-local addresses.",
    ),
];

const SENDER_TLS: &[Opt] = &[
    opt("ca", Shape::Path, Default::Unset, "PEM file: authorities of the partner's certificate. Required for mllp."),
    opt("certificate", Shape::Path, Default::Unset, "PEM file: our certificate, where the partner asks for one."),
    opt("key", Shape::Path, Default::Unset, "PEM file: our private key."),
    opt(
        "server_name",
        Shape::Text,
        Default::Unset,
        "The name in the partner's certificate. Unset: the host of `address`.",
    ),
];

const NOTIFY: &[Opt] = &[
    opt(
        "facilities",
        Shape::Texts,
        Default::Texts(&[]),
        "Of referrals sent by these facilities (MSH-4). Empty: of any.",
    ),
    opt(
        "senders",
        Shape::Texts,
        Default::Texts(&[]),
        "Of referrals sent by these systems, `application|facility` (MSH-3 and MSH-4). Empty: of any.",
    ),
    opt(
        "authorities",
        Shape::Texts,
        Default::Texts(&[]),
        "Of referrals whose number is of these systems, by URI. Empty: of any. Of the three lists, those given must all hold.",
    ),
    opt(
        "all_referrals",
        Shape::Boolean,
        Default::Boolean(false),
        "Of every referral, whoever sent it. One of the three lists or this is required: what is sent holds patient data.",
    ),
    opt(
        "events",
        Shape::Texts,
        Default::Texts(&[]),
        "Only these events: `accepted`, `scheduled`, `no-show` … Empty: all but `closed`.",
    ),
    opt(
        "order_status",
        Shape::Table(ORDER_STATUS),
        Default::Unset,
        "mllp: ORC-1 and ORC-5 of the OSU for each event, where this partner wants others.",
    ),
];

/// ORC-1 and ORC-5 by the name of the announcement. An event that travels as SIU or ORU travels as OSU when given here.
pub const ORDER_STATUS: &[Opt] = &[
    pair("received", "mllp: ORC-1/ORC-5 of this event. Unset: `RR/`."),
    pair("accepted", "Likewise. Unset: `OK/IP`."),
    pair("declined", "Likewise. Unset: `UA/CA`."),
    pair("need-information", "Likewise. Unset: `SC/HD`."),
    pair("scheduled", "Likewise. Unset: told as SIU."),
    pair("rescheduled", "Likewise. Unset: told as SIU."),
    pair("appointment-cancelled", "Likewise. Unset: told as SIU."),
    pair("no-show", "Likewise. Unset: told as SIU."),
    pair("seen", "Likewise. Unset: `SC/A`."),
    pair("interim-report", "Likewise. Unset: told as ORU, without a document `SC/A`."),
    pair("report", "Likewise. Unset: told as ORU, without a document `SC/CM`."),
    pair("cancelled", "Likewise. Unset: `CR/CA`."),
    pair("cancellation-refused", "Likewise. Unset: `UC/IP`."),
    pair("failed", "Likewise. Unset: `OD/DC`."),
    pair("expired", "Likewise. Unset: `OC/CA`."),
    pair("closed", "Likewise. Unset: not told."),
];

const fn pair(key: &'static str, doc: &'static str) -> Opt {
    opt(key, Shape::Text, Default::Unset, doc)
}

/// The option `key` of a table. Asking for one that is not there is a mistake of ours.
pub fn find(options: &'static [Opt], key: &str) -> &'static Opt {
    options.iter().find(|option| option.key == key).expect("every key that is read stands in the table")
}

/// The reference page: `docs/reference/configuration.md`.
pub fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    for option in ROOT {
        let (head, inner) = match option.shape {
            Shape::Table(inner) => (format!("`[{}]`", option.key), inner),
            Shape::Tables(inner) => (format!("`[[{}]]`", option.key), inner),
            _ => continue,
        };
        page.push_str(&section_head(&head, option.doc));
        push_rows(&mut page, inner, "");
        for list in inner {
            let Shape::Tables(rows) = list.shape else { continue };
            page.push_str(&section_head(&format!("`[[{}.{}]]`", option.key, list.key), list.doc));
            push_rows(&mut page, rows, "");
        }
    }
    page
}

fn section_head(head: &str, doc: &str) -> String {
    format!("\n## {head}\n\n{doc}\n\n| option | type | default | meaning |\n| --- | --- | --- | --- |\n")
}

const INTRODUCTION: &str = "# Configuration

<!-- Generated from src/config/options.rs by `UPDATE_REFERENCE=1 cargo test --lib config::`. Do not edit. -->

One TOML file. Unknown options are errors; `loopgate check` reports every problem at once with its place. Without a file every default holds.

Each option can be overridden by an environment variable: `LOOPGATE__SECTION__KEY`, for the tables of a list with their number counted from 0 (`LOOPGATE__FEED__0__ADDRESS`). A list of strings is given with commas. Options ending in `_file` name a file that holds the secret, for secrets mounted by the platform.
";

fn push_rows(page: &mut String, options: &[Opt], path: &str) {
    for option in options {
        if let Shape::Table(inner) = option.shape {
            push_rows(page, inner, &format!("{path}{}.", option.key));
            continue;
        }
        let kind = match option.shape {
            Shape::Choice(choices) => super::validate::quoted(choices).replace('"', "`"),
            shape => shape.describe().to_owned(),
        };
        let default = describe_default(option.default);
        let cells = [
            "",
            &format!(" `{path}{}` ", option.key),
            &format!(" {kind} "),
            &format!(" {default} "),
            &format!(" {} ", option.doc.replace('|', "\\|")),
            "\n",
        ];
        page.push_str(&cells.join("|"));
    }
}

fn describe_default(default: Default) -> String {
    match default {
        Default::Required => "required".to_owned(),
        Default::Unset => "unset".to_owned(),
        Default::Text(text) => format!("`\"{text}\"`"),
        Default::Integer(number) => format!("`{number}`"),
        Default::Boolean(truth) => format!("`{truth}`"),
        Default::Texts(texts) => format!("`[{}]`", super::validate::quoted(texts)),
    }
}
