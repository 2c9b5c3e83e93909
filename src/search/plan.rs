//! Where in a resource the values of a search parameter stand: its expression, compiled for one resource type.
//!
//! The expressions of the R4 parameters are unions of simple paths: member steps, choices of a type, and a few filters.
//! Each becomes steps over the JSON tree, whose types are known beforehand. What is not of that kind is left to the
//! FHIRPath engine.

use std::iter::Peekable;

use smol_str::{SmolStr, format_smolstr};

use super::key;
use crate::fhir::definitions::{self, Element};
use crate::fhir::{Node, Object, bindings};

/// One step from element to element.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// All elements of a member, by its JSON name.
    Member(SmolStr),
    /// The first of them.
    FirstOf(SmolStr),
    /// Only elements with this text in a member.
    WhereEqual { member: SmolStr, text: SmolStr },
    /// Only references to this type.
    WhereReferring(SmolStr),
}

/// The way to elements of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// From the resource, though the rest of a composite begins at an element of it.
    pub from_resource: bool,
    pub steps: Vec<Step>,
    /// Their FHIR type, or the path of a backbone element.
    pub kind: &'static str,
    /// The type that the last member is described under, and its name.
    pub place: (&'static str, &'static str),
}

/// An expression that is no union of such paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSimple;

/// Compiles an expression whose focus is an element of type `kind`.
pub fn compile(expression: &str, kind: &'static str) -> Result<Vec<Path>, NotSimple> {
    let tokens = tokens(expression).ok_or(NotSimple)?;
    let mut reader = Reader { tokens: tokens.into_iter().peekable(), kind };
    let paths = reader.union()?;
    if reader.tokens.next().is_some() { Err(NotSimple) } else { Ok(paths) }
}

impl Path {
    /// Whether a system goes without saying here: the elements are codes of a value set that has this code of this
    /// system, or one that cannot be listed.
    pub fn implies(&self, system: &str, code: &str) -> bool {
        let (owner, element) = self.place;
        self.kind == "code" && bindings::required(owner, element).is_none_or(|set| set.contains(Some(system), code))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'t> {
    Name(&'t str),
    Text(&'t str),
    Sign(char),
}

fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => {
                let end = rest[1..].find('\'')? + 1;
                tokens.push(Token::Text(&rest[1..end]));
                end + 1
            }
            _ if is_name(first) => {
                let end = rest.find(|sign| !is_name(sign)).unwrap_or(rest.len());
                tokens.push(Token::Name(&rest[..end]));
                end
            }
            sign => {
                tokens.push(Token::Sign(sign));
                sign.len_utf8()
            }
        };
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

fn is_name(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, '_' | '%')
}

struct Reader<'t, I: Iterator<Item = Token<'t>>> {
    tokens: Peekable<I>,
    kind: &'static str,
}

impl<'t, I: Iterator<Item = Token<'t>>> Reader<'t, I> {
    fn takes(&mut self, sign: char) -> bool {
        self.tokens.next_if_eq(&Token::Sign(sign)).is_some()
    }

    fn expect(&mut self, sign: char) -> Result<(), NotSimple> {
        if self.takes(sign) { Ok(()) } else { Err(NotSimple) }
    }

    fn name(&mut self) -> Result<&'t str, NotSimple> {
        match self.tokens.next() {
            Some(Token::Name(name)) => Ok(name),
            _ => Err(NotSimple),
        }
    }

    fn text(&mut self) -> Result<&'t str, NotSimple> {
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok(text),
            _ => Err(NotSimple),
        }
    }

    fn union(&mut self) -> Result<Vec<Path>, NotSimple> {
        let mut paths = self.branch()?;
        while self.takes('|') {
            paths.extend(self.branch()?);
        }
        Ok(paths)
    }

    /// A path, or one in brackets with more behind them; `as` chooses a type.
    fn branch(&mut self) -> Result<Vec<Path>, NotSimple> {
        let mut paths = if self.takes('(') {
            let inner = self.union()?;
            self.expect(')')?;
            inner
        } else {
            self.start()?
        };
        while self.takes('.') || self.tokens.peek() == Some(&Token::Sign('[')) {
            paths = self.step(paths)?;
        }
        if self.tokens.next_if_eq(&Token::Name("as")).is_some() {
            let kind = self.name()?;
            paths.retain(|path| is_kind(path.kind, kind));
        }
        Ok(paths)
    }

    fn start(&mut self) -> Result<Vec<Path>, NotSimple> {
        let name = self.name()?;
        let root = |from_resource, kind| Path { from_resource, steps: Vec::new(), kind, place: ("", "") };
        match name {
            "Resource" | "DomainResource" => Ok(vec![root(false, self.kind)]),
            "%resource" => {
                let resource = self.kind.split('.').next().and_then(definitions::resource).ok_or(NotSimple)?;
                Ok(vec![root(true, resource)])
            }
            _ if name == self.kind => Ok(vec![root(false, self.kind)]),
            _ => members(&[root(false, self.kind)], name),
        }
    }

    fn step(&mut self, paths: Vec<Path>) -> Result<Vec<Path>, NotSimple> {
        if self.takes('[') {
            let index = self.name()?;
            self.expect(']')?;
            return if index == "0" { paths.into_iter().map(first_of).collect() } else { Err(NotSimple) };
        }
        let name = self.name()?;
        if !self.takes('(') {
            return members(&paths, name);
        }
        let paths = match name {
            "as" | "ofType" => {
                let kind = self.name()?;
                paths.into_iter().filter(|path| is_kind(path.kind, kind)).collect()
            }
            "where" => with(paths, &self.criterion()?),
            "extension" => {
                let equal = Step::WhereEqual { member: "url".into(), text: self.text()?.into() };
                with(members(&paths, "extension")?, &equal)
            }
            _ => return Err(NotSimple),
        };
        self.expect(')')?;
        Ok(paths)
    }

    /// `resolve() is Patient` or `system='email'`.
    fn criterion(&mut self) -> Result<Step, NotSimple> {
        let name = self.name()?;
        if name == "resolve" {
            self.expect('(')?;
            self.expect(')')?;
            return if self.name()? == "is" { Ok(Step::WhereReferring(self.name()?.into())) } else { Err(NotSimple) };
        }
        self.expect('=')?;
        Ok(Step::WhereEqual { member: name.into(), text: self.text()?.into() })
    }
}

fn is_kind(kind: &str, wanted: &str) -> bool {
    kind == wanted
}

fn with(mut paths: Vec<Path>, step: &Step) -> Vec<Path> {
    paths.iter_mut().for_each(|path| path.steps.push(step.clone()));
    paths
}

fn first_of(mut path: Path) -> Result<Path, NotSimple> {
    match path.steps.pop() {
        Some(Step::Member(name)) => path.steps.push(Step::FirstOf(name)),
        _ => return Err(NotSimple),
    }
    Ok(path)
}

/// The paths on to a member; to each of the types of a choice.
fn members(paths: &[Path], name: &str) -> Result<Vec<Path>, NotSimple> {
    let mut found = Vec::new();
    for path in paths {
        let elements = definitions::elements(path.kind).iter();
        let element = elements.into_iter().find(|element| element.name.trim_end_matches("[x]") == name);
        found.extend(element.into_iter().flat_map(|element| on_to(path, element)));
    }
    // A member that none of them has is a mistake in the expression, or a type that is not known here.
    if found.is_empty() && !paths.is_empty() { Err(NotSimple) } else { Ok(found) }
}

fn on_to(path: &Path, element: &'static Element) -> impl Iterator<Item = Path> {
    let stem = element.name.strip_suffix("[x]");
    element.types().map(move |kind| {
        let member = stem.map_or(SmolStr::new_static(element.name), |stem| chosen(stem, kind));
        let mut path = path.clone();
        path.steps.push(Step::Member(member));
        Path { kind, place: (path.kind, element.name), ..path }
    })
}

/// `value` and `Quantity` are `valueQuantity`.
fn chosen(stem: &str, kind: &str) -> SmolStr {
    let mut letters = kind.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase()).unwrap_or_default();
    format_smolstr!("{stem}{first}{}", letters.as_str())
}

impl Step {
    /// Whether an element passes a filter; members are for `elements`.
    pub fn admits(&self, node: &Node, root: &Object) -> bool {
        match self {
            Self::Member(_) | Self::FirstOf(_) => true,
            Self::WhereEqual { member, text } => node.get(member).and_then(Node::as_str) == Some(text),
            Self::WhereReferring(kind) => key::is_about(node, root, kind),
        }
    }
}
