//! Problems of a configuration, located: file, line, column, the text underlined, a hint. Secrets are never shown.

use std::fmt::Write as _;
use std::ops::Range;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Bytes of the file.
    Span(Range<usize>),
    /// An environment variable.
    Override(String),
}

/// A problem before it is located.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub place: Place,
    pub code: &'static str,
    pub text: String,
    pub hint: Option<String>,
}

impl Fault {
    pub fn new(place: &Place, code: &'static str, text: impl Into<String>) -> Self {
        Self { place: place.clone(), code, text: text.into(), hint: None }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// One problem of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable: `unknown-option`, `wrong-type`, `missing-option`, `bad-value`, `conflict`, `open-listener`, `syntax`.
    pub code: &'static str,
    pub text: String,
    pub hint: Option<String>,
    /// The file, or the environment variable.
    pub origin: String,
    /// Line and column, counted from 1, in characters; absent for an environment variable.
    pub position: Option<(usize, usize)>,
    /// The line with secrets masked, and how many characters are underlined from the column on.
    pub excerpt: Option<(String, usize)>,
}

/// The text that problems are located in.
pub struct Source<'a> {
    text: &'a str,
    file_name: &'a str,
}

impl<'a> Source<'a> {
    pub fn new(text: &'a str, file_name: &'a str) -> Self {
        Self { text, file_name }
    }

    /// `hidden` are the spans whose text must not be shown.
    pub fn locate(&self, fault: Fault, hidden: &[Range<usize>]) -> Diagnostic {
        let Fault { place, code, text, hint } = fault;
        let (origin, position, excerpt) = match place {
            Place::Override(name) => (name, None, None),
            Place::Span(span) => {
                let (position, excerpt) = self.excerpt(&span, hidden, code == "syntax");
                (self.file_name.to_owned(), Some(position), Some(excerpt))
            }
        };
        Diagnostic { code, text, hint, origin, position, excerpt }
    }

    /// Position and masked line. When the file does not parse it is unknown what is secret: values are cut off.
    fn excerpt(&self, span: &Range<usize>, hidden: &[Range<usize>], cut: bool) -> ((usize, usize), (String, usize)) {
        let start = floor(self.text, span.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        let end = floor(self.text, span.end).clamp(start, line_end);
        let position =
            (self.text[..line_start].matches('\n').count() + 1, self.text[line_start..start].chars().count() + 1);
        let mut line = mask(self.text, line_start..line_end, hidden);
        if cut && let Some(at) = line.find('=') {
            line.truncate(at + 1);
            line.push_str(" …");
        }
        (position, (line.trim_end().to_owned(), self.text[start..end].chars().count().max(1)))
    }
}

/// The closest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn mask(text: &str, line: Range<usize>, hidden: &[Range<usize>]) -> String {
    let is_hidden = |at: usize| hidden.iter().any(|span| span.contains(&at));
    text[line.clone()]
        .char_indices()
        .map(|(at, character)| if is_hidden(line.start + at) { '*' } else { character })
        .collect()
}

impl std::fmt::Display for Diagnostic {
    /// In the manner of a compiler: what, where, the line, a hint.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "error[{}]: {}", self.code, self.text)?;
        let Some((line, column)) = self.position else {
            writeln!(f, "  --> environment variable {}", self.origin)?;
            return self.hint.iter().try_for_each(|hint| writeln!(f, "   = {hint}"));
        };
        writeln!(f, "  --> {}:{line}:{column}", self.origin)?;
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        if let Some((excerpt, length)) = &self.excerpt {
            let underline = format!("{}{}", " ".repeat(column - 1), "^".repeat(*length));
            writeln!(f, "{margin} |\n{number} | {excerpt}\n{margin} | {underline}")?;
        }
        self.hint.iter().try_for_each(|hint| writeln!(f, "{margin} = {hint}"))
    }
}

/// All problems, one after the other, and their count.
pub fn render(diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{diagnostic}");
    }
    let plural = if diagnostics.len() == 1 { "problem" } else { "problems" };
    let _ = writeln!(text, "{} {plural} in the configuration", diagnostics.len());
    text
}
