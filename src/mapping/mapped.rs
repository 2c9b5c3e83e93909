//! What running a plan gives: resources, what was deleted, what went wrong, which codes nobody knows, and the trace.

use std::borrow::Cow;
use std::collections::HashSet;

use jiff::tz::TimeZone;
use smol_str::SmolStr;

use super::trace::Trace;
use crate::base::{Digest, Issue, Location};
use crate::fhir::{Node, Object, Resource};

/// What the runner needs beside the message.
#[derive(Clone)]
pub struct Context {
    /// Of time stamps without an offset.
    pub default_zone: TimeZone,
    /// Makes the ids of things without a business identifier.
    pub message_digest: Digest,
    /// MSH-3 and MSH-4 as one text, `application|facility`: numbers without an assigning authority are the sender's.
    pub sender: SmolStr,
    /// Say where every leaf came from. Costs about as much as the mapping itself.
    pub trace: bool,
}

/// The outcome for one message. Totally determined by message, release and context (P5).
#[derive(Clone)]
pub struct Mapped {
    /// Each with a logical id, in the order of the message map; what a resource needed others for follows it.
    pub resources: Vec<Resource>,
    /// Elements that the message deletes (`""`): index into `resources`, name of the element.
    pub cleared: Vec<(usize, SmolStr)>,
    pub issues: Vec<Issue>,
    pub unmapped: Vec<UnmappedCode>,
    pub trace: Option<Trace>,
    /// There are references by identifier, to resources that may not be among these.
    pub linked: bool,
}

/// A code that its table does not have.
#[derive(Clone, PartialEq, Eq)]
pub struct UnmappedCode {
    pub table: SmolStr,
    pub code: SmolStr,
    pub location: Location,
}

impl std::fmt::Debug for UnmappedCode {
    /// The place, not the code: a sender may put anything there (P8).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UnmappedCode({} at {})", self.table, self.location)
    }
}

/// What the header of a message says of the Bundle (v2-to-FHIR MSH[Bundle]): the control id as its identifier, the time
/// of sending as its time stamp, where there is a time of day.
fn head(header: Option<&Resource>) -> Object {
    let mut head = Object::new();
    let stated = |url: &str, value: &str| {
        let extensions = header?.object().get("extension")?.items();
        let extension = extensions.iter().find(|extension| extension.text(&["url"]) == Some(url))?;
        extension.text(&[value]).map(SmolStr::from)
    };
    if let Some(id) = stated("urn:loopgate:message-control-id", "valueString") {
        let mut identifier = Object::new();
        identifier.push(SmolStr::new_static("system"), Node::from("urn:loopgate:message-control-id"));
        identifier.push(SmolStr::new_static("value"), Node::String(id));
        head.push(SmolStr::new_static("identifier"), Node::Object(identifier));
    }
    head.push(SmolStr::new_static("type"), Node::from(if header.is_some() { "message" } else { "collection" }));
    if let Some(time) = stated("urn:loopgate:sent-at", "valueDateTime").filter(|time| time.contains('T')) {
        head.push(SmolStr::new_static("timestamp"), Node::String(time));
    }
    head
}

/// All resources as one Bundle, a `message` when it begins with a MessageHeader, else a `collection`.
pub fn bundle(mapped: &Mapped) -> Resource {
    let mut bundle = Object::new();
    bundle.push(SmolStr::new_static("resourceType"), Node::from("Bundle"));
    bundle.extend(head(header(mapped)));
    let within = Within::of(mapped);
    let entries: Vec<Node> = mapped.resources.iter().map(|resource| entry(&within.logical(resource))).collect();
    if !entries.is_empty() {
        bundle.push(SmolStr::new_static("entry"), Node::Array(entries));
    }
    Resource::from_object(bundle).unwrap_or_else(|_| Resource::new("Bundle", ""))
}

/// Appends the JSON text of `bundle`, without building it.
pub fn write_bundle(mapped: &Mapped, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"resourceType":"Bundle","#);
    let start = out.len();
    head(header(mapped)).write(out);
    // Its members go on with the entries: the brackets around them do not stay.
    out.remove(start);
    out.pop();
    let within = Within::of(mapped);
    for (at, resource) in mapped.resources.iter().enumerate() {
        out.extend_from_slice(if at == 0 { br#","entry":["# } else { b"," });
        out.extend_from_slice(br#"{"fullUrl":""#);
        url_parts(resource).into_iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
        out.extend_from_slice(br#"","resource":"#);
        within.logical(resource).object().write(out);
        out.push(b'}');
    }
    out.extend_from_slice(if mapped.resources.is_empty() { b"}" } else { b"]}" });
}

/// The resources of a message: a reference to another one, known by its identifier, is no literal one in a Bundle.
struct Within<'m> {
    linked: bool,
    keys: HashSet<(&'m str, &'m str)>,
}

impl<'m> Within<'m> {
    fn of(mapped: &'m Mapped) -> Self {
        let asked = mapped.resources.iter().filter(|_| mapped.linked);
        let keys = asked.map(|resource| (resource.kind(), resource.id().unwrap_or_default())).collect();
        Self { linked: mapped.linked, keys }
    }

    /// The resource with logical references in the place of those that lead out of the Bundle.
    fn logical<'r>(&self, resource: &'r Resource) -> Cow<'r, Resource> {
        if !self.linked || !resource.object().iter().any(|(_, node)| self.leads_out(node)) {
            return Cow::Borrowed(resource);
        }
        let mut logical = resource.clone();
        logical.object_mut().iter_mut().for_each(|(_, node)| self.loosen(node));
        Cow::Owned(logical)
    }

    fn is_outside(&self, object: &Object) -> bool {
        let Some(Node::String(reference)) = object.get("reference") else { return false };
        object.get("identifier").is_some()
            && !reference.split_once('/').is_some_and(|target| self.keys.contains(&target))
    }

    fn leads_out(&self, node: &Node) -> bool {
        match node {
            Node::Object(object) => self.is_outside(object) || object.iter().any(|(_, node)| self.leads_out(node)),
            Node::Array(items) => items.iter().any(|node| self.leads_out(node)),
            _ => false,
        }
    }

    fn loosen(&self, node: &mut Node) {
        match node {
            Node::Object(object) => {
                if self.is_outside(object) {
                    object.remove("reference");
                }
                object.iter_mut().for_each(|(_, node)| self.loosen(node));
            }
            Node::Array(items) => items.iter_mut().for_each(|node| self.loosen(node)),
            _ => {}
        }
    }
}

fn header(mapped: &Mapped) -> Option<&Resource> {
    mapped.resources.first().filter(|resource| resource.kind() == "MessageHeader")
}

/// What every `fullUrl` begins with. References in a Bundle are `Type/ID`, which R4 resolves against the base of the
/// `fullUrl` of the entry they stand in (bundle.html#references). No server is meant: `.invalid` has none (RFC 2606).
const BASE: &str = "http://loopgate.invalid/fhir/";

fn url_parts(resource: &Resource) -> [&str; 4] {
    [BASE, resource.kind(), "/", resource.id().unwrap_or_default()]
}

fn entry(resource: &Resource) -> Node {
    let mut entry = Object::with_capacity(2);
    let url = url_parts(resource).into_iter().collect();
    entry.push(SmolStr::new_static("fullUrl"), Node::String(url));
    entry.push(SmolStr::new_static("resource"), resource.clone().into_node());
    Node::Object(entry)
}
