//! Fixed values, patterns, and telling the slices of a list apart by their discriminators (R4 5.1.0.13).

use super::Validator;
use super::binding;
use super::package::{Shape, Slicing};
use super::structure::Scope;
use super::values::{self, Value};
use crate::fhir::Node;

/// What a discriminator says about a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    Yes,
    No,
    /// The slice says nothing that can be compared here.
    Unknown,
}

impl From<bool> for Fit {
    fn from(fits: bool) -> Self {
        if fits { Self::Yes } else { Self::No }
    }
}

/// Equal, whatever the order of members (fixed[x]).
pub fn is_equal(value: &Node, fixed: &Node) -> bool {
    match (value, fixed) {
        (Node::Object(value), Node::Object(fixed)) => {
            let same = |(name, node): (&str, &Node)| value.get(name).is_some_and(|value| is_equal(value, node));
            value.len() == fixed.len() && fixed.iter().all(same)
        }
        (Node::Array(values), Node::Array(fixed)) => {
            values.len() == fixed.len() && values.iter().zip(fixed).all(|(value, fixed)| is_equal(value, fixed))
        }
        _ => value == fixed,
    }
}

/// At least what the pattern has; of a list each item of the pattern somewhere (pattern[x]).
pub fn has_pattern(value: &Node, pattern: &Node) -> bool {
    match (value, pattern) {
        (Node::Object(value), Node::Object(pattern)) => {
            pattern.iter().all(|(name, node)| value.get(name).is_some_and(|value| has_pattern(value, node)))
        }
        (Node::Array(values), Node::Array(patterns)) => {
            patterns.iter().all(|pattern| values.iter().any(|value| has_pattern(value, pattern)))
        }
        _ => value == pattern,
    }
}

impl Validator {
    /// Whether a value belongs to a slice.
    pub fn fits(&self, slicing: &Slicing, slice: &Shape, value: &Value<'_>, scope: Scope<'_>) -> Fit {
        let mut all = Fit::Yes;
        for (kind, path) in &slicing.discriminators {
            match self.fits_one(kind, path, slice, value, scope) {
                Fit::No => return Fit::No,
                Fit::Unknown => all = Fit::Unknown,
                Fit::Yes => {}
            }
        }
        if slicing.discriminators.is_empty() { Fit::Unknown } else { all }
    }

    fn fits_one(&self, kind: &str, path: &str, slice: &Shape, value: &Value<'_>, scope: Scope<'_>) -> Fit {
        if path == "url" && kind == "value" && slice.extension_url().is_some() {
            let url = value.node.and_then(|node| node.get("url")).and_then(Node::as_str);
            return Fit::from(url == slice.extension_url());
        }
        let steps = path.split('.').filter(|step| *step != "$this");
        let Some((shape, found)) = follow(steps, slice, *value, scope) else { return Fit::Unknown };
        match kind {
            "value" | "pattern" if !is_telling(shape) => Fit::Unknown,
            "value" | "pattern" => found.iter().any(|value| self.agrees(shape, value)).into(),
            "exists" => (found.is_empty() == (shape.max == Some(0))).into(),
            "type" if shape.types.is_empty() => Fit::Unknown,
            "type" => found.iter().any(|value| shape.types.iter().any(|rule| rule.code == value.kind)).into(),
            "profile" => self.fits_profile(shape, &found, scope),
            _ => Fit::Unknown,
        }
    }

    fn fits_profile(&self, shape: &Shape, found: &[Value<'_>], scope: Scope<'_>) -> Fit {
        let urls: Vec<_> = shape.types.iter().flat_map(|rule| &rule.profiles).collect();
        let profiles: Vec<_> = urls.iter().filter_map(|url| self.profile(url)).collect();
        if profiles.is_empty() || profiles.len() < urls.len() {
            let kinds: Vec<_> = urls.iter().filter_map(|url| self.kind_of_profile(url)).collect();
            let known = !kinds.is_empty() && kinds.len() == urls.len();
            let excluded = known && !found.iter().any(|value| kinds.contains(&value.kind));
            return if excluded { Fit::No } else { Fit::Unknown };
        }
        found.iter().any(|value| profiles.iter().any(|profile| self.conforms(profile, value, scope))).into()
    }

    /// Whether a value has the fixed values, patterns and codes of a shape, and of what the shape requires within.
    fn agrees(&self, shape: &Shape, value: &Value<'_>) -> bool {
        let node = value.node.unwrap_or(&Node::Null);
        let own = shape.fixed.as_ref().is_none_or(|fixed| is_equal(node, fixed))
            && shape.pattern.as_ref().is_none_or(|pattern| has_pattern(node, pattern))
            && shape
                .codes
                .as_ref()
                .and_then(|url| self.codes(url))
                .is_none_or(|codes| binding::is_member(codes, value.kind, node));
        own && shape.members.iter().filter(|member| is_telling(member)).all(|member| {
            let Some((kind, object)) = value.members() else { return false };
            let below = values::of(kind, object, &member.name);
            let agreed = below.iter().any(|value| self.agrees(member, value));
            let sliced = member.slices.iter().filter(|slice| slice.min > 0 && is_telling(slice));
            agreed && sliced.into_iter().all(|slice| below.iter().any(|value| self.agrees(slice, value)))
        })
    }
}

/// The values at a discriminator's path, and the shape that the slice has there.
fn follow<'n, 's, 'p>(
    steps: impl Iterator<Item = &'p str>,
    slice: &'s Shape,
    value: Value<'n>,
    scope: Scope<'n>,
) -> Option<(&'s Shape, Vec<Value<'n>>)> {
    let (mut shape, mut found) = (slice, vec![value]);
    for step in steps {
        if step == "resolve()" {
            found = found.iter().filter_map(|value| resolved(value, scope)).collect();
            continue;
        }
        if step.contains('(') {
            return None;
        }
        shape = shape.member(step)?;
        let below = |value: &Value<'n>| value.members().map(|(kind, object)| values::of(kind, object, step));
        found = found.iter().filter_map(below).flatten().collect();
    }
    Some((shape, found))
}

/// Whether a shape says which value it is.
fn is_telling(shape: &Shape) -> bool {
    let below = || shape.members.iter().chain(&shape.slices).any(is_telling);
    shape.fixed.is_some() || shape.pattern.is_some() || shape.codes.is_some() || below()
}

/// The resource that a reference leads to, as a value.
fn resolved<'n>(value: &Value<'n>, scope: Scope<'n>) -> Option<Value<'n>> {
    let reference = value.node?.get("reference")?.as_str()?;
    let (resource, kind) = super::reference::resolve(reference, scope)?;
    Some(Value::resource(resource, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_fixed_values() {
        let node = |json: &str| Node::parse(json.as_bytes()).unwrap();
        for (value, other, equal, pattern) in [
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, true, true),
            (r#"{"a":1,"b":2}"#, r#"{"a":1}"#, false, true),
            (r#"{"a":[{"c":1,"d":2},{"c":3}]}"#, r#"{"a":[{"c":3}]}"#, false, true),
            (r#"{"a":[{"c":1}]}"#, r#"{"a":[{"c":3}]}"#, false, false),
            (r#""x""#, r#""x""#, true, true),
        ] {
            assert_eq!(is_equal(&node(value), &node(other)), equal, "{value} {other}");
            assert_eq!(has_pattern(&node(value), &node(other)), pattern, "{value} {other}");
        }
    }
}
