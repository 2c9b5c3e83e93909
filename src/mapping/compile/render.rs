//! The other direction: FHIRPath read, target paths in the message read, encodings and tables found.

use std::collections::HashMap;

use smol_str::SmolStr;

use super::Compiler;
use crate::fhir::path::Expression;
use crate::mapping::diagnostic::Mistake;
use crate::mapping::notation::{self, Source};
use crate::mapping::render::{Criterion, Encoding, Field, RenderPlan, Segment, Target, Value};
use crate::mapping::written::{RenderField, RenderFile, RenderSegment, stem};
use crate::mapping::yaml::Scalar;

impl Compiler<'_> {
    pub(super) fn render(&mut self, file: RenderFile, renders: &mut HashMap<SmolStr, RenderPlan>) {
        let name = match &file.datatype {
            Some(_) => SmolStr::from(stem(&self.file)),
            None => file.name.text.as_str().into(),
        };
        let segments = file.segments.into_iter().map(|segment| self.render_segment(segment)).collect();
        let taken = renders.insert(name, RenderPlan { segments }).is_some();
        self.refuse_double(taken, &file.name);
    }

    fn render_segment(&mut self, entry: RenderSegment) -> Segment {
        let each = entry.each.as_ref().and_then(|each| self.expression(each));
        let when = entry.when.as_ref().and_then(|when| self.criterion(when));
        let fields = entry.fields.into_iter().filter_map(|field| self.render_field(&entry.name.text, field)).collect();
        Segment { name: entry.name.text.into(), each, when, required: entry.required, fields }
    }

    fn render_field(&mut self, owner: &str, entry: RenderField) -> Option<Field> {
        let target = self.render_target(owner, &entry.to);
        let when = entry.when.as_ref().map(|when| self.criterion(when));
        let expressions: Vec<_> = entry.from.iter().map(|from| self.expression(from)).collect();
        let expressions: Option<Vec<_>> = expressions.into_iter().collect();
        let value = match (entry.value, expressions?) {
            (Some(value), from) if from.is_empty() => Value::Constant(value.text.into()),
            (None, from) if !from.is_empty() => Value::FirstOf(from),
            _ => {
                self.report(
                    Mistake::MissingKey,
                    entry.place,
                    "the field has no source",
                    "one of from, first_of, value",
                );
                return None;
            }
        };
        let table = entry.code.as_ref().map(|code| self.table_named(code));
        let encoding = entry.encoding.as_ref().map_or(Some(Encoding::Text), |name| self.encoding(name));
        if matches!(when, Some(None)) || matches!(table, Some(None)) {
            return None;
        }
        Some(Field { target: target?, value, encoding: encoding?, table: table.flatten(), when: when.flatten() })
    }

    fn render_target(&mut self, owner: &str, to: &Scalar) -> Option<Target> {
        let (name, target) = match Source::parse(&to.text) {
            Ok(Source::Segment(path)) => {
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

    /// `PATH`, `not PATH`, `PATH = 'text'`.
    fn criterion(&mut self, scalar: &Scalar) -> Option<Criterion> {
        let (negated, rest) = match scalar.text.strip_prefix("not ") {
            Some(rest) => (true, rest),
            None => (false, scalar.text.as_str()),
        };
        let (path, text) = match rest.split_once(" = ") {
            Some((path, text)) => (path, Some(text.trim_matches('\'').into())),
            None => (rest, None),
        };
        let path = Scalar { place: scalar.place, text: path.to_owned() };
        Some(Criterion { negated, path: self.expression(&path)?, text })
    }

    fn encoding(&mut self, name: &Scalar) -> Option<Encoding> {
        match name.text.as_str() {
            "DTM" => Some(Encoding::Time),
            "ER7" => Some(Encoding::Raw),
            "URI" => Some(Encoding::UriPart),
            other if self.encodings.contains(other) => Some(Encoding::Map(other.into())),
            other => {
                let hint = "DTM, ER7, URI or the name of an encode file";
                self.report(Mistake::UnknownMap, name.place, format!("there is no encoding `{other}`"), hint);
                None
            }
        }
    }
}
