//! JSON Merge Patch (RFC 7396): members are put over those that stand, `null` takes one away, lists are replaced.
//!
//! It is no patch of FHIR R4; clients of others send it all the same.

use crate::fhir::{Node, Object};

/// Puts a patch over an object.
pub fn apply(target: &mut Object, patch: &Object) {
    for (name, said) in patch.iter() {
        match (said, target.get_mut(name)) {
            (Node::Null, _) => drop(target.remove(name)),
            (Node::Object(said), Some(Node::Object(inner))) => apply(inner, said),
            (Node::Object(said), _) => {
                let mut made = Object::new();
                apply(&mut made, said);
                target.set(name, made);
            }
            (said, _) => target.set(name, said.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_put_over_and_null_takes_away() {
        for (target, patch, expected) in [
            (r#"{"a":1,"b":2}"#, r#"{"a":3}"#, r#"{"a":3,"b":2}"#),
            (r#"{"a":1,"b":2}"#, r#"{"b":null}"#, r#"{"a":1}"#),
            (r#"{"a":{"x":1,"y":2}}"#, r#"{"a":{"y":null,"z":[null]}}"#, r#"{"a":{"x":1,"z":[null]}}"#),
            (r#"{"a":[1,2]}"#, r#"{"a":{"b":{"c":null}}}"#, r#"{"a":{"b":{}}}"#),
            ("{}", r#"{"a":null}"#, "{}"),
        ] {
            let read = |text: &str| Node::parse(text.as_bytes()).unwrap().as_object().unwrap().clone();
            let mut merged = read(target);
            apply(&mut merged, &read(patch));
            assert_eq!(Node::Object(merged), Node::Object(read(expected)), "{patch}");
        }
    }
}
