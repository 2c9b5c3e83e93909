//! Bundles that answer: search sets, histories, responses to batches. Written as text around kept bytes, which are not
//! read again.

pub mod links;

use smol_str::SmolStr;

use super::answer::etag;
use crate::base::Timestamp;
use crate::fhir::{Node, Resource};
use crate::record::ResourceKey;

/// A Bundle that is being written.
pub struct Bundle {
    out: Vec<u8>,
    entries: usize,
}

/// How a resource came into a search set (R4 search 3.1.1.4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Match,
    Include,
}

impl Bundle {
    /// `kind` is `Bundle.type`; links are relations and addresses.
    pub fn new(kind: &str, id: &str, at: Timestamp, total: Option<u64>, links: &[(&str, String)]) -> Self {
        let mut out = Vec::with_capacity(16 * 1024);
        out.extend_from_slice(br#"{"resourceType":"Bundle","id":"#);
        string(id, &mut out);
        out.extend_from_slice(br#","meta":{"lastUpdated":"#);
        string(&at.to_string(), &mut out);
        out.extend_from_slice(br#"},"type":"#);
        string(kind, &mut out);
        if let Some(total) = total {
            out.extend_from_slice(format!(r#","total":{total}"#).as_bytes());
        }
        if !links.is_empty() {
            let links = links.iter().map(|(relation, url)| {
                let members = [("relation", Node::from(*relation)), ("url", Node::from(url.as_str()))];
                Node::Object(members.into_iter().collect())
            });
            out.extend_from_slice(br#","link":"#);
            Node::Array(links.collect()).write(&mut out);
        }
        Self { out, entries: 0 }
    }

    /// An entry of a search set.
    pub fn found(&mut self, base: &str, key: &ResourceKey, content: &[u8], mode: Mode) {
        self.entry();
        self.address(base, key);
        self.member("resource", content);
        let mode = match mode {
            Mode::Match => r#"{"mode":"match"}"#,
            Mode::Include => r#"{"mode":"include"}"#,
        };
        self.member("search", mode.as_bytes());
        self.out.push(b'}');
    }

    /// What is said about a search, as an entry of its set.
    pub fn remark(&mut self, outcome: &Resource) {
        self.entry();
        self.member("resource", &outcome.to_json());
        self.member("search", br#"{"mode":"outcome"}"#);
        self.out.push(b'}');
    }

    /// An entry of a history. No content: it was deleted.
    pub fn past(&mut self, base: &str, key: &ResourceKey, content: Option<&[u8]>, past: &Past<'_>) {
        self.entry();
        self.address(base, key);
        if let Some(content) = content {
            self.member("resource", content);
        }
        let request = [("method", Node::from(past.method)), ("url", Node::from(past.url.as_str()))];
        self.node("request", &Node::Object(request.into_iter().collect()));
        self.node("response", &past.response.node());
        self.out.push(b'}');
    }

    /// An entry of the response to a batch or transaction.
    pub fn done(&mut self, base: &str, resource: Option<&[u8]>, response: &EntryResponse) {
        self.entry();
        if let (Some(location), Some(_)) = (&response.location, resource) {
            let address = location.split("/_history/").next().unwrap_or(location);
            self.node("fullUrl", &Node::from(format!("{base}/{address}")));
        }
        if let Some(resource) = resource {
            self.member("resource", resource);
        }
        self.node("response", &response.node());
        self.out.push(b'}');
    }

    pub fn finish(mut self) -> Vec<u8> {
        if self.entries > 0 {
            self.out.push(b']');
        }
        self.out.push(b'}');
        self.out
    }

    fn entry(&mut self) {
        self.out.extend_from_slice(if self.entries == 0 { br#","entry":[{"# } else { b",{" });
        self.entries += 1;
    }

    fn address(&mut self, base: &str, key: &ResourceKey) {
        self.node("fullUrl", &Node::from(format!("{base}/{key}")));
    }

    fn node(&mut self, name: &str, node: &Node) {
        self.name(name);
        node.write(&mut self.out);
    }

    fn member(&mut self, name: &str, json: &[u8]) {
        self.name(name);
        self.out.extend_from_slice(json);
    }

    fn name(&mut self, name: &str) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        string(name, &mut self.out);
        self.out.push(b':');
    }
}

/// What made a version.
pub struct Past<'p> {
    pub method: &'p str,
    pub url: String,
    pub response: EntryResponse,
}

/// `Bundle.entry.response`.
#[derive(Clone, Default)]
pub struct EntryResponse {
    pub status: u16,
    pub version: Option<(u32, Timestamp)>,
    /// Below the base.
    pub location: Option<String>,
    pub outcome: Option<Resource>,
}

impl EntryResponse {
    fn node(&self) -> Node {
        let mut members = vec![("status", Node::from(status_line(self.status)))];
        if let Some(location) = &self.location {
            members.push(("location", Node::from(location.as_str())));
        }
        if let Some((version, updated_at)) = self.version {
            members.push(("etag", Node::from(etag(version))));
            members.push(("lastModified", Node::from(updated_at.to_string())));
        }
        if let Some(outcome) = &self.outcome {
            members.push(("outcome", outcome.clone().into_node()));
        }
        Node::Object(members.into_iter().collect())
    }
}

/// The code with its phrase (RFC 9110 15): `201 Created`.
fn status_line(status: u16) -> SmolStr {
    let phrase = match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "",
    };
    SmolStr::from(format!("{status} {phrase}").trim_end())
}

fn string(text: &str, out: &mut Vec<u8>) {
    Node::from(text).write(out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Validator;

    #[test]
    fn bundles_are_valid() {
        let (key, at) = (ResourceKey::new("Patient", "x"), Timestamp::from_micros(1));
        let content = br#"{"resourceType":"Patient","id":"x"}"#;
        let links = [("self", "http://a/Patient?name=\"x\"".to_owned())];
        let mut search = Bundle::new("searchset", "b", at, Some(1), &links);
        search.found("http://a", &key, content, Mode::Match);
        search.remark(&crate::profile::operation_outcome(&[]));
        let response = EntryResponse {
            status: 201,
            version: Some((1, at)),
            location: Some("Patient/x/_history/1".to_owned()),
            outcome: None,
        };
        let mut history = Bundle::new("history", "b", at, None, &[]);
        let past = Past { method: "POST", url: "Patient".to_owned(), response: response.clone() };
        history.past("http://a", &key, Some(content), &past);
        let mut batch = Bundle::new("batch-response", "b", at, None, &[]);
        batch.done("http://a", Some(content), &response);
        batch.done("http://a", None, &response);
        for bundle in [search, history, batch, Bundle::new("searchset", "b", at, Some(0), &[])] {
            let text = bundle.finish();
            let issues = Validator::default().validate(&Resource::parse(&text).unwrap());
            assert_eq!(issues, [], "{}", String::from_utf8_lossy(&text));
        }
    }
}
