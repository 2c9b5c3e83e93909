//! The examples of the book in `docs/mapping` are executed: chapter by chapter, block by block.
//!
//! A `yaml` block that begins with a comment holding a file name is that file of the chapter's release, in place of an
//! earlier one of that name. An `hl7` block is a message; the `json` block after it is what becomes of it. A `text`
//! block after a wrong file holds its diagnostics; the file is taken out again. A `json resources` block is what the
//! `hl7 NAME` block after it is written from, by the render file of that name. Ids are shown as `*`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Release, Sources, cases};
use crate::fhir::{Node, Resource};
use crate::hl7v2::Charset;

/// Chapters that hold examples.
const CHAPTERS_MIN: usize = 8;

/// A fenced block: what stands behind the fence, and the lines in it.
struct Block {
    info: String,
    first_line: usize,
    text: String,
}

fn chapters() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mapping");
    let entries = std::fs::read_dir(folder).expect("the book is there").map(|entry| entry.expect("an entry").path());
    let numbered = |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes()[0].is_ascii_digit());
    let mut chapters: Vec<PathBuf> = entries.filter(numbered).collect();
    chapters.sort();
    chapters
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (number, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), open) {
            (Some(info), false) => {
                blocks.push(Block { info: info.to_owned(), first_line: number + 1, text: String::new() });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                let block = blocks.last_mut().expect("an open block");
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, false) => {}
        }
    }
    blocks
}

/// What a reader of the chapter has in mind at a block.
#[derive(Default)]
struct Reading {
    files: BTreeMap<String, String>,
    last: Option<(String, Option<String>)>,
    message: Option<String>,
    resources: Vec<Resource>,
}

impl Reading {
    /// Reads a block; gives what it should hold when it shows an outcome.
    fn read(&mut self, block: &Block) -> Option<String> {
        let (kind, rest) = block.info.split_once(' ').unwrap_or((&block.info, ""));
        match (kind, rest) {
            ("yaml", _) => {
                if let Some(name) = block.text.lines().next().and_then(|line| line.strip_prefix("# ")) {
                    let old = self.files.insert(name.to_owned(), block.text.clone());
                    self.last = Some((name.to_owned(), old));
                }
                None
            }
            ("hl7", "") => {
                self.message = Some(block.text.clone());
                None
            }
            ("hl7", name) => Some(self.written(name)),
            ("json", "resources") => {
                let node = Node::parse(block.text.as_bytes()).expect("JSON");
                let resource = |node: &Node| {
                    let Node::Object(object) = node.clone() else { panic!("an object") };
                    Resource::from_object(object).unwrap_or_else(|_| panic!("a resource"))
                };
                self.resources = node.items().iter().map(resource).collect();
                None
            }
            ("json", _) => {
                let message = self.message.take().expect("a message before its outcome");
                let outcome = cases::outcome(&self.release(), &message).expect("a message that can be mapped");
                Some(cases::pretty(&masked(outcome)))
            }
            ("text", _) => Some(self.diagnostics()),
            _ => None,
        }
    }

    fn release(&self) -> Release {
        Release::compile(&self.files).unwrap_or_else(|found| panic!("{}", found[0]))
    }

    fn diagnostics(&mut self) -> String {
        let found = Release::compile(&self.files).err().expect("a file with a mistake");
        let (name, old) = self.last.take().expect("a file before its diagnostics");
        match old {
            Some(old) => self.files.insert(name, old),
            None => self.files.remove(&name),
        };
        let shown: Vec<String> = found.iter().map(|one| format!("{}\n", one.render(false))).collect();
        shown.join("\n")
    }

    fn written(&self, name: &str) -> String {
        let resources: Vec<&Resource> = self.resources.iter().collect();
        let sources = Sources { resources: &resources, facts: &BTreeMap::new() };
        let rendered = self.release().render(name, &sources, Charset::Utf8).expect("a render file of that name");
        assert_eq!(rendered.issues, []);
        String::from_utf8(rendered.bytes).expect("UTF-8").replace('\r', "\n")
    }
}

/// Logical ids say nothing to a reader.
fn masked(node: Node) -> Node {
    match node {
        Node::String(text) if is_id(&text) => Node::from("*"),
        Node::Array(items) => Node::Array(items.into_iter().map(masked).collect()),
        Node::Object(object) => {
            let mut copy = crate::fhir::Object::new();
            object.into_members().for_each(|(key, node)| copy.set(key, masked(node)));
            Node::Object(copy)
        }
        other => other,
    }
}

fn is_id(text: &str) -> bool {
    let id = text.rsplit('/').next().unwrap_or(text);
    id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a developer asks for the files to be written anew")]
fn every_example_of_the_book_comes_out_as_printed() {
    let chapters = chapters();
    assert!(chapters.len() >= CHAPTERS_MIN, "{} chapters", chapters.len());
    let mut outcomes = 0;
    for chapter in chapters {
        let page = std::fs::read_to_string(&chapter).expect("a chapter that reads");
        let mut lines: Vec<String> = page.lines().map(str::to_owned).collect();
        let mut reading = Reading::default();
        let shown: Vec<(Block, String)> = blocks(&page)
            .into_iter()
            .filter_map(|block| {
                let outcome = reading.read(&block)?;
                Some((block, outcome))
            })
            .collect();
        outcomes += shown.len();
        if std::env::var("UPDATE_REFERENCE").is_err() {
            for (block, outcome) in &shown {
                assert_eq!(block.text, *outcome, "{}:{}", chapter.display(), block.first_line);
            }
            continue;
        }
        for (block, outcome) in shown.iter().rev() {
            let end = block.first_line + block.text.lines().count();
            lines.splice(block.first_line..end, outcome.lines().map(str::to_owned));
        }
        std::fs::write(&chapter, lines.join("\n") + "\n").expect("a chapter that can be written");
    }
    assert!(outcomes >= 2 * CHAPTERS_MIN, "{outcomes} outcomes are shown");
}
