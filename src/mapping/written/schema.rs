//! The JSON Schema for editors says what the reader of files says: the same keys, and every file of ours is valid.

use serde_json::Value;
use smol_str::SmolStr;

use super::File;
use crate::mapping::builtin_files;
use crate::mapping::diagnostic::{Diagnostic, Reporter};
use crate::mapping::yaml::{Kind, Yaml};

fn schema() -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/mapping.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the schema is there")).expect("JSON")
}

/// Why a tree is not valid: the part of JSON Schema that ours is written in. A file is judged by the schema of its
/// first key, so that a fault is told where it is.
fn fault(schema: &Value, part: &Value, tree: &Yaml) -> Option<String> {
    let part = match part["$ref"].as_str() {
        Some(reference) => &schema["$defs"][reference.rsplit('/').next().expect("a name")],
        None => part,
    };
    if let Some(ways) = part["oneOf"].as_array() {
        let fitting = ways.iter().filter(|way| fault(schema, way, tree).is_none()).count();
        return (fitting == 0).then(|| format!("{}:{} fits nothing", tree.place.line, tree.place.column));
    }
    match (&tree.kind, part["type"].as_str()) {
        (Kind::Scalar(_), None) => None,
        (Kind::List(items), Some("array")) => items.iter().find_map(|item| fault(schema, &part["items"], item)),
        (Kind::Mapping(members), Some("object")) => {
            let has = |key: &Value| members.iter().any(|(name, _)| name.text == key.as_str().expect("a key"));
            let missing = part["required"].as_array().into_iter().flatten().find(|key| !has(key));
            let missing = missing.map(|key| format!("{} lacks {key}", tree.place.line));
            missing.or_else(|| {
                members.iter().find_map(|(key, value)| match part["properties"].get(&key.text) {
                    Some(part) => fault(schema, part, value),
                    None if part["additionalProperties"].is_object() => {
                        fault(schema, &part["additionalProperties"], value)
                    }
                    None => Some(format!("{}:{} is unknown: {}", key.place.line, key.place.column, key.text)),
                })
            })
        }
        _ => Some(format!("{}:{} has another shape", tree.place.line, tree.place.column)),
    }
}

#[test]
fn every_file_of_ours_is_valid() {
    let schema = schema();
    for (name, text) in builtin_files() {
        let tree = Yaml::parse(&text, 0).expect("YAML");
        let Kind::Mapping(members) = &tree.kind else { panic!("{name} is no mapping") };
        let part = &schema["$defs"][format!("file-{}", members[0].0.text)];
        assert!(part.is_object(), "{name} is of no kind of the schema");
        assert_eq!(fault(&schema, part, &tree), None, "{name}");
    }
    let wrong = Yaml::parse("map: PID -> Patient\nrules: [{ form: PID-7, to: birthDate }]", 0).expect("YAML");
    assert_eq!(fault(&schema, &schema["$defs"]["file-map"], &wrong), Some("2:11 is unknown: form".to_owned()));
}

/// The keys that the reader knows where the unknown key stands, as it tells them.
fn known(text: &str) -> Vec<String> {
    let names = [SmolStr::new_static("file")];
    let mut found: Vec<Diagnostic> = Vec::new();
    File::read(text, 0, &mut Reporter { names: &names, found: &mut found });
    let hint = found.iter().find_map(|one| one.hint.strip_prefix("known here: "));
    let mut keys: Vec<String> =
        hint.unwrap_or_else(|| panic!("{text}: {found:?}")).split(", ").map(Into::into).collect();
    keys.sort();
    keys.dedup();
    keys
}

#[test]
fn the_schema_has_the_keys_that_the_reader_knows() {
    let schema = schema();
    for (part, text) in [
        ("file-map", "map: A -> B\nqqqqqqq: 1"),
        ("file-datatype", "datatype: A -> B\nqqqqqqq: 1"),
        ("file-message", "message: A\nstructure: MSH\nqqqqqqq: 1"),
        ("file-table", "table: A\nqqqqqqq: 1"),
        ("file-identity", "identity: {}\nqqqqqqq: 1"),
        ("file-overlay", "overlay: A\nqqqqqqq: 1"),
        ("file-render", "render: A\nqqqqqqq: 1"),
        ("file-encode", "encode: A -> B\nqqqqqqq: 1"),
        ("rule", "map: A -> B\nrules: [{ from: PID-1, qqqqqqq: 1 }]"),
        ("unmapped", "map: A -> B\nunmapped: [{ from: PID-1, reason: a, qqqqqqq: 1 }]"),
        ("resource", "message: A\nstructure: MSH\nresources: [{ from: MSH, make: B, qqqqqqq: 1 }]"),
        ("code", "table: A\ncodes: { A: { code: B, qqqqqqq: 1 } }"),
        ("change", "overlay: A\nchanges: [{ in: A, reason: B, add: {}, replace: C, with: {}, qqqqqqq: 1 }]"),
        ("segment", "render: A\nsegments: [{ segment: MSH, qqqqqqq: 1 }]"),
        ("group", "render: A\nsegments: [{ each: a, segments: [], qqqqqqq: 1 }]"),
        ("include", "render: A\nsegments: [{ include: a, qqqqqqq: 1 }]"),
        ("field", "encode: A -> B\nfields: [{ to: CX.1, qqqqqqq: 1 }]"),
    ] {
        let properties = schema["$defs"][part]["properties"].as_object().expect("properties");
        let mut expected: Vec<String> = properties.keys().cloned().collect();
        expected.sort();
        assert_eq!(known(text), expected, "{part}");
    }
}
