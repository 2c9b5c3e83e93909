//! The values that a FHIRPath Patch brings: `value[x]`, a resource, or parts for an element that has no type of its own.

use smol_str::{SmolStr, format_smolstr};

use super::PatchFault;
use crate::fhir::definitions::{self, Primitive};
use crate::fhir::{Node, Object};

/// What is put in the place of an element.
#[derive(Clone, Default)]
pub struct Value {
    pub node: Option<Node>,
    /// The id and extensions of a primitive.
    pub companion: Option<Node>,
}

/// A value and the JSON name under which an element of a type takes it.
pub struct Named {
    pub name: SmolStr,
    pub list: bool,
    pub value: Value,
}

const NO_ELEMENT: PatchFault = PatchFault::malformed("the type at this path has no element of this name");
const WRONG_TYPE: PatchFault = PatchFault::malformed("a value of a type that the element does not have");
const NO_VALUE: PatchFault = PatchFault::malformed("expected one value[x], a resource, or parts");

/// The value of a parameter for the element `name` of a type: the stem of a choice, or the whole JSON name.
pub fn read(owner: &str, name: &str, parameter: &Node) -> Result<Named, PatchFault> {
    let by_name = definitions::elements(owner).iter().find(|element| {
        element.name == name
            || element.name.strip_suffix("[x]").is_some_and(|stem| stem == name.trim_end_matches("[x]"))
    });
    let located = definitions::locate(owner, name).map(|(element, kind)| (element, Some(kind)));
    let (element, kind) = located.or(by_name.map(|element| (element, None))).ok_or(NO_ELEMENT)?;
    let given = given(parameter)?;
    let kind = match (kind, &given) {
        (Some(kind), _) => kind,
        (None, Given::Typed(kind, _)) => element.types().find(|own| own == kind).ok_or(WRONG_TYPE)?,
        (None, _) => return Err(WRONG_TYPE),
    };
    let value = match given {
        Given::Typed(of, value) => fitting(kind, of, value)?,
        Given::Resource(resource) if kind == "Resource" => Value { node: Some(resource.clone()), companion: None },
        Given::Parts(parts) if Primitive::of(kind).is_none() && kind != "Resource" => {
            Value { node: Some(assembled(kind, parts)?.into()), companion: None }
        }
        _ => return Err(WRONG_TYPE),
    };
    let name =
        element.name.strip_suffix("[x]").map_or_else(|| element.name.into(), |stem| definitions::choice(stem, kind));
    Ok(Named { name, list: element.list, value })
}

enum Given<'n> {
    Typed(&'static str, Value),
    Resource(&'n Node),
    Parts(&'n [Node]),
}

fn given(parameter: &Node) -> Result<Given<'_>, PatchFault> {
    let object = parameter.as_object().ok_or(NO_VALUE)?;
    if let Some(resource) = object.get("resource") {
        return Ok(Given::Resource(resource));
    }
    let value_of = |member: &str| {
        let name = member.strip_prefix('_').unwrap_or(member);
        let (_, kind) = name.starts_with("value").then(|| definitions::locate("Parameters.parameter", name))??;
        Some((SmolStr::from(name), kind))
    };
    if let Some((name, kind)) = object.iter().find_map(|(member, _)| value_of(member)) {
        let companion = object.get(&format_smolstr!("_{name}")).cloned();
        return Ok(Given::Typed(kind, Value { node: object.get(&name).cloned(), companion }));
    }
    object.get("part").map(|parts| Given::Parts(parts.items())).ok_or(NO_VALUE)
}

/// A primitive may come as another one that JSON writes alike: `valueString` for a code. Whether its text will do is for
/// the check of the whole resource.
fn fitting(kind: &str, of: &str, value: Value) -> Result<Value, PatchFault> {
    let same = match (Primitive::of(kind), Primitive::of(of)) {
        (Some(own), Some(other)) => shape(own) == shape(other),
        (None, None) => kind == of || definitions::base(of) == Some(kind) || definitions::base(kind) == Some(of),
        _ => false,
    };
    if same { Ok(value) } else { Err(WRONG_TYPE) }
}

/// How JSON writes it.
const fn shape(primitive: Primitive) -> u8 {
    match primitive {
        Primitive::Boolean => 0,
        Primitive::Integer | Primitive::UnsignedInt | Primitive::PositiveInt | Primitive::Decimal => 1,
        _ => 2,
    }
}

/// An object from the parts that name its elements.
fn assembled(kind: &str, parts: &[Node]) -> Result<Object, PatchFault> {
    let mut object = Object::new();
    for part in parts {
        let name = part.get("name").and_then(Node::as_str).ok_or(NO_ELEMENT)?;
        let named = read(kind, name, part)?;
        if !named.put(&mut object) {
            return Err(PatchFault::malformed("a part twice for an element that does not repeat"));
        }
    }
    Ok(object)
}

impl Named {
    /// Appends to a list, or sets what is not there yet; whether it could.
    pub fn put(self, object: &mut Object) -> bool {
        let companion = format_smolstr!("_{}", self.name);
        if self.list {
            let count = |name: &str| object.get(name).map_or(0, |node| node.items().len());
            let at = count(&self.name).max(count(&companion));
            return self.insert(object, at);
        }
        if object.get(&self.name).is_some() || object.get(&companion).is_some() {
            return false;
        }
        let members = [(self.name, self.value.node), (companion, self.value.companion)];
        for (name, node) in members {
            node.into_iter().for_each(|node| object.set(name.clone(), node));
        }
        true
    }

    /// Puts it into a list at a place, the companions beside the values; whether the list reaches so far.
    pub fn insert(self, object: &mut Object, at: usize) -> bool {
        let companion = format_smolstr!("_{}", self.name);
        let mut lists = Lists::take(object, &self.name, &companion);
        let fits = at <= lists.values.len();
        if fits {
            lists.values.insert(at, self.value.node.unwrap_or(Node::Null));
            lists.companions.insert(at, self.value.companion.unwrap_or(Node::Null));
        }
        lists.give_back(object, &self.name, &companion);
        fits
    }
}

/// A list of values and, as long, what stands beside them.
pub struct Lists {
    pub values: Vec<Node>,
    pub companions: Vec<Node>,
}

impl Lists {
    pub fn take(object: &mut Object, name: &str, companion: &str) -> Self {
        let mut list = |name: &str| match object.get_mut(name) {
            Some(Node::Array(items)) => std::mem::take(items),
            Some(node) => vec![std::mem::replace(node, Node::Null)],
            None => Vec::new(),
        };
        let (mut values, mut companions) = (list(name), list(companion));
        let count = values.len().max(companions.len());
        values.resize(count, Node::Null);
        companions.resize(count, Node::Null);
        Self { values, companions }
    }

    /// A list without anything is left out.
    pub fn give_back(self, object: &mut Object, name: &str, companion: &str) {
        for (name, items) in [(name, self.values), (companion, self.companions)] {
            if items.iter().any(|item| *item != Node::Null) {
                object.set(name, items);
            } else {
                object.remove(name);
            }
        }
    }
}
