//! How values become keys, and how searches become ranges of keys: the encodings, one file for each type of parameter.
//!
//! A value of a resource is *emitted* in one or more *forms*; each form of a parameter has a space of its own (or, in a
//! composite, a mark of its own). A search *finds* by a range of keys of one form, with tests of their later bytes.
//! Whatever is searched for goes through the same functions as what is indexed.

mod composite;
mod date;
mod fold;
mod interval;
mod number;
mod position;
mod quantity;
mod reference;
mod string;
mod token;
mod uri;

use std::borrow::Cow;

pub use composite::{Emitted, both, composite_prefixes, emit_composite, mark};
pub use date::{date_finds, emit_instant};
pub use fold::{normal, words};
pub use number::number_finds;
pub use position::near_finds;
pub use quantity::quantity_finds;
pub use reference::{Asked, is_about, reference_finds, target};
pub use string::{StringMatch, string_finds};
pub use token::{of_type_finds, token_finds};
pub use uri::{UriMatch, uri_finds};

use crate::base::Digest;
use crate::base::limits::INDEX_VALUE_BYTES_MAX;
use crate::fhir::Node;
use crate::record::{IndexKey, KeyTest, Range, Relation, Scan, Space};

use super::parameters::ParameterType;

/// A form in which a value stands in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// What is searched without a modifier.
    Value,
    /// Nothing of the value can be searched, but that it is there.
    Bare,
    /// The system of a token, for `system|`.
    System,
    /// Text that goes with a token.
    Text,
    /// An identifier with its type.
    OfType,
    /// The identifier of a reference.
    Identifier,
    /// The end of a date or number that has an extent, before its beginning.
    End,
    /// A quantity in the base units of UCUM.
    Canonical,
    CanonicalEnd,
}

impl Form {
    const ALL: [Self; 9] = [
        Self::Value,
        Self::Bare,
        Self::System,
        Self::Text,
        Self::OfType,
        Self::Identifier,
        Self::End,
        Self::Canonical,
        Self::CanonicalEnd,
    ];

    /// What is behind the code of the parameter in the name of the space. A colon is in no code.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Value => "",
            Self::Bare => ":present",
            Self::System => ":system",
            Self::Text => ":text",
            Self::OfType => ":of-type",
            Self::Identifier => ":identifier",
            Self::End => ":end",
            Self::Canonical => ":canonical",
            Self::CanonicalEnd => ":canonical-end",
        }
    }
}

/// The spaces of one parameter of a resource type, one for every form.
#[derive(Clone, Debug)]
pub struct Spaces([Space; Form::ALL.len()]);

impl Spaces {
    pub fn of(kind: &str, code: &str) -> Self {
        Self(Form::ALL.map(|form| Space::of(kind, &format!("{code}{}", form.suffix()))))
    }

    pub const fn get(&self, form: Form) -> Space {
        self.0[form as usize]
    }

    pub fn key(&self, form: Form, parts: &[&[u8]]) -> IndexKey {
        let space = self.get(form).0;
        let mut key = Vec::with_capacity(space.len() + parts.iter().map(|part| part.len()).sum::<usize>());
        key.extend_from_slice(&space);
        parts.iter().for_each(|part| key.extend_from_slice(part));
        IndexKey(key)
    }
}

/// Takes what a value gives: the form and the bytes of the key behind its space, in parts.
pub type Emit<'e> = dyn FnMut(Form, &[&[u8]]) + 'e;

/// Turns a value of one FHIR type into keys. What is not as its type wants it gives nothing.
pub type Encoder = fn(&Node, &mut Emit<'_>);

/// How a parameter indexes values of a FHIR type; `None` when nothing is said about such values.
pub fn encoder(parameter: ParameterType, kind: &str) -> Option<Encoder> {
    match parameter {
        ParameterType::Token => token::encoder(kind),
        ParameterType::String => string::encoder(kind),
        ParameterType::Date => date::encoder(kind),
        ParameterType::Number => number::encoder(kind),
        ParameterType::Quantity => quantity::encoder(kind),
        ParameterType::Uri => uri::encoder(kind),
        ParameterType::Reference => reference::encoder(kind),
        ParameterType::Special => position::encoder(kind),
        ParameterType::Composite => None,
    }
}

/// That a value is there, and no more.
fn present(_: &Node, emit: &mut Emit<'_>) {
    emit(Form::Bare, &[]);
}

/// A value as it stands in a key: whole when it is short, else its beginning and a digest of all of it, so that equal
/// keys are still equal values. A NUL, which parts the values in a key, is in no FHIR text; one that has it is left out.
fn bounded(text: &str) -> Option<Cow<'_, [u8]>> {
    let bytes = text.as_bytes();
    if bytes.contains(&0) {
        return None;
    }
    if bytes.len() <= INDEX_VALUE_BYTES_MAX {
        return Some(Cow::Borrowed(bytes));
    }
    let mut short = beginning(bytes).to_vec();
    short.extend_from_slice(&Digest::of(bytes).0.map(|byte| byte.max(1)));
    Some(Cow::Owned(short))
}

/// As much of a value as is kept of every longer one.
fn beginning(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(INDEX_VALUE_BYTES_MAX - size_of::<Digest>())]
}

/// What is searched, relative to the space or to the prefix of a composite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Find {
    pub form: Form,
    pub span: Span,
    pub tests: Vec<Test>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    Exactly(Vec<u8>),
    StartingWith(Vec<u8>),
    /// From `from`, up to and without `to`, among the keys that start with `lead`.
    Within {
        lead: Vec<u8>,
        from: Option<[u8; 8]>,
        to: Option<[u8; 8]>,
    },
}

/// A test of the bytes from `at` on, counted from the beginning of the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    pub at: usize,
    pub length: Option<usize>,
    pub relation: Relation,
    pub value: Vec<u8>,
}

/// Why a value cannot be searched for: what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadValue(pub &'static str);

impl Find {
    pub const fn exactly(form: Form, value: Vec<u8>) -> Self {
        Self { form, span: Span::Exactly(value), tests: Vec::new() }
    }

    pub const fn starting_with(form: Form, value: Vec<u8>) -> Self {
        Self { form, span: Span::StartingWith(value), tests: Vec::new() }
    }

    /// Everything of a form.
    pub const fn all(form: Form) -> Self {
        Self::starting_with(form, Vec::new())
    }

    /// The scan of what begins with `base`: a space, and the prefix and mark of a composite.
    pub fn scan(self, base: &[u8]) -> Scan {
        let behind = |bytes: &[u8]| IndexKey([base, bytes].concat());
        let range = match self.span {
            Span::Exactly(value) => Range::Exactly(behind(&value)),
            Span::StartingWith(value) => {
                let from = behind(&value);
                Range::Within { to: successor(&from), from }
            }
            Span::Within { lead, from, to } => {
                let lead = behind(&lead);
                let bound = |bytes: [u8; 8]| IndexKey([&lead.0[..], &bytes].concat());
                Range::Within { from: from.map_or(lead.clone(), bound), to: to.map_or(successor(&lead), bound) }
            }
        };
        let tests = self.tests.into_iter().map(|test| test.placed(base.len())).collect();
        Scan { range, tests }
    }
}

impl Test {
    fn placed(self, base: usize) -> KeyTest {
        KeyTest { at: base + self.at, length: self.length, relation: self.relation, value: self.value }
    }
}

/// The least key behind all that start with this one.
fn successor(key: &IndexKey) -> IndexKey {
    let mut bytes = key.0.clone();
    while bytes.last() == Some(&u8::MAX) {
        bytes.pop();
    }
    if let Some(last) = bytes.last_mut() {
        *last += 1;
    }
    IndexKey(bytes)
}
