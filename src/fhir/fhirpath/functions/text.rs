//! Text: FHIRPath N1 5.6 and the functions on strings that its trial use part adds. Positions count characters.

use regex::Regex;
use smol_str::SmolStr;

use super::{Function, Reads};
use crate::fhir::fhirpath::evaluator::{Call, Evaluator, Found, single};
use crate::fhir::fhirpath::fault::Cause;
use crate::fhir::fhirpath::item::{Collection, Item, at_most_one, one};
use crate::fhir::fhirpath::syntax::{Form, compile};
use crate::fhir::fhirpath::value::Value;

pub static FUNCTIONS: &[Function] = &[
    Function::new("indexOf", 1, 1, |evaluator, call| {
        with_text(evaluator, call, |text, part| position(text, text.find(part)))
    }),
    Function::new("lastIndexOf", 1, 1, |evaluator, call| {
        with_text(evaluator, call, |text, part| position(text, text.rfind(part)))
    }),
    Function::new("startsWith", 1, 1, |evaluator, call| {
        with_text(evaluator, call, |text, part| text.starts_with(part).into())
    }),
    Function::new("endsWith", 1, 1, |evaluator, call| {
        with_text(evaluator, call, |text, part| text.ends_with(part).into())
    }),
    Function::new("contains", 1, 1, |evaluator, call| {
        with_text(evaluator, call, |text, part| text.contains(part).into())
    }),
    Function::new("substring", 1, 2, substring),
    Function::new("upper", 0, 0, |evaluator, call| on_text(evaluator, call, str::to_uppercase)),
    Function::new("lower", 0, 0, |evaluator, call| on_text(evaluator, call, str::to_lowercase)),
    Function::new("trim", 0, 0, |evaluator, call| on_text(evaluator, call, |text| text.trim().to_owned())),
    Function::new("length", 0, 0, |_, call| {
        Ok(at_most_one(text(call.input)?.map(|text| Value::count(text.chars().count()))))
    }),
    Function::new("toChars", 0, 0, to_chars),
    Function::new("replace", 2, 2, replace),
    Function::new("matches", 1, 1, |evaluator, call| matches(evaluator, &call, false)).reading(Reads::Pattern),
    Function::new("matchesFull", 1, 1, |evaluator, call| matches(evaluator, &call, true)).reading(Reads::Pattern),
    Function::new("replaceMatches", 2, 2, replace_matches).reading(Reads::Pattern),
    Function::new("split", 1, 1, split),
    Function::new("join", 0, 1, join),
];

/// The one string of the input.
pub fn text(input: Collection<'_>) -> Result<Option<SmolStr>, Cause> {
    match single(input)?.map(|item| item.value()) {
        None => Ok(None),
        Some(Some(Value::String(text))) => Ok(Some(text)),
        Some(_) => Err(Cause::NotA("a string")),
    }
}

fn with_text<'n>(
    evaluator: &mut Evaluator<'_, 'n>,
    call: Call<'_, 'n>,
    answer: impl Fn(&str, &str) -> Value,
) -> Found<'n> {
    let part = evaluator.text_argument(&call, 0)?;
    let text = text(call.input)?;
    evaluator.work(text.as_ref().map_or(0, |text| text.len() / 64))?;
    Ok(text.zip(part).map(|(text, part)| Item::Value(answer(&text, &part))).into_iter().collect())
}

fn on_text<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>, turned: impl Fn(&str) -> String) -> Found<'n> {
    let Some(text) = text(call.input)? else { return Ok(Collection::new()) };
    evaluator.work(text.len())?;
    Ok(one(Value::string(turned(&text))))
}

fn position(text: &str, at: Option<usize>) -> Value {
    at.map_or(Value::Integer(-1), |at| Value::count(text[..at].chars().count()))
}

fn substring<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let start = evaluator.integer_argument(&call, 0)?;
    let length = match call.arguments.len() {
        1 => Some(i32::MAX),
        _ => evaluator.integer_argument(&call, 1)?,
    };
    let Some(((text, start), length)) = text(call.input)?.zip(start).zip(length) else { return Ok(Collection::new()) };
    evaluator.work(text.len() / 64)?;
    let from = usize::try_from(start).ok().and_then(|start| text.char_indices().nth(start));
    let Some((from, _)) = from else { return Ok(Collection::new()) };
    let rest = &text[from..];
    let end = rest.char_indices().nth(usize::try_from(length).unwrap_or(0)).map_or(rest.len(), |(end, _)| end);
    Ok(one(Value::string(&rest[..end])))
}

fn to_chars<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let text = text(call.input)?.unwrap_or_default();
    evaluator.work(text.len())?;
    let mut buffer = [0; 4];
    Ok(text.chars().map(|c| Item::Value(Value::string(&*c.encode_utf8(&mut buffer)))).collect())
}

fn replace<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let part = evaluator.text_argument(&call, 0)?;
    let substitute = evaluator.text_argument(&call, 1)?;
    let Some(((text, part), substitute)) = text(call.input)?.zip(part).zip(substitute) else {
        return Ok(Collection::new());
    };
    evaluator.work(text.len().saturating_add((text.len() + 1).saturating_mul(substitute.len())))?;
    Ok(one(Value::string(text.replace(part.as_str(), &substitute))))
}

/// The regular expression of a call: read once when it is written out, else compiled now.
fn with_pattern<'n, T>(
    evaluator: &mut Evaluator<'_, 'n>,
    call: &Call<'_, 'n>,
    full: bool,
    use_it: impl FnOnce(&Regex) -> T,
) -> Result<Option<T>, Cause> {
    const FAULT: Cause = Cause::Argument("a regular expression that is understood");
    if let Form::Pattern(pattern) = &call.arguments[0].form {
        return pattern.compiled(full).map(use_it).map(Some).ok_or(FAULT);
    }
    let Some(text) = evaluator.text_argument(call, 0)? else { return Ok(None) };
    evaluator.work(text.len().saturating_mul(64))?;
    compile(&text, full).as_ref().map(use_it).map(Some).ok_or(FAULT)
}

fn matches<'n>(evaluator: &mut Evaluator<'_, 'n>, call: &Call<'_, 'n>, full: bool) -> Found<'n> {
    let Some(text) = text(call.input.clone())? else { return Ok(Collection::new()) };
    evaluator.work(text.len())?;
    Ok(at_most_one(with_pattern(evaluator, call, full, |pattern| pattern.is_match(&text))?))
}

/// `$1` and `${name}` in the substitution are what was captured. An empty pattern replaces nothing.
fn replace_matches<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let substitute = evaluator.text_argument(&call, 1)?;
    let Some((text, substitute)) = text(call.input.clone())?.zip(substitute) else { return Ok(Collection::new()) };
    evaluator.work(text.len().saturating_add((text.len() + 1).saturating_mul(substitute.len())))?;
    let replaced = with_pattern(evaluator, &call, false, |pattern| match pattern.as_str() {
        "" => text.to_string(),
        _ => pattern.replace_all(&text, substitute.as_str()).into_owned(),
    })?;
    evaluator.work(replaced.as_ref().map_or(0, String::len))?;
    Ok(at_most_one(replaced.map(Value::string)))
}

fn split<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let separator = evaluator.text_argument(&call, 0)?;
    let Some((text, separator)) = text(call.input)?.zip(separator) else { return Ok(Collection::new()) };
    evaluator.work(text.len())?;
    Ok(text.split(separator.as_str()).map(|part| Item::Value(Value::string(part))).collect())
}

fn join<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let separator = evaluator.text_argument(&call, 0)?.unwrap_or_default();
    if call.input.is_empty() {
        return Ok(Collection::new());
    }
    let mut joined = String::new();
    for (index, item) in call.input.into_iter().enumerate() {
        if index > 0 {
            joined.push_str(&separator);
        }
        joined.push_str(&text(vec![item])?.unwrap_or_default());
        evaluator.work(joined.len() / 64)?;
    }
    evaluator.work(joined.len())?;
    Ok(one(Value::string(joined)))
}
