//! `loopgate map diff`: what sets the mapping of a feed apart from the base, rule by rule, with the reasons.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::mapping::{files, files_or_builtin, is_overlay};
use crate::cli::output::{Failure, NO, Tone, print, say, toned};
use crate::mapping::{Diagnostic, Difference, Side, differences};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A folder of mapping files, or `builtin`
    base: PathBuf,
    /// A folder or file of the feed: overlays are laid over the base, a folder without any is taken as a whole release
    feed: PathBuf,
    /// JSON, one difference a line
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let base = files_or_builtin(&arguments.base)?;
    let own = files(&arguments.feed)?;
    let feed = if is_overlay(&own) { base.clone().into_iter().chain(own).collect() } else { own };
    let found = differences(&base, &feed).map_err(|faults| Failure::no(lines(&faults)))?;
    for difference in &found {
        if arguments.json {
            print(&as_json(difference).to_string());
        } else {
            show(difference);
        }
    }
    say(&format!("{} differences", found.len()));
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn lines(faults: &[Diagnostic]) -> String {
    faults.iter().map(Diagnostic::to_string).collect::<Vec<_>>().join("\n")
}

fn show(difference: &Difference) {
    print(&toned(&difference.id, Tone::Bold));
    for (sign, side, tone) in [("-", &difference.before, Tone::Bad), ("+", &difference.after, Tone::Good)] {
        if let Some(Side { text, file, line }) = side {
            print(&toned(&format!("  {sign} {text}"), tone));
            print(&toned(&format!("      {file}:{line}"), Tone::Dim));
        }
    }
    if let Some(reason) = &difference.reason {
        print(&format!("  {}: {}", reason.overlay, reason.reason));
    }
}

fn as_json(difference: &Difference) -> Value {
    let side = |side: &Option<Side>| {
        let side = side.as_ref();
        side.map(|side| json!({ "text": side.text, "file": side.file.as_str(), "line": side.line }))
    };
    json!({
        "id": difference.id.as_str(),
        "before": side(&difference.before),
        "after": side(&difference.after),
        "overlay": difference.reason.as_ref().map(|reason| reason.overlay.as_str()),
        "reason": difference.reason.as_ref().map(|reason| reason.reason.as_str()),
    })
}
