//! `loopgate map coverage`: what becomes of the fields of a corpus, and whether that got worse.

use std::path::PathBuf;
use std::process::ExitCode;

use super::explain::declarations;
use crate::cli::files::{Corpus, read_text, write_whole};
use crate::cli::mapping::{Mapping, Reading, ReleaseArguments};
use crate::cli::output::{Failure, Table, Tone, WORSE, grouped, print, say, toned};
use crate::mapping::coverage::{Coverage, Drift, FieldRow, Report, drifts, percent};
use crate::mapping::explain::{Declarations, Explanation};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A folder of .hl7 files, however deep; files may hold several messages
    folder: PathBuf,
    /// An earlier report to hold this one against; exits with 2 when something got worse
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Keep the report as a baseline for later
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// How far the share of a field may fall, in percent of its values, before it counts as worse
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    tolerance: f64,
    /// A list of further fields that are left unmapped on purpose: place and reason, one a line
    #[arg(long, value_name = "FILE")]
    declared: Option<PathBuf>,
    /// How many rows of each list to print
    #[arg(long, value_name = "ROWS", default_value_t = 20)]
    top: usize,
    /// The whole report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    release: ReleaseArguments,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mapping = Mapping::open(&arguments.release)?;
    let declared = declarations(&mapping.release, arguments.declared.as_ref())?;
    let baseline = arguments.baseline.as_ref().map(|file| {
        let parsed = Report::parse(&read_text(file)?);
        parsed.map_err(|fault| Failure::configuration(format!("{}: {fault}", file.display())))
    });
    let baseline = baseline.transpose()?;
    let report = sum(&mapping, &declared, &Corpus::open(&arguments.folder)?)?;
    let worse = baseline.map(|baseline| drifts(&baseline, &report, arguments.tolerance)).unwrap_or_default();
    let json = report.to_json().map_err(Failure::no)?;
    if arguments.json {
        print(&json);
    } else {
        show(&report, arguments.top);
    }
    if let Some(file) = &arguments.write_baseline {
        write_whole(file, json.as_bytes())?;
        say(&format!("the report is kept in {}", file.display()));
    }
    tell(&worse);
    Ok(if worse.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(WORSE) })
}

fn sum(mapping: &Mapping, declared: &Declarations, corpus: &Corpus) -> Result<Report, Failure> {
    let mut coverage = Coverage::default();
    corpus.for_each(|name, bytes| {
        let reading = Reading::of(bytes);
        let mapped = mapping.run(&reading, true);
        let explanation = match &mapped {
            Some(mapped) => Explanation::new(&reading.message, mapped, declared),
            None => Explanation::without_map(&reading.message, declared),
        };
        coverage.add(name, &reading.message_type, &explanation, mapped.as_ref());
    })?;
    Ok(coverage.report(mapping.release.digest().to_string()))
}

fn tell(worse: &[Drift]) {
    if !worse.is_empty() {
        say(&format!("{} things got worse since the baseline:", worse.len()));
        worse.iter().for_each(|drift| say(&format!("  {drift}")));
    }
}

fn show(report: &Report, top: usize) {
    let total = &report.total;
    print(&format!(
        "{} messages, {} populated values: {} mapped, {} repeated, {} only looked at, {} left out on purpose, {} \
         dropped, {} in messages without a map",
        grouped(report.messages),
        grouped(total.populated),
        share(total.mapped, total.populated),
        share(total.repeated, total.populated),
        share(total.consulted, total.populated),
        share(total.declared, total.populated),
        share(total.dropped, total.populated),
        share(total.without_map, total.populated),
    ));
    show_types(report);
    section("Fields", report.fields.len(), usize::MAX);
    fields(&report.fields).print();
    show_dropped(report, top);
    show_codes(report, top);
    show_issues(report, top);
}

fn share(part: u64, whole: u64) -> String {
    if part == 0 { "0".to_owned() } else { format!("{} ({:.1} %)", grouped(part), percent(part, whole)) }
}

fn section(title: &str, rows: usize, top: usize) {
    let more = if rows > top { format!(", the first {top} of {}", grouped(rows as u64)) } else { String::new() };
    print(&format!("\n{}{more}", toned(title, Tone::Bold)));
}

fn plain(text: impl Into<String>) -> (String, Tone) {
    (text.into(), Tone::Plain)
}

fn show_types(report: &Report) {
    let without: Vec<_> = report.types.iter().filter(|row| row.without_map > 0).collect();
    if without.is_empty() {
        return;
    }
    section("Message types without a map", without.len(), usize::MAX);
    let mut table = Table::new(&["TYPE", "MESSAGES"]);
    without.iter().for_each(|row| table.row(vec![plain(row.message_type.as_str()), plain(grouped(row.without_map))]));
    table.print();
}

fn fields(rows: &[FieldRow]) -> Table {
    let mut table = Table::new(&[
        "FIELD",
        "POPULATED",
        "MAPPED",
        "REPEATED",
        "LOOKED AT",
        "DECLARED",
        "DROPPED",
        "NO MAP",
        "USED",
        "FIRST SEEN",
    ]);
    for row in rows {
        let counts = &row.counts;
        let used = counts.used_percent();
        let tone = match counts.dropped {
            0 => Tone::Good,
            dropped if dropped < counts.populated => Tone::Notable,
            _ => Tone::Bad,
        };
        let count = |number: u64| if number == 0 { plain("") } else { plain(grouped(number)) };
        table.row(vec![
            plain(row.path.as_str()),
            count(counts.populated),
            count(counts.mapped),
            count(counts.repeated),
            count(counts.consulted),
            count(counts.declared),
            (count(counts.dropped).0, tone),
            count(counts.without_map),
            (format!("{used:.1} %"), tone),
            (row.first_seen.clone(), Tone::Dim),
        ]);
    }
    table
}

fn show_dropped(report: &Report, top: usize) {
    let dropped = report.dropped();
    if dropped.is_empty() {
        return;
    }
    section("Dropped, and nobody said why", dropped.len(), top);
    let mut table = Table::new(&["PLACE", "DROPPED", "OF", "FIRST IN"]);
    for part in dropped.iter().take(top) {
        table.row(vec![
            plain(part.path.as_str()),
            (grouped(part.counts.dropped), Tone::Bad),
            plain(grouped(part.counts.populated)),
            (part.first_dropped.clone().unwrap_or_default(), Tone::Dim),
        ]);
    }
    table.print();
}

fn show_codes(report: &Report, top: usize) {
    if report.unmapped_codes.is_empty() {
        return;
    }
    section("Codes that their table lacks", report.unmapped_codes.len(), top);
    let mut codes: Vec<_> = report.unmapped_codes.iter().collect();
    codes.sort_by_key(|row| std::cmp::Reverse(row.count));
    let mut table = Table::new(&["TABLE", "CODE", "COUNT", "FIRST IN"]);
    for row in codes.into_iter().take(top) {
        table.row(vec![
            plain(row.table.as_str()),
            (row.code.clone(), Tone::Notable),
            plain(grouped(row.count)),
            (row.first_seen.clone(), Tone::Dim),
        ]);
    }
    table.print();
}

fn show_issues(report: &Report, top: usize) {
    if report.issues.is_empty() {
        return;
    }
    section("Issues", report.issues.len(), top);
    let mut issues: Vec<_> = report.issues.iter().collect();
    issues.sort_by_key(|row| std::cmp::Reverse(row.count));
    let mut table = Table::new(&["KIND", "PLACE", "COUNT", "FIRST IN"]);
    for row in issues.into_iter().take(top) {
        table.row(vec![
            plain(row.kind.as_str()),
            plain(row.path.as_str()),
            plain(grouped(row.count)),
            (row.first_seen.clone(), Tone::Dim),
        ]);
    }
    table.print();
}
