//! The configuration checked and resolved: what the composition root builds from.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use smol_str::SmolStr;

use crate::access::{Proof, Scopes};
use crate::base::Phi;
use crate::base::ids::FeedName;
use crate::connectors::http_client::AddressPolicy;
use crate::connectors::mllp::{ListenerSettings, SenderSettings};
use crate::connectors::webhook::{SigningSecret, WebhookUrl};
use crate::profile::Policy;
use crate::record::{ResourceKey, ReusePolicy};
use crate::{rest, telemetry};

/// The whole configuration.
#[derive(Clone)]
pub struct Settings {
    pub store: StoreSettings,
    pub telemetry: telemetry::Settings,
    pub admin_address: SocketAddr,
    /// Mapping files in place of those built in.
    pub mapping_directory: Option<PathBuf>,
    pub identity: Identity,
    /// None: there is no FHIR door.
    pub fhir: Option<FhirDoor>,
    pub feeds: Vec<Feed>,
    pub endpoints: Vec<Endpoint>,
}

/// How we name ourselves to partners: MSH-3 and MSH-4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub application: String,
    pub facility: String,
}

/// Where everything is kept.
#[derive(Clone)]
pub struct StoreSettings {
    /// PostgreSQL; unset: the embedded store in `data`.
    pub url: Option<SecretText>,
    pub data: PathBuf,
}

/// A secret in the configuration, or the file that holds it. Shown by nothing.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretText {
    Inline(Phi<String>),
    File(PathBuf),
}

/// When a message is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckTiming {
    /// Once durable.
    Commit,
    /// After mapping and workflow.
    Applied,
}

/// What becomes of a message of a type without a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnknownType {
    Park,
    Refuse,
}

/// The sender's part in a referral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Placer,
    Filler,
}

/// One inbound feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    pub listener: ListenerSettings,
    pub tls: Option<TlsPaths>,
    pub ack: AckTiming,
    pub on_unknown_type: OnUnknownType,
    pub on_control_id_reuse: ReusePolicy,
    pub role: Option<Role>,
    /// A code of HL7 table 0211.
    pub default_charset: Option<SmolStr>,
    /// A name of the IANA time zone database.
    pub default_zone: Option<SmolStr>,
    pub processing_ids: Vec<SmolStr>,
    /// Overlays over the mapping files, in order: names of those built in, or paths.
    pub overlays: Vec<SmolStr>,
    /// What comes of a message whose resources are no valid FHIR.
    pub validation: Policy,
}

impl Feed {
    pub fn name(&self) -> &FeedName {
        &self.listener.feed
    }
}

/// PEM files; which are present depends on the side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsPaths {
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub authority: Option<PathBuf>,
}

/// The FHIR door.
#[derive(Clone)]
pub struct FhirDoor {
    pub address: SocketAddr,
    /// As it was given, without a slash at its end; see `base_url_at`.
    pub base_url: Option<String>,
    pub tls: Option<TlsPaths>,
    pub admission: Admission,
    /// Of clients without their own.
    pub role: Option<Role>,
    pub policy: rest::Policy,
    pub validation: Policy,
    pub body_bytes_max: usize,
    pub requests_max: usize,
    pub connections_max: usize,
}

impl FhirDoor {
    /// The URL that clients know, for a port that was bound to `bound`.
    pub fn base_url_at(&self, bound: SocketAddr) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        self.base_url.clone().unwrap_or_else(|| format!("{scheme}://{bound}/fhir"))
    }

    /// The part in a referral of the client of this name.
    pub fn role_of(&self, client: &FeedName) -> Option<Role> {
        let clients = match &self.admission {
            Admission::Open => &[],
            Admission::Clients(clients) => clients.as_slice(),
        };
        clients.iter().find(|one| one.id == *client).and_then(|one| one.role).or(self.role)
    }
}

/// Who is let in at the FHIR door.
#[derive(Clone)]
pub enum Admission {
    /// Everybody, on loopback.
    Open,
    /// At least one.
    Clients(Vec<FhirClient>),
}

/// One client of the FHIR door, whose secret or keys may still be in a file.
#[derive(Clone)]
pub struct FhirClient {
    pub id: FeedName,
    pub proof: ClientProof,
    pub scopes: Scopes,
    pub organization: Option<ResourceKey>,
    pub role: Option<Role>,
}

/// How a client shows who it is.
#[derive(Clone)]
pub enum ClientProof {
    Known(Proof),
    TokenFile(PathBuf),
    KeysFile(PathBuf),
}

/// One partner that is told.
#[derive(Clone)]
pub struct Endpoint {
    pub target: Target,
    pub notify: Notify,
}

/// How a partner is reached.
#[derive(Clone)]
pub enum Target {
    Mllp { sender: SenderSettings, tls: Option<TlsPaths>, server_name: String },
    Webhook(Webhook),
}

/// A webhook whose secrets may still be in files.
#[derive(Clone)]
pub struct Webhook {
    pub endpoint: crate::base::ids::EndpointName,
    pub url: WebhookLocation,
    pub secrets: SigningSecrets,
    pub timeout: std::time::Duration,
    pub addresses: AddressPolicy,
    pub allow_http: bool,
    pub authority: Option<PathBuf>,
}

/// A URL, checked, or the file that holds it.
#[derive(Clone)]
pub enum WebhookLocation {
    Inline(WebhookUrl),
    File(PathBuf),
}

/// Signing secrets, checked, or the file that holds them.
#[derive(Clone)]
pub enum SigningSecrets {
    Inline(Vec<SigningSecret>),
    File(PathBuf),
}

/// Which referrals and which of their events a partner is told of. Of the three lists, those not empty must all hold;
/// all are empty only where the configuration says that every referral is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// MSH-4 of the referral's message; empty: any.
    pub facilities: Vec<SmolStr>,
    /// `application|facility` that sent the request; empty: any.
    pub senders: Vec<SmolStr>,
    /// Systems of the referral number; empty: any.
    pub authorities: Vec<SmolStr>,
    /// Names of announcements; empty: the default policy.
    pub events: Vec<SmolStr>,
    /// By the name of the announcement, ORC-1 and ORC-5 where they differ: `accepted = "SC/IP"`.
    pub order_status: BTreeMap<String, String>,
}

impl Endpoint {
    pub fn name(&self) -> &crate::base::ids::EndpointName {
        match &self.target {
            Target::Mllp { sender, .. } => &sender.endpoint,
            Target::Webhook(webhook) => &webhook.endpoint,
        }
    }
}
