//! The other direction: HL7 v2 messages written from resources and named facts.
//!
//! A render file says segment by segment which field comes from which FHIRPath expression. `each` repeats a segment
//! for everything an expression gives, which is then the focus of its fields. A segment without data is not written,
//! unless it is required. What an expression does not give leaves its field empty: rendering never fails.

use std::collections::{BTreeMap, HashMap};

use smol_str::SmolStr;

use super::functions::from_uri_part;
use super::plan::Table;
use super::untranslate::untranslate;
use crate::base::{Issue, IssueCode};
use crate::fhir::Resource;
use crate::fhir::path::{Element, Environment, Expression};
use crate::hl7v2::escape::escape;
use crate::hl7v2::path::FieldPath;
use crate::hl7v2::{Charset, Delimiters, Path, Selector, builder::MessageBuilder};

/// What a message is written from.
pub struct Sources<'s> {
    /// Found by their type; what they refer to is found here too.
    pub resources: &'s [&'s Resource],
    /// What only the engine knows: `%control_id`, `%order_control` … (`docs/mapping/README.md` lists them).
    pub facts: &'s BTreeMap<SmolStr, String>,
}

/// A written message.
pub struct Rendered {
    pub bytes: Vec<u8>,
    pub issues: Vec<Issue>,
}

/// One message, or one data type: then a single segment stands for it.
pub struct RenderPlan {
    pub segments: Vec<Segment>,
}

pub struct Segment {
    pub name: SmolStr,
    pub each: Option<Expression>,
    pub when: Option<Criterion>,
    pub required: bool,
    pub fields: Vec<Field>,
}

pub struct Field {
    pub target: Target,
    pub value: Value,
    pub encoding: Encoding,
    pub table: Option<usize>,
    pub when: Option<Criterion>,
}

/// Numbers from 1; 0 means the level is not named. In a data type the field is 1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Target {
    pub field: u16,
    pub component: u16,
    pub subcomponent: u16,
}

pub enum Value {
    Constant(SmolStr),
    FirstOf(Vec<Expression>),
}

pub enum Encoding {
    Text,
    /// A FHIR date, dateTime or instant as an HL7 time stamp.
    Time,
    /// Text that is HL7 already, with the usual delimiters.
    Raw,
    /// A part of a URI, percent-decoded.
    UriPart,
    /// An encode file.
    Map(SmolStr),
}

/// Whether an expression gives anything, or a certain text.
pub struct Criterion {
    pub negated: bool,
    pub path: Expression,
    pub text: Option<SmolStr>,
}

struct World<'s> {
    sources: &'s Sources<'s>,
}

impl<'s> Environment<'s> for World<'s> {
    fn resources(&self) -> &[&'s Resource] {
        self.sources.resources
    }

    fn constant(&self, name: &str) -> Option<&'s str> {
        self.sources.facts.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }
}

/// The plans and tables that rendering uses.
pub struct Renderer<'p> {
    pub plans: &'p HashMap<SmolStr, RenderPlan>,
    pub tables: &'p [Table],
}

impl Renderer<'_> {
    pub fn render(&self, plan: &RenderPlan, sources: &Sources, charset: Charset) -> Rendered {
        let world = World { sources };
        let mut message = MessageBuilder::default();
        for segment in &plan.segments {
            let focuses: Vec<Option<Element>> = match &segment.each {
                Some(each) => each.evaluate(None, &world).into_iter().map(Some).collect(),
                None => vec![None],
            };
            for (number, focus) in (1..).zip(focuses) {
                if segment.when.as_ref().is_none_or(|when| when.holds(focus, &world)) {
                    self.segment(segment, number, focus, &world, &mut message);
                }
            }
        }
        let (bytes, lost) = message.write(charset);
        let mut issues = Vec::new();
        if lost > 0 {
            let text = "some characters have no code in the character set of the receiver and were replaced";
            issues.push(Issue::warning(IssueCode::CharacterSet, text));
        }
        Rendered { bytes, issues }
    }

    fn segment(
        &self,
        segment: &Segment,
        number: u32,
        focus: Option<Element>,
        world: &World,
        message: &mut MessageBuilder,
    ) {
        let values = self.values(segment, number, focus, world);
        let from_data = values.iter().any(|value| !value.constant);
        if !from_data && !segment.required && segment.name != "MSH" {
            return;
        }
        let nth = if segment.name == "MSH" { 1 } else { message.add_segment(&segment.name) };
        for Written { target, repetition, raw, .. } in values {
            let some = |number: u16| (number > 0).then_some(number);
            let field = FieldPath {
                number: target.field,
                selector: Selector::Nth(repetition),
                component: some(target.component),
                subcomponent: some(target.subcomponent),
            };
            let path = Path { segment: segment.name.clone(), segment_selector: Selector::Nth(nth), field: Some(field) };
            // A path of a checked file names one place for which the usual delimiters serve.
            let _unplaced = message.put_raw(&path, &raw);
        }
    }

    /// The values of a segment or data type. The first value of a place stands.
    fn values(&self, segment: &Segment, number: u32, focus: Option<Element>, world: &World) -> Vec<Written> {
        let mut values: Vec<Written> = Vec::new();
        for field in &segment.fields {
            let taken = values.iter().any(|value| value.target == field.target);
            if taken || !field.when.as_ref().is_none_or(|when| when.holds(focus, world)) {
                continue;
            }
            match &field.value {
                Value::Constant(text) => {
                    let text = if text == "%index" { number.to_string() } else { text.to_string() };
                    values.push(Written { target: field.target, repetition: 1, raw: text, constant: true });
                }
                Value::FirstOf(expressions) => {
                    let raws =
                        expressions.iter().map(|path| self.encode_all(field, path.evaluate(focus, world), world));
                    let raws = raws.into_iter().find(|raws| !raws.is_empty()).unwrap_or_default();
                    for (repetition, raw) in (1..).zip(raws) {
                        values.push(Written { target: field.target, repetition, raw, constant: false });
                    }
                }
            }
        }
        values
    }

    fn encode_all(&self, field: &Field, found: Vec<Element>, world: &World) -> Vec<String> {
        found.into_iter().filter_map(|element| self.encode(field, element, world)).collect()
    }

    fn encode(&self, field: &Field, element: Element, world: &World) -> Option<String> {
        if let Encoding::Map(name) = &field.encoding {
            let datatype = self.plans.get(name)?.segments.first()?;
            let own = match (field.table, element) {
                (Some(table), Element::Node(node)) => untranslate(node, &self.tables[table]),
                _ => None,
            };
            return self.encode_datatype(datatype, own.as_ref().map_or(element, Element::Node), world);
        }
        let text = element.text()?;
        let text = match field.table {
            Some(table) => self.tables[table].find(text)?.value.as_str(),
            None => text,
        };
        let encoded = match field.encoding {
            Encoding::Raw => text.to_owned(),
            Encoding::Time => hl7_time(text),
            Encoding::UriPart => escape(&from_uri_part(text), Delimiters::default()).into_owned(),
            Encoding::Text | Encoding::Map(_) => escape(text, Delimiters::default()).into_owned(),
        };
        (!encoded.is_empty()).then_some(encoded)
    }

    fn encode_datatype(&self, segment: &Segment, element: Element, world: &World) -> Option<String> {
        let values = self.values(segment, 1, Some(element), world);
        if values.iter().all(|value| value.constant) {
            return None;
        }
        let mut components: BTreeMap<u16, BTreeMap<u16, String>> = BTreeMap::new();
        for Written { target, raw, .. } in values {
            let component = components.entry(target.component.max(1)).or_default();
            component.entry(target.subcomponent.max(1)).or_insert(raw);
        }
        let inner = components.into_iter().map(|(number, parts)| (number, spread(parts, '&'))).collect();
        Some(spread(inner, '^'))
    }
}

struct Written {
    target: Target,
    repetition: u16,
    raw: String,
    constant: bool,
}

/// Parts at their numbers, with the separator between.
fn spread(parts: BTreeMap<u16, String>, separator: char) -> String {
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

impl Criterion {
    fn holds(&self, focus: Option<Element>, world: &World) -> bool {
        let found = self.path.evaluate(focus, world);
        let holds = match &self.text {
            None => !found.is_empty(),
            Some(text) => found.iter().any(|element| element.text() == Some(text)),
        };
        holds != self.negated
    }
}

/// `2026-03-12T08:45:00.5+01:00` to `20260312084500.5+0100`; what is no FHIR time passes without its punctuation.
fn hl7_time(text: &str) -> String {
    let (date, time) = text.split_once('T').map_or((text, ""), |(date, time)| (date, time));
    let at = time.find(['+', '-', 'Z']).unwrap_or(time.len());
    let (clock, offset) = time.split_at(at);
    let offset = if offset == "Z" { "+0000" } else { offset };
    [date.replace('-', ""), clock.replace(':', ""), offset.replace(':', "")].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lose_their_punctuation() {
        for (fhir, hl7) in [
            ("2026-03", "202603"),
            ("2026-03-12", "20260312"),
            ("2026-03-12T08:45:00+01:00", "20260312084500+0100"),
            ("2026-03-12T08:45:00.250Z", "20260312084500.250+0000"),
            ("2026-03-12T08:45:00-05:00", "20260312084500-0500"),
        ] {
            assert_eq!(hl7_time(fhir), hl7);
        }
    }
}
