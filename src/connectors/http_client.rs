//! The HTTP client of senders: no redirects, no proxies from the environment, TLS 1.2 at least, and no way to internal
//! addresses unless the configuration says so.
//!
//! Addresses are judged after DNS resolution, where the connection is made: a public name that resolves to an internal
//! address gets nowhere (STANDARDS 5.6, "SSRF").

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client};

use crate::base::limits::CONNECT_TIMEOUT;

/// Which addresses a client may connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Only addresses of the public Internet.
    PublicOnly,
    /// Internal ones too: `dangerous_allow_private_addresses`.
    Any,
}

/// A host that is, or resolves only to, internal addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host has only private, loopback or link-local addresses")]
pub struct AddressBlocked;

/// The client cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("the authority does not parse: expected PEM with at least one certificate")]
    Authority(#[source] reqwest::Error),
    #[error("the HTTP client cannot be set up")]
    Build(#[source] reqwest::Error),
}

/// Idle connections are kept this long for the next delivery.
const POOL_IDLE: Duration = Duration::from_mins(1);

/// Builds a client. `authority` is PEM, believed beside the platform's.
pub fn build(policy: AddressPolicy, authority: Option<&[u8]>) -> Result<Client, ClientError> {
    let mut builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE)
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .user_agent(concat!("loopgate/", env!("CARGO_PKG_VERSION")));
    if policy == AddressPolicy::PublicOnly {
        builder = builder.dns_resolver(Arc::new(PublicResolver));
    }
    if let Some(pem) = authority {
        builder = builder.tls_certs_merge(Certificate::from_pem_bundle(pem).map_err(ClientError::Authority)?);
    }
    builder.build().map_err(ClientError::Build)
}

struct PublicResolver;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(AddressBlocked.into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether `error` or one of its causes is `AddressBlocked`.
pub fn is_blocked(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<AddressBlocked>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether an address belongs to the public Internet (IANA special-purpose address registries).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        // "This network", shared address space, protocol assignments, benchmarking, reserved.
        [0 | 240..=255, ..] | [100, 64..=127, ..] | [192, 0, 0, _] | [198, 18..=19, ..] => true,
        _ => address.is_multicast() || address.is_documentation() || address.is_broadcast(),
    };
    !(special || address.is_private() || address.is_loopback() || address.is_link_local())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // An IPv4 address in another coat: mapped, compatible, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0xFFFF | 0, high, low] | [0x64, 0xFF9B, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Unique local, link-local, site-local, multicast, documentation, Teredo, discard, local-use NAT64.
        [first, second, ..] => {
            let local = matches!(first, 0xFC00..=0xFDFF | 0xFE80..=0xFEFF | 0xFF00..=0xFFFF | 0x0100);
            !(local || (first == 0x2001 && matches!(second, 0x0000 | 0x0DB8)) || (first == 0x64 && second == 0xFF9B))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_addresses_are_told_from_public_ones() {
        let public = ["8.8.8.8", "100.63.0.1", "172.32.0.1", "192.0.3.1", "2606:4700::1111", "64:ff9b::808:808"];
        let internal = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:a00:1::",
            "2001:db8::1",
            "2001:0:1::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
        ];
        for text in public {
            assert!(is_public(text.parse().unwrap()), "{text} is public");
        }
        for text in internal {
            assert!(!is_public(text.parse().unwrap()), "{text} is internal");
        }
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_internal_addresses_is_blocked() {
        let client = build(AddressPolicy::PublicOnly, None).unwrap();
        let error = client.get("http://localhost:9/").send().await.unwrap_err();
        assert!(is_blocked(&error) && error.is_connect(), "{error:?}");
    }
}
