//! `loopgate feed`: what samples say about a feed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::files::{Corpus, write_whole};
use super::mapping::{Mapping, Reading, ReleaseArguments};
use super::output::{Failure, Table, Tone, finish, grouped, print, say, toned};
use crate::config;
use crate::hl7v2::{Header, dictionary};
use crate::inference::{
    Counted, Findings, MappingFiles, Sample, Samples, Tables, UnmappedType, advice, configuration, feed_name, overlay,
};
use crate::mapping::coverage::Coverage;
use crate::mapping::explain::{Declarations, Explanation};
use crate::mapping::{Release, cases};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a first configuration, overlay and cases of a feed from sample messages
    Infer(Infer),
}

#[derive(Debug, clap::Args)]
pub struct Infer {
    /// A folder of .hl7 files, however deep; files may hold several messages
    #[arg(long, value_name = "DIR")]
    samples: PathBuf,
    /// Where to write; files that are there already are left alone, and nothing is written
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The name of the feed; without it one is made of MSH-3 and MSH-4
    #[arg(long)]
    name: Option<String>,
    /// Write no cases: a case holds a sample as it is, with all that it says about a patient
    #[arg(long)]
    no_cases: bool,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    release: ReleaseArguments,
}

/// Message types of which a case is written. A feed has a dozen; a folder of everything is no feed.
const CASES_MAX: usize = 64;

pub fn run(command: &Command) -> ExitCode {
    finish(match command {
        Command::Infer(arguments) => infer(arguments),
    })
}

fn infer(arguments: &Infer) -> Result<ExitCode, Failure> {
    let mapping =
        Mapping::with(arguments.release.mappings.as_deref(), &site_rules(arguments), &arguments.release.zone)?;
    let corpus = Corpus::open(&arguments.samples)?;
    let (findings, first) = read(&mapping, &corpus)?;
    if findings.samples.messages == 0 {
        return Err(Failure::no(format!("{} holds no message that can be read", arguments.samples.display())));
    }
    let name = arguments.name.clone().unwrap_or_else(|| feed_name(&findings));
    let mut files = proposals(&findings, &name, arguments)?;
    if !arguments.no_cases {
        files.extend(case_files(&first, &files, arguments)?);
    }
    write(&arguments.out, &files)?;
    let written: Vec<String> = files.keys().map(|file| arguments.out.join(file).display().to_string()).collect();
    let advice = advice(&findings);
    if arguments.json {
        let (samples, coverage) = (&findings.samples, &findings.coverage);
        print(
            &json!({ "name": name, "samples": samples, "coverage": coverage, "tables": findings.tables, "advice": advice, "written": written })
                .to_string(),
        );
    } else {
        show(&findings, &name, &advice);
        print(&toned("\nWritten", Tone::Bold));
        written.iter().for_each(|file| print(&format!("  {file}")));
    }
    if !arguments.no_cases {
        say("the cases hold samples as they are: keep them like patient data unless the samples are synthetic");
    }
    Ok(ExitCode::SUCCESS)
}

/// The overlays that were asked for, else those that hold for a feed that names none.
fn site_rules(arguments: &Infer) -> Vec<String> {
    if arguments.release.overlays.is_empty() {
        return ["arrival", "appointment-status"].map(str::to_owned).to_vec();
    }
    arguments.release.overlays.clone()
}

/// The first sample of each type, by type.
type FirstOfType = BTreeMap<String, String>;

fn read(mapping: &Mapping, corpus: &Corpus) -> Result<(Findings, FirstOfType), Failure> {
    let (mut samples, mut coverage, mut first) = (Samples::default(), Coverage::default(), FirstOfType::new());
    let mut tables = Tables::default();
    let mut unmapped: BTreeMap<String, UnmappedType> = BTreeMap::new();
    let declared = Declarations::of(&mapping.release);
    corpus.for_each(|name, bytes| {
        let Ok(header) = Header::read(bytes) else { return samples.add_unreadable() };
        let reading = Reading::of(bytes);
        samples.add(&Sample { bytes, message: &reading.message, header: &header, charset: &reading.charset });
        let mapped = mapping.run(&reading, true);
        let explanation = match &mapped {
            Some(mapped) => Explanation::new(&reading.message, mapped, &declared),
            None => Explanation::without_map(&reading.message, &declared),
        };
        coverage.add(name, &reading.message_type, &explanation, mapped.as_ref());
        tables.add(&explanation);
        if mapped.is_none() && unmapped.len() < CASES_MAX {
            let structure = header.message_structure.to_string();
            let row = unmapped.entry(reading.message_type.clone()).or_insert_with(|| UnmappedType {
                message_type: reading.message_type.clone(),
                messages: 0,
                structure: Some(structure).filter(|name| mapping.release.plan(name).is_some()),
            });
            row.messages += 1;
        }
        if first.len() < CASES_MAX && !first.contains_key(&reading.message_type) {
            first.insert(reading.message_type.clone(), lines(reading.message.text()));
        }
    })?;
    let coverage = coverage.report(mapping.release.digest().to_string());
    Ok((Findings { samples, coverage, tables, unmapped_types: unmapped.into_values().collect() }, first))
}

/// As text files have it: one segment a line.
fn lines(text: &str) -> String {
    let lines = text.split(['\r', '\n']).filter(|line| !line.is_empty());
    lines.fold(String::with_capacity(text.len() + 1), |all, line| all + line + "\n")
}

/// Files by their path in the folder of the output.
type Files = BTreeMap<PathBuf, String>;

const OVERLAYS: &str = "overlays";

/// The configuration and the overlay, both looked at as the gateway will look at them.
fn proposals(findings: &Findings, name: &str, arguments: &Infer) -> Result<Files, Failure> {
    let file = Path::new(OVERLAYS).join(format!("{name}.yaml"));
    let mut overlays = site_rules(arguments);
    overlays.push(arguments.out.join(&file).display().to_string());
    let directory = arguments.release.mappings.as_ref().map(|folder| folder.display().to_string());
    let mappings = MappingFiles { directory: directory.as_deref(), overlays: &overlays };
    let configuration = configuration(findings, name, mappings);
    config::check(&configuration, "feed.toml", &[]).map_err(|faults| {
        Failure::no(format!("what the samples say makes no valid configuration:\n{}", config::render(&faults)))
    })?;
    let overlay = overlay(findings, name);
    release(arguments, &file, &overlay)?;
    Ok(Files::from([(PathBuf::from("feed.toml"), configuration), (file, overlay)]))
}

/// The release of the feed.
fn release(arguments: &Infer, file: &Path, overlay: &str) -> Result<Release, Failure> {
    let texts = super::mapping::texts(arguments.release.mappings.as_deref(), &site_rules(arguments))?;
    let (base, mut overlays) = texts;
    overlays.push((file.display().to_string(), overlay.to_owned()));
    Release::with_overlays(&base, &overlays).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Failure::no(format!("what the samples say makes no valid overlay:\n{}", faults.join("\n")))
    })
}

/// A case for each type that the release of the feed maps.
fn case_files(first: &FirstOfType, proposed: &Files, arguments: &Infer) -> Result<Files, Failure> {
    let mut files = Files::new();
    let Some((file, overlay)) = proposed.iter().find(|(file, _)| file.starts_with(OVERLAYS)) else { return Ok(files) };
    let release = release(arguments, file, overlay)?;
    for (message_type, message) in first {
        let Ok(outcome) = cases::outcome(&release, message) else { continue };
        let name: String = message_type.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let case = Path::new("cases").join(name.to_ascii_lowercase());
        files.insert(case.with_extension("hl7"), message.clone());
        files.insert(case.with_extension("json"), cases::pretty(&outcome));
    }
    Ok(files)
}

/// Writes all files, or none where one of them is there already.
fn write(folder: &Path, files: &Files) -> Result<(), Failure> {
    if let Some(taken) = files.keys().map(|file| folder.join(file)).find(|file| file.exists()) {
        return Err(Failure::no(format!("{} is there already: give another --out, or move it away", taken.display())));
    }
    for (file, text) in files {
        let file = folder.join(file);
        let parent = file.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent)
            .map_err(|error| Failure::no(format!("{} cannot be made: {error}", parent.display())))?;
        write_whole(&file, text.as_bytes())?;
    }
    Ok(())
}

fn show(findings: &Findings, name: &str, advice: &[String]) {
    let samples = &findings.samples;
    print(&format!("{} from {} messages", toned(name, Tone::Bold), grouped(samples.messages)));
    show_habits(samples);
    show_keys(samples);
    show_segments(findings);
    show_tables(findings);
    print(&toned("\nAdvice", Tone::Bold));
    advice.iter().for_each(|sentence| print(&format!("  {sentence}")));
}

fn show_habits(samples: &Samples) {
    let ends = &samples.line_ends;
    let mut table = Table::new(&["", ""]);
    let mut row = |name: &str, text: String| {
        if !text.is_empty() {
            table.row(vec![(format!("  {name}"), Tone::Dim), (text, Tone::Plain)]);
        }
    };
    row("types", list(&samples.types));
    row("senders", list(&samples.senders));
    row("receivers", list(&samples.receivers));
    row("versions", list(&samples.versions));
    row("processing ids", list(&samples.processing_ids));
    row("MSH-15/MSH-16", list(&samples.acknowledgements));
    row("delimiters", list(&samples.delimiters));
    row("MSH-18", list(&samples.charsets_declared));
    row("without MSH-18", list(&samples.charsets_detected));
    let ends = [("CR", ends.carriage_return), ("LF", ends.line_feed), ("CR LF", ends.both), ("mixed", ends.mixed)];
    let ends = ends.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name} ({})", grouped(*count)));
    row("segment ends", ends.collect::<Vec<_>>().join(", "));
    row("largest", format!("{} bytes", grouped(samples.bytes_max as u64)));
    table.print();
}

/// The six most frequent.
fn list(counted: &Counted) -> String {
    let rows = counted.by_count();
    let named = rows.iter().take(6).map(|(text, count)| {
        let text = if text.is_empty() { "(empty)" } else { text };
        format!("{text} ({})", grouped(*count))
    });
    let more = if rows.len() > 6 { format!(" and {} more", rows.len() - 6) } else { String::new() };
    named.collect::<Vec<_>>().join(", ") + &more
}

fn show_keys(samples: &Samples) {
    print(&toned("\nIdentifiers", Tone::Bold));
    let mut table = Table::new(&["  IDENTIFIER", "MESSAGES", "DIFFERENT", "WITHOUT AUTHORITY"]);
    for (name, used) in samples.keys.by_use().into_iter().take(20) {
        let tone = if used.messages == samples.messages { Tone::Good } else { Tone::Plain };
        let without = if used.without_authority == 0 { String::new() } else { grouped(used.without_authority) };
        table.row(vec![
            (format!("  {name}"), tone),
            (grouped(used.messages), tone),
            (grouped(used.distinct as u64), Tone::Plain),
            (without, Tone::Notable),
        ]);
    }
    table.print();
}

fn show_segments(findings: &Findings) {
    print(&toned("\nSegments and their fields", Tone::Bold));
    let mut table =
        Table::new(&["  SEGMENT", "MESSAGES", "MOST", "FIELDS (! reaches nothing, ? no version of HL7 has it)"]);
    for (segment, used) in &findings.samples.segments {
        let fields = findings.coverage.fields.iter().filter_map(|row| {
            let number = row.path.strip_prefix(segment.as_str())?.strip_prefix('-')?;
            let lost = row.counts.dropped == row.counts.populated;
            let known = segment.starts_with('Z')
                || number.parse().is_ok_and(|number| dictionary::field(segment, number).is_some());
            Some(format!("{number}{}{}", if lost { "!" } else { "" }, if known { "" } else { "?" }))
        });
        let tone = if segment.starts_with('Z') { Tone::Notable } else { Tone::Plain };
        table.row(vec![
            (format!("  {}", if segment.is_empty() { "(none)" } else { segment }), tone),
            (grouped(used.messages), Tone::Plain),
            (grouped(used.most), Tone::Plain),
            (fields.collect::<Vec<_>>().join(" "), Tone::Plain),
        ]);
    }
    table.print();
}

fn show_tables(findings: &Findings) {
    print(&toned("\nCode tables and their codes", Tone::Bold));
    let mut table = Table::new(&["", ""]);
    for (name, codes) in findings.tables.iter() {
        table.row(vec![(format!("  {name}"), Tone::Plain), (list(codes), Tone::Plain)]);
    }
    table.print();
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADMISSION: &str = "MSH|^~\\&|EMR|North \"West\"|LG|LG|20260312083000||ADT^A01^ADT_A01|1|P|2.5.1\rEVN|A01|20260312\rPID|1||17^^^NORTH^MR||Everyman^Ann||19700131|F\rPV1|1|I\rZPI|1|x\r";

    fn infer_into(folder: &Path, samples: &[(&str, &[u8])]) -> Result<ExitCode, Failure> {
        let from = folder.join("samples");
        std::fs::create_dir_all(&from).expect("a folder");
        samples.iter().for_each(|(name, bytes)| std::fs::write(from.join(name), bytes).expect("a file"));
        infer(&Infer {
            samples: from,
            out: folder.join("out"),
            name: None,
            no_cases: false,
            json: true,
            release: ReleaseArguments::default(),
        })
    }

    #[test]
    fn what_is_written_is_accepted_and_its_cases_pass() {
        let folder = tempfile::tempdir().expect("a folder");
        infer_into(folder.path(), &[("a.hl7", ADMISSION.as_bytes())]).expect("written");
        let read = |name: &str| std::fs::read_to_string(folder.path().join("out").join(name)).expect(name);
        let settings = config::check(&read("feed.toml"), "feed.toml", &[]);
        assert_eq!(settings.map_err(|faults| config::render(&faults)).expect("valid").feeds.len(), 1);
        let overlay = read("overlays/emr-north-west.yaml");
        assert!(overlay.contains("# ZPI: in 1 messages"), "{overlay}");
        let release = Release::with_overlays(&crate::mapping::builtin_files(), &[("o".to_owned(), overlay)]);
        let outcome = cases::outcome(&release.expect("it compiles"), &read("cases/adt_a01.hl7")).expect("a case");
        let expected = crate::fhir::Node::parse(read("cases/adt_a01.json").as_bytes()).expect("JSON");
        assert_eq!(cases::differences(&expected, &outcome), Vec::<String>::new());
    }

    #[test]
    fn what_is_there_already_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("out/feed.toml");
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
        std::fs::write(&file, "mine").expect("a file");
        assert!(infer_into(folder.path(), &[("a.hl7", ADMISSION.as_bytes())]).is_err());
        assert_eq!(std::fs::read_to_string(&file).expect("readable"), "mine");
        assert!(!folder.path().join("out/cases").exists());
    }

    #[test]
    fn samples_of_nothing_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(infer_into(folder.path(), &[("a.hl7", b"MSH")]).is_err());
    }
}
