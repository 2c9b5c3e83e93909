//! All search parameters of a resource type as one tree over its elements, so that a resource is walked once.
//!
//! Paths that begin alike share their beginning. At the end of each stands a *harvest*: for which parameter its
//! elements are taken, and how they become keys.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::key::{self, Emit, Emitted, Encoder, Form, Spaces};
use super::parameters::{Parameter, ParameterType, parameter, parameters};
use super::plan::{self, Path, Step};
use crate::base::Timestamp;
use crate::fhir::fhirpath::{Expression, Focus, Nothing, Value};
use crate::fhir::{Node, Object, Resource, definitions};
use crate::record::{IndexKey, ResourceKey};

/// Steps that go out from one element, and what is taken there.
struct Branch<H> {
    harvests: Vec<H>,
    onward: Vec<(Step, Self)>,
}

/// An element that the walk has come to.
#[derive(Clone, Copy)]
enum Place<'n> {
    Root(&'n Object),
    Element(&'n Node),
}

impl<'n> Place<'n> {
    const fn object(self) -> Option<&'n Object> {
        match self {
            Self::Root(object) => Some(object),
            Self::Element(node) => node.as_object(),
        }
    }

    const fn node(self) -> Option<&'n Node> {
        match self {
            Self::Root(_) => None,
            Self::Element(node) => Some(node),
        }
    }
}

impl<H> Branch<H> {
    const fn new() -> Self {
        Self { harvests: Vec::new(), onward: Vec::new() }
    }

    fn insert(&mut self, steps: &[Step], harvest: H) {
        let Some((first, rest)) = steps.split_first() else { return self.harvests.push(harvest) };
        let at = self.onward.iter().position(|(step, _)| step == first).unwrap_or_else(|| {
            self.onward.push((first.clone(), Self::new()));
            self.onward.len() - 1
        });
        self.onward[at].1.insert(rest, harvest);
    }

    /// Calls with every harvest and the element that it is taken from.
    fn walk<'n>(&self, place: Place<'n>, root: &'n Object, visit: &mut dyn FnMut(&H, Place<'n>)) {
        self.harvests.iter().for_each(|harvest| visit(harvest, place));
        for (step, onward) in &self.onward {
            let (name, most) = match step {
                Step::Member(name) => (name, usize::MAX),
                Step::FirstOf(name) => (name, 1),
                filter => {
                    if place.node().is_some_and(|node| filter.admits(node, root)) {
                        onward.walk(place, root, visit);
                    }
                    continue;
                }
            };
            let items = place.object().and_then(|object| object.get(name)).map_or(&[][..], Node::items);
            items.iter().take(most).for_each(|item| onward.walk(Place::Element(item), root, visit));
        }
    }
}

/// What is taken of an element.
struct Harvest {
    /// Counted in the parameters of the type.
    parameter: usize,
    how: How,
}

enum How {
    Value(Encoder),
    Composite(Vec<Component>),
}

/// One part of a composite: what of the element, and what of the resource.
struct Component {
    of_element: Branch<Encoder>,
    of_resource: Branch<Encoder>,
}

/// How one resource type is indexed.
struct Extraction {
    branch: Branch<Harvest>,
    /// Truth values that no path leads to.
    computed: Vec<(usize, Expression)>,
    /// Of each parameter.
    spaces: Vec<Spaces>,
    codes: Vec<&'static str>,
    last_updated: Spaces,
}

/// Its value is the time of writing, not what the resource says.
const LAST_UPDATED: &str = "_lastUpdated";
/// What is asked of by itself and not by keys.
const WITHOUT_KEYS: &[&str] = &["_id", LAST_UPDATED];

fn extraction(kind: &str) -> Option<&'static Extraction> {
    static ALL: OnceLock<HashMap<&'static str, OnceLock<Extraction>>> = OnceLock::new();
    let all = ALL.get_or_init(|| definitions::resources().map(|kind| (kind, OnceLock::new())).collect());
    let (kind, one) = all.get_key_value(kind)?;
    Some(one.get_or_init(|| Extraction::new(kind)))
}

impl Extraction {
    fn new(kind: &'static str) -> Self {
        let mut all = Self {
            branch: Branch::new(),
            computed: Vec::new(),
            spaces: parameters(kind).map(|parameter| Spaces::of(kind, parameter.code)).collect(),
            codes: parameters(kind).map(|parameter| parameter.code).collect(),
            last_updated: Spaces::of(kind, LAST_UPDATED),
        };
        for (at, parameter) in parameters(kind).enumerate() {
            if !parameter.expression.is_empty() && !WITHOUT_KEYS.contains(&parameter.code) {
                all.add(kind, at, parameter);
            }
        }
        all
    }

    fn add(&mut self, kind: &'static str, at: usize, parameter: &Parameter) {
        let Ok(paths) = plan::compile(parameter.expression, kind) else {
            return self.computed.extend(Expression::parse(parameter.expression).ok().map(|parsed| (at, parsed)));
        };
        for path in paths {
            let how = match parameter.kind {
                ParameterType::Composite => Some(How::Composite(components(kind, &path, parameter))),
                simple => key::encoder(simple, path.kind).map(How::Value),
            };
            if let Some(how) = how {
                self.branch.insert(&path.steps, Harvest { parameter: at, how });
            }
        }
    }

    fn index(&self, resource: &Object, keys: &mut Vec<IndexKey>) {
        self.branch.walk(Place::Root(resource), resource, &mut |harvest, place| {
            let spaces = &self.spaces[harvest.parameter];
            harvest.emit(place, resource, &mut |form, parts| keys.push(spaces.key(form, parts)));
        });
        for (at, expression) in &self.computed {
            let spaces = &self.spaces[*at];
            if let Some(value) = truth(expression, resource) {
                let text: &[u8] = if value { b"true" } else { b"false" };
                keys.push(spaces.key(Form::Value, &[text, &[0]]));
            }
        }
    }
}

fn truth(expression: &Expression, resource: &Object) -> Option<bool> {
    match expression.evaluate(&Focus::from(resource), &Nothing).ok()?.first()?.value()? {
        Value::Boolean(value) => Some(value),
        _ => None,
    }
}

impl Harvest {
    fn emit(&self, place: Place<'_>, root: &Object, emit: &mut Emit<'_>) {
        match (&self.how, place) {
            (How::Value(encode), Place::Element(node)) => encode(node, emit),
            (How::Value(_), Place::Root(_)) => {}
            (How::Composite(components), _) => {
                let parts: Vec<Emitted> = components.iter().map(|component| component.emitted(place, root)).collect();
                key::emit_composite(&parts, emit);
            }
        }
    }
}

impl Component {
    fn emitted(&self, place: Place<'_>, root: &Object) -> Emitted {
        let mut all = Emitted::new();
        let mut take = |encode: &Encoder, place: Place<'_>| {
            if let Some(node) = place.node() {
                encode(node, &mut |form, parts| all.push((form, parts.concat())));
            }
        };
        self.of_element.walk(place, root, &mut take);
        self.of_resource.walk(Place::Root(root), root, &mut take);
        all
    }
}

fn components(kind: &'static str, focus: &Path, composite: &Parameter) -> Vec<Component> {
    let one = |(code, expression): &(&str, &str)| {
        let mut component = Component { of_element: Branch::new(), of_resource: Branch::new() };
        for (path, encoder) in encoded(kind, focus.kind, code, expression) {
            let branch = if path.from_resource { &mut component.of_resource } else { &mut component.of_element };
            branch.insert(&path.steps, encoder);
        }
        component
    };
    composite.components.iter().map(one).collect()
}

/// The paths of a component, and how their values become keys.
fn encoded(
    kind: &str,
    focus: &'static str,
    code: &str,
    expression: &str,
) -> impl Iterator<Item = (Path, Encoder)> + use<> {
    let found = parameter(kind, code).map(|parameter| parameter.kind);
    let paths = plan::compile(expression, focus).unwrap_or_default();
    paths
        .into_iter()
        .filter_map(move |path| Some((key::encoder(found?, path.kind)?, path)))
        .map(|(how, path)| (path, how))
}

/// The keys of a resource, sorted and without doubles. `updated_at` is its `meta.lastUpdated` to be.
pub fn index(resource: &Resource, updated_at: Timestamp) -> Vec<IndexKey> {
    let Some(extraction) = extraction(resource.kind()) else { return Vec::new() };
    let mut keys = Vec::with_capacity(64);
    extraction.index(resource.object(), &mut keys);
    key::emit_instant(updated_at, &mut |form, parts| keys.push(extraction.last_updated.key(form, parts)));
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The elements that a parameter is about, in the order of the resource; of a composite and of a computed one none.
pub fn values<'r>(resource: &'r Resource, parameter: &str) -> Vec<&'r Node> {
    let mut found = Vec::new();
    let Some(extraction) = extraction(resource.kind()) else { return found };
    extraction.branch.walk(Place::Root(resource.object()), resource.object(), &mut |harvest, place| {
        if extraction.codes[harvest.parameter] == parameter {
            found.extend(place.node());
        }
    });
    found
}

/// What a resource refers to by a reference parameter, without doubles: for `_include`. `*` stands for all
/// of its parameters.
pub fn references(resource: &Resource, parameter: &str) -> Vec<ResourceKey> {
    let Some(extraction) = extraction(resource.kind()) else { return Vec::new() };
    let mut found = Vec::new();
    extraction.branch.walk(Place::Root(resource.object()), resource.object(), &mut |harvest, place| {
        if matches!(parameter, "*") || extraction.codes[harvest.parameter] == parameter {
            let text = place.node().and_then(|node| node.get("reference")).and_then(Node::as_str);
            found.extend(text.and_then(key::target).filter(|target| !found.contains(target)));
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ends of the paths of a parameter of which nothing is said; `None` when it is no path.
    fn unsaid(kind: &'static str, parameter: &Parameter) -> Option<Vec<String>> {
        let name = |of: &str| format!("{kind}.{}:{of}", parameter.code);
        let paths = plan::compile(parameter.expression, kind).ok()?;
        let nowhere = paths.is_empty().then(|| name(""));
        let missing = paths.iter().flat_map(|path| -> Vec<String> {
            if parameter.kind != ParameterType::Composite {
                return key::encoder(parameter.kind, path.kind)
                    .is_none()
                    .then(|| name(path.kind))
                    .into_iter()
                    .collect();
            }
            let empty =
                |(code, expression): &&(&str, &str)| encoded(kind, path.kind, code, expression).next().is_none();
            parameter.components.iter().filter(empty).map(|(code, _)| name(code)).collect()
        });
        Some(nowhere.into_iter().chain(missing).collect())
    }

    #[test]
    fn every_parameter_is_planned() {
        for kind in definitions::resources() {
            for parameter in parameters(kind).filter(|one| !one.expression.is_empty()) {
                let expected = ((kind, parameter.code) != ("Patient", "deceased")).then(Vec::new);
                assert_eq!(unsaid(kind, parameter), expected, "{kind}.{}", parameter.code);
            }
        }
    }

    #[test]
    fn references_are_told_by_parameter() {
        let json = r##"{"resourceType":"Task","id":"t","for":{"reference":"Patient/a"},"focus":{"reference":"ServiceRequest/s/_history/2"},
            "owner":{"reference":"#x"},"requester":{"reference":"http://other.example/Patient/b"}}"##;
        let task = Resource::parse(json.as_bytes()).unwrap();
        let of = |code| references(&task, code).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(of("patient"), "Patient/a");
        assert_eq!(of("focus"), "ServiceRequest/s");
        assert_eq!((of("owner"), of("requester"), of("nothing")), (String::new(), String::new(), String::new()));
        assert_eq!(of("*"), "ServiceRequest/s Patient/a");
    }
}
