//! The words of a resource for full-text search: its narrative without markup, and all its texts.

use super::key::normal;
use crate::fhir::{Node, Object, Resource};
use crate::record::ResourceText;

/// Members that hold no text for people: what they say is found by other means.
const NOT_READ: &[&str] = &["resourceType", "id", "div", "data", "reference", "url", "system", "fullUrl"];

/// The words by which full-text search finds it, in the form in which a search has them.
pub fn text(resource: &Resource) -> ResourceText {
    let narrative = resource.text(&["text", "div"]).map(without_markup).unwrap_or_default();
    let mut content = String::new();
    collect(resource.object(), &mut content);
    let narrative = normal(&narrative);
    let mut content = normal(&content);
    if !narrative.is_empty() {
        content = [content.as_str(), narrative.as_str()].join(" ");
    }
    ResourceText { narrative, content }
}

fn collect(object: &Object, out: &mut String) {
    for (_, node) in object.iter().filter(|(name, _)| !NOT_READ.contains(name)) {
        node.items().iter().for_each(|item| collect_node(item, out));
    }
}

fn collect_node(node: &Node, out: &mut String) {
    match node {
        Node::String(text) => {
            out.push_str(text);
            out.push(' ');
        }
        Node::Object(object) => collect(object, out),
        Node::Array(items) => items.iter().for_each(|item| collect_node(item, out)),
        Node::Null | Node::Bool(_) | Node::Number(_) => {}
    }
}

/// XHTML as text: tags are blanks, the entities of XML and numbered ones what they stand for.
fn without_markup(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (shown, length) = if rest.starts_with('<') { (' ', tag_length(rest)) } else { entity(rest) };
        out.push(shown);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// One that does not end takes the rest.
fn tag_length(text: &str) -> usize {
    text.find('>').map_or(text.len(), |end| end + 1)
}

/// What an entity stands for and its length; an ampersand that begins none is one.
fn entity(text: &str) -> (char, usize) {
    /// `&thetasym;` is among the longest of XHTML.
    const LENGTH_MAX: usize = 12;
    let Some(end) = text.bytes().take(LENGTH_MAX).position(|byte| byte == b';') else { return ('&', 1) };
    let name = &text[1..end];
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'#') {
        return ('&', 1);
    }
    let number = name.strip_prefix('#').and_then(|digits| match digits.strip_prefix('x') {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok(),
        None => digits.parse().ok(),
    });
    let named = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => ' ',
    };
    (number.and_then(char::from_u32).unwrap_or(named), end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narratives_lose_their_markup() {
        for (html, expected) in [
            (r#"<div xmlns="http://www.w3.org/1999/xhtml">Fever &amp; <b>chills</b></div>"#, " Fever &  chills  "),
            ("a &lt; b &#233; &#xe9;&nbsp;c", "a < b é é c"),
            ("AT&T and <unclosed", "AT&T and  "),
            ("& &é;&", "& &é;&"),
            ("&#xd800;x", " x"),
            ("", ""),
        ] {
            assert_eq!(without_markup(html), expected, "{html}");
        }
    }

    #[test]
    fn content_is_every_text_and_the_narrative() {
        let json = r#"{"resourceType":"Condition","id":"c","text":{"status":"generated","div":"<div>Sore <i>throat</i></div>"},
            "code":{"coding":[{"system":"http://x","code":"A1","display":"Pharyngitis"}],"text":"Éx"},"note":[{"text":"two\ndays"}]}"#;
        let found = text(&Resource::parse(json.as_bytes()).unwrap());
        assert_eq!(found.narrative, "sore throat");
        assert_eq!(found.content, "generated a1 pharyngitis ex two days sore throat");
        assert_eq!(text(&Resource::new("Patient", "p")), ResourceText::default());
    }
}
