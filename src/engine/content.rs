//! The text of a resource as it is kept: what its sender said, with the version and instant that we give it.

use crate::base::{Digest, Timestamp};
use crate::fhir::{Node, Object, Resource};

/// What the server says in `meta`, whatever a sender wrote there.
const OURS: [&str; 2] = ["versionId", "lastUpdated"];

/// The JSON of a resource without the server's part of `meta`, and where `meta` belongs: right after `id`, as the
/// specification's examples have it.
pub struct Text {
    whole: Vec<u8>,
    /// Where `meta` goes.
    meta_at: usize,
    /// The members of `meta` that its sender wrote, each behind a comma.
    meta: Vec<u8>,
}

impl Text {
    pub fn of(resource: &Resource) -> Self {
        let mut whole = Vec::with_capacity(1024);
        let mut meta_at = 0;
        for (name, node) in resource.object().iter().filter(|(name, _)| *name != "meta") {
            whole.push(if whole.is_empty() { b'{' } else { b',' });
            write_member(&mut whole, name, node);
            if meta_at == 0 || name == "id" {
                meta_at = whole.len();
            }
        }
        whole.push(b'}');
        let meta = match resource.get("meta") {
            Some(Node::Object(meta)) => said_in_meta(meta),
            _ => Vec::new(),
        };
        Self { whole, meta_at, meta }
    }

    /// Of all that its sender said: the same digest, nothing new.
    pub fn digest(&self) -> Digest {
        if self.meta.is_empty() { Digest::of(&self.whole) } else { Digest::of_parts([&self.whole[..], &self.meta[..]]) }
    }

    pub fn with_meta(&self, version: u32, now: Timestamp) -> Vec<u8> {
        let ours = format!(r#","meta":{{"versionId":"{version}","lastUpdated":"{now}""#);
        let (before, after) = self.whole.split_at(self.meta_at);
        [before, ours.as_bytes(), &self.meta, b"}", after].concat()
    }
}

fn said_in_meta(meta: &Object) -> Vec<u8> {
    let mut said = Vec::new();
    for (name, node) in meta.iter().filter(|(name, _)| !OURS.contains(&name.trim_start_matches('_'))) {
        said.push(b',');
        write_member(&mut said, name, node);
    }
    said
}

fn write_member(out: &mut Vec<u8>, name: &str, node: &Node) {
    Node::from(name).write(out);
    out.push(b':');
    node.write(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> Text {
        Text::of(&Resource::parse(json.as_bytes()).unwrap())
    }

    #[test]
    fn the_server_says_version_and_instant_and_the_sender_the_rest() {
        let said = text(
            r#"{"resourceType":"Patient","id":"a","active":true,"meta":{"versionId":"9","tag":[{"code":"x"}],"lastUpdated":"1999"}}"#,
        );
        let now = Timestamp::from_micros(0);
        let expected = format!(
            r#"{{"resourceType":"Patient","id":"a","meta":{{"versionId":"2","lastUpdated":"{now}","tag":[{{"code":"x"}}]}},"active":true}}"#
        );
        assert_eq!(String::from_utf8(said.with_meta(2, now)).unwrap(), expected);
    }

    #[test]
    fn a_tag_is_news_and_a_version_is_none() {
        let plain = text(r#"{"resourceType":"Patient","id":"a"}"#).digest();
        assert_eq!(text(r#"{"resourceType":"Patient","id":"a","meta":{"versionId":"3"}}"#).digest(), plain);
        assert_ne!(text(r#"{"resourceType":"Patient","id":"a","meta":{"tag":[{"code":"x"}]}}"#).digest(), plain);
    }
}
