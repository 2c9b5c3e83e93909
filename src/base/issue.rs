//! Trouble in the input, as data: an issue beside a value, never an error.
//!
//! One `Issue` feeds the ERR segment, the OperationOutcome and the console. It carries a place and a rule, never the
//! offending text (P8).

use std::borrow::Cow;

/// How bad it is (HL7 table 0516, FHIR issue-severity).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Information,
    Warning,
    Error,
    Fatal,
}

impl Severity {
    /// The code of HL7 table 0516.
    pub const fn as_v2(self) -> &'static str {
        match self {
            Self::Information => "I",
            Self::Warning => "W",
            Self::Error => "E",
            Self::Fatal => "F",
        }
    }

    /// The code of FHIR value set issue-severity.
    pub const fn as_fhir(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

/// What kind of trouble: each variant has one code of HL7 table 0357 and one of FHIR issue-type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IssueCode {
    SegmentSequence,
    RequiredMissing,
    DataType,
    UnknownCode,
    ValueTooLong,
    Cardinality,
    UnsupportedMessageType,
    UnsupportedEvent,
    UnsupportedProcessingId,
    UnsupportedVersion,
    UnknownKey,
    DuplicateKey,
    CharacterSet,
    Structure,
    NotMapped,
    NotApplicable,
    Internal,
    /// A rule of a resource or profile that is written in FHIRPath.
    Invariant,
    /// A reference that leads nowhere, or to something else than it may.
    Reference,
    /// A profile asks for something that is not there, or forbids what is.
    Profile,
    /// A request asks for something that this server does not do.
    NotSupported,
    /// A request would cost more than its limits allow.
    TooCostly,
}

impl IssueCode {
    /// The code and text of HL7 table 0357 (v2.5.1, with 104, 198 and 199 of later versions).
    pub const fn as_v2(self) -> (&'static str, &'static str) {
        match self {
            Self::SegmentSequence | Self::Structure => ("100", "Segment sequence error"),
            Self::RequiredMissing => ("101", "Required field missing"),
            Self::DataType | Self::CharacterSet => ("102", "Data type error"),
            Self::UnknownCode => ("103", "Table value not found"),
            Self::ValueTooLong => ("104", "Value too long"),
            Self::Cardinality => ("198", "Non-Conformant Cardinality"),
            Self::NotMapped
            | Self::NotApplicable
            | Self::Invariant
            | Self::Reference
            | Self::Profile
            | Self::NotSupported
            | Self::TooCostly => ("199", "Other HL7 Error"),
            Self::UnsupportedMessageType => ("200", "Unsupported message type"),
            Self::UnsupportedEvent => ("201", "Unsupported event code"),
            Self::UnsupportedProcessingId => ("202", "Unsupported processing id"),
            Self::UnsupportedVersion => ("203", "Unsupported version id"),
            Self::UnknownKey => ("204", "Unknown key identifier"),
            Self::DuplicateKey => ("205", "Duplicate key identifier"),
            Self::Internal => ("207", "Application internal error"),
        }
    }

    /// A stable, machine-readable name, for logs, metrics and `--json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SegmentSequence => "segment-sequence",
            Self::RequiredMissing => "required-missing",
            Self::DataType => "data-type",
            Self::UnknownCode => "unknown-code",
            Self::ValueTooLong => "value-too-long",
            Self::Cardinality => "cardinality",
            Self::UnsupportedMessageType => "unsupported-message-type",
            Self::UnsupportedEvent => "unsupported-event",
            Self::UnsupportedProcessingId => "unsupported-processing-id",
            Self::UnsupportedVersion => "unsupported-version",
            Self::UnknownKey => "unknown-key",
            Self::DuplicateKey => "duplicate-key",
            Self::CharacterSet => "character-set",
            Self::Structure => "structure",
            Self::NotMapped => "not-mapped",
            Self::NotApplicable => "not-applicable",
            Self::Internal => "internal",
            Self::Invariant => "invariant",
            Self::Reference => "reference",
            Self::Profile => "profile",
            Self::NotSupported => "not-supported",
            Self::TooCostly => "too-costly",
        }
    }

    /// The code of FHIR value set issue-type.
    pub const fn as_fhir(self) -> &'static str {
        match self {
            Self::SegmentSequence | Self::Structure | Self::CharacterSet | Self::Cardinality | Self::Profile => {
                "structure"
            }
            Self::RequiredMissing => "required",
            Self::DataType => "value",
            Self::UnknownCode => "code-invalid",
            Self::ValueTooLong => "too-long",
            Self::UnsupportedMessageType
            | Self::UnsupportedEvent
            | Self::UnsupportedProcessingId
            | Self::UnsupportedVersion
            | Self::NotMapped
            | Self::NotSupported => "not-supported",
            Self::TooCostly => "too-costly",
            Self::UnknownKey | Self::Reference => "not-found",
            Self::DuplicateKey => "duplicate",
            Self::NotApplicable => "business-rule",
            Self::Internal => "exception",
            Self::Invariant => "invariant",
        }
    }
}

/// Where in an HL7 v2 message (ERL of ERR-2). Numbers count from 1; `None` means the whole of the level above.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Location {
    /// Three letters, as in the message, when they are letters or digits; else empty.
    pub segment: smol_str::SmolStr,
    pub segment_repetition: Option<u16>,
    pub field: Option<u16>,
    pub field_repetition: Option<u16>,
    pub component: Option<u16>,
    pub subcomponent: Option<u16>,
}

impl Location {
    pub fn segment(name: &str, repetition: u16) -> Self {
        Self { segment: name.into(), segment_repetition: Some(repetition), ..Self::default() }
    }

    pub fn field(name: &str, repetition: u16, field: u16) -> Self {
        Self { field: Some(field), ..Self::segment(name, repetition) }
    }
}

impl std::fmt::Display for Location {
    /// The path notation of this project: `OBX[2]-5[3].1.2`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.segment)?;
        if let Some(repetition) = self.segment_repetition.filter(|repetition| *repetition > 1) {
            write!(f, "[{repetition}]")?;
        }
        let Some(field) = self.field else { return Ok(()) };
        write!(f, "-{field}")?;
        if let Some(repetition) = self.field_repetition.filter(|repetition| *repetition > 1) {
            write!(f, "[{repetition}]")?;
        }
        let Some(component) = self.component else { return Ok(()) };
        write!(f, ".{component}")?;
        self.subcomponent.map_or(Ok(()), |subcomponent| write!(f, ".{subcomponent}"))
    }
}

/// One thing that is wrong with an input, beside the value that could be made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    pub severity: Severity,
    pub code: IssueCode,
    /// In an HL7 v2 message.
    pub location: Option<Location>,
    /// A FHIRPath expression, for trouble in a resource.
    pub expression: Option<smol_str::SmolStr>,
    /// One sentence for a person: what was expected and what to do. Never a value of the message.
    pub text: Cow<'static, str>,
}

impl Issue {
    pub fn new(severity: Severity, code: IssueCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self { severity, code, location: None, expression: None, text: text.into() }
    }

    pub fn error(code: IssueCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Severity::Error, code, text)
    }

    pub fn warning(code: IssueCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Severity::Warning, code, text)
    }

    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }
}

impl std::fmt::Display for Issue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.location, &self.expression) {
            (Some(location), _) => write!(f, "{location}: {}", self.text),
            (None, Some(expression)) => write!(f, "{expression}: {}", self.text),
            (None, None) => f.write_str(&self.text),
        }
    }
}
