//! Character sets by MSH-18 (HL7 table 0211), with encoding_rs behind them.
//!
//! MSH can be read as ASCII in every set taken here, so MSH-18 is found in the bytes before anything is decoded.

use std::borrow::Cow;

use encoding_rs::Encoding;
use smol_str::SmolStr;

use super::header;
use crate::base::{Issue, IssueCode, Location, Severity};

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
#[derive(Clone, Debug, PartialEq, Eq)]
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

    /// The table of encoding_rs; `None` for the two sets it has no table for.
    fn encoding(self) -> Option<&'static Encoding> {
        match self {
            Self::Ascii | Self::Iso8859_1 => None,
            Self::Iso8859_9 => Some(encoding_rs::WINDOWS_1254),
            other => Encoding::for_label(other.as_str().as_bytes()),
        }
    }

    /// The text, with U+FFFD for what this set has no character for.
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match (self, self.encoding()) {
            (_, Some(encoding)) => encoding.decode_without_bom_handling(bytes).0,
            (Self::Iso8859_1, None) => encoding_rs::mem::decode_latin1(bytes),
            (_, None) => ascii(bytes),
        }
    }
}

fn ascii(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '\u{FFFD}' }).collect(),
    }
}

/// Decodes a whole message by its own MSH-18.
pub(super) fn decode_message(bytes: &[u8], default: Charset) -> (Cow<'_, str>, Vec<Issue>, CharsetReport) {
    let declared = header::declared_charset(bytes);
    let at = || Location::field("MSH", 1, 18);
    let mut issues = Vec::new();
    let detected = detect(bytes);
    let used = match Charset::from_code(&declared) {
        Some(Charset::Ascii) if default == Charset::Ascii => detected,
        Some(Charset::Ascii) => default,
        Some(charset) => charset,
        None => {
            let text = "expected a character set of table 0211 that this gateway reads; guessed by the bytes";
            issues.push(Issue::warning(IssueCode::CharacterSet, text).at(at()));
            detected
        }
    };
    if declared.is_empty() && detected != Charset::Ascii {
        let text = format!("expected ASCII where MSH-18 is empty; read as {}", used.as_str());
        issues.push(Issue::new(Severity::Information, IssueCode::CharacterSet, text).at(at()));
    }
    let text = used.decode(bytes);
    let replaced = text.matches('\u{FFFD}').count();
    let report = CharsetReport { declared, used, detected, replaced, first_bad_offset: None };
    (text, issues, report)
}

fn detect(bytes: &[u8]) -> Charset {
    if bytes.is_ascii() {
        Charset::Ascii
    } else if std::str::from_utf8(bytes).is_ok() {
        Charset::Utf8
    } else {
        Charset::Windows1252
    }
}
