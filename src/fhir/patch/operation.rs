//! The operations of FHIRPath Patch (R4 fhirpatch): add, insert, delete, replace, move.

use smol_str::{SmolStr, format_smolstr};

use super::place::{self, Step, object_at};
use super::value::{self, Lists, Named};
use super::{PatchFault, check_depth};
use crate::fhir::fhirpath::{Element, Expression, Focus, Item, Nothing};
use crate::fhir::{Node, Object};

const NOT_ONE: PatchFault = PatchFault::no_place("the path must lead to exactly one element of the resource");
const NO_LIST: PatchFault = PatchFault::no_place("the path must lead to one list of the resource");
const NO_INDEX: PatchFault = PatchFault::no_place("the list does not reach that far");

/// Applies one parameter `operation`.
pub fn apply(root: &mut Node, parameter: &Node) -> Result<(), PatchFault> {
    if parameter.get("name").and_then(Node::as_str) != Some("operation") {
        return Err(PatchFault::malformed("expected only parameters of the name `operation`"));
    }
    let root = root.as_object_mut().ok_or(PatchFault::protected())?;
    let parts = Parts(parameter.get("part").map_or(&[][..], Node::items));
    let path = parts.text("path")?;
    match parts.text("type")? {
        "add" => add(root, path, parts.text("name")?, parts.named("value")?),
        "insert" => insert(root, path, parts.index("index")?, parts.named("value")?),
        "delete" => delete(root, path),
        "replace" => replace(root, path, parts.named("value")?),
        "move" => relocate(root, path, parts.index("source")?, parts.index("destination")?),
        _ => Err(PatchFault::malformed("expected the type to be add, insert, delete, replace or move")),
    }
}

/// The parts of an operation.
struct Parts<'n>(&'n [Node]);

impl<'n> Parts<'n> {
    fn named(&self, name: &str) -> Result<&'n Node, PatchFault> {
        let found = self.0.iter().find(|part| part.get("name").and_then(Node::as_str) == Some(name));
        found.ok_or(PatchFault::malformed("an operation lacks a part that its type needs"))
    }

    fn text(&self, name: &str) -> Result<&'n str, PatchFault> {
        let part = self.named(name)?;
        let value = ["valueString", "valueCode"].into_iter().find_map(|member| part.get(member)?.as_str());
        value.ok_or(PatchFault::malformed("expected valueCode for type, valueString for path and name"))
    }

    fn index(&self, name: &str) -> Result<usize, PatchFault> {
        let members = ["valueInteger", "valueUnsignedInt", "valuePositiveInt"];
        let part = self.named(name)?;
        let value = members.into_iter().find_map(|member| match part.get(member)? {
            Node::Number(text) => text.parse().ok(),
            _ => None,
        });
        value.ok_or(PatchFault::malformed("expected valueInteger, from 0, for an index"))
    }
}

/// An element that a path leads to.
struct Target {
    steps: Vec<Step>,
    kind: SmolStr,
    has_members: bool,
}

fn targets(root: &Object, path: &str) -> Result<Vec<Target>, PatchFault> {
    let expression =
        Expression::parse(path).map_err(|_| PatchFault::malformed("the path is no FHIRPath expression"))?;
    let found = expression
        .evaluate(&Focus::from(root), &Nothing)
        .map_err(|_| PatchFault::no_place("the path could not be evaluated"))?;
    found.iter().map(|item| target(root, item)).collect()
}

fn target(root: &Object, item: &Item<'_>) -> Result<Target, PatchFault> {
    let element: Element<'_> = item.element().ok_or(NOT_ONE)?;
    let steps = place::of(&element, root).ok_or(NOT_ONE)?;
    Ok(Target { steps, kind: element.kind().into(), has_members: element.object().is_some() })
}

fn single(root: &Object, path: &str) -> Result<Target, PatchFault> {
    let mut found = targets(root, path)?;
    if found.len() == 1 { found.pop().ok_or(NOT_ONE) } else { Err(NOT_ONE) }
}

impl Target {
    /// The steps to where its own members stand: of a primitive its companion.
    fn holder(self) -> (Vec<Step>, SmolStr) {
        let mut steps = self.steps;
        if self.has_members {
            return (steps, self.kind);
        }
        if let Some(last) = steps.last_mut() {
            last.name = format_smolstr!("_{}", last.name);
        }
        (steps, SmolStr::new_static("Element"))
    }
}

fn add(root: &mut Object, path: &str, name: &str, value: &Node) -> Result<(), PatchFault> {
    let (steps, kind) = single(root, path)?.holder();
    let named = value::read(&kind, name, value)?;
    named.check(&steps)?;
    let put = named.put(object_at(root, &steps).ok_or(NOT_ONE)?);
    if put { Ok(()) } else { Err(PatchFault::no_place("the element is there already: use replace")) }
}

/// A list, by the object that has it and its name.
struct List {
    steps: Vec<Step>,
    kind: SmolStr,
    name: SmolStr,
}

/// The list that a path names as its last member, which need not be there yet; else the one that all it leads to are of.
fn list(root: &Object, path: &str) -> Result<List, PatchFault> {
    if let Some((above, name)) = path.rsplit_once('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && let Ok(target) = single(root, above)
    {
        let (steps, kind) = target.holder();
        return Ok(List { steps, kind, name: name.into() });
    }
    let found = targets(root, path)?;
    let mut places = found.into_iter().map(|target| {
        let mut steps = target.steps;
        let last = steps.pop().filter(|last| last.index.is_some())?;
        Some((steps, last.name))
    });
    let (steps, name) = places.next().flatten().ok_or(NO_LIST)?;
    if places.any(|place| place.as_ref() != Some(&(steps.clone(), name.clone()))) {
        return Err(NO_LIST);
    }
    let kind = kind_at(root, &steps).ok_or(NO_LIST)?;
    Ok(List { steps, kind, name })
}

fn kind_at(root: &Object, steps: &[Step]) -> Option<SmolStr> {
    let mut kind: SmolStr = root.get("resourceType")?.as_str()?.into();
    let mut object = root;
    for step in steps {
        let found = crate::fhir::definitions::locate(&kind, step.name.trim_start_matches('_'));
        let own = if step.name.starts_with('_') { "Element" } else { found?.1 };
        object = object.get(&step.name)?.items().get(step.index.unwrap_or(0))?.as_object()?;
        let resource = object.get("resourceType").and_then(Node::as_str).filter(|_| own == "Resource");
        kind = resource.unwrap_or(own).into();
    }
    Some(kind)
}

fn insert(root: &mut Object, path: &str, index: usize, value: &Node) -> Result<(), PatchFault> {
    let List { steps, kind, name } = list(root, path)?;
    let named = value::read(&kind, &name, value)?;
    if !named.list {
        return Err(NO_LIST);
    }
    named.check(&steps)?;
    let fits = named.insert(object_at(root, &steps).ok_or(NO_LIST)?, index);
    if fits { Ok(()) } else { Err(NO_INDEX) }
}

impl Named {
    fn check(&self, steps: &[Step]) -> Result<(), PatchFault> {
        let below = 2 * (steps.len() + 1);
        self.value.node.iter().chain(&self.value.companion).try_for_each(|node| check_depth(below, node))
    }
}

/// What is not there need not be deleted.
fn delete(root: &mut Object, path: &str) -> Result<(), PatchFault> {
    let mut found = targets(root, path)?;
    if found.len() > 1 {
        return Err(NOT_ONE);
    }
    let Some(target) = found.pop() else { return Ok(()) };
    let mut steps = target.steps;
    // An object that loses its last member goes as well: FHIR has no empty ones.
    loop {
        let last = steps.pop().ok_or(PatchFault::protected())?;
        let object = object_at(root, &steps).ok_or(NOT_ONE)?;
        take_out(object, &last);
        if !object.is_empty() || steps.is_empty() {
            return Ok(());
        }
    }
}

fn take_out(object: &mut Object, last: &Step) {
    let name = last.name.trim_start_matches('_');
    let companion = format_smolstr!("_{name}");
    match last.index {
        // Only the companion, when that is what the step names.
        None if last.name.starts_with('_') => drop(object.remove(&last.name)),
        None => [name, &companion].into_iter().for_each(|name| drop(object.remove(name))),
        Some(at) => {
            let mut lists = Lists::take(object, name, &companion);
            if last.name.starts_with('_') && lists.values.get(at).is_some_and(|value| *value != Node::Null) {
                lists.companions[at] = Node::Null;
            } else if at < lists.values.len() {
                lists.values.remove(at);
                lists.companions.remove(at);
            }
            lists.give_back(object, name, &companion);
        }
    }
}

fn replace(root: &mut Object, path: &str, value: &Node) -> Result<(), PatchFault> {
    let mut steps = single(root, path)?.steps;
    let last = steps.pop().ok_or(PatchFault::protected())?;
    let owner = kind_at(root, &steps).ok_or(NOT_ONE)?;
    let named = value::read(&owner, stem(&owner, &last.name), value)?;
    named.check(&steps)?;
    let object = object_at(root, &steps).ok_or(NOT_ONE)?;
    let companion = format_smolstr!("_{}", last.name);
    if let Some(at) = last.index {
        let mut lists = Lists::take(object, &last.name, &companion);
        lists.values[at] = named.value.node.unwrap_or(Node::Null);
        lists.companions[at] = named.value.companion.unwrap_or(Node::Null);
        lists.give_back(object, &last.name, &companion);
        return Ok(());
    }
    object.remove(&companion);
    if named.name == last.name
        && let (Some(place), Some(node), None) = (object.get_mut(&last.name), &named.value.node, &named.value.companion)
    {
        *place = node.clone();
        return Ok(());
    }
    object.remove(&last.name);
    named.put(object);
    Ok(())
}

/// The name by which a value of any type of a choice can be given.
fn stem<'t>(owner: &str, name: &'t str) -> &'t str {
    let element = crate::fhir::definitions::locate(owner, name).map(|(element, _)| element.name);
    let stem = element.and_then(|element| element.strip_suffix("[x]"));
    stem.map_or(name, |stem| &name[..stem.len()])
}

fn relocate(root: &mut Object, path: &str, source: usize, destination: usize) -> Result<(), PatchFault> {
    let List { steps, name, .. } = list(root, path)?;
    let companion = format_smolstr!("_{name}");
    let object = object_at(root, &steps).ok_or(NO_LIST)?;
    if !matches!(object.get(&name).or_else(|| object.get(&companion)), Some(Node::Array(_))) {
        return Err(NO_LIST);
    }
    let mut lists = Lists::take(object, &name, &companion);
    let fits = source < lists.values.len() && destination < lists.values.len();
    if fits {
        for items in [&mut lists.values, &mut lists.companions] {
            let item = items.remove(source);
            items.insert(destination, item);
        }
    }
    lists.give_back(object, &name, &companion);
    if fits { Ok(()) } else { Err(NO_INDEX) }
}
