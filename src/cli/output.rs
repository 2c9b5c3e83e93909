//! What commands print: aligned tables, coloured when a terminal looks, and JSON for machines.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

/// Exit codes beside success, as documented in `cli`.
pub const NO: u8 = 1;
/// Commands that compare: worse than before.
pub const WORSE: u8 = 2;
pub const USAGE: u8 = 2;
pub const UNAVAILABLE: u8 = 69;
pub const BAD_CONFIGURATION: u8 = 78;

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    pub code: u8,
    /// What happened and what to do, for stderr.
    pub text: String,
}

impl Failure {
    pub fn unavailable(text: impl std::fmt::Display) -> Self {
        Self { code: UNAVAILABLE, text: text.to_string() }
    }

    pub fn configuration(text: impl std::fmt::Display) -> Self {
        Self { code: BAD_CONFIGURATION, text: text.to_string() }
    }

    /// The command was not given what it needs.
    pub fn usage(text: impl std::fmt::Display) -> Self {
        Self { code: USAGE, text: text.to_string() }
    }

    pub fn no(text: impl std::fmt::Display) -> Self {
        Self { code: NO, text: text.to_string() }
    }
}

/// Turns the end of a command into its exit code, telling a failure on stderr.
pub fn finish(result: Result<ExitCode, Failure>) -> ExitCode {
    result.unwrap_or_else(|failure| {
        say(&failure.text);
        ExitCode::from(failure.code)
    })
}

/// Talk: one line on stderr. A closed stderr is nobody listening.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Data: one line on stdout. A closed pipe ends the reader's interest, not our work.
pub fn print(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Colours of the eight that every terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Dim,
    Bold,
    Good,
    Bad,
    Notable,
}

/// Wraps text in the tone's escape codes, when stdout is a terminal.
pub fn toned(text: &str, tone: Tone) -> String {
    let code = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Dim => "2",
        Tone::Bold => "1",
        Tone::Good => "32",
        Tone::Bad => "31",
        Tone::Notable => "33",
    };
    if std::io::stdout().is_terminal() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// A number with commas between thousands: `1,204`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Rows under headings, columns aligned by their widest cell. Without any heading text there is no line of headings.
pub struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<(String, Tone)>>,
}

impl Table {
    pub fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    pub fn row(&mut self, cells: Vec<(String, Tone)>) {
        self.rows.push(cells);
    }

    pub fn print(&self) {
        let widths: Vec<usize> =
            self.headings.iter().enumerate().map(|(column, heading)| self.width(column, heading)).collect();
        let headings: Vec<(String, Tone)> =
            self.headings.iter().map(|heading| ((*heading).to_owned(), Tone::Dim)).collect();
        let has_headings = self.headings.iter().any(|heading| !heading.is_empty());
        for row in std::iter::once(&headings).filter(|_| has_headings).chain(&self.rows) {
            print(line(row, &widths).trim_end());
        }
    }

    fn width(&self, column: usize, heading: &str) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|(text, _)| text.chars().count());
        cells.chain([heading.chars().count()]).max().unwrap_or(0)
    }
}

fn line(cells: &[(String, Tone)], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|((text, tone), width)| {
        let space = " ".repeat(width.saturating_sub(text.chars().count()));
        format!("{}{space}", toned(text, *tone))
    });
    padded.collect::<Vec<_>>().join("  ")
}

/// An error with its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, expected) in [(0, "0"), (999, "999"), (1204, "1,204"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), expected);
        }
    }
}
