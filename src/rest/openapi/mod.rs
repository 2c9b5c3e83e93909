//! The OpenAPI 3.0 document of the door: `GET openapi.json`. Made from what the CapabilityStatement is made from.
//!
//! Each resource type has its paths with its search parameters and its elements; history, versions, forms of search and
//! operations, which are alike for all types, stand once with the type as a parameter.

mod schema;

use super::operation::{Kinds, Operation};
use super::{Answer, Content, Method, Server};
use crate::fhir::{Node, Object, definitions};
use crate::search;
use schema::{described, object, reference, typed};

/// The parameters of a search that are no search parameters (R4 search 3.1.1.5), and of any request.
const RESULT_PARAMETERS: [(&str, &str); 9] = [
    ("_sort", "string"),
    ("_count", "count"),
    ("_include", "string"),
    ("_revinclude", "string"),
    ("_summary", "summary"),
    ("_elements", "string"),
    ("_total", "total"),
    ("_format", "format"),
    ("_pretty", "boolean"),
];

impl Server {
    pub(super) fn openapi(&self) -> Answer {
        let bytes = self.openapi.get_or_init(|| {
            let mut out = Vec::with_capacity(1024 * 1024);
            self.document().write(&mut out);
            out.into()
        });
        let file = Content::File { media_type: "application/json".into(), bytes: bytes.clone() };
        Answer::of(200, file)
    }

    fn document(&self) -> Node {
        let mut kinds: Vec<&'static str> = definitions::resources().collect();
        kinds.sort_unstable();
        let info = object([("title", "Loopgate FHIR R4".into()), ("version", self.setup.version.into())]);
        let mut document: Object = [
            ("openapi", Node::from("3.0.3")),
            ("info", info),
            ("servers", vec![object([("url", self.setup.base_url.as_str().into())])].into()),
            ("paths", self.paths(&kinds).into()),
            ("components", self.components(&kinds)),
        ]
        .into_iter()
        .collect();
        if self.setup.is_guarded {
            document.set("security", vec![object([("backend", Node::Array(Vec::new()))])]);
        }
        document.into()
    }

    fn paths(&self, kinds: &[&'static str]) -> Object {
        let mut paths = Object::new();
        paths.push("/metadata".into(), path(&[], [("get", call("capabilities", &[], None))]));
        paths.push(
            "/".into(),
            path(&[], [("get", search_by(&["_type"])), ("post", call("Bundle", &[], Some("Bundle")))]),
        );
        paths.push("/_search".into(), path(&[], [("post", form())]));
        paths.push("/_history".into(), path(&[], [("get", history())]));
        for kind in kinds {
            let codes: Vec<&str> = search::parameters(kind).map(|parameter| parameter.code).collect();
            let on_kind = [("get", search_of(kind, &codes)), ("post", call("create", &[], Some(kind)))];
            paths.push(format!("/{kind}").into(), path(&[], on_kind));
            let on_instance = [
                ("get", call("read", &["_summary", "_elements", "_format", "_pretty"], None)),
                ("put", call("update", &[], Some(kind))),
                ("patch", patch()),
                ("delete", call("delete", &[], None)),
            ];
            paths.push(format!("/{kind}/{{id}}").into(), path(&["id"], on_instance));
        }
        paths.push("/{type}/_search".into(), path(&["type"], [("post", form())]));
        paths.push("/{type}/_history".into(), path(&["type"], [("get", history())]));
        paths.push("/{type}/{id}/_history".into(), path(&["type", "id"], [("get", history())]));
        let version = [("get", call("vread", &["_format", "_pretty"], None))];
        paths.push("/{type}/{id}/_history/{version}".into(), path(&["type", "id", "version"], version));
        paths.push("/Patient/{id}/{type}".into(), path(&["id", "type"], [("get", search_by(&[]))]));
        for operation in self.operations.iter() {
            put_operation(&mut paths, operation);
        }
        paths
    }

    fn components(&self, kinds: &[&'static str]) -> Node {
        let mut components: Object =
            [("parameters", parameters(kinds)), ("responses", responses()), ("schemas", schema::schemas(kinds).into())]
                .into_iter()
                .collect();
        if self.setup.is_guarded {
            let token = format!("{}/auth/token", self.setup.base_url);
            let flow = object([("tokenUrl", token.into()), ("scopes", Object::new().into())]);
            let flows = object([("clientCredentials", flow)]);
            let backend = object([("type", "oauth2".into()), ("flows", flows)]);
            components.set("securitySchemes", object([("backend", backend)]));
        }
        components.into()
    }
}

/// A path with the parameters in it.
fn path<const N: usize>(names: &[&str], methods: [(&str, Node); N]) -> Node {
    let mut item: Object = methods.into_iter().collect();
    if !names.is_empty() {
        item.set("parameters", refer_all(names));
    }
    item.into()
}

fn refer_all(names: &[&str]) -> Node {
    names.iter().map(|name| reference("parameters", name)).collect::<Vec<_>>().into()
}

/// One method: what it is, its parameters, and the type of resource that it takes.
fn call(summary: &str, parameters: &[&str], body: Option<&str>) -> Node {
    let mut call: Object = [("summary", Node::from(summary)), ("responses", all_responses())].into_iter().collect();
    if !parameters.is_empty() {
        call.set("parameters", refer_all(parameters));
    }
    if let Some(kind) = body {
        call.set("requestBody", body_of(&["application/fhir+json"], &reference("schemas", kind)));
    }
    call.into()
}

fn body_of(media_types: &[&str], schema: &Node) -> Node {
    let content: Object =
        media_types.iter().map(|media_type| (*media_type, object([("schema", schema.clone())]))).collect();
    object([("required", true.into()), ("content", content.into())])
}

fn all_responses() -> Node {
    object([("200", reference("responses", "Success")), ("default", reference("responses", "Failure"))])
}

fn search_of(kind: &str, codes: &[&str]) -> Node {
    let own = search::parameters(kind).filter(|parameter| !parameter.code.starts_with('_'));
    let own = own.map(|parameter| typed(parameter.code, "query", &format!("search-{}", parameter.kind.as_str())));
    let common = codes.iter().filter(|code| code.starts_with('_')).map(|code| reference("parameters", code));
    let result = RESULT_PARAMETERS.iter().map(|(name, _)| reference("parameters", name));
    let parameters: Vec<Node> = own.chain(common).chain(result).collect();
    with_parameters("search", parameters)
}

fn search_by(names: &[&str]) -> Node {
    let names = names.iter().copied().chain(RESULT_PARAMETERS.iter().map(|(name, _)| *name));
    with_parameters("search", names.map(|name| reference("parameters", name)).collect())
}

fn with_parameters(summary: &str, parameters: Vec<Node>) -> Node {
    object([("summary", summary.into()), ("parameters", parameters.into()), ("responses", all_responses())])
}

fn history() -> Node {
    call("history", &["_count", "_since", "_at", "_format"], None)
}

/// A search by a form.
fn form() -> Node {
    let texts = object([("type", "object".into()), ("additionalProperties", described("string"))]);
    let body = body_of(&["application/x-www-form-urlencoded"], &texts);
    object([("summary", "search".into()), ("requestBody", body), ("responses", all_responses())])
}

fn patch() -> Node {
    let content = object([
        ("application/json-patch+json", object([("schema", reference("schemas", "JsonPatch"))])),
        ("application/fhir+json", object([("schema", reference("schemas", "Parameters"))])),
    ]);
    let body = object([("required", true.into()), ("content", content)]);
    object([("summary", "patch".into()), ("requestBody", body), ("responses", all_responses())])
}

/// The paths of an operation, at each level where it stands.
fn put_operation(paths: &mut Object, operation: &Operation) {
    let name = operation.name;
    if operation.on_system {
        put_methods(paths, &format!("/${name}"), &[], operation);
    }
    for (kinds, tail, with_id) in [(operation.on_kinds, "", false), (operation.on_instances, "/{id}", true)] {
        let ids: &[&str] = if with_id { &["type", "id"] } else { &["type"] };
        match kinds {
            Kinds::None => {}
            Kinds::All => put_methods(paths, &format!("/{{type}}{tail}/${name}"), ids, operation),
            Kinds::These(kinds) => {
                for kind in kinds {
                    put_methods(paths, &format!("/{kind}{tail}/${name}"), &ids[1..], operation);
                }
            }
        }
    }
}

fn put_methods(paths: &mut Object, place: &str, names: &[&str], operation: &Operation) {
    let item = paths.entry(place, || path(names, []));
    let Some(item) = item.as_object_mut() else { return };
    for method in operation.methods {
        let (name, body) = match method {
            Method::Get => ("get", None),
            Method::Delete => ("delete", None),
            _ => ("post", Some("Parameters")),
        };
        item.set(name, call(operation.definition, &["_format"], body));
    }
}

/// The parameters that many paths share.
fn parameters(kinds: &[&'static str]) -> Node {
    let mut found: Object = [
        ("id", required("id", "id")),
        ("type", required("type", "ResourceType")),
        ("version", required("version", "positiveInt")),
        ("_type", typed("_type", "query", "string")),
        ("_since", typed("_since", "query", "instant")),
        ("_at", typed("_at", "query", "dateTime")),
    ]
    .into_iter()
    .collect();
    for (name, kind) in RESULT_PARAMETERS {
        found.set(name, typed(name, "query", kind));
    }
    for parameter in kinds.iter().flat_map(|kind| search::parameters(kind)) {
        if parameter.code.starts_with('_') && found.get(parameter.code).is_none() {
            found.set(parameter.code, typed(parameter.code, "query", &format!("search-{}", parameter.kind.as_str())));
        }
    }
    found.into()
}

fn required(name: &str, schema: &str) -> Node {
    let mut parameter = typed(name, "path", schema);
    if let Some(parameter) = parameter.as_object_mut() {
        parameter.set("required", true);
    }
    parameter
}

fn responses() -> Node {
    let content = |kind: &str| {
        let schema = || object([("schema", reference("schemas", kind))]);
        object([
            ("application/fhir+json", schema()),
            ("application/fhir+xml", object([("schema", described("string"))])),
        ])
    };
    let response = |text: &str, kind: &str| object([("description", text.into()), ("content", content(kind))]);
    object([
        ("Success", response("what was asked for", "Resource")),
        ("Failure", response("why it could not be done", "OperationOutcome")),
    ])
}

#[cfg(test)]
mod tests;
