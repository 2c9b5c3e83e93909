//! Rules: sources and conditions read, targets walked through R4, values and targets matched by type.

use jiff::tz::TimeZone;
use smol_str::{SmolStr, format_smolstr};

use super::{Compiler, Signature};
use crate::fhir::Node;
use crate::fhir::definitions::{self, Primitive};
use crate::mapping::diagnostic::{Mistake, Place};
use crate::mapping::functions::Function;
use crate::mapping::notation::{self, Condition, Fault, TargetPath};
use crate::mapping::plan::{Action, Library, Origin, Rule, Source, Step};
use crate::mapping::run::leaf;
use crate::mapping::written::RuleEntry;
use crate::mapping::yaml::Scalar;

/// What `$this` and paths without a dash mean where a rule stands.
#[derive(Clone)]
pub(super) enum Item {
    /// Nothing: the rule works on a segment.
    None,
    /// The data type of the map.
    Named(SmolStr),
    /// Something that a rule around this one chose.
    Chosen,
}

/// Where a target path ends.
struct End {
    steps: Vec<Step>,
    kind: SmolStr,
}

impl Compiler<'_> {
    pub(super) fn rules(&mut self, entries: Vec<RuleEntry>, owner: &str, item: &Item) -> Vec<Rule> {
        entries.into_iter().filter_map(|entry| self.rule(entry, owner, item)).collect()
    }

    fn rule(&mut self, entry: RuleEntry, owner: &str, item: &Item) -> Option<Rule> {
        let origin = Origin { file: entry.place.file, line: entry.place.line };
        let id = format_smolstr!("{}/{}", self.scope, entry.name);
        let place = entry.place;
        let when = entry.when.as_ref().map(|when| self.condition(when, item));
        let source = self.source(&entry, item);
        let end = self.target(entry.to.as_ref(), owner)?;
        let inner = if matches!(source, Some(Source::Nothing)) { item.clone() } else { Item::Chosen };
        let action = self.action(entry, &end.kind, &inner)?;
        if matches!(when, Some(None)) {
            return None;
        }
        Some(Rule { number: 0, id, origin, when: when.flatten(), source: source?, target: end.steps, action })
            .filter(|rule| self.has_what_it_needs(rule, owner, place))
    }

    fn has_what_it_needs(&mut self, rule: &Rule, owner: &str, place: Place) -> bool {
        let grouped = matches!(rule.action, Action::Group { .. } | Action::Refer { .. });
        let sourced = !matches!(rule.source, Source::Nothing);
        let here = rule.target.is_empty() && matches!(rule.action, Action::Group { .. });
        if !grouped && !sourced {
            let hint = "write from, first_of or value";
            self.report(Mistake::MissingKey, place, "the rule has no source", hint);
        }
        if here && !sourced && owner.is_empty() {
            self.report(Mistake::MissingKey, place, "the rule has no target", "write `to`");
        }
        (grouped || sourced) && self.constant_fits(rule, place)
    }

    /// Plain constants are not looked at again when the rule runs.
    fn constant_fits(&mut self, rule: &Rule, place: Place) -> bool {
        let (Source::Constant(text), Action::Leaf { primitive, table: None }) = (&rule.source, &rule.action) else {
            return true;
        };
        let fits =
            !primitive.is_plain() || leaf::convert(*primitive, text, &TimeZone::UTC) == Ok(Node::String(text.clone()));
        if !fits {
            self.report(Mistake::TypeClash, place, "the constant is no value of the type of the target", "");
        }
        fits
    }

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
            Condition::Present(_) => true,
            Condition::Valued(source)
            | Condition::In(source, _)
            | Condition::CountAbove(source, _)
            | Condition::CountBelow(source, _) => self.resolve_source(source, scalar, item).is_some(),
        }
    }

    fn source(&mut self, entry: &RuleEntry, item: &Item) -> Option<Source> {
        let ways = [entry.from.is_some(), !entry.first_of.is_empty(), entry.value.is_some(), entry.refer.is_some()];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            let hint = "one of from, first_of, value, refer";
            self.report(Mistake::UnknownKey, entry.place, "the rule has more than one source", hint);
            return None;
        }
        if let Some(from) = &entry.from {
            return self.path(from, item);
        }
        if let Some(value) = &entry.value {
            return Some(Source::Constant(value.text.as_str().into()));
        }
        if entry.first_of.is_empty() {
            return Some(Source::Nothing);
        }
        let paths: Vec<_> = entry.first_of.iter().map(|path| self.path(path, item)).collect();
        paths.into_iter().collect::<Option<_>>().map(Source::FirstOf)
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
            notation::Source::Segment(path) => Some(Source::Segment(path.clone())),
            notation::Source::Item(path) => {
                self.item_fits(&path.datatype, scalar, item).then(|| Source::Item(path.clone()))
            }
            notation::Source::Call { function, offset, arguments } => {
                let found = self.function(function, arguments.len(), *offset, scalar);
                let arguments: Vec<_> =
                    arguments.iter().map(|argument| self.resolve_source(argument, scalar, item)).collect();
                Some(Source::Call(found?, arguments.into_iter().collect::<Option<_>>()?))
            }
        }
    }

    fn item_fits(&mut self, datatype: &str, scalar: &Scalar, item: &Item) -> bool {
        let hint = match item {
            Item::Chosen => return true,
            Item::Named(name) if datatype.is_empty() || name == datatype => return true,
            Item::Named(name) => format!("this map works on {name}"),
            Item::None => "this rule works on a segment: write a path like PID-3.1".to_owned(),
        };
        let message = format!("`{}` has no item of that type here", scalar.text);
        self.report(Mistake::SourcePath, scalar.place, message, hint);
        false
    }

    fn function(&mut self, name: &str, arguments: usize, offset: usize, scalar: &Scalar) -> Option<Function> {
        let place = Place { width: width(name), ..self.inside(scalar, offset) };
        match Function::find(name, arguments) {
            Some(Ok(function)) => return Some(function),
            Some(Err(takes)) => {
                let message = format!("`{name}` takes {} to {} arguments", takes.start(), takes.end());
                self.report(Mistake::Function, place, message, "");
            }
            None => {
                let hint = format!("known: {}", Function::names());
                self.report(Mistake::Function, place, format!("there is no function `{name}`"), hint);
            }
        }
        None
    }

    fn target(&mut self, to: Option<&Scalar>, owner: &str) -> Option<End> {
        let Some(to) = to else {
            return Some(End { steps: Vec::new(), kind: owner.into() });
        };
        let path = match TargetPath::parse(&to.text) {
            Ok(path) => path,
            Err(fault) => {
                self.fault(Mistake::TargetSyntax, to, &fault);
                return None;
            }
        };
        let mut end = End { steps: Vec::new(), kind: owner.into() };
        for step in path.steps {
            if let Err(name) = walk(&mut end, step) {
                let message = format!("{} has no element `{name}`", end.kind);
                self.report(Mistake::TargetPath, to.place, message, suggestion(&end.kind, &name));
                return None;
            }
        }
        Some(end)
    }

    fn action(&mut self, entry: RuleEntry, kind: &SmolStr, item: &Item) -> Option<Action> {
        if let Some(name) = entry.refer {
            return self.refer(&name, kind);
        }
        if !entry.rules.is_empty() {
            let rules = self.rules(entry.rules, kind, item);
            let constant = rules.iter().all(is_constant);
            return Some(Action::Group { rules, constant });
        }
        let table = entry.code.as_ref().map(|code| self.table_named(code));
        let table = table.map_or(Some(None), |found| found.map(Some))?;
        match (&entry.map, Primitive::of(kind)) {
            (Some(name), _) => {
                let action = self.mapped(name, entry.link.as_ref(), kind, table)?;
                self.table_has_effect(&action, entry.code.as_ref()).then_some(action)
            }
            (None, Some(primitive)) => Some(Action::Leaf { primitive, table }),
            (None, None) => {
                let hint = "write `as` with a data type map, or `rules`";
                self.report(Mistake::TypeClash, entry.place, format!("a {kind} is not a plain value"), hint);
                None
            }
        }
    }

    /// Only an element made by a map can take the coding of a table.
    fn table_has_effect(&mut self, action: &Action, code: Option<&Scalar>) -> bool {
        let Some(code) = code.filter(|_| !matches!(action, Action::Map { .. })) else { return true };
        let hint = "translate within the map of `as`, or leave out `as`";
        self.report(Mistake::TypeClash, code.place, "the code table would not be used beside `as` here", hint);
        false
    }

    fn refer(&mut self, name: &Scalar, kind: &str) -> Option<Action> {
        if kind == "Reference" {
            return Some(Action::Refer { name: name.text.as_str().into() });
        }
        let message = format!("a {kind} cannot hold a reference");
        self.report(Mistake::TypeClash, name.place, message, "");
        None
    }

    pub(super) fn table_named(&mut self, code: &Scalar) -> Option<usize> {
        let found = self.tables.get(code.text.as_str()).copied();
        if found.is_none() {
            self.report(Mistake::UnknownTable, code.place, format!("there is no code table `{}`", code.text), "");
        }
        found
    }

    fn mapped(&mut self, name: &Scalar, link: Option<&Scalar>, kind: &SmolStr, table: Option<usize>) -> Option<Action> {
        let Some(Signature { index: map, target, datatype, .. }) = self.maps.get(name.text.as_str()).cloned() else {
            self.report(Mistake::UnknownMap, name.place, format!("there is no map `{}`", name.text), "");
            return None;
        };
        if !datatype {
            let message = format!("`{}` is a segment map", name.text);
            self.report(Mistake::TypeClash, name.place, message, "a rule uses data type maps");
            return None;
        }
        if let Some(link) = link {
            return self.link(link, map, &target, kind);
        }
        if kind == "Reference" && definitions::is_resource(&target) {
            return Some(Action::Make { map });
        }
        if Primitive::of(kind).is_some() && Primitive::of(&target).is_some() {
            return Some(Action::Scalar { map });
        }
        if target == *kind || (target == "Quantity" && matches!(kind.as_str(), "Duration" | "Age" | "Count")) {
            return Some(Action::Map { map, table });
        }
        let message = format!("`{}` makes a {target}, but the target is a {kind}", name.text);
        self.report(Mistake::TypeClash, name.place, message, "");
        None
    }

    fn link(&mut self, link: &Scalar, map: usize, target: &str, kind: &str) -> Option<Action> {
        if kind == "Reference" && target == "Identifier" && definitions::is_resource(&link.text) {
            return Some(Action::Link { map, kind: link.text.as_str().into() });
        }
        let hint = "`link` names a resource type, `as` a map to Identifier, and the target is a Reference";
        self.report(Mistake::TypeClash, link.place, "this is no link", hint);
        None
    }
}

fn width(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(1)
}

fn is_constant(rule: &Rule) -> bool {
    match &rule.action {
        Action::Group { constant, .. } => *constant,
        _ => matches!(rule.source, Source::Constant(_)),
    }
}

/// Goes one step on. A primitive that is stepped into holds its extensions beside it, under `_name`.
fn walk(end: &mut End, step: notation::Step) -> Result<(), SmolStr> {
    if Primitive::of(&end.kind).is_some() {
        let last = end.steps.last_mut().filter(|last| !last.list).ok_or_else(|| step.name.clone())?;
        last.key = format_smolstr!("_{}", last.key);
        end.kind = SmolStr::new_static("Element");
    }
    let found = match end.kind.as_str() {
        "Element" if step.name == "extension" => definitions::find("Extension", "extension"),
        kind => definitions::find(kind, &step.name),
    };
    let found = found.ok_or_else(|| step.name.clone())?;
    end.steps.push(Step { key: step.name, list: found.list, url: step.url });
    end.kind = SmolStr::new_static(found.kind);
    Ok(())
}

fn suggestion(kind: &str, name: &str) -> String {
    let near = |element: &&definitions::Element| {
        let stem = element.name.trim_end_matches("[x]");
        stem.eq_ignore_ascii_case(name) || (name.len() > 3 && (stem.starts_with(name) || name.starts_with(stem)))
    };
    let element = definitions::elements(kind).iter().find(near);
    element.map_or_else(String::new, |element| {
        let types: Vec<_> = element.types().take(6).collect();
        format!("there is `{}`: {}", element.name, types.join(", "))
    })
}

/// Whether the rules of one map lead to another, itself included.
pub(super) fn reaches(library: &Library, from: usize, to: usize, seen: &mut Vec<usize>) -> bool {
    library.maps[from].rules.iter().any(|rule| rule_reaches(library, rule, to, seen))
}

fn rule_reaches(library: &Library, rule: &Rule, to: usize, seen: &mut Vec<usize>) -> bool {
    let next = match &rule.action {
        Action::Group { rules, .. } => return rules.iter().any(|rule| rule_reaches(library, rule, to, seen)),
        Action::Map { map, .. } | Action::Scalar { map } | Action::Make { map } | Action::Link { map, .. } => *map,
        Action::Leaf { .. } | Action::Refer { .. } => return false,
    };
    if next == to {
        return true;
    }
    if seen.contains(&next) {
        return false;
    }
    seen.push(next);
    library.maps.get(next).is_some() && reaches(library, next, to, seen)
}
