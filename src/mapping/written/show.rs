//! What files say, one line for each rule, resource and code row, for people who compare releases.

use std::fmt::{self, Write as _};

use smol_str::{SmolStr, format_smolstr};

use super::{CodeEntry, File, MessageFile, ResourceEntry, RuleEntry, WrittenFile, stem};
use crate::mapping::diagnostic::Place;
use crate::mapping::yaml::Scalar;

/// A rule, resource or code row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `PID-Patient/PID-3 -> identifier`, `AdministrativeSex/X`, `ADT_A01/patient`, `ADT_A01`.
    pub id: SmolStr,
    pub text: String,
    pub place: Place,
}

/// The lines of all files, in their order.
pub fn lines(files: &[WrittenFile]) -> Vec<Line> {
    let mut lines = Vec::new();
    for WrittenFile { name, file } in files {
        match file {
            File::Map(map) => rules(stem(name), &map.rules, &mut lines),
            File::Message(message) => self::message(message, &mut lines),
            File::Table(table) => lines.extend(table.codes.iter().map(|(key, row)| {
                let id = format_smolstr!("{}/{}", table.name.text, key.text);
                Line { id, text: code(row), place: row.place }
            })),
            _ => {}
        }
    }
    lines
}

fn rules(owner: &str, entries: &[RuleEntry], lines: &mut Vec<Line>) {
    for rule in entries {
        lines.push(Line { id: format_smolstr!("{owner}/{}", rule.name), text: rule.to_string(), place: rule.place });
        rules(owner, &rule.rules, lines);
    }
}

fn message(file: &MessageFile, lines: &mut Vec<Line>) {
    let name = &file.name.text;
    let text = format!("events {}; structure {}", joined(&file.events), one_line(&file.structure.text));
    lines.push(Line { id: name.as_str().into(), text, place: file.name.place });
    for resource in &file.resources {
        let id = format_smolstr!("{name}/{}", resource.id);
        lines.push(Line { id, text: resource.to_string(), place: resource.place });
        rules(name, &resource.rules, lines);
    }
}

fn code(row: &CodeEntry) -> String {
    let mut text = row.code.clone();
    for (key, value) in [("display", &row.display), ("system", &row.system)] {
        if let Some(value) = value {
            let _ = write!(text, ", {key}: {value}");
        }
    }
    text
}

fn joined(scalars: &[Scalar]) -> String {
    let texts: Vec<String> = scalars.iter().map(|scalar| one_line(&scalar.text)).collect();
    format!("[{}]", texts.join(", "))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes `key: value` pairs, as a file would have them on one line.
fn pairs<'s>(
    f: &mut fmt::Formatter<'_>,
    pairs: impl IntoIterator<Item = (&'s str, Option<&'s Scalar>)>,
) -> fmt::Result {
    let mut separator = "";
    for (key, value) in pairs {
        let Some(value) = value else { continue };
        write!(f, "{separator}{key}: {}", one_line(&value.text))?;
        separator = ", ";
    }
    Ok(())
}

impl fmt::Display for RuleEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ ")?;
        if !self.first_of.is_empty() {
            write!(f, "first_of: {}, ", joined(&self.first_of))?;
        }
        let keys = [
            ("from", &self.from),
            ("value", &self.value),
            ("refer", &self.refer),
            ("each", &self.each),
            ("to", &self.to),
            ("as", &self.map),
            ("code", &self.code),
            ("link", &self.link),
            ("when", &self.when),
        ];
        pairs(f, keys.into_iter().map(|(key, value)| (key, value.as_ref())))?;
        f.write_str(if self.rules.is_empty() { " }" } else { ", rules: … }" })
    }
}

impl fmt::Display for ResourceEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{ from: {}, make: {}, name: {}, ", self.from.text, self.make.text, self.name)?;
        write!(f, "maps: {}", joined(&self.maps))?;
        for (key, value) in [("when", &self.when), ("key", &self.key)] {
            if let Some(value) = value {
                write!(f, ", {key}: {}", one_line(&value.text))?;
            }
        }
        f.write_str(" }")
    }
}
