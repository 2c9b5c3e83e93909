//! Why a parameter of a search cannot be used, and what is said of it.

use smol_str::SmolStr;

use crate::base::{Issue, IssueCode, Severity, nearest};
use crate::search::key::BadValue;
use crate::search::parameters::parameters;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// No such parameter.
    Unknown,
    /// A parameter without a value.
    Empty,
    /// An order by what is no parameter, or has no order.
    Order,
    /// An inclusion by what is no reference parameter.
    NoInclude,
    /// Contained resources cannot be searched by themselves.
    Contained,
    /// A modifier that the type of the parameter does not have, or that is not supported here.
    Modifier,
    /// Not supported, and why.
    Unsupported(&'static str),
    Malformed(&'static str),
    /// A chain over something that is no reference.
    NoReference,
    /// The reference is never to that type.
    NoSuchTarget,
    AmbiguousChain,
    ChainTooLong,
    TooManyValues,
    TooMany(&'static str),
}

impl From<BadValue> for Fault {
    fn from(BadValue(expected): BadValue) -> Self {
        Self::Malformed(expected)
    }
}

impl Fault {
    const fn code(self) -> IssueCode {
        match self {
            Self::Unknown | Self::Modifier | Self::Order | Self::NoInclude | Self::Contained | Self::Unsupported(_) => {
                IssueCode::NotSupported
            }
            Self::Malformed(_) | Self::Empty | Self::NoReference | Self::NoSuchTarget => IssueCode::DataType,
            Self::AmbiguousChain | Self::ChainTooLong | Self::TooManyValues | Self::TooMany(_) => IssueCode::TooCostly,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Unknown => "is no search parameter of what is searched",
            Self::Empty => "has no value",
            Self::Order => "asks for an order by what is no parameter of all types that are searched, or has no order",
            Self::NoInclude => "names what is no reference parameter of its type",
            Self::Contained => "asks for contained resources, which are not searched by themselves",
            Self::Modifier => "has a modifier that this parameter does not have here",
            Self::Unsupported(text) | Self::Malformed(text) | Self::TooMany(text) => text,
            Self::NoReference => "goes on from a parameter that is no reference",
            Self::NoSuchTarget => "asks for a type that this reference is never to",
            Self::AmbiguousChain => "may lead to too many types; name one: reference:Type.parameter",
            Self::ChainTooLong => "chains over more types than are followed",
            Self::TooManyValues => "has more values than one search may have",
        }
    }

    /// What lenient handling overlooks: a parameter that is not known (FHIR R4 search 3.1.1.3). Never a modifier: it
    /// changes what is meant.
    pub(super) const fn may_be_left_out(self) -> bool {
        matches!(self, Self::Unknown | Self::Empty | Self::Order | Self::NoInclude | Self::Contained)
    }

    /// What is said of the parameter. Its name is shown when it looks like one: it might be anything.
    pub(super) fn issue(self, severity: Severity, kind: &str, name: &str) -> Issue {
        let is_name = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-' | ':' | '.');
        let shown = name.len() <= 128 && !name.is_empty() && name.chars().all(is_name);
        let name = if shown { name } else { "a parameter" };
        let mut text = format!("{name}: {}", self.text());
        let known = parameters(kind).map(|parameter| parameter.code);
        if let (Self::Unknown, Some(meant)) = (self, nearest(name, known)) {
            text = format!("{text}; did you mean {meant}?");
        }
        let mut issue = Issue::new(severity, self.code(), text);
        issue.expression = shown.then(|| SmolStr::from(format!("http.{name}")));
        issue
    }
}
