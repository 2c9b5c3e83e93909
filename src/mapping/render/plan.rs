//! What a render or encode file compiles to.

use smol_str::SmolStr;

use crate::fhir::path::Expression;

/// A message, a part of messages, a variant of a message, or a data type.
#[derive(Default)]
pub struct RenderPlan {
    /// For a variant: the message that it changes.
    pub based_on: Option<SmolStr>,
    pub entries: Vec<Entry>,
    /// With the segment or data type of each: those of a data type, and those that a variant puts before the others.
    pub fields: Vec<(SmolStr, Field)>,
}

pub enum Entry {
    Segment(Segment),
    Group(Group),
    /// The entries of another plan, which includes none.
    Include(SmolStr),
}

/// Segments that stand once for everything that `each` gives, which is their `%context`.
pub struct Group {
    pub each: Expression,
    pub entries: Vec<Entry>,
}

pub struct Segment {
    pub name: SmolStr,
    pub each: Option<Expression>,
    pub when: Vec<Criterion>,
    pub required: bool,
    pub fields: Vec<Field>,
}

pub struct Field {
    pub target: Target,
    pub value: Value,
    pub encoding: Encoding,
    pub table: Option<usize>,
    pub when: Vec<Criterion>,
}

/// Numbers from 1; 0 means the level is not named. In a data type the field is 1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Target {
    pub field: u16,
    pub component: u16,
    pub subcomponent: u16,
}

pub enum Value {
    Constant(SmolStr),
    FirstOf(Vec<Expression>),
}

pub enum Encoding {
    Text,
    /// A FHIR date, dateTime or instant as an HL7 time stamp.
    Time,
    /// Text that is HL7 already, with the usual delimiters.
    Raw,
    /// A part of a URI, percent-decoded.
    UriPart,
    /// The URI of a code system as HL7 table 0396 names it.
    System,
    /// A place in a message, as ERR-1 or ERR-2 has it.
    Location(Form),
    /// An encode file.
    Map(SmolStr),
}

/// How a place in a message is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// ELD of ERR-1, up to version 2.4: segment, sequence, field.
    Eld,
    /// ERL of ERR-2 (HL7 v2.5.1 2.A.28): down to the subcomponent.
    Erl,
}

/// Whether an expression gives anything, or a certain text.
pub struct Criterion {
    pub negated: bool,
    pub path: Expression,
    pub text: Option<SmolStr>,
}
