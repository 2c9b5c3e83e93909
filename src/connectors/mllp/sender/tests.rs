//! Receivers on loopback sockets that answer as told, and one that never does.

use std::sync::Arc;
use std::time::Duration;

use smol_str::format_smolstr;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::base::ids::EndpointName;
use crate::connectors::tls::test_material::Authority;
use crate::connectors::tls::{Material, ServerTls};

fn message(control_id: &str) -> Bytes {
    format!("MSH|^~\\&|LOOPGATE|HUB|REF|CLINIC|20260312||OSU^O51^OSU_O51|{control_id}|P|2.5.1\rPID|1\r").into()
}

fn ack(code: &str, control_id: &str) -> Vec<u8> {
    let text = format!("MSH|^~\\&|REF|CLINIC|LOOPGATE|HUB|20260312||ACK^O51^ACK|9|P|2.5.1\rMSA|{code}|{control_id}\r");
    mllp::encode(text.as_bytes()).to_vec()
}

fn sender(address: impl Into<String>, tls: Option<ClientTls>) -> MllpSender {
    let settings = SenderSettings::new(EndpointName::new("clinic"), address);
    MllpSender::new(settings, tls)
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// Reads one frame of `stream`; its bytes.
async fn frame(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\x1C\r") {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
    }
    bytes
}

/// Sends message `C1` to a receiver that answers `answer` and, if `hang_up`, closes.
async fn exchange(answer: Vec<u8>, hang_up: bool) -> Result<Receipt, SendFailure> {
    let (listener, address) = listener().await;
    let sender = sender(address, None);
    let message = message("C1");
    let receiving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_eq!(frame(&mut stream).await, mllp::encode(&self::message("C1")));
        stream.write_all(&answer).await.unwrap();
        (!hang_up).then_some(stream)
    };
    tokio::join!(sender.attempt(&message), receiving).0
}

#[tokio::test]
async fn acknowledgements_are_classified() {
    use FailureClass::{Permanent, Transient};
    for (code, expected) in [
        ("AA", Ok("AA")),
        ("CA", Ok("CA")),
        ("AE", Err((Permanent, "ack-ae"))),
        ("CE", Err((Permanent, "ack-ce"))),
        ("AR", Err((Transient, "ack-ar"))),
        ("CR", Err((Transient, "ack-cr"))),
    ] {
        let outcome = exchange(ack(code, "C1"), false).await;
        let expected = expected.map(|code| Receipt(code.into())).map_err(|(class, code)| failure(class, code));
        assert_eq!(outcome, expected, "{code}");
    }
}

#[tokio::test]
async fn an_acknowledgement_of_another_message_is_credited_to_none() {
    let foreign =
        [ack("AA", "C0"), mllp::encode(b"no acknowledgement").to_vec(), ack("AE", ""), ack("ZZ", "C1")].concat();
    let outcome = exchange([foreign.clone(), ack("CA", "C1")].concat(), false).await;
    assert_eq!(outcome, Ok(Receipt("CA".into())), "the right one is waited for");
    let outcome = exchange(foreign, true).await;
    assert_eq!(outcome, Err(failure(FailureClass::Ambiguous, "connection-lost")), "and nothing else counts");
}

#[tokio::test]
async fn a_second_acknowledgement_is_not_taken_for_the_next_message() {
    let (listener, address) = listener().await;
    let sender = sender(address, None);
    let receiving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        frame(&mut stream).await;
        stream.write_all(&[ack("AA", "C1"), ack("AA", "C1")].concat()).await.unwrap();
        frame(&mut stream).await;
        stream.write_all(&ack("AE", "C2")).await.unwrap();
        stream
    };
    let sending = async {
        let first = sender.attempt(&message("C1")).await;
        (first, sender.attempt(&message("C2")).await)
    };
    let ((first, second), _stream) = tokio::join!(sending, receiving);
    assert_eq!(first, Ok(Receipt("AA".into())));
    assert_eq!(second, Err(failure(FailureClass::Permanent, "ack-ae")), "over the same connection");
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_replaced() {
    let (listener, address) = listener().await;
    let sender = sender(address, None);
    for control_id in ["C1", "C2", "C3"] {
        let receiving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            frame(&mut stream).await;
            stream.write_all(&ack("AA", control_id)).await.unwrap();
            stream.shutdown().await.unwrap();
            // Until the sender has seen the end, the connection looks alive.
            stream
        };
        let message = message(control_id);
        let (outcome, stream) = tokio::join!(sender.attempt(&message), receiving);
        assert_eq!(outcome, Ok(Receipt("AA".into())), "{control_id}");
        drop(stream);
    }
}

#[tokio::test]
async fn one_message_is_in_flight_on_a_connection() {
    let (listener, address) = listener().await;
    let sender = sender(address, None);
    let receiving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..2 {
            let bytes = frame(&mut stream).await;
            assert_eq!(bytes.split(|byte| *byte == 0x0B).count(), 2, "one at a time");
            let id = if bytes.windows(2).any(|pair| pair == b"C1") { "C1" } else { "C2" };
            stream.write_all(&ack("AA", id)).await.unwrap();
        }
        stream
    };
    let (first, second) = (message("C1"), message("C2"));
    let (one, two, _stream) = tokio::join!(sender.attempt(&first), sender.attempt(&second), receiving);
    assert_eq!((one, two), (Ok(Receipt("AA".into())), Ok(Receipt("AA".into()))));
}

#[tokio::test]
async fn a_receiver_that_is_not_there_or_not_named_has_nothing() {
    let (listener, address) = listener().await;
    drop(listener);
    let outcome = sender(address, None).attempt(&message("C1")).await;
    assert_eq!(outcome, Err(failure(FailureClass::Transient, "connect-refused")));
    let outcome = sender("no-port", None).attempt(&message("C1")).await;
    assert_eq!(outcome, Err(failure(FailureClass::Transient, "connect-failed")));
    let outcome = sender("no-port", None).attempt(&message("")).await;
    assert_eq!(outcome, Err(failure(FailureClass::Permanent, "no-control-id")));
}

/// The late acknowledgement of a message that timed out finds a closed connection.
#[tokio::test]
async fn without_an_answer_in_time_the_connection_is_dropped() {
    let (listener, address) = listener().await;
    let settings = SenderSettings::new(EndpointName::new("clinic"), address);
    let sender = MllpSender::new(SenderSettings { ack_timeout: Duration::from_millis(30), ..settings }, None);
    let message = message("C1");
    let receiving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        frame(&mut stream).await;
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        rest
    };
    let (outcome, rest) = tokio::join!(sender.attempt(&message), receiving);
    assert_eq!(outcome, Err(failure(FailureClass::Ambiguous, "ack-timeout")));
    assert_eq!(rest, b"");
    assert!(sender.idle.lock().unwrap().is_empty());
}

#[tokio::test]
async fn messages_travel_over_mutual_tls() {
    let authority = Authority::new("Root");
    let server = ServerTls::new(Arc::new(authority.material("clinic"))).unwrap();
    for (material, expected) in [
        (authority.material("gateway"), Ok(Receipt("AA".into()))),
        (
            Material { authority: Authority::new("Other").believed().authority, ..authority.material("gateway") },
            Err(failure(FailureClass::Transient, "tls-failed")),
        ),
    ] {
        let (listener, address) = listener().await;
        let sender = sender(address, Some(ClientTls::new(&material, "localhost").unwrap()));
        let receiving = async {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = server.accept(stream).await else { return };
            frame(&mut stream).await;
            stream.write_all(&ack("AA", "C1")).await.unwrap();
            stream.flush().await.unwrap();
        };
        let message = message("C1");
        assert_eq!(tokio::join!(sender.attempt(&message), receiving).0, expected);
    }
}

#[test]
fn the_host_of_an_address_is_what_a_certificate_must_be_for() {
    for (address, host) in [("lab.example:2575", "lab.example"), ("[::1]:2575", "::1"), ("10.0.0.1:2575", "10.0.0.1")] {
        assert_eq!(SenderSettings::new(EndpointName::new("e"), format_smolstr!("{address}")).host(), host);
    }
}
