//! How alike two patients are: a weighted sum over what both say, and a grade for a person to act on.
//!
//! The weights follow common record-linkage practice: an identifier of the same authority says most, then the date of
//! birth and the names; what both say and contradict counts against. What only one says counts neither way. The grades
//! are those of the FHIR extension match-grade (FHIR R4 patient-operation-match).

use std::collections::BTreeSet;

use crate::fhir::{Node, Resource};

/// The judgement in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    CertainlyNot,
    Possible,
    Probable,
    Certain,
}

impl Grade {
    /// The code of `http://terminology.hl7.org/CodeSystem/match-grade`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CertainlyNot => "certainly-not",
            Self::Possible => "possible",
            Self::Probable => "probable",
            Self::Certain => "certain",
        }
    }
}

/// How alike two patients are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// 0 to 1.
    pub score: f64,
    pub grade: Grade,
}

/// Hundredths that one comparison gives or takes.
type Points = i32;

/// Compares what is asked with what is known.
pub fn likeness(asked: &Resource, known: &Resource) -> Likeness {
    let identifier = identifiers(asked).intersection(&identifiers(known)).next().is_some();
    let points: Points = [
        if identifier { 60 } else { 0 },
        compare_names(asked, known),
        compare_birth(asked.text(&["birthDate"]), known.text(&["birthDate"])),
        compare_gender(asked.text(&["gender"]), known.text(&["gender"])),
        shared(&telecoms(asked), &telecoms(known), 10),
        shared(&addresses(asked), &addresses(known), 8),
    ]
    .into_iter()
    .sum();
    let score = f64::from(points.clamp(0, 100)) / 100.0;
    Likeness { score, grade: grade(points, identifier) }
}

/// Certain is only who bears the same identifier and is not contradicted by the rest.
const fn grade(points: Points, identifier: bool) -> Grade {
    match points {
        75.. if identifier => Grade::Certain,
        60.. => Grade::Probable,
        30.. => Grade::Possible,
        _ => Grade::CertainlyNot,
    }
}

fn identifiers(patient: &Resource) -> BTreeSet<(String, String)> {
    let list = patient.get("identifier").into_iter().flat_map(Node::items);
    let valued = list.filter_map(|one| {
        let system = one.text(&["system"]).filter(|system| !system.is_empty())?;
        Some((system.to_owned(), one.text(&["value"])?.to_owned()))
    });
    valued.collect()
}

/// The best of all pairs of names: 22 for the family name, 18 for the first given name, 6 for its initial alone.
fn compare_names(asked: &Resource, known: &Resource) -> Points {
    let (asked, known) = (names(asked), names(known));
    if asked.is_empty() || known.is_empty() {
        return 0;
    }
    let pairs = asked.iter().flat_map(|one| known.iter().map(move |other| compare_name(one, other)));
    pairs.max().unwrap_or(0)
}

struct Name {
    family: String,
    given: String,
}

fn names(patient: &Resource) -> Vec<Name> {
    let list = patient.get("name").into_iter().flat_map(Node::items);
    let name = |node: &Node| Name {
        family: plain(node.text(&["family"]).unwrap_or_default()),
        given: plain(node.text(&["given"]).unwrap_or_default()),
    };
    list.map(name).collect()
}

fn compare_name(one: &Name, other: &Name) -> Points {
    let family = match (one.family.as_str(), other.family.as_str()) {
        ("", _) | (_, "") => 0,
        (a, b) if a == b => 22,
        (a, b) if a.starts_with(b) || b.starts_with(a) => 12,
        _ => -15,
    };
    let given = match (one.given.as_str(), other.given.as_str()) {
        ("", _) | (_, "") => 0,
        (a, b) if a == b => 18,
        (a, b) if a.chars().next() == b.chars().next() => 6,
        _ => -15,
    };
    family + given
}

/// Letters and digits alone, in small letters.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// 25 for the same day; 15 where one is less precise and agrees, or day and month stand the other way round.
fn compare_birth(one: Option<&str>, other: Option<&str>) -> Points {
    match (one, other) {
        (Some(one), Some(other)) if one == other => 25,
        (Some(one), Some(other)) if one.starts_with(other) || other.starts_with(one) || is_swapped(one, other) => 15,
        (Some(_), Some(_)) => -30,
        _ => 0,
    }
}

fn is_swapped(one: &str, other: &str) -> bool {
    let parts = |date: &str| {
        let mut parts = date.splitn(3, '-').map(str::to_owned);
        Some((parts.next()?, parts.next()?, parts.next()?))
    };
    match (parts(one), parts(other)) {
        (Some((year, month, day)), Some(other)) => other == (year, day, month),
        _ => false,
    }
}

fn compare_gender(one: Option<&str>, other: Option<&str>) -> Points {
    match (one, other) {
        (None | Some("unknown" | "other"), _) | (_, None | Some("unknown" | "other")) => 0,
        (one, other) if one == other => 5,
        _ => -20,
    }
}

fn telecoms(patient: &Resource) -> BTreeSet<String> {
    let list = patient.get("telecom").into_iter().flat_map(Node::items);
    list.filter_map(|one| one.text(&["value"])).map(plain).filter(|value| value.len() > 5).collect()
}

fn addresses(patient: &Resource) -> BTreeSet<String> {
    let list = patient.get("address").into_iter().flat_map(Node::items);
    let valued = list.filter_map(|one| Some(plain(one.text(&["line"])?) + &plain(one.text(&["postalCode"])?)));
    valued.collect()
}

fn shared(one: &BTreeSet<String>, other: &BTreeSet<String>, points: Points) -> Points {
    if one.intersection(other).next().is_some() { points } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = r#"{"resourceType":"Patient","identifier":[{"system":"s","value":"1"}],"name":[{"family":"Müller","given":["Ada"]}],
        "birthDate":"1974-12-05","gender":"female","telecom":[{"value":"(03) 5555 6473"}],"address":[{"line":["534 Erewhon St"],"postalCode":"3999"}]}"#;

    fn check(asked: &str, grade: Grade) {
        let parse = |text: &str| Resource::parse(text.as_bytes()).unwrap();
        let found = likeness(&parse(asked), &parse(KNOWN));
        assert_eq!(found.grade, grade, "{asked}: {}", found.score);
        assert!((0.0..=1.0).contains(&found.score));
    }

    #[test]
    fn grades_follow_what_agrees_and_what_contradicts() {
        for (asked, grade) in [
            (KNOWN, Grade::Certain),
            (
                r#"{"identifier":[{"system":"s","value":"1"}],"birthDate":"1974-12-05","resourceType":"Patient"}"#,
                Grade::Certain,
            ),
            (r#"{"resourceType":"Patient","identifier":[{"system":"s","value":"1"}]}"#, Grade::Probable),
            (
                r#"{"resourceType":"Patient","identifier":[{"system":"s","value":"1"}],"name":[{"family":"Other","given":["Bob"]}],"birthDate":"2001-01-01"}"#,
                Grade::CertainlyNot,
            ),
            (
                r#"{"resourceType":"Patient","identifier":[{"system":"t","value":"1"}],"name":[{"family":"müller","given":["ADA"]}],"birthDate":"1974-12-05"}"#,
                Grade::Probable,
            ),
            (
                r#"{"resourceType":"Patient","name":[{"family":"Müller","given":["A."]}],"birthDate":"1974-05-12"}"#,
                Grade::Possible,
            ),
            (
                r#"{"resourceType":"Patient","name":[{"family":"Müller","given":["Ada"]}],"birthDate":"1990-01-01"}"#,
                Grade::CertainlyNot,
            ),
            (r#"{"resourceType":"Patient"}"#, Grade::CertainlyNot),
        ] {
            check(asked, grade);
        }
    }
}
