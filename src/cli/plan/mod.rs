//! `loopgate plan`: what a new mapping release would change, told before anything is changed.
//!
//! Exit codes: 0 nothing changes; 1 something changes, and nothing newly fails; 2 something newly fails.

mod stored;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::StoreArguments;
use crate::cli::files::{Corpus, write_whole};
use crate::cli::mapping::{Mapping, Reading, ZoneArguments};
use crate::cli::output::{Failure, NO, Table, Tone, WORSE, finish, grouped, print, say, toned};
use crate::cli::replay::SelectionArguments;
use crate::mapping::compare::{Change, FailureRow, Outcome, Plan, Shown, Summary, compare};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A folder of .hl7 files, however deep, to run both releases over
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "data", "database"])]
    corpus: Option<PathBuf>,
    #[command(flatten)]
    stored: StoredArguments,
    /// The mapping files of the release in use; without it the built-in ones
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// An overlay of the release in use: the name of a built-in one, or a .yaml file; may be given repeatedly
    #[arg(long = "from-overlay", value_name = "NAME|FILE")]
    from_overlays: Vec<String>,
    /// The mapping files of the new release; without it the built-in ones
    #[arg(long, value_name = "DIR", required_unless_present_any = ["from", "from_overlays", "to_overlays"])]
    to: Option<PathBuf>,
    /// An overlay of the new release
    #[arg(long = "to-overlay", value_name = "NAME|FILE")]
    to_overlays: Vec<String>,
    /// Write down which messages are concerned and what each comes to
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How many rows of each list to print
    #[arg(long, value_name = "ROWS", default_value_t = 40)]
    top: usize,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    zone: ZoneArguments,
}

/// Stored messages instead of a corpus: each feed's configured release against new files in its place.
#[derive(Debug, clap::Args)]
struct StoredArguments {
    #[command(flatten)]
    selection: SelectionArguments,
    #[command(flatten)]
    store: StoreArguments,
}

pub async fn run(arguments: Arguments) -> ExitCode {
    finish(plan(&arguments).await)
}

async fn plan(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (summary, plan) = match (&arguments.corpus, &arguments.stored.selection.since) {
        (Some(corpus), None) => over_corpus(arguments, corpus)?,
        (None, Some(_)) => over_store(arguments).await?,
        _ => return Err(Failure::usage("give --corpus DIR, or --since SPAN for the messages of the store")),
    };
    if let Some(file) = &arguments.out {
        write_whole(file, plan.to_json().map_err(Failure::no)?.as_bytes())?;
        say(&format!("the plan is in {}", file.display()));
    }
    if arguments.json {
        print(&as_json(&summary, &plan).to_string());
    } else {
        show(&summary, arguments.top);
    }
    Ok(exit_code(summary.worst()))
}

fn over_corpus(arguments: &Arguments, corpus: &Path) -> Result<(Summary, Plan), Failure> {
    let old = Mapping::with(arguments.from.as_deref(), &arguments.from_overlays, &arguments.zone)?;
    let new = Mapping::with(arguments.to.as_deref(), &arguments.to_overlays, &arguments.zone)?;
    let (mut summary, mut plan) = (Summary::default(), Plan::new(old.release.digest(), new.release.digest()));
    Corpus::open(corpus)?.for_each(|name, bytes| {
        let reading = Reading::of(bytes);
        let difference = compare(old.run(&reading, false).as_ref(), new.run(&reading, false).as_ref());
        summary.add(name, &difference);
        plan.add(name, &difference);
    })?;
    Ok((summary, plan))
}

/// The feeds' zones, overlays and present files are those of the configuration; only the files may be others.
async fn over_store(arguments: &Arguments) -> Result<(Summary, Plan), Failure> {
    let Some(mappings) = &arguments.to else {
        return Err(Failure::usage("give --to DIR: the mapping files that would take the place of those in use"));
    };
    if arguments.from.is_some() || !arguments.from_overlays.is_empty() || !arguments.to_overlays.is_empty() {
        return Err(Failure::usage("--from and overlays mean nothing here: the configuration says what is in use"));
    }
    let StoredArguments { selection, store } = &arguments.stored;
    stored::plan(store, mappings, &selection.selection()?).await
}

/// The exit code that tells of the worst outcome.
pub fn exit_code(worst: Outcome) -> ExitCode {
    match worst {
        Outcome::Exact => ExitCode::SUCCESS,
        Outcome::Changed | Outcome::Fixed => ExitCode::from(NO),
        Outcome::NewlyFailing => ExitCode::from(WORSE),
    }
}

/// Prints a summary for people, at most so many rows of each list.
pub fn show(summary: &Summary, top: usize) {
    let count = |outcome| grouped(summary.messages(outcome));
    print(&format!(
        "{} exact, {} changed, {} newly failing, {} fixed",
        count(Outcome::Exact),
        count(Outcome::Changed),
        count(Outcome::NewlyFailing),
        count(Outcome::Fixed),
    ));
    show_failures("Newly failing", &summary.broken(), Tone::Bad, top);
    show_failures("Fixed", &summary.mended(), Tone::Good, top);
    show_changes(summary, top);
}

fn heading(title: &str, rows: usize, top: usize) {
    let more = if rows > top { format!(", the first {top} of {rows}") } else { String::new() };
    print(&format!("\n{}{more}", toned(title, Tone::Bold)));
}

fn show_failures(title: &str, rows: &[FailureRow<'_>], tone: Tone, top: usize) {
    if rows.is_empty() {
        return;
    }
    heading(title, rows.len(), top);
    let mut table = Table::new(&["", "", "", ""]);
    for row in rows.iter().take(top) {
        table.row(vec![
            (format!("{:>9} ×", grouped(row.count)), Tone::Plain),
            (row.failure.kind.to_string(), tone),
            (row.failure.place.to_string(), Tone::Plain),
            (format!("first in {}", row.first), Tone::Dim),
        ]);
    }
    table.print();
}

fn show_changes(summary: &Summary, top: usize) {
    let rows = summary.changes();
    if rows.is_empty() {
        return;
    }
    heading("Changes", rows.len(), top);
    let mut table = Table::new(&["", "", "", ""]);
    for row in rows.iter().take(top) {
        table.row(vec![
            (format!("{:>9} ×", grouped(row.count)), Tone::Plain),
            (row.change.path.clone(), Tone::Plain),
            (sides(row.change), Tone::Notable),
            (format!("first in {}", row.first), Tone::Dim),
        ]);
    }
    table.print();
}

/// `AMB → IMP`, or that something came or went.
fn sides(change: &Change) -> String {
    match (&change.before, &change.after) {
        (Some(Shown::Whole), None) => "gone".to_owned(),
        (None, Some(Shown::Whole)) => "new".to_owned(),
        (Some(before), None) => format!("{before} → nothing"),
        (None, Some(after)) => format!("nothing → {after}"),
        (Some(before), Some(after)) => format!("{before} → {after}"),
        (None, None) => String::new(),
    }
}

/// A summary for machines.
pub fn as_json(summary: &Summary, plan: &Plan) -> Value {
    let side = |side: &Option<Shown>| side.as_ref().map(ToString::to_string);
    let changes = summary.changes().into_iter().map(|row| {
        let (before, after) = (side(&row.change.before), side(&row.change.after));
        json!({ "path": row.change.path, "before": before, "after": after, "count": row.count, "first": row.first })
    });
    let failures = |rows: Vec<FailureRow<'_>>| -> Value {
        let rows = rows.into_iter().map(|row| {
            let (kind, place) = (row.failure.kind.as_str(), row.failure.place.as_str());
            json!({ "kind": kind, "place": place, "count": row.count, "first": row.first })
        });
        Value::Array(rows.collect())
    };
    json!({
        "from": plan.from, "to": plan.to,
        "exact": summary.messages(Outcome::Exact), "changed": summary.messages(Outcome::Changed),
        "newlyFailing": summary.messages(Outcome::NewlyFailing), "fixed": summary.messages(Outcome::Fixed),
        "changes": changes.collect::<Vec<_>>(),
        "failures": failures(summary.broken()), "mended": failures(summary.mended()),
    })
}
