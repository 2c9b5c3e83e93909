//! What is wrong with a mapping file, and where: numbered, located, with a hint.

use std::fmt::Write as _;

use smol_str::SmolStr;

use crate::base::nearest;

/// A place in a file: line and column count from 1, in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Index of the file, in the order in which they were handed over.
    pub file: u16,
    pub line: u32,
    pub column: u32,
    /// Characters that belong to it on its line; a mark stands under them.
    pub width: u32,
}

/// The kinds of mistakes, each with its number for life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mistake {
    /// The text is not YAML.
    Yaml,
    /// A key that this kind of file does not have here, or one too many.
    UnknownKey,
    /// A key that must be there is not.
    MissingKey,
    /// A scalar, list or mapping where another was expected.
    Shape,
    /// The file is of no known kind.
    FileKind,
    /// A source path that is not in the notation, or does not fit where it stands.
    SourcePath,
    /// A condition that is not in the notation.
    Condition,
    /// A target path that is not in the notation.
    TargetSyntax,
    /// A target path that R4 does not have.
    TargetPath,
    /// A map that is not there.
    UnknownMap,
    /// A code table that is not there.
    UnknownTable,
    /// A function that is not there, or is given too few or too many arguments.
    Function,
    /// Two rules with one id, or two files with one name.
    Duplicate,
    /// A structure that is not in the notation.
    Structure,
    /// A value and a target that do not go together.
    TypeClash,
    /// A name of a resource that the message map does not make.
    UnknownResource,
    /// Maps that use one another without end.
    Cycle,
    /// An overlay changes what is not there.
    OverlayTarget,
    /// A segment that no version of HL7 v2 has.
    UnknownSegment,
    /// A field that no version of the segment has.
    UnknownField,
    /// A component that no version of the data type has, or a data type that is not there.
    UnknownComponent,
    /// A map for another data type than the field has.
    DataTypeClash,
    /// A field that is said to be unmapped, and is mapped.
    MappedAfterAll,
    /// A code that the element may not have, by its required binding.
    CodeNotAllowed,
    /// An element that R4 requires and no rule writes.
    Required,
    /// An extension of R4 that is misspelt, or whose value has another type.
    Extension,
}

impl Mistake {
    /// All of them, by number.
    pub const ALL: [Self; 26] = [
        Self::Yaml,
        Self::UnknownKey,
        Self::MissingKey,
        Self::Shape,
        Self::FileKind,
        Self::SourcePath,
        Self::Condition,
        Self::TargetSyntax,
        Self::TargetPath,
        Self::UnknownMap,
        Self::UnknownTable,
        Self::Function,
        Self::Duplicate,
        Self::Structure,
        Self::TypeClash,
        Self::UnknownResource,
        Self::Cycle,
        Self::OverlayTarget,
        Self::UnknownSegment,
        Self::UnknownField,
        Self::UnknownComponent,
        Self::DataTypeClash,
        Self::MappedAfterAll,
        Self::CodeNotAllowed,
        Self::Required,
        Self::Extension,
    ];

    /// The number under which the documentation explains it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Yaml => "LG0101",
            Self::UnknownKey => "LG0102",
            Self::MissingKey => "LG0103",
            Self::Shape => "LG0104",
            Self::FileKind => "LG0105",
            Self::SourcePath => "LG0106",
            Self::Condition => "LG0107",
            Self::TargetSyntax => "LG0108",
            Self::TargetPath => "LG0109",
            Self::UnknownMap => "LG0110",
            Self::UnknownTable => "LG0111",
            Self::Function => "LG0112",
            Self::Duplicate => "LG0113",
            Self::Structure => "LG0114",
            Self::TypeClash => "LG0115",
            Self::UnknownResource => "LG0116",
            Self::Cycle => "LG0117",
            Self::OverlayTarget => "LG0118",
            Self::UnknownSegment => "LG0119",
            Self::UnknownField => "LG0120",
            Self::UnknownComponent => "LG0121",
            Self::DataTypeClash => "LG0122",
            Self::MappedAfterAll => "LG0123",
            Self::CodeNotAllowed => "LG0124",
            Self::Required => "LG0125",
            Self::Extension => "LG0126",
        }
    }

    /// What it means, in a sentence or two.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Yaml => {
                "The file is no YAML, or uses what mapping files do without: anchors, aliases, tags, a second document, a key twice."
            }
            Self::UnknownKey => "A key that is not known where it stands, or two sources in one rule.",
            Self::MissingKey => "A key that must be there is not.",
            Self::Shape => "A text, a list or a mapping where another of them belongs.",
            Self::FileKind => "The first key of the file names no kind of mapping file.",
            Self::SourcePath => "A source path that is not in the notation, or that does not fit where it stands.",
            Self::Condition => "A condition that is not in the notation.",
            Self::TargetSyntax => "A target path that is not in the notation.",
            Self::TargetPath => "R4 has no such type, or the type no such element.",
            Self::UnknownMap => "A map or an encoding that is not there.",
            Self::UnknownTable => "A code table that is not there.",
            Self::Function => "A function that is not there, or has too few or too many arguments.",
            Self::Duplicate => "A name that is taken: of a file, a rule, a code or an event.",
            Self::Structure => "A message structure that is not in the notation.",
            Self::TypeClash => "A value and a target that do not go together.",
            Self::UnknownResource => "The message map makes no resource of that name.",
            Self::Cycle => "Maps that use one another without end.",
            Self::OverlayTarget => "An overlay changes what is not there, or in a way that it cannot be changed.",
            Self::UnknownSegment => "No version of HL7 v2 has the segment. Names with Z are free.",
            Self::UnknownField => "No version of HL7 v2 has so many fields in the segment.",
            Self::UnknownComponent => "No version of HL7 v2 has the component, or the data type.",
            Self::DataTypeClash => "A data type map for another type than the field has, in every version.",
            Self::MappedAfterAll => "A field is said to be unmapped, and a rule of the same file maps it.",
            Self::CodeNotAllowed => {
                "A constant, or a target of a code table, that the required binding of the element does not allow."
            }
            Self::Required => "R4 requires an element, and no rule writes it: such a resource can never be valid.",
            Self::Extension => "The URL of an extension of R4 is misspelt, or its value has another type.",
        }
    }
}

/// One mistake in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub mistake: Mistake,
    pub file: SmolStr,
    pub place: Place,
    pub message: String,
    /// What to do about it; empty when the message says it all.
    pub hint: String,
    /// The line that the place is on.
    pub excerpt: String,
}

impl Diagnostic {
    /// In several lines: what is wrong, where, the line with the place underlined, the hint. With `colours`, for a
    /// terminal.
    pub fn render(&self, colours: bool) -> String {
        let tone = |code: &str, text: String| if colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text };
        let Place { line, column, width, .. } = self.place;
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let column = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
        let mark = "^".repeat(usize::try_from(width).unwrap_or(1));
        let bar = tone("34", "|".to_owned());
        let mut text = format!(
            "{} {}\n{margin} {} {}:{line}:{}\n{margin} {bar}\n{} {bar} {}\n{margin} {bar} {}{}",
            tone("1;31", format!("{}:", self.mistake.code())),
            tone("1", self.message.clone()),
            tone("34", "at".to_owned()),
            self.file,
            column + 1,
            tone("34", number),
            self.excerpt,
            " ".repeat(column),
            tone("1;31", mark),
        );
        if !self.hint.is_empty() {
            let _ = write!(text, "\n{margin} {} {}", tone("34", "=".to_owned()), self.hint);
        }
        text
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Place { line, column, .. } = self.place;
        write!(f, "{}:{line}:{column}: {} {}", self.file, self.mistake.code(), self.message)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, " ({})", self.hint) }
    }
}

/// Collects the mistakes of files, so that all of them are told at once.
pub struct Reporter<'d> {
    /// The names of the files; a place holds an index into them.
    pub names: &'d [SmolStr],
    pub found: &'d mut Vec<Diagnostic>,
}

impl Reporter<'_> {
    pub fn report(&mut self, mistake: Mistake, place: Place, message: impl Into<String>, hint: impl Into<String>) {
        let file = self.names.get(usize::from(place.file)).cloned().unwrap_or_default();
        let (message, hint) = (message.into(), hint.into());
        self.found.push(Diagnostic { mistake, file, place, message, hint, excerpt: String::new() });
    }
}

/// A hint at the name that was probably meant; empty when there is none like it.
pub fn meant<'c>(written: &str, known: impl IntoIterator<Item = &'c str>) -> String {
    nearest(written, known).map_or_else(String::new, |name| format!("did you mean `{name}`?"))
}
