//! The operations of JSON Patch (RFC 6902 4).

use super::equality::equal;
use super::pointer::{Pointer, get_mut, index};
use super::{PatchFault, check_depth};
use crate::base::limits;
use crate::fhir::Node;

const NOTHING: PatchFault = PatchFault::no_place("the resource has nothing at this path");

/// Applies one; `growth` adds up what copies have made.
pub fn apply(root: &mut Node, operation: &Node, growth: &mut usize) -> Result<(), PatchFault> {
    let kind = member(operation, "op")?;
    let path = Pointer::parse(member(operation, "path")?)?;
    match kind {
        "add" => add(root, &path, value(operation)?.clone()),
        "remove" => remove(root, &path).map(|_| ()),
        "replace" => replace(root, &path, value(operation)?.clone()),
        "move" => relocate(root, &from(operation)?, &path),
        "copy" => copy(root, &from(operation)?, &path, growth),
        "test" => {
            let found = path.get(root).ok_or(PatchFault::test_failed())?;
            if equal(found, value(operation)?) { Ok(()) } else { Err(PatchFault::test_failed()) }
        }
        _ => Err(PatchFault::malformed("expected op to be add, remove, replace, move, copy or test")),
    }
}

fn member<'n>(operation: &'n Node, name: &str) -> Result<&'n str, PatchFault> {
    let found = operation.get(name).and_then(Node::as_str);
    found.ok_or(PatchFault::malformed(
        "expected an object with the texts `op` and `path`, and `from` where it is needed",
    ))
}

fn from(operation: &Node) -> Result<Pointer<'_>, PatchFault> {
    Pointer::parse(member(operation, "from")?)
}

fn value(operation: &Node) -> Result<&Node, PatchFault> {
    operation.get("value").ok_or(PatchFault::malformed("expected a `value`"))
}

fn add(root: &mut Node, path: &Pointer<'_>, value: Node) -> Result<(), PatchFault> {
    check_depth(path.len(), &value)?;
    let Some((above, last)) = path.split() else {
        *root = value;
        return Ok(());
    };
    match get_mut(root, above).ok_or(NOTHING)? {
        Node::Object(object) => object.set(last, value),
        Node::Array(items) => {
            let at = if last == "-" { Some(items.len()) } else { index(last) };
            items.insert(at.filter(|at| *at <= items.len()).ok_or(NOTHING)?, value);
        }
        _ => return Err(NOTHING),
    }
    Ok(())
}

fn remove(root: &mut Node, path: &Pointer<'_>) -> Result<Node, PatchFault> {
    let (above, last) = path.split().ok_or(PatchFault::protected())?;
    match get_mut(root, above).ok_or(NOTHING)? {
        Node::Object(object) => object.remove(last).ok_or(NOTHING),
        Node::Array(items) => {
            let at = index(last).filter(|at| *at < items.len()).ok_or(NOTHING)?;
            Ok(items.remove(at))
        }
        _ => Err(NOTHING),
    }
}

fn replace(root: &mut Node, path: &Pointer<'_>, value: Node) -> Result<(), PatchFault> {
    check_depth(path.len(), &value)?;
    let place = match path.split() {
        None => root,
        Some((above, last)) => match get_mut(root, above).ok_or(NOTHING)? {
            Node::Object(object) => object.get_mut(last).ok_or(NOTHING)?,
            Node::Array(items) => index(last).and_then(|at| items.get_mut(at)).ok_or(NOTHING)?,
            _ => return Err(NOTHING),
        },
    };
    *place = value;
    Ok(())
}

fn relocate(root: &mut Node, from: &Pointer<'_>, path: &Pointer<'_>) -> Result<(), PatchFault> {
    if from.holds(path) {
        return Err(PatchFault::malformed("a value cannot be moved into itself"));
    }
    if from == path {
        return from.get(root).map(|_| ()).ok_or(NOTHING);
    }
    let value = remove(root, from)?;
    add(root, path, value)
}

/// A copy of a copy doubles: what copies add up to is bounded.
fn copy(root: &mut Node, from: &Pointer<'_>, path: &Pointer<'_>, growth: &mut usize) -> Result<(), PatchFault> {
    let value = from.get(root).ok_or(NOTHING)?;
    *growth += weight(value);
    if *growth > limits::PATCH_GROWTH_MAX {
        return Err(PatchFault::no_place("the copies of this patch would make the resource too large"));
    }
    let value = value.clone();
    add(root, path, value)
}

/// About the bytes of a value.
fn weight(node: &Node) -> usize {
    match node {
        Node::Null | Node::Bool(_) => 4,
        Node::Number(text) | Node::String(text) => 2 + text.len(),
        Node::Array(items) => 2 + items.iter().map(weight).sum::<usize>(),
        Node::Object(object) => 2 + object.iter().map(|(name, node)| 4 + name.len() + weight(node)).sum::<usize>(),
    }
}
