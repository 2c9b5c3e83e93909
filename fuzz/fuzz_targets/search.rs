//! Search strings: any query of any type is read or refused, and what is read is read again alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use loopgate_fuzz::base::Timestamp;
use loopgate_fuzz::search::{Context, Handling, parse};

const KINDS: &[&[&str]] = &[&["Patient"], &["Observation"], &["Task"], &["Bundle"], &["Patient", "Practitioner"], &[]];

fuzz_target!(|input: (u8, bool, Vec<(String, String)>)| {
    let (kinds, is_strict, pairs) = input;
    let kinds = KINDS[usize::from(kinds) % KINDS.len()];
    let handling = if is_strict { Handling::Strict } else { Handling::Lenient };
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    let context = Context { base_url: "http://localhost/fhir", now, handling };
    if let Ok(query) = parse(kinds, &pairs, &context) {
        assert!(parse(kinds, &query.applied, &context).is_ok(), "what was applied can be asked again");
    }
});
