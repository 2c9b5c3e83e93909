//! `loopgate validate`: judges FHIR resources in files by R4 and by profiles.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::output::{Failure, NO, finish, print, say};
use crate::base::issue::{Issue, Severity};
use crate::fhir::Resource;
use crate::profile::{Validator, operation_outcome};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// FHIR resources as JSON, one a file; a folder means its .json files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// A profile that every resource must meet, beside those in its meta.profile
    #[arg(long, value_name = "URL")]
    profile: Vec<String>,
    /// One JSON object a line: the file and its OperationOutcome
    #[arg(long)]
    json: bool,
}

/// Exits with 1 when a resource has an error.
pub fn run(arguments: &Arguments) -> ExitCode {
    finish(validate(arguments))
}

fn validate(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let validator = Validator::builtin();
    if let Some(unknown) = arguments.profile.iter().find(|url| !validator.knows(url)) {
        return Err(Failure::no(format!("{unknown} is not a profile that is built in")));
    }
    let files = files(&arguments.files)?;
    let mut wrong = 0;
    for file in &files {
        let issues = judge(&validator, file, &arguments.profile)?;
        wrong += usize::from(issues.iter().any(|issue| issue.severity >= Severity::Error));
        if arguments.json { print_json(file, &issues) } else { print_text(file, &issues) }
    }
    say(&format!("{wrong} of {} files with errors", files.len()));
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn judge(validator: &Validator, file: &Path, profiles: &[String]) -> Result<Vec<Issue>, Failure> {
    let bytes = std::fs::read(file).map_err(|error| Failure::no(format!("{}: {error}", file.display())))?;
    Ok(match Resource::parse(&bytes) {
        Ok(resource) => validator.validate_as(&resource, profiles),
        Err(fault) => vec![Issue::error(crate::base::issue::IssueCode::Structure, fault.to_string())],
    })
}

fn print_text(file: &Path, issues: &[Issue]) {
    issues.iter().for_each(|issue| print(&format!("{}: {:7} {issue}", file.display(), issue.severity.as_fhir())));
}

fn print_json(file: &Path, issues: &[Issue]) {
    let outcome = operation_outcome(issues).to_json();
    let name = serde_json::Value::from(file.display().to_string());
    print(&format!("{{\"file\":{name},\"outcome\":{}}}", String::from_utf8_lossy(&outcome)));
}

/// The files named, and the .json files of the folders named, in order.
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).map_err(|error| Failure::no(format!("{}: {error}", path.display())))?;
        let mut inside: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        inside.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        inside.sort();
        files.append(&mut inside);
    }
    Ok(files)
}
