//! Parts of a collection by position or by comparison: FHIRPath N1 5.3.

use super::{Function, Gives};
use crate::fhir::fhirpath::equality;
use crate::fhir::fhirpath::evaluator::{Call, Evaluator, Found, single};
use crate::fhir::fhirpath::item::Collection;

pub static FUNCTIONS: &[Function] = &[
    Function::new("single", 0, 0, |_, call| Ok(single(call.input)?.into_iter().collect())).giving(Gives::Input),
    Function::new("first", 0, 0, |_, call| Ok(call.input.into_iter().take(1).collect()))
        .giving(Gives::Input)
        .in_order(),
    Function::new("last", 0, 0, |_, mut call| Ok(call.input.pop().into_iter().collect()))
        .giving(Gives::Input)
        .in_order(),
    Function::new("tail", 0, 0, |_, call| Ok(call.input.into_iter().skip(1).collect())).giving(Gives::Input).in_order(),
    Function::new("skip", 1, 1, skip).giving(Gives::Input).in_order(),
    Function::new("take", 1, 1, take).giving(Gives::Input).in_order(),
    Function::new("intersect", 1, 1, intersect).giving(Gives::Input),
    Function::new("exclude", 1, 1, exclude).giving(Gives::Input),
];

fn skip<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let count = evaluator.integer_argument(&call, 0)?.unwrap_or(0);
    Ok(call.input.into_iter().skip(usize::try_from(count).unwrap_or(0)).collect())
}

fn take<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let count = evaluator.integer_argument(&call, 0)?.unwrap_or(0);
    Ok(call.input.into_iter().take(usize::try_from(count).unwrap_or(0)).collect())
}

/// What is in both, each once.
fn intersect<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let other = evaluator.evaluate(&call.arguments[0], call.scope)?;
    let mut found = Collection::new();
    for item in call.input {
        if equality::contains(evaluator, &other, &item)? && !equality::contains(evaluator, &found, &item)? {
            found.push(item);
        }
    }
    Ok(found)
}

/// What is not in the other, in order and as often as it stands here.
fn exclude<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let other = evaluator.evaluate(&call.arguments[0], call.scope)?;
    let mut found = Collection::new();
    for item in call.input {
        if !equality::contains(evaluator, &other, &item)? {
            found.push(item);
        }
    }
    Ok(found)
}
