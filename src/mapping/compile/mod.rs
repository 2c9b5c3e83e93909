//! From files as written to a plan: names resolved, paths read, targets checked against R4.
//!
//! Every mistake of every file is reported in one pass; a release comes only of files without one. No file system
//! here: the caller hands over names and texts.

mod message;
mod render;
mod required;
mod rules;
mod source;
mod target;
mod unmapped;

use std::collections::{HashMap, HashSet};

use smol_str::SmolStr;

use self::source::Item;
pub use self::unmapped::Declared;
use super::diagnostic::{Diagnostic, Mistake, Place, Reporter, meant};
use super::plan::{Code, Library, Map, MessagePlan, Origin, Preference, Table};
use super::render::RenderPlan;
use super::written::{self, CodeEntry, File, MapFile, TableFile, WrittenFile, stem};
use super::yaml::Scalar;
use crate::fhir::definitions;
use crate::hl7v2::dictionary;

/// What the files of a release come to.
#[derive(Default)]
pub struct Compiled {
    pub library: Library,
    pub messages: Vec<MessagePlan>,
    /// `ADT^A08` to the index of its message plan.
    pub events: HashMap<SmolStr, usize>,
    /// Messages by name, and the encodings they use, by file name.
    pub renders: HashMap<SmolStr, RenderPlan>,
    pub declared: Vec<Declared>,
}

/// Compiles files, given as name and text; overlays among them are laid over the others in this order.
pub fn compile(files: &[(&str, &str)]) -> Result<Compiled, Vec<Diagnostic>> {
    let mut compiler = Compiler {
        names: files.iter().map(|(name, _)| SmolStr::from(*name)).collect(),
        texts: files.iter().map(|(_, text)| *text).collect(),
        ..Compiler::default()
    };
    let mut reporter = Reporter { names: &compiler.names, found: &mut compiler.found };
    let written = written::read(&compiler.texts, &mut reporter);
    let mut outcome = compiler.resolve(written.files);
    compiler.unmapped(written.unmapped, &[]);
    if compiler.found.is_empty() {
        compiler.found.append(&mut compiler.late);
    }
    outcome.declared = std::mem::take(&mut compiler.declared);
    if compiler.found.is_empty() {
        return Ok(outcome);
    }
    let mut found = compiler.found;
    for one in &mut found {
        let text = files.get(usize::from(one.place.file)).map_or("", |(_, text)| *text);
        let line = usize::try_from(one.place.line.saturating_sub(1)).unwrap_or(0);
        text.lines().nth(line).unwrap_or_default().clone_into(&mut one.excerpt);
        let length = u32::try_from(one.excerpt.chars().count()).unwrap_or(u32::MAX);
        one.place.width = one.place.width.min((length + 1).saturating_sub(one.place.column)).max(1);
    }
    found.sort_by(|a, b| (&a.file, a.place, a.mistake).cmp(&(&b.file, b.place, b.mistake)));
    found.dedup();
    Err(found)
}

#[derive(Default)]
pub(super) struct Compiler<'f> {
    found: Vec<Diagnostic>,
    /// Found in files that are right otherwise.
    late: Vec<Diagnostic>,
    declared: Vec<Declared>,
    /// Names and texts of all files; a place holds an index into them.
    names: Vec<SmolStr>,
    texts: Vec<&'f str>,
    /// Name of the file at hand.
    file: SmolStr,
    /// Map or message at hand: what stands before the names of its rules.
    scope: SmolStr,
    /// Map name to index, FHIR type, and data type when it is a data type map.
    maps: HashMap<SmolStr, Signature>,
    tables: HashMap<SmolStr, usize>,
    /// The resources of the message map at hand.
    resource_names: Option<Vec<SmolStr>>,
    /// Where each map is headed.
    headings: Vec<Place>,
    /// The codes that each table gives.
    table_targets: Vec<Vec<SmolStr>>,
    /// Message, resource in it, and place: of resources that must be whole in the end.
    makes: Vec<(usize, usize, Place)>,
    /// Encodings of the other direction, by file name.
    encodings: HashSet<SmolStr>,
    /// Outgoing messages and parts of them.
    renders: HashMap<SmolStr, render::Make>,
}

/// What must be known of a map to use it.
#[derive(Clone)]
struct Signature {
    index: usize,
    source: SmolStr,
    target: SmolStr,
    datatype: bool,
}

fn inside(text: &str, scalar: &Scalar, offset: usize) -> Place {
    let before = scalar.text.get(..offset).unwrap_or(&scalar.text);
    let mut solid = before.chars().filter(|c| !c.is_whitespace()).count();
    let place = scalar.place;
    let (mut line, mut column) = (place.line, place.column);
    let first = usize::try_from(line.saturating_sub(1)).unwrap_or(0);
    let skipped = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
    let at_end = offset >= scalar.text.len();
    let rest = text.split_inclusive('\n').skip(first).flat_map(str::chars).skip(skipped);
    // A block scalar begins with its indicator, which is no part of the text.
    let mut indicator = rest.clone().next().is_some_and(|c| "|>".contains(c) && !scalar.text.starts_with(c));
    for next in rest {
        if indicator {
            indicator = next != '\n';
        } else if solid == 0 && (at_end || !next.is_whitespace()) {
            break;
        } else {
            solid -= usize::from(!next.is_whitespace());
        }
        (line, column) = if next == '\n' { (line + 1, 1) } else { (line, column + 1) };
    }
    let width = if line == place.line { (place.column + place.width).saturating_sub(column) } else { 1 };
    Place { line, column, width: width.max(1), ..place }
}

impl Compiler<'_> {
    pub(super) fn report(
        &mut self,
        mistake: Mistake,
        place: Place,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        Reporter { names: &self.names, found: &mut self.found }.report(mistake, place, message, hint);
    }

    #[expect(clippy::unused_self, reason = "reads like the other steps of compiling")]
    pub(super) const fn origin(&self, place: Place) -> Origin {
        Origin { file: place.file, line: place.line }
    }

    /// The place of an offset into a scalar. Folding and quoting change white space only.
    pub(super) fn inside(&self, scalar: &Scalar, offset: usize) -> Place {
        inside(self.texts.get(usize::from(scalar.place.file)).unwrap_or(&""), scalar, offset)
    }

    /// The names come first, so that files may use one another in any order.
    fn resolve(&mut self, read: Vec<WrittenFile>) -> Compiled {
        self.declare(&read);
        let mut compiled = Compiled::default();
        compiled.library.files = self.names.clone();
        for WrittenFile { name, file } in read {
            self.file = name.clone();
            match file {
                File::Map(file) => compiled.library.maps.push(self.map(stem(&name), file)),
                File::Table(file) => compiled.library.tables.push(self.table(file)),
                File::Identity(entries) => self.identity(entries, &mut compiled.library),
                File::Message(file) => self.message(file, &mut compiled),
                File::Render(file) => self.render(file, &mut compiled.renders),
                // Laid over the others by now.
                File::Overlay(_) => {}
            }
        }
        self.refuse_cycles(&compiled.library);
        self.resources_are_whole(&compiled.library, &compiled.messages);
        compiled
    }

    fn declare(&mut self, read: &[WrittenFile]) {
        let mut maps = 0;
        let mut tables = 0;
        for WrittenFile { name, file } in read {
            match file {
                File::Map(file) => {
                    self.declare_map(stem(name), file, maps);
                    maps += 1;
                }
                File::Table(file) => {
                    self.table_targets.push(file.codes.iter().map(|(_, row)| row.code.as_str().into()).collect());
                    let taken = self.tables.insert(file.name.text.as_str().into(), tables).is_some();
                    self.refuse_double(taken, &file.name);
                    tables += 1;
                }
                File::Render(file) if file.datatype.is_some() => {
                    self.encodings.insert(stem(name).into());
                }
                File::Render(file) => {
                    self.renders.insert(file.name.text.as_str().into(), render::Make::of(file));
                }
                _ => {}
            }
        }
    }

    fn declare_map(&mut self, name: &str, file: &MapFile, index: usize) {
        let signature = Signature {
            index,
            source: file.source.text.as_str().into(),
            target: file.target.text.as_str().into(),
            datatype: file.datatype,
        };
        self.headings.push(file.source.place);
        let name = Scalar { place: file.source.place, text: name.to_owned() };
        let taken = self.maps.insert(name.text.as_str().into(), signature).is_some();
        self.refuse_double(taken, &name);
    }

    fn refuse_double(&mut self, taken: bool, name: &Scalar) {
        if taken {
            let message = format!("the name `{}` is taken by another file", name.text);
            self.report(Mistake::Duplicate, name.place, message, "");
        }
    }

    fn map(&mut self, name: &str, file: MapFile) -> Map {
        let target = SmolStr::from(file.target.text.as_str());
        self.source_is_known(&file);
        let known = definitions::is_known(&target) || definitions::Primitive::of(&target).is_some();
        if !known {
            self.report(Mistake::TargetPath, file.target.place, format!("R4 has no type `{target}`"), "");
        }
        self.scope = name.into();
        let item = if file.datatype { Item::Named(file.source.text.into()) } else { Item::None };
        let place = file.target.place;
        let datatype = file.datatype;
        let rules = if known { self.rules(file.rules, &target, &item) } else { Vec::new() };
        self.unmapped(file.unmapped, &rules);
        if datatype && !rules.is_empty() {
            self.requires_elements(&target, &rules, place);
        }
        Map { name: name.into(), target, rules, closed: false }
    }

    fn source_is_known(&mut self, file: &MapFile) {
        if !file.datatype {
            self.segment_is_known(&file.source.text, &file.source);
        } else if !dictionary::is_datatype(&file.source.text) {
            let message = format!("HL7 v2 has no data type `{}`", file.source.text);
            let hint = meant(&file.source.text, dictionary::datatypes());
            self.report(Mistake::UnknownComponent, file.source.place, message, hint);
        }
    }

    fn table(&mut self, file: TableFile) -> Table {
        let system = file.system.map(|system| SmolStr::from(system.text));
        let (mut codes, mut sources) = (HashMap::new(), HashMap::new());
        for (key, CodeEntry { code, display, system: own, .. }) in file.codes {
            let code = Code {
                value: code.into(),
                system: own.map(SmolStr::from).or_else(|| system.clone()),
                display: display.map(SmolStr::from),
            };
            sources.entry(code.value.clone()).or_insert_with(|| SmolStr::from(key.text.as_str()));
            let taken = codes.insert(SmolStr::from(key.text.to_lowercase()), code).is_some();
            if taken {
                let message = format!("the code `{}` is here twice", key.text);
                self.report(Mistake::Duplicate, key.place, message, "codes are compared without regard to case");
            }
        }
        Table { name: file.name.text.into(), codes, sources }
    }

    fn identity(&mut self, entries: Vec<(Scalar, Vec<Scalar>)>, library: &mut Library) {
        for (kind, types) in entries {
            if !definitions::is_resource(&kind.text) {
                let message = format!("`{}` is no resource type", kind.text);
                self.report(Mistake::TargetPath, kind.place, message, "");
            }
            let types = types.into_iter().map(|scalar| Preference::read(&scalar.text));
            library.identities.insert(kind.text.into(), types.collect());
        }
    }

    /// A map that comes back to itself would never end.
    fn refuse_cycles(&mut self, library: &Library) {
        for (index, map) in library.maps.iter().enumerate() {
            if rules::reaches(library, index, index, &mut Vec::new()) {
                let place = self.headings.get(index).copied().unwrap_or_default();
                self.report(Mistake::Cycle, place, format!("the map `{}` comes back to itself", map.name), "");
            }
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod wrong;
