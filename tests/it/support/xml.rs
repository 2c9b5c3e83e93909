//! Just enough XML for the official FHIRPath cases: elements, attributes, text, and the raw text of an element.

/// An element with what stands in it.
#[derive(Debug, Default)]
pub struct Xml {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Xml>,
    /// The text directly inside, references resolved.
    pub text: String,
    /// As it stands in the file.
    pub raw: String,
}

impl Xml {
    /// The outermost element of a document. Panics when it is not well formed: then the corpus is broken.
    pub fn parse(document: &str) -> Self {
        let mut rest = document;
        loop {
            rest = &rest[rest.find('<').expect("an element")..];
            match skipped(rest) {
                Some(after) => rest = after,
                None => return element(rest).0,
            }
        }
    }

    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn named<'x>(&'x self, name: &'x str) -> impl Iterator<Item = &'x Self> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

/// What follows a comment or declaration, when one begins here.
fn skipped(text: &str) -> Option<&str> {
    let (begin, end) = [("<!--", "-->"), ("<?", "?>")].into_iter().find(|(begin, _)| text.starts_with(begin))?;
    let from = text[begin.len()..].find(end).expect("it ends");
    Some(&text[begin.len() + from + end.len()..])
}

/// The element that begins here, and what follows it.
fn element(text: &str) -> (Xml, &str) {
    let (tag, mut rest) = text[1..].split_at(tag_length(&text[1..]));
    let mut xml = Xml::default();
    let empty = tag.strip_suffix('/');
    let tag = empty.unwrap_or(tag);
    let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
    name.clone_into(&mut xml.name);
    xml.attributes = read_attributes(attributes);
    rest = &rest[1..];
    if empty.is_none() {
        rest = content(&mut xml, rest);
    }
    text[..text.len() - rest.len()].clone_into(&mut xml.raw);
    (xml, rest)
}

/// Up to the sign that closes a tag, which may also stand in a value.
fn tag_length(text: &str) -> usize {
    let mut quote = None;
    text.find(|c: char| {
        match quote {
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(open) if open == c => quote = None,
            _ => {}
        }
        quote.is_none() && c == '>'
    })
    .expect("a tag ends")
}

fn content<'t>(xml: &mut Xml, mut rest: &'t str) -> &'t str {
    loop {
        let (text, markup) = rest.split_at(rest.find('<').expect("an element ends"));
        xml.text.push_str(&resolved(text));
        if markup.starts_with("</") {
            return &markup[markup.find('>').expect("a tag ends") + 1..];
        }
        rest = match skipped(markup) {
            Some(after) => after,
            None => {
                let (child, after) = element(markup);
                xml.children.push(child);
                after
            }
        };
    }
}

fn read_attributes(mut text: &str) -> Vec<(String, String)> {
    let mut attributes = Vec::new();
    while let Some((name, rest)) = text.split_once('=') {
        let rest = rest.trim_start();
        let quote = rest.chars().next().expect("a value");
        let (value, after) = rest[1..].split_once(quote).expect("a value ends");
        attributes.push((name.trim().to_owned(), resolved(value)));
        text = after;
    }
    attributes
}

/// With the references to characters resolved.
fn resolved(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, reference)) = rest.split_once('&') {
        plain.push_str(before);
        let (name, after) = reference.split_once(';').expect("a reference ends");
        plain.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            code => {
                let code = code.strip_prefix('#').expect("a known reference");
                let code = code.strip_prefix('x').map_or_else(|| code.parse(), |hex| u32::from_str_radix(hex, 16));
                char::from_u32(code.expect("a number")).expect("a character")
            }
        });
        rest = after;
    }
    plain + rest
}
