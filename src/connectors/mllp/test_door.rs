//! A door for tests: records what comes in and answers by the first bytes of the frame.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::base::ids::{FeedName, MessageId};
use crate::connectors::door::{Door, PeerInfo, Receiving, Reply};

/// `NE…` gets silence, `CLOSE…` a closed connection, `PANIC…` a panic, `SLOW…` its answer once `release` has a permit;
/// everything else is answered at once with `A:` and the frame.
pub struct TestDoor {
    pub received: Mutex<Vec<Bytes>>,
    pub peers: Mutex<Vec<PeerInfo>>,
    /// `(message, delivered)`; messages are numbered from 1 in the order of arrival.
    pub answered: Mutex<Vec<(i64, bool)>>,
    pub release: Arc<Semaphore>,
    next: AtomicI64,
}

impl TestDoor {
    pub fn new() -> Arc<Self> {
        let release = Arc::new(Semaphore::new(0));
        let next = AtomicI64::new(1);
        let (received, peers, answered) = (Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Self { received, peers, answered, release, next })
    }

    pub fn received(&self) -> Vec<Bytes> {
        self.received.lock().unwrap().clone()
    }

    pub fn answered(&self) -> Vec<(i64, bool)> {
        self.answered.lock().unwrap().clone()
    }
}

fn answer(frame: &[u8], message: Option<MessageId>) -> Reply {
    Reply::Answer { bytes: [b"A:", frame].concat().into(), message }
}

impl Door for TestDoor {
    fn receive(&self, _feed: &FeedName, frame: Bytes, peer: &PeerInfo) -> Receiving {
        self.received.lock().unwrap().push(frame.clone());
        self.peers.lock().unwrap().push(peer.clone());
        let message = Some(MessageId(self.next.fetch_add(1, Ordering::SeqCst)));
        let release = self.release.clone();
        Box::pin(async move {
            match &frame[..] {
                bytes if bytes.starts_with(b"NE") => Reply::Silence,
                bytes if bytes.starts_with(b"CLOSE") => Reply::Close,
                bytes if bytes.starts_with(b"PANIC") => panic!("as told"),
                bytes if bytes.starts_with(b"SLOW") => {
                    release.acquire().await.unwrap().forget();
                    answer(&frame, message)
                }
                _ => answer(&frame, message),
            }
        })
    }

    fn refuse_too_long(&self, _feed: &FeedName, head: Bytes, _peer: &PeerInfo) -> Reply {
        if head.starts_with(b"MSH") { answer(b"too long", None) } else { Reply::Silence }
    }

    fn answered(&self, _feed: &FeedName, message: MessageId, delivered: bool) {
        self.answered.lock().unwrap().push((message.0, delivered));
    }
}
