//! The official FHIRPath cases for R4, read from the corpus beside the checkout; without it the test says so and ends.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use jiff::Zoned;
use loopgate::fhir::fhirpath::{Decimal, Environment, Expression, Focus, Item};
use loopgate::fhir::{Node, Object, Resource, definitions};

use super::support::checkout;
use super::support::xml::Xml;

/// Cases that do not come out as the suite has them, by name, each with its reason.
const KNOWN: &[(&str, &str)] = &[];

/// How many of each there are to pass; may rise, never fall.
const VALID_PASSED_MIN: usize = 900;
const INVALID_FAILED_MIN: usize = 35;

struct Fixed;

impl Environment<'_> for Fixed {
    fn now(&self) -> Option<Zoned> {
        "2026-03-12T08:45:00.25+01:00[+01:00]".parse().ok()
    }
}

fn corpus() -> Option<PathBuf> {
    let folder = checkout::root().join("../shared/data/fhirpath");
    folder.is_dir().then_some(folder)
}

#[test]
fn official_cases_hold() {
    let Some(folder) = corpus() else {
        eprintln!("SKIPPED: no corpus of FHIRPath cases beside this checkout");
        return;
    };
    let suite = Xml::parse(&fs::read_to_string(folder.join("tests-fhir-r4.xml")).unwrap());
    let mut inputs: BTreeMap<String, Resource> = BTreeMap::new();
    let (mut valid, mut invalid, mut failures) = (Count::default(), Count::default(), Vec::new());
    for case in suite.named("group").flat_map(|group| group.named("test")) {
        let expression = case.named("expression").next().unwrap();
        let file = case.attribute("inputfile").unwrap_or("patient-example.xml").to_owned();
        let input = inputs.entry(file).or_insert_with_key(|file| read(&folder.join("input").join(file)));
        let (count, verdict) = match expression.attribute("invalid") {
            Some(kind) => (&mut invalid, fails(kind, &expression.text, input)),
            None => (&mut valid, holds(case, &expression.text, input)),
        };
        count.all += 1;
        match verdict {
            Ok(()) => count.passed += 1,
            Err(why) => failures.push((case.attribute("name").unwrap().to_owned(), why)),
        }
    }
    eprintln!("FHIRPath: {}/{} valid, {}/{} invalid", valid.passed, valid.all, invalid.passed, invalid.all);
    let surprises: Vec<String> = failures
        .iter()
        .filter(|(name, _)| !KNOWN.iter().any(|(known, _)| known == name))
        .map(|(name, why)| format!("{name}: {why}"))
        .collect();
    assert!(surprises.is_empty(), "{} cases:\n{}", surprises.len(), surprises.join("\n"));
    let idle: Vec<_> = KNOWN.iter().filter(|(known, _)| !failures.iter().any(|(name, _)| name == known)).collect();
    assert!(idle.is_empty(), "these hold now; take them out: {idle:?}");
    assert!(valid.passed >= VALID_PASSED_MIN && invalid.passed >= INVALID_FAILED_MIN);
}

#[derive(Default)]
struct Count {
    all: usize,
    passed: usize,
}

/// A semantic fault is one that the types tell, without a resource.
fn fails(kind: &str, expression: &str, input: &Resource) -> Result<(), String> {
    let Ok(parsed) = Expression::parse(expression) else { return Ok(()) };
    if kind == "semantic" && parsed.check(input.kind()).is_err() {
        return Ok(());
    }
    match parsed.evaluate(&Focus::from(input), &Fixed) {
        Err(_) => Ok(()),
        Ok(found) => Err(format!("`{expression}` should fail but gave {:?}", shown(&found))),
    }
}

fn holds(case: &Xml, expression: &str, input: &Resource) -> Result<(), String> {
    let parsed = Expression::parse(expression).map_err(|fault| format!("`{expression}`: {fault}"))?;
    parsed.check(input.kind()).map_err(|fault| format!("`{expression}` is refused: {fault}"))?;
    let focus = Focus::from(input);
    let evaluated = if case.attribute("predicate") == Some("true") {
        parsed.evaluate_boolean(&focus, &Fixed).map(|truth| truth.map(Item::from).into_iter().collect())
    } else {
        parsed.evaluate(&focus, &Fixed)
    };
    let mut found: Vec<Item> = evaluated.map_err(|fault| format!("`{expression}`: {fault}"))?;
    let mut expected: Vec<&Xml> = case.named("output").collect();
    if case.attribute("ordered") == Some("false") {
        found.sort_by_key(Item::text);
        expected.sort_by_key(|output| output.text.clone());
    }
    let fits = found.len() == expected.len() && found.iter().zip(&expected).all(|(item, output)| is(item, output));
    let wanted: Vec<&str> = expected.iter().map(|output| output.text.as_str()).collect();
    if fits { Ok(()) } else { Err(format!("`{expression}` gave {:?} instead of {wanted:?}", shown(&found))) }
}

fn shown(found: &[Item]) -> Vec<String> {
    found.iter().map(|item| item.text().map_or_else(|| format!("{item:.40?}"), String::from)).collect()
}

/// Whether an item is of the type and of the text that a case expects.
fn is(item: &Item, output: &Xml) -> bool {
    let text = output.text.strip_prefix('@').map_or(output.text.as_str(), |text| text.trim_start_matches('T'));
    let found = item.text().unwrap_or_default();
    let same_number = || Decimal::parse(&found).is_some_and(|found| Decimal::parse(text) == Some(found));
    let kind = match item {
        Item::Element(element) => element.kind().to_owned(),
        Item::Value(value) => value.kind().to_owned(),
    };
    let same_kind = output.attribute("type").is_none_or(|wanted| wanted.eq_ignore_ascii_case(&kind));
    same_kind && (found == text || same_number())
}

fn read(path: &std::path::Path) -> Resource {
    let text = fs::read_to_string(path).unwrap();
    if path.extension().is_some_and(|extension| extension == "json") {
        return Resource::parse(text.as_bytes()).unwrap();
    }
    Resource::from_object(resource(&Xml::parse(&text))).ok().unwrap()
}

/// FHIR XML to FHIR JSON (R4 2.6.2), by the definitions.
fn resource(xml: &Xml) -> Object {
    let mut object: Object = [("resourceType", xml.name.as_str())].into_iter().collect();
    object.extend(members(xml, &xml.name));
    object
}

fn members(xml: &Xml, kind: &str) -> Object {
    let mut object = Object::new();
    for (name, value) in xml.attributes.iter().filter(|(name, _)| matches!(name.as_str(), "id" | "url")) {
        object.set(name, value.as_str());
    }
    for child in &xml.children {
        let found = definitions::find(kind, &child.name);
        let list = found.is_some_and(|found| found.list);
        let (node, beside) = value(child, found.map_or("", |found| found.kind));
        put(&mut object, &child.name, list, node);
        if let Some(beside) = beside {
            assert!(!list, "lists of primitives with extensions are not in these files");
            object.set(format!("_{}", child.name), beside);
        }
    }
    object
}

fn put(object: &mut Object, name: &str, list: bool, node: Node) {
    match object.get_mut(name) {
        Some(Node::Array(nodes)) => nodes.push(node),
        Some(first) => *first = Node::Array(vec![first.clone(), node]),
        None if list => object.set(name, vec![node]),
        None => object.set(name, node),
    }
}

fn value(xml: &Xml, kind: &str) -> (Node, Option<Node>) {
    if xml.name == "div" {
        return (Node::from(xml.raw.as_str()), None);
    }
    let Some(value) = xml.attribute("value") else { return (Node::Object(members(xml, kind)), None) };
    let node = match kind {
        "boolean" => Node::Bool(value == "true"),
        "integer" | "positiveInt" | "unsignedInt" | "decimal" => Node::Number(value.into()),
        _ => Node::from(value),
    };
    let beside = members(xml, "Element");
    (node, (!beside.is_empty()).then_some(Node::Object(beside)))
}
