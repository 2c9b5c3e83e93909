//! A resource: an object that is known to have a `resourceType`.

use smol_str::SmolStr;

use super::{JsonFault, Node, Object};

/// A FHIR resource as its lossless tree.
#[derive(Clone, PartialEq, Eq)]
pub struct Resource(Object);

impl Resource {
    /// A resource with nothing but its type and logical id.
    pub fn new(kind: &str, id: &str) -> Self {
        Self([("resourceType", Node::from(kind)), ("id", Node::from(id))].into_iter().collect())
    }

    /// Takes an object that has a `resourceType`; gives it back when it has none.
    pub fn from_object(object: Object) -> Result<Self, Object> {
        match object.get("resourceType") {
            Some(Node::String(_)) => Ok(Self(object)),
            _ => Err(object),
        }
    }

    /// Reads JSON text.
    pub fn parse(text: &[u8]) -> Result<Self, JsonFault> {
        match Node::parse(text)? {
            Node::Object(object) => Self::from_object(object).map_err(|_| JsonFault::no_resource_type()),
            _ => Err(JsonFault::no_resource_type()),
        }
    }

    pub fn kind(&self) -> &str {
        self.0.get("resourceType").and_then(Node::as_str).unwrap_or_default()
    }

    pub fn id(&self) -> Option<&str> {
        self.0.get("id").and_then(Node::as_str)
    }

    pub fn set_id(&mut self, id: impl Into<SmolStr>) {
        let id = Node::String(id.into());
        match self.0.get_mut("id") {
            Some(known) => *known = id,
            // Where the specification has it: right after the type.
            None => self.0.insert(usize::from(!self.0.is_empty()), SmolStr::new_static("id"), id),
        }
    }

    pub const fn object(&self) -> &Object {
        &self.0
    }

    pub const fn object_mut(&mut self) -> &mut Object {
        &mut self.0
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.0.get(key)
    }

    /// The text at a path of member names, the first of each list.
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        let (first, rest) = path.split_first()?;
        self.0
            .get(first)?
            .items()
            .first()
            .and_then(|node| if rest.is_empty() { node.as_str() } else { node.text(rest) })
    }

    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        self.0.write(&mut out);
        out
    }

    pub fn into_node(self) -> Node {
        Node::Object(self.0)
    }
}
