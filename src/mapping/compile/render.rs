//! The other direction: FHIRPath read, target paths in the message read, encodings and tables found.

use std::collections::HashMap;

use smol_str::SmolStr;

use super::Compiler;
use crate::fhir::path::Expression;
use crate::mapping::diagnostic::Mistake;
use crate::mapping::notation::{self, Source};
use crate::mapping::render::{Criterion, Encoding, Entry, Field, Form, Group, RenderPlan, Segment, Target, Value};
use crate::mapping::written::{RenderEntry, RenderField, RenderFile, RenderGroup, RenderSegment, stem};
use crate::mapping::yaml::Scalar;

/// How an outgoing message is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Make {
    /// Of its own segments alone.
    Whole,
    /// With the segments of other files.
    Including,
    /// As a variant of another.
    Variant,
}

impl Make {
    pub(super) fn of(file: &RenderFile) -> Self {
        match file.based_on {
            Some(_) => Self::Variant,
            None if RenderEntry::any_includes(&file.entries) => Self::Including,
            None => Self::Whole,
        }
    }
}

impl Compiler<'_> {
    pub(super) fn render(&mut self, file: RenderFile, renders: &mut HashMap<SmolStr, RenderPlan>) {
        let name = match &file.datatype {
            Some(_) => SmolStr::from(stem(&self.file)),
            None => file.name.text.as_str().into(),
        };
        let based_on = file.based_on.as_ref().and_then(|base| self.message_named(base, |made| made != Make::Variant));
        if file.entries.is_empty() && file.based_on.is_none() && file.datatype.is_none() {
            let hint = "list them, or name in `based_on` the message that this one is a variant of";
            self.report(Mistake::MissingKey, file.name.place, "the message has no segments", hint);
        }
        let entries = file.entries.into_iter().filter_map(|entry| self.render_entry(entry)).collect();
        let owner = file.datatype.map(|datatype| datatype.text);
        let fields = file.fields.into_iter().filter_map(|field| {
            let owner = owner.clone().unwrap_or_else(|| segment_of(&field.to.text).to_owned());
            Some((SmolStr::from(owner.as_str()), self.render_field(&owner, field)?))
        });
        let plan = RenderPlan { based_on, entries, fields: fields.collect() };
        let taken = renders.insert(name, plan).is_some();
        self.refuse_double(taken, &file.name);
    }

    fn render_entry(&mut self, entry: RenderEntry) -> Option<Entry> {
        match entry {
            RenderEntry::Segment(segment) => Some(Entry::Segment(self.render_segment(segment))),
            RenderEntry::Include(name) => self.message_named(&name, |made| made == Make::Whole).map(Entry::Include),
            RenderEntry::Group(RenderGroup { each, entries }) => {
                let each = self.expression(&each);
                let entries = entries.into_iter().filter_map(|entry| self.render_entry(entry)).collect();
                Some(Entry::Group(Group { each: each?, entries }))
            }
        }
    }

    /// A message or part of one that is of the kind asked for, so that no chain of files can come back to itself.
    fn message_named(&mut self, name: &Scalar, fits: fn(Make) -> bool) -> Option<SmolStr> {
        let name_text = SmolStr::from(name.text.as_str());
        match self.renders.get(&name_text) {
            Some(made) if fits(*made) => return Some(name_text),
            Some(_) => {
                let hint = "no variant is included or varied, and what is included includes nothing";
                self.report(Mistake::Cycle, name.place, format!("`{name_text}` is made of others itself"), hint);
            }
            None => {
                let hint = "the name that a render file gives";
                self.report(Mistake::UnknownMap, name.place, format!("there is no message `{name_text}`"), hint);
            }
        }
        None
    }

    fn render_segment(&mut self, entry: RenderSegment) -> Segment {
        let each = entry.each.as_ref().and_then(|each| self.expression(each));
        let when = entry.when.as_ref().and_then(|when| self.criteria(when)).unwrap_or_default();
        let fields = entry.fields.into_iter().filter_map(|field| self.render_field(&entry.name.text, field)).collect();
        Segment { name: entry.name.text.into(), each, when, required: entry.required, fields }
    }

    fn render_field(&mut self, owner: &str, entry: RenderField) -> Option<Field> {
        let target = self.render_target(owner, &entry.to);
        let when = entry.when.as_ref().map_or(Some(Vec::new()), |when| self.criteria(when));
        let expressions: Vec<_> = entry.from.iter().map(|from| self.expression(from)).collect();
        let expressions: Option<Vec<_>> = expressions.into_iter().collect();
        let value = match (entry.value, expressions?) {
            (Some(value), from) if from.is_empty() => Value::Constant(value.text.into()),
            (None, from) if !from.is_empty() => Value::FirstOf(from),
            _ => {
                let hint = "one of from, first_of, value";
                self.report(Mistake::MissingKey, entry.place, "the field has no source", hint);
                return None;
            }
        };
        let table = entry.code.as_ref().map(|code| self.table_named(code));
        let encoding = entry.encoding.as_ref().map_or(Some(Encoding::Text), |name| self.encoding(name));
        if matches!(table, Some(None)) {
            return None;
        }
        Some(Field { target: target?, value, encoding: encoding?, table: table.flatten(), when: when? })
    }

    fn render_target(&mut self, owner: &str, to: &Scalar) -> Option<Target> {
        let (name, target) = match Source::parse(&to.text) {
            Ok(Source::Segment(path)) => {
                self.segment_path_fits(&path, to);
                let target = Target { field: path.field, component: path.component, subcomponent: path.subcomponent };
                (path.segment, target)
            }
            Ok(Source::Item(path)) => {
                let target = Target { field: 1, component: path.component, subcomponent: path.subcomponent };
                (path.datatype, target)
            }
            Ok(_) => (SmolStr::default(), Target { field: 0, component: 0, subcomponent: 0 }),
            Err(fault) => {
                self.fault(Mistake::SourcePath, to, &fault);
                return None;
            }
        };
        if name == owner {
            return Some(target);
        }
        self.report(Mistake::SourcePath, to.place, format!("expected a place in {owner}"), "");
        None
    }

    fn expression(&mut self, scalar: &Scalar) -> Option<Expression> {
        match Expression::parse(&scalar.text) {
            Ok(expression) => Some(expression),
            Err(fault) => {
                let fault = notation::Fault::new(fault.at, fault.expected);
                self.fault(Mistake::SourcePath, scalar, &fault);
                None
            }
        }
    }

    /// `PATH`, `not PATH`, `PATH = 'text'`, `not PATH = 'text'`, joined by `and`.
    fn criteria(&mut self, scalar: &Scalar) -> Option<Vec<Criterion>> {
        // An `and` in brackets belongs to the path.
        let depth = |text: &str| text.matches('(').count() == text.matches(')').count();
        let mut parts: Vec<String> = Vec::new();
        for part in scalar.text.split(" and ") {
            match parts.last_mut().filter(|last| !depth(last)) {
                Some(last) => last.extend([" and ", part]),
                None => parts.push(part.to_owned()),
            }
        }
        parts.into_iter().map(|text| self.criterion(&Scalar { place: scalar.place, text })).collect()
    }

    fn criterion(&mut self, scalar: &Scalar) -> Option<Criterion> {
        let (negated, rest) = match scalar.text.strip_prefix("not ") {
            Some(rest) => (true, rest),
            None => (false, scalar.text.as_str()),
        };
        let (path, text) = match rest.rsplit_once(" = ") {
            Some((path, text)) if !text.ends_with(')') => (path, Some(text.trim_matches('\'').into())),
            _ => (rest, None),
        };
        let path = Scalar { place: scalar.place, text: path.to_owned() };
        Some(Criterion { negated, path: self.expression(&path)?, text })
    }

    fn encoding(&mut self, name: &Scalar) -> Option<Encoding> {
        match name.text.as_str() {
            "DTM" => Some(Encoding::Time),
            "ER7" => Some(Encoding::Raw),
            "URI" => Some(Encoding::UriPart),
            "SYSTEM" => Some(Encoding::System),
            "ELD" => Some(Encoding::Location(Form::Eld)),
            "ERL" => Some(Encoding::Location(Form::Erl)),
            other if self.encodings.contains(other) => Some(Encoding::Map(other.into())),
            other => {
                let hint = "DTM, ELD, ER7, ERL, SYSTEM, URI or the name of an encode file";
                self.report(Mistake::UnknownMap, name.place, format!("there is no encoding `{other}`"), hint);
                None
            }
        }
    }
}

/// `MSH` of `MSH-21.1`.
fn segment_of(target: &str) -> &str {
    target.split('-').next().unwrap_or(target)
}
