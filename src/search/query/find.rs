//! What one value of a parameter finds, by the type of the parameter and its modifier (FHIR R4 search 3.1.1.4.4).

use super::Context;
use super::fault::Fault;
use super::name::Modifier;
use super::value::{parts, split, unescape};
use crate::record::Scan;
use crate::search::key::{self, Asked, Find, Form, StringMatch, UriMatch};
use crate::search::parameters::{Parameter, ParameterType, parameter};
use crate::search::plan;

/// Value sets and hierarchies of codes want a terminology server.
const NO_TERMINOLOGY: Fault =
    Fault::Unsupported("has a modifier that needs terminology, which is not there; list the codes instead");

pub(super) fn finds(
    kind: &'static str,
    parameter: &Parameter,
    modifier: Modifier<'_>,
    value: &str,
    context: &Context<'_>,
) -> Result<Vec<Find>, Fault> {
    if modifier != Modifier::None {
        return modified(kind, parameter, modifier, value, context);
    }
    let text = unescape(value);
    Ok(match parameter.kind {
        ParameterType::Token => token(kind, parameter, value)?,
        ParameterType::String => key::string_finds(Form::Value, &text, StringMatch::Start)?,
        ParameterType::Date => key::date_finds(&text, context.now)?,
        ParameterType::Number => key::number_finds(&text)?,
        ParameterType::Quantity => key::quantity_finds(&parts(value))?,
        ParameterType::Uri => key::uri_finds(&text, UriMatch::Equal)?,
        ParameterType::Reference => reference(&text, None, context)?,
        ParameterType::Special => key::near_finds(&parts(value))?,
        ParameterType::Composite => return Err(Fault::Unsupported("is a composite within a composite")),
    })
}

fn modified(
    kind: &'static str,
    parameter: &Parameter,
    modifier: Modifier<'_>,
    value: &str,
    context: &Context<'_>,
) -> Result<Vec<Find>, Fault> {
    use ParameterType::{Reference, String, Token, Uri};
    let text = unescape(value);
    Ok(match (parameter.kind, modifier) {
        (Token, Modifier::Not) => token(kind, parameter, value)?,
        (Token, Modifier::Text) => key::string_finds(Form::Text, &text, StringMatch::Start)?,
        (Token, Modifier::OfType) => key::of_type_finds(&parts(value))?,
        (Token, Modifier::In | Modifier::NotIn | Modifier::Above | Modifier::Below) => return Err(NO_TERMINOLOGY),
        (String, Modifier::Exact) => key::string_finds(Form::Value, &text, StringMatch::Exact)?,
        (String, Modifier::Contains) => key::string_finds(Form::Value, &text, StringMatch::Contains)?,
        (Uri, Modifier::Above) => key::uri_finds(&text, UriMatch::Above)?,
        (Uri, Modifier::Below) => key::uri_finds(&text, UriMatch::Below)?,
        (Reference, Modifier::Identifier) => key::token_finds(Form::Identifier, &parts(value), |_, _| false)?,
        (Reference, Modifier::Kind(target)) if !parameter.may_refer_to(target) => return Err(Fault::NoSuchTarget),
        (Reference, Modifier::Kind(target)) => reference(&text, Some(target), context)?,
        (Reference, Modifier::Above | Modifier::Below) => {
            return Err(Fault::Unsupported("has a modifier for hierarchies of references, which are not followed"));
        }
        _ => return Err(Fault::Modifier),
    })
}

fn reference(text: &str, kind: Option<&str>, context: &Context<'_>) -> Result<Vec<Find>, Fault> {
    Ok(key::reference_finds(text, Asked { base_url: context.base_url, kind })?)
}

fn token(kind: &'static str, parameter: &Parameter, value: &str) -> Result<Vec<Find>, Fault> {
    let implied = |system: &str, code: &str| implies(kind, parameter.expression, system, code);
    Ok(key::token_finds(Form::Value, &parts(value), implied)?)
}

/// Whether a system goes without saying for an element that the expression leads to.
fn implies(kind: &'static str, expression: &str, system: &str, code: &str) -> bool {
    plan::compile(expression, kind).unwrap_or_default().iter().any(|path| path.implies(system, code))
}

/// What the values of a composite, joined by `$`, ask of the space of the composite.
pub(super) fn composite_scans(
    kind: &'static str,
    composite: &Parameter,
    value: &str,
    context: &Context<'_>,
    base: &[u8],
) -> Result<Vec<Scan>, Fault> {
    let values = split(value, '$');
    let components: Vec<&Parameter> =
        composite.components.iter().filter_map(|(code, _)| parameter(kind, code)).collect();
    if values.len() != components.len() {
        return Err(Fault::Malformed(
            "expected a value for each part of the composite, with dollar signs between them",
        ));
    }
    let find = |at: usize| finds(kind, components[at], Modifier::None, values[at], context);
    let last = match components.len() {
        2 => find(1)?,
        3 => key::both(&find(1)?, &find(2)?),
        _ => return Err(Fault::Unsupported("is a composite of more than three parts")),
    };
    let implied = |system: &str, code: &str| implies(kind, components[0].expression, system, code);
    let prefixes = key::composite_prefixes(&parts(values[0]), implied)?;
    let mut scans = Vec::with_capacity(prefixes.len() * last.len());
    for prefix in &prefixes {
        for find in &last {
            let mark =
                key::mark(find.form).ok_or(Fault::Unsupported("asks for a part of a composite by its system alone"))?;
            scans.push(find.clone().scan(&[base, prefix, &[mark]].concat()));
        }
    }
    Ok(scans)
}
