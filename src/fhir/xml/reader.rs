//! Reading: each element is looked up in the definitions of its type, and put where JSON has it.

use smol_str::{SmolStr, format_smolstr};

use super::cursor::{Cursor, Space, Tag, Token};
use super::fault::XmlFault;
use super::{is_attribute, narrative};
use crate::base::limits;
use crate::fhir::definitions::{self, Primitive};
use crate::fhir::{Node, Object, Resource, reader};

pub fn read(text: &[u8]) -> Result<Resource, XmlFault> {
    if text.len() > limits::XML_BYTES_MAX {
        return Err(XmlFault { line: 0, column: 0, text: "more XML than is read at once" });
    }
    let mut reader = Reader { cursor: Cursor::new(text)? };
    let object = match reader.cursor.next()? {
        Token::Start(tag) => reader.resource(&tag, 0)?,
        _ => return Err(reader.cursor.fault("expected an element that names a type of resource")),
    };
    match reader.cursor.next()? {
        Token::Over => {}
        _ => return Err(reader.cursor.fault("expected the end of the text")),
    }
    Resource::from_object(object).map_err(|_| reader.cursor.fault("expected a resource"))
}

struct Reader<'t> {
    cursor: Cursor<'t>,
}

/// What stands in the attributes of an element.
#[derive(Default)]
struct Attributes {
    id: Option<SmolStr>,
    url: Option<SmolStr>,
    value: Option<SmolStr>,
}

impl<'t> Reader<'t> {
    /// The resource that begins with this tag; `depth` is that of its object in JSON.
    fn resource(&mut self, tag: &Tag<'t>, depth: usize) -> Result<Object, XmlFault> {
        self.check_space(tag)?;
        let Some(kind) = definitions::resource(tag.name()) else {
            return Err(self.cursor.fault("expected an element that names a type of resource of R4"));
        };
        self.attributes(tag, &[])?;
        let mut object = Object::with_capacity(8);
        object.push(SmolStr::new_static("resourceType"), Node::String(SmolStr::new_static(kind)));
        self.children(kind, &mut object, depth)?;
        Ok(object)
    }

    fn check_space(&self, tag: &Tag<'_>) -> Result<(), XmlFault> {
        match tag.space {
            Space::Fhir => Ok(()),
            _ => Err(self.cursor.fault("expected an element of the namespace http://hl7.org/fhir")),
        }
    }

    fn attributes(&self, tag: &Tag<'_>, allowed: &[&str]) -> Result<Attributes, XmlFault> {
        let mut found = Attributes::default();
        self.cursor.attributes(tag, |name, value| {
            let place = match name {
                "id" => &mut found.id,
                "url" => &mut found.url,
                "value" => &mut found.value,
                _ => return Err("an attribute that FHIR does not have here"),
            };
            if !allowed.contains(&name) {
                return Err("an attribute that FHIR does not have here");
            }
            if value.is_empty() {
                return Err("an attribute that is empty: leave it out");
            }
            *place = Some(SmolStr::from(value));
            Ok(())
        })?;
        Ok(found)
    }

    /// The elements up to the end of the one that is open.
    fn children(&mut self, kind: &'static str, object: &mut Object, depth: usize) -> Result<(), XmlFault> {
        loop {
            match self.cursor.next()? {
                Token::Start(tag) => self.child(kind, object, &tag, depth)?,
                Token::End => break,
                Token::Over => return Err(self.cursor.fault("expected an end tag for each start tag")),
            }
        }
        align(object);
        Ok(())
    }

    fn child(&mut self, owner: &'static str, object: &mut Object, tag: &Tag<'t>, depth: usize) -> Result<(), XmlFault> {
        let found = definitions::locate(owner, tag.name()).filter(|(element, _)| !is_attribute(owner, element.name));
        let Some((element, kind)) = found else {
            return Err(self.cursor.fault("an element that this type does not have"));
        };
        if kind == "xhtml" {
            if object.get(tag.name()).is_some() {
                return Err(self.cursor.fault("an element that does not repeat"));
            }
            let text = narrative::read(&mut self.cursor, tag)?;
            object.push(tag.name().into(), text.into());
            return Ok(());
        }
        self.check_space(tag)?;
        let slot = Slot { name: tag.name().into(), companion: format_smolstr!("_{}", tag.name()), list: element.list };
        if !slot.list && slot.is_filled(object) {
            return Err(self.cursor.fault("an element that does not repeat"));
        }
        let depth = depth + if element.list { 2 } else { 1 };
        if depth > limits::JSON_DEPTH_MAX {
            return Err(self.cursor.fault("elements that are nested too deep"));
        }
        match (Primitive::of(kind), kind) {
            (Some(primitive), _) => self.primitive(primitive, &slot, object, tag, depth),
            (None, "Resource") => self.inner_resource(&slot, object, tag, depth),
            (None, kind) => self.complex(kind, &slot, object, tag, depth),
        }
    }

    fn primitive(
        &mut self,
        primitive: Primitive,
        slot: &Slot,
        object: &mut Object,
        tag: &Tag<'t>,
        depth: usize,
    ) -> Result<(), XmlFault> {
        let attributes = self.attributes(tag, &["id", "value"])?;
        let value = attributes.value.map(|text| typed(primitive, text)).transpose();
        let value = value.map_err(|text| self.cursor.fault(text))?;
        let mut companion = with_id(attributes.id);
        let at = self.cursor.at();
        self.children("Element", &mut companion, depth)?;
        if value.is_none() && companion.is_empty() {
            return Err(self.cursor.fault_at(at, "an element without a value and without extensions"));
        }
        slot.put(object, value, Some(companion).filter(|companion| !companion.is_empty()));
        Ok(())
    }

    /// An element that holds one whole resource.
    fn inner_resource(
        &mut self,
        slot: &Slot,
        object: &mut Object,
        tag: &Tag<'t>,
        depth: usize,
    ) -> Result<(), XmlFault> {
        self.attributes(tag, &[])?;
        let resource = match self.cursor.next()? {
            Token::Start(tag) => self.resource(&tag, depth)?,
            _ => return Err(self.cursor.fault("expected an element that names a type of resource")),
        };
        match self.cursor.next()? {
            Token::End => {}
            _ => return Err(self.cursor.fault("expected one resource here")),
        }
        slot.put(object, Some(Node::Object(resource)), None);
        Ok(())
    }

    fn complex(
        &mut self,
        kind: &'static str,
        slot: &Slot,
        object: &mut Object,
        tag: &Tag<'t>,
        depth: usize,
    ) -> Result<(), XmlFault> {
        let allowed: &[&str] = if kind == "Extension" { &["id", "url"] } else { &["id"] };
        let attributes = self.attributes(tag, allowed)?;
        let mut inner = with_id(attributes.id);
        if let Some(url) = attributes.url {
            inner.push(SmolStr::new_static("url"), Node::String(url));
        }
        let at = self.cursor.at();
        self.children(kind, &mut inner, depth)?;
        if inner.is_empty() {
            return Err(self.cursor.fault_at(at, "an element without a value and without children"));
        }
        slot.put(object, Some(Node::Object(inner)), None);
        Ok(())
    }
}

fn with_id(id: Option<SmolStr>) -> Object {
    let mut object = Object::new();
    if let Some(id) = id {
        object.push(SmolStr::new_static("id"), Node::String(id));
    }
    object
}

/// The JSON value of a primitive's text.
fn typed(primitive: Primitive, text: SmolStr) -> Result<Node, &'static str> {
    match primitive {
        Primitive::Boolean => match text.as_str() {
            "true" => Ok(Node::Bool(true)),
            "false" => Ok(Node::Bool(false)),
            _ => Err("expected true or false"),
        },
        Primitive::Integer | Primitive::UnsignedInt | Primitive::PositiveInt | Primitive::Decimal => {
            if reader::is_number(&text) {
                Ok(Node::Number(text))
            } else {
                Err("expected a number")
            }
        }
        _ => Ok(Node::String(text)),
    }
}

/// Where a value goes.
struct Slot {
    name: SmolStr,
    companion: SmolStr,
    list: bool,
}

impl Slot {
    fn is_filled(&self, object: &Object) -> bool {
        object.get(&self.name).is_some() || object.get(&self.companion).is_some()
    }

    /// Sets the element, or appends to the list. In a list the companion stands at the place of its value.
    fn put(&self, object: &mut Object, value: Option<Node>, companion: Option<Object>) {
        if !self.list {
            let members = [(&self.name, value), (&self.companion, companion.map(Node::Object))];
            for (name, node) in members {
                node.into_iter().for_each(|node| object.push(name.clone(), node));
            }
            return;
        }
        let Node::Array(values) = object.entry_at(&self.name, || Node::Array(Vec::new())) else { return };
        let at = values.len();
        values.push(value.unwrap_or(Node::Null));
        let Some(companion) = companion else { return };
        if let Node::Array(companions) = object.entry_at(&self.companion, || Node::Array(Vec::new())) {
            companions.resize(at, Node::Null);
            companions.push(Node::Object(companion));
        }
    }
}

/// Companions are as many as the values they stand beside; a list of no value at all is left out (R4 2.6.2.3).
fn align(object: &mut Object) {
    let lists =
        |(name, node): (&str, &Node)| (name.starts_with('_') && matches!(node, Node::Array(_))).then(|| name.into());
    let names: Vec<SmolStr> = object.iter().filter_map(lists).collect();
    for name in names {
        let values = object.get(&name[1..]).map_or(&[][..], Node::items);
        let (count, has_value) = (values.len(), values.iter().any(|value| *value != Node::Null));
        if let Some(Node::Array(companions)) = object.get_mut(&name) {
            companions.resize(count, Node::Null);
        }
        if !has_value {
            object.remove(&name[1..]);
        }
    }
}
