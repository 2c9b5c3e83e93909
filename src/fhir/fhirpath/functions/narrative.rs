//! The XHTML of a narrative: which elements and attributes it may have (FHIR R4 2.4.0.1), and that it says something.

const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "b",
    "big",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "ul",
    "var",
];

const ATTRIBUTES: &[&str] = &[
    "abbr",
    "accesskey",
    "align",
    "alt",
    "axis",
    "bgcolor",
    "border",
    "cellhalign",
    "cellpadding",
    "cellspacing",
    "cellvalign",
    "char",
    "charoff",
    "charset",
    "cite",
    "class",
    "colspan",
    "compact",
    "coords",
    "dir",
    "frame",
    "headers",
    "height",
    "href",
    "hreflang",
    "hspace",
    "id",
    "lang",
    "longdesc",
    "name",
    "nowrap",
    "rel",
    "rev",
    "rowspan",
    "rules",
    "scope",
    "shape",
    "span",
    "src",
    "start",
    "style",
    "summary",
    "tabindex",
    "title",
    "type",
    "valign",
    "value",
    "vspace",
    "width",
    "xml:lang",
    "xmlns",
];

/// Whether a text is a `div` of allowed elements, each closed, with a word or an image in it.
pub fn is_allowed(text: &str) -> bool {
    let mut reader = Reader { rest: text.trim(), open: Vec::new(), says_something: false };
    reader.rest.starts_with("<div") && reader.read().is_some() && reader.open.is_empty() && reader.says_something
}

struct Reader<'t> {
    rest: &'t str,
    open: Vec<&'t str>,
    says_something: bool,
}

impl<'t> Reader<'t> {
    /// `None` at the first thing that is not allowed.
    fn read(&mut self) -> Option<()> {
        while !self.rest.is_empty() {
            let (text, markup) = self.rest.split_at(self.rest.find('<').unwrap_or(self.rest.len()));
            let is_blank = text.trim().is_empty();
            if self.open.is_empty() && !is_blank {
                return None;
            }
            self.says_something |= !is_blank;
            self.rest = match markup.strip_prefix("<!--") {
                Some(comment) => &comment[comment.find("-->")? + "-->".len()..],
                None if markup.is_empty() => markup,
                None => self.tag(&markup[1..])?,
            };
        }
        Some(())
    }

    /// Takes a tag behind its `<`, and gives what follows.
    fn tag(&mut self, markup: &'t str) -> Option<&'t str> {
        if let Some(closing) = markup.strip_prefix('/') {
            let (name, rest) = closing.split_once('>')?;
            return (self.open.pop()? == name.trim_end()).then_some(rest);
        }
        let end = markup.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(markup.len());
        let (name, mut rest) = markup.split_at(end);
        if !ELEMENTS.contains(&name) {
            return None;
        }
        self.says_something |= name == "img";
        loop {
            rest = rest.trim_start();
            if let Some(rest) = rest.strip_prefix("/>") {
                return Some(rest);
            }
            if let Some(rest) = rest.strip_prefix('>') {
                self.open.push(name);
                return Some(rest);
            }
            rest = attribute(rest)?;
        }
    }
}

/// Takes an attribute, and gives what follows.
fn attribute(text: &str) -> Option<&str> {
    let (name, rest) = text.split_once('=')?;
    let rest = rest.trim_start();
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (value, rest) = rest[1..].split_once(quote)?;
    let scripted = value.trim_start().get(..11).is_some_and(|start| start.eq_ignore_ascii_case("javascript:"));
    (ATTRIBUTES.contains(&name.trim_end()) && !scripted).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_formats_is_allowed() {
        for (text, allowed) in [
            ("<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Good <b>day</b><br/></p></div>", true),
            ("<div><img src='#1' alt=\"x\"/></div>", true),
            ("<div> </div>", false),
            ("<div>a<script>b</script></div>", false),
            ("<div onclick=\"x\">a</div>", false),
            ("<div><a href=\" javascript:x\">a</a></div>", false),
            ("<div><p>a</div></p>", false),
            ("<div>a", false),
            ("<p>a</p>", false),
            ("<div>a</div>b", false),
        ] {
            assert_eq!(is_allowed(text), allowed, "{text}");
        }
    }
}
