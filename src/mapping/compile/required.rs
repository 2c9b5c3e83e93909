//! Elements that R4 requires (cardinality 1..) and that no rule writes: such a resource could never be valid.
//!
//! Only said of files that are right otherwise: a rule with a mistake may be the one that is missed. A rule counts whatever its condition is; whether a message brings the value is seen when it runs.

use super::Compiler;
use crate::fhir::definitions;
use crate::mapping::diagnostic::{Mistake, Place, Reporter};
use crate::mapping::plan::{Action, Library, MessagePlan, Rule, Step};

/// What one rule writes below the element at hand: the steps, and whether a map or rules fill what they lead to.
struct Written<'r> {
    steps: &'r [Step],
    filled: bool,
}

impl Compiler<'_> {
    pub(super) fn requires_elements(&mut self, kind: &str, rules: &[Rule], place: Place) {
        let mut written = Vec::new();
        collect(rules, &mut written);
        self.requires(kind, &written, place);
    }

    /// Every resource that a message map makes, with the rules of all its maps and its references.
    pub(super) fn resources_are_whole(&mut self, library: &Library, messages: &[MessagePlan]) {
        for (message, resource, place) in std::mem::take(&mut self.makes) {
            let Some(plan) = messages.get(message).and_then(|message| message.resources.get(resource)) else {
                continue;
            };
            let mut written = Vec::new();
            let maps = plan.maps.iter().filter_map(|(_, map)| library.maps.get(*map));
            maps.for_each(|map| collect(&map.rules, &mut written));
            collect(&plan.links, &mut written);
            self.requires(&plan.kind, &written, place);
        }
    }

    fn requires(&mut self, kind: &str, written: &[Written], place: Place) {
        if kind == "Extension" || written.iter().any(|written| written.steps.is_empty()) {
            return;
        }
        for element in definitions::elements(kind).iter().filter(|element| element.required) {
            if !written.iter().any(|written| writes(&written.steps[0], element.name)) {
                let message = format!("{kind} needs `{}`, and no rule writes it", element.name);
                let mut reporter = Reporter { names: &self.names, found: &mut self.late };
                reporter.report(Mistake::Required, place, message, "R4 requires it");
            }
        }
        let mut seen: Vec<&str> = Vec::new();
        for step in written.iter().filter(|written| written.steps.len() > 1).map(|written| &written.steps[0]) {
            if step.url.is_some() || seen.contains(&step.key.as_str()) {
                continue;
            }
            seen.push(&step.key);
            let same = written.iter().filter(|written| written.steps[0].key == step.key);
            let inner: Vec<Written> = same.map(|one| Written { steps: &one.steps[1..], filled: one.filled }).collect();
            let found = definitions::find(kind, &step.key);
            if let Some(found) = found.filter(|_| !inner.iter().any(|one| one.steps.is_empty() && one.filled)) {
                self.requires(found.kind, &inner, place);
            }
        }
    }
}

fn writes(step: &Step, element: &str) -> bool {
    let key = step.key.trim_start_matches('_');
    match element.strip_suffix("[x]") {
        None => key == element,
        Some(choice) => key.strip_prefix(choice).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase())),
    }
}

fn collect<'r>(rules: &'r [Rule], written: &mut Vec<Written<'r>>) {
    for rule in rules {
        match &rule.action {
            Action::Group { rules, .. } if rule.target.is_empty() => collect(rules, written),
            action => {
                let filled = !matches!(action, Action::Leaf { .. });
                written.push(Written { steps: &rule.target, filled });
            }
        }
    }
}
