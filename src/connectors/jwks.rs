//! Public keys that clients of the FHIR door publish: fetched by URL, bounded in size and time, without redirects.
//!
//! The URL is one of the configuration: nobody from outside makes the gateway fetch another one. What is fetched is
//! judged by `access`.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use reqwest::header::{AGE, CACHE_CONTROL, HeaderMap};
use reqwest::{Client, Response, Url};

use super::http_client::{self, AddressPolicy, ClientError};
use crate::access::{FetchedJwks, JwksFault, JwksSource};
use crate::base::limits::{JWKS_FETCH_TIMEOUT, RESPONSE_BYTES_MAX};

/// JWK Sets over HTTPS.
pub struct JwksClient(Client);

impl JwksClient {
    /// Clients of a gateway are partners, often in the same private network: internal addresses are not refused.
    pub fn new() -> Result<Self, ClientError> {
        http_client::build(AddressPolicy::Any, None).map(Self)
    }

    async fn get(&self, url: &str) -> Result<FetchedJwks, JwksFault> {
        if !is_fetchable(url) {
            return Err(JwksFault("the URL is neither https nor http to this machine".to_owned()));
        }
        let request = self.0.get(url).header("accept", "application/json").timeout(JWKS_FETCH_TIMEOUT);
        let response = request.send().await.map_err(|error| JwksFault(reason(&error).to_owned()))?;
        let status = response.status();
        if !status.is_success() {
            return Err(JwksFault(format!("the server answered {}", status.as_u16())));
        }
        let max_age = max_age(response.headers());
        Ok(FetchedJwks { text: text(response).await?, max_age })
    }
}

impl JwksSource for JwksClient {
    fn fetch<'a>(&'a self, url: &'a str) -> Pin<Box<dyn Future<Output = Result<FetchedJwks, JwksFault>> + Send + 'a>> {
        Box::pin(self.get(url))
    }
}

/// Whether keys may be fetched from this URL: https, or http to this machine.
pub fn is_fetchable(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let has_password = !url.username().is_empty() || url.password().is_some();
    !has_password && (url.scheme() == "https" || (url.scheme() == "http" && is_here))
}

/// What went wrong, without the URL.
fn reason(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "the server did not answer in time"
    } else if error.is_connect() {
        "no connection to the server, or no TLS that can be believed"
    } else {
        "the exchange with the server broke off"
    }
}

async fn text(mut response: Response) -> Result<String, JwksFault> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| JwksFault(reason(&error).to_owned()))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > RESPONSE_BYTES_MAX {
            return Err(JwksFault(format!("the answer is larger than {RESPONSE_BYTES_MAX} bytes")));
        }
    }
    String::from_utf8(bytes).map_err(|_| JwksFault("the answer is not UTF-8".to_owned()))
}

/// How long an answer may be used (RFC 9111 5.2.2): `max-age` less the age that it has, nothing where keeping it is
/// forbidden, unknown where nothing is said.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).into_iter().filter_map(|value| value.to_str().ok());
    let directives: Vec<String> =
        values.flat_map(|value| value.split(',')).map(|one| one.trim().to_lowercase()).collect();
    if directives.iter().any(|one| one == "no-store" || one == "no-cache" || one.starts_with("no-cache=")) {
        return Some(Duration::ZERO);
    }
    let written = directives.iter().find_map(|one| one.strip_prefix("max-age="))?;
    let seconds = written.trim_matches('"').parse().unwrap_or(0);
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()).and_then(|age| age.parse().ok()).unwrap_or(0);
    Some(Duration::from_secs(seconds).saturating_sub(Duration::from_secs(age)))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn keys_come_by_https_or_from_this_machine() {
        for url in ["https://clinic.example/jwks", "http://127.0.0.1:9/j", "http://[::1]/j", "http://localhost/j"] {
            assert!(is_fetchable(url), "{url}");
        }
        for url in [
            "http://clinic.example/jwks",
            "http://localhost.example/j",
            "http://10.0.0.1/j",
            "ftp://127.0.0.1/j",
            "file:///etc/passwd",
            "https://user:secret@clinic.example/j",
            "clinic.example/jwks",
            "",
        ] {
            assert!(!is_fetchable(url), "{url}");
        }
    }

    #[test]
    fn the_time_of_use_is_what_cache_control_leaves() {
        let check = |fields: &[(&'static str, &str)]| {
            let pairs = fields.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap()));
            max_age(&pairs.collect::<HeaderMap>()).map(|age| age.as_secs())
        };
        for (value, expected) in [
            ("max-age=60", Some(60)),
            ("public, Max-Age=60, must-revalidate", Some(60)),
            ("max-age=60, no-store", Some(0)),
            ("no-cache", Some(0)),
            ("max-age=soon", Some(0)),
            ("public", None),
        ] {
            assert_eq!(check(&[("cache-control", value)]), expected, "{value}");
        }
        assert_eq!(check(&[]), None);
        assert_eq!(check(&[("cache-control", "max-age=60"), ("age", "50")]), Some(10));
        assert_eq!(check(&[("cache-control", "max-age=60"), ("age", "70")]), Some(0));
    }

    /// A server that gives one answer; what the client makes of it.
    async fn fetched(head: &str, body: &str) -> Result<FetchedJwks, JwksFault> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let answer = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).await.unwrap();
            assert!(request[..length].starts_with(b"GET /jwks.json HTTP/1.1\r\n"));
            // A client that has read enough may be gone before the end.
            let _ = stream.write_all(answer.as_bytes()).await;
        });
        let fetched = JwksClient::new().unwrap().fetch(&url).await;
        serving.await.unwrap();
        fetched
    }

    #[tokio::test]
    async fn a_key_set_is_fetched_within_bounds() {
        let good = fetched("200 OK\r\ncache-control: max-age=60", "{}").await;
        assert_eq!(good, Ok(FetchedJwks { text: "{}".to_owned(), max_age: Some(Duration::from_mins(1)) }));
        let refused = |why: &str| Err(JwksFault(why.to_owned()));
        assert_eq!(fetched("404 Not Found", "").await, refused("the server answered 404"));
        let elsewhere = fetched("302 Found\r\nlocation: http://127.0.0.1:1/", "").await;
        assert_eq!(elsewhere, refused("the server answered 302"), "redirects are not followed");
        let large = fetched("200 OK", &"x".repeat(RESPONSE_BYTES_MAX + 1)).await;
        assert_eq!(large, refused("the answer is larger than 65536 bytes"));
        let forbidden = JwksClient::new().unwrap().fetch("http://clinic.example/jwks").await;
        assert_eq!(forbidden, refused("the URL is neither https nor http to this machine"));
    }
}
