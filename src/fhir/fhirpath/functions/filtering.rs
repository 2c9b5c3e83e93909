//! Choosing and turning items one by one: FHIRPath N1 5.2, `iif`, `aggregate`, `sort`, `trace`, `defineVariable`.

use std::cmp::Ordering;

use super::{Function, Gives, Reads};
use crate::fhir::fhirpath::equality;
use crate::fhir::fhirpath::evaluator::{Call, Evaluator, Found, Scope, single};
use crate::fhir::fhirpath::fault::Cause;
use crate::fhir::fhirpath::item::{Collection, Item};
use crate::fhir::fhirpath::logic;
use crate::fhir::fhirpath::operators;
use crate::fhir::fhirpath::syntax::{Form, Term, TypeName, TypeOperator};
use crate::fhir::fhirpath::value::Value;

pub static FUNCTIONS: &[Function] = &[
    Function::new("where", 1, 1, filter).reading(Reads::Criterion).giving(Gives::Input),
    Function::new("select", 1, 1, select).reading(Reads::Projection).giving(Gives::Projection),
    Function::new("repeat", 1, 1, |evaluator, call| repeat(evaluator, call, true)).reading(Reads::Projection),
    Function::new("repeatAll", 1, 1, |evaluator, call| repeat(evaluator, call, false)).reading(Reads::Projection),
    Function::new("ofType", 1, 1, of_type).reading(Reads::Type).giving(Gives::Type),
    Function::new("is", 1, 1, |evaluator, call| typed(evaluator, call, TypeOperator::Is)).reading(Reads::Type),
    Function::new("as", 1, 1, |evaluator, call| typed(evaluator, call, TypeOperator::As))
        .reading(Reads::Type)
        .giving(Gives::Type),
    Function::new("iif", 2, 3, iif).reading(Reads::Criterion).giving(Gives::Branch),
    Function::new("aggregate", 1, 2, aggregate).reading(Reads::Projection),
    Function::new("sort", 0, 8, sort).reading(Reads::Order).giving(Gives::Input),
    // Evaluation is pure: what is traced goes nowhere.
    Function::new("trace", 1, 2, |_, call| Ok(call.input)).reading(Reads::Projection).giving(Gives::Input),
    Function::new("defineVariable", 1, 2, define_variable).reading(Reads::Projection).giving(Gives::Input),
    Function::new("coalesce", 1, 16, coalesce),
];

fn filter<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let mut found = Collection::new();
    for (index, item) in call.input.into_iter().enumerate() {
        if evaluator.holds(&call.arguments[0], call.scope.on(&item, index))? {
            found.push(item);
        }
    }
    Ok(found)
}

fn select<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let mut found = Collection::new();
    for (index, item) in call.input.iter().enumerate() {
        let projected = evaluator.evaluate(&call.arguments[0], call.scope.on(item, index))?;
        evaluator.work(projected.len())?;
        found.extend(projected);
    }
    Ok(found)
}

/// Projects again and again what the projection gave, until nothing new comes.
fn repeat<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>, only_new: bool) -> Found<'n> {
    let mut found = Collection::new();
    let mut open = call.input;
    while !open.is_empty() {
        let mut next = Collection::new();
        for (index, item) in open.iter().enumerate() {
            for projected in evaluator.evaluate(&call.arguments[0], call.scope.on(item, index))? {
                evaluator.work(0)?;
                if !only_new || !equality::contains(evaluator, &found, &projected)? {
                    found.push(projected.clone());
                    next.push(projected);
                }
            }
        }
        open = next;
    }
    Ok(found)
}

fn type_name<'c>(call: &Call<'c, '_>) -> Result<&'c TypeName, Cause> {
    match call.arguments {
        [Term { form: Form::Type(name), .. }] => Ok(name),
        _ => Err(Cause::Argument("the name of a type")),
    }
}

fn of_type<'n>(_: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let name = type_name(&call)?;
    name.check()?;
    Ok(call.input.into_iter().filter(|item| name.selects(item)).collect())
}

fn typed<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>, operator: TypeOperator) -> Found<'n> {
    let name = type_name(&call)?;
    evaluator.typed(operator, call.input, name)
}

/// Only the branch that is taken is evaluated; `$this` is the input, of which there is at most one.
fn iif<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let on_focus = call.input.len() == call.scope.focus.len();
    if call.input.len() > 1 && !on_focus {
        return Err(Cause::NotSingle);
    }
    let scope = Scope { focus: &call.input, ..call.scope };
    let criterion = evaluator.evaluate(&call.arguments[0], scope)?;
    let branch = if logic::boolean(&criterion)? == Some(true) { call.arguments.get(1) } else { call.arguments.get(2) };
    branch.map_or(Ok(Collection::new()), |branch| evaluator.evaluate(branch, scope))
}

fn aggregate<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let mut total = match call.arguments.get(1) {
        Some(initial) => evaluator.evaluate(initial, call.scope)?,
        None => Collection::new(),
    };
    for (index, item) in call.input.iter().enumerate() {
        let scope = Scope { total: Some(&total), ..call.scope.on(item, index) };
        total = evaluator.evaluate(&call.arguments[0], scope)?;
        evaluator.work(total.len())?;
    }
    Ok(total)
}

/// By each key in turn; a key with a minus goes down. What has no key comes first either way.
fn sort<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let mut keyed = Vec::with_capacity(call.input.len());
    for (index, item) in call.input.into_iter().enumerate() {
        let keys = match call.arguments {
            [] => vec![(item.value(), false)],
            terms => {
                let scope = call.scope.on(&item, index);
                terms.iter().map(|term| sort_key(evaluator, term, scope)).collect::<Result<_, _>>()?
            }
        };
        keyed.push((keys, item));
    }
    let count = keyed.len();
    evaluator.work(count.saturating_mul(count.checked_ilog2().unwrap_or(0) as usize))?;
    let mut fault = None;
    keyed.sort_by(|(left, _), (right, _)| {
        let order = left.iter().zip(right).map(|(left, right)| sort_order(left, right));
        order
            .filter_map(|order| order.map_err(|cause| fault = Some(cause)).ok())
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    fault.map_or_else(|| Ok(keyed.into_iter().map(|(_, item)| item).collect()), Err)
}

type SortKey = (Option<Value>, bool);

fn sort_key<'n>(evaluator: &mut Evaluator<'_, 'n>, term: &Term, scope: Scope<'_, 'n>) -> Result<SortKey, Cause> {
    let (term, descending) = match &term.form {
        Form::Polarity { negative, operand } => (operand.as_ref(), *negative),
        _ => (term, false),
    };
    let found = evaluator.evaluate(term, scope)?;
    Ok((single(found)?.and_then(|item: Item<'n>| item.value()), descending))
}

fn sort_order((left, descending): &SortKey, (right, _): &SortKey) -> Result<Ordering, Cause> {
    let (Some(left), Some(right)) = (left, right) else { return Ok(left.is_some().cmp(&right.is_some())) };
    let order = operators::compare(left, right)?.unwrap_or(Ordering::Equal);
    Ok(if *descending { order.reverse() } else { order })
}

fn define_variable<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let name = evaluator.text_argument(&call, 0)?.ok_or(Cause::Argument("a name"))?;
    let found = match call.arguments.get(1) {
        Some(term) => evaluator.evaluate(term, Scope { focus: &call.input, ..call.scope })?,
        None => call.input.clone(),
    };
    evaluator.define(name, found)?;
    Ok(call.input)
}

fn coalesce<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    for term in call.arguments {
        let found = evaluator.evaluate(term, call.scope)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Collection::new())
}
