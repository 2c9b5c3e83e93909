//! Names of rules that survive edits elsewhere: what a rule moves, `PID-3 -> identifier`, not where it stands.
//!
//! A rule within another has its path, `participant/PV1-7 -> individual`; the second of the same name has `#2`. A rule
//! with an `id` of its own has that, without path. Within a release the name of the map or message stands before it.

use std::collections::HashSet;

use smol_str::{SmolStr, format_smolstr};

use super::RuleEntry;
use crate::mapping::diagnostic::{Mistake, Reporter};

/// The names given so far in one map, or in one resource of a message map.
#[derive(Default)]
pub struct Names {
    taken: HashSet<SmolStr>,
}

impl Names {
    /// Names rules, and the rules within them, in their order.
    pub fn give(&mut self, rules: &mut [RuleEntry], around: &str, reporter: &mut Reporter) {
        for rule in rules {
            rule.name = match &rule.id {
                Some(id) => SmolStr::from(id.text.as_str()),
                None if around.is_empty() => self.free(&deed(rule)),
                None => self.free(&format!("{around}/{}", deed(rule))),
            };
            let known = !self.taken.insert(rule.name.clone());
            if let Some(id) = rule.id.as_ref().filter(|_| known) {
                let message = format!("the rule id `{}` is used twice in this map", id.text);
                reporter.report(Mistake::Duplicate, id.place, message, "a rule without `id` is named by what it moves");
            }
            let name = rule.name.clone();
            self.give(&mut rule.rules, &name, reporter);
        }
    }

    /// The name, with a number if it is taken.
    pub fn free(&self, name: &str) -> SmolStr {
        let plain = SmolStr::from(name);
        if !self.taken.contains(&plain) {
            return plain;
        }
        let mut number = 2;
        loop {
            let numbered = format_smolstr!("{name}#{number}");
            if !self.taken.contains(&numbered) {
                return numbered;
            }
            number += 1;
        }
    }

    pub fn take(&mut self, name: SmolStr) {
        self.taken.insert(name);
    }
}

/// `PID-3 -> identifier`, `PID-5 | PID-9 -> name`, `"final" -> status`, `refer patient -> subject`,
/// `each coverage -> insurance`.
fn deed(rule: &RuleEntry) -> String {
    let source = match (&rule.from, &rule.value, &rule.refer) {
        (Some(from), ..) => Some(one_line(&from.text)),
        (_, Some(value), _) => Some(format!("\"{}\"", one_line(&value.text))),
        (.., Some(name)) => Some(format!("refer {}", name.text)),
        _ if rule.first_of.is_empty() => rule.each.as_ref().map(|name| format!("each {}", name.text)),
        _ => Some(rule.first_of.iter().map(|path| one_line(&path.text)).collect::<Vec<_>>().join(" | ")),
    };
    let target = rule.to.as_ref().map(|to| one_line(&to.text));
    match (source, target) {
        (Some(source), Some(target)) => format!("{source} -> {target}"),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => "$this".to_owned(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
