//! `loopgate map render`: the HL7 v2 message that resources become.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use smol_str::SmolStr;

use crate::cli::files::read;
use crate::cli::mapping::{Mapping, ReleaseArguments};
use crate::cli::output::{Failure, print, say};
use crate::fhir::{Node, Resource};
use crate::hl7v2::Charset;
use crate::mapping::Sources;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The outgoing message, such as `OSU_O51`, or a variant of it, such as `OSU_O51-360X`
    name: SmolStr,
    /// A Bundle or one resource as JSON, or `-` for standard input
    file: PathBuf,
    /// What the resources do not say, such as `order_control=OK`; may be given repeatedly
    #[arg(long = "fact", value_name = "NAME=TEXT", value_parser = fact)]
    facts: Vec<(SmolStr, String)>,
    #[command(flatten)]
    release: ReleaseArguments,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mapping = Mapping::open(&arguments.release)?;
    let resource = Resource::parse(&read(&arguments.file)?).map_err(|fault| Failure::no(fault.to_string()))?;
    let resources = contained(resource);
    let resources: Vec<&Resource> = resources.iter().collect();
    let facts: BTreeMap<SmolStr, String> = arguments.facts.iter().cloned().collect();
    let sources = Sources { resources: &resources, facts: &facts };
    let rendered = mapping.release.render(&arguments.name, &sources, Charset::Utf8);
    let rendered = rendered.ok_or_else(|| Failure::no("there is no outgoing message of this name"))?;
    rendered.issues.iter().for_each(|issue| say(&format!("{}: {issue}", issue.severity.as_fhir())));
    print(String::from_utf8_lossy(&rendered.bytes).replace('\r', "\n").trim_end());
    Ok(ExitCode::SUCCESS)
}

/// The resources of a Bundle; any other resource by itself.
fn contained(resource: Resource) -> Vec<Resource> {
    if resource.kind() != "Bundle" {
        return vec![resource];
    }
    let entries = resource.get("entry").map_or(&[][..], Node::items).iter();
    let objects = entries.filter_map(|entry| entry.get("resource")?.as_object().cloned());
    objects.filter_map(|object| Resource::from_object(object).ok()).collect()
}

fn fact(text: &str) -> Result<(SmolStr, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=TEXT")?;
    Ok((name.into(), value.to_owned()))
}
