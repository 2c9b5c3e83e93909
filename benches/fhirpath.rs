//! Nanoseconds for one evaluation of a FHIRPath expression that was read before, over a Patient of about 1 kB.
//!
//! `cargo bench --bench fhirpath`. Plain timing: the median of eleven runs of 20,000 evaluations each.

use std::time::Instant;

use loopgate::fhir::Resource;
use loopgate::fhir::fhirpath::{Expression, Focus, Nothing};

#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 11;
const EVALUATIONS: u32 = 20_000;

const PATIENT: &[u8] = br#"{"resourceType":"Patient","id":"p","active":true,"birthDate":"1974-12-25",
    "identifier":[{"use":"usual","type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},
        "system":"urn:oid:1.2.36","value":"12345"},{"type":{"coding":[{"code":"SS"}]},"value":"999"}],
    "name":[{"use":"official","family":"Doe","given":["Ann","Bea"]},{"use":"usual","given":["Annie"]},
        {"use":"maiden","family":"Roe","given":["Ann","Bea"],"period":{"end":"2002"}}],
    "telecom":[{"system":"phone","value":"(03) 5555 6473","use":"work"},{"system":"email","value":"a@example.org"}],
    "gender":"female","deceasedBoolean":false,"address":[{"use":"home","line":["1 High St"],"city":"Springfield"}],
    "contact":[{"name":{"family":"Poe","given":["Eva"]},"relationship":[{"coding":[{"code":"N"}]}]}]}"#;

const EXPRESSIONS: &[&str] = &[
    "Patient.name.given",
    "name.where(use = 'official').given",
    "Patient.identifier.where(type.coding.where(code = 'MR').exists()).value",
    "deceased is boolean",
    "birthDate <= @2026-03-12 and name.all(family.exists() or given.exists())",
    "descendants().count()",
    "telecom.value.where(matches('^[(0-9) ]+$'))",
];

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn main() {
    let resource = Resource::parse(PATIENT).expect("the sample is well formed");
    for text in EXPRESSIONS {
        let expression = Expression::parse(text).expect("the sample can be read");
        let mut times: Vec<f64> = (0..RUNS).map(|_| time(&expression, &resource)).collect();
        times.sort_by(f64::total_cmp);
        println!("{:>7.0} ns  {text}", times[RUNS / 2]);
    }
}

fn time(expression: &Expression, resource: &Resource) -> f64 {
    let start = Instant::now();
    for _ in 0..EVALUATIONS {
        let focus = Focus::from(std::hint::black_box(resource));
        std::hint::black_box(expression.evaluate(&focus, &Nothing)).expect("the sample can be evaluated");
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(EVALUATIONS)
}
