//! `loopgate map`: runs the mapping on files, without a store.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;

use super::output::{Failure, finish, print, say};
use crate::base::Digest;
use crate::hl7v2::{Charset, Header, Message};
use crate::mapping::{Context, Mapped, Release, bundle};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the Bundle that a message becomes; issues go to stderr
    Run {
        /// An HL7 v2 message, or `-` for standard input
        file: PathBuf,
        #[command(flatten)]
        release: ReleaseArguments,
    },
    /// For each NAME.hl7 of a folder write NAME.json to another
    Batch {
        input: PathBuf,
        output: PathBuf,
        #[command(flatten)]
        release: ReleaseArguments,
    },
    /// List what sets the mapping of a feed apart from the base; exits with 1 when something does
    Diff(super::diff::Arguments),
}

#[derive(Debug, clap::Args)]
pub struct ReleaseArguments {
    /// A folder of mapping files to use instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    mappings: Option<PathBuf>,
    /// The zone of time stamps that name none
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
}

pub fn run(command: &Command) -> ExitCode {
    finish(match command {
        Command::Diff(arguments) => return super::diff::run(arguments),
        Command::Run { file, release } => run_one(file, release),
        Command::Batch { input, output, release } => run_batch(input, output, release),
    })
}

struct Mapping {
    release: Release,
    zone: jiff::tz::TimeZone,
}

impl Mapping {
    fn open(arguments: &ReleaseArguments) -> Result<Self, Failure> {
        let zone = jiff::tz::TimeZone::get(&arguments.zone)
            .map_err(|_| Failure::configuration("no such time zone: use a name like Europe/Amsterdam"))?;
        let release = match &arguments.mappings {
            Some(folder) => super::setup::release(folder)?,
            None => Release::builtin(),
        };
        Ok(Self { release, zone })
    }

    fn map(&self, bytes: &[u8]) -> Option<Mapped> {
        let (message, mut issues, _) = Message::read(bytes, Charset::Ascii);
        let plan = self.release.select(&message_type(&message))?;
        let context = Context {
            default_zone: self.zone.clone(),
            message_digest: Digest::of(bytes),
            sender: Header::read(bytes).map(|header| header.sender()).unwrap_or_default(),
            trace: false,
        };
        let mut mapped = plan.run(&message, &context);
        issues.append(&mut mapped.issues);
        mapped.issues = issues;
        Some(mapped)
    }
}

fn message_type(message: &Message) -> String {
    let kind = message.segment("MSH").map(|msh| msh.field(9).repetition(1));
    kind.map(|kind| format!("{}^{}", kind.component(1).text(), kind.component(2).text())).unwrap_or_default()
}

fn run_one(file: &Path, arguments: &ReleaseArguments) -> Result<ExitCode, Failure> {
    let mapping = Mapping::open(arguments)?;
    let bytes = read(file)?;
    let mapped = mapping.map(&bytes).ok_or_else(|| Failure::no("there is no map for this message type"))?;
    mapped.issues.iter().for_each(|issue| say(&format!("{}: {issue}", issue.severity.as_fhir())));
    print(&text(&mapped));
    Ok(ExitCode::SUCCESS)
}

fn text(mapped: &Mapped) -> String {
    String::from_utf8_lossy(&bundle(mapped).to_json()).into_owned()
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = |error: std::io::Error| Failure::no(format!("{} cannot be read: {error}", file.display()));
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(cannot)?;
        return Ok(bytes);
    }
    std::fs::read(file).map_err(cannot)
}

fn run_batch(input: &Path, output: &Path, arguments: &ReleaseArguments) -> Result<ExitCode, Failure> {
    let mapping = Mapping::open(arguments)?;
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
        match mapping.map(&read(file)?) {
            Some(mapped) => {
                let target = output.join(name).with_extension("json");
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
