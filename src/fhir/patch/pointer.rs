//! JSON Pointer (RFC 6901): `/name/0/given/-`.

use std::borrow::Cow;

use super::PatchFault;
use crate::fhir::Node;

/// The steps to a place, unescaped.
#[derive(Debug, PartialEq, Eq)]
pub struct Pointer<'t>(Vec<Cow<'t, str>>);

impl<'t> Pointer<'t> {
    pub fn parse(text: &'t str) -> Result<Self, PatchFault> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let steps = text.strip_prefix('/').ok_or(PatchFault::malformed("a JSON pointer begins with `/`"))?;
        steps.split('/').map(unescaped).collect::<Result<_, _>>().map(Self)
    }

    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// The place above, and the last step; `None` for the whole document.
    pub fn split(&self) -> Option<(&[Cow<'t, str>], &str)> {
        self.0.split_last().map(|(last, above)| (above, last.as_ref()))
    }

    pub fn get<'n>(&self, root: &'n Node) -> Option<&'n Node> {
        self.0.iter().try_fold(root, |node, step| match node {
            Node::Object(object) => object.get(step),
            Node::Array(items) => items.get(index(step)?),
            _ => None,
        })
    }

    /// Whether the other place lies within this one.
    pub fn holds(&self, other: &Self) -> bool {
        other.0.len() > self.0.len() && other.0.starts_with(&self.0)
    }
}

/// The node at these steps.
pub fn get_mut<'n>(root: &'n mut Node, steps: &[Cow<'_, str>]) -> Option<&'n mut Node> {
    steps.iter().try_fold(root, |node, step| match node {
        Node::Object(object) => object.get_mut(step),
        Node::Array(items) => items.get_mut(index(step)?),
        _ => None,
    })
}

/// Digits without a leading zero (RFC 6901 4).
pub fn index(step: &str) -> Option<usize> {
    let plain = step == "0" || (!step.starts_with('0') && step.bytes().all(|byte| byte.is_ascii_digit()));
    step.parse().ok().filter(|_| plain)
}

fn unescaped(step: &str) -> Result<Cow<'_, str>, PatchFault> {
    if !step.contains('~') {
        return Ok(step.into());
    }
    let plain = step.replace("~1", "").replace("~0", "");
    if plain.contains('~') {
        return Err(PatchFault::malformed("in a JSON pointer `~` is written `~0`, and `/` in a name `~1`"));
    }
    Ok(step.replace("~1", "/").replace("~0", "~").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_lead_as_rfc_6901_has_it() {
        let document = br#"{"foo":["bar","baz"],"":0,"a/b":1,"m~n":8,"~1":9}"#;
        let root = Node::parse(document).unwrap();
        for (pointer, expected) in [
            ("/foo/0", Some("\"bar\"")),
            ("/foo", Some("[\"bar\",\"baz\"]")),
            ("/", Some("0")),
            ("/a~1b", Some("1")),
            ("/m~0n", Some("8")),
            ("/~01", Some("9")),
            ("/foo/2", None),
            ("/foo/00", None),
            ("/foo/-", None),
            ("/foo/+1", None),
            ("/foo/0/x", None),
        ] {
            let parsed = Pointer::parse(pointer).unwrap();
            let found = parsed.get(&root).map(|node| {
                let mut out = Vec::new();
                node.write(&mut out);
                String::from_utf8(out).unwrap()
            });
            assert_eq!(found.as_deref(), expected, "{pointer}");
        }
        assert_eq!(Pointer::parse("").unwrap().get(&root), Some(&root));
        assert!(Pointer::parse("foo").is_err() && Pointer::parse("/a~2").is_err() && Pointer::parse("/a~").is_err());
    }
}
