//! A message: decoded text with an index over it. Reading never fails; what is odd comes back as issues.
//!
//! One pass finds line ends and field separators; repetitions, components and subcomponents are split when asked
//! for. No byte is copied per field, and no byte is dropped: the raw texts of the segments and the line ends between
//! them make up the text.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::path::{Path, values};
use super::view::{Field, Segment, Value};
use super::{Charset, CharsetReport, Delimiters};
use crate::base::limits::PARSE_ISSUES_MAX;
use crate::base::{Issue, IssueCode, Location, Severity};

/// Decoded text of one message, indexed by segment and field.
#[derive(Clone)]
pub struct Message {
    text: Arc<str>,
    delimiters: Delimiters,
    charset: Charset,
    segments: Vec<SegmentSpan>,
    /// Where each field of each segment begins: one past its separator.
    fields: Vec<u32>,
}

/// Byte positions in the text. 32 bits halve the index; longer texts are refused.
#[derive(Clone, Copy)]
struct SegmentSpan {
    start: u32,
    /// Where the name begins: `start`, or after leading blanks.
    name: u32,
    end: u32,
    /// First of its entries in `fields`.
    fields: u32,
    occurrence: u16,
    named: bool,
}

impl Message {
    /// Indexes text that is decoded already. MSH gives the delimiters; without one the recommended set is taken.
    pub fn parse(text: impl Into<Arc<str>>) -> (Self, Vec<Issue>) {
        let text = text.into();
        let mut parser = Parser::new(&text);
        parser.run();
        let Parser { delimiters, segments, fields, issues, .. } = parser;
        (Self { text, delimiters, charset: Charset::Utf8, segments, fields }, issues.list)
    }

    /// Decodes by MSH-18, or by `default` where MSH-18 is empty, then indexes.
    pub fn read(bytes: &[u8], default: Charset) -> (Self, Vec<Issue>, CharsetReport) {
        let (text, mut issues, report) = super::charset::decode_message(bytes, default);
        let (mut message, found) = Self::parse(text);
        message.charset = report.used;
        issues.extend(found);
        (message, issues, report)
    }

    /// The whole text as decoded.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub const fn delimiters(&self) -> Delimiters {
        self.delimiters
    }

    /// The set that the message was read in, and that its `\X..\` bytes are of.
    pub const fn charset(&self) -> Charset {
        self.charset
    }

    /// All lines in order, those without a segment name included.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = Segment<'_>> + DoubleEndedIterator {
        (0..self.segments.len()).map(|index| Segment { message: self, index })
    }

    /// The segment at `index` (from 0) of all.
    pub fn segment_at(&self, index: usize) -> Option<Segment<'_>> {
        (index < self.segments.len()).then_some(Segment { message: self, index })
    }

    pub fn segments_named<'m>(&'m self, name: &str) -> impl Iterator<Item = Segment<'m>> {
        self.segments().filter(move |segment| segment.name() == name)
    }

    /// The first segment of that name.
    pub fn segment(&self, name: &str) -> Option<Segment<'_>> {
        self.segments().find(|segment| segment.name() == name)
    }

    /// The first place that the path names and the message has; it may be empty.
    pub fn get(&self, path: &Path) -> Option<Value<'_>> {
        values(self, path).next()
    }

    /// Every place that the path names and the message has, in order.
    pub fn values<'m>(&'m self, path: &Path) -> impl Iterator<Item = Value<'m>> {
        values(self, path)
    }

    pub(super) fn segment_name(&self, index: usize) -> &str {
        let span = self.segments[index];
        if span.named { &self.text[span.name as usize..span.name as usize + 3] } else { "" }
    }

    pub(super) fn segment_occurrence(&self, index: usize) -> u16 {
        self.segments[index].occurrence
    }

    pub(super) fn segment_raw(&self, index: usize) -> &str {
        let span = self.segments[index];
        &self.text[span.start as usize..span.end as usize]
    }

    pub(super) fn field_count(&self, index: usize) -> u16 {
        let count = self.field_starts(index).len() + usize::from(self.declares_delimiters(index));
        u16::try_from(count).unwrap_or(u16::MAX)
    }

    pub(super) fn field(&self, index: usize, number: u16) -> Field<'_> {
        let header = self.declares_delimiters(index);
        let delimiters =
            if header && number <= 2 { Delimiters::opaque(self.delimiters.field) } else { self.delimiters };
        let Some(at) = usize::from(number).checked_sub(1 + usize::from(header)) else {
            let separator = if header && number == 1 { self.separator(index) } else { "" };
            return Field::new(separator, delimiters, self.charset);
        };
        let starts = self.field_starts(index);
        let Some(start) = starts.get(at) else { return Field::new("", delimiters, self.charset) };
        let end = starts.get(at + 1).map_or(self.segments[index].end, |next| next - 1);
        Field::new(&self.text[*start as usize..end as usize], delimiters, self.charset)
    }

    pub(super) fn fields_written(&self, index: usize) -> u64 {
        let header = self.declares_delimiters(index);
        let starts = self.field_starts(index);
        let ends = starts.iter().skip(1).map(|next| next - 1).chain([self.segments[index].end]);
        let mut written: u64 = if header { 0b11 } else { 1 };
        for (number, (start, end)) in (1 + u32::from(header)..64).zip(starts.iter().zip(ends)) {
            written |= u64::from(end > *start) << number;
        }
        written
    }

    fn field_starts(&self, index: usize) -> &[u32] {
        let from = self.segments[index].fields as usize;
        let to = self.segments.get(index + 1).map_or(self.fields.len(), |next| next.fields as usize);
        &self.fields[from..to]
    }

    /// MSH, BHS and FHS count their separator as field 1 (HL7 v2.5.1 2.15.9.1, 2.15.2.1, 2.15.6.1).
    fn declares_delimiters(&self, index: usize) -> bool {
        matches!(self.segment_name(index), "MSH" | "BHS" | "FHS") && !self.field_starts(index).is_empty()
    }

    fn separator(&self, index: usize) -> &str {
        let at = self.segments[index].name as usize + 3;
        self.text.get(at..at + 1).unwrap_or("")
    }
}

impl std::fmt::Debug for Message {
    /// Sizes, never text (P8).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Message({} bytes, {} segments)", self.text.len(), self.segments.len())
    }
}

/// Issues up to a limit; past it one more says so.
#[derive(Default)]
struct Issues {
    list: Vec<Issue>,
}

impl Issues {
    fn push(&mut self, issue: Issue) {
        if self.list.len() < PARSE_ISSUES_MAX {
            self.list.push(issue);
        } else if self.list.len() == PARSE_ISSUES_MAX {
            self.list.push(Issue::warning(IssueCode::Structure, "more oddities of the text are not listed"));
        }
    }

    fn add(&mut self, severity: Severity, text: String) {
        self.push(Issue::new(severity, IssueCode::Structure, text));
    }
}

struct Parser<'t> {
    text: &'t str,
    delimiters: Delimiters,
    segments: Vec<SegmentSpan>,
    fields: Vec<u32>,
    issues: Issues,
    occurrences: BTreeMap<[u8; 3], u16>,
    foreign_line_ends: u32,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            delimiters: Delimiters::default(),
            segments: Vec::with_capacity(text.len() / 64 + 4),
            fields: Vec::with_capacity(text.len() / 6 + 8),
            issues: Issues::default(),
            occurrences: BTreeMap::new(),
            foreign_line_ends: 0,
        }
    }

    fn run(&mut self) {
        if u32::try_from(self.text.len()).is_err() {
            let text = "expected a text shorter than 4 GiB; it was not read";
            self.issues.push(Issue::new(Severity::Fatal, IssueCode::ValueTooLong, text));
            return;
        }
        let mut start = 0;
        while start < self.text.len() {
            let rest = &self.text.as_bytes()[start..];
            let end = start + memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            if end > start {
                self.line(start, end);
            }
            start = self.line_end(end);
        }
        if self.foreign_line_ends > 0 {
            let text = format!("expected CR as segment end, found LF or CR LF {} times", self.foreign_line_ends);
            self.issues.add(Severity::Information, text);
        }
        if self.segments.is_empty() {
            self.issues.push(Issue::error(IssueCode::Structure, "expected an MSH segment, found no text"));
        }
    }

    /// Steps over a run of line ends; more than one of them is an empty line.
    fn line_end(&mut self, at: usize) -> usize {
        let run = self.text.as_bytes()[at..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let ends = &self.text[at..at + run];
        let (foreign, count) = (ends.contains('\n'), ends.len() - ends.matches("\r\n").count());
        self.foreign_line_ends += u32::from(foreign);
        if count > usize::from(at > 0) {
            let after = self.segments.len();
            self.issues.add(Severity::Information, format!("empty line after line {after} at byte {at}"));
        }
        at + run
    }

    fn line(&mut self, start: usize, end: usize) {
        let line = &self.text[start..end];
        let body = line.trim_start_matches(['\u{FEFF}', ' ', '\t', '\0']);
        let name = start + line.len() - body.len();
        let key = segment_name(body.as_bytes(), self.delimiters.field);
        if self.segments.is_empty() {
            self.first_line(body);
        }
        let occurrence = self.count(key);
        let span = SegmentSpan {
            start: index(start),
            name: index(name),
            end: index(end),
            fields: index(self.fields.len()),
            occurrence,
            named: key.is_some(),
        };
        self.segments.push(span);
        self.index_fields(name, end);
        self.judge_line(key, occurrence, start, name);
    }

    fn first_line(&mut self, body: &str) {
        if let Some(after) = ["MSH", "FHS", "BHS"].iter().find_map(|name| body.strip_prefix(name)) {
            let (delimiters, faults) = Delimiters::read(after.as_bytes());
            self.delimiters = delimiters;
            for fault in faults {
                self.issues.push(fault.to_issue(&body[..3]));
            }
        } else {
            let text = "expected MSH as the first segment; took the delimiters |^~\\&";
            self.issues.push(Issue::error(IssueCode::SegmentSequence, text));
        }
    }

    fn count(&mut self, key: Option<[u8; 3]>) -> u16 {
        let count = self.occurrences.entry(key.unwrap_or_default()).or_default();
        *count = count.saturating_add(1);
        *count
    }

    fn index_fields(&mut self, from: usize, end: usize) {
        let line = &self.text.as_bytes()[from..end];
        self.fields.extend(memchr::memchr_iter(self.delimiters.field, line).map(|at| index(from + at + 1)));
    }

    fn judge_line(&mut self, key: Option<[u8; 3]>, occurrence: u16, start: usize, name: usize) {
        let number = self.segments.len();
        let Some(key) = key else {
            let text = format!("line {number} at byte {start} is not a segment: expected three capitals or digits");
            return self.issues.push(Issue::warning(IssueCode::Structure, text));
        };
        if is_header(key) && number > 1 {
            let text = "expected one header in a message; a batch is to be taken apart first";
            let place = Location::segment(&String::from_utf8_lossy(&key), occurrence);
            self.issues.push(Issue::warning(IssueCode::SegmentSequence, text).at(place));
        }
        if name > start {
            let key = String::from_utf8_lossy(&key);
            let text = format!("{} bytes of blanks or byte order mark before the segment name", name - start);
            let issue = Issue::new(Severity::Information, IssueCode::Structure, text);
            self.issues.push(issue.at(Location::segment(&key, occurrence)));
        }
    }
}

/// Three capitals or digits, followed by a separator or nothing (HL7 v2.5.1 2.5.2).
fn segment_name(line: &[u8], field: u8) -> Option<[u8; 3]> {
    let name: [u8; 3] = line.get(..3)?.try_into().ok()?;
    let named = name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let ended = line.get(3).is_none_or(|byte| *byte == field);
    (named && (ended || is_header(name))).then_some(name)
}

fn is_header(name: [u8; 3]) -> bool {
    matches!(&name, b"MSH" | b"BHS" | b"FHS")
}

/// Texts are shorter than 4 GiB: `run` refuses longer ones.
fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
