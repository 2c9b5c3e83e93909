//! Real sockets on port 0: raw bytes in, bytes compared.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;

use super::super::test_door::TestDoor;
use super::*;
use crate::base::ids::FeedName;
use crate::connectors::tls::ClientTls;
use crate::connectors::tls::test_material::Authority;

struct Running {
    door: Arc<TestDoor>,
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

fn start(connections_max: usize, tls: Option<Arc<ServerTls>>) -> Running {
    let settings = ListenerSettings::new(FeedName::new("emr"), "127.0.0.1:0".parse().unwrap());
    let listener = Listener::bind(ListenerSettings { connections_max, ..settings }, tls).unwrap();
    let (door, shutdown, address) = (TestDoor::new(), CancellationToken::new(), listener.address());
    let task = tokio::spawn(listener.run(door.clone(), shutdown.clone()));
    Running { door, address, shutdown, task }
}

async fn exchange<S>(stream: &mut S, sent: &[u8], expected: &[u8])
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    stream.write_all(sent).await.unwrap();
    let mut found = vec![0; expected.len()];
    stream.read_exact(&mut found).await.unwrap();
    assert_eq!(found.escape_ascii().to_string(), expected.escape_ascii().to_string());
}

#[tokio::test]
async fn messages_go_in_and_answers_come_out() {
    let running = start(8, None);
    assert_ne!(running.address.port(), 0);
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    exchange(&mut stream, b"\x0BA\x1C\r", b"\x0BA:A\x1C\r").await;
    exchange(&mut stream, b"\x0BB\x1C\r\x0BC\x1C\r", b"\x0BA:B\x1C\r\x0BA:C\x1C\r").await;
    assert_eq!(running.door.peers.lock().unwrap()[0].address, stream.local_addr().unwrap());
}

#[tokio::test]
async fn shutdown_answers_what_is_in_hand_and_refuses_what_comes_after() {
    let running = start(8, None);
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(b"\x0BSLOW\x1C\r").await.unwrap();
    while running.door.received().is_empty() {
        tokio::task::yield_now().await;
    }
    running.shutdown.cancel();
    running.door.release.add_permits(1);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"\x0BA:SLOW\x1C\r");
    running.task.await.unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}

/// With one permit, the second peer is served when the first has gone, even when the first took a panic with it.
#[tokio::test]
async fn a_permit_comes_back_however_a_connection_ends() {
    let running = start(1, None);
    let mut first = TcpStream::connect(running.address).await.unwrap();
    exchange(&mut first, b"\x0BA\x1C\r", b"\x0BA:A\x1C\r").await;
    let mut second = TcpStream::connect(running.address).await.unwrap();
    second.write_all(b"\x0BB\x1C\r").await.unwrap();
    assert_eq!(running.door.received().len(), 1, "the second waits");
    first.write_all(b"\x0BPANIC\x1C\r").await.unwrap();
    exchange(&mut second, b"", b"\x0BA:B\x1C\r").await;
    let mut rest = Vec::new();
    first.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"", "the first was not answered");
}

#[tokio::test]
async fn mutual_tls_names_the_peer_to_the_door() {
    let authority = Authority::new("Root");
    let tls = ServerTls::new(Arc::new(authority.material("gateway"))).unwrap();
    let running = start(8, Some(tls));
    let client = ClientTls::new(&authority.material("emr"), "localhost").unwrap();
    let mut stream = client.connect(TcpStream::connect(running.address).await.unwrap()).await.unwrap();
    exchange(&mut stream, b"\x0BA\x1C\r", b"\x0BA:A\x1C\r").await;
    let subject = running.door.peers.lock().unwrap()[0].certificate_subject.clone();
    assert_eq!(subject.as_deref(), Some("CN=emr,O=General Hospital"));

    // A peer that does not speak TLS is refused, and costs nobody else anything.
    let mut plain = TcpStream::connect(running.address).await.unwrap();
    plain.write_all(b"\x0BA\x1C\r").await.unwrap();
    let mut rest = Vec::new();
    let _ = plain.read_to_end(&mut rest).await;
    assert!(!rest.starts_with(b"\x0B"));
    exchange(&mut stream, b"\x0BB\x1C\r", b"\x0BA:B\x1C\r").await;
}

#[tokio::test]
async fn an_address_in_use_is_told() {
    let running = start(1, None);
    let settings = ListenerSettings::new(FeedName::new("lab"), running.address);
    let error = Listener::bind(settings, None).err().unwrap();
    let expected = format!("the address {} of feed lab cannot be bound", running.address);
    assert!(error.to_string().starts_with(&expected), "{error}");
}
