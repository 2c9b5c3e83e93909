//! Mapping files as written: the YAML tree taken apart by kind of file, keys checked, nothing resolved.

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
}

pub struct MapFile {
    /// The first key said `datatype`: the source is a data type, else a segment.
    pub datatype: bool,
    pub source: Scalar,
    pub target: Scalar,
    pub rules: Vec<RuleEntry>,
}

pub struct MessageFile {
    pub name: Scalar,
    pub events: Vec<Scalar>,
    pub structure: Scalar,
    pub resources: Vec<ResourceEntry>,
}

pub struct ResourceEntry {
    pub from: Scalar,
    pub make: Scalar,
    pub name: Option<Scalar>,
    pub maps: Vec<Scalar>,
    pub when: Option<Scalar>,
    /// Identifies the resource when it has no identifier of its own.
    pub key: Option<Scalar>,
    pub refer: Vec<(Scalar, Scalar)>,
    pub rules: Vec<RuleEntry>,
}

pub struct TableFile {
    pub name: Scalar,
    /// The code system of the targets that do not name their own.
    pub system: Option<Scalar>,
    pub codes: Vec<(Scalar, CodeEntry)>,
}

#[derive(Default)]
pub struct CodeEntry {
    pub code: String,
    pub display: Option<String>,
    pub system: Option<String>,
}

/// The other direction: a message, or one data type.
pub struct RenderFile {
    pub name: Scalar,
    /// For a data type: what its paths begin with.
    pub datatype: Option<Scalar>,
    pub segments: Vec<RenderSegment>,
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
    pub id: Option<Scalar>,
    pub from: Option<Scalar>,
    pub first_of: Vec<Scalar>,
    pub value: Option<Scalar>,
    pub refer: Option<Scalar>,
    pub to: Option<Scalar>,
    pub map: Option<Scalar>,
    pub code: Option<Scalar>,
    pub link: Option<Scalar>,
    pub when: Option<Scalar>,
    pub rules: Vec<RuleEntry>,
}

impl File {
    /// Reads one file; `None` when what it is for cannot be told.
    pub fn read(text: &str, reporter: &mut Reporter) -> Option<Self> {
        let tree = Yaml::parse(text).map_err(|fault| reporter.report(Mistake::Yaml, fault.place, fault.message, ""));
        let tree = tree.ok()?;
        let place = tree.place;
        let mut keys = Keys::of(tree, reporter)?;
        let first = keys.first();
        let file = match first.as_deref() {
            Some("map") => map_file(&mut keys, "map", reporter).map(Self::Map),
            Some("datatype") => map_file(&mut keys, "datatype", reporter).map(Self::Map),
            Some("message") => message_file(&mut keys, reporter).map(Self::Message),
            Some("table") => table_file(&mut keys, reporter).map(Self::Table),
            Some("identity") => Some(Self::Identity(identity_file(&mut keys, reporter))),
            Some("render") => render_file(&mut keys, reporter).map(Self::Render),
            Some("encode") => encode_file(&mut keys, reporter).map(Self::Render),
            _ => {
                let hint = "the first key is map, datatype, message, table, identity, render or encode";
                reporter.report(Mistake::FileKind, place, "this is no kind of mapping file", hint);
                return None;
            }
        };
        keys.finish(reporter);
        file
    }
}

fn map_file(keys: &mut Keys, key: &str, reporter: &mut Reporter) -> Option<MapFile> {
    let heading = keys.required(key, reporter)?;
    keys.ignored(&["guide", "note"]);
    let rules = keys.list("rules", reporter).into_iter().filter_map(|rule| rule_entry(rule, reporter)).collect();
    let Some((source, target)) = heading.text.split_once(" -> ") else {
        let hint = "write the source, an arrow and the FHIR type, as in `PID -> Patient`";
        reporter.report(Mistake::Shape, heading.place, "expected an arrow", hint);
        return None;
    };
    let part = |text: &str| Scalar { place: heading.place, text: text.trim().to_owned() };
    Some(MapFile { datatype: key == "datatype", source: part(source), target: part(target), rules })
}

fn message_file(keys: &mut Keys, reporter: &mut Reporter) -> Option<MessageFile> {
    keys.ignored(&["guide", "note"]);
    let name = keys.required("message", reporter);
    let events = keys.scalars("events", reporter);
    let structure = keys.required("structure", reporter);
    let resources = keys.list("resources", reporter);
    let resources = resources.into_iter().filter_map(|entry| resource_entry(entry, reporter)).collect();
    Some(MessageFile { name: name?, events, structure: structure?, resources })
}

fn resource_entry(tree: Yaml, reporter: &mut Reporter) -> Option<ResourceEntry> {
    let mut keys = Keys::of(tree, reporter)?;
    let from = keys.required("from", reporter);
    let make = keys.required("make", reporter);
    let name = keys.scalar("name", reporter);
    let maps = keys.scalars("maps", reporter);
    let when = keys.scalar("when", reporter);
    let key = keys.scalar("key", reporter);
    let refer = keys.pairs("refer", reporter);
    let rules = keys.list("rules", reporter).into_iter().filter_map(|rule| rule_entry(rule, reporter)).collect();
    keys.ignored(&["note"]);
    keys.finish(reporter);
    Some(ResourceEntry { from: from?, make: make?, name, maps, when, key, refer, rules })
}

fn rule_entry(tree: Yaml, reporter: &mut Reporter) -> Option<RuleEntry> {
    let place = tree.place;
    let mut keys = Keys::of(tree, reporter)?;
    keys.ignored(&["note"]);
    let entry = RuleEntry {
        place,
        id: keys.scalar("id", reporter),
        from: keys.scalar("from", reporter),
        first_of: keys.scalars("first_of", reporter),
        value: keys.scalar("value", reporter),
        refer: keys.scalar("refer", reporter),
        to: keys.scalar("to", reporter),
        map: keys.scalar("as", reporter),
        code: keys.scalar("code", reporter),
        link: keys.scalar("link", reporter),
        when: keys.scalar("when", reporter),
        rules: keys.list("rules", reporter).into_iter().filter_map(|rule| rule_entry(rule, reporter)).collect(),
    };
    keys.finish(reporter);
    Some(entry)
}

fn table_file(keys: &mut Keys, reporter: &mut Reporter) -> Option<TableFile> {
    keys.ignored(&["guide", "note", "source"]);
    let name = keys.required("table", reporter);
    let system = keys.scalar("system", reporter);
    let codes = keys.members("codes", reporter);
    let codes = codes.into_iter().filter_map(|(key, entry)| Some((key, code_entry(entry, reporter)?))).collect();
    Some(TableFile { name: name?, system, codes })
}

fn code_entry(tree: Yaml, reporter: &mut Reporter) -> Option<CodeEntry> {
    if let Kind::Scalar(code) = tree.kind {
        return Some(CodeEntry { code, ..CodeEntry::default() });
    }
    let mut keys = Keys::of(tree, reporter)?;
    let code = keys.required("code", reporter);
    let display = keys.scalar("display", reporter).map(|scalar| scalar.text);
    let system = keys.scalar("system", reporter).map(|scalar| scalar.text);
    keys.finish(reporter);
    Some(CodeEntry { code: code?.text, display, system })
}

fn identity_file(keys: &mut Keys, reporter: &mut Reporter) -> Vec<(Scalar, Vec<Scalar>)> {
    let members = keys.members("identity", reporter);
    keys.ignored(&["note"]);
    members.into_iter().map(|(kind, types)| (kind, scalars(types, reporter))).collect()
}

fn render_file(keys: &mut Keys, reporter: &mut Reporter) -> Option<RenderFile> {
    keys.ignored(&["note"]);
    let name = keys.required("render", reporter);
    let segments = keys.list("segments", reporter);
    let segments = segments.into_iter().filter_map(|entry| render_segment(entry, reporter)).collect();
    Some(RenderFile { name: name?, datatype: None, segments })
}

fn encode_file(keys: &mut Keys, reporter: &mut Reporter) -> Option<RenderFile> {
    keys.ignored(&["note"]);
    let heading = keys.required("encode", reporter)?;
    let fields = render_fields(keys, reporter);
    let datatype = heading.text.split_once(" -> ").map(|(_, datatype)| datatype.trim().to_owned());
    let Some(datatype) = datatype else {
        let hint = "write the FHIR type, an arrow and the data type, as in `HumanName -> XPN`";
        reporter.report(Mistake::Shape, heading.place, "expected an arrow", hint);
        return None;
    };
    let datatype = Scalar { place: heading.place, text: datatype };
    let segment = RenderSegment { name: datatype.clone(), each: None, when: None, required: false, fields };
    Some(RenderFile { name: heading, datatype: Some(datatype), segments: vec![segment] })
}

fn render_segment(tree: Yaml, reporter: &mut Reporter) -> Option<RenderSegment> {
    let mut keys = Keys::of(tree, reporter)?;
    let name = keys.required("segment", reporter);
    let each = keys.scalar("each", reporter);
    let when = keys.scalar("when", reporter);
    let required = keys.scalar("required", reporter).is_some_and(|scalar| scalar.text == "true");
    let fields = render_fields(&mut keys, reporter);
    keys.ignored(&["note"]);
    keys.finish(reporter);
    Some(RenderSegment { name: name?, each, when, required, fields })
}

fn render_fields(keys: &mut Keys, reporter: &mut Reporter) -> Vec<RenderField> {
    let fields = keys.list("fields", reporter);
    fields.into_iter().filter_map(|entry| render_field(entry, reporter)).collect()
}

fn render_field(tree: Yaml, reporter: &mut Reporter) -> Option<RenderField> {
    let place = tree.place;
    let mut keys = Keys::of(tree, reporter)?;
    let to = keys.required("to", reporter);
    let mut from: Vec<Scalar> = keys.scalar("from", reporter).into_iter().collect();
    from.extend(keys.scalars("first_of", reporter));
    let value = keys.scalar("value", reporter);
    let encoding = keys.scalar("as", reporter);
    let code = keys.scalar("code", reporter);
    let when = keys.scalar("when", reporter);
    keys.ignored(&["note"]);
    keys.finish(reporter);
    Some(RenderField { place, to: to?, from, value, encoding, code, when })
}

fn scalars(tree: Yaml, reporter: &mut Reporter) -> Vec<Scalar> {
    let place = tree.place;
    match tree.kind {
        Kind::List(items) => items.into_iter().filter_map(|item| scalar(item, reporter)).collect(),
        Kind::Scalar(text) => vec![Scalar { place, text }],
        Kind::Mapping(_) => {
            reporter.report(Mistake::Shape, place, "expected a text or a list of texts", "");
            Vec::new()
        }
    }
}

fn scalar(tree: Yaml, reporter: &mut Reporter) -> Option<Scalar> {
    if let Kind::Scalar(text) = tree.kind {
        return Some(Scalar { place: tree.place, text });
    }
    reporter.report(Mistake::Shape, tree.place, "expected a text", "");
    None
}

/// The members of one mapping, taken out one by one; what is left over is unknown.
struct Keys {
    place: Place,
    members: Vec<(Scalar, Yaml)>,
    known: Vec<&'static str>,
}

impl Keys {
    fn of(tree: Yaml, reporter: &mut Reporter) -> Option<Self> {
        let place = tree.place;
        if let Kind::Mapping(members) = tree.kind {
            return Some(Self { place, members, known: Vec::new() });
        }
        reporter.report(Mistake::Shape, place, "expected a mapping of keys to values", "");
        None
    }

    fn first(&self) -> Option<String> {
        self.members.first().map(|(key, _)| key.text.clone())
    }

    fn take(&mut self, name: &str) -> Option<(Scalar, Yaml)> {
        let at = self.members.iter().position(|(key, _)| key.text == name)?;
        Some(self.members.remove(at))
    }

    fn ignored(&mut self, names: &[&str]) {
        for name in names {
            self.take(name);
        }
    }

    fn scalar(&mut self, name: &'static str, reporter: &mut Reporter) -> Option<Scalar> {
        self.known.push(name);
        let (_, value) = self.take(name)?;
        scalar(value, reporter)
    }

    fn required(&mut self, name: &str, reporter: &mut Reporter) -> Option<Scalar> {
        let Some((_, value)) = self.take(name) else {
            reporter.report(Mistake::MissingKey, self.place, format!("`{name}` is missing"), "");
            return None;
        };
        scalar(value, reporter)
    }

    fn list(&mut self, name: &'static str, reporter: &mut Reporter) -> Vec<Yaml> {
        self.known.push(name);
        let Some((_, value)) = self.take(name) else { return Vec::new() };
        if let Kind::List(items) = value.kind {
            return items;
        }
        reporter.report(Mistake::Shape, value.place, format!("`{name}` is a list"), "begin each item with a dash");
        Vec::new()
    }

    fn members(&mut self, name: &'static str, reporter: &mut Reporter) -> Vec<(Scalar, Yaml)> {
        self.known.push(name);
        let Some((_, value)) = self.take(name) else { return Vec::new() };
        if let Kind::Mapping(members) = value.kind {
            return members;
        }
        reporter.report(Mistake::Shape, value.place, format!("`{name}` is a mapping of keys to values"), "");
        Vec::new()
    }

    fn pairs(&mut self, name: &'static str, reporter: &mut Reporter) -> Vec<(Scalar, Scalar)> {
        let members = self.members(name, reporter);
        members.into_iter().filter_map(|(key, value)| Some((key, scalar(value, reporter)?))).collect()
    }

    fn scalars(&mut self, name: &'static str, reporter: &mut Reporter) -> Vec<Scalar> {
        self.known.push(name);
        self.take(name).map_or_else(Vec::new, |(_, value)| scalars(value, reporter))
    }

    fn finish(self, reporter: &mut Reporter) {
        for (key, _) in self.members {
            let hint = format!("known here: {}", self.known.join(", "));
            reporter.report(Mistake::UnknownKey, key.place, format!("the key `{}` is not known here", key.text), hint);
        }
    }
}
