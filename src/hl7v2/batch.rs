//! Batches: FHS, BHS, BTS and FTS around messages in one frame or file (HL7 v2.5.1 2.10.3).
//!
//! Works on bytes, because each message says its own character set. Headers and trailers may be missing; counts are
//! checked where they are given.

use std::ops::Range;

use smol_str::SmolStr;

use crate::base::limits::PARSE_ISSUES_MAX;
use crate::base::{Issue, IssueCode, Location};

/// Where the messages of a frame or file are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Byte ranges, each from an MSH to the line before the next MSH, header or trailer.
    pub messages: Vec<Range<usize>>,
    /// Whether there was any header or trailer; a lone message has none.
    pub is_batch: bool,
}

/// Takes a frame or file apart. Lines before the first MSH belong to no message and are named in an issue.
pub fn split(bytes: &[u8]) -> (Batch, Vec<Issue>) {
    let mut splitter = Splitter::default();
    for line in lines(bytes) {
        splitter.line(bytes, line);
    }
    splitter.finish(bytes.len())
}

/// Whether the bytes begin like a batch.
pub fn is_batch(bytes: &[u8]) -> bool {
    lines(bytes).next().is_some_and(|line| matches!(name(&bytes[line]), b"FHS" | b"BHS"))
}

/// The answer to a batch: the acknowledgements of its messages between BHS and BTS, in the batch's own delimiters.
/// Messages whose sender wants none have none (HL7 v2.5.1 2.10.3.3).
pub fn answer<'a>(batch: &[u8], acknowledgements: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let head = lines(batch).next().map_or(&b""[..], |line| &batch[line]);
    let separator = head.get(3).copied().unwrap_or(b'|');
    let encoding = head.get(4..).unwrap_or_default().split(|byte| *byte == separator).next();
    let encoding = encoding.filter(|encoding| !encoding.is_empty()).unwrap_or(br"^~\&");
    let mut answer = [b"BHS", &[separator][..], encoding, b"\r"].concat();
    let mut count = 0;
    for acknowledgement in acknowledgements {
        answer.extend_from_slice(acknowledgement);
        count += 1;
    }
    answer.extend_from_slice(format!("BTS{}{count}\r", char::from(separator)).as_bytes());
    answer
}

/// The lines that are not empty, without their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    std::iter::from_fn(move || {
        at += bytes[at..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0)).count();
        let start = at;
        at += memchr::memchr2(b'\r', b'\n', &bytes[at..]).unwrap_or(bytes.len() - at);
        (at > start).then_some(start..at)
    })
}

fn name(line: &[u8]) -> &[u8] {
    line.get(..3).filter(|_| line.get(3).is_none_or(u8::is_ascii_punctuation)).unwrap_or_default()
}

#[derive(Default)]
struct Splitter {
    batch: Batch,
    issues: Vec<Issue>,
    /// Where the message at hand begins.
    message: Option<usize>,
    /// Messages before the batch at hand.
    messages_before: usize,
    batches: usize,
    in_batch: bool,
    /// The field separator that the last header declared.
    separator: u8,
}

impl Splitter {
    fn line(&mut self, bytes: &[u8], line: Range<usize>) {
        let text = &bytes[line.clone()];
        match name(text) {
            b"MSH" => {
                self.end_message(line.start);
                self.message = Some(line.start);
                self.separator = text[3..].first().copied().unwrap_or(b'|');
            }
            b"FHS" => self.header(line.start, text),
            b"BHS" => {
                self.header(line.start, text);
                self.end_batch();
                self.in_batch = true;
            }
            b"BTS" => {
                self.trailer(line.start);
                self.check_count(text, "BTS", self.batch.messages.len() - self.messages_before);
                self.in_batch = true;
                self.end_batch();
            }
            b"FTS" => {
                self.trailer(line.start);
                self.end_batch();
                self.check_count(text, "FTS", self.batches);
            }
            _ if self.message.is_none() => self.stray(line.start),
            _ => {}
        }
    }

    fn header(&mut self, at: usize, text: &[u8]) {
        self.trailer(at);
        self.separator = text[3..].first().copied().unwrap_or(b'|');
    }

    fn trailer(&mut self, at: usize) {
        self.end_message(at);
        self.batch.is_batch = true;
    }

    fn end_message(&mut self, at: usize) {
        if let Some(start) = self.message.take() {
            self.batch.messages.push(start..at);
        }
    }

    fn end_batch(&mut self) {
        let messages = self.batch.messages.len();
        self.batches += usize::from(self.in_batch || messages > self.messages_before);
        self.in_batch = false;
        self.messages_before = messages;
    }

    /// BTS-1 counts messages, FTS-1 batches (HL7 v2.5.1 2.15.3.1, 2.15.7.1). An empty count is no statement.
    fn check_count(&mut self, text: &[u8], segment: &str, found: usize) {
        let stated = text.split(|byte| *byte == self.separator).nth(1).unwrap_or_default();
        let stated = SmolStr::new(String::from_utf8_lossy(stated).trim());
        let place = Location::field(segment, 1, 1);
        if stated.is_empty() {
            return;
        }
        match stated.parse::<usize>() {
            Ok(number) if number == found => {}
            Ok(_) => {
                let text = format!("expected as many as {segment}-1 says, found {found}");
                self.issue(Issue::warning(IssueCode::Cardinality, text).at(place));
            }
            Err(_) => self.issue(Issue::warning(IssueCode::DataType, "expected a number as count").at(place)),
        }
    }

    fn stray(&mut self, at: usize) {
        let text = format!("expected MSH, FHS, BHS, BTS or FTS at byte {at}; the line belongs to no message");
        self.issue(Issue::warning(IssueCode::SegmentSequence, text));
    }

    fn issue(&mut self, issue: Issue) {
        if self.issues.len() < PARSE_ISSUES_MAX {
            self.issues.push(issue);
        }
    }

    fn finish(mut self, length: usize) -> (Batch, Vec<Issue>) {
        self.end_message(length);
        if self.batch.messages.is_empty() && !self.batch.is_batch {
            self.issue(Issue::error(IssueCode::SegmentSequence, "expected a message, found no MSH"));
        }
        (self.batch, self.issues)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages as texts, and the issues.
    fn check(text: &str, messages: &[&str], issues: &[&str]) {
        let (batch, found) = split(text.as_bytes());
        let parts: Vec<_> = batch.messages.iter().map(|range| &text[range.clone()]).collect();
        assert_eq!(parts, messages, "{text:?}");
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, issues, "{text:?}");
    }

    #[test]
    fn frames_and_files_and_their_messages() {
        let (one, two) = ("MSH|^~\\&|A\rPID|1\r", "MSH|^~\\&|B\r");
        check(one, &[one], &[]);
        check(&format!("{one}{two}"), &[one, two], &[]);
        check(&format!("FHS|^~\\&\rBHS|^~\\&\r{one}{two}BTS|2\rFTS|1\r"), &[one, two], &[]);
        check(&format!("BHS|^~\\&\r{one}BTS|1\rBHS|^~\\&\r{two}BTS|1\rFTS|2\r"), &[one, two], &[]);
        check(&format!("BHS|^~\\&\r{one}BHS|^~\\&\r{two}FTS|2\r"), &[one, two], &[]);
        check("BHS|^~\\&\rBTS|0\r", &[], &[]);
        check(&format!("{one}BTS|\r"), &[one], &[]);
        check("BHS#^~\\&\rMSH#^~\\&#A\rBTS#1#x\r", &["MSH#^~\\&#A\r"], &[]);
    }

    #[test]
    fn what_does_not_add_up_is_named() {
        let one = "MSH|^~\\&|A\r";
        check(&format!("BHS|^~\\&\r{one}BTS|2\r"), &[one], &["BTS-1: expected as many as BTS-1 says, found 1"]);
        check(&format!("{one}FTS|3\r"), &[one], &["FTS-1: expected as many as FTS-1 says, found 1"]);
        check(&format!("{one}BTS|x\r"), &[one], &["BTS-1: expected a number as count"]);
        let stray = "expected MSH, FHS, BHS, BTS or FTS at byte 0; the line belongs to no message";
        check(&format!("PID|1\r{one}"), &[one], &[stray]);
        check("", &[], &["expected a message, found no MSH"]);
    }

    #[test]
    fn a_batch_shows_in_its_first_line() {
        for (text, expected) in [("FHS|^~", true), ("\r\nBHS|", true), ("MSH|^~", false), ("", false), ("BHSX", false)]
        {
            assert_eq!(is_batch(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_batch_is_answered_in_its_own_delimiters() {
        let ack = &b"MSH#...\r"[..];
        assert_eq!(answer(b"FHS#*!%$#A\rBHS#*!%$\rMSH#*!%$\r", [ack, ack]), b"BHS#*!%$\rMSH#...\rMSH#...\rBTS#2\r");
        assert_eq!(answer(b"BHS|^~\\&|A\r", []), b"BHS|^~\\&\rBTS|0\r");
        assert_eq!(answer(b"", []), b"BHS|^~\\&\rBTS|0\r");
    }
}
