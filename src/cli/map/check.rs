//! `loopgate map check`: every mistake of mapping files at once, each at its place.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use crate::cli::mapping::{files, files_or_builtin};
use crate::cli::output::{Failure, NO, print, say};
use crate::mapping::{Diagnostic, Release};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A folder of mapping files, or `builtin`
    folder: PathBuf,
    /// A file or folder that is laid over it; may be given several times
    #[arg(long, value_name = "PATH")]
    overlay: Vec<PathBuf>,
    /// JSON, one mistake a line
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let base = files_or_builtin(&arguments.folder)?;
    let overlays = arguments.overlay.iter().map(|path| files(path)).collect::<Result<Vec<_>, _>>()?;
    let overlays: Vec<(String, String)> = overlays.into_iter().flatten().collect();
    let found = Release::with_overlays(&base, &overlays).err().unwrap_or_default();
    let colours = std::io::stdout().is_terminal();
    for one in &found {
        print(&if arguments.json { as_json(one) } else { format!("{}\n", one.render(colours)) });
    }
    let count = base.len() + overlays.len();
    if found.is_empty() {
        say(&format!("{count} files, no mistakes"));
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!("{count} files, {} mistakes; docs/reference/diagnostics.md explains the numbers", found.len()));
    Ok(ExitCode::from(NO))
}

fn as_json(one: &Diagnostic) -> String {
    json!({
        "number": one.mistake.code(),
        "file": one.file.as_str(),
        "line": one.place.line,
        "column": one.place.column,
        "width": one.place.width,
        "message": one.message,
        "hint": one.hint,
    })
    .to_string()
}
