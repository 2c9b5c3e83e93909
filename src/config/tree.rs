//! The configuration as a tree of values that know where they come from.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Fault, Place};
use super::options::{self, Opt, Shape};

/// A table: its own place, and its entries in no particular order.
#[derive(Clone, Debug)]
pub struct Table {
    pub place: Place,
    pub entries: Vec<Entry>,
}

/// One `key = value`.
#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    pub key_place: Place,
    pub value: Value,
    pub place: Place,
}

/// A value as far as options need it.
#[derive(Clone, Debug)]
pub enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<(Value, Place)>),
    Table(Table),
    /// A type that no option has.
    Other(&'static str),
}

impl Value {
    /// The name of the type in a diagnostic.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Boolean(_) => "a boolean",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

impl Table {
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.key == key)
    }
}

/// Reads TOML. All syntax errors are told; the tree then holds what could be read.
pub fn parse(text: &str) -> (Table, Vec<Fault>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let faults = errors.iter().map(|error| {
        let place = Place::Span(error.span().unwrap_or(0..0));
        Fault::new(&place, "syntax", format!("this is not TOML: {}", error.message()))
    });
    (table(root.get_ref(), 0..0), faults.collect())
}

fn table(found: &DeTable<'_>, span: Range<usize>) -> Table {
    let entries = found.iter().map(|(key, value)| Entry {
        key: key.get_ref().to_string(),
        key_place: Place::Span(key.span()),
        value: self::value(value),
        place: Place::Span(value.span()),
    });
    Table { entries: entries.collect(), place: Place::Span(span) }
}

fn value(found: &Spanned<DeValue<'_>>) -> Value {
    match found.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Other("a huge integer"), Value::Integer)
        }
        DeValue::Boolean(truth) => Value::Boolean(*truth),
        DeValue::Array(items) => {
            Value::List(items.iter().map(|item| (value(item), Place::Span(item.span()))).collect())
        }
        DeValue::Table(inner) => Value::Table(table(inner, found.span())),
        DeValue::Float(_) => Value::Other("a float"),
        DeValue::Datetime(_) => Value::Other("a date"),
    }
}

const PREFIX: &str = "LOOPGATE__";

/// Puts overrides over what the file says: `LOOPGATE__FEED__0__ADDRESS` is `address` of the first feed.
pub fn apply_overrides(root: &mut Table, overrides: &[(String, String)], faults: &mut Vec<Fault>) {
    for (name, text) in overrides {
        let Some(path) = name.strip_prefix(PREFIX) else { continue };
        let path: Vec<String> = path.split("__").map(str::to_ascii_lowercase).collect();
        let place = Place::Override(name.clone());
        if put(root, options::ROOT, &path, text, &place).is_none() {
            let text = "this names no option, or an entry of a list that the file does not have";
            faults.push(Fault::new(&place, "unknown-option", text).hint("expected LOOPGATE__SECTION__KEY"));
        }
    }
}

fn put(table: &mut Table, options: &[Opt], path: &[String], text: &str, place: &Place) -> Option<()> {
    let (key, rest) = path.split_first()?;
    let option = options.iter().find(|option| option.key == key)?;
    match option.shape {
        Shape::Table(inner) => put(open(table, key, place)?, inner, rest, text, place),
        Shape::Tables(inner) => {
            let (index, rest) = rest.split_first()?;
            let Value::List(items) = &mut table.get_mut(key)?.value else { return None };
            let Value::Table(item) = &mut items.get_mut(index.parse::<usize>().ok()?)?.0 else { return None };
            put(item, inner, rest, text, place)
        }
        _ if rest.is_empty() => {
            table.entries.retain(|entry| entry.key != *key);
            let value = read(option.shape, text, place);
            let (key_place, place) = (place.clone(), place.clone());
            table.entries.push(Entry { key: key.clone(), key_place, value, place });
            Some(())
        }
        _ => None,
    }
}

/// The table under `key`, made when it is not there.
fn open<'a>(table: &'a mut Table, key: &str, place: &Place) -> Option<&'a mut Table> {
    if table.get(key).is_none() {
        let value = Value::Table(Table { place: place.clone(), entries: Vec::new() });
        table.entries.push(Entry { key: key.to_owned(), key_place: place.clone(), value, place: place.clone() });
    }
    match &mut table.get_mut(key)?.value {
        Value::Table(inner) => Some(inner),
        _ => None,
    }
}

/// The text of a variable as the option's type; what does not fit stays text and is told by the check.
fn read(shape: Shape, text: &str, place: &Place) -> Value {
    match shape {
        Shape::Integer { .. } => text.parse().map_or_else(|_| Value::Text(text.to_owned()), Value::Integer),
        Shape::Boolean => text.parse().map_or_else(|_| Value::Text(text.to_owned()), Value::Boolean),
        Shape::Texts => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::List(items.map(|item| (Value::Text(item.to_owned()), place.clone())).collect())
        }
        _ => Value::Text(text.to_owned()),
    }
}
