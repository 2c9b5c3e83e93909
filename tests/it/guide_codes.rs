//! Every code-to-code row of the guide's concept maps comes out of the compiled tables.
//!
//! `guide_codes/rows.tsv` holds the rows as the guide has them, apart from the tables under `mappings/v2/code`. What we
//! hold against the guide is listed here, and with its reasons in `docs/mapping/errata-codes.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use loopgate::mapping::{Code, Release};

use crate::support::checkout;

const ROWS: &str = include_str!("guide_codes/rows.tsv");

/// How many rows the guide has that give both a v2 code and a FHIR code.
const ROW_COUNT: usize = 2324;

/// SNOMED CT's terms are not carried.
const SNOMED: &str = "http://snomed.info/sct";

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    map: String,
    table: String,
    code: String,
    target: String,
    display: String,
    system: String,
}

/// What we do with a row that the guide has wrong.
enum Erratum {
    /// Code, target and display as we have them.
    Is(&'static str, &'static str, &'static str),
    /// Another table answers.
    In(&'static str),
    /// Another row of the table stands for it, and this one is not there.
    Dropped,
}
use Erratum::{Dropped, In, Is};

/// By concept map, code and target.
const ERRATA: &[(&str, &str, &str, Erratum)] = &[
    ("BodyParts", "CHESTÂ", "CHESTÂ", Is("CHEST", "CHEST", "Chest Tube")),
    ("BodyParts", "KIDNÂ", "KIDNÂ", Is("KIDN", "KIDN", "Kidney")),
    ("BodyParts", "Â", "Â", Dropped),
    ("PractitionerIDNumberType", "MCD", "MCD", Is("MCD", "MCD", "Medicaid number")),
    ("PractitionerIDNumberType", "MCR", "MCR", Is("MCR", "MCR", "Medicare number")),
    ("PractitionerIDNumberType", "UPIN", "UPIN", Is("UPIN", "UPIN", "Unique physician ID no.")),
    (
        "RepeatPattern",
        "\"Meal Related Timings\"",
        "\"Meal Related Timings\"",
        Is("Meal Related Timings", "Meal Related Timings", "<timing>C (\"cum\")<meal>"),
    ),
    (
        "RepeatPattern",
        "\"U <spec>\"",
        "\"U <spec>\"",
        Is(
            "U <spec>",
            "U <spec>",
            "for future use, where <spec> is an interval specification as defined by the UNIX cron specification.",
        ),
    ),
    ("SegmentActionCode", "U", "PATCH", Dropped),
    ("TelecommunicationEquipmentType", "CP", "mobile", In("ContactPointUseOfEquipment")),
];

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut heading = [""; 4];
    for line in ROWS.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or_default();
        if let Some(map) = line.strip_prefix("= ") {
            heading = [map.split('\t').next().unwrap(), [next(), next()][1], next(), next()];
            continue;
        }
        let [map, table, _, system] = heading.map(str::to_owned);
        let [code, target, display, own] = [next(), next(), next(), next()].map(str::to_owned);
        rows.push(Row { map, table, code, target, display, system: if own.is_empty() { system } else { own } });
    }
    rows
}

/// Spaces and apostrophes as a typewriter has them.
fn plain(text: &str) -> String {
    text.trim().replace('\u{a0}', " ").replace('\u{2019}', "'")
}

fn erratum(row: &Row) -> Option<&'static Erratum> {
    let of_row = |(map, code, target, _): &&(&str, &str, &str, Erratum)| {
        (*map, *code, *target) == (&row.map, &row.code, &row.target)
    };
    ERRATA.iter().find(of_row).map(|(.., erratum)| erratum)
}

/// What is wrong with the answer, if anything.
fn fault(release: &Release, row: &Row) -> Option<String> {
    let (table, code, target, display) = match erratum(row) {
        Some(Dropped) => {
            let found = release.translate(&row.table, &row.code);
            let there = found.is_some_and(|found| found.value == row.target.as_str());
            return there.then(|| "is there, against the errata".to_owned());
        }
        Some(Is(code, target, display)) => (row.table.as_str(), *code, *target, *display),
        Some(In(table)) => (*table, row.code.as_str(), row.target.as_str(), row.display.as_str()),
        None => (row.table.as_str(), row.code.as_str(), row.target.as_str(), row.display.as_str()),
    };
    let Some(found) = release.translate(table, code) else { return Some("is not in the table".to_owned()) };
    let Code { value, system, display: found_display } = found;
    let as_said = *value == target
        && system.as_deref() == Some(row.system.as_str())
        && (display.is_empty() || found_display.as_deref() == Some(plain(display).as_str()));
    (!as_said).then(|| format!("gives {found:?}"))
}

#[test]
fn every_code_row_of_the_guide_comes_out_of_the_tables() {
    let release = Release::builtin();
    let rows = rows();
    let faults: Vec<String> =
        rows.iter().filter_map(|row| Some(format!("{row:?}: {}", fault(&release, row)?))).collect();
    assert!(faults.is_empty(), "{} of {} rows:\n{}", faults.len(), rows.len(), faults.join("\n"));
    assert_eq!(rows.len(), ROW_COUNT);
}

#[test]
fn every_erratum_is_about_a_row_and_is_documented() {
    let rows = rows();
    let document = checkout::read("docs/mapping/errata-codes.md");
    for (map, code, target, _) in ERRATA {
        let known = rows.iter().any(|row| (*map, *code, *target) == (&*row.map, &*row.code, &*row.target));
        assert!(known, "{map} has no row {code} to {target}");
        assert!(document.contains(&format!("| {map} | {code} |")), "{map} {code} is not in the errata");
    }
}

#[test]
fn the_rows_are_all_that_the_guide_has() {
    let folder = checkout::root().join("../shared/data/v2-to-fhir-ig/mappings/codesystems");
    if !folder.is_dir() {
        println!("SKIPPED: {} is not there to compare the rows with", folder.display());
        return;
    }
    let guide = guide_rows(folder);
    let ours: BTreeSet<_> =
        rows().into_iter().map(|row| [row.map, row.code, row.target, row.display, row.system]).collect();
    assert_eq!(guide.len(), ROW_COUNT);
    assert_eq!(ours.difference(&guide).collect::<Vec<_>>(), Vec::<&[String; 5]>::new(), "rows that the guide lacks");
    assert_eq!(guide.difference(&ours).collect::<Vec<_>>(), Vec::<&[String; 5]>::new(), "rows that we lack");
}

/// Concept map, code, target, display and system of the rows that have both codes.
fn guide_rows(folder: PathBuf) -> BTreeSet<[String; 5]> {
    let mut found = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let map = name.trim_start_matches("HL7 Concept Map_ ").trim_end_matches(" - Sheet1").to_owned();
        let text = fs::read_to_string(&path).unwrap();
        for mut fields in records(&text).into_iter().skip(2) {
            fields.resize(12, String::new());
            let [code, .., target, near, display, system, far, _] = &fields[..] else { unreachable!("twelve fields") };
            let trimmed = |text: &str| text.trim().to_owned();
            if code.trim().is_empty() || target.trim().is_empty() {
                continue;
            }
            // Some sheets have the display, or both columns, one to the left.
            let is_uri = |text: &&String| text.starts_with("http") || text.starts_with("urn:");
            let system = [display, system, far].into_iter().find(is_uri).map(|text| trimmed(text)).unwrap_or_default();
            let display = if is_uri(&display) || display.trim().is_empty() { near } else { display };
            let display = if system == SNOMED { String::new() } else { trimmed(display) };
            found.insert([map.clone(), trimmed(code), trimmed(target), display, system]);
        }
    }
    found
}

/// The records of comma-separated values: fields in quotes may hold commas, line ends and doubled quotes.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut fields, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut signs = text.chars().filter(|sign| *sign != '\r').peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.peek() == Some(&'"') => field.extend(signs.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                fields.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut fields));
            }
            sign => field.push(sign),
        }
    }
    fields.push(field);
    records.push(fields);
    records
}
