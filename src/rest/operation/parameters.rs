//! What an operation is asked with, and what it answers: Parameters, however they came.
//!
//! In: the query of a GET, a Parameters resource, or the one resource that the operation is about (FHIR R4 operations
//! 3.2.0.1). Out: a Parameters resource.

use crate::fhir::{Node, Object, Resource};
use crate::rest::server::Call;
use crate::rest::{Fault, Method};

/// The parameters of one call.
pub struct Input {
    pairs: Vec<(String, String)>,
    body: Option<Resource>,
}

impl Input {
    pub fn of(call: &Call<'_>) -> Result<Self, Fault> {
        let is_there = call.method == Method::Post && !call.body.bytes().is_empty();
        let body = is_there.then(|| call.body.resource()).transpose()?;
        Ok(Self { pairs: call.pairs.clone(), body })
    }

    fn parameters(&self) -> impl Iterator<Item = &Node> {
        let body = self.body.as_ref().filter(|body| body.kind() == "Parameters");
        body.and_then(|body| body.get("parameter")).into_iter().flat_map(Node::items)
    }

    /// The parameters of this name in the body.
    pub fn named<'i>(&'i self, name: &str) -> impl Iterator<Item = &'i Node> {
        let name = name.to_owned();
        self.parameters().filter(move |parameter| parameter.text(&["name"]) == Some(&name))
    }

    /// The value of a parameter as text, from the body or the query.
    pub fn text(&self, name: &str) -> Option<&str> {
        let said = self.named(name).find_map(value).and_then(Node::as_str);
        said.or_else(|| self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()))
    }

    /// Every value of a parameter as text.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let said = self.named(name).filter_map(value).filter_map(Node::as_str).map(str::to_owned);
        let asked = self.pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone());
        said.chain(asked).collect()
    }

    pub fn flag(&self, name: &str) -> bool {
        self.named(name).find_map(|one| one.get("valueBoolean")) == Some(&Node::Bool(true))
            || self.text(name) == Some("true")
    }

    /// The resource of a parameter; without Parameters the body itself.
    pub fn resource(&self, name: &str) -> Option<Resource> {
        match &self.body {
            Some(body) if body.kind() != "Parameters" => Some(body.clone()),
            _ => {
                let object = self.named(name).find_map(|one| one.get("resource"))?.as_object()?.clone();
                Resource::from_object(object).ok()
            }
        }
    }

    /// The value of a complex parameter: a Reference, an Identifier, a Meta.
    pub fn object(&self, name: &str) -> Option<&Object> {
        self.named(name).find_map(value).and_then(Node::as_object)
    }
}

/// `value[x]` of a parameter.
fn value(parameter: &Node) -> Option<&Node> {
    let members = parameter.as_object()?;
    members.iter().find(|(name, _)| name.starts_with("value")).map(|(_, node)| node)
}

/// The answer of an operation that has several.
#[derive(Default)]
pub struct Output(Vec<Node>);

impl Output {
    pub fn value(mut self, name: &str, kind: &str, value: impl Into<Node>) -> Self {
        let members: [(&str, Node); 2] = [("name", name.into()), (kind, value.into())];
        self.0.push(Node::Object(members.into_iter().collect()));
        self
    }

    pub fn resource(mut self, name: &str, resource: Resource) -> Self {
        let members: [(&str, Node); 2] = [("name", name.into()), ("resource", resource.into_node())];
        self.0.push(Node::Object(members.into_iter().collect()));
        self
    }

    pub fn part(mut self, name: &str, parts: Self) -> Self {
        let members: [(&str, Node); 2] = [("name", name.into()), ("part", Node::Array(parts.0))];
        self.0.push(Node::Object(members.into_iter().collect()));
        self
    }

    pub fn finish(self) -> Resource {
        let mut resource = empty("Parameters");
        resource.object_mut().set("parameter", self.0);
        resource
    }
}

/// A resource that is not kept: it has no id.
pub fn empty(kind: &str) -> Resource {
    let mut resource = Resource::new(kind, "");
    resource.object_mut().remove("id");
    resource
}
