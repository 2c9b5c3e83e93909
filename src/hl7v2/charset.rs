//! Character sets by MSH-18 (HL7 table 0211), with encoding_rs behind them.
//!
//! MSH can be read as ASCII in every set taken here, so MSH-18 is found in the bytes before anything is decoded.

use std::borrow::Cow;

use encoding_rs::{DecoderResult, EncoderResult, Encoding};
use smol_str::SmolStr;

use super::Header;
use crate::base::{Issue, IssueCode, Location};

/// A character set of HL7 table 0211, or windows-1252, which senders use without saying so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Charset {
    Ascii,
    Utf8,
    Iso8859_1,
    Iso8859_2,
    Iso8859_3,
    Iso8859_4,
    Iso8859_5,
    Iso8859_6,
    Iso8859_7,
    Iso8859_8,
    Iso8859_9,
    Iso8859_15,
    Windows1252,
    Gb18030,
    Big5,
    KsX1001,
    Iso2022Jp,
}

/// What was said and done about the characters of one message.
#[derive(Clone, PartialEq, Eq)]
pub struct CharsetReport {
    /// The first value of MSH-18 as it stands.
    pub declared: SmolStr,
    pub used: Charset,
    /// What the bytes look like, whatever was declared.
    pub detected: Charset,
    /// Characters that could not be decoded and became U+FFFD.
    pub replaced: usize,
    /// Byte offset of the first of them.
    pub first_bad_offset: Option<usize>,
}

impl Charset {
    /// The set that a value of MSH-18 names.
    pub fn from_code(code: &str) -> Option<Self> {
        let known = match code.trim().to_ascii_uppercase().as_str() {
            "" | "ASCII" | "ISO IR6" | "ISO-IR-6" | "US-ASCII" => Self::Ascii,
            "UNICODE UTF-8" | "UNICODE" | "UTF-8" | "UTF8" => Self::Utf8,
            "8859/1" | "ISO-8859-1" | "ISO8859-1" => Self::Iso8859_1,
            "8859/2" => Self::Iso8859_2,
            "8859/3" => Self::Iso8859_3,
            "8859/4" => Self::Iso8859_4,
            "8859/5" => Self::Iso8859_5,
            "8859/6" => Self::Iso8859_6,
            "8859/7" => Self::Iso8859_7,
            "8859/8" => Self::Iso8859_8,
            "8859/9" => Self::Iso8859_9,
            "8859/15" => Self::Iso8859_15,
            "GB 18030-2000" => Self::Gb18030,
            "BIG-5" => Self::Big5,
            "KS X 1001" => Self::KsX1001,
            "ISO IR87" | "ISO IR159" => Self::Iso2022Jp,
            _ => return None,
        };
        Some(known)
    }

    /// The code of HL7 table 0211; empty for ASCII, which is what an empty MSH-18 says.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ascii => "",
            Self::Utf8 => "UNICODE UTF-8",
            Self::Iso8859_1 | Self::Windows1252 => "8859/1",
            Self::Iso8859_2 => "8859/2",
            Self::Iso8859_3 => "8859/3",
            Self::Iso8859_4 => "8859/4",
            Self::Iso8859_5 => "8859/5",
            Self::Iso8859_6 => "8859/6",
            Self::Iso8859_7 => "8859/7",
            Self::Iso8859_8 => "8859/8",
            Self::Iso8859_9 => "8859/9",
            Self::Iso8859_15 => "8859/15",
            Self::Gb18030 => "GB 18030-2000",
            Self::Big5 => "BIG-5",
            Self::KsX1001 => "KS X 1001",
            Self::Iso2022Jp => "ISO IR87",
        }
    }

    /// A name for records and logs: `utf-8`, `iso-8859-1`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ascii => "us-ascii",
            Self::Utf8 => "utf-8",
            Self::Iso8859_1 => "iso-8859-1",
            Self::Iso8859_2 => "iso-8859-2",
            Self::Iso8859_3 => "iso-8859-3",
            Self::Iso8859_4 => "iso-8859-4",
            Self::Iso8859_5 => "iso-8859-5",
            Self::Iso8859_6 => "iso-8859-6",
            Self::Iso8859_7 => "iso-8859-7",
            Self::Iso8859_8 => "iso-8859-8",
            Self::Iso8859_9 => "iso-8859-9",
            Self::Iso8859_15 => "iso-8859-15",
            Self::Windows1252 => "windows-1252",
            Self::Gb18030 => "gb18030",
            Self::Big5 => "big5",
            Self::KsX1001 => "euc-kr",
            Self::Iso2022Jp => "iso-2022-jp",
        }
    }

    /// The table of encoding_rs. It has none for ASCII, and takes 8859/1 and 8859/9 for their Windows kin, which
    /// differ from 0x80 to 0x9F.
    fn encoding(self) -> Option<&'static Encoding> {
        match self {
            Self::Ascii | Self::Iso8859_1 | Self::Iso8859_9 => None,
            other => Encoding::for_label(other.as_str().as_bytes()),
        }
    }

    /// The text, with U+FFFD for what this set has no character for.
    pub fn decode(self, bytes: &[u8]) -> Decoded<'_> {
        let text = match (self, self.encoding()) {
            (_, Some(encoding)) => return decode_by_table(encoding, bytes),
            (Self::Ascii, None) => return decode_ascii(bytes),
            (Self::Iso8859_9, None) => bytes.iter().map(|byte| turkish(*byte)).collect(),
            (_, None) => encoding_rs::mem::decode_latin1(bytes),
        };
        Decoded { text, replaced: 0, first_bad_offset: None }
    }

    /// The bytes, with `?` for what this set has no code for, and how many such there were.
    pub fn encode(self, text: &str) -> (Vec<u8>, usize) {
        if let Some(encoding) = self.encoding() {
            return encode_by_table(encoding, text);
        }
        let bytes: Vec<_> = text.chars().map(|character| self.single_byte(character)).collect();
        let unmappable = bytes.iter().filter(|byte| byte.is_none()).count();
        (bytes.into_iter().map(|byte| byte.unwrap_or(b'?')).collect(), unmappable)
    }

    /// For the sets without a table.
    fn single_byte(self, character: char) -> Option<u8> {
        let latin = u8::try_from(character).ok();
        match self {
            Self::Ascii => latin.filter(u8::is_ascii),
            Self::Iso8859_9 => match TURKISH.iter().find(|(_, letter)| *letter == character) {
                Some((byte, _)) => Some(*byte),
                None => latin.filter(|byte| turkish(*byte) == character),
            },
            _ => latin,
        }
    }
}

/// Where 8859/9 differs from 8859/1.
const TURKISH: [(u8, char); 6] =
    [(0xD0, '\u{11E}'), (0xDD, '\u{130}'), (0xDE, '\u{15E}'), (0xF0, '\u{11F}'), (0xFD, '\u{131}'), (0xFE, '\u{15F}')];

fn turkish(byte: u8) -> char {
    TURKISH.iter().find(|(code, _)| *code == byte).map_or(char::from(byte), |(_, letter)| *letter)
}

/// Text and what had to be replaced in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Decoded<'b> {
    pub text: Cow<'b, str>,
    pub replaced: usize,
    pub first_bad_offset: Option<usize>,
}

impl std::fmt::Debug for CharsetReport {
    /// What was declared is text of the message (P8).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { used, detected, replaced, .. } = self;
        write!(f, "CharsetReport(used {used:?}, detected {detected:?}, {replaced} replaced)")
    }
}

impl std::fmt::Debug for Decoded<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Decoded({} bytes, {} replaced)", self.text.len(), self.replaced)
    }
}

fn decode_ascii(bytes: &[u8]) -> Decoded<'_> {
    if let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii()) {
        return Decoded { text: Cow::Borrowed(text), replaced: 0, first_bad_offset: None };
    }
    let first_bad_offset = bytes.iter().position(|byte| !byte.is_ascii());
    let replaced = bytes.iter().filter(|byte| !byte.is_ascii()).count();
    let text = bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '\u{FFFD}' }).collect();
    Decoded { text, replaced, first_bad_offset }
}

fn decode_by_table<'b>(encoding: &'static Encoding, bytes: &'b [u8]) -> Decoded<'b> {
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        return Decoded { text, replaced: 0, first_bad_offset: None };
    }
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let (mut text, mut read) = (String::with_capacity(bytes.len() * 3 + 8), 0);
    let (mut replaced, mut first_bad_offset) = (0, None);
    loop {
        let (result, taken) = decoder.decode_to_string_without_replacement(&bytes[read..], &mut text, true);
        read += taken;
        match result {
            DecoderResult::InputEmpty => return Decoded { text: Cow::Owned(text), replaced, first_bad_offset },
            DecoderResult::OutputFull => text.reserve((bytes.len() - read) * 3 + 16),
            DecoderResult::Malformed(length, after) => {
                let bad = read.saturating_sub(usize::from(length) + usize::from(after));
                first_bad_offset = first_bad_offset.or(Some(bad));
                replaced += 1;
                text.push('\u{FFFD}');
            }
        }
    }
}

fn encode_by_table(encoding: &'static Encoding, text: &str) -> (Vec<u8>, usize) {
    let mut encoder = encoding.new_encoder();
    let (mut bytes, mut read, mut unmappable) = (Vec::with_capacity(text.len() + 16), 0, 0);
    loop {
        let (result, taken) = encoder.encode_from_utf8_to_vec_without_replacement(&text[read..], &mut bytes, true);
        read += taken;
        match result {
            EncoderResult::InputEmpty => return (bytes, unmappable),
            EncoderResult::OutputFull => bytes.reserve((text.len() - read) * 2 + 16),
            // A set with shift states is back in ASCII here.
            EncoderResult::Unmappable(_) => {
                bytes.push(b'?');
                unmappable += 1;
            }
        }
    }
}

/// Decodes a whole message by its own MSH-18, or by `default` where that is empty.
pub(super) fn decode_message(bytes: &[u8], default: Charset) -> (Cow<'_, str>, Vec<Issue>, CharsetReport) {
    let declared = declared_charset(bytes);
    let detected = detect(bytes);
    let meant = Charset::from_code(&declared).map(|named| if named == Charset::Ascii { default } else { named });
    let used = meant.filter(|charset| *charset != Charset::Ascii).unwrap_or(detected);
    let Decoded { text, replaced, first_bad_offset } = used.decode(bytes);
    let report = CharsetReport { declared, used, detected, replaced, first_bad_offset };
    let issues = judge(bytes, meant, &report).into_iter().chain(replacements(&report));
    let issues = issues.map(|text| Issue::warning(IssueCode::CharacterSet, text).at(Location::field("MSH", 1, 18)));
    (text, issues.collect(), report)
}

/// What does not fit together in what was declared and what was found.
fn judge(bytes: &[u8], meant: Option<Charset>, report: &CharsetReport) -> Option<String> {
    let used = report.used.as_str();
    let expected = match meant {
        None if is_wide(&report.declared) => "a set other than UTF-16 and UTF-32, which cannot be framed",
        None => "a character set of table 0211 that is read here",
        Some(Charset::Ascii) if report.detected != Charset::Ascii => "ASCII, because MSH-18 is empty or says so",
        Some(Charset::Iso8859_1) if report.detected == Charset::Utf8 => {
            "8859/1 as MSH-18 says, but the bytes are UTF-8"
        }
        Some(Charset::Iso8859_1) if bytes.iter().any(|byte| (0x80..0xA0).contains(byte)) => {
            "8859/1 as MSH-18 says, but the bytes look like windows-1252"
        }
        Some(_) => return None,
    };
    Some(format!("expected {expected}; read as {used}"))
}

fn replacements(report: &CharsetReport) -> Option<String> {
    let (used, count) = (report.used.as_str(), report.replaced);
    let tell = |offset| format!("{count} characters are not {used} and were replaced, the first at byte {offset}");
    report.first_bad_offset.map(tell)
}

fn is_wide(declared: &str) -> bool {
    declared.contains("UTF-16") || declared.contains("UTF-32")
}

/// What the bytes look like.
fn detect(bytes: &[u8]) -> Charset {
    if bytes.is_ascii() {
        Charset::Ascii
    } else if std::str::from_utf8(bytes).is_ok() {
        Charset::Utf8
    } else {
        Charset::Windows1252
    }
}

/// The first value of MSH-18, or empty text.
fn declared_charset(bytes: &[u8]) -> SmolStr {
    Header::read(bytes).map(|header| header.charset).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(charset: &str, text: &[u8]) -> Vec<u8> {
        let msh = format!("MSH|^~\\&|A|B|C|D|2026||ADT^A08|1|P|2.5.1||||||{charset}\rPID|||||");
        [msh.as_bytes(), text, b"\r"].concat()
    }

    /// The text of PID-5, the set used, and the issues.
    fn check(charset: &str, bytes: &[u8], expected: &str, used: Charset, issues: &[&str]) {
        let (message, found, report) = crate::hl7v2::Message::read(&message(charset, bytes), Charset::Ascii);
        assert_eq!(message.segment("PID").unwrap().field(5).text(), expected, "{charset}");
        assert_eq!((report.used, report.declared.as_str()), (used, charset));
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, issues, "{charset}");
    }

    #[test]
    fn declared_sets_and_what_they_read() {
        use Charset::{Ascii, Big5, Gb18030, Iso2022Jp, Iso8859_1, Iso8859_5, Iso8859_9, Iso8859_15, KsX1001, Utf8};
        check("", b"Muller", "Muller", Ascii, &[]);
        check("UNICODE UTF-8", "Müller".as_bytes(), "Müller", Utf8, &[]);
        check("8859/1", b"M\xFCller", "Müller", Iso8859_1, &[]);
        check("8859/15", b"\xA4", "€", Iso8859_15, &[]);
        check("8859/9", b"\xDE\xDD\x80", "Şİ\u{80}", Iso8859_9, &[]);
        check("8859/5", b"\xE9", "щ", Iso8859_5, &[]);
        check("GB 18030-2000", b"\xC4\xE3", "你", Gb18030, &[]);
        check("BIG-5", b"\xA7A", "你", Big5, &[]);
        check("KS X 1001", b"\xB0\xA1", "가", KsX1001, &[]);
        check("ISO IR87", b"\x1B$B;3\x1B(B", "山", Iso2022Jp, &[]);
    }

    #[test]
    fn sets_that_do_not_fit_the_bytes_are_named() {
        use Charset::{Ascii, Iso8859_1, Utf8, Windows1252};
        let ascii = "MSH-18: expected ASCII, because MSH-18 is empty or says so; read as";
        check("", "Müller".as_bytes(), "Müller", Utf8, &[&format!("{ascii} utf-8")]);
        check("", b"M\xFCller\x80", "Müller€", Windows1252, &[&format!("{ascii} windows-1252")]);
        let utf8 = "MSH-18: expected 8859/1 as MSH-18 says, but the bytes are UTF-8; read as iso-8859-1";
        check("8859/1", "ü".as_bytes(), "Ã¼", Iso8859_1, &[utf8]);
        let windows =
            "MSH-18: expected 8859/1 as MSH-18 says, but the bytes look like windows-1252; read as iso-8859-1";
        check("8859/1", b"\x80\xFC", "\u{80}ü", Iso8859_1, &[windows]);
        let wide = "MSH-18: expected a set other than UTF-16 and UTF-32, which cannot be framed; read as us-ascii";
        check("UNICODE UTF-16", b"x", "x", Ascii, &[wide]);
        let unknown = "MSH-18: expected a character set of table 0211 that is read here; read as us-ascii";
        check("EBCDIC", b"x", "x", Ascii, &[unknown]);
    }

    #[test]
    fn bytes_that_do_not_decode_are_counted_and_located() {
        let start = message("UNICODE UTF-8", b"").len() - 1;
        let place = start + 1;
        let issue = format!("MSH-18: 2 characters are not utf-8 and were replaced, the first at byte {place}");
        check("UNICODE UTF-8", b"a\xFFb\xFEc", "a\u{FFFD}b\u{FFFD}c", Charset::Utf8, &[&issue]);
        let decoded = Charset::Ascii.decode(b"a\x80");
        assert_eq!((decoded.replaced, decoded.first_bad_offset), (1, Some(1)));
    }

    #[test]
    fn a_feed_may_have_another_default() {
        let (_, issues, report) = decode_message(&message("", b"\xE9"), Charset::Iso8859_5);
        assert_eq!((report.used, report.detected), (Charset::Iso8859_5, Charset::Windows1252));
        assert_eq!(issues.len(), 0);
    }

    #[test]
    fn every_set_has_a_code_that_names_it() {
        use Charset::*;
        let all = [
            Ascii, Utf8, Iso8859_1, Iso8859_2, Iso8859_3, Iso8859_4, Iso8859_5, Iso8859_6, Iso8859_7, Iso8859_8,
            Iso8859_9, Iso8859_15, Gb18030, Big5, KsX1001, Iso2022Jp,
        ];
        for charset in all {
            assert_eq!(Charset::from_code(charset.code()), Some(charset));
            let sample = "plain ASCII ? |^~&";
            let (bytes, lost) = charset.encode(sample);
            assert_eq!((charset.decode(&bytes).text.as_ref(), lost), (sample, 0), "{charset:?}");
        }
    }

    #[test]
    fn what_a_set_cannot_write_is_counted() {
        for (charset, text, bytes, lost) in [
            (Charset::Ascii, "aé", &b"a?"[..], 1),
            (Charset::Iso8859_1, "é€", b"\xE9?", 1),
            (Charset::Iso8859_9, "ŞÐ", b"\xDE?", 1),
            (Charset::Iso8859_5, "щ€", b"\xE9?", 1),
            (Charset::Windows1252, "€", b"\x80", 0),
            (Charset::Iso2022Jp, "山€", b"\x1B$B;3\x1B(B?", 1),
        ] {
            assert_eq!(charset.encode(text), (bytes.to_vec(), lost), "{charset:?}");
        }
    }
}
