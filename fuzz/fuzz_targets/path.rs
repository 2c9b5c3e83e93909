//! Paths and time stamps: what is read is written back as something that reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use loopgate_fuzz::hl7v2::{PartialDateTime, Path};

fuzz_target!(|text: &str| {
    if let Ok(path) = text.parse::<Path>() {
        assert_eq!(path.to_string().parse(), Ok(path));
    }
    if let Ok(moment) = text.parse::<PartialDateTime>() {
        assert_eq!(moment.to_string().parse(), Ok(moment));
        let _ = moment.to_fhir_date_time(&jiff::tz::TimeZone::UTC);
    }
});
