//! The door: a frame from a listener becomes a reception, and the verdict on it becomes an acknowledgement.
//!
//! Promise: a positive answer is built only from a verdict that intake gave after its commit (P1). Whatever the bytes,
//! what can be answered is answered, and what was refused is kept.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use smol_str::{SmolStr, format_smolstr};

use super::admission::{Refusal, Rules, refusal};
use crate::base::ids::{FeedName, MessageId};
use crate::base::{Clock, Digest, Issue, IssueCode, Timestamp};
use crate::connectors::door::{Door, PeerInfo, Receiving, Reply};
use crate::engine::read::Reader;
use crate::engine::{Intake, Verdict, lanes};
use crate::hl7v2::ack::{Ack, AckCode, AckStage, Verdict as AckVerdict, is_wanted};
use crate::hl7v2::timestamp::utc_text;
use crate::hl7v2::{AckMode, Charset, Header, HeaderFault, Message, batch};
use crate::record::{Disposition, Reception, ReusePolicy};
use crate::store::Store;
use crate::telemetry::names::{Label, Metric, count};

/// When a sender is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AckWhen {
    /// Once the message is durable.
    #[default]
    Commit,
    /// Once its effects are.
    Applied,
}

/// How one feed receives.
#[derive(Clone, Debug)]
pub struct FeedDoor {
    pub rules: Rules,
    pub ack: AckWhen,
    pub reuse: ReusePolicy,
    pub charset: Charset,
}

/// What stands behind all listeners.
pub struct GatewayDoor(Arc<Inner>);

struct Inner {
    intake: Arc<Intake>,
    reader: Arc<Reader>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    feeds: HashMap<FeedName, FeedDoor>,
}

impl GatewayDoor {
    pub fn new(
        intake: Arc<Intake>,
        reader: Arc<Reader>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        feeds: HashMap<FeedName, FeedDoor>,
    ) -> Self {
        Self(Arc::new(Inner { intake, reader, store, clock, feeds }))
    }
}

impl Door for GatewayDoor {
    fn receive(&self, feed: &FeedName, frame: Bytes, _peer: &PeerInfo) -> Receiving {
        let (inner, feed) = (Arc::clone(&self.0), feed.clone());
        Box::pin(async move { inner.receive(feed, frame).await })
    }

    fn refuse_too_long(&self, feed: &FeedName, head: Bytes, _peer: &PeerInfo) -> Reply {
        let issue = Issue::error(
            IssueCode::ValueTooLong,
            "the message is longer than this feed takes, and only its beginning is kept: send documents by reference",
        );
        self.0.keep_head(feed, head.clone(), issue.clone());
        let Ok(header) = Header::read(&head) else { return Reply::Silence };
        let now = self.0.clock.now();
        let answer = Answer { verdict: AckVerdict::Error, issues: vec![issue], first_at: now, message: None };
        Inner::reply(feed, &header, AckWhen::Commit, Digest::of(&head), &answer)
    }

    fn answered(&self, _feed: &FeedName, message: MessageId, delivered: bool) {
        if delivered {
            return;
        }
        let store = Arc::clone(&self.0.store);
        tokio::spawn(async move {
            if let Err(error) = store.note_unheard(message).await {
                tracing::warn!(%message, %error, "an unheard answer could not be noted");
            }
        });
    }
}

/// What is to be said, before it is known whether the sender wants to hear it.
struct Answer {
    verdict: AckVerdict,
    issues: Vec<Issue>,
    first_at: Timestamp,
    message: Option<MessageId>,
}

impl Inner {
    async fn receive(&self, feed: FeedName, frame: Bytes) -> Reply {
        let Some(door) = self.feeds.get(&feed) else { return Reply::Close };
        match Header::read(&frame) {
            Ok(header) => self.receive_message(feed, door, header, frame).await,
            Err(HeaderFault::Batch) => self.receive_batch(feed, door, frame).await,
            Err(fault) => self.keep_unreadable(feed, door, frame, fault).await,
        }
    }

    /// A batch is as many messages, admitted in their order; it is answered whole, or not at all when one of them could
    /// not be stored: a resend then finds the others stored already.
    async fn receive_batch(&self, feed: FeedName, door: &FeedDoor, frame: Bytes) -> Reply {
        let (parts, _) = batch::split(&frame);
        if parts.messages.is_empty() {
            return self.keep_unreadable(feed, door, frame, HeaderFault::Batch).await;
        }
        let mut acknowledgements = Vec::with_capacity(parts.messages.len());
        for range in parts.messages {
            let message = frame.slice(range);
            let reply = match Header::read(&message) {
                Ok(header) => self.receive_message(feed.clone(), door, header, message).await,
                Err(fault) => self.keep_unreadable(feed.clone(), door, message, fault).await,
            };
            match reply {
                Reply::Answer { bytes, .. } => acknowledgements.push(bytes),
                Reply::Silence => {}
                Reply::Close => return Reply::Close,
            }
        }
        if acknowledgements.is_empty() {
            return Reply::Silence;
        }
        let bytes = batch::answer(&frame, acknowledgements.iter().map(AsRef::as_ref));
        Reply::Answer { bytes: bytes.into(), message: None }
    }

    async fn receive_message(&self, feed: FeedName, door: &FeedDoor, header: Header, frame: Bytes) -> Reply {
        let message_type = header.message_type();
        let refusal =
            refusal(&header, &door.rules, self.reader.releases().of(&feed).release.select(&message_type).is_some());
        let content_digest = header.content_digest(&frame);
        let (message, _, charset) = Message::read(&frame, door.charset);
        let disposition = match &refusal {
            Some(Refusal { issue, .. }) => Disposition::Refused(vec![issue.clone()]),
            None => Disposition::Accepted(lanes::of(&message, &feed)),
        };
        let reception = Reception {
            feed: feed.clone(),
            sender: header.sender(),
            control_id: header.control_id.clone(),
            message_type,
            bytes: frame,
            charset_declared: charset.declared,
            charset_detected: format_smolstr!("{:?}", charset.used),
            content_digest,
            received_at: self.clock.now(),
            reuse_policy: door.reuse,
            disposition,
        };
        let verdict = self.intake.admit(reception, door.ack == AckWhen::Applied).await;
        let answer = self.answer_of(verdict, refusal.is_some_and(|refusal| refusal.reject));
        Self::reply(&feed, &header, door.ack, content_digest, &answer)
    }

    /// Bytes without a readable header cannot be answered; they are kept, and the sender stays connected.
    async fn keep_unreadable(&self, feed: FeedName, door: &FeedDoor, frame: Bytes, fault: HeaderFault) -> Reply {
        tracing::warn!(feed = feed.as_str(), reason = %fault, "a frame without a readable header was kept but cannot be answered");
        let issue = Issue::error(IssueCode::Structure, fault.to_string());
        match self.intake.admit(self.refused_bytes(feed, door.reuse, frame, issue), false).await {
            Verdict::Unavailable => Reply::Close,
            _ => Reply::Silence,
        }
    }

    /// Keeps the beginning of a frame that is not taken. Its answer does not wait for that: it is negative anyway.
    fn keep_head(self: &Arc<Self>, feed: &FeedName, head: Bytes, issue: Issue) {
        let (inner, feed) = (Arc::clone(self), feed.clone());
        tokio::spawn(async move {
            let reception = inner.refused_bytes(feed, ReusePolicy::Flag, head, issue);
            inner.intake.admit(reception, false).await;
        });
    }

    fn refused_bytes(&self, feed: FeedName, reuse_policy: ReusePolicy, bytes: Bytes, issue: Issue) -> Reception {
        Reception {
            feed,
            sender: SmolStr::default(),
            control_id: SmolStr::default(),
            message_type: SmolStr::default(),
            content_digest: Digest::of(&bytes),
            bytes,
            charset_declared: SmolStr::default(),
            charset_detected: SmolStr::default(),
            received_at: self.clock.now(),
            reuse_policy,
            disposition: Disposition::Refused(vec![issue]),
        }
    }

    fn answer_of(&self, verdict: Verdict, reject: bool) -> Answer {
        match verdict {
            Verdict::Accepted { message, first_at } => {
                Answer { verdict: AckVerdict::Accept, issues: Vec::new(), first_at, message: Some(message) }
            }
            Verdict::Failed { message, first_at, issues } => {
                let verdict = if reject { AckVerdict::Reject } else { AckVerdict::Error };
                Answer { verdict, issues, first_at, message }
            }
            Verdict::Undecided { message, first_at } => Answer {
                verdict: AckVerdict::Reject,
                issues: vec![Issue::error(
                    IssueCode::Internal,
                    "the message is stored and not yet applied: send it again to hear the outcome",
                )],
                first_at,
                message: Some(message),
            },
            Verdict::Unavailable => Answer {
                verdict: AckVerdict::Reject,
                issues: vec![Issue::error(
                    IssueCode::Internal,
                    "the message could not be stored: keep it and send it again",
                )],
                first_at: self.clock.now(),
                message: None,
            },
        }
    }

    fn reply(feed: &FeedName, header: &Header, when: AckWhen, content: Digest, answer: &Answer) -> Reply {
        let mode = header.mode();
        let stage = stage(mode, when, answer.verdict);
        // "Try again" in enhanced mode is CE: CR is kept for MSH-9, 11 and 12 (HL7 v2.5.1 2.9.3.2).
        let retry = answer.message.is_none() && stage == AckStage::Accept && matches!(mode, AckMode::Enhanced { .. });
        let verdict = if retry && answer.verdict == AckVerdict::Reject { AckVerdict::Error } else { answer.verdict };
        if !is_wanted(mode, stage, verdict) {
            return Reply::Silence;
        }
        let ack = Ack {
            header,
            stage,
            verdict,
            issues: &answer.issues,
            sent_at: &utc_text(answer.first_at),
            control_id: &control_id(feed, header, content),
            expected_sequence_number: None,
        };
        let code = AckCode::of(mode, stage, verdict);
        count(Metric::Acknowledgements, &[(Label::Feed, feed.as_str()), (Label::Code, code.as_str())]);
        Reply::Answer { bytes: ack.write().into(), message: answer.message }
    }
}

/// One answer goes back on the connection: the accept acknowledgement, or, from a feed that answers after applying, the
/// application acknowledgement; where the sender does not want that one for this verdict, the other, for it would else
/// wait for an answer that never comes (HL7 v2.5.1 2.9.3).
fn stage(mode: AckMode, when: AckWhen, verdict: AckVerdict) -> AckStage {
    let (first, second) = match (mode, when) {
        (AckMode::Original, _) | (_, AckWhen::Applied) => (AckStage::Application, AckStage::Accept),
        (_, AckWhen::Commit) => (AckStage::Accept, AckStage::Application),
    };
    if !is_wanted(mode, first, verdict) && is_wanted(mode, second, verdict) { second } else { first }
}

/// The same for a resend, so that it hears the first answer again.
fn control_id(feed: &FeedName, header: &Header, content: Digest) -> String {
    let parts = [feed.as_str().as_bytes(), header.control_id.as_bytes(), &content.0];
    format!("A{}", &Digest::of_parts(parts).to_string()[..19])
}
