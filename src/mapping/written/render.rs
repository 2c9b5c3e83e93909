//! Files of the other direction as written: messages, parts of messages, variants, and the data types that they use.

use super::keys::Keys;
use super::{RenderEntry, RenderField, RenderFile, RenderGroup, RenderSegment};
use crate::mapping::diagnostic::{Mistake, Reporter};
use crate::mapping::yaml::{Scalar, Yaml};

pub fn file(keys: &mut Keys, reporter: &mut Reporter) -> Option<RenderFile> {
    keys.ignored(&["note"]);
    let name = keys.required("render", reporter);
    let based_on = keys.scalar("based_on", reporter);
    let segments = render_entries(keys, reporter);
    let fields = render_fields(keys, reporter);
    Some(RenderFile { name: name?, datatype: None, based_on, entries: segments, fields })
}

pub fn encoding(keys: &mut Keys, reporter: &mut Reporter) -> Option<RenderFile> {
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
    Some(RenderFile { name: heading, datatype: Some(datatype), based_on: None, entries: Vec::new(), fields })
}

fn render_entries(keys: &mut Keys, reporter: &mut Reporter) -> Vec<RenderEntry> {
    let entries = keys.list("segments", reporter);
    entries.into_iter().filter_map(|entry| render_entry(entry, reporter)).collect()
}

/// An `include`, a group with `segments`, or a `segment`.
fn render_entry(tree: Yaml, reporter: &mut Reporter) -> Option<RenderEntry> {
    let mut keys = Keys::of(tree, reporter)?;
    keys.ignored(&["note"]);
    let entry = if keys.has("include") {
        keys.required("include", reporter).map(RenderEntry::Include)
    } else if keys.has("segments") {
        let each = keys.required("each", reporter);
        let entries = render_entries(&mut keys, reporter);
        each.map(|each| RenderEntry::Group(RenderGroup { each, entries }))
    } else {
        render_segment(&mut keys, reporter).map(RenderEntry::Segment)
    };
    keys.finish(reporter);
    entry
}

fn render_segment(keys: &mut Keys, reporter: &mut Reporter) -> Option<RenderSegment> {
    let name = keys.required("segment", reporter);
    let each = keys.scalar("each", reporter);
    let when = keys.scalar("when", reporter);
    let required = keys.scalar("required", reporter).is_some_and(|scalar| scalar.text == "true");
    let fields = render_fields(keys, reporter);
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
