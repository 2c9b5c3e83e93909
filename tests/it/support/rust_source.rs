//! Rust sources, read as text just far enough: what is code, what is test code, which paths are named, where functions
//! begin and end. Not a parser: it knows comments, literals, braces and `use` groups, and that is enough to judge.

use super::checkout;

/// One source file.
pub struct Source {
    /// From the root of the checkout: `src/base/ids.rs`.
    pub path: String,
    pub text: String,
    /// `text` with comments blanked and the insides of literals replaced by `_`: same length, same lines.
    pub code: String,
    /// Byte ranges of `code` that are compiled for tests only.
    test_ranges: Vec<(usize, usize)>,
}

/// A function and its size.
pub struct Function {
    pub name: String,
    /// From `fn` to its closing brace.
    pub lines: usize,
}

/// A path as named in code (`crate::base::Issue`, one per leaf of a `use` group).
pub struct NamedPath {
    pub segments: Vec<String>,
    pub line: usize,
    pub in_test: bool,
    /// How many inline modules surround it.
    pub inline_depth: usize,
}

/// Every file of `src`, with test files marked as such.
pub fn sources() -> Vec<Source> {
    let mut all: Vec<Source> = checkout::files_below("src")
        .into_iter()
        .filter(|path| checkout::has_extension(path, "rs"))
        .map(|path| Source::new(&path, checkout::read(&path)))
        .collect();
    let test_files: Vec<String> = all.iter().flat_map(Source::test_modules).collect();
    for source in &mut all {
        let stem = source.path.trim_end_matches("/mod.rs").trim_end_matches(".rs");
        if test_files.iter().any(|file| stem == file || stem.starts_with(&format!("{file}/"))) {
            source.test_ranges = vec![(0, source.code.len())];
        }
    }
    all
}

impl Source {
    pub fn new(path: &str, text: String) -> Self {
        let code = blank(&text);
        let test_ranges = test_ranges(&code);
        Self { path: path.to_owned(), text, code, test_ranges }
    }

    /// The names of the modules from the crate's root: `src/store/sqlite/mod.rs` is `store`, `sqlite`.
    pub fn module(&self) -> Vec<&str> {
        let inner = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut parts: Vec<&str> = inner.split('/').collect();
        if parts.last() == Some(&"mod") {
            parts.pop();
        }
        parts
    }

    /// Lines that are neither blank nor comment nor compiled for tests only.
    pub fn production_lines(&self) -> usize {
        let mut start = 0;
        let mut count = 0;
        for line in self.code.split_inclusive('\n') {
            if !line.trim().is_empty() && !self.is_test(start) {
                count += 1;
            }
            start += line.len();
        }
        count
    }

    pub fn is_test(&self, at: usize) -> bool {
        self.test_ranges.iter().any(|(start, end)| (*start..*end).contains(&at))
    }

    fn line_of(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }

    /// Functions with a body, those of tests left out.
    pub fn functions(&self) -> Vec<Function> {
        words(&self.code)
            .filter(|(at, word)| *word == "fn" && !self.is_test(*at))
            .filter_map(|(at, _)| self.function_at(at))
            .collect()
    }

    fn function_at(&self, at: usize) -> Option<Function> {
        let rest = &self.code[at + 2..];
        let name: String = rest.trim_start().chars().take_while(|c| is_word(*c)).collect();
        if name.is_empty() {
            return None;
        }
        let body = at + 2 + body_offset(rest)?;
        let end = matching_brace(&self.code, body);
        Some(Function { name, lines: self.line_of(end) - self.line_of(at) + 1 })
    }

    /// All paths of two or more segments, `use` groups taken apart.
    pub fn paths(&self) -> Vec<NamedPath> {
        let modules = inline_modules(&self.code);
        let mut found = Vec::new();
        for (at, _) in words(&self.code) {
            let before = self.code[..at].trim_end();
            if before.ends_with("::") || before.ends_with(['.', '\'']) || in_use_group(before) {
                continue;
            }
            let mut leaves = Vec::new();
            read_tree(&self.code[at..], &mut Vec::new(), &mut leaves);
            let inline_depth = modules.iter().filter(|(start, end)| (*start..*end).contains(&at)).count();
            found.extend(leaves.into_iter().filter(|segments| segments.len() > 1).map(|segments| NamedPath {
                segments,
                line: self.line_of(at),
                in_test: self.is_test(at),
                inline_depth,
            }));
        }
        found
    }

    /// Files declared by `#[cfg(test)] mod NAME;`, as paths without extension.
    fn test_modules(&self) -> Vec<String> {
        let folder = match self.path.rsplit_once('/') {
            Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder.to_owned(),
            _ => self.path.trim_end_matches(".rs").to_owned(),
        };
        self.test_ranges
            .iter()
            .filter_map(|(start, end)| {
                let item = self.code[*start..*end].trim_end().strip_suffix(';')?;
                let (before, name) = item.rsplit_once(char::is_whitespace)?;
                before.trim_end().ends_with("mod").then(|| format!("{folder}/{name}"))
            })
            .collect()
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric()
}

/// Words (identifiers and keywords) with their places; numbers are left out.
fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + code[at..].find(is_word)?;
        let end = code[start..].find(|c| !is_word(c)).map_or(code.len(), |length| start + length);
        at = end;
        Some((start, &code[start..end]))
    })
    .filter(|(_, word)| !word.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether the text before a word ends inside of a group such as `use crate::{base, `, which its root has read.
fn in_use_group(before: &str) -> bool {
    let mut depth = 0_usize;
    for (at, byte) in before.bytes().enumerate().rev() {
        match byte {
            b'}' => depth += 1,
            b'{' if depth > 0 => depth -= 1,
            b'{' => return before[..at].trim_end().ends_with("::"),
            b';' => return false,
            _ => {}
        }
    }
    false
}

/// Reads `a::b::{c, d::e}` from the start of `code` into one list of segments per leaf; answers what it consumed.
fn read_tree(code: &str, prefix: &mut Vec<String>, leaves: &mut Vec<Vec<String>>) -> usize {
    let depth = prefix.len();
    let mut at = 0;
    loop {
        at += code[at..].len() - code[at..].trim_start().len();
        if code[at..].starts_with('{') {
            at += read_group(&code[at..], prefix, leaves);
            break;
        }
        let length = code[at..].find(|c| !is_word(c)).unwrap_or(code.len() - at);
        let segment = if length == 0 && code[at..].starts_with('*') { "*" } else { &code[at..at + length] };
        at += segment.len();
        prefix.push(segment.to_owned());
        let follows = code[at..].trim_start();
        if segment.is_empty() || !follows.starts_with("::") || follows.starts_with("::<") {
            leaves.push(prefix.clone());
            break;
        }
        at = code.len() - follows.len() + 2;
    }
    prefix.truncate(depth);
    at
}

fn read_group(code: &str, prefix: &mut Vec<String>, leaves: &mut Vec<Vec<String>>) -> usize {
    let end = matching_brace(code, 0);
    let mut at = 1;
    while at < end {
        if code[at..end].trim().is_empty() {
            break;
        }
        at += read_tree(&code[at..end], prefix, leaves);
        at += code[at..end].find(',').map_or(end - at, |comma| comma + 1);
    }
    end + 1
}

/// Ranges of `mod NAME { … }`.
fn inline_modules(code: &str) -> Vec<(usize, usize)> {
    words(code)
        .filter(|(_, word)| *word == "mod")
        .filter_map(|(at, _)| {
            let brace = at + code[at..].find(['{', ';'])?;
            code[brace..].starts_with('{').then(|| (at, matching_brace(code, brace)))
        })
        .collect()
}

/// Ranges of the items under `#[cfg(test)]` or `#[test]`, the attribute included.
fn test_ranges(code: &str) -> Vec<(usize, usize)> {
    let compact = |attribute: &str| attribute.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for (at, _) in code.match_indices("#[") {
        let Some(close) = code[at..].find(']') else { continue };
        let attribute = compact(&code[at..=at + close]);
        let is_test =
            attribute == "#[test]" || attribute.starts_with("#[cfg(test") || attribute.starts_with("#[cfg(all(test");
        if is_test && !ranges.iter().any(|(start, end)| (*start..*end).contains(&at)) {
            ranges.push((at, item_end(code, at + close + 1)));
        }
    }
    ranges
}

/// Where the item that starts at `at` (perhaps with further attributes) ends.
fn item_end(code: &str, at: usize) -> usize {
    let mut depth = 0_i32;
    for (offset, byte) in code.as_bytes()[at..].iter().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return matching_brace(code, at + offset) + 1,
            b';' if depth == 0 => return at + offset + 1,
            _ => {}
        }
    }
    code.len()
}

/// From a signature's start to its body's brace; nothing for a declaration without a body.
fn body_offset(rest: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (offset, byte) in rest.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(offset),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The brace that closes the one at `open`; the end of the text when it is missing.
fn matching_brace(code: &str, open: usize) -> usize {
    let mut depth = 0_i32;
    for (offset, byte) in code.as_bytes()[open..].iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + offset;
        }
    }
    code.len()
}

/// Blanks comments and replaces what is inside of literals by `_`, keeping every byte's place and every line.
fn blank(text: &str) -> String {
    let mut out = text.as_bytes().to_vec();
    let mut at = 0;
    while at < out.len() {
        let (end, filler) = token_at(text.as_bytes(), at);
        if let Some(filler) = filler {
            out[at..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = filler);
        }
        at = end;
    }
    String::from_utf8(out).expect("only whole comments and literals were replaced, by ASCII")
}

/// The end of the token at `at`, and what is to stand in its place when it is a comment or literal.
fn token_at(text: &[u8], at: usize) -> (usize, Option<u8>) {
    let rest = &text[at..];
    let after_word = at > 0 && is_word(char::from(text[at - 1]));
    if rest.starts_with(b"//") {
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        return (at + length, Some(b' '));
    }
    if rest.starts_with(b"/*") {
        return (at + block_comment(rest), Some(b' '));
    }
    if let Some(length) = (!after_word).then(|| raw_string(rest)).flatten() {
        return (at + length, Some(b'_'));
    }
    match rest[0] {
        b'"' => (at + quoted(rest, b'"'), Some(b'_')),
        b'\'' if is_char_literal(rest) => (at + quoted(rest, b'\''), Some(b'_')),
        _ => (at + 1, None),
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let pair = &rest[at..rest.len().min(at + 2)];
        let step = if pair == b"/*" || pair == b"*/" { 2 } else { 1 };
        depth += i32::from(pair == b"/*") - i32::from(pair == b"*/");
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of `r"…"`, `r#"…"#` or their byte forms at the start of `rest`.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let prefix = rest.iter().take_while(|byte| matches!(**byte, b'b' | b'c' | b'r')).count();
    if prefix == 0 || rest[prefix - 1] != b'r' {
        return None;
    }
    let hashes = rest[prefix..].iter().take_while(|byte| **byte == b'#').count();
    let open = prefix + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let length = rest[open + 1..].windows(close.len()).position(|window| window == close)?;
    Some(open + 1 + length + close.len())
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    rest.len().min(at + 1)
}

/// Tells `'x'` and `'\n'` from the lifetime `'x`.
fn is_char_literal(rest: &[u8]) -> bool {
    match rest.get(1) {
        Some(b'\\') => true,
        Some(first) if first.is_ascii() => rest.get(2) == Some(&b'\''),
        Some(_) => true,
        None => false,
    }
}

mod tests {
    use super::Source;

    const SAMPLE: &str = r##"
//! Header with crate::nowhere.
use crate::{base::{Issue, ids}, store};
use std::{fs, io};
/* crate::nope */ const TEXT: &str = "crate::text { \" }";
const RAW: &str = r#"crate::raw" {"#;
fn one<'a>(x: &'a str) -> [u8; 3] {
    let brace = '{';
    super::other(x, brace)
}
#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    #[test]
    fn long() {}
}
"##;

    #[test]
    fn finds_paths_functions_and_test_code() {
        let source = Source::new("src/engine/process.rs", SAMPLE.to_owned());
        let paths: Vec<(String, bool)> =
            source.paths().iter().map(|path| (path.segments.join("::"), path.in_test)).collect();
        let expected = [
            ("crate::base::Issue", false),
            ("crate::base::ids", false),
            ("crate::store", false),
            ("std::fs", false),
            ("std::io", false),
            ("super::other", false),
            ("tokio::net::TcpListener", true),
        ];
        assert_eq!(paths, expected.map(|(path, in_test)| (path.to_owned(), in_test)));
        let functions: Vec<(String, usize)> =
            source.functions().into_iter().map(|function| (function.name, function.lines)).collect();
        assert_eq!(functions, [("one".to_owned(), 4)]);
        assert_eq!(source.production_lines(), 8);
        assert_eq!(source.module(), ["engine", "process"]);
    }
}
