//! Changing parts of a resource: JSON Patch (RFC 6902) and FHIRPath Patch (R4 fhirpatch).
//!
//! Cast: an *operation* is one step of a patch; a *pointer* (JSON) or a *place* (FHIRPath) is where it works; a *fault*
//! names the operation by its index and why it cannot be done.
//!
//! It promises all or nothing: what comes out is a new resource after every operation, or a fault. The type and the id
//! of the resource stay. Number, depth and growth are bounded (`base::limits`). Whether the outcome is valid FHIR is for
//! others to say (`profile`).

mod equality;
mod fault;
mod json_patch;
mod merge_patch;
mod operation;
mod place;
mod pointer;
mod value;

pub use fault::{PatchCause, PatchFault};

use super::{Node, Object, Resource};
use crate::base::limits;

/// Applies a JSON Patch: an array of operations.
pub fn json_patch(resource: &Resource, patch: &Node) -> Result<Resource, PatchFault> {
    let Node::Array(operations) = patch else {
        return Err(PatchFault::malformed("expected a JSON array of operations"));
    };
    apply(resource, operations, json_patch::apply)
}

/// The resource with these members put over its own (RFC 7396).
pub fn merge_patch(resource: &Resource, patch: &Object) -> Resource {
    let mut patched = resource.clone();
    merge_patch::apply(patched.object_mut(), patch);
    patched
}

/// Applies a FHIRPath Patch: a Parameters resource with a parameter `operation` for each.
pub fn fhirpath_patch(resource: &Resource, parameters: &Resource) -> Result<Resource, PatchFault> {
    if parameters.kind() != "Parameters" {
        return Err(PatchFault::malformed("expected a Parameters resource"));
    }
    let operations = parameters.get("parameter").map_or(&[][..], Node::items);
    if operations.is_empty() {
        return Err(PatchFault::malformed("expected a parameter `operation` for each change"));
    }
    apply(resource, operations, |root, operation, _| operation::apply(root, operation))
}

fn apply(
    resource: &Resource,
    operations: &[Node],
    step: impl Fn(&mut Node, &Node, &mut usize) -> Result<(), PatchFault>,
) -> Result<Resource, PatchFault> {
    if operations.len() > limits::PATCH_OPERATIONS_MAX {
        return Err(PatchFault::malformed("more operations than one patch may have"));
    }
    let mut root = resource.clone().into_node();
    let mut growth = 0;
    for (index, operation) in operations.iter().enumerate() {
        let checked = step(&mut root, operation, &mut growth).and_then(|()| check_identity(&root, resource));
        checked.map_err(|fault| PatchFault { operation: Some(index), ..fault })?;
    }
    let Node::Object(mut object) = root else { return Err(PatchFault::protected()) };
    drop_empty_lists(&mut object);
    Resource::from_object(object).map_err(|_| PatchFault::protected())
}

/// The resource is still of its type and has its id.
fn check_identity(root: &Node, before: &Resource) -> Result<(), PatchFault> {
    let same = ["resourceType", "id"].into_iter().all(|name| root.get(name) == before.get(name));
    if same { Ok(()) } else { Err(PatchFault::protected()) }
}

/// FHIR has no empty lists: the last item that is removed takes its list along.
fn drop_empty_lists(object: &mut Object) {
    let is_empty = |node: &Node| matches!(node, Node::Array(items) if items.is_empty());
    let empty: Vec<_> = object.iter().filter(|(_, node)| is_empty(node)).map(|(name, _)| name.to_owned()).collect();
    for name in empty {
        object.remove(&name);
    }
    for (_, node) in object.iter_mut() {
        match node {
            Node::Object(inner) => drop_empty_lists(inner),
            Node::Array(items) => {
                items.iter_mut().filter_map(Node::as_object_mut).for_each(drop_empty_lists);
            }
            _ => {}
        }
    }
}

/// Whether a value fits below this many steps, so that the outcome can be read again.
fn check_depth(steps: usize, value: &Node) -> Result<(), PatchFault> {
    if steps + depth(value) > limits::JSON_DEPTH_MAX {
        return Err(PatchFault::no_place("the resource would be nested too deep"));
    }
    Ok(())
}

fn depth(node: &Node) -> usize {
    match node {
        Node::Object(object) => 1 + object.iter().map(|(_, node)| depth(node)).max().unwrap_or(0),
        Node::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
