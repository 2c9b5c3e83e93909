//! Receivers on loopback sockets that record what reaches them and answer as told.

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::base::FrozenClock;
use crate::base::ids::{DeliveryId, EndpointName};
use crate::connectors::http_client::AddressPolicy;
use crate::connectors::tls::test_material::Authority;
use crate::connectors::tls::{Material, ServerTls};
use crate::connectors::webhook::signature::{SignedHeaders, verify};
use crate::connectors::webhook::{SigningSecret, WebhookUrl};
use crate::record::{DeliveryState, Payload};

const NOW: Timestamp = Timestamp::from_micros(1_770_000_000_000_000);
const BODY: &[u8] = br#"{"type":"referral.accepted"}"#;

fn delivery() -> Delivery {
    Delivery {
        id: DeliveryId(uuid::Uuid::from_u128(7)),
        endpoint: EndpointName::new("partner"),
        subject: "r1".into(),
        sequence: 1,
        event: "referral.accepted".into(),
        payload: Payload { content_type: "application/json".into(), bytes: Bytes::from_static(BODY) },
        state: DeliveryState::Pending,
        created_at: NOW,
        due_at: NOW,
        attempts: 0,
        last_failure: SmolStr::default(),
        concluded_at: None,
    }
}

fn secrets() -> Vec<SigningSecret> {
    let texts = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"];
    texts.map(|text| SigningSecret::parse(text).unwrap()).to_vec()
}

fn sender(address: std::net::SocketAddr, timeout: Duration) -> WebhookSender {
    let url = WebhookUrl::parse(&format!("http://{address}/hooks"), false, AddressPolicy::Any).unwrap();
    let endpoint = EndpointName::new("partner");
    let addresses = AddressPolicy::Any;
    let settings = WebhookSettings { endpoint, url, secrets: secrets(), timeout, addresses, authority: None };
    WebhookSender::new(settings, Arc::new(FrozenClock::at(NOW))).unwrap()
}

/// Sends one delivery to a receiver that answers `answer`; the outcome and the request as text.
async fn exchange(answer: &str) -> (Result<Receipt, SendFailure>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sender = sender(listener.local_addr().unwrap(), Duration::from_secs(20));
    let delivery = delivery();
    let receiving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(BODY) {
            assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(request).unwrap()
    };
    tokio::join!(sender.send(&delivery), receiving)
}

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap()
}

#[tokio::test]
async fn an_attempt_is_signed_and_carries_the_delivery_id() {
    let (outcome, request) = exchange("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(outcome, Ok(Receipt("204".into())));
    assert!(request.starts_with("POST /hooks HTTP/1.1\r\n"), "{request}");
    assert_eq!(header(&request, "content-type"), "application/json");
    let headers = SignedHeaders {
        id: header(&request, "webhook-id").to_owned(),
        timestamp: header(&request, "webhook-timestamp").to_owned(),
        signature: header(&request, "webhook-signature").to_owned(),
    };
    assert_eq!(headers.id, "00000000-0000-0000-0000-000000000007");
    for secret in secrets() {
        assert_eq!(verify(&[secret], &headers, BODY, NOW), Ok(()), "each secret of a rotation verifies");
    }
}

#[tokio::test]
async fn answers_are_classified() {
    use FailureClass::{Permanent, Transient};
    let cases = [
        ("301 Moved\r\nlocation: http://127.0.0.1:1/", Permanent, "http-301", None, false),
        ("400 Bad Request", Permanent, "http-400", None, false),
        ("410 Gone", Permanent, "http-410", None, true),
        ("429 Slow\r\nretry-after: 120", Transient, "http-429", Some(120), false),
        ("500 Oops", Transient, "http-500", None, false),
        ("502 Bad", Transient, "http-502", None, false),
        ("503 Busy\r\nretry-after: Mon, 02 Feb 2026 02:50:00 GMT", Transient, "http-503", Some(600), false),
        ("504 Late\r\nretry-after: whenever", Transient, "http-504", None, false),
    ];
    for (status, class, code, retry_after, disable) in cases {
        let (outcome, _) = exchange(&format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")).await;
        let retry_after = retry_after.map(Duration::from_secs);
        assert_eq!(outcome, Err(SendFailure { class, code: code.into(), retry_after, disable }), "{status}");
    }
}

#[tokio::test]
async fn a_long_answer_is_read_up_to_the_limit_and_then_left() {
    let body = "x".repeat(RESPONSE_BYTES_MAX * 4);
    let (outcome, _) =
        exchange(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len() * 1000)).await;
    assert_eq!(outcome, Ok(Receipt("200".into())));
}

#[tokio::test]
async fn a_receiver_that_is_not_there_has_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let failure = sender(address, Duration::from_secs(20)).send(&delivery()).await.unwrap_err();
    assert_eq!((failure.class, failure.code.as_str()), (FailureClass::Transient, "connect-failed"));
}

#[tokio::test]
async fn a_receiver_that_hangs_up_or_never_answers_may_have_it() {
    for (hang_up, code) in [(true, "connection-lost"), (false, "http-timeout")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sender = sender(listener.local_addr().unwrap(), Duration::from_millis(50));
        let delivery = delivery();
        let receiving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(BODY) {
                stream.read_buf(&mut request).await.unwrap();
            }
            (!hang_up).then_some(stream)
        };
        let (outcome, _stream) = tokio::join!(sender.send(&delivery), receiving);
        let failure = outcome.unwrap_err();
        assert_eq!((failure.class, failure.code.as_str()), (FailureClass::Ambiguous, code));
    }
}

#[tokio::test]
async fn a_receiver_behind_tls_must_be_of_an_authority_that_is_believed() {
    let authority = Authority::new("Root");
    let server = ServerTls::new(Arc::new(Material { authority: None, ..authority.material("partner") })).unwrap();
    for (believed, expected) in [
        (Some(authority.believed()), None),
        (Some(Authority::new("Other").believed()), Some("connect-failed")),
        (None, Some("connect-failed")),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/hooks", listener.local_addr().unwrap().port());
        let settings = WebhookSettings {
            endpoint: EndpointName::new("partner"),
            url: WebhookUrl::parse(&url, false, AddressPolicy::Any).unwrap(),
            secrets: secrets(),
            timeout: Duration::from_secs(20),
            addresses: AddressPolicy::Any,
            authority: believed.and_then(|material| material.authority),
        };
        let sender = WebhookSender::new(settings, Arc::new(FrozenClock::at(NOW))).unwrap();
        let delivery = delivery();
        let receiving = async {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = server.accept(stream).await else { return };
            let mut request = Vec::new();
            while !request.ends_with(BODY) {
                if matches!(stream.read_buf(&mut request).await, Ok(0) | Err(_)) {
                    return;
                }
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            stream.flush().await.unwrap();
        };
        let (outcome, ()) = tokio::join!(sender.send(&delivery), receiving);
        match expected {
            None => assert_eq!(outcome, Ok(Receipt("204".into()))),
            Some(code) => {
                let failure = outcome.unwrap_err();
                assert_eq!((failure.class, failure.code.as_str()), (FailureClass::Transient, code));
            }
        }
    }
}

#[tokio::test]
async fn a_name_of_an_internal_host_is_refused_for_good() {
    let client = http_client::build(AddressPolicy::PublicOnly, None).unwrap();
    let blocked = classify(&client.get("http://localhost:9/").send().await.unwrap_err());
    assert_eq!((blocked.class, blocked.code.as_str()), (FailureClass::Permanent, "address-blocked"));
}
