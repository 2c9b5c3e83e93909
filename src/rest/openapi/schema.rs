//! The JSON schemas of the OpenAPI document: primitives, values of searches, and of each resource type its elements.

use crate::fhir::definitions::{self, Element, Primitive, choice};
use crate::fhir::{Node, Object};

/// Past this a list of codes is left out.
const CODES_MAX: usize = 40;

/// Names, JSON types and patterns of what has no members.
const PLAIN: &[(&str, &str, &str)] = &[
    ("boolean", "boolean", ""),
    ("integer", "integer", ""),
    ("decimal", "number", ""),
    ("unsignedInt", "integer", ""),
    ("positiveInt", "integer", ""),
    ("string", "string", ""),
    ("markdown", "string", ""),
    ("xhtml", "string", ""),
    ("code", "string", r"^[^\s]+( [^\s]+)*$"),
    ("id", "string", r"^[A-Za-z0-9\-.]{1,64}$"),
    ("uri", "string", r"^\S+$"),
    ("url", "string", r"^\S+$"),
    ("canonical", "string", r"^\S+$"),
    ("oid", "string", r"^urn:oid:[0-2](\.(0|[1-9][0-9]*))+$"),
    ("uuid", "string", r"^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
    ("base64Binary", "string", r"^([A-Za-z0-9+/]{4})+$"),
    ("date", "string", r"^[12][0-9]{3}(-(0[1-9]|1[0-2])(-(0[1-9]|1[0-9]|2[0-8]))?)?$"),
    (
        "dateTime",
        "string",
        r"^[12][0-9]{3}(-(0[1-9]|1[0-2])(-(0[1-9]|1[0-9]|2[0-8])(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)?)?)?$",
    ),
    (
        "instant",
        "string",
        r"^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$",
    ),
    ("time", "string", r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"),
    ("summary", "string", "^(true|text|data|count|false)$"),
    ("total", "string", "^(none|estimate|accurate)$"),
    ("format", "string", "^(json|xml)$"),
    ("search-number", "string", r"^(eq|ne|gt|lt|ge|le|ap|sa|eb)?-?[0-9]+(\.[0-9]+)?$"),
    (
        "search-date",
        "string",
        r"^(eq|ne|gt|lt|ge|le|ap|sa|eb)?[12][0-9]{3}(-(0[1-9]|1[0-2])(-(0[1-9]|1[0-9]|2[0-8]))?)?$",
    ),
    ("search-string", "string", ""),
    ("search-token", "string", r"^([^\s|,]*\|)?[^\s|,]+$"),
    ("search-reference", "string", r"^([A-Z][A-Za-z]+/)?[A-Za-z0-9\-.]{1,64}$"),
    ("search-composite", "string", r"^[^$,]+\$[^$,]+$"),
    ("search-quantity", "string", r"^(eq|ne|gt|lt|ge|le|ap|sa|eb)?-?[0-9]+(\.[0-9]+)?(\|[^|,]*\|[^|,]*)?$"),
    ("search-uri", "string", r"^\S+$"),
    ("search-special", "string", ""),
];

pub fn object<const N: usize>(members: [(&str, Node); N]) -> Node {
    Node::Object(members.into_iter().collect())
}

/// `$ref` to a component.
pub fn reference(of: &str, name: &str) -> Node {
    object([("$ref", format!("#/components/{of}/{name}").into())])
}

/// A schema of nothing but a JSON type.
pub fn described(kind: &str) -> Node {
    object([("type", kind.into())])
}

/// A parameter of one of the schemas.
pub fn typed(name: &str, place: &str, schema: &str) -> Node {
    object([("name", name.into()), ("in", place.into()), ("schema", reference("schemas", schema))])
}

pub fn schemas(kinds: &[&'static str]) -> Object {
    let mut schemas = Object::with_capacity(PLAIN.len() + kinds.len() + 5);
    for (name, kind, pattern) in PLAIN {
        schemas.push((*name).into(), plain(name, kind, pattern));
    }
    let names: Vec<Node> = kinds.iter().map(|kind| Node::from(*kind)).collect();
    schemas.push("ResourceType".into(), object([("type", "string".into()), ("enum", names.into())]));
    schemas.push("Element".into(), described("object"));
    schemas.push("Resource".into(), {
        let properties = object([("resourceType", reference("schemas", "ResourceType"))]);
        shape(vec!["resourceType".into()], properties)
    });
    schemas.push("JsonPatch".into(), json_patch());
    schemas.push(
        "count".into(),
        object([("type", "integer".into()), ("minimum", number("0")), ("maximum", number("1000"))]),
    );
    for kind in kinds {
        schemas.push((*kind).into(), resource(kind));
    }
    schemas
}

fn number(text: &str) -> Node {
    Node::Number(text.into())
}

fn plain(name: &str, kind: &str, pattern: &str) -> Node {
    let mut schema: Object = [("type", kind)].into_iter().collect();
    if !pattern.is_empty() {
        schema.set("pattern", pattern);
    }
    let minimum = match name {
        "unsignedInt" => Some("0"),
        "positiveInt" => Some("1"),
        "integer" => Some("-2147483648"),
        _ => None,
    };
    if let Some(minimum) = minimum {
        schema.set("minimum", number(minimum));
        schema.set("maximum", number("2147483647"));
    }
    if kind == "string" && pattern.is_empty() {
        schema.set("minLength", number("1"));
    }
    schema.into()
}

fn shape(required: Vec<Node>, properties: Node) -> Node {
    object([("type", "object".into()), ("required", required.into()), ("properties", properties)])
}

/// The elements of a type; those within them are left open.
fn resource(kind: &str) -> Node {
    let only = vec![Node::from(kind)];
    let mut properties: Object =
        [("resourceType", object([("type", "string".into()), ("enum", only.into())]))].into_iter().collect();
    let mut required = vec![Node::from("resourceType")];
    for element in definitions::elements(kind) {
        match element.name.strip_suffix("[x]") {
            None => {
                if element.required {
                    required.push(element.name.into());
                }
                let kind = element.types().next().unwrap_or("Element");
                properties.set(element.name, property(element, kind));
            }
            Some(stem) => element.types().for_each(|kind| properties.set(choice(stem, kind), property(element, kind))),
        }
    }
    shape(required, properties.into())
}

fn property(element: &Element, kind: &str) -> Node {
    let codes: Vec<Node> = element
        .codes
        .filter(|_| kind == "code")
        .map_or_else(Vec::new, |set| set.codes().take(CODES_MAX + 1).map(Node::from).collect());
    let one = match Primitive::of(kind) {
        Some(_) if !codes.is_empty() && codes.len() <= CODES_MAX => {
            object([("type", "string".into()), ("enum", codes.into())])
        }
        Some(_) => reference("schemas", kind),
        None if kind == "Resource" => reference("schemas", "Resource"),
        None => reference("schemas", "Element"),
    };
    if !element.list {
        return one;
    }
    object([("type", "array".into()), ("minItems", number("1")), ("items", one)])
}

/// RFC 6902.
fn json_patch() -> Node {
    let kinds = ["add", "remove", "replace", "move", "copy", "test"].map(Node::from).to_vec();
    let properties = object([
        ("op", object([("type", "string".into()), ("enum", kinds.into())])),
        ("path", described("string")),
        ("from", described("string")),
        ("value", Object::new().into()),
    ]);
    object([("type", "array".into()), ("items", shape(vec!["op".into(), "path".into()], properties))])
}
