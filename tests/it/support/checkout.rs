//! The files of this checkout, by path from its root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Paths of all files below `folder`, relative to the root, sorted; empty when there is no such folder.
pub fn files_below(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.expect("a folder of the checkout can be listed").path()) {
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push(relative(&path));
        }
    }
}

fn relative(path: &Path) -> String {
    let inside: PathBuf = path.strip_prefix(root()).expect("found below the root").to_path_buf();
    inside.to_string_lossy().replace('\\', "/")
}

pub fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// The text of a file of the checkout.
pub fn read(path: &str) -> String {
    let bytes = fs::read(root().join(path)).map_err(|error| format!("{path}: {error}")).expect("it can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What is committed or about to be: the files git knows or would add. Without git (a source archive), every file
/// outside of the usual build folders.
pub fn tracked() -> Vec<String> {
    let listing = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let mut paths: Vec<String> = match listing {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
        }
        _ => files_below("").into_iter().filter(|path| !is_built(path)).collect(),
    };
    paths.retain(|path| root().join(path).is_file());
    paths
}

fn is_built(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "target" | "node_modules" | ".git" | ".venv"))
}
