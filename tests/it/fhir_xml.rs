//! The official R4 examples through XML and back, read from the corpus beside the checkout; without it the test says so
//! and ends. `make oracle` compares the XML itself with what an independent library writes.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use loopgate::fhir::{Node, Resource, xml};

use super::support::checkout;

/// How many examples the official archive has.
const EXAMPLES: usize = 456;

#[test]
fn official_examples_survive_xml_leaf_by_leaf() {
    let archive = checkout::root().join("../shared/data/fhir-r4/examples.tgz");
    if !archive.is_file() {
        eprintln!("SKIPPED: no archive of the official examples beside this checkout");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let unpacked = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder.path()).status().unwrap();
    assert!(unpacked.success());
    let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
    let files: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|ending| ending == "json")).collect();
    let failures: Vec<String> = files.iter().filter_map(|file| round_trip(file).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(files.len(), EXAMPLES);
}

fn round_trip(file: &PathBuf) -> Result<(), String> {
    let name = file.file_name().unwrap().to_string_lossy();
    let resource = Resource::parse(&fs::read(file).unwrap()).map_err(|fault| format!("{name}: {fault}"))?;
    let before = leaves(&resource);
    for pretty in [false, true] {
        let text = xml::write(&resource, pretty);
        let back = xml::read(&text).map_err(|fault| format!("{name}: {fault}"))?;
        let after = leaves(&back);
        if let Some(lost) = before.difference(&after).next() {
            return Err(format!("{name}: {lost} is lost"));
        }
        if let Some(made) = after.difference(&before).next() {
            return Err(format!("{name}: {made} is made up"));
        }
    }
    Ok(())
}

/// `path = value` of every leaf; a number is its text, and the nulls that pad lists are none.
fn leaves(resource: &Resource) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    resource.object().iter().for_each(|(name, node)| collect(node, name, &mut found));
    found
}

fn collect(node: &Node, path: &str, found: &mut BTreeSet<String>) {
    match node {
        Node::Object(object) => {
            object.iter().for_each(|(name, node)| collect(node, &format!("{path}.{name}"), found));
        }
        Node::Array(items) => {
            items.iter().enumerate().for_each(|(at, node)| collect(node, &format!("{path}[{at}]"), found));
        }
        Node::Null => {}
        leaf => {
            let mut text = Vec::new();
            leaf.write(&mut text);
            found.insert(format!("{path} = {}", String::from_utf8(text).unwrap()));
        }
    }
}
