//! Sources and conditions: read, resolved, and checked against the HL7 dictionary.

use smol_str::SmolStr;

use super::Compiler;
use crate::hl7v2::dictionary::{self, Kinds};
use crate::mapping::diagnostic::{Mistake, Place, meant};
use crate::mapping::functions::Function;
use crate::mapping::notation::{self, Condition, Fault, ItemPath, SegmentPath};
use crate::mapping::plan::Source;
use crate::mapping::yaml::Scalar;

/// What `$this` and paths without a dash mean where a rule stands.
#[derive(Clone)]
pub(super) enum Item {
    /// Nothing: the rule works on a segment.
    None,
    /// The data type of the map.
    Named(SmolStr),
    /// Something that a rule around this one chose, with the types it has had.
    Chosen(Kinds),
}

impl Item {
    fn kinds(&self) -> Kinds {
        match self {
            Self::None => Kinds::open(),
            Self::Named(name) => dictionary::datatype(name),
            Self::Chosen(kinds) => kinds.clone(),
        }
    }
}

/// The types that the value of a source has had; open where they cannot be told.
pub(super) fn kinds_of(source: &Source, item: &Item) -> Kinds {
    match source {
        Source::Segment(path) => below(dictionary::field(&path.segment, path.field), path.component, path.subcomponent),
        Source::Item(path) => below(Some(item.kinds()), path.component, path.subcomponent),
        Source::FirstOf(sources) => Kinds::any_of(sources.iter().map(|source| kinds_of(source, item))),
        Source::Nothing | Source::Constant(_) | Source::Call(..) => Kinds::open(),
    }
}

fn below(kinds: Option<Kinds>, component: u16, subcomponent: u16) -> Kinds {
    let numbers = [component, subcomponent].into_iter().take_while(|number| *number > 0);
    let found = numbers.fold(kinds, |kinds, number| kinds?.component(number));
    found.unwrap_or_else(Kinds::open)
}

impl Compiler<'_> {
    pub(super) fn fault(&mut self, mistake: Mistake, scalar: &Scalar, fault: &Fault) {
        self.report(mistake, self.inside(scalar, fault.offset), format!("expected {}", fault.expected), "");
    }

    pub(super) fn condition(&mut self, scalar: &Scalar, item: &Item) -> Option<Condition> {
        match Condition::parse(&scalar.text) {
            Ok(condition) => self.items_fit(&condition, scalar, item).then_some(condition),
            Err(fault) => {
                self.fault(Mistake::Condition, scalar, &fault);
                None
            }
        }
    }

    fn items_fit(&mut self, condition: &Condition, scalar: &Scalar, item: &Item) -> bool {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().all(|part| self.items_fit(part, scalar, item))
            }
            Condition::Not(inner) => self.items_fit(inner, scalar, item),
            Condition::Present(segment) => self.segment_is_known(segment, scalar),
            Condition::Valued(source)
            | Condition::In(source, _)
            | Condition::CountAbove(source, _)
            | Condition::LengthAbove(source, _)
            | Condition::CountBelow(source, _) => self.resolve_source(source, scalar, item).is_some(),
        }
    }

    pub(super) fn path(&mut self, scalar: &Scalar, item: &Item) -> Option<Source> {
        match notation::Source::parse(&scalar.text) {
            Ok(source) => self.resolve_source(&source, scalar, item),
            Err(fault) => {
                self.fault(Mistake::SourcePath, scalar, &fault);
                None
            }
        }
    }

    fn resolve_source(&mut self, source: &notation::Source, scalar: &Scalar, item: &Item) -> Option<Source> {
        match source {
            notation::Source::Constant(text) => Some(Source::Constant(text.clone())),
            notation::Source::Segment(path) => {
                self.segment_path_fits(path, scalar).then(|| Source::Segment(path.clone()))
            }
            notation::Source::Item(path) => self.item_fits(path, scalar, item).then(|| Source::Item(path.clone())),
            notation::Source::Call { function, offset, arguments } => {
                let found = self.function(function, arguments.len(), *offset, scalar);
                let arguments: Vec<_> =
                    arguments.iter().map(|argument| self.resolve_source(argument, scalar, item)).collect();
                Some(Source::Call(found?, arguments.into_iter().collect::<Option<_>>()?))
            }
        }
    }

    pub(super) fn item_fits(&mut self, path: &ItemPath, scalar: &Scalar, item: &Item) -> bool {
        let hint = match item {
            Item::Chosen(kinds) if path.datatype.is_empty() || kinds.admit(&path.datatype) => None,
            Item::Named(name) if path.datatype.is_empty() || *name == path.datatype => None,
            Item::Chosen(kinds) => Some(format!("the item here is {kinds}")),
            Item::Named(name) => Some(format!("this map works on {name}")),
            Item::None => Some("this rule works on a segment: write a path like PID-3.1".to_owned()),
        };
        if let Some(hint) = hint {
            let message = format!("`{path}` has no item of that type here");
            self.report(Mistake::SourcePath, self.path_place(scalar, &path.to_string()), message, hint);
            return false;
        }
        let kinds = if path.datatype.is_empty() { item.kinds() } else { dictionary::datatype(&path.datatype) };
        self.parts_fit(&kinds, [path.component, path.subcomponent], &path.to_string(), scalar)
    }

    pub(super) fn segment_path_fits(&mut self, path: &SegmentPath, scalar: &Scalar) -> bool {
        let text = path.to_string();
        if !self.segment_is_known(&path.segment, scalar) {
            return false;
        }
        let Some(kinds) = dictionary::field(&path.segment, path.field) else {
            let count = dictionary::fields(&path.segment).unwrap_or(0);
            let message = format!("{} has no field {}", path.segment, path.field);
            let hint = format!("it has {count} fields");
            self.report(Mistake::UnknownField, self.path_place(scalar, &text), message, hint);
            return false;
        };
        self.parts_fit(&kinds, [path.component, path.subcomponent], &text, scalar)
    }

    pub(super) fn segment_is_known(&mut self, segment: &str, scalar: &Scalar) -> bool {
        if dictionary::is_segment(segment) {
            return true;
        }
        let place = Place { width: width(segment), ..self.inside(scalar, scalar.text.find(segment).unwrap_or(0)) };
        let message = format!("HL7 v2 has no segment `{segment}`");
        self.report(Mistake::UnknownSegment, place, message, meant(segment, dictionary::segments()));
        false
    }

    fn parts_fit(&mut self, whole: &Kinds, numbers: [u16; 2], path: &str, scalar: &Scalar) -> bool {
        let mut kinds = whole.clone();
        for number in numbers.into_iter().take_while(|number| *number > 0) {
            let Some(part) = kinds.component(number) else {
                let count = kinds.components();
                let message = format!("{kinds} has no component {number}");
                let hint = if count < 2 { "it has no components".to_owned() } else { format!("it has {count}") };
                self.report(Mistake::UnknownComponent, self.path_place(scalar, path), message, hint);
                return false;
            };
            kinds = part;
        }
        true
    }

    fn path_place(&self, scalar: &Scalar, path: &str) -> Place {
        Place { width: width(path), ..self.inside(scalar, offset_of(&scalar.text, path)) }
    }

    fn function(&mut self, name: &str, arguments: usize, offset: usize, scalar: &Scalar) -> Option<Function> {
        let place = Place { width: width(name), ..self.inside(scalar, offset) };
        match Function::find(name, arguments) {
            Some(Ok(function)) => return Some(function),
            Some(Err(takes)) => {
                let least = takes.start();
                let message = if least == takes.end() {
                    format!("`{name}` takes {least} arguments")
                } else {
                    format!("`{name}` takes {least} to {} arguments", takes.end())
                };
                self.report(Mistake::Function, place, message, "");
            }
            None => {
                let hint = format!("known: {}", Function::names());
                self.report(Mistake::Function, place, format!("there is no function `{name}`"), hint);
            }
        }
        None
    }
}

/// Where a path stands in a scalar that holds more than it.
fn offset_of(text: &str, path: &str) -> usize {
    let word = |c: char| c.is_ascii_alphanumeric() || "-.[]".contains(c);
    let alone = |at: &usize| !text[..*at].ends_with(word) && !text[at + path.len()..].starts_with(word);
    text.match_indices(path).map(|(at, _)| at).find(alone).unwrap_or(0)
}

pub(super) fn width(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(1)
}
