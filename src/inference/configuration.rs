//! The configuration of the feed, as far as samples tell it: a TOML file that `loopgate check` accepts.

use std::fmt::Write as _;

use super::Findings;
use crate::base::limits::FRAME_BYTES_MAX;

/// A name for the feed: from the most frequent sender, in small letters, digits and hyphens.
pub fn feed_name(findings: &Findings) -> String {
    let sender = findings.samples.senders.first().unwrap_or_default();
    let mut name = String::new();
    for c in sender.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    name.truncate(NAME_LENGTH_MAX);
    let name = name.trim_end_matches('-');
    if name.is_empty() { "feed".to_owned() } else { name.to_owned() }
}

/// Characters of a name that is made up here: it stands in metrics and commands.
const NAME_LENGTH_MAX: usize = 40;

/// Where the mapping files of the feed are.
#[derive(Clone, Copy, Debug, Default)]
pub struct MappingFiles<'f> {
    /// In place of those built in.
    pub directory: Option<&'f str>,
    /// Names of overlays, or paths of files.
    pub overlays: &'f [String],
}

/// The text of the file. `name` is the feed's.
pub fn configuration(findings: &Findings, name: &str, mappings: MappingFiles<'_>) -> String {
    let samples = &findings.samples;
    let mut text =
        format!("# Proposed by `loopgate feed infer` from {} messages. Read it through.\n", samples.messages);
    if let Some(directory) = mappings.directory {
        text.push_str("\n[mapping]\n");
        line(&mut text, &format!("directory = {}", quoted(directory)), "");
    }
    text.push_str("\n[[feed]]\n");
    line(&mut text, &format!("name = {}", quoted(name)), "");
    line(&mut text, "address = \"127.0.0.1:2575\"", "where this feed listens; beyond loopback it needs [feed.tls]");
    line(&mut text, ack(findings), &format!("MSH-15/MSH-16: {}", list(&samples.acknowledgements.by_count())));
    line(&mut text, "on_unknown_type = \"park\"", &unknown_types(findings));
    let reused = samples.duplicates.reused_ids;
    let reuse = format!("{reused} messages reuse a control id with other content");
    line(&mut text, "on_control_id_reuse = \"flag\"", &reuse);
    if !mappings.overlays.is_empty() {
        let overlays: Vec<String> = mappings.overlays.iter().map(|overlay| quoted(overlay)).collect();
        line(
            &mut text,
            &format!("overlays = [{}]", overlays.join(", ")),
            "files are found from where the gateway starts",
        );
    }
    charset(findings, &mut text);
    zone(findings, &mut text);
    processing_ids(findings, &mut text);
    if samples.bytes_max > FRAME_BYTES_MAX / 2 {
        let bytes = samples.bytes_max.saturating_mul(2);
        line(&mut text, &format!("frame_bytes_max = {bytes}"), "twice the largest sample");
    }
    text
}

/// An option and why it is so. A comment is one line whatever the samples hold.
fn line(text: &mut String, option: &str, why: &str) {
    let why: String = why.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // Writing to a String cannot fail.
    let _ = if why.is_empty() { writeln!(text, "{option}") } else { writeln!(text, "{option:<28} # {why}") };
}

/// A TOML string (TOML 1.0 "basic strings").
fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.extend(format!("\\u{:04X}", u32::from(c)).chars()),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

fn list(rows: &[(&str, u64)]) -> String {
    rows.iter().take(6).map(|(text, count)| format!("{text} ({count})")).collect::<Vec<_>>().join(", ")
}

/// A sender that waits for the application's answer (MSH-16 other than NE) wants `applied`.
fn ack(findings: &Findings) -> &'static str {
    let waits = findings.samples.acknowledgements.by_count().into_iter().any(|(mode, _)| {
        mode.split_once('/').is_some_and(|(_, application)| matches!(application, "AL" | "ER" | "SU"))
    });
    if waits { "ack = \"applied\"" } else { "ack = \"commit\"" }
}

fn unknown_types(findings: &Findings) -> String {
    let unknown: Vec<&str> = findings.unmapped_types.iter().map(|row| row.message_type.as_str()).collect();
    if unknown.is_empty() {
        "every type of the samples has a map".to_owned()
    } else {
        format!("without a map: {}", unknown.join(", "))
    }
}

fn charset(findings: &Findings, text: &mut String) {
    let samples = &findings.samples;
    if let Some(charset) = samples.default_charset() {
        let seen = list(&samples.charsets_detected.by_count());
        let option = format!("default_charset = {}", quoted(charset.code()));
        line(text, &option, &format!("where MSH-18 is empty the bytes look like: {seen}"));
    }
}

fn zone(findings: &Findings, text: &mut String) {
    let samples = &findings.samples;
    if samples.times_without_offset > 0 {
        let why = format!(
            "{} of {} times in MSH-7 say no offset: which zone do they mean? Unset: UTC",
            samples.times_without_offset,
            samples.times_without_offset + samples.times_with_offset
        );
        line(text, "# default_zone = \"Europe/Berlin\"", &why);
    }
}

fn processing_ids(findings: &Findings, text: &mut String) {
    let seen = &findings.samples.processing_ids;
    let ids: Vec<String> = seen.texts().filter(|id| !id.is_empty()).map(quoted).collect();
    if !ids.is_empty() {
        line(text, &format!("processing_ids = [{}]", ids.join(", ")), &format!("MSH-11: {}", list(&seen.by_count())));
    }
}
