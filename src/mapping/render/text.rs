//! FHIR values as HL7 text.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::plan::Form;
use crate::hl7v2::{Path, Selector};
use crate::mapping::functions::from_uri_part;

/// `2026-03-12T08:45:00.5+01:00` to `20260312084500.5+0100`; what is no FHIR time passes without its punctuation.
pub fn hl7_time(text: &str) -> String {
    let (date, time) = text.split_once('T').map_or((text, ""), |(date, time)| (date, time));
    let at = time.find(['+', '-', 'Z']).unwrap_or(time.len());
    let (clock, offset) = time.split_at(at);
    let offset = if offset == "Z" { "+0000" } else { offset };
    [date.replace(['-', ':'], ""), clock.replace(':', ""), offset.replace(':', "")].concat()
}

/// The name of a code system that no table names: `HL70001`, an OID, or what a sender called it.
pub fn system_name(uri: &str) -> SmolStr {
    if let Some(named) = uri.strip_prefix("urn:loopgate:coding-system:") {
        return from_uri_part(named).into();
    }
    let table = uri.strip_prefix("http://terminology.hl7.org/CodeSystem/v2-").map(|digits| format!("HL7{digits}"));
    let name = table.or_else(|| uri.strip_prefix("urn:oid:").map(str::to_owned));
    let local = uri.strip_prefix("urn:loopgate:coding-system:").map(|part| from_uri_part(part).into_owned());
    name.or(local).map_or_else(|| uri.into(), SmolStr::from)
}

/// A path such as `PID-3[2].4.1` as the components of ERR-1 or ERR-2; `None` for what is no such path.
pub fn location(text: &str, form: Form) -> Option<String> {
    let path: Path = text.parse().ok()?;
    let nth = |selector: Selector| match selector {
        Selector::Nth(number) => number.to_string(),
        Selector::All => String::new(),
    };
    let mut parts = vec![path.segment.to_string(), nth(path.segment_selector)];
    if let Some(field) = path.field {
        parts.push(field.number.to_string());
        let rest = [
            Some(nth(field.selector)),
            field.component.map(|n| n.to_string()),
            field.subcomponent.map(|n| n.to_string()),
        ];
        parts.extend(rest.into_iter().flatten().filter(|_| form == Form::Erl));
    }
    Some(parts.join("^"))
}

/// Parts at their numbers, with the separator between.
pub fn spread(parts: BTreeMap<u16, String>, separator: char) -> String {
    let mut text = String::new();
    let mut at = 1;
    for (number, part) in parts {
        while at < number {
            text.push(separator);
            at += 1;
        }
        text.push_str(&part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lose_their_punctuation() {
        for (fhir, hl7) in [
            ("2026-03", "202603"),
            ("2026-03-12", "20260312"),
            ("14:30:00", "143000"),
            ("2026-03-12T08:45:00+01:00", "20260312084500+0100"),
            ("2026-03-12T08:45:00.250Z", "20260312084500.250+0000"),
            ("2026-03-12T08:45:00-05:00", "20260312084500-0500"),
        ] {
            assert_eq!(hl7_time(fhir), hl7);
        }
    }

    #[test]
    fn places_are_taken_apart() {
        for (path, form, expected) in [
            ("PID-3[2].4.1", Form::Erl, Some("PID^1^3^2^4^1")),
            ("PID-3[2].4.1", Form::Eld, Some("PID^1^3")),
            ("OBX[2]-5", Form::Erl, Some("OBX^2^5^1")),
            ("ZZZ", Form::Erl, Some("ZZZ^1")),
            ("Patient.name", Form::Erl, None),
        ] {
            assert_eq!(location(path, form).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn systems_get_their_names_back() {
        for (uri, name) in [
            ("http://terminology.hl7.org/CodeSystem/v2-0136", "HL70136"),
            ("urn:oid:1.2.3", "1.2.3"),
            ("urn:loopgate:coding-system:99%20LAB", "99 LAB"),
            ("99LAB", "99LAB"),
        ] {
            assert_eq!(system_name(uri), name);
        }
    }
}
