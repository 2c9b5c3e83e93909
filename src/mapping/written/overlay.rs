//! Overlay files as written, and what they do to the files below: rules, resources and code rows are added, replaced
//! or dropped, each with its reason.
//!
//! Overlays are laid over one after another, in the order of the files. What an overlay changes must be there.

use smol_str::{SmolStr, format_smolstr};

use super::ids::Names;
use super::keys::Keys;
use super::read::{Reason, WrittenFile, name_of};
use super::{Change, Deed, File, MessageFile, OverlayFile, RuleEntry, Side, TableFile};
use crate::mapping::diagnostic::{Mistake, Reporter, meant};
use crate::mapping::yaml::{Scalar, Yaml};

pub fn file(keys: &mut Keys, reporter: &mut Reporter) -> Option<OverlayFile> {
    keys.ignored(&["note"]);
    let name = keys.required("overlay", reporter);
    let changes = keys.list("changes", reporter);
    let changes = changes.into_iter().filter_map(|change| self::change(change, reporter)).collect();
    let unmapped = super::unmapped(keys, reporter);
    Some(OverlayFile { name: name?, changes, unmapped })
}

fn change(tree: Yaml, reporter: &mut Reporter) -> Option<Change> {
    let mut keys = Keys::of(tree, reporter)?;
    let place = keys.place();
    let within = keys.required("in", reporter);
    let reason = keys.required("reason", reporter);
    let deeds = deeds(&mut keys, reporter);
    keys.finish(reporter);
    let [deed] = <[Deed; 1]>::try_from(deeds)
        .map_err(|deeds| {
            let what = if deeds.is_empty() { "the change does nothing" } else { "the change does more than one thing" };
            let hint = "one of add, replace (with), drop, codes, rows_of, events, structure";
            reporter.report(Mistake::MissingKey, place, what, hint);
        })
        .ok()?;
    Some(Change { within: within?, reason: reason?, deed })
}

fn deeds(keys: &mut Keys, reporter: &mut Reporter) -> Vec<Deed> {
    let mut deeds = Vec::new();
    if let Some(what) = keys.tree("add") {
        let before = keys.scalar("before", reporter).map(|name| (Side::Before, name));
        let after = keys.scalar("after", reporter).map(|name| (Side::After, name));
        deeds.push(Deed::Add { what, beside: before.or(after) });
    }
    if let Some(name) = keys.scalar("replace", reporter) {
        match keys.tree("with") {
            Some(with) => deeds.push(Deed::Replace { name, with }),
            None => reporter.report(Mistake::MissingKey, name.place, "`with` is missing", "it holds the new rule"),
        }
    }
    deeds.extend(keys.scalar("drop", reporter).map(Deed::Drop));
    let codes = super::codes(keys, reporter);
    deeds.extend((!codes.is_empty()).then_some(Deed::Codes(codes)));
    deeds.extend(keys.scalar("rows_of", reporter).map(Deed::RowsOf));
    let events = keys.scalars("events", reporter);
    deeds.extend((!events.is_empty()).then_some(Deed::Events(events)));
    deeds.extend(keys.scalar("structure", reporter).map(Deed::Structure));
    deeds
}

/// Lays one overlay over the files.
pub fn lay(overlay: OverlayFile, files: &mut [WrittenFile], reasons: &mut Vec<Reason>, reporter: &mut Reporter) {
    for change in overlay.changes {
        let (name, inner) = change.within.text.split_once('/').unwrap_or((&change.within.text, ""));
        let inner = SmolStr::from(inner);
        let rows = rows_of(&change.deed, files, reporter);
        let names: Vec<SmolStr> = files.iter().filter_map(name_of).collect();
        let Some(file) = files.iter_mut().find(|file| name_of(file).is_some_and(|own| own == name)) else {
            let hint = meant(name, names.iter().map(SmolStr::as_str));
            let message = format!("there is no map, message or table `{name}`");
            reporter.report(Mistake::OverlayTarget, change.within.place, message, hint);
            continue;
        };
        let name = name.to_owned();
        let mut changed = Vec::new();
        match (&mut file.file, change.deed) {
            (File::Table(table), Deed::RowsOf(_)) => set_rows(table, rows, &mut changed),
            (File::Table(table), deed) => change_table(table, deed, &mut changed, reporter),
            (File::Message(message), Deed::Events(events)) => {
                message.events.extend(events);
                changed.push(SmolStr::default());
            }
            (File::Message(message), Deed::Structure(structure)) => {
                message.structure = structure;
                changed.push(SmolStr::default());
            }
            (File::Message(message), deed) if inner.is_empty() => change_message(message, deed, &mut changed, reporter),
            (file, deed) => change_rules(file, &inner, &change.within, deed, &mut changed, reporter),
        }
        let reason = change.reason.text.split_whitespace().collect::<Vec<_>>().join(" ");
        reasons.extend(changed.into_iter().map(|part| Reason {
            id: if part.is_empty() { name.as_str().into() } else { format_smolstr!("{name}/{part}") },
            overlay: overlay.name.text.as_str().into(),
            reason: reason.clone(),
        }));
    }
}

fn rows_of(deed: &Deed, files: &[WrittenFile], reporter: &mut Reporter) -> Vec<(Scalar, super::CodeEntry)> {
    let Deed::RowsOf(name) = deed else { return Vec::new() };
    let tables = files.iter().filter_map(|file| match &file.file {
        File::Table(table) => Some(table),
        _ => None,
    });
    let names: Vec<&str> = tables.clone().map(|table| table.name.text.as_str()).collect();
    let Some(table) = tables.into_iter().find(|table| table.name.text == name.text) else {
        let hint = meant(&name.text, names);
        reporter.report(Mistake::UnknownTable, name.place, format!("there is no code table `{}`", name.text), hint);
        return Vec::new();
    };
    let system = table.system.as_ref().map(|system| system.text.clone());
    let rows = table.codes.iter().cloned();
    rows.map(|(key, row)| (key, super::CodeEntry { system: row.system.or_else(|| system.clone()), ..row })).collect()
}

fn set_rows(table: &mut TableFile, rows: Vec<(Scalar, super::CodeEntry)>, changed: &mut Vec<SmolStr>) {
    for (key, row) in rows {
        match table.codes.iter_mut().find(|(other, _)| other.text.eq_ignore_ascii_case(&key.text)) {
            Some((known, old)) => {
                changed.push(known.text.as_str().into());
                *old = row;
            }
            None => {
                changed.push(key.text.as_str().into());
                table.codes.push((key, row));
            }
        }
    }
}

fn change_table(table: &mut TableFile, deed: Deed, changed: &mut Vec<SmolStr>, reporter: &mut Reporter) {
    match deed {
        Deed::Codes(rows) => set_rows(table, rows, changed),
        Deed::Drop(code) => {
            let known = table.codes.iter().position(|(key, _)| key.text.eq_ignore_ascii_case(&code.text));
            match known {
                Some(at) => changed.push(table.codes.remove(at).0.text.into()),
                None => absent(&code, "code", table.codes.iter().map(|(key, _)| key.text.as_str()), reporter),
            }
        }
        deed => misplaced(&deed, &table.name, "a code table takes codes, rows_of and drop", reporter),
    }
}

fn change_message(message: &mut MessageFile, deed: Deed, changed: &mut Vec<SmolStr>, reporter: &mut Reporter) {
    let names: Vec<SmolStr> = message.resources.iter().map(|resource| resource.id.clone()).collect();
    let find = |name: &Scalar, reporter: &mut Reporter| {
        let found = names.iter().position(|own| *own == name.text);
        if found.is_none() {
            absent(name, "resource", names.iter().map(SmolStr::as_str), reporter);
        }
        found
    };
    match deed {
        Deed::Add { what, beside } => {
            let at = position(beside, message.resources.len(), |name| find(name, reporter));
            let entry = super::resource_entry(what, reporter);
            let (Some(at), Some(entry)) = (at, entry) else { return };
            message.resources.insert(at, entry);
            super::name_rules(&mut message.resources, reporter);
            changed.push(message.resources[at].id.clone());
        }
        Deed::Replace { name, with } => {
            let found = find(&name, reporter);
            let (Some(at), Some(entry)) = (found, super::resource_entry(with, reporter)) else { return };
            message.resources[at] = entry;
            super::name_rules(&mut message.resources, reporter);
            changed.push(message.resources[at].id.clone());
        }
        Deed::Drop(name) => {
            let Some(at) = find(&name, reporter) else { return };
            changed.push(message.resources.remove(at).id);
        }
        deed => misplaced(&deed, &message.name, "a message map takes add, replace, drop, events, structure", reporter),
    }
}

/// Where something goes; `None` when what it should stand beside is not there.
fn position(beside: Option<(Side, Scalar)>, end: usize, find: impl FnOnce(&Scalar) -> Option<usize>) -> Option<usize> {
    match beside {
        None => Some(end),
        Some((side, name)) => find(&name).map(|at| at + usize::from(side == Side::After)),
    }
}

fn change_rules(
    file: &mut File,
    inner: &str,
    within: &Scalar,
    deed: Deed,
    changed: &mut Vec<SmolStr>,
    reporter: &mut Reporter,
) {
    let mut all = Vec::new();
    top_rules(file).for_each(|rules| collect_names(rules, &mut all));
    let Some(list) = list_of(file, inner) else {
        let inner = Scalar { place: within.place, text: inner.to_owned() };
        return absent(&inner, "rule", all.iter().map(SmolStr::as_str), reporter);
    };
    let wanted = |name: &Scalar| full_name(inner, &name.text, &all);
    match deed {
        Deed::Add { what, beside } => {
            let Some(rule) = super::rule_entry(what, reporter) else { return };
            let Some((side, name)) = beside else {
                return insert(list, usize::MAX, rule, inner, &all, changed, reporter);
            };
            let full = wanted(&name);
            match spot(list, &full) {
                Some((siblings, at)) => {
                    insert(siblings, at + usize::from(side == Side::After), rule, inner, &all, changed, reporter);
                }
                None => absent(&name, "rule", all.iter().map(SmolStr::as_str), reporter),
            }
        }
        Deed::Replace { name, with } => {
            let Some(mut rule) = super::rule_entry(with, reporter) else { return };
            let Some((siblings, at)) = spot(list, &wanted(&name)) else {
                return absent(&name, "rule", all.iter().map(SmolStr::as_str), reporter);
            };
            rule.name = siblings[at].name.clone();
            Names::default().give(&mut rule.rules, &rule.name, reporter);
            changed.push(rule.name.clone());
            siblings[at] = rule;
        }
        Deed::Drop(name) => match spot(list, &wanted(&name)) {
            Some((siblings, at)) => changed.push(siblings.remove(at).name),
            None => absent(&name, "rule", all.iter().map(SmolStr::as_str), reporter),
        },
        deed => misplaced(&deed, within, "rules are changed by add, replace and drop", reporter),
    }
}

fn insert(
    list: &mut Vec<RuleEntry>,
    at: usize,
    rule: RuleEntry,
    around: &str,
    taken: &[SmolStr],
    changed: &mut Vec<SmolStr>,
    reporter: &mut Reporter,
) {
    let mut names = Names::default();
    taken.iter().for_each(|name| names.take(name.clone()));
    let mut one = [rule];
    names.give(&mut one, around, reporter);
    let [rule] = one;
    changed.push(rule.name.clone());
    list.insert(at.min(list.len()), rule);
}

/// A rule may be named with or without what stands before it.
fn full_name(inner: &str, name: &str, all: &[SmolStr]) -> SmolStr {
    let longer = format_smolstr!("{inner}/{name}");
    if !inner.is_empty() && all.contains(&longer) { longer } else { name.into() }
}

fn top_rules(file: &mut File) -> impl Iterator<Item = &mut Vec<RuleEntry>> {
    let (map, message) = match file {
        File::Map(map) => (Some(&mut map.rules), None),
        File::Message(message) => (None, Some(message.resources.iter_mut().map(|resource| &mut resource.rules))),
        _ => (None, None),
    };
    map.into_iter().chain(message.into_iter().flatten())
}

fn collect_names(rules: &[RuleEntry], names: &mut Vec<SmolStr>) {
    for rule in rules {
        names.push(rule.name.clone());
        collect_names(&rule.rules, names);
    }
}

/// The rules of a map, of a resource of a message map, or of a rule in either.
fn list_of<'f>(file: &'f mut File, inner: &str) -> Option<&'f mut Vec<RuleEntry>> {
    match file {
        File::Map(map) => {
            if inner.is_empty() {
                Some(&mut map.rules)
            } else {
                inner_rules(&mut map.rules, inner)
            }
        }
        File::Message(message) => {
            let resources = &mut message.resources;
            match resources.iter().position(|resource| resource.id == inner) {
                Some(at) => Some(&mut resources[at].rules),
                None => resources.iter_mut().find_map(|resource| inner_rules(&mut resource.rules, inner)),
            }
        }
        _ => None,
    }
}

fn inner_rules<'r>(rules: &'r mut Vec<RuleEntry>, name: &str) -> Option<&'r mut Vec<RuleEntry>> {
    spot(rules, name).map(|(siblings, at)| &mut siblings[at].rules)
}

/// The list that a rule stands in, and where.
fn spot<'r>(rules: &'r mut Vec<RuleEntry>, name: &str) -> Option<(&'r mut Vec<RuleEntry>, usize)> {
    if let Some(at) = rules.iter().position(|rule| rule.name == name) {
        return Some((rules, at));
    }
    rules.iter_mut().find_map(|rule| spot(&mut rule.rules, name))
}

fn absent<'n>(name: &Scalar, kind: &str, known: impl Iterator<Item = &'n str>, reporter: &mut Reporter) {
    let message = format!("there is no {kind} `{}` to change", name.text);
    reporter.report(Mistake::OverlayTarget, name.place, message, meant(&name.text, known));
}

fn misplaced(deed: &Deed, within: &Scalar, hint: &str, reporter: &mut Reporter) {
    let what = match deed {
        Deed::Add { .. } => "add",
        Deed::Replace { .. } => "replace",
        Deed::Drop(_) => "drop",
        Deed::Codes(_) => "codes",
        Deed::RowsOf(_) => "rows_of",
        Deed::Events(_) => "events",
        Deed::Structure(_) => "structure",
    };
    let message = format!("`{what}` does not go with `{}`", within.text);
    reporter.report(Mistake::OverlayTarget, within.place, message, hint);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::mapping::{Release, differences};

    fn base() -> BTreeMap<String, String> {
        let files = [
            ("code/Sex.yaml", "table: Sex\ncodes: { F: female, M: male }\n"),
            (
                "segment/PID-Patient.yaml",
                "map: PID -> Patient\nrules:\n  - { from: PID-8, to: gender, code: Sex }\n  - from: PID-5\n    to: name\n    rules:\n      - { from: PID-5.1, to: family }\n      - { from: PID-5.3, to: given }\n",
            ),
            (
                "message/A.yaml",
                "message: A\nevents: [ADT^A01]\nstructure: MSH PID\nresources:\n  - { from: PID, make: Patient, maps: [PID-Patient] }\n",
            ),
            (
                "ConceptMap-north.json",
                r#"{"resourceType":"ConceptMap","status":"active","name":"North","group":[{"target":"http://t","element":[
                {"code":"X","target":[{"code":"y","equivalence":"wider"},{"code":"other","equivalence":"equal"}]},
                {"code":"Q","target":[{"equivalence":"unmatched"}]}]}]}"#,
            ),
        ];
        files.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    }

    /// Lays changes over the base and shows what they come to, or what is wrong with them.
    fn check(change: &str, expected: &[&str]) {
        let text = format!("overlay: north\nchanges:\n  - {{ reason: so it is, {change} }}\n");
        let overlay = [("overlay.yaml".to_owned(), text)];
        let mut with = base();
        with.extend(overlay.iter().cloned());
        let shown: Vec<String> = match Release::with_overlays(&base(), &overlay) {
            Err(found) => found.iter().map(ToString::to_string).collect(),
            Ok(release) => {
                assert_ne!(release.digest(), Release::compile(&base()).unwrap().digest());
                let found = differences(&base(), &with).unwrap();
                assert!(found.iter().all(|found| found.reason.as_ref().is_some_and(|why| why.reason == "so it is")));
                let side =
                    |side: &Option<crate::mapping::Side>| side.as_ref().map_or("-", |side| &side.text).to_owned();
                found
                    .iter()
                    .map(|found| format!("{} | {} | {}", found.id, side(&found.before), side(&found.after)))
                    .collect()
            }
        };
        assert_eq!(shown, expected, "{change}");
    }

    #[test]
    fn rules_are_added_replaced_and_dropped() {
        let dropped = "PID-Patient/PID-8 -> gender | { from: PID-8, to: gender, code: Sex } | -";
        check("in: PID-Patient, drop: PID-8 -> gender", &[dropped]);
        let replaced =
            "PID-Patient/PID-8 -> gender | { from: PID-8, to: gender, code: Sex } | { value: other, to: gender }";
        check("in: PID-Patient, replace: PID-8 -> gender, with: { value: other, to: gender }", &[replaced]);
        let inner = "PID-Patient/PID-5 -> name/PID-5.1 -> family | { from: PID-5.1, to: family } | -";
        check("in: PID-Patient, drop: PID-5 -> name/PID-5.1 -> family", &[inner]);
        check("in: PID-Patient/PID-5 -> name, drop: PID-5.1 -> family", &[inner]);
        let added = "PID-Patient/PID-8 -> gender#2 | - | { from: PID-8, to: gender }";
        check("in: PID-Patient, add: { from: PID-8, to: gender }, after: PID-8 -> gender", &[added]);
        let deep = "PID-Patient/PID-5 -> name/PID-5.2 -> given | - | { from: PID-5.2, to: given }";
        check("in: PID-Patient/PID-5 -> name, add: { from: PID-5.2, to: given }", &[deep]);
    }

    #[test]
    fn rows_of_tables_come_one_by_one_or_from_a_concept_map() {
        check("in: Sex, codes: { m: other, U: unknown }", &["Sex/M | male | other", "Sex/U | - | unknown"]);
        check("in: Sex, drop: f", &["Sex/F | female | -"]);
        check("in: Sex, rows_of: North", &["Sex/Q | - | ", "Sex/X | - | other, system: http://t"]);
    }

    #[test]
    fn messages_get_resources_events_and_structures() {
        let location = "A/location | - | { from: PID, make: Location, name: location, maps: [] }";
        check("in: A, add: { from: PID, make: Location }, before: patient", &[location]);
        check(
            "in: A, drop: patient",
            &["A/patient | { from: PID, make: Patient, name: patient, maps: [PID-Patient] } | -"],
        );
        let events = "A | events [ADT^A01]; structure MSH PID | events [ADT^A01, ADT^A04]; structure MSH PID";
        check("in: A, events: [ADT^A04]", &[events]);
        let link = "A/patient/PID-4 -> gender | - | { from: PID-4, to: gender }";
        check("in: A/patient, add: { from: PID-4, to: gender }", &[link]);
    }

    #[test]
    fn what_is_not_there_cannot_be_changed() {
        let rule = "overlay.yaml:3:48: LG0118 there is no rule `PID-8 -> sex` to change";
        check("in: PID-Patient, drop: PID-8 -> sex", &[rule]);
        let close =
            "overlay.yaml:3:48: LG0118 there is no rule `PID-8 -> gendr` to change (did you mean `PID-8 -> gender`?)";
        check("in: PID-Patient, drop: PID-8 -> gendr", &[close]);
        let map =
            "overlay.yaml:3:29: LG0118 there is no map, message or table `PID-Patent` (did you mean `PID-Patient`?)";
        check("in: PID-Patent, drop: PID-8 -> gender", &[map]);
        let code = "overlay.yaml:3:40: LG0118 there is no code `X` to change";
        check("in: Sex, drop: X", &[code]);
        let misplaced = "overlay.yaml:3:29: LG0118 `codes` does not go with `PID-Patient` (rules are changed by add, replace and drop)";
        check("in: PID-Patient, codes: { a: b }", &[misplaced]);
        let nothing = "overlay.yaml:3:5: LG0103 the change does nothing (one of add, replace (with), drop, codes, rows_of, events, structure)";
        check("in: PID-Patient", &[nothing]);
    }
}
