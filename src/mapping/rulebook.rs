//! All rules of a release by number: what a trace points into.
//!
//! Numbers are given when a release is compiled, in the order of its files and lines, so that the same files have the
//! same numbers. A trace is kept with numbers alone and read with the book of its release.

use smol_str::SmolStr;

use super::plan::{Action, Library, MessagePlan, Origin, ResourcePlan, Rule, Source, Step};

/// A rule as people want to see it.
#[derive(Debug, PartialEq, Eq)]
pub struct RuleEntry {
    /// As written in the file, else file and line.
    pub id: SmolStr,
    pub file: SmolStr,
    pub line: u32,
    /// The map that the rule stands in: `PID-Patient`, `XPN-HumanName`, `ADT_A01`.
    pub map: SmolStr,
    /// Where the value comes from: a path or a call as it would be written, or a quoted constant; empty for a group
    /// that only makes an element.
    pub source: String,
    /// The target path; empty for the element at hand. For a resource of a message map, its type.
    pub target: String,
    /// The map of `as`.
    pub datatype_map: Option<SmolStr>,
    /// The table of `code`.
    pub table: Option<SmolStr>,
    /// The functions of the source, the outermost first.
    pub functions: Vec<&'static str>,
    pub(super) steps: Vec<Step>,
}

impl RuleEntry {
    /// `mappings/v2/segment/PID-Patient.yaml:7`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// The rules of a release.
#[derive(Debug, Default)]
pub struct RuleBook {
    entries: Vec<RuleEntry>,
    fingerprint: u64,
}

impl RuleBook {
    /// Numbers all rules of a release, and describes them.
    pub(super) fn number(library: &mut Library, messages: &mut [MessagePlan]) -> Self {
        let mut maps = std::mem::take(&mut library.maps);
        let names: Vec<SmolStr> = maps.iter().map(|map| map.name.clone()).collect();
        let tables: Vec<SmolStr> = library.tables.iter().map(|table| table.name.clone()).collect();
        let mut scribe = Scribe { files: &library.files, maps: &names, tables: &tables, entries: Vec::new() };
        for map in &mut maps {
            scribe.rules(&map.name, &mut map.rules);
        }
        for message in messages {
            for resource in &mut message.resources {
                scribe.resource(&message.name, resource);
            }
        }
        let entries = scribe.entries;
        library.maps = maps;
        let fingerprint = fingerprint(&entries);
        Self { entries, fingerprint }
    }

    /// The rule of this number.
    pub fn get(&self, number: u32) -> Option<&RuleEntry> {
        self.entries.get(number as usize)
    }

    /// All rules in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &RuleEntry> {
        self.entries.iter()
    }

    /// Differs where numbers could mean other rules.
    pub(super) const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

struct Scribe<'l> {
    files: &'l [SmolStr],
    maps: &'l [SmolStr],
    tables: &'l [SmolStr],
    entries: Vec<RuleEntry>,
}

impl Scribe<'_> {
    fn next(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    fn rules(&mut self, map: &SmolStr, rules: &mut [Rule]) {
        for rule in rules {
            rule.number = self.next();
            let entry = self.entry(map, rule);
            self.entries.push(entry);
            if let Action::Group { rules, .. } | Action::Each { rules, .. } = &mut rule.action {
                self.rules(map, rules);
            }
        }
    }

    fn resource(&mut self, message: &SmolStr, resource: &mut ResourcePlan) {
        resource.number = self.next();
        self.entries.push(RuleEntry {
            id: smol_str::format_smolstr!("{message}.{}", resource.name),
            file: self.file(resource.origin),
            line: resource.origin.line,
            map: message.clone(),
            source: resource.from.to_string(),
            target: resource.kind.to_string(),
            datatype_map: None,
            table: None,
            functions: resource.key.as_ref().map(functions).unwrap_or_default(),
            steps: Vec::new(),
        });
        self.rules(message, &mut resource.links);
    }

    fn file(&self, origin: Origin) -> SmolStr {
        self.files.get(usize::from(origin.file)).cloned().unwrap_or_default()
    }

    fn entry(&self, map: &SmolStr, rule: &Rule) -> RuleEntry {
        let (datatype_map, table) = match &rule.action {
            Action::Leaf { table, .. } => (None, *table),
            Action::Map { map, table } => (Some(*map), *table),
            Action::Scalar { map } | Action::Make { map } | Action::Link { map, .. } => (Some(*map), None),
            Action::Group { .. } | Action::Refer { .. } | Action::Each { .. } => (None, None),
        };
        RuleEntry {
            id: rule.id.clone(),
            file: self.file(rule.origin),
            line: rule.origin.line,
            map: map.clone(),
            source: source_text(rule),
            target: target_text(&rule.target),
            datatype_map: datatype_map.and_then(|map| self.maps.get(map).cloned()),
            table: table.and_then(|table| self.tables.get(table).cloned()),
            functions: functions(&rule.source),
            steps: rule.target.clone(),
        }
    }
}

fn target_text(steps: &[Step]) -> String {
    let step = |step: &Step| match &step.url {
        Some(url) => format!("{}[{url}]", step.key),
        None => step.key.to_string(),
    };
    steps.iter().map(step).collect::<Vec<_>>().join(".")
}

fn source_text(rule: &Rule) -> String {
    match &rule.action {
        Action::Refer { name } => format!("refer {name}"),
        Action::Each { name, .. } => format!("each {name}"),
        _ => rule.source.to_string(),
    }
}

fn functions(source: &Source) -> Vec<&'static str> {
    match source {
        Source::Call(function, arguments) => {
            std::iter::once(function.name()).chain(arguments.iter().flat_map(functions)).collect()
        }
        Source::FirstOf(sources) => sources.iter().flat_map(functions).collect(),
        Source::Nothing | Source::Constant(_) | Source::Segment(_) | Source::Item(_) => Vec::new(),
    }
}

/// FNV-1a over what a number stands for: no secret, only a check that two books are the same.
fn fingerprint(entries: &[RuleEntry]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut feed = |text: &str| {
        for byte in text.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for entry in entries {
        for text in [&entry.id, entry.file.as_str(), &entry.source, &entry.target] {
            feed(text);
        }
    }
    hash
}
