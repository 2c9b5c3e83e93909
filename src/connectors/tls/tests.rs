//! Handshakes over loopback sockets with certificates made at run time.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::test_material::Authority;
use super::*;

/// Runs one handshake; the subject the server saw, and what the client got to read.
async fn handshake(server: &ServerTls, client: &Material) -> (Option<String>, std::io::Result<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = ClientTls::new(client, "localhost").unwrap();
    let serving = async {
        let mut stream = server.accept(listener.accept().await.unwrap().0).await.ok()?;
        let certificates = stream.get_ref().1.peer_certificates().map(<[_]>::to_vec).unwrap_or_default();
        stream.write_all(b"hello").await.unwrap();
        stream.shutdown().await.unwrap();
        certificates.first().and_then(|first| subject::subject(first)).map(String::from)
    };
    let connecting = async {
        let mut stream = client.connect(TcpStream::connect(address).await?).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.map(|_| bytes)
    };
    tokio::join!(serving, connecting)
}

#[tokio::test]
async fn both_sides_prove_themselves() {
    let authority = Authority::new("Root");
    let server = ServerTls::new(Arc::new(authority.material("gateway"))).unwrap();
    let (subject, read) = handshake(&server, &authority.material("emr")).await;
    assert_eq!(subject.as_deref(), Some("CN=emr,O=General Hospital"));
    assert_eq!(read.unwrap(), b"hello");
}

#[tokio::test]
async fn a_client_without_or_with_a_foreign_certificate_is_refused() {
    let authority = Authority::new("Root");
    let server = ServerTls::new(Arc::new(authority.material("gateway"))).unwrap();
    let mut foreign = Authority::new("Other").material("emr");
    foreign.authority = authority.believed().authority;
    for client in [authority.believed(), foreign] {
        let (subject, read) = handshake(&server, &client).await;
        assert_eq!(subject, None);
        assert!(read.is_err());
    }
}

#[tokio::test]
async fn without_a_client_authority_no_certificate_is_asked_for() {
    let authority = Authority::new("Root");
    let material = Material { authority: None, ..authority.material("gateway") };
    let server = ServerTls::new(Arc::new(material)).unwrap();
    let (subject, read) = handshake(&server, &authority.believed()).await;
    assert_eq!((subject, read.unwrap()), (None, b"hello".to_vec()));
}

/// Material that a test changes under the server.
struct Changing(Mutex<Material>);

impl MaterialSource for Changing {
    fn read(&self) -> Result<Material, TlsError> {
        Ok(self.0.lock().unwrap().clone())
    }
}

#[tokio::test]
async fn a_reload_swaps_the_certificate_and_a_bad_one_keeps_it() {
    let (first, second) = (Authority::new("First"), Authority::new("Second"));
    let source = Arc::new(Changing(Mutex::new(first.material("gateway"))));
    let server = ServerTls::new(source.clone()).unwrap();
    assert_eq!(server.reload().unwrap(), Reload::Unchanged);

    *source.0.lock().unwrap() = second.material("gateway");
    assert!(handshake(&server, &first.material("emr")).await.1.is_ok(), "not before the reload");
    assert_eq!(server.reload().unwrap(), Reload::Swapped);
    assert!(handshake(&server, &first.material("emr")).await.1.is_err(), "the former authority");
    assert!(handshake(&server, &second.material("emr")).await.1.is_ok(), "the present authority");

    let broken = Material { key: Some(b"no key".to_vec()), ..second.material("gateway") };
    *source.0.lock().unwrap() = broken;
    assert!(matches!(server.reload(), Err(TlsError::Malformed { part: "private key" })));
    assert!(handshake(&server, &second.material("emr")).await.1.is_ok(), "the old one stays");
}

#[test]
fn unusable_material_is_refused_with_its_reason() {
    let authority = Authority::new("Root");
    let other_key = authority.material("other").key;
    let good = authority.material("gateway");
    let cases = [
        (Material { key: None, ..good.clone() }, "the private key is missing: expected a PEM file"),
        (Material { certificate: None, key: None, ..good.clone() }, "the certificate is missing: expected a PEM file"),
        (
            Material { certificate: Some(Vec::new()), ..good.clone() },
            "the certificate does not parse: expected PEM with at least one entry",
        ),
        (Material { key: other_key, ..good.clone() }, "the certificate and key cannot be used together"),
    ];
    for (material, expected) in cases {
        let error = ServerTls::new(Arc::new(material)).err().expect(expected);
        assert_eq!(error.to_string(), expected);
    }
}
