//! What FHIRPath does not have and the maps want.

use super::Function;
use crate::fhir::fhirpath::evaluator::{Call, Evaluator, Found};
use crate::fhir::fhirpath::item::{Collection, Item};
use crate::fhir::fhirpath::value::Value;

pub static FUNCTIONS: &[Function] = &[Function::new("afterPrefix", 1, 1, after_prefix)];

/// Of the texts that begin so, what follows: the OID of a `urn:oid:`.
fn after_prefix<'n>(evaluator: &mut Evaluator<'_, 'n>, call: Call<'_, 'n>) -> Found<'n> {
    let Some(prefix) = evaluator.text_argument(&call, 0)? else { return Ok(Collection::new()) };
    let rest = |item: &Item<'n>| Some(Item::Value(Value::string(item.text()?.strip_prefix(prefix.as_str())?)));
    Ok(call.input.iter().filter_map(rest).collect())
}
