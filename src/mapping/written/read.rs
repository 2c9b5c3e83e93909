//! All files of a release as written, with its overlays laid over them.

use smol_str::SmolStr;

use super::{File, UnmappedEntry, overlay};
use crate::mapping::diagnostic::Reporter;

pub struct WrittenFile {
    /// As it was handed over.
    pub name: SmolStr,
    pub file: File,
}

/// Why an overlay changed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// `PID-Patient/PID-3 -> identifier`, `AdministrativeSex/X`, `ADT_A01/patient`, `ADT_A01`.
    pub id: SmolStr,
    pub overlay: SmolStr,
    pub reason: String,
}

/// `mappings/v2/segment/PID-Patient.yaml` is the map `PID-Patient`.
pub fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_suffix(".yaml").unwrap_or(name)
}

/// The name under which an overlay changes a file; `None` for those that it cannot change.
pub(super) fn name_of(file: &WrittenFile) -> Option<SmolStr> {
    match &file.file {
        File::Map(_) => Some(stem(&file.name).into()),
        File::Message(message) => Some(message.name.text.as_str().into()),
        File::Table(table) => Some(table.name.text.as_str().into()),
        _ => None,
    }
}

/// What all files together say.
pub struct Written {
    pub files: Vec<WrittenFile>,
    /// Why overlays changed what they changed.
    pub reasons: Vec<Reason>,
    /// What overlays leave unmapped.
    pub unmapped: Vec<UnmappedEntry>,
}

/// Reads files, given as text in the order of their names in the reporter.
pub fn read(texts: &[&str], reporter: &mut Reporter) -> Written {
    let mut files = Vec::new();
    let mut overlays = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let place = u16::try_from(index).unwrap_or(u16::MAX);
        match File::read(text, place, reporter) {
            Some(File::Overlay(overlay)) => overlays.push(overlay),
            Some(file) => files.push(WrittenFile { name: reporter.names[index].clone(), file }),
            None => {}
        }
    }
    let (mut reasons, mut unmapped) = (Vec::new(), Vec::new());
    for mut overlay in overlays {
        unmapped.append(&mut overlay.unmapped);
        overlay::lay(overlay, &mut files, &mut reasons, reporter);
    }
    Written { files, reasons, unmapped }
}
