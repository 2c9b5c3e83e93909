//! Rules: sources, conditions and targets put together, values and targets matched by type.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use smol_str::{SmolStr, format_smolstr};

use super::source::{Item, kinds_of};
use super::{Compiler, Signature};
use crate::fhir::Node;
use crate::fhir::bindings::ValueSet;
use crate::fhir::definitions::{self, Primitive};
use crate::mapping::diagnostic::{Mistake, Place, meant};
use crate::mapping::plan::{Action, Library, Rule, Source};
use crate::mapping::presence::Presence;
use crate::mapping::run::leaf;
use crate::mapping::written::RuleEntry;
use crate::mapping::yaml::Scalar;

/// Codes that a hint lists.
const CODES_IN_HINT: usize = 12;

impl Compiler<'_> {
    pub(super) fn rules(&mut self, entries: Vec<RuleEntry>, owner: &str, item: &Item) -> Vec<Rule> {
        entries.into_iter().filter_map(|entry| self.rule(entry, owner, item)).collect()
    }

    fn rule(&mut self, entry: RuleEntry, owner: &str, item: &Item) -> Option<Rule> {
        let origin = self.origin(entry.place);
        let id = format_smolstr!("{}/{}", self.scope, entry.name);
        let place = entry.place;
        let when = entry.when.as_ref().map(|when| self.condition(when, item));
        let source = self.source(&entry, item);
        let end = self.target(entry.to.as_ref(), owner)?;
        let inner = match &source {
            None | Some(Source::Nothing) => item.clone(),
            Some(source) => Item::Chosen(kinds_of(source, item)),
        };
        let value_place = entry.value.as_ref().map(|value| value.place);
        let code_place = entry.code.as_ref().map(|code| code.place);
        let action = self.action(entry, &end.kind, &inner)?;
        if let Some(bound) = end.bound {
            self.codes_fit(bound, source.as_ref().zip(value_place), &action, code_place);
        }
        if matches!(when, Some(None)) {
            return None;
        }
        let rule = Rule {
            number: 0,
            id,
            origin,
            when: when.flatten(),
            needs: Presence::ALWAYS,
            when_needs: Presence::ALWAYS,
            source: source?,
            target: end.steps,
            action,
        };
        Some(rule).filter(|rule| self.has_what_it_needs(rule, owner, place, value_place.unwrap_or(place)))
    }

    /// What a constant or a code table writes must be among the codes that R4 allows for the element.
    fn codes_fit(
        &mut self,
        bound: &ValueSet,
        value: Option<(&Source, Place)>,
        action: &Action,
        code_place: Option<Place>,
    ) {
        let hint = || {
            let some: Vec<&str> = bound.codes().take(CODES_IN_HINT).collect();
            format!(
                "{} has {}{}",
                bound.name,
                some.join(", "),
                if bound.codes().count() > some.len() { ", …" } else { "" }
            )
        };
        match (value, action) {
            (Some((Source::Constant(text), place)), Action::Leaf { primitive: Primitive::Code, table: None })
                if !bound.contains(None, text) && !text.contains(char::is_whitespace) =>
            {
                let message = format!("the element may not have the code `{text}`");
                self.report(Mistake::CodeNotAllowed, place, message, hint());
            }
            (_, Action::Leaf { table: Some(table), .. } | Action::Map { table: Some(table), .. }) => {
                let targets = self.table_targets.get(*table).map_or(&[][..], Vec::as_slice);
                let wrong = targets.iter().find(|code| !code.is_empty() && !bound.contains(None, code));
                if let (Some(wrong), Some(place)) = (wrong, code_place) {
                    let message = format!("the table gives `{wrong}`, which the element may not have");
                    self.report(Mistake::CodeNotAllowed, place, message, hint());
                }
            }
            _ => {}
        }
    }

    fn has_what_it_needs(&mut self, rule: &Rule, owner: &str, place: Place, value: Place) -> bool {
        let grouped = matches!(rule.action, Action::Group { .. } | Action::Refer { .. } | Action::Each { .. });
        let sourced = !matches!(rule.source, Source::Nothing);
        let here = rule.target.is_empty() && matches!(rule.action, Action::Group { .. });
        if !grouped && !sourced {
            let hint = "write from, first_of or value";
            self.report(Mistake::MissingKey, place, "the rule has no source", hint);
        }
        if here && !sourced && owner.is_empty() {
            self.report(Mistake::MissingKey, place, "the rule has no target", "write `to`");
        }
        (grouped || sourced) && self.constant_fits(rule, value)
    }

    /// A constant that does not fit would be an issue in every message; a plain one is not looked at again.
    fn constant_fits(&mut self, rule: &Rule, place: Place) -> bool {
        let (Source::Constant(text), Action::Leaf { primitive, table: None }) = (&rule.source, &rule.action) else {
            return true;
        };
        let converted = leaf::convert(*primitive, text, &TimeZone::UTC);
        let fits = converted.is_ok_and(|node| !primitive.is_plain() || node == Node::String(text.clone()));
        if !fits {
            self.report(Mistake::TypeClash, place, "the constant is no value of the type of the target", "");
        }
        fits
    }

    fn source(&mut self, entry: &RuleEntry, item: &Item) -> Option<Source> {
        let ways = [
            entry.from.is_some(),
            !entry.first_of.is_empty(),
            entry.value.is_some(),
            entry.refer.is_some(),
            entry.each.is_some(),
        ];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            let hint = "one of from, first_of, value, refer, each";
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

    fn action(&mut self, entry: RuleEntry, kind: &SmolStr, item: &Item) -> Option<Action> {
        if let Some(name) = entry.refer {
            return self.refer(&name, kind);
        }
        if let Some(name) = entry.each {
            self.resource_is_named(&name);
            let rules = self.rules(entry.rules, kind, &Item::None);
            return Some(Action::Each { name: name.text.as_str().into(), rules });
        }
        if !entry.rules.is_empty() {
            let rules = self.rules(entry.rules, kind, item);
            self.requires_elements(kind, &rules, entry.place);
            let constant = rules.iter().all(is_constant);
            return Some(Action::Group { rules, constant });
        }
        let table = entry.code.as_ref().map(|code| self.table_named(code));
        let table = table.map_or(Some(None), |found| found.map(Some))?;
        match (&entry.map, Primitive::of(kind)) {
            (Some(name), _) => {
                let action = self.mapped(name, entry.link.as_ref(), kind, table)?;
                self.datatype_fits(name, item);
                self.table_has_effect(&action, entry.code.as_ref()).then_some(action)
            }
            (None, Some(primitive)) => Some(Action::Leaf { primitive, table }),
            (None, None) => {
                let hint = "write `as` with a data type map, or `rules`";
                self.report(Mistake::TypeClash, entry.place, format!("{kind} is not a plain value"), hint);
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

    /// Resources have names in a message map only.
    fn resource_is_named(&mut self, name: &Scalar) {
        let hint = match &self.resource_names {
            Some(names) if names.contains(&SmolStr::from(name.text.as_str())) => return,
            Some(names) => format!("named here: {}", names.join(", ")),
            None => "only the rules of a message map refer to its resources".to_owned(),
        };
        let message = format!("no resource here is named `{}`", name.text);
        self.report(Mistake::UnknownResource, name.place, message, hint);
    }

    fn refer(&mut self, name: &Scalar, kind: &str) -> Option<Action> {
        self.resource_is_named(name);
        if kind == "Reference" {
            return Some(Action::Refer { name: name.text.as_str().into() });
        }
        let message = format!("{kind} cannot hold a reference");
        self.report(Mistake::TypeClash, name.place, message, "");
        None
    }

    pub(super) fn table_named(&mut self, code: &Scalar) -> Option<usize> {
        let found = self.tables.get(code.text.as_str()).copied();
        if found.is_none() {
            let hint = meant(&code.text, self.tables.keys().map(SmolStr::as_str));
            self.report(Mistake::UnknownTable, code.place, format!("there is no code table `{}`", code.text), hint);
        }
        found
    }

    fn mapped(&mut self, name: &Scalar, link: Option<&Scalar>, kind: &SmolStr, table: Option<usize>) -> Option<Action> {
        let Some(Signature { index: map, target, datatype, .. }) = self.maps.get(name.text.as_str()).cloned() else {
            let hint = meant(&name.text, self.maps.keys().map(SmolStr::as_str));
            self.report(Mistake::UnknownMap, name.place, format!("there is no map `{}`", name.text), hint);
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
        let message = format!("`{}` makes {target}, but the target is {kind}", name.text);
        self.report(Mistake::TypeClash, name.place, message, "");
        None
    }

    /// A map for XPN does nothing good with a CX.
    fn datatype_fits(&mut self, name: &Scalar, item: &Item) {
        let (Item::Chosen(kinds), Some(signature)) = (item, self.maps.get(name.text.as_str())) else { return };
        if kinds.admit(&signature.source) {
            return;
        }
        let message = format!("`{}` works on {}, and the source is {kinds}", name.text, signature.source);
        let target = signature.target.clone();
        let fitting =
            self.maps.iter().filter(|(_, map)| map.datatype && map.target == target && kinds.admit(&map.source));
        let fitting: BTreeSet<&str> = fitting.map(|(name, _)| name.as_str()).collect();
        let hint = if fitting.is_empty() {
            String::new()
        } else {
            format!("there is {}", fitting.into_iter().collect::<Vec<_>>().join(", "))
        };
        self.report(Mistake::DataTypeClash, name.place, message, hint);
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

fn is_constant(rule: &Rule) -> bool {
    match &rule.action {
        Action::Group { constant, .. } => *constant,
        _ => matches!(rule.source, Source::Constant(_)),
    }
}

/// Whether the rules of one map lead to another, itself included.
pub(super) fn reaches(library: &Library, from: usize, to: usize, seen: &mut Vec<usize>) -> bool {
    library.maps[from].rules.iter().any(|rule| rule_reaches(library, rule, to, seen))
}

fn rule_reaches(library: &Library, rule: &Rule, to: usize, seen: &mut Vec<usize>) -> bool {
    let next = match &rule.action {
        Action::Group { rules, .. } | Action::Each { rules, .. } => {
            return rules.iter().any(|rule| rule_reaches(library, rule, to, seen));
        }
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
