//! The XHTML of a narrative: the elements and attributes that R4 2.4.0 allows, well formed, and not empty.

use super::place::Place;
use super::report::Report;
use crate::base::issue::IssueCode;
use crate::fhir::Node;

/// Sections 7 to 11 and 15 of HTML 4.0, without forms, and `a`, `img` (R4 2.4.0, txt-1).
const ELEMENTS: &str = " a abbr acronym address b bdo big blockquote br caption center cite code col colgroup dd dfn dir div dl dt em \
font h1 h2 h3 h4 h5 h6 hr i img kbd li map ol p pre q s samp small span strike strong style sub sup table tbody td \
tfoot th thead tr tt u ul var ";

/// txt-1 and txt-2.
pub fn check(node: &Node, place: &Place<'_>, report: &mut Report) {
    let Some(text) = node.as_str() else { return };
    match read(text.trim()) {
        Err(expected) => report.error(place, IssueCode::Invariant, format!("txt-1: expected {expected}")),
        Ok(false) => report.error(place, IssueCode::Invariant, "txt-2: the narrative has some content"),
        Ok(true) => {}
    }
}

/// Whether there is content; `Err` names what was expected.
fn read(text: &str) -> Result<bool, &'static str> {
    if !text.starts_with("<div") {
        return Err("a div element");
    }
    let (mut rest, mut open, mut has_content) = (text, Vec::new(), false);
    while !rest.is_empty() {
        let (before, tag) = rest.split_once('<').unwrap_or((rest, ""));
        has_content |= before.chars().any(|c| !c.is_whitespace());
        if tag.is_empty() {
            break;
        }
        rest = match tag.strip_prefix("!--") {
            Some(comment) => comment.split_once("-->").ok_or("the end of a comment")?.1,
            None => {
                let (tag, after) = split_tag(tag).ok_or("the end of a tag")?;
                has_content |= tag.starts_with("img");
                note(tag, &mut open)?;
                after
            }
        };
        if open.is_empty() && !rest.trim().is_empty() {
            return Err("nothing behind the div element");
        }
    }
    if open.is_empty() { Ok(has_content) } else { Err("an end tag for each element") }
}

/// The tag up to its `>`, which may stand in quotes before.
fn split_tag(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            (None, b'>') => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

fn note<'t>(tag: &'t str, open: &mut Vec<&'t str>) -> Result<(), &'static str> {
    if let Some(name) = tag.strip_prefix('/') {
        return if open.pop() == Some(name.trim()) { Ok(()) } else { Err("end tags in the order of start tags") };
    }
    let (tag, is_closed) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
    let name = tag.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
    if name.is_empty() || !ELEMENTS.split(' ').any(|known| known == name) {
        return Err("only the basic elements of HTML");
    }
    let has_event =
        tag.split(|c: char| c.is_whitespace()).skip(1).any(|word| word.starts_with("on") && word.contains('='));
    if has_event {
        return Err("no attribute for an event");
    }
    if !is_closed {
        open.push(name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narratives() {
        for (text, expected) in [
            ("<div>a <b>b</b><br/></div>", Ok(true)),
            ("<div xmlns=\"http://www.w3.org/1999/xhtml\" title='a > b'><!-- c -->x</div>", Ok(true)),
            ("<div><img src=\"#a\"/></div>", Ok(true)),
            ("<div> <p/></div>", Ok(false)),
            ("text", Err("a div element")),
            ("<div><b>x</div></b>", Err("end tags in the order of start tags")),
            ("<div>x", Err("an end tag for each element")),
            ("<div><script>x</script></div>", Err("only the basic elements of HTML")),
            ("<div onclick=\"x()\">x</div>", Err("no attribute for an event")),
            ("<div>x</div>y", Err("nothing behind the div element")),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
