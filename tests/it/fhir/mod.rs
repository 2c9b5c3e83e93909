//! The FHIR door without HTTP: every interaction and status over a real store in a scratch folder.

mod bundles;
mod conditional;
mod http;
mod mangled;
mod reads;
mod searches;
mod writes;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use loopgate::access::Caller;
use loopgate::base::{FrozenClock, SeededRandom, Timestamp};
use loopgate::engine::decide::Decider;
use loopgate::engine::dispatch::{Dispatcher, Ourselves};
use loopgate::engine::read::Reader;
use loopgate::engine::releases::Releases;
use loopgate::engine::request::Requests;
use loopgate::fhir::{Node, Resource};
use loopgate::mapping::Release;
use loopgate::rest::operation::Operations;
use loopgate::rest::{Headers, Method, Policy, Request, Response, Server, Setup};
use loopgate::routing::Table;
use loopgate::store::{self, Store, StoreUrl};

pub const BASE: &str = "http://own/fhir";

/// A server on a store of its own.
pub struct Bench {
    pub server: Arc<Server>,
    pub clock: Arc<FrozenClock>,
    _folder: tempfile::TempDir,
}

/// A response with its body read.
pub struct Answered {
    pub status: u16,
    pub response: Response,
    pub body: Node,
}

impl Bench {
    pub async fn new() -> Self {
        Self::of(Policy::default()).await
    }

    pub async fn with(policy: Policy, operations: Operations) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store::open(&StoreUrl::Sqlite(folder.path().join("loopgate.db"))).await.unwrap();
        // 2026-03-02T09:00:00Z, a Monday.
        let clock = Arc::new(FrozenClock::at(Timestamp::from_micros(1_772_442_000_000_000)));
        let setup =
            Setup { base_url: BASE.to_owned(), policy, built: "2026-03-01", version: "0.1.0", is_guarded: true };
        let requests = Arc::new(requests(&store, &clock));
        let random = Arc::new(SeededRandom::new(1));
        let server = Server::new(store, requests, clock.clone(), random, setup, operations);
        Self { server: Arc::new(server), clock, _folder: folder }
    }

    pub async fn of(policy: Policy) -> Self {
        Self::with(policy, Operations::default()).await
    }

    /// `line` is method, path and query; each header is `Name: value`.
    pub async fn ask(&self, line: &str, headers: &[&str], body: &str) -> Answered {
        self.ask_as(Caller::anyone(), line, headers, body).await
    }

    pub async fn ask_as(&self, caller: Caller, line: &str, headers: &[&str], body: &str) -> Answered {
        self.clock.advance(Duration::from_secs(1));
        let (method, url) = line.split_once(' ').unwrap();
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let request = Request {
            method: Method::of(method).unwrap(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: read_headers(headers),
            body: body.to_owned().into(),
            caller,
        };
        let response = self.server.handle(request).await;
        let body = Node::parse(&response.body).unwrap_or(Node::Null);
        Answered { status: response.status, response, body }
    }

    pub async fn get(&self, url: &str) -> Answered {
        self.ask(&format!("GET {url}"), &[], "").await
    }

    /// Asks and fails unless this is the status.
    pub async fn expect(&self, status: u16, line: &str, headers: &[&str], body: &str) -> Answered {
        let answered = self.ask(line, headers, body).await;
        assert_eq!(answered.status, status, "{line}: {}", String::from_utf8_lossy(&answered.response.body));
        answered
    }
}

impl Answered {
    pub fn text(&self, path: &[&str]) -> &str {
        self.body.text(path).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.response.header(name).unwrap_or_default()
    }

    pub fn entries(&self) -> &[Node] {
        self.body.get("entry").map_or(&[], Node::items)
    }

    /// The ids of the resources in its entries, with how they came there.
    pub fn found(&self) -> Vec<String> {
        let entry = |node: &Node| {
            let id = node.text(&["resource", "id"]).unwrap_or_default().to_owned();
            match node.text(&["search", "mode"]) {
                Some("match") | None => id,
                Some(mode) => format!("{mode} {id}"),
            }
        };
        self.entries().iter().map(entry).collect()
    }

    /// The statuses of its entries.
    pub fn statuses(&self) -> Vec<&str> {
        self.entries().iter().map(|entry| entry.text(&["response", "status"]).unwrap_or_default()).collect()
    }

    pub fn link(&self, relation: &str) -> Option<&str> {
        let links = self.body.get("link").map_or(&[][..], Node::items);
        links.iter().find(|link| link.text(&["relation"]) == Some(relation)).and_then(|link| link.text(&["url"]))
    }

    pub fn total(&self) -> Option<u64> {
        match self.body.get("total") {
            Some(Node::Number(text)) => text.parse().ok(),
            _ => None,
        }
    }

    pub fn resource(&self) -> Resource {
        Resource::parse(&self.response.body).unwrap()
    }
}

fn requests(store: &Arc<dyn Store>, clock: &Arc<FrozenClock>) -> Requests {
    let reader = Arc::new(Reader::new(Releases::new(Release::builtin(), HashMap::new()), HashMap::new()));
    let dispatcher = Dispatcher {
        table: Table::new(Vec::new()).unwrap(),
        reader,
        ourselves: Ourselves { application: "LOOPGATE".to_owned(), facility: "HUB".to_owned() },
    };
    let decider = Decider { policy: Arc::default(), dispatcher, random: Arc::new(SeededRandom::new(2)) };
    Requests::new(Arc::clone(store), clock.clone(), Arc::new(decider), HashMap::new(), Arc::default())
}

fn read_headers(lines: &[&str]) -> Headers {
    let mut headers = Headers::default();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        let field = match name {
            "Accept" => &mut headers.accept,
            "Content-Type" => &mut headers.content_type,
            "If-Match" => &mut headers.if_match,
            "If-None-Match" => &mut headers.if_none_match,
            "If-Modified-Since" => &mut headers.if_modified_since,
            "If-None-Exist" => &mut headers.if_none_exist,
            "Prefer" => &mut headers.prefer,
            other => panic!("{other} is no header that matters"),
        };
        *field = Some((*value).to_owned());
    }
    headers
}

/// A Patient with this id and family name.
pub fn patient(id: &str, family: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"urn:x","value":"{id}"}}],"name":[{{"family":"{family}"}}]}}"#
    )
}
