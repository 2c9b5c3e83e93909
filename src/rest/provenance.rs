//! Provenance of what is kept: who made a version, by what message or request and mapping release (DESIGN 5).
//!
//! It is not written anywhere: every version knows the message or request that it speaks for, and this is shown as
//! Provenance resources under ids of their own. Those that clients write are resources as any other.

use smol_str::format_smolstr;

use super::answer::Answer;
use super::page::Mode;
use super::server::Call;
use super::{Fault, Server};
use crate::access::{Interaction as Deed, Permission};
use crate::base::limits;
use crate::fhir::{Node, Object, Resource};
use crate::record::{HistoryQuery, HistoryScope, ResourceKey, ResourceVersion, StoredMessage, VersionNumber};
use crate::search::{Include, Query};
use crate::store::StoreError;

/// How the ids of computed Provenance resources begin; the number of the version follows.
const PREFIX: &str = "version-";

/// The version that this Provenance is about; none when it is a resource like any other.
pub fn version_of(key: &ResourceKey) -> Option<VersionNumber> {
    let number = key.id.strip_prefix(PREFIX).filter(|_| key.kind == "Provenance")?;
    number.parse().ok().map(VersionNumber)
}

impl Server {
    /// The Provenance of a version, for who may read what it is about.
    pub(super) async fn read_provenance(&self, number: VersionNumber, call: &Call<'_>) -> Result<Answer, Fault> {
        let version = self.store.version(number).await?.ok_or_else(Fault::not_found)?;
        if call.caller.permits("Provenance", Deed::Read) != Permission::All || call.caller.organization().is_some() {
            return Err(Fault::not_found());
        }
        self.reaches(call.caller, &version.key, Deed::Read).await?;
        Ok(Answer::made(&self.provenance(&version).await?).about(1, version.updated_at))
    }

    /// What a search brings of computed Provenance: that of the versions of what `target` names, and with
    /// `_revinclude=Provenance:target` that of what was found. On the first page only.
    pub(super) async fn provenances(
        &self,
        query: &Query,
        matches: &[ResourceVersion],
        call: &Call<'_>,
    ) -> Result<Vec<(Resource, Mode)>, Fault> {
        let mut computed = Vec::new();
        // A restriction cannot be held against what is computed, and who else wrote is not for bound clients.
        if call.caller.permits("Provenance", Deed::Search) != Permission::All || call.caller.organization().is_some() {
            return Ok(computed);
        }
        if query.kinds.len() == 1 && query.kinds[0].kind == "Provenance" && query.cursor.is_none() {
            for key in self.provenance_targets(call) {
                for version in self.history_of(key, call).await? {
                    computed.push((self.provenance(&version).await?, Mode::Match));
                }
            }
        }
        if query.includes.iter().any(is_of_provenance) {
            for version in matches {
                computed.push((self.provenance(version).await?, Mode::Include));
            }
        }
        Ok(computed)
    }

    /// Resources of ours that the search names as targets, when it asks for nothing else.
    fn provenance_targets(&self, call: &Call<'_>) -> Vec<ResourceKey> {
        let is_other = |name: &str| !name.starts_with('_') && name != "target" && name != "target:missing";
        if call.pairs.iter().any(|(name, _)| is_other(name)) {
            return Vec::new();
        }
        let base = format!("{}/", self.setup.base_url);
        let named = call.pairs.iter().filter(|(name, _)| name == "target").flat_map(|(_, list)| list.split(','));
        named.filter_map(|name| ResourceKey::from_reference(name.strip_prefix(&base).unwrap_or(name))).collect()
    }

    async fn history_of(&self, key: ResourceKey, call: &Call<'_>) -> Result<Vec<ResourceVersion>, Fault> {
        if self.reaches(call.caller, &key, Deed::Read).await.is_err() {
            return Ok(Vec::new());
        }
        let query = HistoryQuery {
            scope: HistoryScope::Resource(key),
            since: None,
            until: None,
            before: None,
            limit: limits::SEARCH_PAGE_DEFAULT,
        };
        Ok(self.store.history_page(&query).await?.versions)
    }

    /// The Provenance of a version.
    async fn provenance(&self, version: &ResourceVersion) -> Result<Resource, StoreError> {
        let message = match version.message {
            Some(id) => self.store.message(id).await?,
            None => None,
        };
        Ok(provenance(version, message.as_ref()))
    }
}

fn is_of_provenance(include: &Include) -> bool {
    include.reverse && include.source == "Provenance" && matches!(include.parameter.as_str(), "target" | "*")
}

fn provenance(version: &ResourceVersion, message: Option<&StoredMessage>) -> Resource {
    let mut provenance = Resource::new("Provenance", &format!("{PREFIX}{}", version.number.0));
    let object = provenance.object_mut();
    let meta: [(&str, Node); 2] = [("versionId", "1".into()), ("lastUpdated", version.updated_at.to_string().into())];
    object.set("meta", meta.into_iter().collect::<Object>());
    let target = format_smolstr!("{}/_history/{}", version.key, version.version);
    object.set("target", vec![Node::Object([("reference", target)].into_iter().collect())]);
    object.set("recorded", version.updated_at.to_string());
    object.set("activity", concept("http://terminology.hl7.org/CodeSystem/v3-DataOperation", activity(version)));
    object.set("agent", vec![agent(message)]);
    if let Some(message) = message {
        object.set("entity", entities(message));
    }
    provenance
}

const fn activity(version: &ResourceVersion) -> &'static str {
    match (version.deleted, version.version) {
        (true, _) => "DELETE",
        (false, 1) => "CREATE",
        (false, _) => "UPDATE",
    }
}

/// Who said it: the feed or client; what no message said, the gateway did by itself.
fn agent(message: Option<&StoredMessage>) -> Node {
    let (role, name) = message.map_or(("assembler", "loopgate"), |message| ("author", message.feed.as_str()));
    let who: [(&str, Node); 1] = [("identifier", identifier("urn:loopgate:feed", name))];
    let members: [(&str, Node); 2] = [
        ("type", concept("http://terminology.hl7.org/CodeSystem/provenance-participant-type", role)),
        ("who", Node::Object(who.into_iter().collect())),
    ];
    Node::Object(members.into_iter().collect())
}

/// What it was made of: the message or request in the journal, and the mapping release that read it.
fn entities(message: &StoredMessage) -> Vec<Node> {
    let mut entities = vec![entity("urn:loopgate:message", &message.id.to_string())];
    if !message.release.is_empty() {
        entities.push(entity("urn:loopgate:mapping-release", &message.release));
    }
    entities
}

fn entity(system: &str, value: &str) -> Node {
    let what: [(&str, Node); 1] = [("identifier", identifier(system, value))];
    let members: [(&str, Node); 2] = [("role", "source".into()), ("what", Node::Object(what.into_iter().collect()))];
    Node::Object(members.into_iter().collect())
}

fn identifier(system: &str, value: &str) -> Node {
    Node::Object([("system", system), ("value", value)].into_iter().collect())
}

fn concept(system: &str, code: &str) -> Node {
    let coding: Object = [("system", system), ("code", code)].into_iter().collect();
    Node::Object([("coding", vec![Node::Object(coding)])].into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::{FeedName, MessageId};
    use crate::base::{Digest, Timestamp};
    use crate::profile::Validator;
    use crate::record::MessageOutcome;

    fn version(number: u32, deleted: bool) -> ResourceVersion {
        ResourceVersion {
            number: VersionNumber(41),
            key: ResourceKey::new("Patient", "p"),
            version: number,
            content: bytes::Bytes::new(),
            digest: Digest::of(b""),
            updated_at: Timestamp::from_micros(0),
            deleted,
            message: Some(MessageId(7)),
        }
    }

    fn message() -> StoredMessage {
        StoredMessage {
            id: MessageId(7),
            feed: FeedName::new("emr"),
            sender: "".into(),
            control_id: "".into(),
            message_type: "ADT^A08".into(),
            bytes: bytes::Bytes::new(),
            charset_declared: "".into(),
            charset_detected: "".into(),
            received_at: Timestamp::from_micros(0),
            outcome: MessageOutcome::Processed,
            concluded_at: None,
            issues: "".into(),
            release: "ab12".into(),
            control_id_reused: false,
            tries: 0,
        }
    }

    #[test]
    fn a_version_says_who_made_it_of_what() {
        for (version, message, role, activity) in [
            (version(1, false), Some(message()), "author", "CREATE"),
            (version(2, false), None, "assembler", "UPDATE"),
            (version(3, true), Some(message()), "author", "DELETE"),
        ] {
            let made = provenance(&version, message.as_ref());
            assert_eq!(made.text(&["agent", "type", "coding", "code"]), Some(role));
            assert_eq!(made.text(&["activity", "coding", "code"]), Some(activity));
            let key = ResourceKey::new("Provenance", made.id().unwrap_or_default());
            assert_eq!(version_of(&key), Some(VersionNumber(41)));
            assert_eq!(Validator::default().validate(&made), []);
        }
        let made = provenance(&version(1, false), Some(&message()));
        assert_eq!(made.text(&["entity", "what", "identifier", "value"]), Some("m7"));
        assert_eq!(made.text(&["target", "reference"]), Some("Patient/p/_history/1"));
    }
}
