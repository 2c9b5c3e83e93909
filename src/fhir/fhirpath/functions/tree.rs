//! Walking the tree and asking for types: FHIRPath N1 5.8 and 10.2.

use smol_str::SmolStr;

use super::{Function, Gives};
use crate::fhir::fhirpath::evaluator::{Call, Evaluator, Found};
use crate::fhir::fhirpath::item::{Collection, Item};
use crate::fhir::fhirpath::members;
use crate::fhir::fhirpath::types;
use crate::fhir::fhirpath::value::{TypeInfo, Value};

pub static FUNCTIONS: &[Function] = &[
    Function::new("children", 0, 0, |evaluator, call| children(evaluator, &call.input)).giving(Gives::Members),
    Function::new("descendants", 0, 0, descendants).giving(Gives::Members),
    Function::new("type", 0, 0, |_, call| Ok(call.input.iter().map(kind).collect())),
];

fn children<'n>(evaluator: &mut Evaluator<'_, 'n>, input: &[Item<'n>]) -> Found<'n> {
    let mut found = Collection::new();
    for element in input.iter().filter_map(Item::element) {
        members::children(&element, &mut found);
    }
    evaluator.work(found.len())?;
    Ok(found)
}

/// Level by level. Two elements of equal content are two elements.
fn descendants<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let mut found = Collection::new();
    let mut level = children(evaluator, &call.input)?;
    while !level.is_empty() {
        let next = children(evaluator, &level)?;
        found.append(&mut level);
        level = next;
    }
    Ok(found)
}

/// A backbone element has no type of its own name.
fn kind<'n>(item: &Item<'n>) -> Item<'n> {
    let (namespace, name) = match item {
        Item::Value(value) => ("System", value.kind()),
        Item::Element(element) if element.kind().contains('.') => {
            ("FHIR", types::parent(element.kind()).unwrap_or("BackboneElement"))
        }
        Item::Element(element) => ("FHIR", element.kind()),
    };
    Item::Value(Value::Type(Box::new(TypeInfo { namespace, name: SmolStr::new(name) })))
}
