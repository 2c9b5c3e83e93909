//! How often each of several texts was seen.

use std::collections::BTreeMap;

use crate::base::limits::REPORT_ROWS_MAX;

/// Counts by text, in order of the text. Past the limit, further texts count as `(more)`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Counted(BTreeMap<String, u64>);

impl Counted {
    pub fn add(&mut self, text: &str) {
        let full = self.0.len() >= REPORT_ROWS_MAX && !self.0.contains_key(text);
        *self.0.entry(if full { "(more)" } else { text }.to_owned()).or_default() += 1;
    }

    /// The most frequent first.
    pub fn by_count(&self) -> Vec<(&str, u64)> {
        let mut rows: Vec<(&str, u64)> = self.0.iter().map(|(text, count)| (text.as_str(), *count)).collect();
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        rows
    }

    /// The most frequent one.
    pub fn first(&self) -> Option<&str> {
        self.by_count().first().map(|(text, _)| *text)
    }

    pub fn get(&self, text: &str) -> u64 {
        self.0.get(text).copied().unwrap_or(0)
    }

    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
