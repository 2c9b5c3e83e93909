//! Whether and how many: FHIRPath N1 5.1, and `not()`.

use super::{Function, Gives, Reads};
use crate::fhir::fhirpath::equality;
use crate::fhir::fhirpath::evaluator::{Call, Evaluator, Found};
use crate::fhir::fhirpath::fault::Cause;
use crate::fhir::fhirpath::item::{Item, at_most_one, one};
use crate::fhir::fhirpath::logic;
use crate::fhir::fhirpath::value::Value;

pub static FUNCTIONS: &[Function] = &[
    Function::new("empty", 0, 0, |_, call| Ok(one(call.input.is_empty()))),
    Function::new("exists", 0, 1, exists).reading(Reads::Criterion),
    Function::new("all", 1, 1, all).reading(Reads::Criterion),
    Function::new("allTrue", 0, 0, |_, call| Ok(one(booleans(&call.input)?.into_iter().all(|value| value)))),
    Function::new("anyTrue", 0, 0, |_, call| Ok(one(booleans(&call.input)?.into_iter().any(|value| value)))),
    Function::new("allFalse", 0, 0, |_, call| Ok(one(booleans(&call.input)?.into_iter().all(|value| !value)))),
    Function::new("anyFalse", 0, 0, |_, call| Ok(one(booleans(&call.input)?.into_iter().any(|value| !value)))),
    Function::new("subsetOf", 1, 1, subset_of),
    Function::new("supersetOf", 1, 1, superset_of),
    Function::new("count", 0, 0, |_, call| Ok(one(Value::count(call.input.len())))),
    Function::new("distinct", 0, 0, |evaluator, call| equality::distinct(evaluator, call.input)).giving(Gives::Input),
    Function::new("isDistinct", 0, 0, is_distinct),
    Function::new("not", 0, 0, |_, call| Ok(at_most_one(logic::boolean(&call.input)?.map(|value| !value)))),
];

fn exists<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let Some(criterion) = call.arguments.first() else { return Ok(one(!call.input.is_empty())) };
    for (index, item) in call.input.iter().enumerate() {
        if evaluator.holds(criterion, call.scope.on(item, index))? {
            return Ok(one(true));
        }
    }
    Ok(one(false))
}

fn all<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    for (index, item) in call.input.iter().enumerate() {
        if !evaluator.holds(&call.arguments[0], call.scope.on(item, index))? {
            return Ok(one(false));
        }
    }
    Ok(one(true))
}

fn booleans(input: &[Item<'_>]) -> Result<Vec<bool>, Cause> {
    let boolean = |item: &Item<'_>| match item.value() {
        Some(Value::Boolean(value)) => Ok(value),
        _ => Err(Cause::NotA("a boolean")),
    };
    input.iter().map(boolean).collect()
}

fn subset_of<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let other = evaluator.evaluate(&call.arguments[0], call.scope)?;
    is_subset(evaluator, &call.input, &other)
}

fn superset_of<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let other = evaluator.evaluate(&call.arguments[0], call.scope)?;
    is_subset(evaluator, &other, &call.input)
}

fn is_subset<'n>(evaluator: &mut Evaluator<'_, 'n>, part: &[Item<'n>], whole: &[Item<'n>]) -> Found<'n> {
    for item in part {
        if !equality::contains(evaluator, whole, item)? {
            return Ok(one(false));
        }
    }
    Ok(one(true))
}

fn is_distinct<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let count = call.input.len();
    Ok(one(equality::distinct(evaluator, call.input)?.len() == count))
}
