//! The FHIR door over a socket: what only the transport decides.

use std::net::SocketAddr;
use std::sync::Arc;

use loopgate::access::Access;
use loopgate::http::Port;
use loopgate::http::fhir::{self, Bounds};
use loopgate::rest::operation::{Answered, Handler, Kinds, Operation, Operations};
use loopgate::rest::{Call, Level, Method, Policy, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::{Bench, patient};

/// An operation whose code is wrong.
struct Wrong;

impl Handler for Wrong {
    fn answer<'a>(&'a self, _: &'a Server, _: &'a Level, _: &'a Call<'a>) -> Answered<'a> {
        Box::pin(async { panic!("on purpose") })
    }
}

fn operations() -> Operations {
    Operations::new(vec![Operation {
        name: "wrong",
        definition: "http://own/OperationDefinition/wrong",
        on_system: true,
        on_kinds: Kinds::None,
        on_instances: Kinds::None,
        methods: &[Method::Post],
        handler: Arc::new(Wrong),
    }])
}

/// A door that is being served; it stops when this is dropped.
struct Door {
    address: SocketAddr,
    _bench: Bench,
    _stop: tokio_util::sync::DropGuard,
}

async fn door(requests_max: usize) -> Door {
    let bench = Bench::with(Policy::default(), operations()).await;
    let access = Arc::new(Access::open());
    let bounds = Bounds { requests_max, ..Bounds::default() };
    let routes = fhir::router(bench.server.clone(), access, bench.clock.clone(), bounds);
    let port = Port::open(([127, 0, 0, 1], 0).into(), routes).await.unwrap();
    let (address, shutdown) = (port.address(), CancellationToken::new());
    tokio::spawn(port.serve(shutdown.clone()));
    Door { address, _bench: bench, _stop: shutdown.drop_guard() }
}

impl Door {
    /// Head and body of the answer.
    async fn ask(&self, line: &str, headers: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = if headers.contains("content-length") {
            String::new()
        } else {
            format!("content-length: {}\r\n", body.len())
        };
        let request = format!("{line} HTTP/1.1\r\nhost: own\r\nconnection: close\r\n{length}{headers}\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    async fn status(&self, line: &str, headers: &str, body: &str) -> u16 {
        let (head, _) = self.ask(line, headers, body).await;
        head.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

#[tokio::test]
async fn requests_come_and_go_over_a_socket() {
    let door = door(8).await;
    let json = "content-type: application/fhir+json\r\n";
    let (head, body) = door.ask("PUT /fhir/Patient/p", json, &patient("p", "A")).await;
    assert!(head.starts_with("HTTP/1.1 201 Created\r\n"), "{head}");
    for header in ["etag: W/\"1\"", "location: http://own/fhir/Patient/p/_history/1", "cache-control: no-cache"] {
        assert!(head.contains(&format!("\r\n{header}")), "{header}: {head}");
    }
    let (head, nothing) = door.ask("HEAD /fhir/Patient/p", "", "").await;
    assert!(head.contains(&format!("\r\ncontent-length: {}", body.len())) && nothing.is_empty(), "{head}");
    for (status, line, headers, body) in [
        (200, "GET /fhir/Patient/p", "", ""),
        (304, "GET /fhir/Patient/p", "if-none-match: W/\"1\"\r\n", ""),
        (406, "GET /fhir/Patient/p", "accept: text/turtle\r\n", ""),
        (404, "GET /fhir/Patient/q", "", ""),
        (404, "GET /elsewhere", "", ""),
        (404, "GET /fhir/.well-known/smart-configuration", "", ""),
        (405, "GET /fhir/auth/token", "", ""),
        (405, "OPTIONS /fhir/Patient", "", ""),
        (401, "POST /fhir/auth/token", "", "grant_type=client_credentials"),
        (400, "GET /fhir/Patient?a=%zz", "", ""),
        (415, "PUT /fhir/Patient/p", "content-encoding: gzip\r\n", "x"),
        (413, "PUT /fhir/Patient/p", "content-length: 99999999999\r\n", ""),
        (500, "POST /fhir/$wrong", "", ""),
        (200, "GET /fhir/metadata", "", ""),
    ] {
        assert_eq!(door.status(line, headers, body).await, status, "{line}");
    }
    let (_, outcome) = door.ask("POST /fhir/$wrong", "", "").await;
    assert!(outcome.contains("\"exception\"") && !outcome.contains("on purpose"), "{outcome}");
}

#[tokio::test]
async fn too_many_requests_are_told_to_come_back() {
    let door = door(0).await;
    let (head, body) = door.ask("GET /fhir/Patient/p", "", "").await;
    assert!(head.starts_with("HTTP/1.1 429 ") && head.contains("\r\nretry-after: 1"), "{head}");
    assert!(body.contains("\"throttled\""), "{body}");
}
