//! A parameter with its value as a criterion: plain ones by ranges of keys, chains and reverse chains by references.

use super::Context;
use super::fault::Fault;
use super::find::{composite_scans, finds};
use super::name::{Modifier, Name};
use super::value::{split, unescape};
use crate::base::limits::{SEARCH_BRANCHES_MAX, SEARCH_CHAIN_MAX, SEARCH_VALUES_MAX};
use crate::fhir::definitions;
use crate::record::{Criterion, Scan, Space, TextPart};
use crate::search::key::{self, Find, Form, Spaces};
use crate::search::parameters::{Parameter, ParameterType, parameter};

/// What a name and a value ask of resources of a type. `hops` counts the types of the chain so far.
pub(super) fn criterion(
    kind: &'static str,
    name: &str,
    value: &str,
    context: &Context<'_>,
    hops: usize,
) -> Result<Criterion, Fault> {
    if hops > SEARCH_CHAIN_MAX {
        return Err(Fault::ChainTooLong);
    }
    match Name::of(name) {
        Name::Plain { code, modifier } => {
            let parameter = parameter(kind, code).ok_or(Fault::Unknown)?;
            Plain { kind, parameter, modifier, context }.criterion(value)
        }
        Name::Chain { code, kind: target, rest } => chain(kind, (code, target, rest), value, context, hops),
        Name::Has { kind: source, code, rest } => {
            let source = definitions::resource(source).ok_or(Fault::Unknown)?;
            let parameter = reference(source, code)?;
            if !parameter.may_refer_to(kind) {
                return Err(Fault::NoSuchTarget);
            }
            let inner = criterion(source, rest, value, context, hops + 1)?;
            let space = Space::of(source, parameter.code);
            Ok(Criterion::ReferredBy { space, kind: source.into(), criterion: Box::new(inner) })
        }
        Name::Malformed => Err(Fault::Malformed("expected _has:Type:reference:parameter")),
    }
}

fn reference(kind: &str, code: &str) -> Result<&'static Parameter, Fault> {
    let parameter = parameter(kind, code).ok_or(Fault::Unknown)?;
    if parameter.kind == ParameterType::Reference { Ok(parameter) } else { Err(Fault::NoReference) }
}

/// A chain over each of the types that the reference may be to and that know the rest of the name.
fn chain(
    kind: &'static str,
    (code, target, rest): (&str, Option<&str>, &str),
    value: &str,
    context: &Context<'_>,
    hops: usize,
) -> Result<Criterion, Fault> {
    let parameter = reference(kind, code)?;
    let space = Space::of(kind, parameter.code);
    let targets: Vec<&'static str> = match target {
        Some(target) => {
            definitions::resource(target).filter(|target| parameter.may_refer_to(target)).into_iter().collect()
        }
        None if parameter.targets.is_empty() => return Err(Fault::AmbiguousChain),
        None => parameter.targets.iter().filter_map(|target| definitions::resource(target)).collect(),
    };
    let mut ways = Vec::new();
    let mut fault = Fault::NoSuchTarget;
    for target in targets {
        match criterion(target, rest, value, context, hops + 1) {
            Ok(inner) => ways.push(Criterion::RefersTo { space, kind: target.into(), criterion: Box::new(inner) }),
            Err(Fault::Unknown) => fault = Fault::Unknown,
            Err(other) => return Err(other),
        }
    }
    match ways.len() {
        0 => Err(fault),
        1 => Ok(ways.remove(0)),
        2..=SEARCH_BRANCHES_MAX => Ok(Criterion::Any(ways)),
        _ => Err(Fault::AmbiguousChain),
    }
}

/// A parameter of the type that is searched.
struct Plain<'a> {
    kind: &'static str,
    parameter: &'static Parameter,
    modifier: Modifier<'a>,
    context: &'a Context<'a>,
}

impl Plain<'_> {
    fn criterion(&self, value: &str) -> Result<Criterion, Fault> {
        if self.modifier == Modifier::Missing {
            return self.missing(value);
        }
        let values = split(value, ',');
        if values.len() > SEARCH_VALUES_MAX {
            return Err(Fault::TooManyValues);
        }
        match self.parameter.code {
            "_id" => self.ids(&values),
            "_text" => self.text(TextPart::Narrative, &values),
            "_content" => self.text(TextPart::Content, &values),
            "_query" => Err(Fault::Unknown),
            _ => self.bears(&values),
        }
    }

    fn bears(&self, values: &[&str]) -> Result<Criterion, Fault> {
        let mut scans = Vec::with_capacity(values.len());
        for value in values {
            scans.extend(self.scans(value)?);
        }
        let found = Criterion::Bears(scans);
        Ok(if self.modifier == Modifier::Not { Criterion::Not(Box::new(found)) } else { found })
    }

    /// Whether a resource has no value, in any form in which one may stand alone.
    fn missing(&self, value: &str) -> Result<Criterion, Fault> {
        let missing = match value {
            "true" => true,
            "false" => false,
            _ => return Err(Fault::Malformed("expected true or false behind :missing")),
        };
        if matches!(self.parameter.code, "_id" | "_text" | "_content" | "_query") {
            return Err(Fault::Modifier);
        }
        let spaces = Spaces::of(self.kind, self.parameter.code);
        let forms = [Form::Value, Form::Bare];
        let found = Criterion::Bears(forms.map(|form| Find::all(form).scan(&spaces.get(form).0)).to_vec());
        Ok(if missing { Criterion::Not(Box::new(found)) } else { found })
    }

    fn ids(&self, values: &[&str]) -> Result<Criterion, Fault> {
        let found = Criterion::Id(values.iter().map(|value| unescape(value).into()).collect());
        match self.modifier {
            Modifier::None => Ok(found),
            Modifier::Not => Ok(Criterion::Not(Box::new(found))),
            _ => Err(Fault::Modifier),
        }
    }

    fn text(&self, part: TextPart, values: &[&str]) -> Result<Criterion, Fault> {
        if self.modifier != Modifier::None {
            return Err(Fault::Modifier);
        }
        let mut any = Vec::with_capacity(values.len());
        for value in values {
            let words = key::words(&unescape(value));
            if words.is_empty() {
                return Err(Fault::Malformed("expected words to look for"));
            }
            any.push(Criterion::Text { part, words });
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Criterion::Any(any) })
    }

    fn scans(&self, value: &str) -> Result<Vec<Scan>, Fault> {
        let Self { kind, parameter, modifier, context } = *self;
        let spaces = Spaces::of(kind, parameter.code);
        match parameter.kind {
            ParameterType::Composite if modifier == Modifier::None => {
                composite_scans(kind, parameter, value, context, &spaces.get(Form::Value).0)
            }
            ParameterType::Composite => Err(Fault::Modifier),
            _ => {
                let finds = finds(kind, parameter, modifier, value, context)?;
                Ok(finds.into_iter().map(|find| scan(find, &spaces)).collect())
            }
        }
    }
}

fn scan(find: Find, spaces: &Spaces) -> Scan {
    let base = spaces.get(find.form).0;
    find.scan(&base)
}
