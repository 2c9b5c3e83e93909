//! An overlay for the feed: what is safe to change is changed, the rest stands in it as work to do.
//!
//! Safe is: a message type whose samples name in MSH-9.3 a structure that has a map. What a code means, or where a
//! field belongs, only a person knows.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Findings;

/// Dropped places listed in the file; `map coverage` has them all.
const DROPPED_LISTED_MAX: usize = 40;

/// The text of the file. `name` is the overlay's.
pub fn overlay(findings: &Findings, name: &str) -> String {
    let mut text = format!("overlay: {name}\n");
    let _ = writeln!(
        text,
        "note: Proposed by `loopgate feed infer` from {} messages. What is commented out wants a decision.",
        findings.samples.messages
    );
    text.push_str("changes:\n");
    let events = events(findings, &mut text);
    if events == 0 {
        text.truncate(text.len() - "changes:\n".len());
        text.push_str("# changes:\n");
    }
    unmapped_types(findings, &mut text);
    codes(findings, &mut text);
    local_segments(findings, &mut text);
    dropped(findings, &mut text);
    text
}

/// Types whose structure has a map.
fn events(findings: &Findings, text: &mut String) -> usize {
    let known = findings.unmapped_types.iter().filter_map(|row| Some((row, row.structure.as_ref()?)));
    let known: Vec<_> = known.filter(|(row, _)| is_plain(&row.message_type)).collect();
    for (row, structure) in &known {
        let _ = writeln!(text, "  - in: {structure}");
        let _ = writeln!(
            text,
            "    reason: {} samples of {} name this structure in MSH-9.3.",
            row.messages, row.message_type
        );
        let _ = writeln!(text, "    events: [{}]", row.message_type);
    }
    known.len()
}

/// Letters, digits, `^` and `_`: needs no quotes in YAML.
fn is_plain(text: &str) -> bool {
    let shaped = text.split_once('^').is_some_and(|(code, event)| !code.is_empty() && !event.is_empty());
    shaped && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '^' | '_'))
}

fn unmapped_types(findings: &Findings, text: &mut String) {
    let unknown: Vec<_> = findings.unmapped_types.iter().filter(|row| row.structure.is_none()).collect();
    if unknown.is_empty() {
        return;
    }
    text.push_str("\n# Message types without a map. Add the event to the message map of the same structure:\n");
    for row in unknown {
        comment(
            text,
            &format!(
                "  # - {{ in: STRUCTURE, reason: …, events: [{}] }}   {} messages",
                row.message_type, row.messages
            ),
        );
    }
}

fn codes(findings: &Findings, text: &mut String) {
    let mut tables: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for row in &findings.coverage.unmapped_codes {
        tables.entry(&row.table).or_default().push(format!("{:?}: …", row.code));
    }
    if !tables.is_empty() {
        text.push_str(
            "\n# Codes that their table lacks. Say what each means; an empty text says that it means nothing:\n",
        );
    }
    for (table, codes) in tables {
        comment(text, &format!("  # - {{ in: {table}, reason: …, codes: {{ {} }} }}", codes.join(", ")));
    }
}

fn local_segments(findings: &Findings, text: &mut String) {
    let local: Vec<_> = findings.samples.local_segments().collect();
    if !local.is_empty() {
        text.push_str("\n# Segments of the site's own. Each needs a place in `structure:` and a map:\n");
    }
    for (name, used) in local {
        comment(text, &format!("  # {name}: in {} messages, at most {} in one", used.messages, used.most));
    }
}

fn dropped(findings: &Findings, text: &mut String) {
    let dropped = findings.coverage.dropped();
    let in_maps = dropped.iter().filter(|part| !part.path.starts_with('Z'));
    let listed: Vec<_> = in_maps.take(DROPPED_LISTED_MAX).collect();
    if !listed.is_empty() {
        text.push_str(
            "\n# Fields that reach nothing, the most frequent first. Map them, or declare them with a reason:\n",
        );
    }
    for part in listed {
        comment(text, &format!("  # {:<12} {} times, first in {}", part.path, part.counts.dropped, part.first_seen));
    }
}

/// A comment is one line whatever the samples hold.
fn comment(text: &mut String, line: &str) {
    text.extend(line.chars().map(|c| if c.is_control() { ' ' } else { c }));
    text.push('\n');
}
