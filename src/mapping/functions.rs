//! The closed set of functions: pure, total, without state. Each is documented in `docs/mapping/README.md`.

use std::borrow::Cow;

use jiff::tz::TimeZone;

use crate::hl7v2::PartialDateTime;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `join(SEPARATOR, …)`: the parts that are there, with the separator between them.
    Join,
    /// `concat(…)`: the parts without anything between them, when all are there.
    Concat,
    /// `lines(…)`: the values with line ends between them.
    Lines,
    /// `coding_system(NAME)`: the URI of an HL7 v2 coding system (table 0396).
    CodingSystem,
    /// `minutes(AMOUNT, UNIT)`: a duration in whole minutes.
    Minutes,
    /// `after(START, AMOUNT, UNIT)`: a time so much later.
    After,
    /// `lower(TEXT)`.
    Lower,
    /// `as_received(PATH)`: the whole item, components and all, as HL7 text with the usual delimiters.
    AsReceived,
    /// `uri_part(TEXT)`: the text as a part of a URI, percent-encoded where it must be.
    UriPart,
    /// `base64(TEXT)`: the text as base64 of its UTF-8 bytes.
    Base64,
}

/// The values of all arguments: of each none, one, or those of a repeating field.
pub struct Arguments<'a> {
    values: Vec<Cow<'a, str>>,
    /// Where each argument ends in `values`.
    ends: [usize; ARGUMENTS_MAX],
    count: usize,
}

/// No function takes more.
const ARGUMENTS_MAX: usize = 20;

impl<'a> Arguments<'a> {
    pub fn with_capacity(values: usize) -> Self {
        Self { values: Vec::with_capacity(values), ends: [0; ARGUMENTS_MAX], count: 0 }
    }

    /// One more value of the argument at hand.
    pub fn push(&mut self, value: Cow<'a, str>) {
        self.values.push(value);
    }

    /// The argument at hand is complete.
    pub fn end_one(&mut self) {
        if let Some(end) = self.ends.get_mut(self.count) {
            *end = self.values.len();
            self.count += 1;
        }
    }

    fn get(&self, number: usize) -> &[Cow<'a, str>] {
        let ends = &self.ends[..self.count];
        let from = number.checked_sub(1).map_or(Some(0), |before| ends.get(before).copied());
        let to = ends.get(number).copied();
        from.zip(to).and_then(|(from, to)| self.values.get(from..to)).unwrap_or_default()
    }

    fn from(&self, number: usize) -> &[Cow<'a, str>] {
        let from = number.checked_sub(1).and_then(|before| self.ends.get(before).copied()).unwrap_or(0);
        self.values.get(from..).unwrap_or_default()
    }

    fn iter(&self) -> impl Iterator<Item = &[Cow<'a, str>]> {
        (0..self.count).map(|number| self.get(number))
    }
}

impl Function {
    const ALL: [(&'static str, Self, std::ops::RangeInclusive<usize>); 10] = [
        ("join", Self::Join, 2..=ARGUMENTS_MAX),
        ("concat", Self::Concat, 1..=ARGUMENTS_MAX),
        ("lines", Self::Lines, 1..=ARGUMENTS_MAX),
        ("coding_system", Self::CodingSystem, 1..=1),
        ("minutes", Self::Minutes, 2..=2),
        ("after", Self::After, 3..=3),
        ("lower", Self::Lower, 1..=1),
        ("as_received", Self::AsReceived, 1..=1),
        ("uri_part", Self::UriPart, 1..=1),
        ("base64", Self::Base64, 1..=1),
    ];

    /// Whether its paths stand for all related segments of that name, not the nearest one.
    pub const fn gathers(self) -> bool {
        matches!(self, Self::Lines)
    }

    /// Whether its items are handed over as HL7 text, not as their first part.
    pub const fn wants_er7(self) -> bool {
        matches!(self, Self::AsReceived)
    }

    /// As it is written in a rule.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, function, _)| *function == self).map_or("", |(name, ..)| name)
    }

    pub fn names() -> String {
        Self::ALL.map(|(name, ..)| name).join(", ")
    }

    /// The function of that name, if it takes so many arguments; `Err` with how many it takes.
    pub fn find(name: &str, arguments: usize) -> Option<Result<Self, std::ops::RangeInclusive<usize>>> {
        let (_, function, takes) = Self::ALL.into_iter().find(|(known, ..)| *known == name)?;
        Some(if takes.contains(&arguments) { Ok(function) } else { Err(takes) })
    }

    /// The value, if the arguments give one.
    pub fn call(self, arguments: &Arguments, zone: &TimeZone) -> Option<String> {
        let first = |at: usize| arguments.get(at).first().map(AsRef::as_ref);
        match self {
            Self::Join => join(first(0)?, arguments.from(1).iter()),
            Self::Concat => concat(arguments),
            Self::Lines => join("\n", arguments.from(0).iter()),
            Self::CodingSystem => coding_system(first(0)?),
            Self::Minutes => minutes(first(0)?, first(1).unwrap_or("min")).map(|minutes| minutes.to_string()),
            Self::After => after(first(0)?, first(1)?, first(2).unwrap_or("min"), zone),
            // The runner hands over the item as HL7 text (`wants_er7`).
            Self::AsReceived => first(0).map(str::to_owned),
            Self::Lower => first(0).map(str::to_lowercase),
            Self::UriPart => first(0).map(uri_part),
            Self::Base64 => first(0).map(base64),
        }
    }
}

fn join<'a>(separator: &str, parts: impl Iterator<Item = &'a Cow<'a, str>>) -> Option<String> {
    let mut text = String::new();
    for part in parts.filter(|part| !part.is_empty()) {
        if !text.is_empty() {
            text.push_str(separator);
        }
        text.push_str(part);
    }
    (!text.is_empty()).then_some(text)
}

fn concat(arguments: &Arguments) -> Option<String> {
    arguments.iter().map(|values| values.first().filter(|text| !text.is_empty()).map(AsRef::as_ref)).collect()
}

/// HL7 table 0396 as far as its codes have another URI than their v2 table; the URIs are those of the terminology
/// page of FHIR R4. What is not known passes as it stands.
fn coding_system(name: &str) -> Option<String> {
    let name = name.trim();
    let known = match name.to_ascii_uppercase().as_str() {
        "" => return None,
        "LN" | "LOINC" => "http://loinc.org",
        "SCT" | "SNM" | "SNOMED" | "SNOMED-CT" => "http://snomed.info/sct",
        "UCUM" => "http://unitsofmeasure.org",
        "RXNORM" => "http://www.nlm.nih.gov/research/umls/rxnorm",
        "NDC" => "http://hl7.org/fhir/sid/ndc",
        "CVX" => "http://hl7.org/fhir/sid/cvx",
        "MVX" => "http://hl7.org/fhir/sid/mvx",
        "I9C" | "I9CDX" => "http://hl7.org/fhir/sid/icd-9-cm",
        "I10" | "ICD10" => "http://hl7.org/fhir/sid/icd-10",
        "I10C" | "ICD10CM" | "I10CM" => "http://hl7.org/fhir/sid/icd-10-cm",
        "C4" | "CPT" | "CPT4" => "http://www.ama-assn.org/go/cpt",
        "NPI" => "http://hl7.org/fhir/sid/us-npi",
        _ => return Some(by_shape(name)),
    };
    Some(known.to_owned())
}

fn by_shape(name: &str) -> String {
    let table = name.get(..3).filter(|prefix| prefix.eq_ignore_ascii_case("HL7")).map(|_| &name[3..]);
    match table {
        Some(digits) if digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("http://terminology.hl7.org/CodeSystem/v2-{digits}")
        }
        _ if name.contains('.') && name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            format!("urn:oid:{name}")
        }
        _ if name.contains(':') => name.to_owned(),
        // FHIR wants an absolute URI of a coding system; the name space of what has none is ours.
        _ => format!("urn:loopgate:coding-system:{}", uri_part(name)),
    }
}

/// A duration in whole minutes, rounded up; the unit is UCUM or what is written in practice.
fn minutes(amount: &str, unit: &str) -> Option<i64> {
    let amount: f64 = amount.trim().parse().ok().filter(|amount: &f64| amount.is_finite() && *amount >= 0.0)?;
    let seconds = match unit.trim().to_ascii_lowercase().as_str() {
        "s" | "sec" | "second" | "seconds" => 1.0,
        "" | "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    let minutes = (amount * seconds / 60.0).ceil();
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the filter: a million minutes are two years")]
    (minutes <= 1_000_000.0).then_some(minutes as i64)
}

fn after(start: &str, amount: &str, unit: &str, zone: &TimeZone) -> Option<String> {
    let start = start.parse::<PartialDateTime>().ok()?;
    let offset = start.offset;
    let start = start.to_instant(zone)?;
    let end = start.checked_add(jiff::SignedDuration::from_mins(minutes(amount, unit)?)).ok()?;
    let zone = offset.map_or_else(|| zone.clone(), TimeZone::fixed);
    Some(end.to_zoned(zone).strftime("%Y%m%d%H%M%S%z").to_string())
}

/// What is neither allowed in a path (RFC 3986 3.3) nor ASCII is percent-encoded.
fn uri_part(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].map(|digit| char::from(HEX[usize::from(digit)])));
        }
    }
    out
}

/// The text that a part of a URI stands for; what is not percent-encoded well stays as it is.
pub fn from_uri_part(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|digits| byte == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(byte));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, arguments: &[&[&str]], expected: Option<&str>) {
        let mut values = Arguments::with_capacity(4);
        for argument in arguments {
            argument.iter().for_each(|text| values.push(Cow::from(*text)));
            values.end_one();
        }
        let function = Function::find(name, arguments.len()).unwrap().unwrap();
        assert_eq!(function.call(&values, &TimeZone::UTC).as_deref(), expected, "{name}{arguments:?}");
    }

    #[test]
    fn functions_give_what_the_book_says() {
        check("join", &[&[" "], &["a"], &[], &["b", "c"]], Some("a b c"));
        check("join", &[&[" "], &[]], None);
        check("concat", &[&["urn:oid:"], &["1.2"]], Some("urn:oid:1.2"));
        check("concat", &[&["urn:oid:"], &[]], None);
        check("lines", &[&["a", "b"]], Some("a\nb"));
        check("coding_system", &[&["LN"]], Some("http://loinc.org"));
        check("coding_system", &[&["HL70001"]], Some("http://terminology.hl7.org/CodeSystem/v2-0001"));
        check("coding_system", &[&["1.2.3"]], Some("urn:oid:1.2.3"));
        check("coding_system", &[&["L"]], Some("urn:loopgate:coding-system:L"));
        check("coding_system", &[&["http://acme.org/codes"]], Some("http://acme.org/codes"));
        check("minutes", &[&["1.5"], &["hr"]], Some("90"));
        check("minutes", &[&["x"], &["hr"]], None);
        check("minutes", &[&["15"], &[]], Some("15"));
        check("after", &[&["20260312084500+0100"], &["30"], &["min"]], Some("20260312091500+0100"));
        check("lower", &[&["ABC"]], Some("abc"));
        check("base64", &[&["Hi"]], Some("SGk="));
        check("uri_part", &[&["ST-1_a:b"]], Some("ST-1_a:b"));
        check("uri_part", &[&["Grün 5%"]], Some("Gr%C3%BCn%205%25"));
        for (part, text) in [("Gr%C3%BCn%205%25", "Grün 5%"), ("5%", "5%"), ("a%zz", "a%zz"), ("%FF", "%FF")] {
            assert_eq!(from_uri_part(part), text);
        }
        assert!(Function::find("eval", 1).is_none());
        assert!(Function::find("minutes", 1).unwrap().is_err());
    }
}
