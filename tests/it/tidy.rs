//! The tidy test: what the house promises about its files and that a machine can check.
//!
//! An exception names its reason and its present size: it fails when the thing grows, and when it is no longer needed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::support::checkout;
use super::support::rust_source::{Source, sources};

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const FUNCTION_LINES_MEDIAN_MAX: usize = 12;
const FUNCTION_LINES_P90_MAX: usize = 40;
/// Below this many functions the distribution says nothing.
const FUNCTIONS_MIN: usize = 50;

/// Something allowed to be longer, at most as long as now.
struct Exception {
    /// A file, or `file::function`.
    place: &'static str,
    lines: usize,
    reason: &'static str,
}

const LONG_FILES: &[Exception] = &[Exception {
    place: "src/mapping/builtin.rs",
    lines: 600,
    reason: "the list of the mapping files, one a line, in place of a build script",
}];
const LONG_FUNCTIONS: &[Exception] = &[];

/// Fails with all complaints at once.
fn settle(what: &str, complaints: &[String]) {
    assert!(complaints.is_empty(), "{} {what}:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = sources().into_iter().filter(lacks_header).map(|source| source.path).collect();
    settle("files do not open with a module header (//! …)", &silent);
}

/// A file of one line of code is a stub.
fn lacks_header(source: &Source) -> bool {
    let code_lines = source.code.lines().filter(|line| !line.trim().is_empty()).count();
    let header = source.text.lines().next().and_then(|line| line.strip_prefix("//!")).unwrap_or_default().trim();
    code_lines > 1 && (header.len() < 15 || header.starts_with("To be written"))
}

#[test]
fn files_are_short() {
    let sizes = sources().into_iter().map(|source| (source.production_lines(), source.path)).collect();
    settle("files are not as they should be", &judge_sizes(sizes, FILE_LINES_MAX, LONG_FILES));
}

#[test]
fn functions_are_short() {
    let mut sizes = Vec::new();
    for source in sources() {
        for function in source.functions() {
            sizes.push((function.lines, format!("{}::{}", source.path, function.name)));
        }
    }
    settle("functions are not as they should be", &judge_sizes(sizes, FUNCTION_LINES_MAX, LONG_FUNCTIONS));
}

fn judge_sizes(sizes: Vec<(usize, String)>, max: usize, exceptions: &[Exception]) -> Vec<String> {
    let mut complaints = Vec::new();
    for exception in exceptions {
        let present = sizes.iter().filter(|(_, place)| place == exception.place).map(|(lines, _)| *lines).max();
        if present.is_none_or(|lines| lines <= max) {
            complaints.push(format!("{}: its exception is no longer needed; take it out", exception.place));
        }
        if exception.reason.len() < 20 {
            complaints.push(format!("{}: its exception gives no reason", exception.place));
        }
    }
    for (lines, place) in sizes.into_iter().filter(|(lines, _)| *lines > max) {
        let allowed = exceptions.iter().find(|exception| exception.place == place).map_or(max, |known| known.lines);
        if lines > allowed {
            complaints.push(format!("{place}: {lines} lines, at most {allowed} allowed"));
        }
    }
    complaints
}

#[test]
fn exceptions_neither_grow_nor_outlive_their_need() {
    const EXCEPTION: &[Exception] =
        &[Exception { place: "src/a.rs", lines: 420, reason: "one flat list, kept in one place" }];
    let judge = |lines| judge_sizes(vec![(lines, "src/a.rs".to_owned())], 400, EXCEPTION).len();
    assert_eq!([judge(420), judge(421), judge(400)], [0, 1, 1]);
}

#[test]
fn most_functions_are_very_short() {
    let mut lines: Vec<usize> = sources().iter().flat_map(Source::functions).map(|function| function.lines).collect();
    lines.sort_unstable();
    let quantile = |share: usize| lines.get((lines.len().saturating_sub(1)) * share / 100).copied().unwrap_or(0);
    let (median, p90, max) = (quantile(50), quantile(90), quantile(100));
    println!("functions: {}, lines median {median}, p90 {p90}, max {max}", lines.len());
    if lines.len() >= FUNCTIONS_MIN {
        assert!(median <= FUNCTION_LINES_MEDIAN_MAX, "the median function has {median} lines");
        assert!(p90 <= FUNCTION_LINES_P90_MAX, "nine functions in ten should have under 40 lines, p90 is {p90}");
    }
}

/// Text files that are ours to keep tidy.
fn committed_texts() -> impl Iterator<Item = (String, String)> {
    const ENDINGS: &[&str] = &[
        "rs", "md", "toml", "yaml", "yml", "sql", "sh", "py", "js", "mjs", "json", "hl7", "txt", "tsv", "run",
        "Makefile",
    ];
    checkout::tracked()
        .into_iter()
        .filter(|path| !path.ends_with("Cargo.lock"))
        .filter(|path| ENDINGS.contains(&path.rsplit(['.', '/']).next().unwrap_or_default()))
        .map(|path| {
            let text = checkout::read(&path);
            (path, text)
        })
}

/// `path:line` of every line that `is_bad`.
fn bad_lines(is_bad: impl Fn(&str, &str) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in committed_texts() {
        for (number, line) in text.lines().enumerate() {
            if let Some(why) = is_bad(&path, line) {
                found.push(format!("{path}:{}: {why}", number + 1));
            }
        }
    }
    found
}

#[test]
fn work_left_open_names_its_issue() {
    const MARKS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
    settle(
        "notes of open work name no issue: write the mark as MARK(#12)",
        &bad_lines(|path, line| {
            let is_source = path.starts_with("src/") || path.starts_with("tests/") || path.starts_with("benches/");
            let mark = MARKS.iter().find(|mark| is_source && line.contains(**mark))?;
            let after = line.split(mark).nth(1).unwrap_or_default();
            (!after.starts_with("(#")).then(|| (*mark).to_owned())
        }),
    );
}

#[test]
fn committed_text_knows_no_machine_and_no_private_word() {
    const PATHS: [&str; 4] =
        [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];
    const WORDS: [&str; 6] = [
        concat!("anth", "ropic"),
        concat!("clau", "de"),
        concat!("chat", "gpt"),
        concat!("open", "ai"),
        concat!("language ", "model"),
        concat!("ai-", "generated"),
    ];
    const SHARED: &str = concat!("../", "shared");
    /// These look for a corpus beside the checkout and skip loudly when there is none.
    const MAY_NAME_SHARED: [&str; 6] = ["tests/", "benches/", ".ci/", "Makefile", "docs/development.md", "src/"];
    settle(
        "lines name a path of one machine, or a word that is nobody else's business",
        &bad_lines(|path, line| {
            let lower = line.to_lowercase();
            let names_path = PATHS
                .iter()
                .find(|place| line.split(|c: char| " \"'`(=<".contains(c)).any(|word| word.starts_with(**place)));
            let names_word = WORDS.iter().find(|word| lower.contains(**word));
            let names_shared = line.contains(SHARED) && !MAY_NAME_SHARED.iter().any(|place| path.starts_with(place));
            names_path.or(names_word).copied().or(names_shared.then_some(SHARED)).map(str::to_owned)
        }),
    );
}

#[test]
fn migrations_come_in_pairs_and_in_order() {
    let titles = |backend: &str| -> Vec<String> {
        let folder = format!("migrations/{backend}/");
        checkout::files_below(&folder).iter().map(|path| path.trim_start_matches(&folder).to_owned()).collect()
    };
    let (sqlite, postgres) = (titles("sqlite"), titles("postgres"));
    assert_eq!(sqlite, postgres, "the two stores have migrations of the same numbers and titles");
    for (number, title) in (1..).zip(&sqlite) {
        assert!(title.starts_with(&format!("{number:04}_")), "{title} should be number {number:04}");
    }
}

#[test]
fn shipped_migrations_are_unchanged() {
    let mut present = String::new();
    for path in checkout::files_below("migrations").iter().filter(|path| checkout::has_extension(path, "sql")) {
        let mut digest = String::new();
        for byte in Sha256::digest(checkout::read(path).as_bytes()) {
            let _ = write!(digest, "{byte:02x}");
        }
        let _ = writeln!(present, "{digest}  {path}");
    }
    let is_listed = checkout::root().join("migrations/HASHES").is_file();
    let listed = if is_listed { checkout::read("migrations/HASHES") } else { String::new() };
    let sorted = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(
        sorted(&listed),
        sorted(&present),
        "a shipped migration is never edited: add a new one. For a new one, run `make hashes` and commit migrations/HASHES"
    );
}

#[test]
fn every_mapping_file_is_embedded() {
    let all_sources: String = sources().into_iter().map(|source| source.text).collect();
    let orphans: Vec<String> = checkout::files_below("mappings")
        .into_iter()
        .filter(|path| checkout::has_extension(path, "yaml") && !path.contains("/cases/"))
        .filter(|path| {
            !all_sources.contains(path.as_str()) && !all_sources.contains(path.trim_start_matches("mappings/"))
        })
        .collect();
    settle("mapping files are named nowhere in src, so the program does not carry them", &orphans);
}
