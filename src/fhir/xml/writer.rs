//! Writing: the members of each object in the order of the definitions, a primitive with its companion as one element.

use super::cursor::is_xml;
use super::{FHIR, is_attribute, narrative};
use crate::fhir::definitions::{self, Element, Primitive};
use crate::fhir::{Node, Object, Resource};

pub fn write(resource: &Resource, pretty: bool) -> Vec<u8> {
    let mut writer = Writer { out: Vec::with_capacity(2048), pretty, depth: 0 };
    writer.out.extend_from_slice(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    writer.resource(resource.object(), true);
    if pretty {
        writer.out.push(b'\n');
    }
    writer.out
}

struct Writer {
    out: Vec<u8>,
    pretty: bool,
    depth: usize,
}

/// An element that an object has, by one of its members or both.
struct Present<'n> {
    element: &'static Element,
    kind: &'static str,
    name: &'n str,
    node: Option<&'n Node>,
    companion: Option<&'n Node>,
}

/// What an object has, in the order of the definitions; attributes are left out.
fn present<'n>(owner: &'static str, object: &'n Object) -> Vec<Present<'n>> {
    let mut found = Vec::with_capacity(object.len());
    for (member, node) in object.iter() {
        let (name, is_companion) = member.strip_prefix('_').map_or((member, false), |name| (name, true));
        if is_companion && object.get(name).is_some() {
            continue;
        }
        let Some((element, kind)) = definitions::locate(owner, name) else { continue };
        if is_attribute(owner, element.name) {
            continue;
        }
        let beside = || object.iter().find(|(other, _)| other.strip_prefix('_') == Some(name)).map(|(_, node)| node);
        let (node, companion) = if is_companion { (None, Some(node)) } else { (Some(node), beside()) };
        found.push(Present { element, kind, name, node, companion });
    }
    // All are of one table, where they lie in their order.
    found.sort_by_key(|present| std::ptr::from_ref(present.element));
    found
}

impl Writer {
    fn resource(&mut self, object: &Object, is_root: bool) {
        let named = object.get("resourceType").and_then(Node::as_str).and_then(definitions::resource);
        let kind = named.unwrap_or("Resource");
        self.open(kind);
        if is_root {
            self.attribute("xmlns", FHIR);
        }
        self.inside(kind, |writer| writer.members(kind, object));
    }

    fn members(&mut self, kind: &'static str, object: &Object) {
        for present in present(kind, object) {
            let (nodes, companions) = (present.node.map_or(&[][..], Node::items), companions(&present));
            for at in 0..nodes.len().max(companions.len()) {
                self.value(&present, nodes.get(at), companions.get(at).and_then(Node::as_object));
            }
        }
    }

    fn value(&mut self, present: &Present<'_>, node: Option<&Node>, companion: Option<&Object>) {
        match (Primitive::of(present.kind), node) {
            (Some(_), Some(Node::String(text))) if present.kind == "xhtml" => {
                self.line();
                self.out.extend_from_slice(narrative::for_xml(text.trim()).as_bytes());
            }
            (Some(_), node) => self.primitive(present.name, node.and_then(text), companion),
            (None, Some(Node::Object(object))) if present.kind == "Resource" => {
                self.open(present.name);
                self.inside(present.name, |writer| writer.resource(object, false));
            }
            (None, Some(Node::Object(object))) => self.complex(present.name, present.kind, object),
            (None, _) => {}
        }
    }

    fn primitive(&mut self, name: &str, value: Option<&str>, companion: Option<&Object>) {
        if value.is_none() && companion.is_none() {
            return;
        }
        self.open(name);
        if let Some(id) = companion.and_then(|companion| companion.get("id")?.as_str()) {
            self.attribute("id", id);
        }
        if let Some(value) = value {
            self.attribute("value", value);
        }
        self.inside(name, |writer| {
            if let Some(companion) = companion {
                writer.members("Element", companion);
            }
        });
    }

    fn complex(&mut self, name: &str, kind: &'static str, object: &Object) {
        self.open(name);
        for attribute in ["id", "url"].into_iter().filter(|attribute| is_attribute(kind, attribute)) {
            if let Some(text) = object.get(attribute).and_then(Node::as_str) {
                self.attribute(attribute, text);
            }
        }
        self.inside(name, |writer| writer.members(kind, object));
    }

    /// Begins a start tag.
    fn open(&mut self, name: &str) {
        self.line();
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(b' ');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"=\"");
        escape(value, &mut self.out);
        self.out.push(b'"');
    }

    /// Ends the start tag, writes what is inside, and the end tag; an element of nothing is closed at once.
    fn inside(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        let tag_end = self.out.len();
        self.out.push(b'>');
        self.depth += 1;
        content(self);
        self.depth -= 1;
        if self.out.len() == tag_end + 1 {
            self.out.truncate(tag_end);
            self.out.extend_from_slice(b"/>");
            return;
        }
        self.line();
        self.out.extend_from_slice(b"</");
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'>');
    }

    fn line(&mut self) {
        if self.pretty {
            self.out.push(b'\n');
            self.out.extend(std::iter::repeat_n(b' ', self.depth * 2));
        }
    }
}

/// Only a primitive has companions.
fn companions<'n>(present: &Present<'n>) -> &'n [Node] {
    present.companion.filter(|_| Primitive::of(present.kind).is_some()).map_or(&[], Node::items)
}

fn text(node: &Node) -> Option<&str> {
    match node {
        Node::String(text) | Node::Number(text) => Some(text),
        Node::Bool(true) => Some("true"),
        Node::Bool(false) => Some("false"),
        Node::Null | Node::Array(_) | Node::Object(_) => None,
    }
}

/// The value of an attribute (XML 1.0 2.3, 3.3.3): white space but the blank is written as a reference, since a reader
/// would take it for a blank. What XML cannot hold at all becomes the replacement character.
fn escape(text: &str, out: &mut Vec<u8>) {
    let mut clean_from = 0;
    for (at, c) in text.char_indices() {
        let escaped = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\n' => "&#10;",
            '\r' => "&#13;",
            '\t' => "&#9;",
            c if is_xml(c) => continue,
            _ => "\u{fffd}",
        };
        out.extend_from_slice(&text.as_bytes()[clean_from..at]);
        out.extend_from_slice(escaped.as_bytes());
        clean_from = at + c.len_utf8();
    }
    out.extend_from_slice(&text.as_bytes()[clean_from..]);
}
