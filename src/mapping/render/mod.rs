//! The other direction: HL7 v2 messages written from resources and named facts.
//!
//! A render file says segment by segment which field comes from which FHIRPath expression. `each` repeats a segment or
//! a group of them for everything an expression gives, which is then the focus of the fields. A segment without data
//! is not written, unless it is required. What an expression does not give leaves its field empty: rendering never
//! fails. A variant is a message with some fields of its own, for a partner who wants it so.

mod plan;
mod text;
mod untranslate;

use std::collections::{BTreeMap, HashMap};

use smol_str::SmolStr;

use super::functions::from_uri_part;
use super::plan::Table;
use crate::base::{Issue, IssueCode};
use crate::fhir::Resource;
use crate::fhir::path::{Element, Environment};
use crate::hl7v2::escape::escape;
use crate::hl7v2::path::FieldPath;
use crate::hl7v2::{Charset, Delimiters, Path, Selector, builder::MessageBuilder};

pub use plan::{Criterion, Encoding, Entry, Field, Form, Group, RenderPlan, Segment, Target, Value};
use text::{hl7_time, location, spread, system_name};
use untranslate::untranslate;

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

struct World<'s> {
    sources: &'s Sources<'s>,
    /// What the group at hand stands for.
    context: Option<Element<'s>>,
    /// Which of the group's repetitions that is.
    number: u32,
}

impl<'s> Environment<'s> for World<'s> {
    fn resources(&self) -> &[&'s Resource] {
        self.sources.resources
    }

    fn constant(&self, name: &str) -> Option<&'s str> {
        self.sources.facts.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    fn context(&self) -> Option<Element<'s>> {
        self.context
    }
}

/// The plans and tables that rendering uses.
pub struct Renderer<'p> {
    pub plans: &'p HashMap<SmolStr, RenderPlan>,
    pub tables: &'p [Table],
}

/// A message in the making.
struct Draft<'p> {
    message: MessageBuilder,
    /// What a variant puts before the fields of a segment.
    variant: &'p [(SmolStr, Field)],
}

impl<'p> Renderer<'p> {
    /// The plan of this name. `OSU_O51-NORTH` is the variant of that name, if there is one, else `OSU_O51`.
    pub fn plan(&self, name: &str) -> Option<&'p RenderPlan> {
        self.plans.get(name).or_else(|| self.plans.get(name.split_once('-')?.0))
    }

    pub fn render(&self, plan: &'p RenderPlan, sources: &Sources, charset: Charset) -> Rendered {
        let base = plan.based_on.as_ref().and_then(|base| self.plans.get(base)).unwrap_or(plan);
        let mut draft = Draft { message: MessageBuilder::default(), variant: &plan.fields };
        self.entries(&base.entries, &World { sources, context: None, number: 1 }, &mut draft);
        let (bytes, lost) = draft.message.write(charset);
        let mut issues = Vec::new();
        if lost > 0 {
            let text = "some characters have no code in the character set of the receiver and were replaced";
            issues.push(Issue::warning(IssueCode::CharacterSet, text));
        }
        Rendered { bytes, issues }
    }

    fn entries(&self, entries: &[Entry], world: &World, draft: &mut Draft) {
        for entry in entries {
            match entry {
                Entry::Segment(segment) => self.segments(segment, world, draft),
                Entry::Include(name) => {
                    let included = self.plans.get(name).map_or(&[][..], |plan| &plan.entries);
                    self.entries(included, world, draft);
                }
                Entry::Group(group) => {
                    for (number, context) in (1..).zip(group.each.evaluate(world.context, world)) {
                        let world = World { context: Some(context), number, ..*world };
                        self.entries(&group.entries, &world, draft);
                    }
                }
            }
        }
    }

    fn segments(&self, segment: &Segment, world: &World, draft: &mut Draft) {
        let focuses: Vec<(u32, Option<Element>)> = match &segment.each {
            Some(each) => (1..).zip(each.evaluate(world.context, world).into_iter().map(Some)).collect(),
            None => vec![(world.number, world.context)],
        };
        for (number, focus) in focuses {
            if segment.when.iter().all(|when| when.holds(focus, world)) {
                self.segment(segment, number, focus, world, draft);
            }
        }
    }

    fn segment(&self, segment: &Segment, number: u32, focus: Option<Element>, world: &World, draft: &mut Draft) {
        let variant = draft.variant.iter().filter(|(owner, _)| *owner == segment.name).map(|(_, field)| field);
        let values = self.values(variant.chain(&segment.fields), number, focus, world);
        let from_data = values.iter().any(|value| !value.constant);
        if !from_data && !segment.required && segment.name != "MSH" {
            return;
        }
        let nth = if segment.name == "MSH" { 1 } else { draft.message.add_segment(&segment.name) };
        for Written { target, repetition, raw, .. } in values {
            let raw = if raw == "%number" { nth.to_string() } else { raw };
            let some = |number: u16| (number > 0).then_some(number);
            let field = FieldPath {
                number: target.field,
                selector: Selector::Nth(repetition),
                component: some(target.component),
                subcomponent: some(target.subcomponent),
            };
            let path = Path { segment: segment.name.clone(), segment_selector: Selector::Nth(nth), field: Some(field) };
            // A path of a checked file names one place for which the usual delimiters serve.
            let _unplaced = draft.message.put_raw(&path, &raw);
        }
    }

    /// The values of a segment or data type. The first value of a place stands.
    fn values<'f>(
        &self,
        fields: impl Iterator<Item = &'f Field>,
        number: u32,
        focus: Option<Element>,
        world: &World,
    ) -> Vec<Written> {
        let mut values: Vec<Written> = Vec::new();
        for field in fields {
            let taken = values.iter().any(|value| value.target == field.target);
            if taken || !field.when.iter().all(|when| when.holds(focus, world)) {
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
            let own = match (field.table, element) {
                (Some(table), Element::Node(node)) => untranslate(node, &self.tables[table]),
                _ => None,
            };
            return self.encode_datatype(name, own.as_ref().map_or(element, Element::Node), world);
        }
        let text = element.text()?;
        let text = match field.table.map(|table| self.tables[table].find(text)) {
            Some(Some(code)) => code.value.clone(),
            Some(None) if !matches!(field.encoding, Encoding::System) => return None,
            _ if matches!(field.encoding, Encoding::System) => system_name(text),
            _ => text.into(),
        };
        let encoded = match field.encoding {
            Encoding::Raw => text.to_string(),
            Encoding::Location(form) => location(&text, form)?,
            Encoding::Time => hl7_time(&text),
            Encoding::UriPart => escape(&from_uri_part(&text), Delimiters::default()).into_owned(),
            Encoding::Text | Encoding::System | Encoding::Map(_) => escape(&text, Delimiters::default()).into_owned(),
        };
        (!encoded.is_empty()).then_some(encoded)
    }

    fn encode_datatype(&self, name: &str, element: Element, world: &World) -> Option<String> {
        let fields = self.plans.get(name)?.fields.iter().map(|(_, field)| field);
        let values = self.values(fields, 1, Some(element), world);
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

#[cfg(test)]
mod tests;
