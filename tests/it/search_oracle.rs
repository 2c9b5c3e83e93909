//! The official R4 examples against an independent FHIRPath engine: what every search parameter holds in each of them,
//! and that each value is found.
//!
//! `tests/fhir-door/oracle/run` makes what this is held against, from `../shared`; without it the test says so and passes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use loopgate::base::Timestamp;
use loopgate::fhir::{Node, Resource};
use loopgate::search::{self, Context, Handling, ParameterType};

use super::support::checkout;

/// What the oracle says of one parameter of one example.
struct Said {
    values: Vec<Node>,
    searches: Vec<(String, String)>,
}

/// Its value stands nowhere in the resource, and is compared by the searches that find it.
const COMPUTED: &str = "deceased";

type Answers = BTreeMap<(String, String), Said>;

fn answers(text: &str) -> Answers {
    let mut answers = Answers::new();
    for line in text.lines() {
        let line = Node::parse(line.as_bytes()).unwrap();
        let name = |member: &str| line.text(&[member]).unwrap().to_owned();
        let list = |member: &str| line.get(member).unwrap().items().to_vec();
        let values = list("values").into_iter().map(|value| value.get("value").unwrap().clone()).collect();
        let pair = |pair: &Node| (pair.items()[0].as_str().unwrap().into(), pair.items()[1].as_str().unwrap().into());
        let searches = list("searches").iter().map(pair).collect();
        answers.insert((name("file"), name("parameter")), Said { values, searches });
    }
    answers
}

/// JSON text that is equal for what means the same: members sorted, numbers by their value.
fn canonical(node: &Node) -> String {
    let join = |parts: Vec<String>| parts.join(",");
    match node {
        Node::Number(text) => text.parse::<f64>().unwrap().to_string(),
        Node::Array(items) => format!("[{}]", join(items.iter().map(canonical).collect())),
        Node::Object(object) => {
            let members: BTreeMap<&str, String> = object.iter().map(|(name, node)| (name, canonical(node))).collect();
            format!("{{{}}}", join(members.iter().map(|(name, node)| format!("{name}:{node}")).collect()))
        }
        other => format!("{other:?}"),
    }
}

fn set(nodes: &[Node]) -> BTreeSet<String> {
    nodes.iter().map(canonical).collect()
}

fn finds(resource: &Resource, name: &str, value: &str) -> bool {
    let keys = search::index(resource, Timestamp::default());
    let context = Context { base_url: "http://here.example", now: Timestamp::default(), handling: Handling::Strict };
    let pairs = [(name.to_owned(), value.to_owned())];
    match search::parse(&[resource.kind()], &pairs, &context) {
        Ok(query) => search::matches(&keys, resource.id().unwrap_or_default(), &query.kinds[0].criterion) == Some(true),
        Err(_) => false,
    }
}

/// What is wrong with one parameter of one example.
fn complaints(resource: &Resource, parameter: &search::Parameter, said: Option<&Said>) -> Vec<String> {
    let mut complaints = Vec::new();
    let said_values = said.map_or(&[][..], |said| &said.values);
    if parameter.kind != ParameterType::Composite && parameter.code != COMPUTED {
        let found: Vec<Node> = search::values(resource, parameter.code).into_iter().cloned().collect();
        let (found, expected) = (set(&found), set(said_values));
        if found != expected {
            complaints.push(format!("{}: has {found:?}, the oracle {expected:?}", parameter.code));
        }
    }
    if !finds(resource, &format!("{}:missing", parameter.code), if said.is_some() { "false" } else { "true" }) {
        complaints.push(format!("{}:missing", parameter.code));
    }
    for (name, value) in said.into_iter().flat_map(|said| &said.searches) {
        if !finds(resource, name, value) {
            complaints.push(format!("{name}={value}"));
        }
    }
    complaints
}

#[test]
fn every_value_of_the_official_examples_is_found() {
    let folder = checkout::root().join("target/oracle");
    let Ok(text) = std::fs::read_to_string(folder.join("values.jsonl")) else {
        eprintln!("skipped: tests/fhir-door/oracle/run has not been run");
        return;
    };
    let answers = answers(&text);
    let (mut examples, mut searches, mut wrong) = (0, 0, Vec::new());
    for file in std::fs::read_dir(folder.join("examples")).unwrap() {
        let path = file.unwrap().path();
        let Some(resource) = example(&path) else { continue };
        examples += 1;
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let asked = |parameter: &&search::Parameter| {
            !parameter.expression.is_empty() && !["_id", "_lastUpdated"].contains(&parameter.code)
        };
        for parameter in search::parameters(resource.kind()).filter(asked) {
            let said = answers.get(&(name.clone(), parameter.code.to_owned()));
            searches += said.map_or(0, |said| said.searches.len());
            let complaints = complaints(&resource, parameter, said);
            wrong.extend(complaints.into_iter().map(|complaint| format!("{name} {complaint}")));
        }
    }
    eprintln!("{examples} examples, {} parameters with values, {searches} searches", answers.len());
    assert!(examples > 400 && answers.len() > 3000, "the oracle saw little");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn example(path: &Path) -> Option<Resource> {
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    is_json.then(|| Resource::parse(&std::fs::read(path).unwrap()).unwrap())
}
