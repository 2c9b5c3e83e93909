//! A small part of FHIRPath over resources: member steps, `where(path = 'text')`, `first()`, `extension('url')`,
//! `skip(n)`, `resolve()`, `ofType(Type)` and external constants (`%name`); and one function of our own,
//! `afterPrefix('text')`: of the texts that begin so, what follows.
//!
//! `ServiceRequest.identifier.where(type.coding.code='PLAC').value` reads as in FHIRPath. A path begins at the resources of a type or, with a small letter, at the focus.

use smol_str::SmolStr;

use super::{Node, Object, Resource};

/// An expression, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    start: Start,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Start {
    Focus,
    Type(SmolStr),
    Constant(SmolStr),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(SmolStr),
    Where(Vec<SmolStr>, SmolStr),
    First,
    Extension(SmolStr),
    Resolve,
    OfType(SmolStr),
    Skip(usize),
    AfterPrefix(SmolStr),
}

/// Why a text is not such an expression; `at` is a byte position from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} at byte {at}")]
pub struct ExpressionFault {
    pub at: usize,
    pub expected: &'static str,
}

/// What an expression can look at.
pub trait Environment<'n> {
    /// All resources, in order.
    fn resources(&self) -> &[&'n Resource];

    /// The value of `%name`.
    fn constant(&self, name: &str) -> Option<&'n str>;
}

/// One thing that an expression gave.
#[derive(Clone, Copy)]
pub enum Element<'n> {
    Object(&'n Object),
    Node(&'n Node),
    Text(&'n str),
}

impl<'n> Element<'n> {
    fn member(self, name: &str) -> &'n [Node] {
        match self {
            Self::Object(object) => object.get(name).map_or(&[], Node::items),
            Self::Node(node) => node.get(name).map_or(&[], Node::items),
            Self::Text(_) => &[],
        }
    }

    /// The text of a primitive, a number or a truth value in its JSON form; `None` for what has members.
    pub fn text(self) -> Option<&'n str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Node(Node::String(text) | Node::Number(text)) => Some(text),
            Self::Node(Node::Bool(true)) => Some("true"),
            Self::Node(Node::Bool(false)) => Some("false"),
            _ => None,
        }
    }
}

impl Expression {
    pub fn parse(text: &str) -> Result<Self, ExpressionFault> {
        let mut reader = Reader { text, at: 0 };
        let expression = reader.expression()?;
        if reader.at < text.len() { Err(reader.fault("a dot or the end")) } else { Ok(expression) }
    }

    /// The names of the external constants it uses.
    pub fn constant(&self) -> Option<&str> {
        match &self.start {
            Start::Constant(name) => Some(name),
            _ => None,
        }
    }

    /// Everything that it gives, in order. It never fails: what is not there gives nothing.
    pub fn evaluate<'n>(&self, focus: Option<Element<'n>>, environment: &dyn Environment<'n>) -> Vec<Element<'n>> {
        let mut found: Vec<Element<'n>> = match &self.start {
            Start::Focus => focus.into_iter().collect(),
            Start::Constant(name) => environment.constant(name).map(Element::Text).into_iter().collect(),
            Start::Type(kind) => {
                let resources = environment.resources().iter().filter(|resource| resource.kind() == kind);
                resources.map(|resource| Element::Object(resource.object())).collect()
            }
        };
        for step in &self.steps {
            found = step.take(found, environment);
        }
        found
    }
}

impl Step {
    fn take<'n>(&self, found: Vec<Element<'n>>, environment: &dyn Environment<'n>) -> Vec<Element<'n>> {
        let found = found.into_iter();
        match self {
            Self::Member(name) => found.flat_map(|element| element.member(name)).map(Element::Node).collect(),
            Self::Where(path, text) => found.filter(|element| holds(*element, path, text)).collect(),
            Self::First => found.take(1).collect(),
            Self::Extension(url) => found
                .flat_map(|element| element.member("extension"))
                .filter(|node| node.get("url").and_then(Node::as_str) == Some(url))
                .map(Element::Node)
                .collect(),
            Self::Resolve => found.filter_map(|element| resolve(element, environment)).collect(),
            Self::Skip(count) => found.skip(*count).collect(),
            Self::AfterPrefix(prefix) => {
                found.filter_map(|element| element.text()?.strip_prefix(prefix.as_str()).map(Element::Text)).collect()
            }
            Self::OfType(kind) => {
                let of_kind =
                    |element: &Element<'_>| element.member("resourceType").first().and_then(Node::as_str) == Some(kind);
                found.filter(of_kind).collect()
            }
        }
    }
}

fn holds(element: Element<'_>, path: &[SmolStr], text: &str) -> bool {
    match path.split_first() {
        None => element.text() == Some(text),
        Some((name, rest)) => element.member(name).iter().any(|node| holds(Element::Node(node), rest, text)),
    }
}

fn resolve<'n>(element: Element<'n>, environment: &dyn Environment<'n>) -> Option<Element<'n>> {
    let reference = element.member("reference").first()?.as_str()?;
    let (kind, id) = reference.split_once('/')?;
    let mut resources = environment.resources().iter();
    let resource = resources.find(|resource| resource.kind() == kind && resource.id() == Some(id))?;
    Some(Element::Object(resource.object()))
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn fault(&self, expected: &'static str) -> ExpressionFault {
        ExpressionFault { at: self.at, expected }
    }

    fn takes(&mut self, sign: char) -> bool {
        let found = self.text[self.at..].starts_with(sign);
        self.at += if found { sign.len_utf8() } else { 0 };
        found
    }

    fn name(&mut self) -> Result<&'t str, ExpressionFault> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        if end == 0 {
            return Err(self.fault("a name"));
        }
        self.at += end;
        Ok(&rest[..end])
    }

    fn expression(&mut self) -> Result<Expression, ExpressionFault> {
        if self.takes('%') {
            let start = Start::Constant(self.name()?.into());
            return Ok(Expression { start, steps: Vec::new() });
        }
        if self.text[self.at..].starts_with("$this") {
            self.at += "$this".len();
            return Ok(Expression { start: Start::Focus, steps: self.steps()? });
        }
        let from = self.at;
        let name = self.name()?;
        if name.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Ok(Expression { start: Start::Type(name.into()), steps: self.steps()? });
        }
        self.at = from;
        let first = self.step()?;
        let mut steps = vec![first];
        steps.extend(self.steps()?);
        Ok(Expression { start: Start::Focus, steps })
    }

    fn steps(&mut self) -> Result<Vec<Step>, ExpressionFault> {
        let mut steps = Vec::new();
        while self.takes('.') {
            steps.push(self.step()?);
        }
        Ok(steps)
    }

    fn step(&mut self) -> Result<Step, ExpressionFault> {
        let name = self.name()?;
        if !self.takes('(') {
            return Ok(Step::Member(name.into()));
        }
        let step = match name {
            "first" => Step::First,
            "resolve" => Step::Resolve,
            "ofType" => Step::OfType(self.name()?.into()),
            "extension" => Step::Extension(self.quoted()?),
            "where" => self.criterion()?,
            "skip" => Step::Skip(self.number()?),
            "afterPrefix" => Step::AfterPrefix(self.quoted()?),
            _ => return Err(self.fault("a function that is known here before the bracket")),
        };
        if self.takes(')') { Ok(step) } else { Err(self.fault("a closing bracket")) }
    }

    fn number(&mut self) -> Result<usize, ExpressionFault> {
        let at = self.at;
        self.name()?.parse().map_err(|_| ExpressionFault { at, expected: "a number" })
    }

    fn criterion(&mut self) -> Result<Step, ExpressionFault> {
        let mut path = vec![self.name()?.into()];
        while self.takes('.') {
            path.push(self.name()?.into());
        }
        while self.takes(' ') {}
        if !self.takes('=') {
            return Err(self.fault("an equals sign"));
        }
        while self.takes(' ') {}
        Ok(Step::Where(path, self.quoted()?))
    }

    fn quoted(&mut self) -> Result<SmolStr, ExpressionFault> {
        if !self.takes('\'') {
            return Err(self.fault("a text in single quotes"));
        }
        let rest = &self.text[self.at..];
        let end = rest.find('\'').ok_or_else(|| self.fault("a closing quote"))?;
        self.at += end + 1;
        Ok(rest[..end].into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World(Vec<Resource>);

    fn check(expression: &str, expected: &[&str]) {
        let world = World(vec![
            Resource::parse(
                br#"{"resourceType":"ServiceRequest","id":"s","identifier":[{"type":{"coding":[{"code":"FILL"}]},"value":"f"},
                {"type":{"coding":[{"code":"PLAC"}]},"value":"p","extension":[{"url":"urn:x","valueString":"e"}]}],
                "requester":{"reference":"Practitioner/d"}}"#,
            )
            .unwrap(),
            Resource::parse(br#"{"resourceType":"Practitioner","id":"d","active":true,"name":[{"given":["A","B"]}]}"#).unwrap(),
        ]);
        let references: Vec<&Resource> = world.0.iter().collect();
        let environment = Fixed(&references);
        let focus = references.first().map(|resource| Element::Object(resource.object()));
        let expression = Expression::parse(expression).unwrap();
        let found = expression.evaluate(focus, &environment);
        assert_eq!(found.into_iter().filter_map(Element::text).collect::<Vec<_>>(), expected, "{expression:?}");
    }

    struct Fixed<'s, 'n>(&'s [&'n Resource]);

    impl<'n> Environment<'n> for Fixed<'_, 'n> {
        fn resources(&self) -> &[&'n Resource] {
            self.0
        }

        fn constant(&self, name: &str) -> Option<&'n str> {
            (name == "now").then_some("2026")
        }
    }

    #[test]
    fn expressions_give_what_fhirpath_gives() {
        check("ServiceRequest.identifier.where(type.coding.code='PLAC').value", &["p"]);
        check("identifier.value", &["f", "p"]);
        check("identifier.first().value", &["f"]);
        check("ServiceRequest.identifier.extension('urn:x').valueString", &["e"]);
        check("ServiceRequest.requester.resolve().name.given", &["A", "B"]);
        check("ServiceRequest.requester.resolve().ofType(Practitioner).active", &["true"]);
        check("ServiceRequest.requester.resolve().ofType(Patient).active", &[]);
        check("%now", &["2026"]);
        check("%later", &[]);
        check("$this.id", &["s"]);
        check("identifier.skip(1).value", &["p"]);
        check("identifier.value.afterPrefix('f')", &[""]);
    }

    #[test]
    fn faults_point_at_their_place() {
        for (text, at) in [("", 0), ("a..b", 2), ("a.where(b)", 9), ("a.where(b='x)", 11), ("a.all()", 6), ("a b", 1)] {
            assert_eq!(Expression::parse(text).map_err(|fault| fault.at), Err(at), "{text:?}");
        }
    }
}
