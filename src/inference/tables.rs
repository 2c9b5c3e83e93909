//! Which code tables the samples need, and with which codes.

use std::collections::BTreeMap;

use super::Counted;
use crate::base::limits::CODE_LENGTH_MAX;
use crate::mapping::explain::{Explanation, Fate, Step};

/// Codes by table.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Tables(BTreeMap<String, Counted>);

impl Tables {
    /// Adds the codes of a message that a table translated.
    pub fn add(&mut self, explanation: &Explanation) {
        for place in &explanation.places {
            let Fate::Mapped(targets) = &place.fate else { continue };
            let leaves = targets.iter().filter_map(|target| explanation.leaf(*target));
            let mut tables: Vec<&str> =
                leaves.flat_map(|(_, leaf)| leaf.steps.iter().filter_map(Step::table)).collect();
            tables.sort_unstable();
            tables.dedup();
            for table in tables {
                self.0.entry(table.to_owned()).or_default().add(code(place.value.reveal()));
            }
        }
    }

    /// The tables in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Counted)> {
        self.0.iter().map(|(table, codes)| (table.as_str(), codes))
    }
}

/// Senders put sentences into coded fields; those are not for a report.
fn code(text: &str) -> &str {
    let is_code = text.chars().count() <= CODE_LENGTH_MAX && !text.chars().any(char::is_whitespace);
    if is_code { text } else { "(text)" }
}
