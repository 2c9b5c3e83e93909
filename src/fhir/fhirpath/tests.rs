//! Cases of our own, over small resources.

use super::*;
use crate::fhir::Resource;

fn patient() -> Resource {
    Resource::parse(
        br#"{"resourceType":"Patient","id":"p","active":true,"birthDate":"1974-12-25",
        "_birthDate":{"extension":[{"url":"urn:time","valueDateTime":"1974-12-25T14:35:45-05:00"}]},
        "name":[{"use":"official","family":"Doe","given":["Ann","Bea"]},{"use":"usual","given":["Annie"]}],
        "contact":[{"name":{"family":"Roe"}}],"deceasedBoolean":false}"#,
    )
    .unwrap()
}

/// The texts of what comes out, separated by commas.
fn evaluated(expression: &str) -> Result<String, EvaluationFault> {
    let resource = patient();
    let found = Expression::parse(expression).unwrap().evaluate(&Focus::from(&resource), &Nothing)?;
    Ok(found.iter().map(|item| item.text().unwrap_or_else(|| "-".into())).collect::<Vec<_>>().join(","))
}

#[track_caller]
fn check(expression: &str, expected: &str) {
    assert_eq!(evaluated(expression).as_deref(), Ok(expected), "{expression}");
}

#[test]
fn paths_lead_through_lists_choices_and_primitives() {
    check("Patient.name.given", "Ann,Bea,Annie");
    check("name.where(use = 'usual').given", "Annie");
    check("birthDate.extension.where(url = 'urn:time').value", "1974-12-25T14:35:45-05:00");
    check("deceased", "false");
    check("Patient.contact.name.family", "Roe");
    check("Encounter.id", "");
    check("name[1].given.first()", "Annie");
}
