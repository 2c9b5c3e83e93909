//! A mapping release: all files together, compiled once, named by the digest of their texts.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use smol_str::SmolStr;

use super::compile::{self, Declared};
use super::diagnostic::Diagnostic;
use super::mapped::{Context, Mapped};
use super::plan::{Code, Library, MessagePlan};
use super::presence;
use super::render::{RenderPlan, Rendered, Renderer, Sources};
use super::rulebook::RuleBook;
use super::run;
use crate::base::Digest;
use crate::hl7v2::{Charset, Message};

/// Cheap to clone; shared by all who map.
#[derive(Clone)]
pub struct Release {
    digest: Digest,
    plans: Arc<[Plan]>,
    events: Arc<HashMap<SmolStr, usize>>,
    library: Arc<Library>,
    renders: Arc<HashMap<SmolStr, RenderPlan>>,
    declared: Arc<[Declared]>,
}

/// What messages of some types become.
pub struct Plan {
    library: Arc<Library>,
    message: MessagePlan,
}

impl Release {
    /// Compiles files, given as name and text; overlays among them are laid over the others, except for those in a folder
    /// `overlays`, which wait to be asked for. All mistakes are told, in the order of files and lines.
    pub fn compile(files: &BTreeMap<String, String>) -> Result<Self, Vec<Diagnostic>> {
        Self::with_overlays(files, &[])
    }

    /// The release of one feed: base files, and files of its own in the order in which they are laid over them.
    pub fn with_overlays(
        base: &BTreeMap<String, String>,
        overlays: &[(String, String)],
    ) -> Result<Self, Vec<Diagnostic>> {
        let files: Vec<(&str, &str)> = base
            .iter()
            .filter(|(name, _)| !is_set_aside(name))
            .chain(overlays.iter().map(|(name, text)| (name, text)))
            .map(|(n, t)| (n.as_str(), t.as_str()))
            .collect();
        let compiled = compile::compile(&files)?;
        let mut library = compiled.library;
        let mut messages = compiled.messages;
        presence::prepare(&mut library, &mut messages);
        library.book = Arc::new(RuleBook::number(&mut library, &mut messages));
        let library = Arc::new(library);
        let plans = messages.into_iter();
        let plans = plans.map(|message| Plan { library: Arc::clone(&library), message }).collect();
        let parts = files.iter().flat_map(|(name, text)| [name.as_bytes(), text.as_bytes()]);
        Ok(Self {
            digest: Digest::of_parts(parts),
            plans,
            events: Arc::new(compiled.events),
            library,
            renders: Arc::new(compiled.renders),
            declared: compiled.declared.into(),
        })
    }

    /// The base maps alone.
    pub fn builtin() -> Self {
        Self::compile(&super::builtin_files()).unwrap_or_else(|found| {
            let first = found.first().map(ToString::to_string).unwrap_or_default();
            unreachable!("the base maps compile, as a test shows: {first}")
        })
    }

    /// The base maps with overlays of those built in, by name.
    pub fn builtin_with(overlays: &[&str]) -> Result<Self, Vec<Diagnostic>> {
        let files = super::builtin_files();
        let laid: Vec<_> = overlays.iter().filter_map(|name| overlay(&files, name)).collect();
        Self::with_overlays(&files, &laid)
    }

    /// Changes with every change to a file, also to a comment.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The rules of the release by number, for reading traces that were kept.
    pub fn book(&self) -> &Arc<RuleBook> {
        &self.library.book
    }

    /// What is left unmapped on purpose, in the order of files.
    pub fn declared(&self) -> &[Declared] {
        &self.declared
    }

    /// The plan for a message type such as `ADT^A08`, else the one for its code with whatever event: `ACK`.
    pub fn select(&self, message_type: &str) -> Option<&Plan> {
        let code = message_type.split('^').next().unwrap_or_default();
        let index = self.events.get(message_type).or_else(|| self.events.get(code))?;
        self.plans.get(*index)
    }

    /// What the table of this name makes of a code; `None` when it lacks the code, or the release the table.
    pub fn translate(&self, table: &str, code: &str) -> Option<&Code> {
        self.library.tables.iter().find(|candidate| candidate.name == table)?.find(code)
    }

    /// Whether a code table has this code, even if only to say that it has no counterpart.
    pub fn knows_code(&self, table: &str, code: &str) -> bool {
        self.translate(table, code).is_some()
    }

    /// The plan of the message map of this name, such as `ADT_A05`.
    pub fn plan(&self, name: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.name() == name)
    }

    /// Writes the message of this name (`OSU_O51`) from resources and facts; `None` when the release has no such map. Of
    /// `OSU_O51-NORTH` the part behind the dash names a variant, which a release need not have.
    pub fn render(&self, name: &str, sources: &Sources, charset: Charset) -> Option<Rendered> {
        let renderer = Renderer { plans: &self.renders, tables: &self.library.tables };
        Some(renderer.render(renderer.plan(name)?, sources, charset))
    }
}

/// An overlay that stands in a folder `overlays` is laid over nothing until a feed names it.
pub fn is_set_aside(file: &str) -> bool {
    file.split('/').rev().skip(1).any(|folder| folder == "overlays")
}

/// The file, with its text, of an overlay that is set aside; by the name of the file without its ending.
pub fn overlay(files: &BTreeMap<String, String>, name: &str) -> Option<(String, String)> {
    let is_named = |file: &str| file.rsplit('/').next().and_then(|last| last.strip_suffix(".yaml")) == Some(name);
    let mut set_aside = files.iter().filter(|(file, _)| is_set_aside(file));
    set_aside.find(|(file, _)| is_named(file)).map(|(file, text)| (file.clone(), text.clone()))
}

impl Plan {
    /// The name of the message map.
    pub fn name(&self) -> &str {
        &self.message.name
    }

    /// Maps a message. Whatever the message, it ends and gives a result; trouble is in `Mapped::issues`.
    pub fn run(&self, message: &Message, context: &Context) -> Mapped {
        run::run(&self.library, &self.message, message, context)
    }
}
