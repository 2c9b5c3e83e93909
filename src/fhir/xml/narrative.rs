//! Narratives: XHTML that is kept as the text it was written as (R4 2.4.0). Only its form is looked at here.

use std::borrow::Cow;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};

use super::XHTML;
use super::cursor::{Cursor, Space, Tag, Token, is_xml};
use super::fault::XmlFault;
use crate::base::limits;

/// Reads from the start tag, which the cursor has given last, to its end; gives the text of it all.
pub fn read<'t>(cursor: &mut Cursor<'t>, tag: &Tag<'t>) -> Result<&'t str, XmlFault> {
    if tag.space != Space::Xhtml || !tag.stands_alone() {
        return Err(cursor.fault("expected the div of a narrative with its own xmlns=\"http://www.w3.org/1999/xhtml\""));
    }
    let from = cursor.at();
    cursor.attributes(tag, |_, _| Ok(()))?;
    skip(cursor)?;
    Ok(cursor.since(from))
}

/// Goes behind the end of the element that is open, well formed all the way.
fn skip(cursor: &mut Cursor<'_>) -> Result<(), XmlFault> {
    let mut open = 1_usize;
    while open > 0 {
        match cursor.event()?.1 {
            Event::Start(start) => {
                if !start.name().as_ref().bytes().all(|b| b.is_ascii_alphanumeric() || b":-_.".contains(&b)) {
                    return Err(cursor.fault("expected the name of an element of XHTML"));
                }
                cursor.check_attributes(&start)?;
                open += 1;
            }
            Event::End(_) => open -= 1,
            Event::GeneralRef(reference) if !is_plain(&reference) => {
                return Err(cursor.fault("a reference that XML does not know: write the character, or `&#160;`"));
            }
            Event::Text(text) if text.contains("]]>") => return Err(cursor.fault("expected `]]&gt;`")),
            Event::Text(_) | Event::GeneralRef(_) | Event::Comment(_) | Event::CData(_) => {}
            Event::Eof => return Err(cursor.fault("expected the end of the narrative")),
            _ => return Err(cursor.fault("expected elements and text of XHTML")),
        }
        if open > limits::XHTML_DEPTH_MAX {
            return Err(cursor.fault("elements of a narrative that are nested too deep"));
        }
    }
    Ok(())
}

fn is_plain(reference: &BytesRef<'_>) -> bool {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => is_xml(character),
        Ok(None) => resolve_predefined_entity(reference).is_some(),
        Err(_) => false,
    }
}

/// A narrative as it can stand in XML: as it is when it is well formed, which a resource that came as JSON need not
/// hold; else its text with all markup escaped, so that nothing in it can pass for elements of the resource.
pub fn for_xml(text: &str) -> Cow<'_, str> {
    let named = if text.contains("&nbsp;") { text.replace("&nbsp;", "&#160;").into() } else { Cow::Borrowed(text) };
    if is_whole(&named) {
        return named;
    }
    if let Some(rest) = named.strip_prefix("<div") {
        let declared = format!("<div xmlns=\"{XHTML}\"{rest}");
        if is_whole(&declared) {
            return declared.into();
        }
    }
    let plain: String = text.chars().map(|c| if is_xml(c) { c } else { '\u{fffd}' }).collect();
    format!("<div xmlns=\"{XHTML}\">{}</div>", quick_xml::escape::partial_escape(plain.as_str())).into()
}

/// Whether the text is one div of XHTML and nothing else.
fn is_whole(text: &str) -> bool {
    let read = || {
        let mut cursor = Cursor::new(text.as_bytes())?;
        let Token::Start(tag) = cursor.next()? else { return Ok(false) };
        let is_div = tag.name() == "div" && cursor.at() == 0;
        Ok::<_, XmlFault>(is_div && read(&mut cursor, &tag)?.len() == text.len())
    };
    read().unwrap_or(false)
}
