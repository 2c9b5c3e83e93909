//! Writing into an element by a target path.
//!
//! A list in the middle of a path is its first item, a list at the end is appended to, an extension is always a fresh
//! one. A single element keeps its first value.

use smol_str::SmolStr;

use crate::fhir::{Node, Object};
use crate::mapping::plan::Step;

/// Whether the path ends in a single element that has a value already.
pub fn is_occupied(object: &Object, steps: &[Step]) -> bool {
    let Some((step, rest)) = steps.split_first() else { return false };
    if step.url.is_some() || (rest.is_empty() && step.list) {
        return false;
    }
    match object.get(&step.key) {
        None => false,
        Some(_) if rest.is_empty() => true,
        Some(node) => node.items().first().and_then(Node::as_object).is_some_and(|inner| is_occupied(inner, rest)),
    }
}

/// Puts the value there. The path is not empty and not occupied; were it, the value would be left out.
pub fn insert(object: &mut Object, steps: &[Step], value: Node) {
    let Some((step, rest)) = steps.split_first() else { return };
    if let Some(url) = &step.url {
        append(object, &step.key, extension(url, rest, value));
    } else if rest.is_empty() {
        if step.list {
            append(object, &step.key, value);
        } else if object.get(&step.key).is_none() {
            object.push(step.key.clone(), value);
        }
    } else if let Some(inner) = open(object, step) {
        insert(inner, rest, value);
    }
}

fn append(object: &mut Object, key: &SmolStr, value: Node) {
    match object.get_mut(key) {
        Some(Node::Array(items)) => items.push(value),
        Some(_) => {}
        None => object.push(key.clone(), Node::Array(vec![value])),
    }
}

fn extension(url: &SmolStr, rest: &[Step], value: Node) -> Node {
    let mut object = Object::new();
    object.push(SmolStr::new_static("url"), Node::String(url.clone()));
    match value {
        Node::Object(members) if rest.is_empty() => object.extend(members),
        value => insert(&mut object, rest, value),
    }
    Node::Object(object)
}

/// The element at the step, made when it is missing.
fn open<'o>(object: &'o mut Object, step: &Step) -> Option<&'o mut Object> {
    let node = object.entry_at(&step.key, || {
        let empty = Node::Object(Object::new());
        if step.list { Node::Array(vec![empty]) } else { empty }
    });
    match node {
        Node::Array(items) => items.first_mut()?.as_object_mut(),
        node => node.as_object_mut(),
    }
}

/// The path with the positions that a value put there now would get: `name[0].given[1]`.
pub fn address(object: &Object, steps: &[Step], out: &mut String) {
    let mut object = Some(object);
    for (at, step) in steps.iter().enumerate() {
        if !out.is_empty() {
            out.push('.');
        }
        out.push_str(&step.key);
        let node = object.and_then(|object| object.get(&step.key));
        let last = at + 1 == steps.len();
        if step.list {
            let fresh = last || step.url.is_some();
            let index = if fresh { node.map_or(0, |node| node.items().len()) } else { 0 };
            out.push_str(&smol_str::format_smolstr!("[{index}]"));
            object = if fresh { None } else { node.and_then(|node| node.items().first()?.as_object()) };
        } else {
            object = node.and_then(Node::as_object);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(path: &[(&'static str, bool, Option<&'static str>)]) -> Vec<Step> {
        path.iter()
            .map(|(key, list, url)| Step {
                key: SmolStr::new_static(key),
                list: *list,
                url: url.map(SmolStr::new_static),
            })
            .collect()
    }

    #[test]
    fn lists_grow_singles_keep_and_extensions_are_fresh() {
        let mut object = Object::new();
        let given = steps(&[("name", true, None), ("given", true, None)]);
        let family = steps(&[("name", true, None), ("family", false, None)]);
        let urgent = steps(&[("extension", true, Some("u")), ("valueCode", false, None)]);
        for (path, value) in [(&given, "A"), (&given, "B"), (&family, "C"), (&urgent, "x"), (&urgent, "y")] {
            let mut at = String::new();
            address(&object, path, &mut at);
            assert!(!is_occupied(&object, path), "{at}");
            insert(&mut object, path, Node::from(value));
        }
        assert!(is_occupied(&object, &family));
        insert(&mut object, &family, Node::from("D"));
        let mut at = String::new();
        address(&object, &given, &mut at);
        assert_eq!(at, "name[0].given[2]");
        let mut out = Vec::new();
        object.write(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"name":[{"given":["A","B"],"family":"C"}],"extension":[{"url":"u","valueCode":"x"},{"url":"u","valueCode":"y"}]}"#
        );
    }
}
