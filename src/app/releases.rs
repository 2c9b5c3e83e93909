//! Mapping releases as configured: read from their folders, compiled, and loaded anew while the gateway runs.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::StartError;
use crate::config::Settings;
use crate::engine::releases::Releases;
use crate::mapping::{Diagnostic, Release};

/// Compiles what the settings name. All or nothing: a mistake in one file leaves what is at work as it is.
pub fn load(settings: &Settings) -> Result<Releases, StartError> {
    let base = match &settings.mapping_directory {
        None => Release::builtin(),
        Some(folder) => release_of(folder)?,
    };
    Ok(Releases::new(base, HashMap::new()))
}

/// Compiles the mapping files of a folder.
pub fn release_of(folder: &Path) -> Result<Release, StartError> {
    let files = mapping_files(folder).map_err(|error| StartError::Mapping(format!("{}: {error}", folder.display())))?;
    Release::compile(&files).map_err(|faults| {
        let texts: Vec<String> = faults.iter().map(Diagnostic::to_string).collect();
        StartError::Mapping(texts.join("\n"))
    })
}

/// All mapping files below a folder, by their path in it: those named `….yaml` and `ConceptMap….json`. A file alone is
/// itself.
pub fn mapping_files(folder: &Path) -> std::io::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    if folder.is_file() {
        files.insert(folder.display().to_string(), std::fs::read_to_string(folder)?);
        return Ok(files);
    }
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in std::fs::read_dir(&current)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if is_mapping_file(&path) {
                let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
                files.insert(name, std::fs::read_to_string(&path)?);
            }
        }
    }
    Ok(files)
}

fn is_mapping_file(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let extension = path.extension().unwrap_or_default();
    extension == "yaml" || (extension == "json" && name.starts_with("ConceptMap"))
}
