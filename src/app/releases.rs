//! Mapping releases as configured: read from their folders, compiled, and loaded anew while the gateway runs.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use smol_str::SmolStr;

use super::{StartError, feeds};
use crate::config::Settings;
use crate::engine::read::Reader;
use crate::engine::releases::Releases;
use crate::mapping::{Diagnostic, Release, builtin_files, overlay};

/// Compiles what the settings name. All or nothing: a mistake in one file leaves what is at work as it is.
pub fn load(settings: &Settings) -> Result<Releases, StartError> {
    let files = base_files(settings)?;
    let base = compiled(Release::compile(&files))?;
    let mut known: HashMap<&[SmolStr], Release> = HashMap::new();
    let mut overlaid = HashMap::new();
    for feed in settings.feeds.iter().filter(|feed| !feed.overlays.is_empty()) {
        let release = match known.get(&feed.overlays[..]) {
            Some(release) => release.clone(),
            None => with_overlays(&files, &feed.overlays)?,
        };
        known.insert(&feed.overlays, release.clone());
        overlaid.insert(feed.name().clone(), release);
    }
    Ok(Releases::new(base, overlaid))
}

/// A reader of messages as the settings have it.
pub fn reader(settings: &Settings) -> Result<Reader, StartError> {
    Ok(Reader::new(load(settings)?, feeds::readings(&settings.feeds)))
}

fn with_overlays(files: &BTreeMap<String, String>, overlays: &[SmolStr]) -> Result<Release, StartError> {
    let laid = overlays.iter().map(|name| overlay_text(files, name)).collect::<Result<Vec<_>, _>>()?;
    compiled(Release::with_overlays(files, &laid))
}

/// A path ends in `.yaml`; a name is that of an overlay among the mapping files, or of one that is built in.
pub fn is_overlay_file(overlay: &str) -> bool {
    Path::new(overlay).extension().is_some_and(|extension| extension == "yaml")
}

fn overlay_text(files: &BTreeMap<String, String>, name: &str) -> Result<(String, String), StartError> {
    if is_overlay_file(name) {
        let text = std::fs::read_to_string(name).map_err(|error| StartError::Mapping(format!("{name}: {error}")))?;
        return Ok((name.to_owned(), text));
    }
    named_overlay(files, name).map_err(|unknown| StartError::Mapping(unknown.to_string()))
}

/// A name that no overlay has.
#[derive(Debug, thiserror::Error)]
#[error("there is no overlay {0}: give the path of a file that ends in .yaml")]
pub struct UnknownOverlay(String);

/// The file and text of an overlay among mapping files, or among those built in.
pub fn named_overlay(files: &BTreeMap<String, String>, name: &str) -> Result<(String, String), UnknownOverlay> {
    let found = overlay(files, name).or_else(|| overlay(&builtin_files(), name));
    found.ok_or_else(|| UnknownOverlay(name.to_owned()))
}

/// Compiles the mapping files of the settings without the overlays of their feeds.
pub fn base_release(settings: &Settings) -> Result<Release, StartError> {
    compiled(Release::compile(&base_files(settings)?))
}

fn base_files(settings: &Settings) -> Result<BTreeMap<String, String>, StartError> {
    let Some(folder) = &settings.mapping_directory else { return Ok(builtin_files()) };
    mapping_files(folder).map_err(|error| StartError::Mapping(format!("{}: {error}", folder.display())))
}

fn compiled(release: Result<Release, Vec<Diagnostic>>) -> Result<Release, StartError> {
    release.map_err(|faults| {
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
