//! A partner's end for `listen` and `demo`: a door that acknowledges every message and passes it on.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::base::ids::{FeedName, MessageId};
use crate::base::{Clock, Digest};
use crate::connectors::door::{Door, PeerInfo, Receiving, Reply};
use crate::hl7v2::Header;
use crate::hl7v2::ack::{Ack, AckStage, Verdict};
use crate::hl7v2::timestamp::utc_text;

/// Messages that wait to be looked at; past this the sender waits for its acknowledgement.
const WAITING_MAX: usize = 256;

/// Acknowledges with AA or CA and hands on what it got.
pub struct Sink {
    seen: mpsc::Sender<Bytes>,
    clock: Arc<dyn Clock>,
}

impl Sink {
    /// `clock` gives MSH-7 of the acknowledgements.
    pub fn new(clock: Arc<dyn Clock>) -> (Self, mpsc::Receiver<Bytes>) {
        let (seen, receiver) = mpsc::channel(WAITING_MAX);
        (Self { seen, clock }, receiver)
    }

    fn answer(frame: &[u8], sent_at: &str) -> Reply {
        let Ok(header) = Header::read(frame) else { return Reply::Silence };
        let ack = Ack {
            header: &header,
            stage: AckStage::Accept,
            verdict: Verdict::Accept,
            issues: &[],
            sent_at,
            control_id: &Digest::of(frame).to_string()[..20],
            expected_sequence_number: None,
        };
        Reply::Answer { bytes: ack.write().into(), message: None }
    }
}

impl Door for Sink {
    fn receive(&self, _feed: &FeedName, frame: Bytes, _peer: &PeerInfo) -> Receiving {
        let (seen, sent_at) = (self.seen.clone(), utc_text(self.clock.now()));
        Box::pin(async move {
            let reply = Self::answer(&frame, &sent_at);
            match seen.send(frame).await {
                Ok(()) => reply,
                Err(_) => Reply::Close,
            }
        })
    }

    fn refuse_too_long(&self, _feed: &FeedName, _head: Bytes, _peer: &PeerInfo) -> Reply {
        Reply::Close
    }

    fn answered(&self, _feed: &FeedName, _message: MessageId, _delivered: bool) {}
}
