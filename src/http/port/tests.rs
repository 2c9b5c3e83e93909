//! Ports over real sockets: peers that are slow, silent, or too many.

use std::sync::atomic::{AtomicU32, Ordering};

use axum::routing::get;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::*;

/// A port that answers with the number of the request.
struct Running {
    address: SocketAddr,
    shutdown: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Running {
    async fn start(settings: PortSettings) -> Self {
        let count = Arc::new(AtomicU32::new(0));
        let router = Router::new().route(
            "/",
            get(move || {
                let number = count.fetch_add(1, Ordering::SeqCst);
                async move { number.to_string() }
            }),
        );
        let port = Port::bind(([127, 0, 0, 1], 0).into()).await.unwrap().serving(router, settings);
        let shutdown = CancellationToken::new();
        Self { address: port.address(), serving: tokio::spawn(port.serve(shutdown.clone())), shutdown }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.serving.await.unwrap().unwrap();
    }
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Asks once, and gives the body of one digit.
async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> char {
    stream.write_all(REQUEST).await.unwrap();
    answer(stream).await
}

async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> char {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", String::from_utf8_lossy(&head));
    stream.read_u8().await.unwrap().into()
}

/// A certificate for localhost, and its two sides.
fn pair() -> (TlsAcceptor, TlsConnector) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let der: CertificateDer<'static> = certificate.der().clone();
    let server = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![der.clone()], secret).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(der).unwrap();
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    (TlsAcceptor::from(Arc::new(server)), TlsConnector::from(Arc::new(client)))
}

fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

#[tokio::test]
async fn one_connection_carries_many_requests_and_ends_with_the_port() {
    let running = Running::start(PortSettings::default()).await;
    let mut stream = running.connect().await;
    assert_eq!((ask(&mut stream).await, ask(&mut stream).await), ('0', '1'));
    running.stop().await;
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "an idle connection is closed");
}

#[tokio::test]
async fn a_peer_that_is_silent_in_its_handshake_holds_up_nobody() {
    let (acceptor, connector) = pair();
    let running =
        Running::start(PortSettings { tls: Some(Arc::new(move || acceptor.clone())), ..PortSettings::default() }).await;
    let _silent = running.connect().await;
    let mut garbled = running.connect().await;
    garbled.write_all(REQUEST).await.unwrap();
    let mut rest = Vec::new();
    let _ = garbled.read_to_end(&mut rest).await;
    assert!(!rest.starts_with(b"HTTP"), "no answer in the clear");
    let mut stream = connector.connect(localhost(), running.connect().await).await.unwrap();
    assert_eq!(ask(&mut stream).await, '0');
    running.stop().await;
}

#[tokio::test]
async fn a_renewed_certificate_is_used_by_the_next_connection() {
    let (old, old_connector) = pair();
    let (new, new_connector) = pair();
    let latest = Arc::new(std::sync::Mutex::new(old));
    let source = latest.clone();
    let tls: LatestTls = Arc::new(move || source.lock().unwrap().clone());
    let running = Running::start(PortSettings { tls: Some(tls), ..PortSettings::default() }).await;
    let mut before = old_connector.connect(localhost(), running.connect().await).await.unwrap();
    assert_eq!(ask(&mut before).await, '0');
    *latest.lock().unwrap() = new;
    assert!(old_connector.connect(localhost(), running.connect().await).await.is_err());
    let mut after = new_connector.connect(localhost(), running.connect().await).await.unwrap();
    assert_eq!(ask(&mut after).await, '1');
    assert_eq!(ask(&mut before).await, '2', "an open connection goes on");
    drop((before, after));
    running.stop().await;
}

/// The paused clock runs on when nobody has anything to do: the port is waiting for the rest of the head then.
#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let running = Running::start(PortSettings::default()).await;
    for part in [&b""[..], b"GET / HT", &REQUEST[..REQUEST.len() - 2]] {
        let mut stream = running.connect().await;
        stream.write_all(part).await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&rest));
    }
    running.stop().await;
}

#[tokio::test]
async fn a_connection_too_many_waits_for_another_to_close() {
    let running = Running::start(PortSettings { connections_max: 1, ..PortSettings::default() }).await;
    let mut first = running.connect().await;
    assert_eq!(ask(&mut first).await, '0');
    let mut second = running.connect().await;
    second.write_all(REQUEST).await.unwrap();
    assert_eq!(ask(&mut first).await, '1', "the second one is not heard yet");
    drop(first);
    assert_eq!(answer(&mut second).await, '2');
    running.stop().await;
}
