//! Acknowledgements: built for what we receive, read for what we send (HL7 v2.5.1 2.9, 2.15.5, 2.15.8).
//!
//! Deterministic: the time and the control id of the acknowledgement are passed in. The sender's own delimiters are
//! used, so that everything echoed stands as the sender wrote it.

use smol_str::SmolStr;

use super::escape::escape;
use super::{AckCondition, AckMode, Charset, Header, HeaderFault, Message};
use crate::base::limits::ACK_ERRORS_MAX;
use crate::base::{Issue, Location, Severity};

/// What we think of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    Accept,
    Error,
    Reject,
}

/// Which of the two acknowledgements of enhanced mode is meant. Original mode has one, whatever is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AckStage {
    /// On receipt, on the same connection.
    Accept,
    /// After processing.
    Application,
}

/// HL7 table 0008.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AckCode {
    Aa,
    Ae,
    Ar,
    Ca,
    Ce,
    Cr,
}

impl AckCode {
    pub const fn of(mode: AckMode, stage: AckStage, verdict: Verdict) -> Self {
        match (mode, stage, verdict) {
            (AckMode::Enhanced { .. }, AckStage::Accept, Verdict::Accept) => Self::Ca,
            (AckMode::Enhanced { .. }, AckStage::Accept, Verdict::Error) => Self::Ce,
            (AckMode::Enhanced { .. }, AckStage::Accept, Verdict::Reject) => Self::Cr,
            (_, _, Verdict::Accept) => Self::Aa,
            (_, _, Verdict::Error) => Self::Ae,
            (_, _, Verdict::Reject) => Self::Ar,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aa => "AA",
            Self::Ae => "AE",
            Self::Ar => "AR",
            Self::Ca => "CA",
            Self::Ce => "CE",
            Self::Cr => "CR",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Aa, Self::Ae, Self::Ar, Self::Ca, Self::Ce, Self::Cr].into_iter().find(|known| known.as_str() == code)
    }

    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Aa | Self::Ca => Verdict::Accept,
            Self::Ae | Self::Ce => Verdict::Error,
            Self::Ar | Self::Cr => Verdict::Reject,
        }
    }
}

/// Whether the sender wants this acknowledgement. In original mode there is always one, on receipt or after
/// processing as the feed is set up (HL7 v2.5.1 2.9.2, 2.9.3, table 0155).
pub const fn is_wanted(mode: AckMode, stage: AckStage, verdict: Verdict) -> bool {
    let AckMode::Enhanced { accept, application } = mode else { return true };
    let condition = match stage {
        AckStage::Accept => accept,
        AckStage::Application => application,
    };
    match condition {
        AckCondition::Always => true,
        AckCondition::Never => false,
        AckCondition::OnError => !matches!(verdict, Verdict::Accept),
        AckCondition::OnSuccess => matches!(verdict, Verdict::Accept),
    }
}

/// An acknowledgement to be written.
pub struct Ack<'a> {
    /// Of the message that is answered.
    pub header: &'a Header,
    pub stage: AckStage,
    pub verdict: Verdict,
    /// One ERR each, up to `ACK_ERRORS_MAX`.
    pub issues: &'a [Issue],
    /// MSH-7 as HL7 text.
    pub sent_at: &'a str,
    /// MSH-10, ours.
    pub control_id: &'a str,
    /// MSA-4, only with the sequence number protocol (HL7 v2.5.1 2.10.1).
    pub expected_sequence_number: Option<i64>,
}

impl Ack<'_> {
    /// The bytes of the message, CR after each segment, in the sender's character set.
    pub fn write(&self) -> Vec<u8> {
        let mut lines = vec![self.msh(), self.msa()];
        let errors = self.issues.iter().take(ACK_ERRORS_MAX);
        if HeaderVersion::of(self.header).knows_err_2() {
            lines.extend(errors.map(|issue| self.err(issue)));
        } else if !self.issues.is_empty() {
            let locations: Vec<_> = errors.map(|issue| self.error_location_and_code(issue)).collect();
            let repetition = self.header.delimiters.repetition.map_or(' ', char::from);
            lines.push(self.segment(&["ERR", &locations.join(&repetition.to_string())]));
        }
        lines.iter().flat_map(|line| [self.header.restore(line), vec![b'\r']]).flatten().collect()
    }

    fn msh(&self) -> String {
        let header = self.header;
        let charset = Charset::from_code(&header.charset).map_or("", |_| header.charset.as_str());
        // An accept acknowledgement leaves both empty; an application acknowledgement wants none itself.
        let enhanced = header.mode() != AckMode::Original;
        let application = if enhanced && self.stage == AckStage::Application { "NE" } else { "" };
        let fields = [
            "MSH",
            &header.encoding_characters,
            &header.receiving_application,
            &header.receiving_facility,
            &header.sending_application,
            &header.sending_facility,
            self.sent_at,
            "",
            &self.message_type(),
            &escape(self.control_id, header.delimiters),
            &header.processing_id,
            &header.version_id,
            "",
            "",
            "",
            application,
            "",
            charset,
        ];
        self.segment(&fields)
    }

    /// `ACK` before v2.3, `ACK^A08` in v2.3, `ACK^A08^ACK` since v2.3.1, which brought the third component.
    fn message_type(&self) -> String {
        let version = HeaderVersion::of(self.header);
        let (trigger, component) = (&self.header.trigger_event, self.header.delimiters.component.map(char::from));
        match component {
            Some(separator) if !trigger.is_empty() && version.knows_structure() => {
                format!("ACK{separator}{trigger}{separator}ACK")
            }
            Some(separator) if !trigger.is_empty() && version.knows_trigger() => format!("ACK{separator}{trigger}"),
            _ => "ACK".to_owned(),
        }
    }

    /// MSA-3 was withdrawn in v2.7; before, it is the one text that every partner shows.
    fn msa(&self) -> String {
        let code = AckCode::of(self.header.mode(), self.stage, self.verdict).as_str();
        let text = match self.issues.first() {
            Some(issue) if !HeaderVersion::of(self.header).has_withdrawn_msa_3() => self.plain(&issue.text),
            _ => String::new(),
        };
        let sequence = self.expected_sequence_number.map_or_else(String::new, |number| number.to_string());
        self.segment(&["MSA", code, &self.header.control_id, &text, &sequence])
    }

    /// ERR-2 location, ERR-3 code, ERR-4 severity, ERR-8 text for a person (HL7 v2.5.1 2.15.5).
    fn err(&self, issue: &Issue) -> String {
        let (code, meaning) = issue.code.as_v2();
        let location = issue.location.as_ref().map_or_else(String::new, |location| self.error_location(location));
        let code = self.components(&[code, &self.plain(meaning), "HL70357"]);
        self.segment(&["ERR", "", &location, &code, issue.severity.as_v2(), "", "", "", &self.plain(&issue.text)])
    }

    /// ERL: segment, its number, field, its repetition, component, subcomponent.
    fn error_location(&self, location: &Location) -> String {
        let number = |number: Option<u16>| number.map_or_else(String::new, |number| number.to_string());
        self.components(&[
            &location.segment,
            &number(location.segment_repetition),
            &number(location.field),
            &number(location.field_repetition),
            &number(location.component),
            &number(location.subcomponent),
        ])
    }

    /// ELD, the one form before v2.5: segment, its number, field, code as a CE one level down (HL7 v2.4 2.16.5.1).
    fn error_location_and_code(&self, issue: &Issue) -> String {
        let (code, meaning) = issue.code.as_v2();
        let code = match self.header.delimiters.subcomponent {
            Some(separator) => [code, &self.plain(meaning), "HL70357"].join(&char::from(separator).to_string()),
            None => code.to_owned(),
        };
        let number = |number: Option<u16>| number.map_or_else(String::new, |number| number.to_string());
        let location = issue.location.clone().unwrap_or_default();
        let (nth, field) = (number(location.segment_repetition), number(location.field));
        self.components(&[&location.segment, &nth, &field, &code])
    }

    fn components(&self, parts: &[&str]) -> String {
        join(parts, self.header.delimiters.component.unwrap_or(b' '))
    }

    fn segment(&self, fields: &[&str]) -> String {
        join(fields, self.header.delimiters.field)
    }

    /// Our own sentences, in characters that every set has.
    fn plain(&self, text: &str) -> String {
        escape(text, self.header.delimiters).chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
    }
}

/// Joins the parts and leaves out the separators that nothing follows.
fn join(parts: &[&str], separator: u8) -> String {
    let used = parts.iter().rposition(|part| !part.is_empty()).map_or(0, |last| last + 1);
    parts[..used].join(&char::from(separator).to_string())
}

/// MSH-12 as numbers. A version that cannot be read counts as a modern one.
struct HeaderVersion(Vec<u16>);

impl HeaderVersion {
    fn of(header: &Header) -> Self {
        let numbers: Option<Vec<u16>> = header.version.trim().split('.').map(|number| number.parse().ok()).collect();
        Self(numbers.unwrap_or_else(|| vec![2, 5, 1]))
    }

    fn knows_trigger(&self) -> bool {
        self.0 >= vec![2, 3]
    }

    fn knows_structure(&self) -> bool {
        self.0 >= vec![2, 3, 1]
    }

    fn knows_err_2(&self) -> bool {
        self.0 >= vec![2, 5]
    }

    fn has_withdrawn_msa_3(&self) -> bool {
        self.0 >= vec![2, 7]
    }
}

/// An acknowledgement that a receiver sent us.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivedAck {
    pub code: AckCode,
    /// MSA-2: our MSH-10. When it is another, this acknowledgement is not for the message at hand.
    pub control_id: SmolStr,
    /// MSA-3, or ERR-8 of the first error.
    pub text: SmolStr,
    /// ERR-3.1 or ERR-1.4.1 of the first error, a code of table 0357; empty when there is none.
    pub error_code: SmolStr,
    /// ERR-4 of the first error.
    pub severity: Option<Severity>,
}

/// Why bytes are not an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AckFault {
    #[error("expected an acknowledgement with a readable header")]
    Header(#[source] HeaderFault),
    #[error("expected an MSA segment")]
    NoMsa,
    #[error("expected one of AA, AE, AR, CA, CE, CR in MSA-1")]
    UnknownCode,
}

impl ReceivedAck {
    pub fn read(bytes: &[u8]) -> Result<Self, AckFault> {
        Header::read(bytes).map_err(AckFault::Header)?;
        let (message, _, _) = Message::read(bytes, Charset::Ascii);
        let msa = message.segment("MSA").ok_or(AckFault::NoMsa)?;
        let code = AckCode::from_code(msa.field(1).text().trim()).ok_or(AckFault::UnknownCode)?;
        let error = message.segment("ERR");
        let error_text = |field| error.map(|error| SmolStr::new(error.field(field).text())).unwrap_or_default();
        let old_code = error.map(|error| error.field(1).repetition(1).component(4).text()).unwrap_or_default();
        let first = |one: SmolStr, other: SmolStr| if one.is_empty() { other } else { one };
        Ok(Self {
            code,
            control_id: SmolStr::new(msa.field(2).text().trim()),
            text: first(SmolStr::new(msa.field(3).text()), error_text(8)),
            error_code: first(error_text(3), SmolStr::new(old_code)),
            severity: severity(&error_text(4)),
        })
    }
}

fn severity(code: &str) -> Option<Severity> {
    use Severity::{Error, Fatal, Information, Warning};
    [Information, Warning, Error, Fatal].into_iter().find(|severity| severity.as_v2() == code)
}

impl std::fmt::Debug for ReceivedAck {
    /// The code, never the receiver's text (P8).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReceivedAck({})", self.code.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::IssueCode;

    fn written(msh: &str, stage: AckStage, verdict: Verdict, issues: &[Issue]) -> String {
        let header = Header::read(msh.as_bytes()).unwrap();
        let ack = Ack {
            header: &header,
            stage,
            verdict,
            issues,
            sent_at: "20260312084500+0100",
            control_id: "OURS",
            expected_sequence_number: None,
        };
        String::from_utf8(ack.write()).unwrap()
    }

    fn missing() -> Issue {
        let location = Location { component: Some(1), field_repetition: Some(2), ..Location::field("PID", 1, 3) };
        Issue::error(IssueCode::RequiredMissing, "expected an identifier & a type").at(location)
    }

    fn msh(version: &str, conditions: &str) -> String {
        format!("MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|THEIRS|P|{version}|||{conditions}||8859/1\r")
    }

    #[test]
    fn acknowledgements_by_mode_and_version() {
        use AckStage::{Accept, Application};
        let head = "MSH|^~\\&|C|D|A|B|20260312084500+0100||";
        let check = |version, conditions, stage, verdict, issues: &[Issue], expected: &str| {
            let expected = expected.replace("HEAD", head);
            assert_eq!(written(&msh(version, conditions), stage, verdict, issues), expected);
        };
        let tail = "|OURS|P|2.5.1||||||8859/1\r";
        let plain = format!("HEADACK^A08^ACK{tail}");
        check("2.5.1", "|", Accept, Verdict::Accept, &[], &format!("{plain}MSA|AA|THEIRS\r"));
        check("2.5.1", "|", Accept, Verdict::Reject, &[], &format!("{plain}MSA|AR|THEIRS\r"));
        check("2.5.1", "AL|NE", Accept, Verdict::Accept, &[], &format!("{plain}MSA|CA|THEIRS\r"));
        check("2.5.1", "AL|NE", Accept, Verdict::Error, &[], &format!("{plain}MSA|CE|THEIRS\r"));
        let application = "HEADACK^A08^ACK|OURS|P|2.5.1||||NE||8859/1\rMSA|AE|THEIRS\r";
        check("2.5.1", "AL|AL", Application, Verdict::Error, &[], application);
        let modern = format!(
            "{plain}MSA|AE|THEIRS|expected an identifier \\T\\ a type\r\
             ERR||PID^1^3^2^1|101^Required field missing^HL70357|E||||expected an identifier \\T\\ a type\r"
        );
        check("2.5.1", "|", Accept, Verdict::Error, &[missing()], &modern);
        let newest = "HEADACK^A08^ACK|OURS|P|2.8||||||8859/1\rMSA|AE|THEIRS\rERR||PID^1^3^2^1|\
                      101^Required field missing^HL70357|E||||expected an identifier \\T\\ a type\r";
        check("2.8", "|", Accept, Verdict::Error, &[missing()], newest);
        let old = "HEADACK^A08|OURS|P|2.3||||||8859/1\rMSA|AE|THEIRS|expected an identifier \\T\\ a type\r\
                   ERR|PID^1^3^101&Required field missing&HL70357~PID^1^3^101&Required field missing&HL70357\r";
        check("2.3", "|", Accept, Verdict::Error, &[missing(), missing()], old);
        check("2.2", "|", Accept, Verdict::Accept, &[], "HEADACK|OURS|P|2.2||||||8859/1\rMSA|AA|THEIRS\r");
    }

    #[test]
    fn a_message_without_control_id_is_answered_with_an_empty_one() {
        let text = written("MSH|^~\\&|A|B", AckStage::Accept, Verdict::Reject, &[]);
        assert_eq!(text, "MSH|^~\\&|||A|B|20260312084500+0100||ACK|OURS\rMSA|AR\r");
    }

    #[test]
    fn the_delimiters_and_bytes_of_the_sender_come_back() {
        let header = Header::read(b"MSH#*~\\&#M\xFCller#B###1##ADT*A01*ADT_A01#1#P#2.5").unwrap();
        let ack = Ack {
            header: &header,
            stage: AckStage::Accept,
            verdict: Verdict::Accept,
            issues: &[],
            sent_at: "2026",
            control_id: "#1",
            expected_sequence_number: Some(8),
        };
        assert_eq!(ack.write(), b"MSH#*~\\&###M\xFCller#B#2026##ACK*A01*ACK#\\F\\1#P#2.5\rMSA#AA#1##8\r");
    }

    #[test]
    fn acknowledgements_are_wanted_by_condition() {
        use AckCondition::{Always, Never, OnError, OnSuccess};
        for (condition, on_success, on_error) in
            [(Always, true, true), (Never, false, false), (OnError, false, true), (OnSuccess, true, false)]
        {
            for (stage, mode) in [
                (AckStage::Accept, AckMode::Enhanced { accept: condition, application: Never }),
                (AckStage::Application, AckMode::Enhanced { accept: Never, application: condition }),
            ] {
                assert_eq!(is_wanted(mode, stage, Verdict::Accept), on_success, "{condition:?}");
                assert_eq!(is_wanted(mode, stage, Verdict::Error), on_error, "{condition:?}");
                assert_eq!(is_wanted(mode, stage, Verdict::Reject), on_error, "{condition:?}");
            }
        }
        assert!(is_wanted(AckMode::Original, AckStage::Accept, Verdict::Accept));
    }

    #[test]
    fn what_we_write_we_read() {
        for version in ["2.3", "2.5.1", "2.8"] {
            let text = written(&msh(version, "|"), AckStage::Accept, Verdict::Error, &[missing()]);
            let ack = ReceivedAck::read(text.as_bytes()).unwrap();
            assert_eq!((ack.code, ack.control_id.as_str()), (AckCode::Ae, "THEIRS"));
            assert_eq!((ack.text.as_str(), ack.error_code.as_str()), ("expected an identifier & a type", "101"));
        }
    }

    #[test]
    fn what_is_no_acknowledgement_is_said() {
        for (bytes, expected) in [
            (&b""[..], AckFault::Header(HeaderFault::Empty)),
            (b"MSH|^~\\&|A\rPID|1\r", AckFault::NoMsa),
            (b"MSH|^~\\&|A\rMSA|OK|1\r", AckFault::UnknownCode),
        ] {
            assert_eq!(ReceivedAck::read(bytes).unwrap_err(), expected);
        }
    }
}
