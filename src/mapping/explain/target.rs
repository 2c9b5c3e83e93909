//! The leaves of a resource, with their paths and their texts.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::fhir::{Node, Object, Resource};

/// Visits every leaf in order: `name[0].given[1]`. The resource type is no leaf.
pub fn for_each_leaf<'r>(resource: &'r Resource, mut visit: impl FnMut(&str, &'r Node)) {
    let mut path = String::new();
    members(resource.object(), &mut path, &mut |path, node| {
        if path != "resourceType" {
            visit(path, node);
        }
    });
}

fn members<'r>(object: &'r Object, path: &mut String, visit: &mut dyn FnMut(&str, &'r Node)) {
    let length = path.len();
    for (key, node) in object.iter() {
        if length > 0 {
            path.push('.');
        }
        path.push_str(key);
        walk(node, path, visit);
        path.truncate(length);
    }
}

fn walk<'r>(node: &'r Node, path: &mut String, visit: &mut dyn FnMut(&str, &'r Node)) {
    match node {
        Node::Object(object) => members(object, path, visit),
        Node::Array(items) => {
            let length = path.len();
            for (at, item) in items.iter().enumerate() {
                // Writing to a string does not fail.
                let _ = write!(path, "[{at}]");
                walk(item, path, visit);
                path.truncate(length);
            }
        }
        leaf => visit(path, leaf),
    }
}

/// A leaf as text.
pub fn text(leaf: &Node) -> Cow<'_, str> {
    match leaf {
        Node::String(text) | Node::Number(text) => Cow::Borrowed(text),
        Node::Bool(true) => Cow::Borrowed("true"),
        Node::Bool(false) => Cow::Borrowed("false"),
        _ => Cow::Borrowed("null"),
    }
}

/// The path without positions, for counting alike leaves: `name.given`.
pub fn without_positions(path: &str) -> String {
    let mut depth = 0;
    path.chars()
        .filter(|c| {
            depth += i32::from(*c == '[');
            let outside = depth == 0;
            depth -= i32::from(*c == ']');
            outside
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_come_with_their_paths() {
        let json = br#"{"resourceType":"Patient","active":true,"name":[{"given":["A","B"]}],"_x":{"y":[1.50]}}"#;
        let resource = Resource::parse(json).expect("a resource");
        let mut found = Vec::new();
        for_each_leaf(&resource, |path, node| found.push(format!("{path}={}", text(node))));
        assert_eq!(found, ["active=true", "name[0].given[0]=A", "name[0].given[1]=B", "_x.y[0]=1.50"]);
        assert_eq!(without_positions("name[0].given[11]"), "name.given");
    }
}
