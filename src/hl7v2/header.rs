//! The header of a message read from its bytes, before any decoding: just enough of MSH to admit and to answer.

use smol_str::SmolStr;

use super::Delimiters;
use super::delimiters::DelimiterFault;
use crate::base::{Digest, Issue, IssueCode, Location, Severity};

/// MSH as far as admission and acknowledgement need it. Texts are as written, still escaped. A line that is not
/// UTF-8 is taken as Latin-1: `restore` gives its bytes back either way.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    pub delimiters: Delimiters,
    /// MSH-2 as written; the recommended characters when it is empty.
    pub encoding_characters: SmolStr,
    /// MSH-3 to MSH-6.
    pub sending_application: SmolStr,
    pub sending_facility: SmolStr,
    pub receiving_application: SmolStr,
    pub receiving_facility: SmolStr,
    /// MSH-7.
    pub sent_at: SmolStr,
    /// MSH-9.1 to 9.3.
    pub message_code: SmolStr,
    pub trigger_event: SmolStr,
    pub message_structure: SmolStr,
    /// MSH-10; may be empty.
    pub control_id: SmolStr,
    /// MSH-11 whole.
    pub processing_id: SmolStr,
    /// MSH-12.1.
    pub version: SmolStr,
    /// MSH-12 whole.
    pub version_id: SmolStr,
    /// MSH-13; empty unless the sequence number protocol is in use.
    pub sequence_number: SmolStr,
    /// MSH-15 and MSH-16.
    pub accept_acknowledgment: SmolStr,
    pub application_acknowledgment: SmolStr,
    /// MSH-18, first repetition.
    pub charset: SmolStr,
    /// MSH-21 whole.
    pub profiles: SmolStr,
    faults: Vec<DelimiterFault>,
    utf8: bool,
}

/// Why no header can be read. Then no acknowledgement is possible either: an answer needs MSH-1. Everything else that
/// can be wrong with MSH, an empty MSH-10 included, is an issue of a header that can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    #[error("expected a message, but got no bytes")]
    Empty,
    #[error("expected MSH at the start of the message")]
    NotMsh,
    #[error("expected a batch to be taken apart first, but got a batch header")]
    Batch,
    #[error("expected a punctuation character as field separator after MSH")]
    FieldSeparator,
}

/// When an acknowledgement is wanted (HL7 table 0155).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AckCondition {
    Always,
    Never,
    OnError,
    OnSuccess,
}

/// How the sender wants to be answered (HL7 v2.5.1 2.9.2, 2.9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AckMode {
    Original,
    Enhanced { accept: AckCondition, application: AckCondition },
}

/// The first repetition of MSH-18; a set that ISO 2022 escapes switch to (JIS X 0208 and 0212, ISO IR87 and IR159) before
/// it, as its decoder reads the ASCII beside it too.
fn charset(field: &[u8], delimiters: Delimiters) -> &[u8] {
    let switched = (2..=4).map(|number| part(field, delimiters.repetition, number));
    let mut switched = switched.filter(|code| matches!(*code, b"ISO IR87" | b"ISO IR159"));
    switched.next().unwrap_or_else(|| part(field, delimiters.repetition, 1))
}

impl Header {
    /// Reads the first line. Blanks and a byte order mark before it are tolerated.
    pub fn read(bytes: &[u8]) -> Result<Self, HeaderFault> {
        let line = msh_line(bytes)?;
        let (delimiters, faults) = Delimiters::read(&line[3..]);
        if faults.contains(&DelimiterFault::FieldSeparator) {
            return Err(HeaderFault::FieldSeparator);
        }
        let utf8 = std::str::from_utf8(line).is_ok();
        Ok(Self { faults, ..Self::from_fields(delimiters, &fields(line, delimiters.field), utf8) })
    }

    fn from_fields(delimiters: Delimiters, fields: &[&[u8]], utf8: bool) -> Self {
        let text = |bytes| text(bytes, utf8);
        let field = |number: usize| fields.get(number - 1).copied().unwrap_or_default();
        let component = |number, at| part(field(number), delimiters.component, at);
        Self {
            delimiters,
            encoding_characters: encoding_characters(text(field(2)), delimiters),
            sending_application: text(field(3)),
            sending_facility: text(field(4)),
            receiving_application: text(field(5)),
            receiving_facility: text(field(6)),
            sent_at: text(field(7)),
            message_code: text(component(9, 1)),
            trigger_event: text(component(9, 2)),
            message_structure: text(component(9, 3)),
            control_id: text(field(10)),
            processing_id: text(field(11)),
            version: text(component(12, 1)),
            version_id: text(field(12)),
            sequence_number: text(field(13)),
            accept_acknowledgment: text(field(15)),
            application_acknowledgment: text(field(16)),
            charset: text(charset(field(18), delimiters)),
            profiles: text(field(21)),
            faults: Vec::new(),
            utf8,
        }
    }

    /// Enhanced as soon as MSH-15 or MSH-16 is valued; an empty one of the two then counts as never, an unknown one as
    /// always.
    pub fn mode(&self) -> AckMode {
        if self.accept_acknowledgment.trim().is_empty() && self.application_acknowledgment.trim().is_empty() {
            return AckMode::Original;
        }
        AckMode::Enhanced {
            accept: AckCondition::from_code(&self.accept_acknowledgment),
            application: AckCondition::from_code(&self.application_acknowledgment),
        }
    }

    /// `MSH-3|MSH-4`, with the usual delimiters within: with feed and control id the key for duplicates.
    pub fn sender(&self) -> SmolStr {
        let Delimiters { component, subcomponent, .. } = self.delimiters;
        let usual = |c: char| match u8::try_from(c).ok() {
            byte @ Some(_) if byte == component => '^',
            byte @ Some(_) if byte == subcomponent => '&',
            _ => c,
        };
        let [application, facility] = [&self.sending_application, &self.sending_facility];
        application.chars().chain(['|']).chain(facility.chars()).map(usual).collect()
    }

    /// `ADT^A08`; the code alone when there is no trigger event, empty when there is neither.
    pub fn message_type(&self) -> SmolStr {
        if self.trigger_event.is_empty() {
            return self.message_code.clone();
        }
        smol_str::format_smolstr!("{}^{}", self.message_code, self.trigger_event)
    }

    /// What an admission may refuse: required fields of MSH that are empty (HL7 v2.5.1 2.15.9), odd delimiters.
    pub fn issues(&self) -> Vec<Issue> {
        let required =
            [(9, &self.message_code), (10, &self.control_id), (11, &self.processing_id), (12, &self.version)];
        let missing = required.into_iter().filter(|(_, value)| value.trim().is_empty());
        let missing = missing.map(|(number, _)| {
            let issue = Issue::error(IssueCode::RequiredMissing, format!("expected a value in MSH-{number}"));
            issue.at(Location::field("MSH", 1, number))
        });
        let delimiters = self.faults.iter().map(|fault| fault.to_issue("MSH"));
        delimiters.chain(missing).chain(self.condition_issues()).collect()
    }

    fn condition_issues(&self) -> impl Iterator<Item = Issue> {
        let fields = [(15, &self.accept_acknowledgment), (16, &self.application_acknowledgment)];
        fields.into_iter().filter(|(_, code)| !matches!(code.as_str(), "" | "AL" | "NE" | "ER" | "SU")).map(
            |(number, _)| {
                let text = "expected AL, NE, ER or SU; taken as NE";
                Issue::new(Severity::Warning, IssueCode::UnknownCode, text).at(Location::field("MSH", 1, number))
            },
        )
    }

    /// The bytes of texts taken from this header, as the sender wrote them.
    pub(super) fn restore(&self, text: &str) -> Vec<u8> {
        if self.utf8 {
            return text.as_bytes().to_vec();
        }
        text.chars().map(|character| u8::try_from(character).unwrap_or(b'?')).collect()
    }

    /// The digest of the message without MSH-7, with CR as line end: equal for a resend that renewed its time.
    pub fn content_digest(&self, bytes: &[u8]) -> Digest {
        Digest::of(&content(bytes, self.delimiters.field))
    }
}

impl std::fmt::Debug for Header {
    /// Nothing of the text: in a broken message anything may stand anywhere (P8).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Header({:?}, {} faults)", self.mode(), self.faults.len())
    }
}

impl AckCondition {
    pub fn from_code(code: &str) -> Self {
        match code.trim() {
            "" | "NE" => Self::Never,
            "ER" => Self::OnError,
            "SU" => Self::OnSuccess,
            // What is not in the table is a sender that wants something: silence would leave it waiting.
            _ => Self::Always,
        }
    }
}

fn msh_line(bytes: &[u8]) -> Result<&[u8], HeaderFault> {
    let start = start(bytes);
    let rest = &bytes[start..];
    let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
    match &rest[..end] {
        [] => Err(HeaderFault::Empty),
        line if line.starts_with(b"MSH") => Ok(line),
        line if line.starts_with(b"FHS") || line.starts_with(b"BHS") => Err(HeaderFault::Batch),
        _ => Err(HeaderFault::NotMsh),
    }
}

/// Where the first line begins: after a byte order mark, blanks and line ends.
fn start(bytes: &[u8]) -> usize {
    let mark = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let blanks = bytes[mark..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0)).count();
    mark + blanks
}

/// The fields of MSH by their numbers from 1: MSH-1 first.
fn fields(line: &[u8], separator: u8) -> Vec<&[u8]> {
    let mut fields = vec![&line[3..4]];
    fields.extend(line[4..].split(|byte| *byte == separator).take(24));
    fields
}

fn part(field: &[u8], separator: Option<u8>, number: usize) -> &[u8] {
    match separator {
        Some(separator) => field.split(|byte| *byte == separator).nth(number - 1).unwrap_or_default(),
        None if number == 1 => field,
        None => &[],
    }
}

fn text(bytes: &[u8], utf8: bool) -> SmolStr {
    match std::str::from_utf8(bytes) {
        Ok(text) if utf8 => SmolStr::new(text),
        _ => SmolStr::new(encoding_rs::mem::decode_latin1(bytes)),
    }
}

fn encoding_characters(written: SmolStr, delimiters: Delimiters) -> SmolStr {
    if written.is_empty() { SmolStr::new(delimiters.encoding_characters()) } else { written }
}

/// The bytes without MSH-7, which lies between the sixth and the seventh separator of the line, and with CR as the
/// one line end.
fn content(bytes: &[u8], separator: u8) -> Vec<u8> {
    let line_end = memchr::memchr2(b'\r', b'\n', &bytes[start(bytes)..]).map_or(bytes.len(), |at| start(bytes) + at);
    let mut separators = memchr::memchr_iter(separator, &bytes[..line_end]);
    let from = separators.nth(5).map_or(line_end, |at| at + 1);
    let to = separators.next().unwrap_or(line_end).max(from);
    let mut content = Vec::with_capacity(bytes.len());
    push_with_cr(&mut content, &bytes[..from]);
    push_with_cr(&mut content, &bytes[to..]);
    content
}

fn push_with_cr(content: &mut Vec<u8>, mut rest: &[u8]) {
    while let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
        content.extend_from_slice(&rest[..at]);
        content.push(b'\r');
        rest = &rest[at..];
        rest = rest.strip_prefix(b"\r\n").unwrap_or(&rest[1..]);
    }
    content.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = "MSH|^~\\&|APP|FAC^1.2.3^ISO|RAPP|RFAC|20260312||ADT^A08^ADT_A01|C1|P|2.5.1^DEU|7||AL|NE||8859/1~X|||360X\rPID|1\r";

    #[test]
    fn fields_of_a_full_header() {
        let header = Header::read(FULL.as_bytes()).unwrap();
        for (found, expected) in [
            (&header.sending_application, "APP"),
            (&header.sending_facility, "FAC^1.2.3^ISO"),
            (&header.receiving_application, "RAPP"),
            (&header.receiving_facility, "RFAC"),
            (&header.sent_at, "20260312"),
            (&header.message_code, "ADT"),
            (&header.trigger_event, "A08"),
            (&header.message_structure, "ADT_A01"),
            (&header.control_id, "C1"),
            (&header.processing_id, "P"),
            (&header.version, "2.5.1"),
            (&header.version_id, "2.5.1^DEU"),
            (&header.sequence_number, "7"),
            (&header.charset, "8859/1"),
            (&header.profiles, "360X"),
            (&header.sender(), "APP|FAC^1.2.3^ISO"),
            (&header.message_type(), "ADT^A08"),
        ] {
            assert_eq!(found, expected);
        }
        let mode = AckMode::Enhanced { accept: AckCondition::Always, application: AckCondition::Never };
        assert_eq!(header.mode(), mode);
        assert_eq!(header.issues(), []);
    }

    #[test]
    fn odd_headers_that_can_be_read() {
        for (text, sender, message_type, issues) in [
            ("\u{FEFF}\r\n MSH|^~\\&|A|B", "A|B", "", 4),
            ("MSH#*~\\&#A#B###1##ADT*A01#1#P#2.3", "A|B", "ADT^A01", 0),
            ("MSH|^~\\&#|A|B|||1||ACK|1|P|2.7\nMSA", "A|B", "ACK", 0),
            ("MSH||A|B|||1||ADT^A01|1|P|2.3", "A|B", "ADT^A01", 1),
            ("MSH|^|A|B|||1||ADT^A01|1|P|2.3", "A|B", "ADT^A01", 1),
            ("MSH|^~\\&|||||1||ADT^A01| |P|2.3", "|", "ADT^A01", 1),
            ("MSH|^~\\&|A|B|||1||ADT^A01|1|P|2.3|||XX", "A|B", "ADT^A01", 1),
            ("MSH|", "|", "", 5),
        ] {
            let header = Header::read(text.as_bytes()).unwrap();
            assert_eq!((header.sender().as_str(), header.message_type().as_str()), (sender, message_type), "{text}");
            assert_eq!(header.issues().len(), issues, "{text}: {:?}", header.issues());
        }
    }

    #[test]
    fn bytes_that_hold_no_header() {
        for (bytes, expected) in [
            (&b""[..], "expected a message, but got no bytes"),
            (b"\r\n", "expected a message, but got no bytes"),
            (b"PID|1", "expected MSH at the start of the message"),
            (b"MS", "expected MSH at the start of the message"),
            (b"M\0S\0H\0|\0", "expected MSH at the start of the message"),
            (b"FHS|^~\\&", "expected a batch to be taken apart first, but got a batch header"),
            (b"MSH", "expected a punctuation character as field separator after MSH"),
            (b"MSHA^~\\&", "expected a punctuation character as field separator after MSH"),
            (b"MSH\xA7^~\\&", "expected a punctuation character as field separator after MSH"),
        ] {
            assert_eq!(Header::read(bytes).unwrap_err().to_string(), expected, "{bytes:?}");
        }
    }

    #[test]
    fn bytes_of_any_character_set_come_back() {
        for bytes in [&b"MSH|^~\\&|M\xFCller"[..], "MSH|^~\\&|Müller".as_bytes()] {
            let header = Header::read(bytes).unwrap();
            assert_eq!(header.sending_application, "Müller");
            assert_eq!(header.restore(&header.sending_application), &bytes[9..]);
        }
    }

    #[test]
    fn a_resend_with_another_time_has_the_same_digest() {
        let digest = |text: &str| Header::read(text.as_bytes()).unwrap().content_digest(text.as_bytes());
        let first = digest("MSH|^~\\&|A|B|C|D|20260312||ADT^A08|1\rPID|1\r");
        for (text, same) in [
            ("MSH|^~\\&|A|B|C|D|20260313||ADT^A08|1\rPID|1\r", true),
            ("MSH|^~\\&|A|B|C|D|||ADT^A08|1\nPID|1\n", true),
            ("MSH|^~\\&|A|B|C|D|20260312||ADT^A08|1\r\nPID|1\r\n", true),
            ("MSH|^~\\&|A|B|C|D|20260312||ADT^A08|2\rPID|1\r", false),
            ("MSH|^~\\&|A|B|C|D|20260312||ADT^A08|1\rPID|2\r", false),
            ("MSH|^~\\&|A|B|C|D|20260312||ADT^A08|1\rPID|1\r\r", false),
            ("MSH|^~\\&|A", false),
        ] {
            assert_eq!(digest(text) == first, same, "{text:?}");
        }
    }
}
