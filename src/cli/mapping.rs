//! A mapping release as commands use it: chosen by arguments, run over messages from files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::files::read_text;
use super::output::Failure;
use crate::app::{is_overlay_file, mapping_files, named_overlay};
use crate::base::{Digest, Issue};
use crate::hl7v2::{Charset, CharsetReport, Header, Message};
use crate::mapping::{Context, Mapped, Release, builtin_files};

#[derive(Debug, Default, clap::Args)]
pub struct ReleaseArguments {
    /// A folder of mapping files to use instead of the built-in ones; overlays alone are laid over those
    #[arg(long, value_name = "DIR")]
    pub mappings: Option<PathBuf>,
    /// An overlay to lay over the mapping files: the name of a built-in one, or a .yaml file; may be given repeatedly
    #[arg(long = "overlay", value_name = "NAME|FILE")]
    pub overlays: Vec<String>,
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
        Self::with(arguments.mappings.as_deref(), &arguments.overlays, &arguments.zone)
    }

    /// As `release`, with a zone.
    pub fn with(folder: Option<&Path>, overlays: &[String], zone: &ZoneArguments) -> Result<Self, Failure> {
        let zone = jiff::tz::TimeZone::get(&zone.zone)
            .map_err(|_| Failure::configuration("no such time zone: use a name like Europe/Amsterdam"))?;
        Ok(Self { release: release(folder, overlays)?, zone })
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

/// The release of a folder, or the built-in one, with overlays laid over it: names of those built in, or files.
pub fn release(folder: Option<&Path>, overlays: &[String]) -> Result<Release, Failure> {
    let (base, laid) = texts(folder, overlays)?;
    Release::with_overlays(&base, &laid).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Failure::configuration(faults.join("\n"))
    })
}

/// File names and texts.
pub type Texts = Vec<(String, String)>;

/// The mapping files of a folder, or the built-in ones, and the overlays to lay over them in order.
pub fn texts(folder: Option<&Path>, overlays: &[String]) -> Result<(BTreeMap<String, String>, Texts), Failure> {
    let (base, mut laid) = base_and_overlays(folder)?;
    for name in overlays {
        laid.push(overlay_text(&base, name)?);
    }
    Ok((base, laid))
}

/// The mapping files of a folder, or the built-in ones; a folder or file of overlays alone is laid over the built-in
/// ones.
fn base_and_overlays(folder: Option<&Path>) -> Result<(BTreeMap<String, String>, Texts), Failure> {
    let Some(folder) = folder else { return Ok((builtin_files(), Texts::new())) };
    let own = files(folder)?;
    Ok(if is_overlay(&own) { (builtin_files(), own.into_iter().collect()) } else { (own, Texts::new()) })
}

fn overlay_text(base: &BTreeMap<String, String>, name: &str) -> Result<(String, String), Failure> {
    if is_overlay_file(name) {
        return Ok((name.to_owned(), read_text(Path::new(name))?));
    }
    named_overlay(base, name).map_err(Failure::configuration)
}

/// The mapping files below a folder.
pub fn files(folder: &Path) -> Result<BTreeMap<String, String>, Failure> {
    mapping_files(folder).map_err(|error| Failure::no(format!("{}: {error}", folder.display())))
}

/// The mapping files below a folder, or with the name `builtin` those built in.
pub fn files_or_builtin(folder: &Path) -> Result<BTreeMap<String, String>, Failure> {
    if folder.as_os_str() == "builtin" { Ok(builtin_files()) } else { files(folder) }
}

/// An overlay cannot stand alone, a release has message maps.
pub fn is_overlay(files: &BTreeMap<String, String>) -> bool {
    let begins = |key: &str| files.values().any(|text| text.lines().any(|line| line.starts_with(key)));
    begins("overlay:") && !begins("message:")
}
