//! Codes of tables beside the codings of the sender.

use smol_str::SmolStr;

use super::Run;
use super::item::Found;
use super::value::sources_of;
use crate::fhir::{Node, Object};
use crate::mapping::plan::{Code, Rule};
use crate::mapping::trace::Mark;

impl<'m> Run<'_, 'm> {
    /// Puts the coding of the table before those of the sender, or in the place of a single one.
    pub(super) fn translate(
        &mut self,
        rule: &Rule,
        table: usize,
        found: &Found<'m>,
        mark: Option<Mark>,
        element: &mut Object,
    ) -> bool {
        let text = found.text();
        let found_code = self.library.tables[table].find(&text).filter(|code| !code.value.is_empty());
        let Some(code) = found_code else { return false };
        let mut written = [code.system.is_some(), true, code.display.is_some()];
        let single = element.get("coding").is_none() && element.get("code").is_some();
        let put = if single {
            write_coding(code, element);
            Put::default()
        } else {
            put_first(code, element)
        };
        if let (Some(tracer), Some(mark)) = (&mut self.tracer, mark) {
            let sources = sources_of(&self.taken, found);
            if single {
                tracer.replaced(rule, mark, &sources, written);
            } else {
                written[2] &= put.display_of.is_none();
                tracer.translated(rule, mark, &sources, written, &put);
            }
        }
        true
    }
}

/// How a coding was put before the others.
#[derive(Default)]
pub struct Put {
    /// Where each of the others went; `None` for one that said the same.
    pub moved: Vec<Option<usize>>,
    /// The number of the one whose display was taken over.
    pub display_of: Option<usize>,
}

/// Puts the coding before the others, without those that say the same.
fn put_first(code: &Code, element: &mut Object) -> Put {
    let mut coding = Object::new();
    write_coding(code, &mut coding);
    let Some(Node::Array(codings)) = element.get_mut("coding") else {
        element.set_first("coding", Node::Array(vec![Node::Object(coding)]));
        return Put::default();
    };
    // The words of the sender are kept for a code that the table leaves as it is.
    let same = codings.iter().position(|old| same_code(old, &coding));
    let said = same.and_then(|same| codings[same].get("display").cloned());
    let display_of = same.filter(|_| said.is_some());
    if let Some(said) = said {
        coding.set(SmolStr::new_static("display"), said);
    }
    let mut next = 1..;
    let moved = codings.iter().map(|old| if same_code(old, &coding) { None } else { next.next() }).collect();
    codings.retain(|old| !same_code(old, &coding));
    codings.insert(0, Node::Object(coding));
    Put { moved, display_of }
}

fn write_coding(code: &Code, coding: &mut Object) {
    if let Some(system) = &code.system {
        coding.set(SmolStr::new_static("system"), system.clone());
    }
    coding.set(SmolStr::new_static("code"), code.value.clone());
    if let Some(display) = &code.display {
        coding.set(SmolStr::new_static("display"), display.clone());
    }
}

fn same_code(old: &Node, new: &Object) -> bool {
    old.get("code") == new.get("code") && (old.get("system").is_none() || old.get("system") == new.get("system"))
}
