//! `$meta`, `$meta-add`, `$meta-delete`: profiles, tags and security labels of a resource, without the resource
//! (FHIR R4 resource-operation-meta and kin).

use super::parameters::{Input, Output};
use super::{Answered, Handler, writing};
use crate::access::Interaction as Deed;
use crate::fhir::{Node, Object, Resource};
use crate::record::{ResourceKey, ResourceVersion};
use crate::rest::answer::Answer;
use crate::rest::server::Call;
use crate::rest::{Fault, Level, Server};

/// What is done to the lists of `meta`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Meta {
    Show,
    Add,
    Delete,
}

/// The lists, and what tells one of their entries from another.
const LISTS: [&str; 3] = ["profile", "security", "tag"];

impl Handler for Meta {
    fn answer<'a>(&'a self, server: &'a Server, level: &'a Level, call: &'a Call<'a>) -> Answered<'a> {
        Box::pin(async move {
            let Level::Instance(key) = level else { return Err(Fault::not_found()) };
            let deed = if *self == Self::Show { Deed::Read } else { Deed::Update };
            server.reaches(call.caller, key, deed).await?;
            let standing = live(server, key).await?;
            let mut resource = Resource::parse(&standing.content).map_err(|_| Fault::gone())?;
            if *self != Self::Show {
                let input = Input::of(call)?;
                let said = input.object("meta").ok_or_else(|| Fault::invalid("a parameter `meta` is needed"))?;
                resource = self.changed(&resource, said);
                resource = writing::replace(server, "POST $meta", resource, &standing, call).await?;
            }
            let meta = resource.get("meta").cloned().unwrap_or_else(|| Node::Object(Object::new()));
            Ok(Answer::made(&Output::default().value("return", "valueMeta", meta).finish()))
        })
    }
}

impl Meta {
    fn changed(self, resource: &Resource, said: &Object) -> Resource {
        let mut changed = resource.clone();
        let mut meta = resource.get("meta").and_then(Node::as_object).cloned().unwrap_or_default();
        for list in LISTS {
            let theirs = said.get(list).map(Node::items).unwrap_or_default();
            let known: Vec<Node> = meta.get(list).into_iter().flat_map(Node::items).cloned().collect();
            let after = self.entries(known, theirs);
            if after.is_empty() {
                meta.remove(list);
            } else {
                meta.set(list, after);
            }
        }
        changed.object_mut().set("meta", meta);
        changed
    }

    fn entries(self, mut known: Vec<Node>, said: &[Node]) -> Vec<Node> {
        match self {
            Self::Show => {}
            Self::Add => {
                for entry in said {
                    if !known.iter().any(|other| is_same(other, entry)) {
                        known.push(entry.clone());
                    }
                }
            }
            Self::Delete => known.retain(|entry| !said.iter().any(|other| is_same(entry, other))),
        }
        known
    }
}

/// A coding is told by system and code, a profile by its URL.
fn is_same(one: &Node, other: &Node) -> bool {
    match (one.as_object(), other.as_object()) {
        (Some(_), Some(_)) => ["system", "code"].iter().all(|part| one.text(&[part]) == other.text(&[part])),
        _ => one == other,
    }
}

/// What is kept at this place now. 404 and 410 as a read.
pub async fn live(server: &Server, key: &ResourceKey) -> Result<ResourceVersion, Fault> {
    let version = server.store.read(key, None).await?.ok_or_else(Fault::not_found)?;
    if version.deleted { Err(Fault::gone()) } else { Ok(version) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_added_once_and_taken_away_by_system_and_code() {
        let resource =
            Resource::parse(br#"{"resourceType":"Patient","id":"a","meta":{"tag":[{"system":"s","code":"1"}]}}"#)
                .unwrap();
        let said =
            Node::parse(br#"{"tag":[{"system":"s","code":"1","display":"x"},{"system":"s","code":"2"}]}"#).unwrap();
        let said = said.as_object().unwrap();
        let added = Meta::Add.changed(&resource, said);
        let tags = |resource: &Resource| {
            resource.get("meta").and_then(|meta| meta.get("tag")).map_or(0, |tags| tags.items().len())
        };
        assert_eq!(tags(&added), 2);
        assert_eq!(tags(&Meta::Delete.changed(&added, said)), 0);
    }
}
