//! Compares the gateway's FHIR XML with that of fhirbolt, over a folder of resources in JSON.
//!
//! `loopgate-oracle FOLDER`. Two ways for each file: what we write, fhirbolt reads; what fhirbolt writes, we read. Each
//! must have the leaves of the file. Exit code 1 when one has not, for a reason that is not known; 2 without files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use fhirbolt::FhirReleases;
use fhirbolt::element::Element;
use loopgate_oracle::fhir::{Node, Resource, xml};

type Foreign = Element<{ FhirReleases::R4 }>;

/// Files that fhirbolt gets wrong, and how.
const KNOWN: &[(&str, &str)] = &[];

/// How closely leaves are compared.
#[derive(Clone, Copy)]
enum Measure {
    /// To the byte.
    Exact,
    /// But for what fhirbolt does to white space: it trims the texts in a narrative, and writes line ends in attributes as
    /// they are, which any reader of XML must take for blanks (XML 1.0 3.3.3).
    Blanks,
}

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: loopgate-oracle FOLDER");
        return ExitCode::from(2);
    };
    let files = files(Path::new(&folder));
    let (mut exact, mut agreed, mut known, mut failed) = (0, 0, 0, 0);
    for file in &files {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        exact += u32::from(compare(file, Measure::Exact).is_ok());
        match compare(file, Measure::Blanks) {
            Ok(()) => agreed += 1,
            Err(why) => match KNOWN.iter().find(|(known, _)| *known == name) {
                Some((_, reason)) => {
                    known += 1;
                    println!("{name}: {why} (known: {reason})");
                }
                None => {
                    failed += 1;
                    println!("{name}: {why}");
                }
            },
        }
    }
    println!(
        "{} files: {agreed} agree both ways ({exact} to the byte), {known} differ for known reasons, {failed} differ",
        files.len()
    );
    match (files.is_empty(), failed) {
        (true, _) => ExitCode::from(2),
        (false, 0) => ExitCode::SUCCESS,
        (false, _) => ExitCode::FAILURE,
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    files
}

fn compare(file: &Path, measure: Measure) -> Result<(), String> {
    let text = std::fs::read(file).map_err(|error| error.to_string())?;
    let resource = Resource::parse(&text).map_err(|fault| fault.to_string())?;
    let expected = leaves(&resource, measure);

    let ours = xml::write(&resource, false);
    let theirs: Foreign =
        fhirbolt::xml::from_slice(&ours, None).map_err(|error| format!("fhirbolt does not read our XML: {error}"))?;
    let back = fhirbolt::json::to_vec(&theirs, None).map_err(|error| format!("fhirbolt does not write: {error}"))?;
    same(&expected, measure, &back, Resource::parse, "our XML, read by fhirbolt")?;

    // fhirbolt wants the type of a resource first.
    let theirs: Foreign = fhirbolt::json::from_slice(&typed_first(resource).to_json(), None)
        .map_err(|error| format!("fhirbolt does not read the JSON: {error}"))?;
    let written = fhirbolt::xml::to_vec(&theirs, None).map_err(|error| format!("fhirbolt does not write: {error}"))?;
    same(&expected, measure, &written, xml::read, "the XML of fhirbolt, read by us")
}

fn same<F: std::fmt::Display>(
    expected: &BTreeSet<String>,
    measure: Measure,
    text: &[u8],
    read: impl Fn(&[u8]) -> Result<Resource, F>,
    what: &str,
) -> Result<(), String> {
    let found = leaves(&read(text).map_err(|fault| format!("{what}: {fault}"))?, measure);
    let first = expected.symmetric_difference(&found).next();
    first.map_or(Ok(()), |leaf| Err(format!("{what}: {leaf}")))
}

fn typed_first(resource: Resource) -> Resource {
    let kind = resource.kind().to_owned();
    let mut resource = resource;
    resource.object_mut().set_first("resourceType", kind.as_str());
    resource
}

/// `path = value` of every leaf; a number is its text, and the nulls that pad lists are none.
fn leaves(resource: &Resource, measure: Measure) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    resource.object().iter().for_each(|(name, node)| collect(node, name, measure, &mut found));
    found
}

fn shown(path: &str, leaf: &Node, measure: Measure) -> String {
    let text = match (measure, leaf) {
        (Measure::Blanks, Node::String(text)) if path.ends_with(".div") => text.split_whitespace().collect(),
        (Measure::Blanks, Node::String(text)) => text.replace("\r\n", " ").replace(['\r', '\n', '\t'], " "),
        _ => {
            let mut text = Vec::new();
            leaf.write(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        }
    };
    format!("{path} = {text}")
}

fn collect(node: &Node, path: &str, measure: Measure, found: &mut BTreeSet<String>) {
    match node {
        Node::Object(object) => {
            object.iter().for_each(|(name, node)| collect(node, &format!("{path}.{name}"), measure, found));
        }
        Node::Array(items) => {
            items.iter().enumerate().for_each(|(at, node)| collect(node, &format!("{path}[{at}]"), measure, found));
        }
        Node::Null => {}
        leaf => {
            found.insert(shown(path, leaf, measure));
        }
    }
}
