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

/// Puts the value there, and gives the position of the fresh item in the list it was put into. The path is not empty
/// and not occupied; were it, the value would be left out.
pub fn insert(object: &mut Object, steps: &[Step], value: Node) -> usize {
    let Some((step, rest)) = steps.split_first() else { return 0 };
    if let Some(url) = &step.url {
        append(object, &step.key, extension(url, rest, value))
    } else if rest.is_empty() {
        if step.list {
            return append(object, &step.key, value);
        }
        if object.get(&step.key).is_none() {
            object.push(step.key.clone(), value);
        }
        0
    } else {
        open(object, step).map_or(0, |inner| insert(inner, rest, value))
    }
}

fn append(object: &mut Object, key: &SmolStr, value: Node) -> usize {
    match object.get_mut(key) {
        Some(Node::Array(items)) => {
            items.push(value);
            items.len() - 1
        }
        Some(_) => 0,
        None => {
            object.push(key.clone(), Node::Array(vec![value]));
            0
        }
    }
}

fn extension(url: &SmolStr, rest: &[Step], value: Node) -> Node {
    let mut object = Object::new();
    object.push(SmolStr::new_static("url"), Node::String(url.clone()));
    match value {
        Node::Object(members) if rest.is_empty() => object.extend(members),
        value => {
            insert(&mut object, rest, value);
        }
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
        let values = [(&given, "A", 0), (&given, "B", 1), (&family, "C", 0), (&urgent, "x", 0), (&urgent, "y", 1)];
        for (path, value, index) in values {
            assert!(!is_occupied(&object, path), "{value}");
            assert_eq!(insert(&mut object, path, Node::from(value)), index, "{value}");
        }
        assert!(is_occupied(&object, &family));
        insert(&mut object, &family, Node::from("D"));
        let mut out = Vec::new();
        object.write(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"name":[{"given":["A","B"],"family":"C"}],"extension":[{"url":"u","valueCode":"x"},{"url":"u","valueCode":"y"}]}"#
        );
    }
}
