//! The JSON tree: members in order, numbers as their text, strings inline when short.

use smol_str::SmolStr;

/// Any JSON value. A number keeps the text it was written with, so that `1.50` stays `1.50`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Null,
    Bool(bool),
    Number(SmolStr),
    String(SmolStr),
    Array(Vec<Node>),
    Object(Object),
}

/// An object: its members in the order they were written. Resources have few members, so look-up is a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object(Vec<(SmolStr, Node)>);

impl Object {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// For those who know how many members there will be.
    pub fn with_capacity(members: usize) -> Self {
        Self(Vec::with_capacity(members))
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.0.iter_mut().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// Sets a member in place, or appends it.
    pub fn set(&mut self, key: impl Into<SmolStr>, node: impl Into<Node>) {
        let key = key.into();
        match self.0.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = node.into(),
            None => self.0.push((key, node.into())),
        }
    }

    /// Appends a member without looking whether it is there: for those who have checked.
    pub fn push(&mut self, key: SmolStr, node: Node) {
        self.0.push((key, node));
    }

    /// Puts a member first, as `resourceType` is by custom.
    pub fn set_first(&mut self, key: impl Into<SmolStr>, node: impl Into<Node>) {
        let key = key.into();
        self.0.retain(|(name, _)| *name != key);
        self.0.insert(0, (key, node.into()));
    }

    /// Puts a new member at a place; behind all others when there are fewer.
    pub fn insert(&mut self, at: usize, key: SmolStr, node: Node) {
        self.0.insert(at.min(self.0.len()), (key, node));
    }

    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let at = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(at).1)
    }

    /// The member, made by `make` when it is missing.
    pub fn entry(&mut self, key: &str, make: impl FnOnce() -> Node) -> &mut Node {
        let at = self.0.iter().position(|(name, _)| name == key).unwrap_or_else(|| {
            self.0.push((key.into(), make()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    /// As `entry`, for a key that is held already: a key kept once costs no copy of its text.
    pub fn entry_at(&mut self, key: &SmolStr, make: impl FnOnce() -> Node) -> &mut Node {
        let at = self.0.iter().position(|(name, _)| name == key).unwrap_or_else(|| {
            self.0.push((key.clone(), make()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    /// Appends the members of another object.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The members in order.
    pub fn into_members(self) -> impl Iterator<Item = (SmolStr, Node)> {
        self.0.into_iter()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.0.iter().map(|(name, node)| (name.as_str(), node))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Node)> {
        self.0.iter_mut().map(|(name, node)| (name.as_str(), node))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Node {
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub const fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    pub const fn as_object_mut(&mut self) -> Option<&mut Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The elements of an array; the node itself as the one element when it is no array; nothing for null.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            Self::Null => &[],
            other => std::slice::from_ref(other),
        }
    }

    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    /// Follows member names, taking the first element of an array on the way: `["code", "coding", "code"]`.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        let mut node = self;
        for key in path {
            node = node.items().first()?.get(key)?;
        }
        Some(node)
    }

    /// The text at a path of member names, as `at`.
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        self.at(path)?.items().first()?.as_str()
    }

    /// Appends the JSON text, without white space.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Number(text) => out.extend_from_slice(text.as_bytes()),
            Self::String(text) => write_string(text, out),
            Self::Array(items) => write_list(out, *b"[]", items, Self::write),
            Self::Object(object) => object.write(out),
        }
    }
}

impl Object {
    /// Appends the JSON text, without white space.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_list(out, *b"{}", &self.0, |(name, node), out| {
            write_string(name, out);
            out.push(b':');
            node.write(out);
        });
    }
}

fn write_list<T>(out: &mut Vec<u8>, brackets: [u8; 2], items: &[T], write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(brackets[0]);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(brackets[1]);
}

/// Appends a JSON string (RFC 8259 7): quotes, backslash and control characters escaped, all else as it is.
fn write_string(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    // Hardly any text has something to escape; without a way out of the loop, many bytes are compared at once.
    let escaped = |byte: u8| u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\');
    if text.bytes().fold(0, |found, byte| found | escaped(byte)) != 0 {
        write_escaped(text, out);
    } else {
        out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
}

fn write_escaped(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut clean_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..=0x1f => b'u',
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[clean_from..at]);
        out.extend_from_slice(&[b'\\', escape]);
        if escape == b'u' {
            out.extend_from_slice(&[b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        clean_from = at + 1;
    }
    out.extend_from_slice(&text.as_bytes()[clean_from..]);
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<SmolStr> for Node {
    fn from(text: SmolStr) -> Self {
        Self::String(text)
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<bool> for Node {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Object> for Node {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl From<Vec<Node>> for Node {
    fn from(items: Vec<Node>) -> Self {
        Self::Array(items)
    }
}

impl<K: Into<SmolStr>, N: Into<Node>> FromIterator<(K, N)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, N)>>(members: I) -> Self {
        let mut object = Self::new();
        for (key, node) in members {
            object.set(key, node);
        }
        object
    }
}
