//! `loopgate map test`: the cases beside the rules, run as the tests of the project run them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cli::files::{files_below, read, read_text};
use crate::cli::mapping;
use crate::cli::output::{Failure, NO, Table, Tone, print, say};
use crate::fhir::Node;
use crate::mapping::{Release, cases};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where the cases are, however deep: NAME.hl7 and beside it NAME.json
    folder: PathBuf,
    /// The mapping files to test; without it those in the folder of the cases, or when it has none the built-in ones
    #[arg(long, value_name = "DIR")]
    mappings: Option<PathBuf>,
    /// An overlay to lay over the mapping files: the name of a built-in one, or a .yaml file; may be given repeatedly
    #[arg(long = "overlay", value_name = "NAME|FILE")]
    overlays: Vec<String>,
    /// Only cases whose path contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// One line of JSON for each case
    #[arg(long)]
    json: bool,
}

/// A case and what is wrong with it.
struct Tested {
    name: String,
    differences: Vec<String>,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let release = release(arguments)?;
    let only = |file: &PathBuf| arguments.only.as_ref().is_none_or(|only| file.display().to_string().contains(only));
    let files: Vec<PathBuf> = files_below(&arguments.folder, "hl7")?.into_iter().filter(only).collect();
    let tested: Vec<Tested> =
        files.iter().map(|file| test(&release, &arguments.folder, file)).collect::<Result<_, _>>()?;
    if arguments.json {
        tested.iter().for_each(|case| print(&as_json(case)));
    } else {
        show(&tested);
    }
    let failed = tested.iter().filter(|case| !case.differences.is_empty()).count();
    say(&format!("{} cases: {} as written, {failed} not", tested.len(), tested.len() - failed));
    if tested.is_empty() {
        return Err(Failure::no(format!("{} holds no cases", arguments.folder.display())));
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn release(arguments: &Arguments) -> Result<Release, Failure> {
    match &arguments.mappings {
        Some(folder) => mapping::release(Some(folder), &arguments.overlays),
        None if files_below(&arguments.folder, "yaml")?.is_empty() => mapping::release(None, &arguments.overlays),
        None => mapping::release(Some(&arguments.folder), &arguments.overlays),
    }
}

fn test(release: &Release, folder: &Path, file: &Path) -> Result<Tested, Failure> {
    let name = file.strip_prefix(folder).unwrap_or(file).with_extension("").display().to_string();
    let message = read_text(file)?;
    let outcome = file.with_extension("json");
    if !outcome.is_file() {
        return Ok(Tested { name, differences: vec![format!("there is no {}", outcome.display())] });
    }
    let expected = match Node::parse(&read(&outcome)?) {
        Ok(expected) => expected,
        Err(fault) => return Ok(Tested { name, differences: vec![format!("{}: {fault}", outcome.display())] }),
    };
    let differences = match cases::outcome(release, &message) {
        Ok(got) => cases::differences(&expected, &got),
        Err(why) => vec![why],
    };
    Ok(Tested { name, differences })
}

fn show(tested: &[Tested]) {
    let mut table = Table::new(&["CASE", "RESULT", ""]);
    for case in tested {
        let (result, tone) =
            if case.differences.is_empty() { ("as written", Tone::Good) } else { ("differs", Tone::Bad) };
        let first = case.differences.first().cloned().unwrap_or_default();
        table.row(vec![(case.name.clone(), Tone::Plain), (result.to_owned(), tone), (first, Tone::Plain)]);
        for further in case.differences.iter().skip(1) {
            let empty = || (String::new(), Tone::Plain);
            table.row(vec![empty(), empty(), (further.clone(), Tone::Plain)]);
        }
    }
    table.print();
}

fn as_json(case: &Tested) -> String {
    let passed = case.differences.is_empty();
    serde_json::json!({ "case": case.name, "passed": passed, "differences": case.differences }).to_string()
}
