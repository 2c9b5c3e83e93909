//! What a webhook sender needs to be told, and which URLs it may be told.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;

use super::SigningSecret;
use crate::base::ids::EndpointName;
use crate::connectors::http_client::{AddressPolicy, is_public};

/// One partner's webhook.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    pub endpoint: EndpointName,
    pub url: WebhookUrl,
    /// All of them sign, so that a receiver can change from one to the next (rotation).
    pub secrets: Vec<SigningSecret>,
    pub timeout: Duration,
    pub addresses: AddressPolicy,
    /// PEM of authorities believed beside the platform's.
    pub authority: Option<Vec<u8>>,
}

/// Where a webhook goes. `Debug` shows the host only: paths of webhooks hold tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

/// Why a URL is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlFault {
    #[error("expected a URL such as `https://partner.example/hooks`")]
    Syntax,
    #[error("expected https; `dangerous_allow_http = true` permits http")]
    NotHttps,
    #[error("expected a URL without user name and password")]
    Credentials,
    #[error("the host is an internal address; `dangerous_allow_private_addresses = true` permits it")]
    Internal,
}

impl WebhookUrl {
    /// Checks without resolving names. http needs no permission on this machine itself, where nobody can listen in.
    pub fn parse(text: &str, allow_http: bool, addresses: AddressPolicy) -> Result<Self, WebhookUrlFault> {
        let url = Url::parse(text).map_err(|_| WebhookUrlFault::Syntax)?;
        let host = url.host_str().ok_or(WebhookUrlFault::Syntax)?;
        let literal: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        let loopback = host == "localhost" || literal.is_some_and(|address| address.is_loopback());
        match url.scheme() {
            "https" => {}
            "http" if allow_http || loopback => {}
            "http" => return Err(WebhookUrlFault::NotHttps),
            _ => return Err(WebhookUrlFault::Syntax),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebhookUrlFault::Credentials);
        }
        let internal = loopback || literal.is_some_and(|address| !is_public(address));
        if internal && addresses == AddressPolicy::PublicOnly {
            return Err(WebhookUrlFault::Internal);
        }
        Ok(Self(url))
    }

    pub(super) fn as_url(&self) -> &Url {
        &self.0
    }
}

impl std::fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}/…", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_judged() {
        use AddressPolicy::{Any, PublicOnly};
        let cases = [
            ("https://partner.example/hooks?x=1", false, PublicOnly, None),
            ("http://partner.example/hooks", false, PublicOnly, Some(WebhookUrlFault::NotHttps)),
            ("http://partner.example/hooks", true, PublicOnly, None),
            ("http://127.0.0.1:8080/hooks", false, Any, None),
            ("http://[::1]:8080/hooks", false, Any, None),
            ("http://localhost/hooks", false, PublicOnly, Some(WebhookUrlFault::Internal)),
            ("https://10.0.0.7/hooks", false, PublicOnly, Some(WebhookUrlFault::Internal)),
            ("https://[fd00::7]/hooks", false, PublicOnly, Some(WebhookUrlFault::Internal)),
            ("https://0x7f.1/hooks", false, PublicOnly, Some(WebhookUrlFault::Internal)),
            ("https://user:pass@partner.example/", false, PublicOnly, Some(WebhookUrlFault::Credentials)),
            ("ftp://partner.example/", true, Any, Some(WebhookUrlFault::Syntax)),
            ("partner.example", true, Any, Some(WebhookUrlFault::Syntax)),
        ];
        for (text, allow_http, addresses, fault) in cases {
            assert_eq!(WebhookUrl::parse(text, allow_http, addresses).err(), fault, "{text}");
        }
    }

    #[test]
    fn debug_hides_the_path() {
        let url = WebhookUrl::parse("https://partner.example/token-9", false, AddressPolicy::PublicOnly).unwrap();
        assert_eq!(format!("{url:?}"), "https://partner.example/…");
    }
}
