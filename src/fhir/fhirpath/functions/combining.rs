//! Two collections made one: FHIRPath N1 5.4.

use super::{Function, Gives};
use crate::fhir::fhirpath::evaluator::{Call, Evaluator, Found};
use crate::fhir::fhirpath::operators;

pub static FUNCTIONS: &[Function] = &[
    Function::new("union", 1, 1, union).giving(Gives::Both),
    Function::new("combine", 1, 1, combine).giving(Gives::Both),
];

fn union<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let other = evaluator.evaluate(&call.arguments[0], call.scope)?;
    operators::union(evaluator, call.input, other)
}

fn combine<'n>(evaluator: &mut Evaluator<'_, 'n>, mut call: Call<'_, 'n>) -> Found<'n> {
    let other = evaluator.evaluate(&call.arguments[0], call.scope)?;
    evaluator.work(other.len())?;
    call.input.extend(other);
    Ok(call.input)
}
