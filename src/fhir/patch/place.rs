//! Where an element stands in the tree, as steps that a change can follow.

use smol_str::{SmolStr, format_smolstr};

use crate::fhir::fhirpath::Element;
use crate::fhir::{Node, Object};

/// A member, and which item of it when it is a list. What stands inside of a primitive is reached by its companion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub name: SmolStr,
    pub index: Option<usize>,
}

/// The steps from the resource to the element that was found in it; none for the resource itself.
pub fn of(element: &Element<'_>, root: &Object) -> Option<Vec<Step>> {
    if element.object().is_some_and(|object| std::ptr::eq(object, root)) {
        return Some(Vec::new());
    }
    let mut steps = Vec::new();
    search(element, root, &mut steps).then(|| {
        steps.reverse();
        steps
    })
}

/// Collects the steps from the last to the first.
fn search(element: &Element<'_>, object: &Object, steps: &mut Vec<Step>) -> bool {
    for (member, node) in object.iter() {
        let name = member.strip_prefix('_').unwrap_or(member);
        if name != member && object.get(name).is_some() {
            continue;
        }
        let (nodes, beside) = if name == member { (Some(node), companion(object, name)) } else { (None, Some(node)) };
        let is_list = matches!(nodes.or(beside), Some(Node::Array(_)));
        let (nodes, beside) = (nodes.map_or(&[][..], Node::items), beside.map_or(&[][..], Node::items));
        for at in 0..nodes.len().max(beside.len()) {
            let (node, beside) = (nodes.get(at).unwrap_or(&Node::Null), beside.get(at));
            let index = is_list.then_some(at);
            if element.is_at(node, beside) || inside(element, Some(node), steps) {
                steps.push(Step { name: name.into(), index });
                return true;
            }
            if inside(element, beside, steps) {
                steps.push(Step { name: format_smolstr!("_{name}"), index });
                return true;
            }
        }
    }
    false
}

fn inside(element: &Element<'_>, node: Option<&Node>, steps: &mut Vec<Step>) -> bool {
    node.and_then(Node::as_object).is_some_and(|object| search(element, object, steps))
}

fn companion<'n>(object: &'n Object, name: &str) -> Option<&'n Node> {
    object.iter().find(|(member, _)| member.strip_prefix('_') == Some(name)).map(|(_, node)| node)
}

/// The object at these steps. A companion that is not there yet is made.
pub fn object_at<'n>(root: &'n mut Object, steps: &[Step]) -> Option<&'n mut Object> {
    steps.iter().try_fold(root, |object, step| match step.index {
        None if step.name.starts_with('_') => object.entry(&step.name, || Object::new().into()).as_object_mut(),
        None => object.get_mut(&step.name)?.as_object_mut(),
        Some(at) if step.name.starts_with('_') => {
            let Node::Array(items) = object.entry(&step.name, || Vec::new().into()) else { return None };
            if items.len() <= at {
                items.resize(at + 1, Node::Null);
            }
            if items[at] == Node::Null {
                items[at] = Object::new().into();
            }
            items[at].as_object_mut()
        }
        Some(at) => match object.get_mut(&step.name)? {
            Node::Array(items) => items.get_mut(at)?.as_object_mut(),
            _ => None,
        },
    })
}
