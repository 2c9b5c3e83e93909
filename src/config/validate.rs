//! Checks a tree against the table of options: unknown keys, types, choices, ranges, what is missing.

use std::ops::Range;

use super::diagnostic::{Fault, Place};
use super::options::{self, Default, Opt, Shape};
use super::tree::{Entry, Table, Value};
use crate::base::nearest;

/// Checks one table; `path` is what comes before its keys in a message: `tls.`.
pub fn check_table(table: &Table, options: &[Opt], path: &str, faults: &mut Vec<Fault>) {
    for entry in &table.entries {
        match options.iter().find(|option| option.key == entry.key) {
            Some(option) => check_value(&entry.value, &entry.place, option, path, faults),
            None => faults.push(unknown(entry, options, path)),
        }
    }
    for option in options.iter().filter(|option| matches!(option.default, Default::Required)) {
        if table.get(option.key).is_none() {
            let text = format!("`{path}{}` is missing: {}", option.key, option.doc);
            faults.push(Fault::new(&table.place, "missing-option", text));
        }
    }
}

fn unknown(entry: &Entry, options: &[Opt], path: &str) -> Fault {
    let fault = Fault::new(&entry.key_place, "unknown-option", format!("there is no option `{path}{}`", entry.key));
    match nearest(&entry.key, options.iter().map(|option| option.key)) {
        Some(key) => fault.hint(format!("did you mean `{key}`?")),
        None => {
            let known: Vec<_> = options.iter().map(|option| format!("`{}`", option.key)).collect();
            fault.hint(format!("known here: {}", known.join(", ")))
        }
    }
}

fn check_value(value: &Value, place: &Place, option: &Opt, path: &str, faults: &mut Vec<Fault>) {
    let name = format!("{path}{}", option.key);
    let wrong = |text: String| Fault::new(place, "bad-value", text);
    match (option.shape, value) {
        (Shape::Text | Shape::Address | Shape::Path, Value::Text(text)) => {
            if text.is_empty() {
                faults.push(wrong(format!("`{name}` is empty")).hint("leave the option out for its default"));
            }
        }
        (Shape::Boolean, Value::Boolean(_)) => {}
        (Shape::Integer { min, max }, Value::Integer(number)) => {
            if !(min..=max).contains(number) {
                faults.push(wrong(format!("`{name}` must be from {min} to {max}")));
            }
        }
        (Shape::Choice(choices), Value::Text(text)) => {
            if !choices.contains(&text.as_str()) {
                faults.push(wrong(format!("`{name}` must be one of {}", quoted(choices))));
            }
        }
        (Shape::Texts, Value::List(items)) => {
            for (item, place) in items.iter().filter(|(item, _)| !matches!(item, Value::Text(_))) {
                faults.push(Fault::new(place, "wrong-type", format!("`{name}` holds strings, not {}", item.kind())));
            }
        }
        (Shape::Table(inner), Value::Table(table)) => {
            check_table(&Table { place: place.clone(), ..table.clone() }, inner, &format!("{name}."), faults);
        }
        (Shape::Tables(inner), Value::List(items)) => {
            for (item, place) in items {
                check_value(item, place, &Opt { shape: Shape::Table(inner), ..*option }, path, faults);
            }
        }
        (shape, value) => {
            let text = format!("`{name}` is {}, expected {}", value.kind(), shape.describe());
            faults.push(Fault::new(place, "wrong-type", text));
        }
    }
}

/// `"a", "b"`
pub fn quoted(choices: &[&str]) -> String {
    choices.iter().map(|choice| format!("\"{choice}\"")).collect::<Vec<_>>().join(", ")
}

/// Spans of the file that a diagnostic must not show: values of secret options, and of unknown ones, which may be
/// misspelt secrets.
pub fn hidden_spans(root: &Table) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    hide(root, options::ROOT, &mut spans);
    spans
}

fn hide(table: &Table, options: &[Opt], spans: &mut Vec<Range<usize>>) {
    for entry in &table.entries {
        let option = options.iter().find(|option| option.key == entry.key);
        match (option.map(|option| option.shape), &entry.value) {
            (Some(Shape::Table(inner)), Value::Table(table)) => hide(table, inner, spans),
            (Some(Shape::Tables(inner)), Value::List(items)) => {
                for (item, _) in items {
                    if let Value::Table(table) = item {
                        hide(table, inner, spans);
                    }
                }
            }
            (None, Value::Table(table)) => hide(table, &[], spans),
            _ if option.is_none_or(|option| option.secret) => {
                if let Place::Span(span) = &entry.place {
                    spans.push(span.clone());
                }
            }
            _ => {}
        }
    }
}
