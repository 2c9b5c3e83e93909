//! FHIRPath: whatever can be read can be checked and evaluated, and comes to an end.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use loopgate_fuzz::fhir::Resource;
use loopgate_fuzz::fhir::fhirpath::{Environment, Expression, Focus};

struct Fixed;

impl Environment<'_> for Fixed {
    fn now(&self) -> Option<jiff::Zoned> {
        jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC).into()
    }
}

fn observation() -> &'static Resource {
    static OBSERVATION: OnceLock<Resource> = OnceLock::new();
    OBSERVATION.get_or_init(|| {
        let text = br#"{"resourceType":"Observation","id":"o","status":"final","issued":"2026-03-12T08:45:00.5+01:00",
            "code":{"coding":[{"system":"urn:s","code":"a"},{"code":"b"}],"text":"x y"},"effectiveDateTime":"2026-03",
            "_status":{"extension":[{"url":"urn:e","valueDecimal":1.50}]},
            "valueQuantity":{"value":185.0,"code":"[lb_av]","system":"http://unitsofmeasure.org"},
            "component":[{"valueInteger":1},{"valueString":"z"}]}"#;
        Resource::parse(text).expect("it is well formed")
    })
}

fuzz_target!(|text: &str| {
    if let Ok(expression) = Expression::parse(text) {
        let _ = expression.check("Observation");
        let _ = expression.evaluate(&Focus::from(observation()), &Fixed);
    }
});
