//! `loopgate map batch`: the Bundles of a folder of messages.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::run::text;
use crate::cli::files::read;
use crate::cli::mapping::{Mapping, Reading, ReleaseArguments};
use crate::cli::output::{Failure, say};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    input: PathBuf,
    output: PathBuf,
    #[command(flatten)]
    release: ReleaseArguments,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { input, output, release } = arguments;
    let mapping = Mapping::open(release)?;
    let cannot = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| Failure::no(format!("{path}: {error}"))
    };
    std::fs::create_dir_all(output).map_err(cannot(output))?;
    let entries = std::fs::read_dir(input).map_err(cannot(input))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "hl7"));
    files.sort();
    let (mut converted, mut without_map) = (0, Vec::new());
    for file in &files {
        let name = file.file_stem().map_or(Path::new("message"), Path::new);
        match mapping.run(&Reading::of(&read(file)?), false) {
            Some(mapped) => {
                // A name may have dots of its own, so the extension is added, not put in the place of another.
                let target = output.join(format!("{}.json", name.display()));
                std::fs::write(&target, text(&mapped)).map_err(cannot(&target))?;
                converted += 1;
            }
            None => without_map.push(name.display().to_string()),
        }
    }
    say(&format!("{converted} of {} messages converted", files.len()));
    if without_map.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::no(format!("no map for the type of: {}", without_map.join(", "))))
}
