//! The values of an element, as profiles see them: one by one, a primitive with its companion, a choice by its stem.

use crate::fhir::definitions::{self, Primitive};
use crate::fhir::{Node, Object, fhirpath};

/// One value of an element.
#[derive(Clone, Copy)]
pub struct Value<'n> {
    /// A resource that is known as an object only.
    pub whole: Option<&'n Object>,
    /// `None` for a primitive that has only extensions.
    pub node: Option<&'n Node>,
    pub companion: Option<&'n Node>,
    /// The type, or the name under which its elements are described; of a resource its own.
    pub kind: &'static str,
    /// The element's name in the definitions.
    pub element: &'static str,
    /// Its place in the list.
    pub index: Option<usize>,
}

impl<'n> Value<'n> {
    /// No value of this type yet.
    pub const fn nothing(kind: &'static str) -> Self {
        Self { whole: None, node: None, companion: None, kind, element: "", index: None }
    }

    /// A whole resource.
    pub const fn resource(object: &'n Object, kind: &'static str) -> Self {
        Self { whole: Some(object), ..Self::nothing(kind) }
    }

    /// What has members: the object, or a primitive's companion.
    pub fn members(&self) -> Option<(&'static str, &'n Object)> {
        if Primitive::of(self.kind).is_some() {
            return Some(("Element", self.companion?.as_object()?));
        }
        Some((self.kind, self.whole.or_else(|| self.node?.as_object())?))
    }

    /// As FHIRPath sees it.
    pub fn element(&self) -> Option<fhirpath::Element<'n>> {
        static ABSENT: Node = Node::Null;
        match self.whole {
            Some(object) => Some(fhirpath::Element::resource(object)),
            None => fhirpath::Element::of(self.node.unwrap_or(&ABSENT), self.companion, self.kind),
        }
    }
}

/// The values of one element of an object; `name` is that of the definitions (`value[x]`) or a choice's stem.
pub fn of<'n>(kind: &'static str, object: &'n Object, name: &str) -> Vec<Value<'n>> {
    let same = |element: &&definitions::Element| {
        element.name == name || element.name.strip_suffix("[x]").is_some_and(|stem| stem == name)
    };
    let Some(element) = definitions::elements(kind).iter().find(same) else { return Vec::new() };
    for (key, _) in object.iter() {
        let stem = key.strip_prefix('_').unwrap_or(key);
        if !stem.starts_with(element.name.trim_end_matches("[x]")) {
            continue;
        }
        if let Some((found, of)) = definitions::locate(kind, stem)
            && std::ptr::eq(found, element)
        {
            return listed(object.get(stem), object.get(&format!("_{stem}")), of, element.name);
        }
    }
    Vec::new()
}

fn listed<'n>(
    node: Option<&'n Node>,
    companion: Option<&'n Node>,
    kind: &'static str,
    element: &'static str,
) -> Vec<Value<'n>> {
    let is_list = matches!(node.or(companion), Some(Node::Array(_)));
    let (nodes, companions) = (node.map_or(&[][..], Node::items), companion.map_or(&[][..], Node::items));
    let one = |at: usize| {
        let present = |node: &&'n Node| **node != Node::Null;
        let (node, companion) = (nodes.get(at).filter(present), companions.get(at).filter(present));
        let own = node.filter(|_| kind == "Resource").and_then(|node| node.get("resourceType")?.as_str());
        let kind = own.and_then(definitions::resource).unwrap_or(kind);
        (node.is_some() || companion.is_some()).then_some(Value {
            node,
            companion,
            element,
            index: is_list.then_some(at),
            ..Value::nothing(kind)
        })
    };
    (0..nodes.len().max(companions.len())).filter_map(one).collect()
}
