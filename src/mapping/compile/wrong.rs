//! Every file of `tests/it/wrong_mappings` is wrong in one way, and gives its own diagnostic at the right place; the
//! reference of diagnostics is made of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::mapping::{Diagnostic, Mistake, Release};

/// What `EXPECTED.tsv` must at least list.
const FILES_MIN: usize = 60;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/wrong_mappings")
}

fn texts(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).expect("a folder that reads").map(|entry| entry.expect("an entry").path());
    let files = entries.filter(|path| path.extension().is_some_and(|kind| kind == "yaml" || kind == "json"));
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    files.map(|path| (name(&path), std::fs::read_to_string(&path).expect("a file that reads"))).collect()
}

/// Files without a mistake, for the wrong ones to refer to.
fn good() -> BTreeMap<String, String> {
    let folders = ["segment", "datatype", "code", "message"].map(|kind| texts(&folder().join("good").join(kind)));
    folders.into_iter().flatten().map(|(name, text)| (format!("base/{name}"), text)).collect()
}

/// What is found in each wrong file beside the good ones.
fn found() -> Vec<(String, String, Vec<Diagnostic>)> {
    let good = good();
    assert!(Release::compile(&good).is_ok(), "the good files have no mistake");
    let wrong = texts(&folder()).into_iter();
    wrong
        .map(|(name, text)| {
            let mut files = good.clone();
            files.insert(format!("mappings/{name}"), text.clone());
            let found = Release::compile(&files).err().unwrap_or_default();
            (name, text, found)
        })
        .collect()
}

/// Compares a file with what it should hold, or writes it when `UPDATE_REFERENCE` is set.
#[expect(clippy::disallowed_methods, reason = "a developer asks for the files to be written anew")]
fn settle(path: &Path, text: &str) {
    if std::env::var("UPDATE_REFERENCE").is_ok() {
        return std::fs::write(path, text).expect("a file that can be written");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == text,
        "{} is stale: run UPDATE_REFERENCE=1 cargo test --lib mapping::compile::wrong, and read what changes",
        path.display()
    );
}

#[test]
fn every_wrong_file_gives_its_own_diagnostic_at_the_right_place() {
    let mut lines = String::new();
    let all = found();
    let several: Vec<String> = all
        .iter()
        .filter(|(.., found)| found.len() != 1)
        .map(|(name, _, found)| {
            let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
            format!("{name} has not one mistake but {}:\n{}", found.len(), shown.join("\n"))
        })
        .collect();
    assert!(several.is_empty(), "{}", several.join("\n"));
    for (name, _, found) in &all {
        let one = &found[0];
        assert_eq!(one.file, format!("mappings/{name}"));
        let number = one.mistake.code();
        assert!(name.contains(&number[2..]), "{name} gives {number}: {one}");
        let (line, column) = (one.place.line, one.place.column);
        writeln!(lines, "{name}\t{number}\t{line}:{column}\t{}\t{}", marked(one), one.message).expect("a line");
    }
    assert!(all.len() >= FILES_MIN, "{} wrong files", all.len());
    settle(&folder().join("EXPECTED.tsv"), &lines);
}

/// The text that is underlined.
fn marked(one: &Diagnostic) -> String {
    let skipped = usize::try_from(one.place.column - 1).expect("a column");
    one.excerpt.chars().skip(skipped).take(usize::try_from(one.place.width).expect("a width")).collect()
}

#[test]
fn the_reference_is_made_of_them() {
    let all = found();
    let mut page = String::from(
        "<!-- Generated from src/mapping/diagnostic.rs and tests/it/wrong_mappings by \
         `UPDATE_REFERENCE=1 cargo test --lib mapping::compile::wrong`. Do not edit. -->\n\n# Diagnostics of mapping \
         files\n\n`loopgate map check DIR` tells every mistake at once. A number keeps its meaning for ever. Each example \
         is a file that the tests compile.\n",
    );
    for mistake in Mistake::ALL {
        let example = all.iter().find(|(.., found)| found.first().is_some_and(|one| one.mistake == mistake));
        let (name, text, found) = example.unwrap_or_else(|| panic!("no wrong file shows {}", mistake.code()));
        let kind = if name.ends_with("json") { "json" } else { "yaml" };
        let number = mistake.code();
        write!(page, "\n## {number}\n\n{}\n\n", mistake.explanation()).expect("a heading");
        write!(page, "```{kind}\n{text}```\n\n```text\n{}\n```\n", found[0].render(false)).expect("an example");
    }
    settle(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/diagnostics.md"), &page);
}
