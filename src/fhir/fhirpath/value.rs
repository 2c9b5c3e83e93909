//! The values of FHIRPath's System types: what literals are and what functions compute.

use std::fmt;

use smol_str::{SmolStr, ToSmolStr};

use super::decimal::Decimal;
use super::quantity::Quantity;
use super::temporal::{Temporal, TemporalKind};

#[derive(Clone, Debug)]
pub enum Value {
    Boolean(bool),
    Integer(i32),
    Decimal(Decimal),
    String(SmolStr),
    Temporal(Temporal),
    Quantity(Box<Quantity>),
    /// What `type()` gives (FHIRPath N1 10.2).
    Type(Box<TypeInfo>),
}

/// The description of a type: `System.Integer`, `FHIR.Patient`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeInfo {
    pub namespace: &'static str,
    pub name: SmolStr,
}

impl Value {
    /// The name of its type in the namespace `System`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "Boolean",
            Self::Integer(_) => "Integer",
            Self::Decimal(_) => "Decimal",
            Self::String(_) => "String",
            Self::Temporal(Temporal { kind: TemporalKind::Date, .. }) => "Date",
            Self::Temporal(Temporal { kind: TemporalKind::DateTime, .. }) => "DateTime",
            Self::Temporal(Temporal { kind: TemporalKind::Time, .. }) => "Time",
            Self::Quantity(_) => "Quantity",
            Self::Type(_) => "TypeInfo",
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// As a decimal, when it is a number.
    pub fn number(&self) -> Option<Decimal> {
        match self {
            Self::Integer(value) => Some(Decimal::from(*value)),
            Self::Decimal(value) => Some(*value),
            _ => None,
        }
    }

    /// As a quantity, when it is one or a number.
    pub fn quantity(&self) -> Option<Quantity> {
        match self {
            Self::Quantity(quantity) => Some((**quantity).clone()),
            other => other.number().map(Quantity::of_number),
        }
    }

    /// As `toString()` writes it (FHIRPath N1 5.5.6).
    pub fn text(&self) -> SmolStr {
        match self {
            Self::String(text) => text.clone(),
            Self::Boolean(true) => SmolStr::new_static("true"),
            Self::Boolean(false) => SmolStr::new_static("false"),
            other => other.to_smolstr(),
        }
    }

    pub fn string(text: impl Into<SmolStr>) -> Self {
        Self::String(text.into())
    }

    /// A count; past what an integer holds it is the largest.
    pub fn count(count: usize) -> Self {
        Self::Integer(i32::try_from(count).unwrap_or(i32::MAX))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Integer(value)
    }
}

impl From<Decimal> for Value {
    fn from(value: Decimal) -> Self {
        Self::Decimal(value)
    }
}

impl From<Temporal> for Value {
    fn from(value: Temporal) -> Self {
        Self::Temporal(value)
    }
}

impl From<Quantity> for Value {
    fn from(value: Quantity) -> Self {
        Self::Quantity(Box::new(value))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Decimal(value) => value.fmt(f),
            Self::String(value) => value.fmt(f),
            Self::Temporal(value) => value.fmt(f),
            Self::Quantity(value) => value.fmt(f),
            Self::Type(info) => write!(f, "{}.{}", info.namespace, info.name),
        }
    }
}
