//! A small part of FHIRPath over resources: member steps, `where(…)`, `first()`, `extension('url')`, `skip(n)`,
//! `resolve()`, `repeat(step)`, `split('text')`, `ofType(Type)`, external constants (`%name`) and `%context`; and one
//! function of our own, `afterPrefix('text')`: of the texts that begin so, what follows.
//!
//! What `where` asks is `path = 'text'`, `path = other`, `path != 'text'`, `path.exists()` or `path.empty()`, joined
//! by `and`, and these by `or`. `extension` after the name of a primitive is that of the primitive.
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
    /// All criteria of one of the lists.
    Where(Vec<Vec<Criterion>>),
    First,
    Extension(SmolStr),
    Resolve,
    OfType(SmolStr),
    Skip(usize),
    AfterPrefix(SmolStr),
    Split(SmolStr),
    /// Everything that the steps reach, taken any number of times.
    Repeat(Vec<Step>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Criterion {
    path: Vec<Step>,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Is(SmolStr),
    IsOneOf(Expression),
    IsNot(SmolStr),
    Exists,
    Empty,
}

/// How often `repeat` takes its steps: the levels of a place, from bed to site, are six.
const REPEAT_MAX: usize = 16;

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

    /// `%context`: what the focus belongs to.
    fn context(&self) -> Option<Element<'n>> {
        None
    }
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
        let found: Vec<Element<'n>> = match &self.start {
            Start::Focus => focus.into_iter().collect(),
            Start::Constant(name) if name == "context" => environment.context().into_iter().collect(),
            Start::Constant(name) => environment.constant(name).map(Element::Text).into_iter().collect(),
            Start::Type(kind) => {
                let resources = environment.resources().iter().filter(|resource| resource.kind() == kind);
                resources.map(|resource| Element::Object(resource.object())).collect()
            }
        };
        take_all(&self.steps, found, environment)
    }
}

fn take_all<'n>(steps: &[Step], found: Vec<Element<'n>>, environment: &dyn Environment<'n>) -> Vec<Element<'n>> {
    let mut found = found;
    for (at, step) in steps.iter().enumerate() {
        let of_primitive = matches!(steps.get(at + 1), Some(Step::Extension(_)));
        found = match step {
            Step::Member(name) if of_primitive => with_primitive(name, found),
            step => step.take(found, environment),
        };
    }
    found
}

/// A member together with what FHIR JSON keeps beside a primitive under a name of its own.
fn with_primitive<'n>(name: &str, found: Vec<Element<'n>>) -> Vec<Element<'n>> {
    let beside = format!("_{name}");
    let members = |element: Element<'n>| element.member(name).iter().chain(element.member(&beside));
    found.into_iter().flat_map(members).map(Element::Node).collect()
}

impl Step {
    fn take<'n>(&self, found: Vec<Element<'n>>, environment: &dyn Environment<'n>) -> Vec<Element<'n>> {
        let found = found.into_iter();
        match self {
            Self::Member(name) => found.flat_map(|element| element.member(name)).map(Element::Node).collect(),
            Self::Where(criteria) => found
                .filter(|element| criteria.iter().any(|all| all.iter().all(|one| one.holds(*element, environment))))
                .collect(),
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
            Self::Split(separator) => found
                .filter_map(Element::text)
                .flat_map(|text| text.split(separator.as_str()))
                .map(Element::Text)
                .collect(),
            Self::Repeat(steps) => repeat(steps, found.collect(), environment),
            Self::OfType(kind) => {
                let of_kind =
                    |element: &Element<'_>| element.member("resourceType").first().and_then(Node::as_str) == Some(kind);
                found.filter(of_kind).collect()
            }
        }
    }
}

impl Criterion {
    fn holds<'n>(&self, element: Element<'n>, environment: &dyn Environment<'n>) -> bool {
        let found = take_all(&self.path, vec![element], environment);
        match &self.test {
            Test::Is(text) => found.into_iter().any(|element| element.text() == Some(text)),
            Test::IsOneOf(other) => {
                let others = other.evaluate(None, environment);
                let known = |text: &str| others.iter().any(|other| other.text() == Some(text));
                found.into_iter().filter_map(Element::text).any(known)
            }
            Test::IsNot(text) => !found.is_empty() && found.into_iter().all(|element| element.text() != Some(text)),
            Test::Exists => !found.is_empty(),
            Test::Empty => found.is_empty(),
        }
    }
}

fn repeat<'n>(steps: &[Step], found: Vec<Element<'n>>, environment: &dyn Environment<'n>) -> Vec<Element<'n>> {
    let (mut all, mut next) = (Vec::new(), found);
    for _ in 0..REPEAT_MAX {
        next = take_all(steps, next, environment);
        if next.is_empty() {
            break;
        }
        all.extend(next.iter().copied());
    }
    all
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
            return Ok(Expression { start, steps: self.steps()? });
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
        Ok(Expression { start: Start::Focus, steps: self.first_and_steps()? })
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
            "where" => self.criteria()?,
            "split" => Step::Split(self.quoted()?),
            "repeat" => Step::Repeat(self.first_and_steps()?),
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

    fn first_and_steps(&mut self) -> Result<Vec<Step>, ExpressionFault> {
        let mut steps = vec![self.step()?];
        steps.extend(self.steps()?);
        Ok(steps)
    }

    fn takes_text(&mut self, text: &str) -> bool {
        let found = self.text[self.at..].starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    fn criteria(&mut self) -> Result<Step, ExpressionFault> {
        let mut criteria = vec![vec![self.criterion()?]];
        loop {
            if self.takes_text(" or ") {
                criteria.push(vec![self.criterion()?]);
            } else if self.takes_text(" and ") {
                let criterion = self.criterion()?;
                criteria.last_mut().expect("a list from the start").push(criterion);
            } else {
                return Ok(Step::Where(criteria));
            }
        }
    }

    fn criterion(&mut self) -> Result<Criterion, ExpressionFault> {
        let mut path = Vec::new();
        loop {
            if self.takes_text("exists()") {
                return Ok(Criterion { path, test: Test::Exists });
            }
            if self.takes_text("empty()") {
                return Ok(Criterion { path, test: Test::Empty });
            }
            // A text is compared with itself; `$this` is no step.
            if !self.takes_text("$this") {
                path.push(self.step()?);
            }
            if !self.takes('.') {
                break;
            }
        }
        let comparison = self.comparison()?;
        let plain = self.text[self.at..].starts_with('\'');
        let test = if plain { comparison(self.quoted()?) } else { Test::IsOneOf(self.expression()?) };
        Ok(Criterion { path, test })
    }

    fn comparison(&mut self) -> Result<fn(SmolStr) -> Test, ExpressionFault> {
        let at = self.at;
        while self.takes(' ') {}
        let test: fn(SmolStr) -> Test = if self.takes_text("!=") {
            Test::IsNot
        } else if self.takes('=') {
            Test::Is
        } else {
            return Err(ExpressionFault { at, expected: "an equals sign" });
        };
        while self.takes(' ') {}
        Ok(test)
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
            Resource::parse(br#"{"resourceType":"Practitioner","id":"d","active":true,
                "name":[{"family":"F","_family":{"extension":[{"url":"urn:y","valueCode":"c"}]},"given":["A","B"]}]}"#).unwrap(),
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

        fn context(&self) -> Option<Element<'n>> {
            self.0.last().map(|resource| Element::Object(resource.object()))
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
        check("identifier.where(type.coding.code!='PLAC').value", &["f"]);
        check("identifier.where(extension('urn:x').exists()).value", &["p"]);
        check("identifier.where(extension.empty() and value='f').value", &["f"]);
        check("identifier.value.where($this='p')", &["p"]);
        check("identifier.where(value='p' or value='f' and extension.exists()).value", &["p"]);
        check("Practitioner.where(id = %context.id).id", &["d"]);
        check("Practitioner.name.family.extension('urn:y').valueCode", &["c"]);
        check("requester.reference.split('/')", &["Practitioner", "d"]);
        check("$this.repeat(requester.resolve()).active", &["true"]);
        check("%context.name.given", &["A", "B"]);
    }

    #[test]
    fn faults_point_at_their_place() {
        for (text, at) in [("", 0), ("a..b", 2), ("a.where(b)", 9), ("a.where(b='x)", 11), ("a.all()", 6), ("a b", 1)] {
            assert_eq!(Expression::parse(text).map_err(|fault| fault.at), Err(at), "{text:?}");
        }
    }
}
