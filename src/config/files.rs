//! What the configuration reads from the world: its file, the environment, files of secrets and certificates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::settings::{
    Admission, ClientProof, FhirClient, FhirDoor, SecretText, Settings, SigningSecrets, Target, TlsPaths, Webhook,
    WebhookLocation,
};
use super::{Diagnostic, check};
use crate::access::{BearerDigest, BearerFault, ClientSettings, JwkSetFault, KeySet, KeySource, Proof};
use crate::base::Clock;
use crate::base::ids::EndpointName;
use crate::connectors::senders::{self, BuildError, Senders, Transport};
use crate::connectors::tls::{ClientTls, Material, MaterialSource, TlsError};
use crate::connectors::webhook::{SigningSecret, SigningSecretFault, WebhookSettings, WebhookUrl, WebhookUrlFault};

/// Why the configuration, or something it names, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{path} cannot be read")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the configuration has problems")]
    Invalid(Vec<Diagnostic>),
    #[error("{path} does not hold a usable URL")]
    Url { path: PathBuf, source: WebhookUrlFault },
    #[error("{path} does not hold signing secrets, one a line")]
    Secrets { path: PathBuf, source: SigningSecretFault },
    #[error("{path} holds no signing secret")]
    NoSecrets { path: PathBuf },
    #[error("{path} does not hold a static token")]
    Token { path: PathBuf, source: BearerFault },
    #[error("{path} does not hold usable keys")]
    Keys { path: PathBuf, source: JwkSetFault },
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// The variables of the environment that concern us. The one place that reads it.
#[expect(clippy::disallowed_methods, reason = "the one reading of the environment")]
pub fn environment() -> Vec<(String, String)> {
    std::env::vars().filter(|(name, _)| name.starts_with("LOOPGATE__")).collect()
}

/// Reads and checks a file; without one, every default holds.
pub fn load(file: Option<&Path>, overrides: &[(String, String)]) -> Result<Settings, LoadError> {
    let (text, name) = match file {
        Some(path) => (read(path)?, path.display().to_string()),
        None => (String::new(), "(no file)".to_owned()),
    };
    check(&text, &name, overrides).map_err(LoadError::Invalid)
}

fn read(path: &Path) -> Result<String, LoadError> {
    std::fs::read_to_string(path).map_err(|source| LoadError::Unreadable { path: path.to_owned(), source })
}

impl SecretText {
    /// The secret itself, read from its file when it is in one.
    pub fn read(&self) -> Result<String, LoadError> {
        match self {
            Self::Inline(text) => Ok(text.reveal().clone()),
            Self::File(path) => read(path).map(|text| text.trim().to_owned()),
        }
    }
}

/// PEM files as a source of TLS material, read again at every reload.
#[derive(Clone, Debug)]
pub struct TlsFiles(pub TlsPaths);

impl MaterialSource for TlsFiles {
    fn read(&self) -> Result<Material, TlsError> {
        let part = |path: &Option<PathBuf>| path.as_deref().map(read_pem).transpose();
        let TlsPaths { certificate, key, authority } = &self.0;
        Ok(Material { certificate: part(certificate)?, key: part(key)?, authority: part(authority)? })
    }
}

fn read_pem(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Unreadable { path: path.display().to_string(), source })
}

/// The senders of all endpoints: reads what the settings name, then builds. Nothing is connected yet.
pub fn senders(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Senders, LoadError> {
    let transports: Result<Vec<_>, _> = settings.endpoints.iter().map(|endpoint| transport(&endpoint.target)).collect();
    Ok(senders::build(transports?, clock)?)
}

fn transport(target: &Target) -> Result<Transport, LoadError> {
    match target {
        Target::Mllp { sender, tls, server_name } => {
            let client = tls.as_ref().map(|paths| {
                let built = TlsFiles(paths.clone()).read().and_then(|material| ClientTls::new(&material, server_name));
                built.map_err(|source| tls_error(&sender.endpoint, source))
            });
            Ok(Transport::Mllp(sender.clone(), client.transpose()?))
        }
        Target::Webhook(webhook) => self::webhook(webhook).map(Transport::Webhook),
    }
}

fn tls_error(endpoint: &EndpointName, source: TlsError) -> BuildError {
    BuildError::Tls { endpoint: endpoint.clone(), source }
}

fn webhook(webhook: &Webhook) -> Result<WebhookSettings, LoadError> {
    let url = match &webhook.url {
        WebhookLocation::Inline(url) => url.clone(),
        WebhookLocation::File(path) => WebhookUrl::parse(read(path)?.trim(), webhook.allow_http, webhook.addresses)
            .map_err(|source| LoadError::Url { path: path.clone(), source })?,
    };
    let secrets = match &webhook.secrets {
        SigningSecrets::Inline(secrets) => secrets.clone(),
        SigningSecrets::File(path) => read_secrets(path)?,
    };
    let authority = webhook.authority.as_deref().map(read_pem).transpose();
    Ok(WebhookSettings {
        endpoint: webhook.endpoint.clone(),
        url,
        secrets,
        timeout: webhook.timeout,
        addresses: webhook.addresses,
        authority: authority.map_err(|source| tls_error(&webhook.endpoint, source))?,
    })
}

/// The clients of the FHIR door: reads the files that the settings name. None for a door that is open.
pub fn clients(door: &FhirDoor) -> Result<Option<Vec<ClientSettings>>, LoadError> {
    match &door.admission {
        Admission::Open => Ok(None),
        Admission::Clients(clients) => clients.iter().map(client).collect::<Result<_, _>>().map(Some),
    }
}

fn client(client: &FhirClient) -> Result<ClientSettings, LoadError> {
    let proof = match &client.proof {
        ClientProof::Known(proof) => proof.clone(),
        ClientProof::TokenFile(path) => {
            let digest = BearerDigest::of(read(path)?.trim());
            Proof::Bearer(digest.map_err(|source| LoadError::Token { path: path.clone(), source })?)
        }
        ClientProof::KeysFile(path) => {
            let keys = KeySet::parse(&read(path)?);
            Proof::Keys(KeySource::Given(keys.map_err(|source| LoadError::Keys { path: path.clone(), source })?))
        }
    };
    let FhirClient { id, scopes, organization, .. } = client;
    Ok(ClientSettings { name: id.clone(), proof, scopes: scopes.clone(), organization: organization.clone() })
}

fn read_secrets(path: &Path) -> Result<Vec<SigningSecret>, LoadError> {
    let text = read(path)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let secrets: Result<Vec<_>, _> = lines.map(SigningSecret::parse).collect();
    let secrets = secrets.map_err(|source| LoadError::Secrets { path: path.to_owned(), source })?;
    if secrets.is_empty() { Err(LoadError::NoSecrets { path: path.to_owned() }) } else { Ok(secrets) }
}
