//! Mapping files as written: the YAML tree taken apart by kind of file, keys checked, rules named, nothing resolved.

mod concept_map;
mod ids;
mod keys;
mod overlay;
mod read;
mod render;
#[cfg(test)]
mod schema;
mod show;

use smol_str::SmolStr;

use self::ids::Names;
use self::keys::{Keys, scalars};
pub use self::read::{Reason, WrittenFile, read, stem};
pub use self::show::{Line, lines};
use super::diagnostic::{Mistake, Place, Reporter};
use super::yaml::{Kind, Scalar, Yaml};

/// One file, told by its first key.
pub enum File {
    /// `map: PID -> Patient` or `datatype: CX -> Identifier`.
    Map(MapFile),
    /// `message: ADT_A01`.
    Message(MessageFile),
    /// `table: AdministrativeSex`.
    Table(TableFile),
    /// `render: OSU_O51`, or `encode: HumanName -> XPN`.
    Render(RenderFile),
    /// `identity: …`.
    Identity(Vec<(Scalar, Vec<Scalar>)>),
    /// `overlay: north`: changes to other files.
    Overlay(OverlayFile),
}

pub struct OverlayFile {
    pub name: Scalar,
    pub changes: Vec<Change>,
    pub unmapped: Vec<UnmappedEntry>,
}

/// One change that an overlay makes.
pub struct Change {
    /// A map, a table or a message; of a map or message also a rule or resource in it, after a slash.
    pub within: Scalar,
    pub reason: Scalar,
    pub deed: Deed,
}

/// Rules and resources are read when it is known where they go.
pub enum Deed {
    Add {
        what: Yaml,
        /// The rule or resource that it stands next to; else it is the last.
        beside: Option<(Side, Scalar)>,
    },
    Replace {
        name: Scalar,
        with: Yaml,
    },
    Drop(Scalar),
    /// Rows of a code table, added or replaced.
    Codes(Vec<(Scalar, CodeEntry)>),
    /// All rows of another table, added or replaced.
    RowsOf(Scalar),
    /// More types of messages for a message map.
    Events(Vec<Scalar>),
    /// Another structure for a message map.
    Structure(Scalar),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
}

pub struct MapFile {
    /// The first key said `datatype`: the source is a data type, else a segment.
    pub datatype: bool,
    pub source: Scalar,
    pub target: Scalar,
    pub rules: Vec<RuleEntry>,
    pub unmapped: Vec<UnmappedEntry>,
}

/// A field that is left out on purpose.
pub struct UnmappedEntry {
    pub from: Scalar,
    pub reason: Scalar,
}

pub struct MessageFile {
    pub name: Scalar,
    pub events: Vec<Scalar>,
    pub structure: Scalar,
    pub resources: Vec<ResourceEntry>,
    pub unmapped: Vec<UnmappedEntry>,
}

pub struct ResourceEntry {
    pub from: Scalar,
    pub make: Scalar,
    pub place: Place,
    /// Unique in the message map: the name, with a number if others have it too.
    pub id: SmolStr,
    /// As written, else the type with a small first letter.
    pub name: SmolStr,
    pub maps: Vec<Scalar>,
    pub when: Option<Scalar>,
    /// Identifies the resource when it has no identifier of its own.
    pub key: Option<Scalar>,
    /// Those of `refer` last.
    pub rules: Vec<RuleEntry>,
}

pub struct TableFile {
    pub name: Scalar,
    /// The code system of the targets that do not name their own.
    pub system: Option<Scalar>,
    pub codes: Vec<(Scalar, CodeEntry)>,
}

#[derive(Clone)]
pub struct CodeEntry {
    pub place: Place,
    pub code: String,
    pub display: Option<String>,
    pub system: Option<String>,
}

/// The other direction: a message, a part or a variant of one, or a data type.
pub struct RenderFile {
    pub name: Scalar,
    /// For a data type: what its paths begin with.
    pub datatype: Option<Scalar>,
    /// For a variant: the message that it changes.
    pub based_on: Option<Scalar>,
    pub entries: Vec<RenderEntry>,
    /// Of a data type or a variant.
    pub fields: Vec<RenderField>,
}

pub enum RenderEntry {
    Segment(RenderSegment),
    Group(RenderGroup),
    /// The segments of another file.
    Include(Scalar),
}

pub struct RenderGroup {
    pub each: Scalar,
    pub entries: Vec<RenderEntry>,
}

pub struct RenderSegment {
    pub name: Scalar,
    pub each: Option<Scalar>,
    pub when: Option<Scalar>,
    /// Written even when nothing but constants are in it.
    pub required: bool,
    pub fields: Vec<RenderField>,
}

pub struct RenderField {
    pub place: Place,
    pub to: Scalar,
    pub from: Vec<Scalar>,
    pub value: Option<Scalar>,
    pub encoding: Option<Scalar>,
    pub code: Option<Scalar>,
    pub when: Option<Scalar>,
}

pub struct RuleEntry {
    pub place: Place,
    /// Unique in its map or message, as `written::ids` says.
    pub name: SmolStr,
    pub id: Option<Scalar>,
    pub from: Option<Scalar>,
    pub first_of: Vec<Scalar>,
    pub value: Option<Scalar>,
    pub refer: Option<Scalar>,
    /// The name of resources: the rules run once for each.
    pub each: Option<Scalar>,
    pub to: Option<Scalar>,
    pub map: Option<Scalar>,
    pub code: Option<Scalar>,
    pub link: Option<Scalar>,
    pub when: Option<Scalar>,
    pub rules: Vec<RuleEntry>,
}

impl RenderEntry {
    /// Whether another file is included, however deep.
    pub fn any_includes(entries: &[Self]) -> bool {
        entries.iter().any(|entry| match entry {
            Self::Include(_) => true,
            Self::Group(group) => Self::any_includes(&group.entries),
            Self::Segment(_) => false,
        })
    }
}

impl File {
    /// Reads one file; `None` when what it is for cannot be told.
    pub fn read(text: &str, index: u16, reporter: &mut Reporter) -> Option<Self> {
        let tree =
            Yaml::parse(text, index).map_err(|fault| reporter.report(Mistake::Yaml, fault.place, fault.message, ""));
        let tree = tree.ok()?;
        let place = tree.place;
        let mut keys = Keys::of(tree, reporter)?;
        let first = keys.first();
        let file = match first.as_deref() {
            Some("map") => map_file(&mut keys, "map", reporter).map(Self::Map),
            Some("datatype") => map_file(&mut keys, "datatype", reporter).map(Self::Map),
            Some("message") => message_file(&mut keys, reporter).map(Self::Message),
            Some("table") => table_file(&mut keys, reporter).map(Self::Table),
            Some("overlay") => overlay::file(&mut keys, reporter).map(Self::Overlay),
            _ if keys.has("resourceType") => return concept_map::file(&mut keys, reporter).map(Self::Table),
            Some("identity") => Some(Self::Identity(identity_file(&mut keys, reporter))),
            Some("render") => render::file(&mut keys, reporter).map(Self::Render),
            Some("encode") => render::encoding(&mut keys, reporter).map(Self::Render),
            _ => {
                let hint = "the first key is map, datatype, message, table, identity, render, encode or overlay";
                reporter.report(Mistake::FileKind, place, "this is no kind of mapping file", hint);
                return None;
            }
        };
        keys.finish(reporter);
        file
    }
}

fn map_file(keys: &mut Keys, key: &'static str, reporter: &mut Reporter) -> Option<MapFile> {
    let heading = keys.required(key, reporter)?;
    keys.ignored(&["guide", "note"]);
    let unmapped = unmapped(keys, reporter);
    let mut rules = rules(keys, reporter);
    Names::default().give(&mut rules, "", reporter);
    let Some((source, target)) = heading.text.split_once(" -> ") else {
        let hint = "write the source, an arrow and the FHIR type, as in `PID -> Patient`";
        reporter.report(Mistake::Shape, heading.place, "expected an arrow", hint);
        return None;
    };
    let part = |text: &str, offset: usize| {
        let characters = |text: &str| u32::try_from(text.chars().count()).unwrap_or(1);
        let column = heading.place.column + characters(&heading.text[..offset]);
        Scalar { place: Place { column, width: characters(text), ..heading.place }, text: text.to_owned() }
    };
    let (source, target) = (part(source.trim(), 0), part(target.trim(), heading.text.len() - target.trim().len()));
    Some(MapFile { datatype: key == "datatype", source, target, rules, unmapped })
}

fn message_file(keys: &mut Keys, reporter: &mut Reporter) -> Option<MessageFile> {
    keys.ignored(&["guide", "note"]);
    let name = keys.required("message", reporter);
    let events = keys.scalars("events", reporter);
    let structure = keys.required("structure", reporter);
    let resources = keys.list("resources", reporter);
    let mut resources: Vec<_> = resources.into_iter().filter_map(|entry| resource_entry(entry, reporter)).collect();
    name_rules(&mut resources, reporter);
    let unmapped = unmapped(keys, reporter);
    Some(MessageFile { name: name?, events, structure: structure?, resources, unmapped })
}

fn unmapped(keys: &mut Keys, reporter: &mut Reporter) -> Vec<UnmappedEntry> {
    let entries = keys.list("unmapped", reporter).into_iter();
    let entry = |tree| {
        let mut keys = Keys::of(tree, reporter)?;
        let from = keys.required("from", reporter);
        let reason = keys.required("reason", reporter);
        keys.finish(reporter);
        Some(UnmappedEntry { from: from?, reason: reason? })
    };
    entries.filter_map(entry).collect()
}

/// Resources may share a name, for references; their rules do not.
fn name_rules(resources: &mut [ResourceEntry], reporter: &mut Reporter) {
    let mut names = Names::default();
    for resource in resources {
        resource.id = names.free(&resource.name);
        names.take(resource.id.clone());
        names.give(&mut resource.rules, &resource.id, reporter);
    }
}

fn rules(keys: &mut Keys, reporter: &mut Reporter) -> Vec<RuleEntry> {
    let rules = keys.list("rules", reporter);
    rules.into_iter().filter_map(|rule| rule_entry(rule, reporter)).collect()
}

fn resource_entry(tree: Yaml, reporter: &mut Reporter) -> Option<ResourceEntry> {
    let place = tree.place;
    let mut keys = Keys::of(tree, reporter)?;
    let from = keys.required("from", reporter);
    let make = keys.required("make", reporter);
    let name = keys.scalar("name", reporter);
    let maps = keys.scalars("maps", reporter);
    let when = keys.scalar("when", reporter);
    let key = keys.scalar("key", reporter);
    let refer = keys.pairs("refer", reporter);
    let mut rules = rules(&mut keys, reporter);
    rules.extend(refer.into_iter().map(|(to, name)| reference_rule(to, name)));
    keys.ignored(&["note"]);
    keys.finish(reporter);
    let (from, make) = (from?, make?);
    let name = name.map_or_else(|| small(&make.text), |name| name.text.into());
    Some(ResourceEntry { place, id: SmolStr::default(), from, make, name, maps, when, key, rules })
}

fn small(kind: &str) -> SmolStr {
    let mut letters = kind.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

/// `refer: { subject: patient }` is short for a rule.
fn reference_rule(to: Scalar, name: Scalar) -> RuleEntry {
    RuleEntry {
        place: to.place,
        name: SmolStr::default(),
        id: None,
        from: None,
        first_of: Vec::new(),
        value: None,
        refer: Some(name),
        each: None,
        to: Some(to),
        map: None,
        code: None,
        link: None,
        when: None,
        rules: Vec::new(),
    }
}

fn rule_entry(tree: Yaml, reporter: &mut Reporter) -> Option<RuleEntry> {
    let place = tree.place;
    let told = reporter.found.len();
    let mut keys = Keys::of(tree, reporter)?;
    keys.ignored(&["note"]);
    let entry = RuleEntry {
        place,
        name: SmolStr::default(),
        id: keys.scalar("id", reporter),
        from: keys.scalar("from", reporter),
        first_of: keys.scalars("first_of", reporter),
        value: keys.scalar("value", reporter),
        refer: keys.scalar("refer", reporter),
        each: keys.scalar("each", reporter),
        to: keys.scalar("to", reporter),
        map: keys.scalar("as", reporter),
        code: keys.scalar("code", reporter),
        link: keys.scalar("link", reporter),
        when: keys.scalar("when", reporter),
        rules: rules(&mut keys, reporter),
    };
    keys.finish(reporter);
    // A rule that is not what its author meant has further mistakes that are none.
    (reporter.found.len() == told).then_some(entry)
}

fn table_file(keys: &mut Keys, reporter: &mut Reporter) -> Option<TableFile> {
    keys.ignored(&["guide", "note", "source"]);
    let name = keys.required("table", reporter);
    let system = keys.scalar("system", reporter);
    Some(TableFile { name: name?, system, codes: codes(keys, reporter) })
}

fn codes(keys: &mut Keys, reporter: &mut Reporter) -> Vec<(Scalar, CodeEntry)> {
    let codes = keys.members("codes", reporter);
    codes.into_iter().filter_map(|(key, entry)| Some((key, code_entry(entry, reporter)?))).collect()
}

fn code_entry(tree: Yaml, reporter: &mut Reporter) -> Option<CodeEntry> {
    let place = tree.place;
    if let Kind::Scalar(code) = tree.kind {
        return Some(CodeEntry { place, code, display: None, system: None });
    }
    let mut keys = Keys::of(tree, reporter)?;
    let code = keys.required("code", reporter);
    let display = keys.scalar("display", reporter).map(|scalar| scalar.text);
    let system = keys.scalar("system", reporter).map(|scalar| scalar.text);
    keys.finish(reporter);
    let code = code?;
    Some(CodeEntry { place: code.place, code: code.text, display, system })
}

fn identity_file(keys: &mut Keys, reporter: &mut Reporter) -> Vec<(Scalar, Vec<Scalar>)> {
    let members = keys.members("identity", reporter);
    keys.ignored(&["note"]);
    members.into_iter().map(|(kind, types)| (kind, scalars(types, reporter))).collect()
}
