//! What is counted over the samples.

use std::collections::BTreeMap;

use super::{Counted, Duplicates, Keys};
use crate::base::Digest;
use crate::base::limits::REPORT_ROWS_MAX;
use crate::hl7v2::{Charset, CharsetReport, Header, Message};

/// A message as it was read.
pub struct Sample<'s> {
    pub bytes: &'s [u8],
    pub message: &'s Message,
    pub header: &'s Header,
    pub charset: &'s CharsetReport,
}

/// How segments end; each message counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LineEnds {
    /// As HL7 says.
    pub carriage_return: u64,
    pub line_feed: u64,
    pub both: u64,
    pub mixed: u64,
}

/// How a segment is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SegmentUse {
    /// Messages that have it.
    pub messages: u64,
    /// The most in one message.
    pub most: u64,
}

/// The sum over all samples.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Samples {
    pub messages: u64,
    /// Messages that have no header that can be read; they are in no other count.
    pub unreadable: u64,
    pub bytes_max: usize,
    pub line_ends: LineEnds,
    /// MSH-9.1 and MSH-9.2.
    pub types: Counted,
    pub versions: Counted,
    pub processing_ids: Counted,
    /// `application|facility`.
    pub senders: Counted,
    pub receivers: Counted,
    /// MSH-18 where it has a value.
    pub charsets_declared: Counted,
    /// What the bytes look like where MSH-18 is empty.
    pub charsets_detected: Counted,
    /// Messages with bytes that are no characters of the set they declare.
    pub undecodable: u64,
    /// MSH-1 and MSH-2.
    pub delimiters: Counted,
    /// `MSH-15/MSH-16`; `original mode` where both are empty.
    pub acknowledgements: Counted,
    /// Whether MSH-7 says its offset from UTC.
    pub times_with_offset: u64,
    pub times_without_offset: u64,
    pub segments: BTreeMap<String, SegmentUse>,
    pub duplicates: Duplicates,
    pub keys: Keys,
}

impl Samples {
    pub fn add(&mut self, sample: &Sample<'_>) {
        let header = sample.header;
        self.messages += 1;
        self.bytes_max = self.bytes_max.max(sample.bytes.len());
        self.line_ends.add(sample.bytes);
        self.types.add(&header.message_type());
        self.versions.add(&header.version);
        let processing_id = header.processing_id.split(char::from(header.delimiters.component.unwrap_or(b'^')));
        self.processing_ids.add(processing_id.into_iter().next().unwrap_or_default());
        self.senders.add(&header.sender());
        self.receivers.add(&format!("{}|{}", header.receiving_application, header.receiving_facility));
        self.delimiters.add(&format!("{}{}", char::from(header.delimiters.field), header.encoding_characters));
        self.add_charset(sample.charset);
        self.add_acknowledgement(header);
        self.add_time(&header.sent_at);
        self.add_segments(sample.message);
        self.keys.add(sample.message);
        let body = sample.message.segments().skip(1).map(|segment| segment.raw().as_bytes());
        let (whole, body) = (Digest::of(sample.bytes), Digest::of_parts(body));
        self.duplicates.add(&header.sender(), &header.control_id, whole, body);
    }

    /// Adds a message whose header cannot be read.
    pub fn add_unreadable(&mut self) {
        self.unreadable += 1;
    }

    fn add_charset(&mut self, report: &CharsetReport) {
        if report.declared.is_empty() {
            self.charsets_detected.add(report.detected.as_str());
        } else {
            self.charsets_declared.add(&report.declared);
        }
        self.undecodable += u64::from(report.replaced > 0);
    }

    fn add_acknowledgement(&mut self, header: &Header) {
        let (accept, application) = (&header.accept_acknowledgment, &header.application_acknowledgment);
        if accept.is_empty() && application.is_empty() {
            self.acknowledgements.add("original mode");
        } else {
            self.acknowledgements.add(&format!("{accept}/{application}"));
        }
    }

    fn add_time(&mut self, sent_at: &str) {
        if sent_at.len() <= 8 {
            return;
        }
        if sent_at.contains(['+', '-']) {
            self.times_with_offset += 1;
        } else {
            self.times_without_offset += 1;
        }
    }

    fn add_segments(&mut self, message: &Message) {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        message.segments().for_each(|segment| *counts.entry(segment.name()).or_default() += 1);
        for (name, count) in counts {
            if self.segments.len() >= REPORT_ROWS_MAX && !self.segments.contains_key(name) {
                continue;
            }
            let used = self.segments.entry(name.to_owned()).or_default();
            used.messages += 1;
            used.most = used.most.max(count);
        }
    }

    /// Segments that a site made up (HL7 v2.5.1 2.10): their names begin with Z.
    pub fn local_segments(&self) -> impl Iterator<Item = (&str, SegmentUse)> {
        self.segments.iter().filter(|(name, _)| name.starts_with('Z')).map(|(name, used)| (name.as_str(), *used))
    }

    /// The set to take where MSH-18 is empty, when that is not ASCII.
    pub fn default_charset(&self) -> Option<Charset> {
        let seen = self.charsets_detected.by_count();
        let beyond_ascii = seen.into_iter().map(|(name, _)| name).find(|name| *name != Charset::Ascii.as_str())?;
        ALL_CHARSETS.into_iter().find(|charset| charset.as_str() == beyond_ascii)
    }
}

/// Those that detection tells apart.
const ALL_CHARSETS: [Charset; 3] = [Charset::Utf8, Charset::Iso8859_1, Charset::Windows1252];

impl LineEnds {
    fn add(&mut self, bytes: &[u8]) {
        let (mut alone, mut after, mut both) = (false, false, false);
        for (at, byte) in bytes.iter().enumerate() {
            let next_is_feed = bytes.get(at + 1) == Some(&b'\n');
            let after_return = at > 0 && bytes[at - 1] == b'\r';
            both |= *byte == b'\r' && next_is_feed;
            alone |= *byte == b'\r' && !next_is_feed;
            after |= *byte == b'\n' && !after_return;
        }
        match (alone, after, both) {
            (false, true, false) => self.line_feed += 1,
            (false, false, true) => self.both += 1,
            (_, false, false) => self.carriage_return += 1,
            _ => self.mixed += 1,
        }
    }
}
