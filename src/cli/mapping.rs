//! A mapping release as commands use it: chosen by arguments, run over messages from files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::output::Failure;
use crate::app::mapping_files;
use crate::base::{Digest, Issue};
use crate::hl7v2::{Charset, CharsetReport, Header, Message};
use crate::mapping::{Context, Mapped, Release, builtin_files};

#[derive(Debug, Default, clap::Args)]
pub struct ReleaseArguments {
    /// A folder of mapping files to use instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    pub mappings: Option<PathBuf>,
    #[command(flatten)]
    pub zone: ZoneArguments,
}

#[derive(Debug, clap::Args)]
pub struct ZoneArguments {
    /// The zone of time stamps that name none
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
}

impl Default for ZoneArguments {
    fn default() -> Self {
        Self { zone: "UTC".to_owned() }
    }
}

/// A release and what it needs beside the message.
pub struct Mapping {
    pub release: Release,
    zone: jiff::tz::TimeZone,
}

/// A message taken from bytes, with what was odd about its text.
pub struct Reading<'b> {
    pub bytes: &'b [u8],
    pub message: Message,
    /// `ADT^A08`.
    pub message_type: String,
    pub charset: CharsetReport,
    issues: Vec<Issue>,
}

impl<'b> Reading<'b> {
    pub fn of(bytes: &'b [u8]) -> Self {
        let (message, issues, charset) = Message::read(bytes, Charset::Ascii);
        let kind = message.segment("MSH").map(|msh| msh.field(9).repetition(1));
        let message_type =
            kind.map(|kind| format!("{}^{}", kind.component(1).text(), kind.component(2).text())).unwrap_or_default();
        Self { bytes, message, message_type, charset, issues }
    }
}

impl Mapping {
    pub fn open(arguments: &ReleaseArguments) -> Result<Self, Failure> {
        Self::of_folder(arguments.mappings.as_deref(), &arguments.zone)
    }

    /// As `release`, with a zone.
    pub fn of_folder(folder: Option<&Path>, zone: &ZoneArguments) -> Result<Self, Failure> {
        let zone = jiff::tz::TimeZone::get(&zone.zone)
            .map_err(|_| Failure::configuration("no such time zone: use a name like Europe/Amsterdam"))?;
        Ok(Self { release: release(folder)?, zone })
    }

    /// What the release makes of a message; `None` when it has no map for the type.
    pub fn run(&self, reading: &Reading<'_>, trace: bool) -> Option<Mapped> {
        let plan = self.release.select(&reading.message_type)?;
        let context = Context {
            default_zone: self.zone.clone(),
            message_digest: Digest::of(reading.bytes),
            sender: Header::read(reading.bytes).map(|header| header.sender()).unwrap_or_default(),
            trace,
        };
        let mut mapped = plan.run(&reading.message, &context);
        mapped.issues.splice(0..0, reading.issues.iter().cloned());
        Some(mapped)
    }
}

/// The release of a folder, or the built-in one. Overlays alone are laid over the built-in files.
pub fn release(folder: Option<&Path>) -> Result<Release, Failure> {
    if folder.is_none() {
        return Ok(Release::builtin());
    }
    Release::compile(&base_files(folder)?).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Failure::configuration(faults.join("\n"))
    })
}

/// The mapping files of a folder, or the built-in ones; of overlays alone, the built-in ones with them.
pub fn base_files(folder: Option<&Path>) -> Result<BTreeMap<String, String>, Failure> {
    let Some(folder) = folder else { return Ok(builtin_files()) };
    let own = mapping_files(folder).map_err(|error| Failure::no(format!("{}: {error}", folder.display())))?;
    Ok(if is_overlay(&own) { builtin_files().into_iter().chain(own).collect() } else { own })
}

/// An overlay cannot stand alone, a release has message maps.
pub fn is_overlay(files: &BTreeMap<String, String>) -> bool {
    let begins = |key: &str| files.values().any(|text| text.lines().any(|line| line.starts_with(key)));
    begins("overlay:") && !begins("message:")
}
