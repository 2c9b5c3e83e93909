//! What the trace says is true: change one place of a message, and exactly the leaves change that the trace names.
//!
//! Left aside are places that decide something (a condition, the type of the message, an id by which resources are one):
//! there other resources may come about. How many those are is checked too.

use std::collections::{BTreeMap, BTreeSet};

use loopgate::base::{Digest, Location};
use loopgate::fhir::Node;
use loopgate::hl7v2::{Header, Message};
use loopgate::mapping::{Context, FieldTrace, Mapped, Outcome, Release, Trace};
use proptest::prelude::*;

const CASES: [&str; 8] = [
    include_str!("../../mappings/v2/cases/adt_a01.hl7"),
    include_str!("../../mappings/v2/cases/adt_a08.hl7"),
    include_str!("../../mappings/v2/cases/siu_s12.hl7"),
    include_str!("../../mappings/v2/cases/oru_r01.hl7"),
    include_str!("../../mappings/v2/cases/orm_o01.hl7"),
    include_str!("../../mappings/v2/cases/omg_o19.hl7"),
    include_str!("../../mappings/v2/cases/mdm_t02.hl7"),
    include_str!("../../mappings/v2/cases/ref_i12.hl7"),
];

type Leaves = BTreeMap<(usize, String), String>;

struct Case {
    text: String,
    message: Message,
    mapped: Mapped,
    leaves: Leaves,
}

impl Case {
    fn of(release: &Release, text: String) -> Self {
        let header = Header::read(text.as_bytes()).expect("a header");
        let (message, _) = Message::parse(text.as_str());
        let context = Context {
            default_zone: jiff::tz::TimeZone::UTC,
            message_digest: Digest::of(b"the same for all variants"),
            sender: header.sender(),
            trace: true,
        };
        let plan = release.select(&header.message_type()).unwrap_or_else(|| panic!("{}", header.message_type()));
        let mapped = plan.run(&message, &context);
        let leaves = leaves(&mapped);
        Self { text, message, mapped, leaves }
    }

    fn trace(&self) -> &Trace {
        self.mapped.trace.as_ref().expect("asked for")
    }

    fn kinds(&self) -> Vec<&str> {
        self.mapped.resources.iter().map(loopgate::fhir::Resource::kind).collect()
    }

    fn trouble(&self) -> usize {
        self.mapped.issues.len() + self.mapped.unmapped.len()
    }
}

/// All leaves but ids; references to resources of the message by their number.
fn leaves(mapped: &Mapped) -> Leaves {
    let number = |reference: &str| {
        let id = reference.rsplit('/').next().unwrap_or_default();
        let at = mapped.resources.iter().position(|resource| resource.id() == Some(id));
        at.map_or_else(|| reference.to_owned(), |at| format!("#{at}"))
    };
    let mut leaves = Leaves::new();
    for (at, resource) in mapped.resources.iter().enumerate() {
        for (key, node) in resource.object().iter().filter(|(key, _)| *key != "id") {
            collect(at, key.to_owned(), node, &number, &mut leaves);
        }
    }
    leaves
}

fn collect(at: usize, path: String, node: &Node, number: &dyn Fn(&str) -> String, leaves: &mut Leaves) {
    match node {
        Node::Object(object) => {
            object.iter().for_each(|(key, node)| collect(at, format!("{path}.{key}"), node, number, leaves));
        }
        Node::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, item)| collect(at, format!("{path}[{index}]"), item, number, leaves));
        }
        Node::String(text) if path.ends_with(".reference") => {
            leaves.insert((at, path), number(text));
        }
        other => {
            leaves.insert((at, path), format!("{other:?}"));
        }
    }
}

/// The text with another value at a place.
fn replaced(text: &str, place: &Location, value: &str) -> String {
    let mut lines: Vec<String> = text.split('\r').map(str::to_owned).collect();
    let mut named = lines.iter_mut().filter(|line| line.starts_with(place.segment.as_str()));
    let line = named.nth(usize::from(place.segment_repetition.unwrap_or(1)) - 1).expect("the segment");
    let numbers = [place.field, place.field_repetition, place.component, place.subcomponent];
    let mut numbers = numbers.map(|number| usize::from(number.unwrap_or(1)) - 1);
    numbers[0] += usize::from(place.segment != "MSH");
    *line = within(line, &['|', '~', '^', '&'], &numbers, value);
    lines.join("\r")
}

fn within(text: &str, separators: &[char], numbers: &[usize], value: &str) -> String {
    let (Some((separator, separators)), Some((number, numbers))) = (separators.split_first(), numbers.split_first())
    else {
        return value.to_owned();
    };
    let mut parts: Vec<String> = text.split(*separator).map(str::to_owned).collect();
    parts[*number] = within(&parts[*number], separators, numbers, value);
    parts.join(&separator.to_string())
}

/// Another value of the same kind: of a number the last digit, of a time the last of the year, of a text a letter.
fn other_value(text: &str) -> String {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let at = if digits >= 8 { 3 } else { text.len() - 1 };
    let turned = match text.as_bytes()[at] {
        b'9' => b'1',
        b'z' | b'Z' => b'a',
        byte if byte.is_ascii_alphanumeric() => byte + 1,
        _ => b'x',
    };
    format!("{}{}{}", &text[..at], char::from(turned), &text[at + 1..])
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Exact,
    /// A code table, or a value that did not fit: what changed lies in the elements that the trace names.
    Within,
    /// It decides something.
    Aside,
}

fn decides(field: &FieldTrace) -> bool {
    let header = field.location.segment == "MSH" && matches!(field.location.field, Some(3 | 4 | 9 | 12 | 18));
    header || field.outcomes.iter().any(|(outcome, _)| *outcome == Outcome::Consulted)
}

/// Changes one place, and compares what changed with what the trace says.
fn judge(release: &Release, case: &Case, field: &FieldTrace, value: &str) -> Result<Verdict, String> {
    if decides(field) {
        return Ok(Verdict::Aside);
    }
    let changed = Case::of(release, replaced(&case.text, &field.location, value));
    if case.kinds() != changed.kinds() {
        return Ok(Verdict::Aside);
    }
    let traced = field.leaves.iter().filter_map(|leaf| case.trace().leaf(*leaf));
    let named: Vec<_> = traced.filter(|leaf| leaf.path() != "id").collect();
    let expected: BTreeSet<(usize, String)> = named.iter().map(|leaf| (leaf.resource(), leaf.path())).collect();
    let keys = case.leaves.keys().chain(changed.leaves.keys());
    let differs: BTreeSet<_> = keys.filter(|key| case.leaves.get(*key) != changed.leaves.get(*key)).cloned().collect();
    if differs == expected {
        return Ok(Verdict::Exact);
    }
    let coded = named.iter().any(|leaf| leaf.chain().iter().any(|rule| rule.table.is_some()));
    let normalised = named.iter().any(|leaf| leaf.rule().is_some_and(|rule| !rule.functions.is_empty()));
    // `_recorded` is the same element as `recorded` (FHIR R4 2.6.2.3): there the reason stands why it has no value.
    let element = |(at, path): &(usize, String)| {
        let name = path.split(['.', '[']).next().unwrap_or_default();
        (*at, name.trim_start_matches('_').to_owned())
    };
    let elements: BTreeSet<_> = expected.iter().map(element).collect();
    let within = differs.iter().all(|leaf| elements.contains(&element(leaf)));
    let excused = coded || normalised || case.trouble() != changed.trouble();
    // What it says was said by another place already: now that it says something else, it is said too.
    let repeated = field.outcomes.iter().any(|(outcome, _)| *outcome == Outcome::Repeated);
    if expected.is_empty() && repeated {
        return Ok(Verdict::Aside);
    }
    if within && excused {
        return Ok(Verdict::Within);
    }
    let only = |one: &BTreeSet<(usize, String)>, other: &BTreeSet<_>| {
        format!("{:?}", one.difference(other).collect::<Vec<_>>())
    };
    Err(format!("not named: {}, named in vain: {}", only(&differs, &expected), only(&expected, &differs)))
}

fn cases(release: &Release) -> Vec<Case> {
    CASES.iter().map(|text| Case::of(release, text.trim_end().replace('\n', "\r"))).collect()
}

fn text_at(case: &Case, place: &Location) -> String {
    let path = place.to_string().parse().expect("a path");
    case.message.get(&path).map(|value| value.raw().to_owned()).unwrap_or_default()
}

#[test]
fn exactly_the_leaves_change_that_the_trace_names() {
    let release = Release::builtin();
    let mut wrong = Vec::new();
    let mut counts = [0; 3];
    for case in cases(&release) {
        for field in case.trace().fields(&case.message) {
            let value = other_value(&text_at(&case, &field.location));
            match judge(&release, &case, &field, &value) {
                Ok(verdict) => counts[verdict as usize] += 1,
                Err(why) => wrong.push(format!("{} {}: {why}", &case.text[..80], field.location)),
            }
        }
    }
    println!("exact {}, within the named elements {}, aside {}", counts[0], counts[1], counts[2]);
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(counts[0] * 2 > counts.iter().sum::<usize>(), "exact, within, aside: {counts:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_in_any_place_changes_no_leaf_that_the_trace_does_not_name(
        case in any::<prop::sample::Index>(),
        field in any::<prop::sample::Index>(),
        value in "[A-Za-z0-9 .-]{1,12}[A-Za-z0-9]",
    ) {
        static RELEASE: std::sync::OnceLock<(Release, Vec<Case>)> = std::sync::OnceLock::new();
        let (release, cases) = RELEASE.get_or_init(|| {
            let release = Release::builtin();
            let cases = cases(&release);
            (release, cases)
        });
        let case = case.get(cases);
        let fields = case.trace().fields(&case.message);
        let field = field.get(&fields);
        let verdict = judge(release, case, field, &value);
        prop_assert!(verdict.is_ok(), "{} {}: {verdict:?}", &case.text[..80], field.location);
    }
}
