//! The layer test: imports point downward only, and third-party libraries stay behind their fences.
//!
//! The table is the one of `docs/architecture.md`. Test code obeys the crate's layers like all other code; of the
//! fences around libraries it obeys those of the databases and web frameworks, while files, environment, tokio and
//! sockets are open to it, because tests read fixtures, drive futures and talk to a listener over a socket.

use super::support::rust_source::{NamedPath, Source, sources};

/// A module at the top of the crate and the ones it may import; itself is understood.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("telemetry", &["base"]),
    ("hl7v2", &["base"]),
    ("fhir", &["base"]),
    ("record", &["base"]),
    ("mapping", &["base", "hl7v2", "fhir"]),
    ("profile", &["base", "fhir"]),
    ("inference", &["base", "hl7v2", "fhir", "mapping"]),
    ("search", &["base", "fhir", "record"]),
    ("routing", &["base", "fhir", "record"]),
    ("workflow", &["base", "fhir", "record"]),
    ("delivery", &["base", "fhir", "record"]),
    ("store", &["base", "record"]),
    (
        "engine",
        &[
            "base", "hl7v2", "fhir", "record", "mapping", "profile", "search", "routing", "workflow", "delivery",
            "store",
        ],
    ),
    ("access", &["base", "fhir", "record", "search", "store"]),
    (
        "rest",
        &["base", "hl7v2", "fhir", "record", "mapping", "profile", "search", "store", "engine", "access", "telemetry"],
    ),
    ("connectors", &["base", "hl7v2", "fhir", "record", "delivery", "engine", "access", "telemetry"]),
    ("http", &["base", "fhir", "record", "store", "engine", "access", "rest", "telemetry"]),
    ("config", BELOW_CONFIG),
    ("app", ALL),
    ("lifecycle", ALL),
    ("cli", ALL),
    ("lib", ALL),
    ("main", &["cli"]),
];

const BELOW_CONFIG: &[&str] = &[
    "base",
    "hl7v2",
    "fhir",
    "record",
    "mapping",
    "profile",
    "search",
    "routing",
    "workflow",
    "delivery",
    "store",
    "engine",
    "access",
    "rest",
    "connectors",
    "http",
    "telemetry",
];

const ALL: &[&str] = &[
    "base",
    "hl7v2",
    "fhir",
    "record",
    "mapping",
    "inference",
    "profile",
    "search",
    "access",
    "rest",
    "routing",
    "workflow",
    "delivery",
    "store",
    "engine",
    "connectors",
    "http",
    "telemetry",
    "config",
    "app",
    "lifecycle",
    "cli",
];

/// A path prefix, the places (module path prefixes) that may name it, and whether tests elsewhere may as well.
struct Fence {
    path: &'static str,
    inside: &'static [&'static str],
    open_to_tests: bool,
}

const fn fence(path: &'static str, inside: &'static [&'static str]) -> Fence {
    Fence { path, inside, open_to_tests: false }
}

const fn fence_but_tests(path: &'static str, inside: &'static [&'static str]) -> Fence {
    Fence { path, inside, open_to_tests: true }
}

const FENCES: &[Fence] = &[
    // The conformance suite makes itself a fresh PostgreSQL database for each case.
    fence("sqlx", &["store::sqlite", "store::postgres", "store::conformance"]),
    fence("rusqlite", &["store::sqlite"]),
    fence("axum", &["http"]),
    fence("reqwest", &["connectors"]),
    fence("clap", &["cli"]),
    fence("quick_xml", &["fhir::xml"]),
    fence("crate::store::sqlite", &["store"]),
    fence("crate::store::postgres", &["store"]),
    fence_but_tests("tokio::net", &["connectors", "http"]),
    fence_but_tests("std::fs", &["config", "cli", "app"]),
    fence_but_tests("tokio::fs", &["config", "cli", "app"]),
    fence_but_tests("std::env", &["config", "cli", "app"]),
    fence_but_tests(
        "tokio",
        &[
            "store",
            "engine",
            "access",
            "rest",
            "connectors",
            "http",
            "telemetry",
            "config",
            "app",
            "lifecycle",
            "cli",
            "main",
        ],
    ),
];

#[test]
fn imports_point_downward() {
    report(&sources(), layer_violation);
}

#[test]
fn libraries_stay_behind_their_fences() {
    report(&sources(), fence_violation);
}

#[test]
fn the_layer_table_has_no_cycle_below_assembly() {
    let position = |name: &str| LAYERS.iter().position(|(layer, _)| *layer == name);
    for (at, (layer, allowed)) in LAYERS.iter().enumerate().filter(|(_, (_, allowed))| allowed.len() < ALL.len()) {
        for below in *allowed {
            assert!(
                position(below).is_some_and(|position| position < at),
                "{layer} may import {below}, which is not below"
            );
        }
    }
}

fn report(sources: &[Source], judge: fn(&Source, &NamedPath) -> Option<String>) {
    let violations: Vec<String> = sources
        .iter()
        .flat_map(|source| {
            source
                .paths()
                .into_iter()
                .filter_map(move |path| judge(source, &path).map(|why| format!("{}:{}: {why}", source.path, path.line)))
        })
        .collect();
    assert!(violations.is_empty(), "{} imports break the layers:\n{}", violations.len(), violations.join("\n"));
}

/// The path from the crate's root, when it is one of ours: `super` chains that reach the root are followed.
fn inside_crate(source: &Source, path: &NamedPath) -> Option<Vec<String>> {
    let first = path.segments.first().map(String::as_str)?;
    if first == "crate" || first == "loopgate" {
        return Some(path.segments[1..].to_vec());
    }
    let climbs = path.segments.iter().take_while(|segment| *segment == "super").count();
    let depth = source.module().len() + path.inline_depth;
    (climbs > 0 && climbs >= depth).then(|| path.segments[climbs..].to_vec())
}

fn layer_violation(source: &Source, path: &NamedPath) -> Option<String> {
    let target = inside_crate(source, path)?;
    let to = target.first()?.as_str();
    let from = *source.module().first()?;
    let known = LAYERS.iter().any(|(layer, _)| *layer == to);
    let names_of_telemetry = to == "telemetry" && target.get(1).is_some_and(|second| second == "names");
    if !known || to == from || names_of_telemetry {
        return None;
    }
    let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == from) else {
        return Some(format!("the module {from} is not in the layer table of tests/it/layers.rs"));
    };
    (!allowed.contains(&to)).then(|| format!("{from} may not import {to} ({})", path.segments.join("::")))
}

fn fence_violation(source: &Source, path: &NamedPath) -> Option<String> {
    let named = match inside_crate(source, path) {
        Some(inside) => format!("crate::{}", inside.join("::")),
        None => path.segments.join("::"),
    };
    let place = source.module().join("::");
    let broken = FENCES.iter().find(|fence| {
        starts_with_path(&named, fence.path)
            && !(path.in_test && fence.open_to_tests)
            && !fence.inside.iter().any(|inside| starts_with_path(&place, inside))
    })?;
    Some(format!("{} may be named only in {} (here: {named})", broken.path, broken.inside.join(", ")))
}

fn starts_with_path(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[test]
fn violations_are_seen() {
    let violations = |path: &str, text: &str, judge: fn(&Source, &NamedPath) -> Option<String>| {
        let source = Source::new(path, text.to_owned());
        source.paths().iter().filter_map(|path| judge(&source, path)).count()
    };
    let layers = [
        ("src/hl7v2/parse.rs", "use crate::fhir::Resource;", 1),
        ("src/hl7v2/parse.rs", "use crate::{base::Issue, fhir};", 1),
        ("src/hl7v2/parse.rs", "use super::super::fhir::Resource;", 1),
        ("src/hl7v2/parse.rs", "#[cfg(test)] mod tests { use super::super::super::engine::Intake; }", 1),
        ("src/hl7v2/parse.rs", "use super::path::Path; use crate::base::Issue;", 0),
        ("src/engine/process.rs", "fn f() { crate::telemetry::names::x(); crate::store::open(); }", 0),
        ("src/engine/process.rs", "fn f() { crate::telemetry::init(); }", 1),
        ("src/unheard/of.rs", "use crate::base::Issue;", 1),
    ];
    for (path, text, expected) in layers {
        assert_eq!(violations(path, text, layer_violation), expected, "{path}: {text}");
    }
    let fences = [
        ("src/engine/process.rs", "use std::{fs, io};", 1),
        ("src/engine/process.rs", "#[cfg(test)] mod tests { use std::fs; use tokio::net::TcpListener; }", 0),
        ("src/engine/process.rs", "#[cfg(test)] mod tests { use sqlx::Row; }", 1),
        ("src/store/sqlite/read.rs", "use sqlx::Row; use rusqlite::Connection;", 0),
        ("src/engine/worker.rs", "use crate::store::sqlite::SqliteStore;", 1),
        ("src/mapping/plan.rs", "async fn f() { tokio::task::yield_now().await }", 1),
        ("src/config/read.rs", "fn f() { std::fs::read(std::env::temp_dir()) }", 0),
    ];
    for (path, text, expected) in fences {
        assert_eq!(violations(path, text, fence_violation), expected, "{path}: {text}");
    }
}
