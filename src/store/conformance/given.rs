//! What cases start from: a store with a lease, and short ways to make receptions, conclusions and deliveries.

use std::collections::HashSet;

use bytes::Bytes;
use uuid::Uuid;

use super::setup::{Keep, Shared};
use crate::base::ids::{DeliveryId, EndpointName, FeedName, MessageId, ReferralId};
use crate::base::{Digest, Timestamp};
use crate::record::{
    Audit, Cause, Committed, Conclusion, Counting, Criterion, Delivery, Disposition, IdentifierKey, IndexKey,
    KindQuery, Lane, Lanes, MessageOutcome, NewDelivery, Payload, Range, Reception, Referral, ReferralWrite, Request,
    ResourceKey, ResourceText, ResourceWrite, ReusePolicy, Scan, SearchQuery, Space, StoredMessage, Trail,
};
use crate::store::{Admission, Concluded, Lease, Load, Loaded};

/// An instant of the cases' day, in seconds.
pub const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + seconds * 1_000_000)
}

/// A store under test and a lease on it.
pub struct Bench {
    pub store: Shared,
    pub lease: Lease,
    keep: Keep,
}

impl Bench {
    pub async fn new(store: Shared, keep: Keep) -> Self {
        let lease = store.lease("one", at(0), at(60)).await.expect("a first lease");
        Self { store, lease, keep }
    }

    /// Takes away what the case stood on; a case that fails leaves its database for a look.
    pub async fn finish(self) {
        drop(self.store);
        if let Keep::Database(database) = self.keep {
            database.drop_it().await;
        }
    }

    pub async fn admit(&self, batch: Vec<Reception>) -> Vec<Admission> {
        self.store.admit(batch).await.expect("admission")
    }

    /// Admits receptions that are all to be stored.
    pub async fn admit_ids(&self, batch: Vec<Reception>) -> Vec<MessageId> {
        let id = |admission| match admission {
            Admission::Stored(id) | Admission::StoredReused(id) => id,
            other => panic!("expected a stored message, but got {other:?}"),
        };
        self.admit(batch).await.into_iter().map(id).collect()
    }

    /// Admits a message with a control id of its own into these lanes.
    pub async fn admit_into(&self, lanes: &[i64]) -> MessageId {
        let control_id = Uuid::new_v4().to_string();
        self.admit_ids(vec![reception(&control_id, lanes)]).await[0]
    }

    pub async fn claim(&self) -> Vec<MessageId> {
        self.claim_except([]).await.into_iter().map(|message| message.id).collect()
    }

    pub async fn claim_except(&self, except: impl IntoIterator<Item = MessageId>) -> Vec<StoredMessage> {
        let except: HashSet<_> = except.into_iter().collect();
        self.store.claim_messages(&self.lease, &except, 100).await.expect("a claim")
    }

    pub async fn conclude(&self, batch: Vec<Conclusion>) -> Concluded {
        self.store.conclude(&self.lease, batch).await.expect("a conclusion")
    }

    pub async fn conclude_as(&self, id: MessageId, outcome: MessageOutcome) {
        let conclusion = Conclusion { outcome, ..conclusion(Cause::Message(id)) };
        assert_eq!(self.conclude(vec![conclusion]).await, Concluded::Done, "{id} as {outcome:?}");
    }

    pub async fn message(&self, id: MessageId) -> StoredMessage {
        self.store.message(id).await.expect("a read").expect("the message")
    }

    pub async fn load(&self, wanted: Load) -> Loaded {
        self.store.load(&wanted).await.expect("a load")
    }

    /// The current version and content of a resource.
    pub async fn resource(&self, key: &ResourceKey) -> Option<(u32, Bytes)> {
        let wanted = Load { resources: [key.clone()].into(), ..Load::default() };
        self.load(wanted).await.resources.into_iter().next().map(|found| (found.version, found.content))
    }

    pub async fn claim_deliveries(&self, now: i64) -> Vec<Delivery> {
        let (except, paused) = (HashSet::new(), HashSet::new());
        self.store.claim_deliveries(&self.lease, at(now), &except, &paused, 100).await.expect("a claim")
    }

    pub async fn commit(&self, request: Request) -> Committed {
        self.store.commit(request).await.expect("a commit")
    }

    /// Commits a request that writes these.
    pub async fn put(&self, resources: Vec<ResourceWrite>) -> Committed {
        self.commit(request(resources)).await
    }

    /// The ids of a search's page, as `Type/id`.
    pub async fn find(&self, query: &SearchQuery) -> Vec<String> {
        let page = self.store.search(query).await.expect("a search");
        page.matches.iter().map(|found| found.key.to_string()).collect()
    }

    /// Concludes a fresh message of a lane of its own with what `fill` adds.
    pub async fn conclude_with(&self, fill: impl FnOnce(&mut Conclusion)) -> Concluded {
        let lane = Digest::of(Uuid::new_v4().as_bytes()).as_i64();
        let mut conclusion = conclusion(Cause::Message(self.admit_into(&[lane]).await));
        fill(&mut conclusion);
        self.conclude(vec![conclusion]).await
    }
}

pub fn lanes(lanes: &[i64]) -> Lanes {
    Lanes::new(Lane(lanes[0]), lanes[1..].iter().copied().map(Lane))
}

/// A message to be processed, with content of its control id's own.
pub fn reception(control_id: &str, in_lanes: &[i64]) -> Reception {
    let bytes = Bytes::from(format!("MSH|{control_id}"));
    Reception {
        feed: FeedName::new("emr"),
        sender: "EPIC|NORTH".into(),
        control_id: control_id.into(),
        message_type: "ADT^A08".into(),
        content_digest: Digest::of(&bytes),
        bytes,
        charset_declared: "UNICODE UTF-8".into(),
        charset_detected: "utf-8".into(),
        received_at: at(1),
        reuse_policy: ReusePolicy::Flag,
        disposition: Disposition::Accepted(lanes(in_lanes)),
    }
}

/// The same control id with other content.
pub fn with_content(reception: Reception, content: &str) -> Reception {
    let bytes = Bytes::copy_from_slice(content.as_bytes());
    Reception { content_digest: Digest::of(&bytes), bytes, ..reception }
}

pub fn conclusion(cause: Cause) -> Conclusion {
    Conclusion {
        cause,
        outcome: MessageOutcome::Processed,
        issues: vec![],
        release: "release".into(),
        trail: Trail::default(),
        resources: vec![],
        redirects: vec![],
        referrals: vec![],
        deliveries: vec![],
        work_items: vec![],
        audit: Audit { action: "message.processed", agent: "emr".into() },
        concluded_at: at(2),
    }
}

pub fn patient(id: &str) -> ResourceKey {
    ResourceKey::new("Patient", id)
}

pub fn identifier(value: &str) -> IdentifierKey {
    IdentifierKey { kind: "Patient".into(), system: "urn:north".into(), value: value.into() }
}

/// A version of a patient that bears these record numbers.
pub fn patient_write(id: &str, follows: u32, record_numbers: &[&str]) -> ResourceWrite {
    let content = Bytes::from(format!("{id} after {follows}"));
    let mut index: Vec<_> = record_numbers.iter().map(|value| identifier(value).index_key()).collect();
    index.sort_unstable();
    index.dedup();
    ResourceWrite {
        key: patient(id),
        follows,
        digest: Digest::of(&content),
        content,
        message: None,
        index,
        text: ResourceText::default(),
        deleted: false,
    }
}

/// A request that writes these.
pub fn request(resources: Vec<ResourceWrite>) -> Request {
    let reception = Reception {
        feed: FeedName::new("app"),
        message_type: "POST".into(),
        ..reception(&Uuid::new_v4().to_string(), &[1])
    };
    let conclusion = Conclusion { resources, release: "".into(), ..conclusion(Cause::Request) };
    Request { reception, conclusion, guards: vec![] }
}

/// A key in the space of a parameter.
pub fn key(kind: &str, parameter: &str, value: &str) -> IndexKey {
    Space::of(kind, parameter).key(value.as_bytes())
}

/// A version that bears these keys, and the one that every living resource bears.
pub fn write(kind: &str, id: &str, follows: u32, keys: &[(&str, &str)]) -> ResourceWrite {
    let content = Bytes::from(format!("{kind}/{id} after {follows}"));
    let mut index: Vec<_> = keys.iter().map(|(parameter, value)| key(kind, parameter, value)).collect();
    index.push(key(kind, "_lastUpdated", "now"));
    index.sort_unstable();
    index.dedup();
    let digest = Digest::of(&content);
    let key = ResourceKey::new(kind, id);
    ResourceWrite { key, follows, digest, content, message: None, index, text: ResourceText::default(), deleted: false }
}

/// The end of a resource.
pub fn deletion(kind: &str, id: &str, follows: u32) -> ResourceWrite {
    ResourceWrite { content: Bytes::new(), index: vec![], deleted: true, ..write(kind, id, follows, &[]) }
}

/// Bears exactly this key.
pub fn bears(kind: &str, parameter: &str, value: &str) -> Criterion {
    Criterion::Bears(vec![Scan { range: Range::Exactly(key(kind, parameter, value)), tests: vec![] }])
}

/// Bears a key from one up to and without another.
pub fn within(kind: &str, parameter: &str, from: &str, to: &str) -> Criterion {
    let [from, to] = [from, to].map(|value| key(kind, parameter, value));
    Criterion::Bears(vec![Scan { range: Range::Within { from, to }, tests: vec![] }])
}

/// A search of one type in the order of creation.
pub fn search(kind: &str, criterion: Criterion) -> SearchQuery {
    let kinds = vec![KindQuery { kind: kind.into(), criterion, order: vec![] }];
    SearchQuery { kinds, after: None, limit: 100, count: Counting::WhenKnown }
}

pub fn referral_id(number: u128) -> ReferralId {
    ReferralId(Uuid::from_u128(number))
}

/// A referral of patient `p` that follows a version.
pub fn referral_write(number: u128, follows: u32) -> ReferralWrite {
    let referral = Referral {
        id: referral_id(number),
        version: follows,
        patient: patient("p"),
        stage: "received".into(),
        open: true,
        state: Bytes::from(format!("{{\"after\":{follows}}}")),
    };
    ReferralWrite { referral, events: vec![], timers: vec![] }
}

pub fn delivery_id(number: u128) -> DeliveryId {
    DeliveryId(Uuid::from_u128(number))
}

/// A delivery to endpoint `clinic` that is due at once.
pub fn delivery(number: u128, subject: &str, sequence: u32) -> NewDelivery {
    NewDelivery {
        id: delivery_id(number),
        endpoint: EndpointName::new("clinic"),
        subject: subject.into(),
        sequence,
        event: "referral.accepted".into(),
        payload: Payload { content_type: "application/json".into(), bytes: Bytes::from_static(b"{}") },
        due_at: at(2),
    }
}
