//! Fields that are left unmapped on purpose, each with its reason: for reports on what a release does not carry over.

use smol_str::SmolStr;

use super::Compiler;
use super::source::Item;
use crate::mapping::diagnostic::Mistake;
use crate::mapping::notation::{self, source::is_segment_name};
use crate::mapping::plan::{Action, Rule, Source};
use crate::mapping::written::UnmappedEntry;

/// A field that is left unmapped on purpose. Where a rule maps it all the same, the rule counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// `PID`, or the data type `CX` of a path like `CX.3`.
    pub owner: SmolStr,
    pub is_datatype: bool,
    /// 0 where the level is not named, and for a data type.
    pub field: u16,
    pub component: u16,
    pub subcomponent: u16,
    pub reason: SmolStr,
    /// `mappings/v2/segment/PID-Patient.yaml:3`.
    pub place: SmolStr,
}

impl Declared {
    const fn path(&self) -> (&SmolStr, u16, u16, u16) {
        (&self.owner, self.field, self.component, self.subcomponent)
    }
}

impl Compiler<'_> {
    /// Reads the entries of one file, whose rules they must not contradict.
    pub(super) fn unmapped(&mut self, entries: Vec<UnmappedEntry>, rules: &[Rule]) {
        let first = self.declared.len();
        for entry in entries {
            let Some(declared) = self.declared_of(&entry) else { continue };
            if self.declared[first..].iter().any(|other| other.path() == declared.path()) {
                let message = format!("`{}` is here twice", entry.from.text);
                self.report(Mistake::Duplicate, entry.from.place, message, "");
            }
            if let Some(rule) = rules.iter().find(|rule| reads(rule, &declared)) {
                let message = format!("`{}` is mapped after all", entry.from.text);
                self.report(Mistake::MappedAfterAll, entry.from.place, message, format!("by the rule `{}`", rule.id));
            }
            self.declared.push(declared);
        }
    }

    fn declared_of(&mut self, entry: &UnmappedEntry) -> Option<Declared> {
        let from = &entry.from;
        let reason = entry.reason.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if reason.is_empty() {
            self.report(Mistake::MissingKey, entry.reason.place, "the reason is empty", "");
        }
        let place = smol_str::format_smolstr!("{}:{}", self.names[usize::from(from.place.file)], from.place.line);
        let declared = |owner: &SmolStr, is_datatype, [field, component, subcomponent]: [u16; 3]| Declared {
            owner: owner.clone(),
            is_datatype,
            field,
            component,
            subcomponent,
            reason: reason.as_str().into(),
            place,
        };
        if is_segment_name(&from.text) {
            let segment = SmolStr::from(from.text.as_str());
            return self.segment_is_known(&segment, from).then(|| declared(&segment, false, [0; 3]));
        }
        let item = from.text.split_once('.').map_or(Item::None, |(datatype, _)| Item::Named(datatype.into()));
        match notation::Source::parse(&from.text) {
            Ok(notation::Source::Segment(path)) if path.repetition == 0 => self
                .segment_path_fits(&path, from)
                .then(|| declared(&path.segment, false, [path.field, path.component, path.subcomponent])),
            Ok(notation::Source::Item(path)) if !path.datatype.is_empty() => self
                .item_fits(&path, from, &item)
                .then(|| declared(&path.datatype, true, [0, path.component, path.subcomponent])),
            _ => {
                let hint = "write a segment, or a path like PID-1, PID-3.2 or CX.3";
                self.report(Mistake::SourcePath, from.place, "this names no field", hint);
                None
            }
        }
    }
}

/// Whether a rule maps what is declared; a condition on it does not.
fn reads(rule: &Rule, declared: &Declared) -> bool {
    let inner = match &rule.action {
        Action::Group { rules, .. } => rules.as_slice(),
        _ => &[],
    };
    names(&rule.source, declared) || inner.iter().any(|rule| reads(rule, declared))
}

fn names(source: &Source, declared: &Declared) -> bool {
    match source {
        Source::Segment(path) => declared.path() == (&path.segment, path.field, path.component, path.subcomponent),
        Source::Item(path) => declared.path() == (&path.datatype, 0, path.component, path.subcomponent),
        Source::FirstOf(sources) | Source::Call(_, sources) => sources.iter().any(|source| names(source, declared)),
        Source::Nothing | Source::Constant(_) => false,
    }
}
