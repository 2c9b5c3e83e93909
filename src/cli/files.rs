//! Files that commands read and write: single messages, corpora, and documents that are written whole or not at all.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::output::{Failure, grouped, say};
use super::setup::stderr_is_terminal;
use crate::base::limits::CORPUS_FILE_BYTES_MAX;
use crate::hl7v2::batch;

/// Reads a file, or standard input for `-`.
pub fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| cannot_read(file, &error))?;
        return Ok(bytes);
    }
    std::fs::read(file).map_err(|error| cannot_read(file, &error))
}

pub fn read_text(file: &Path) -> Result<String, Failure> {
    String::from_utf8(read(file)?).map_err(|_| Failure::no(format!("{} is not UTF-8 text", file.display())))
}

fn cannot_read(file: &Path, error: &std::io::Error) -> Failure {
    Failure::no(format!("{} cannot be read: {error}", file.display()))
}

/// Writes a document beside its place and moves it there, so that an interruption leaves the old one.
pub fn write_whole(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| Failure::no(format!("{} cannot be written: {error}", file.display()));
    let mut name = file.file_name().map(ToOwned::to_owned).unwrap_or_default();
    name.push(".part");
    let part = file.with_file_name(name);
    std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, file)).map_err(cannot)
}

/// All files below a folder whose name ends so, in order; a file stands for itself. Links to folders are not followed.
pub fn files_below(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, Failure> {
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(current) = folders.pop() {
        let entries = std::fs::read_dir(&current).map_err(|error| cannot_read(&current, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| cannot_read(&current, &error))?;
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension)) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The messages of all `.hl7` files below a folder.
pub struct Corpus {
    root: PathBuf,
    files: Vec<PathBuf>,
}

impl Corpus {
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let files = files_below(folder, "hl7")?;
        if files.is_empty() {
            return Err(Failure::no(format!("{} holds no .hl7 files", folder.display())));
        }
        Ok(Self { root: folder.to_owned(), files })
    }

    /// Visits every message with its name: the path in the folder, with `#2` for the second message of a file. Files
    /// may be batches, and may still have the frames of MLLP around the messages.
    pub fn for_each(&self, mut visit: impl FnMut(&str, &[u8])) -> Result<(), Failure> {
        let mut progress = Progress::new();
        for file in &self.files {
            let name = file.strip_prefix(&self.root).ok().filter(|name| name.components().next().is_some());
            let name = name.unwrap_or(file).display().to_string();
            if std::fs::metadata(file).is_ok_and(|found| found.len() > CORPUS_FILE_BYTES_MAX) {
                say(&format!("{name} is left out: it is larger than {} bytes", grouped(CORPUS_FILE_BYTES_MAX)));
                continue;
            }
            for (number, message) in (1..).zip(messages(&read(file)?)) {
                visit(&if number == 1 { name.clone() } else { format!("{name}#{number}") }, &message);
                progress.step();
            }
        }
        progress.finish();
        Ok(())
    }
}

/// The messages of a file.
pub fn messages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let unframed: Vec<u8>;
    let bytes = if bytes.contains(&0x0b) {
        // A frame begins with VT and ends with FS CR (HL7 v2.5.1 transport, MLLP R2); in a file they only part messages.
        unframed = bytes.iter().map(|byte| if matches!(byte, 0x0b | 0x1c) { b'\r' } else { *byte }).collect();
        &unframed
    } else {
        bytes
    };
    batch::split(bytes).0.messages.into_iter().map(|range| bytes[range].to_vec()).collect()
}

/// How far a long command is, on stderr when that is a terminal.
struct Progress {
    shown: bool,
    done: u64,
}

impl Progress {
    /// Messages between two signs of life.
    const STEP: u64 = 500;

    fn new() -> Self {
        Self { shown: stderr_is_terminal(), done: 0 }
    }

    fn step(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(Self::STEP) {
            self.write(&format!("\r{} messages", grouped(self.done)));
        }
    }

    fn finish(&self) {
        if self.done >= Self::STEP {
            self.write("\r\x1b[K");
        }
    }

    /// A closed stderr is nobody waiting.
    fn write(&self, text: &str) {
        if self.shown {
            let mut stderr = std::io::stderr().lock();
            let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_may_be_batches_and_frames() {
        let (one, two) = ("MSH|^~\\&|A\rPID|1\r", "MSH|^~\\&|B\r");
        let count = |text: &str| messages(text.as_bytes()).len();
        assert_eq!(count(one), 1);
        assert_eq!(count(&format!("{one}{two}")), 2);
        assert_eq!(count(&format!("BHS|^~\\&\r{one}{two}BTS|2\r")), 2);
        assert_eq!(count(&format!("\u{b}{one}\u{1c}\r\u{b}{two}\u{1c}\r")), 2);
        assert_eq!(count("no message"), 0);
    }

    #[test]
    fn a_corpus_is_searched_deep_and_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("b")).expect("a folder");
        let message = "MSH|^~\\&|A\r";
        for (name, text) in [("b/2.HL7", message.repeat(2)), ("1.hl7", message.to_owned()), ("3.txt", message.into())] {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        let mut names = Vec::new();
        let corpus = Corpus::open(folder.path()).expect("a corpus");
        corpus.for_each(|name, _| names.push(name.to_owned())).expect("readable");
        assert_eq!(names, ["1.hl7", "b/2.HL7", "b/2.HL7#2"]);
        assert!(Corpus::open(&folder.path().join("absent")).is_err());
    }

    #[test]
    fn a_document_is_written_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("report.json");
        write_whole(&file, b"one").expect("written");
        write_whole(&file, b"two").expect("written");
        assert_eq!(std::fs::read(&file).expect("readable"), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 1);
    }
}
