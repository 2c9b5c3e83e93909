//! What the README and the documents name exists: targets of the Makefile, commands of the program, files linked to.

use std::collections::BTreeSet;
use std::process::Command;

use super::support::checkout;

/// The words after `program` in the code spans and code blocks of a document, each with its line number.
fn uses_of(program: &str, text: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut in_block = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            continue;
        }
        let spans: Vec<&str> = if in_block { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
        for span in spans {
            found.extend(commands_in(program, span).into_iter().map(|arguments| (number + 1, arguments)));
        }
    }
    found
}

/// Commands stand at the start of a span or after a shell operator, perhaps behind a prompt or assignments.
fn commands_in(program: &str, span: &str) -> Vec<Vec<String>> {
    span.split(['|', ';', '&'])
        .filter_map(|command| {
            let mut words = command.split_whitespace().skip_while(|word| *word == "$" || word.contains('='));
            let first = words.next()?;
            let is_program = first == program || first.ends_with(&format!("/{program}"));
            is_program.then(|| words.map(str::to_owned).collect())
        })
        .collect()
}

fn documents() -> Vec<String> {
    let mut paths = checkout::files_below("docs");
    paths.extend(["README.md", "CHANGELOG.md"].map(str::to_owned));
    paths.retain(|path| checkout::has_extension(path, "md") && checkout::root().join(path).is_file());
    paths
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase()) && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

fn make_targets() -> BTreeSet<String> {
    checkout::read("Makefile")
        .lines()
        .filter_map(|line| line.split_once(':').map(|(name, _)| name.trim().to_owned()))
        .filter(|name| is_name(name))
        .collect()
}

#[test]
fn every_make_target_named_exists() {
    let targets = make_targets();
    let mut unknown = Vec::new();
    for path in documents() {
        for (line, arguments) in uses_of("make", &checkout::read(&path)) {
            for target in arguments.iter().take_while(|word| !word.starts_with('#')).filter(|word| is_name(word)) {
                if !targets.contains(target) {
                    unknown.push(format!("{path}:{line}: make {target}"));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "targets the Makefile does not have:\n{}", unknown.join("\n"));
}

/// The subcommands that `loopgate COMMAND… --help` lists; nothing when it prints no help.
fn commands_below(parents: &[String]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_loopgate")).args(parents).arg("--help").output();
    let help = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    help.lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect()
}

#[test]
fn every_command_named_exists() {
    let top = commands_below(&[]);
    if top.is_empty() {
        eprintln!("SKIPPED: the program prints no help, so its commands cannot be compared");
        return;
    }
    let mut unknown = Vec::new();
    for path in documents() {
        for (line, arguments) in uses_of("loopgate", &checkout::read(&path)) {
            if let Some(missing) = missing_command(&top, &arguments) {
                unknown.push(format!("{path}:{line}: loopgate {missing}"));
            }
        }
    }
    assert!(unknown.is_empty(), "commands the program does not have:\n{}", unknown.join("\n"));
}

fn missing_command(top: &BTreeSet<String>, arguments: &[String]) -> Option<String> {
    let first = arguments.first().filter(|word| is_name(word))?;
    if !top.contains(first) {
        return Some(first.clone());
    }
    let second = arguments.get(1)?;
    let below = commands_below(std::slice::from_ref(first));
    let alternatives: Vec<&str> = second.split('\\').next().unwrap_or_default().split('/').collect();
    let known = below.is_empty() || alternatives.iter().all(|word| !is_name(word) || below.contains(*word));
    (!known).then(|| format!("{first} {second}"))
}

#[test]
fn every_metric_is_documented_as_it_is_registered() {
    use loopgate::telemetry::names::Metric;

    let page = checkout::read("docs/logging.md");
    let documented: Vec<&str> = page.lines().filter(|line| line.starts_with("| `loopgate_")).collect();
    let row = |metric: &Metric| {
        let kind = format!("{:?}", metric.kind()).to_ascii_lowercase();
        format!("| `{}` | {kind} | {} |", metric.name(), metric.help())
    };
    let registered: Vec<String> = Metric::ALL.iter().map(row).collect();
    assert_eq!(documented, registered, "docs/logging.md");
}

/// The targets of the links of a document outside code, each with its line number.
fn links_of(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_block = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        }
        let prose = line.split('`').step_by(2).filter(|_| !in_block);
        // A link whose words are code, [`a`](b), is cut at the back quotes: its target still stands after `](`.
        for part in prose.flat_map(|part| part.split("](").skip(1)) {
            found.extend(part.split_once(')').map(|(target, _)| (number + 1, target)));
        }
    }
    found
}

/// Whether `target`, as written in the document at `path`, leads to a file or folder of the checkout.
fn leads_somewhere(path: &str, target: &str) -> bool {
    let is_elsewhere = ["http://", "https://", "mailto:", "#"].iter().any(|start| target.starts_with(start));
    let file = target.split(['#', ' ']).next().unwrap_or_default();
    let folder = std::path::Path::new(path).parent().unwrap_or_else(|| std::path::Path::new(""));
    is_elsewhere || checkout::root().join(folder).join(file).exists()
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut broken = Vec::new();
    for path in documents() {
        for (line, target) in links_of(&checkout::read(&path)) {
            if !leads_somewhere(&path, target) {
                broken.push(format!("{path}:{line}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn links_are_found_in_documents() {
    let text = "[a](b.md) and [`c`](d.md#e), `[no](link)`\n```\n[no](link)\n```\n[f](https://g.example/)\n";
    assert_eq!(links_of(text), [(1, "b.md"), (1, "d.md#e"), (5, "https://g.example/")]);
    for (target, expected) in [
        ("style.md", true),
        ("style.md#names", true),
        ("../README.md", true),
        ("decisions", true),
        ("#below", true),
        ("https://g.example/", true),
        ("absent.md", false),
        ("README.md", false),
    ] {
        assert_eq!(leads_somewhere("docs/logging.md", target), expected, "{target}");
    }
}

#[test]
fn commands_are_found_in_documents() {
    let text = "Run `make demo` or `make it so`.\n```sh\n$ ONCE=1 make test interop   # both\ncat x | target/release/loopgate lane list\n```\nmake nothing\n";
    let made: Vec<String> = uses_of("make", text).into_iter().map(|(_, words)| words.join(" ")).collect();
    assert_eq!(made, ["demo", "it so", "test interop # both"]);
    assert_eq!(uses_of("loopgate", text), [(4, vec!["lane".to_owned(), "list".to_owned()])]);
}
