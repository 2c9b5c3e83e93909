//! Microseconds for making the index keys of one resource: a Patient, an Observation and a Task of usual size.
//!
//! `cargo bench --bench search`. Plain timing: the median of eleven runs of 5,000 resources each.

use std::time::Instant;

use loopgate::base::Timestamp;
use loopgate::fhir::Resource;
use loopgate::search;

#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 11;
const RESOURCES: u32 = 5_000;

const PATIENT: &[u8] = br#"{"resourceType":"Patient","id":"p","active":true,
    "identifier":[{"system":"urn:oid:1.2.36.146.595.217.0.1","value":"L1700000000-4711-1"}],
    "name":[{"use":"official","family":"Chalmers12","given":["Peter","James"]}],
    "telecom":[{"system":"phone","value":"(03) 5555 6473","use":"work"}],"gender":"male","birthDate":"1974-12-25",
    "address":[{"use":"home","line":["534 Erewhon St"],"city":"PleasantVille","state":"Vic","postalCode":"3999"}]}"#;

const OBSERVATION: &[u8] = br#"{"resourceType":"Observation","id":"o","status":"final",
    "category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"Vital signs"}]}],
    "code":{"coding":[{"system":"http://loinc.org","code":"29463-7","display":"Body Weight"}],"text":"Body Weight"},
    "subject":{"reference":"Patient/4f7c9c53"},"encounter":{"reference":"Encounter/77c1f2a0"},
    "effectiveDateTime":"2020-03-12T08:45:00+01:00","issued":"2020-03-12T08:45:00.123+01:00",
    "valueQuantity":{"value":71.4,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}}"#;

const TASK: &[u8] = br#"{"resourceType":"Task","id":"t","status":"requested","intent":"order","priority":"routine",
    "identifier":[{"system":"urn:oid:1.2.3","value":"T-4711"}],"basedOn":[{"reference":"ServiceRequest/s1"}],
    "code":{"coding":[{"system":"http://hl7.org/fhir/CodeSystem/task-code","code":"fulfill"}]},
    "focus":{"reference":"ServiceRequest/s1"},"for":{"reference":"Patient/p1"},
    "executionPeriod":{"start":"2026-03-12T08:45:00Z"},"authoredOn":"2026-03-12T08:45:00Z",
    "lastModified":"2026-03-12T08:46:00Z","requester":{"reference":"Organization/o1"},"owner":{"reference":"Organization/o2"}}"#;

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn main() {
    for text in [PATIENT, OBSERVATION, TASK] {
        let resource = Resource::parse(text).expect("the sample is well formed");
        let keys = search::index(&resource, Timestamp::default());
        let mut times: Vec<f64> = (0..RUNS).map(|_| time(&resource)).collect();
        times.sort_by(f64::total_cmp);
        let bytes: usize = keys.iter().map(|key| key.0.len()).sum();
        println!("{:>7.1} us  {}, {} keys, {bytes} bytes", times[RUNS / 2], resource.kind(), keys.len());
    }
}

fn time(resource: &Resource) -> f64 {
    let start = Instant::now();
    for _ in 0..RESOURCES {
        std::hint::black_box(search::index(std::hint::black_box(resource), Timestamp::default()));
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(RESOURCES)
}
