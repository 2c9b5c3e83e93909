//! The report over a corpus: a document that is printed, kept, and held against a later one.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{Counts, Coverage, Place, Seen, Tally};

/// The name and version of the document.
pub const FORMAT: &str = "loopgate-coverage-1";

/// Lists are in order of place, type or table, so that two reports compare line by line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Report {
    pub format: String,
    /// The digest of the mapping release.
    pub release: String,
    pub messages: u64,
    pub total: Counts,
    pub types: Vec<TypeRow>,
    pub fields: Vec<FieldRow>,
    pub unmapped_codes: Vec<CodeRow>,
    pub issues: Vec<IssueRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TypeRow {
    #[serde(rename = "type")]
    pub message_type: String,
    pub messages: u64,
    pub without_map: u64,
}

/// A field with its parts added up: `PID-3`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FieldRow {
    pub path: String,
    pub counts: Counts,
    pub first_seen: String,
    pub parts: Vec<PartRow>,
}

/// A subcomponent: `PID-3.4.2`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PartRow {
    pub path: String,
    pub counts: Counts,
    pub first_seen: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_dropped: Option<String>,
    /// Why it is left out, where somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A code that its table lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CodeRow {
    pub table: String,
    pub code: String,
    pub count: u64,
    pub first_seen: String,
}

/// A kind of trouble at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct IssueRow {
    pub kind: String,
    pub path: String,
    pub count: u64,
    pub first_seen: String,
}

impl Coverage {
    /// The sum so far, under the release of this digest.
    pub fn report(&self, release: String) -> Report {
        let fields = self.fields();
        let mut total = Counts::default();
        fields.iter().for_each(|field| total.add(&field.counts));
        Report {
            format: FORMAT.to_owned(),
            release,
            messages: self.types.values().map(|tally| tally.messages).sum(),
            total,
            types: self.type_rows(),
            fields,
            unmapped_codes: self.unmapped.iter().map(code_row).collect(),
            issues: self.issues.iter().map(issue_row).collect(),
        }
    }

    fn type_rows(&self) -> Vec<TypeRow> {
        let rows = self.types.iter().map(|(message_type, tally)| TypeRow {
            message_type: message_type.to_string(),
            messages: tally.messages,
            without_map: tally.without_map,
        });
        rows.collect()
    }

    fn fields(&self) -> Vec<FieldRow> {
        let mut fields: Vec<FieldRow> = Vec::new();
        for (place, tally) in &self.places {
            let path = place.field_path().to_string();
            if fields.last().is_none_or(|field| field.path != path) {
                let (counts, first_seen) = (Counts::default(), tally.first_seen.to_string());
                fields.push(FieldRow { path, counts, first_seen, parts: Vec::new() });
            }
            if let Some(field) = fields.last_mut() {
                field.counts.add(&tally.counts);
                field.parts.push(part_row(place, tally));
            }
        }
        fields
    }
}

impl Report {
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// Reads a report that was kept; one of another format is no report.
    pub fn parse(text: &str) -> Result<Self, ReportFault> {
        let report: Self = serde_json::from_str(text).map_err(ReportFault::Json)?;
        if report.format == FORMAT { Ok(report) } else { Err(ReportFault::Format) }
    }

    /// The parts of which something was dropped, the most often dropped first.
    pub fn dropped(&self) -> Vec<&PartRow> {
        let parts = self.fields.iter().flat_map(|field| &field.parts);
        let mut dropped: Vec<&PartRow> = parts.filter(|part| part.counts.dropped > 0).collect();
        dropped.sort_by_key(|part| std::cmp::Reverse(part.counts.dropped));
        dropped
    }
}

/// Why a text is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportFault {
    #[error("expected a coverage report of format {FORMAT}")]
    Format,
    #[error("expected a coverage report of format {FORMAT}: {0}")]
    Json(serde_json::Error),
}

fn part_row(place: &Place, tally: &Tally) -> PartRow {
    PartRow {
        path: place.to_string(),
        counts: tally.counts,
        first_seen: tally.first_seen.to_string(),
        first_dropped: tally.first_dropped.as_ref().map(ToString::to_string),
        reason: tally.reason.as_ref().map(ToString::to_string),
    }
}

fn code_row(((table, code), seen): (&(SmolStr, SmolStr), &Seen)) -> CodeRow {
    CodeRow {
        table: table.to_string(),
        code: code.to_string(),
        count: seen.count,
        first_seen: seen.first_seen.to_string(),
    }
}

fn issue_row(((kind, path), seen): (&(SmolStr, SmolStr), &Seen)) -> IssueRow {
    IssueRow {
        kind: kind.to_string(),
        path: path.to_string(),
        count: seen.count,
        first_seen: seen.first_seen.to_string(),
    }
}
