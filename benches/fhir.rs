//! Microseconds for reading, writing and checking resources: a Patient of about 1 kB and a Bundle of about 2 MB of them.
//!
//! `cargo bench --bench fhir`. Plain timing: the median of eleven runs.

use std::hint::black_box;
use std::time::Instant;

use loopgate::fhir::{Resource, xml};
use loopgate::profile::check_structure;

#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 11;

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p","active":true,"birthDate":"1974-12-25","identifier":[{"use":"usual","type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"system":"urn:oid:1.2.36","value":"12345"},{"type":{"coding":[{"code":"SS"}]},"value":"999"}],"name":[{"use":"official","family":"Doe","given":["Ann","Bea"]},{"use":"usual","given":["Annie"]},{"use":"maiden","family":"Roe","given":["Ann","Bea"],"period":{"end":"2002"}}],"telecom":[{"system":"phone","value":"(03) 5555 6473","use":"work"},{"system":"email","value":"a@example.org"}],"gender":"female","deceasedBoolean":false,"address":[{"use":"home","line":["1 High St"],"city":"Springfield"}],"contact":[{"name":{"family":"Poe","given":["Eva"]},"relationship":[{"coding":[{"code":"N"}]}]}]}"#;

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn main() {
    let entry = format!(r#"{{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520","resource":{PATIENT}}}"#);
    let entries = vec![entry; 2_000_000 / PATIENT.len()];
    let bundle = format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{}]}}"#, entries.join(","));
    for (name, text, rounds) in [("Patient", PATIENT.as_bytes(), 5000), ("Bundle", bundle.as_bytes(), 3)] {
        let resource = Resource::parse(text).expect("the sample is well formed");
        let as_xml = xml::write(&resource, false);
        println!("{name}, {} bytes of JSON, {} of XML", text.len(), as_xml.len());
        println!("{:>11.1} µs  read JSON", time(rounds, || drop(black_box(Resource::parse(black_box(text))))));
        println!("{:>11.1} µs  write JSON", time(rounds, || drop(black_box(black_box(&resource).to_json()))));
        println!("{:>11.1} µs  clone", time(rounds, || drop(black_box(black_box(&resource).clone()))));
        println!(
            "{:>11.1} µs  check the structure",
            time(rounds, || drop(black_box(check_structure(black_box(&resource)))))
        );
        println!("{:>11.1} µs  read XML", time(rounds, || drop(black_box(xml::read(black_box(&as_xml))))));
        println!("{:>11.1} µs  write XML", time(rounds, || drop(black_box(xml::write(black_box(&resource), false)))));
    }
}

fn time(rounds: u32, deed: impl Fn()) -> f64 {
    let run = || {
        let start = Instant::now();
        (0..rounds).for_each(|_| deed());
        start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds)
    };
    let mut times: Vec<f64> = (0..RUNS).map(|_| run()).collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}
