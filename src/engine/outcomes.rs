//! Who waits to hear what became of a message: the `applied` acknowledgement mode.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::base::{Issue, ids::MessageId};
use crate::record::MessageOutcome;

/// What became of a message, with the issues to tell its sender.
#[derive(Clone, Debug)]
pub struct Applied {
    pub outcome: MessageOutcome,
    pub issues: Vec<Issue>,
}

/// The waiting senders, by message. An outcome that nobody waits for is dropped: it stands in the store.
#[derive(Default)]
pub struct Outcomes(Mutex<HashMap<MessageId, Vec<oneshot::Sender<Applied>>>>);

impl Outcomes {
    /// A message may be concluded before anybody watches it: look into the store after this call.
    pub fn watch(&self, message: MessageId) -> oneshot::Receiver<Applied> {
        let (sender, receiver) = oneshot::channel();
        self.waiters().entry(message).or_default().push(sender);
        receiver
    }

    /// Drops the watches that nobody listens to any more.
    pub fn forget(&self, message: MessageId) {
        let mut waiters = self.waiters();
        let listening = waiters.get_mut(&message).is_some_and(|senders| {
            senders.retain(|sender| !sender.is_closed());
            !senders.is_empty()
        });
        if !listening {
            waiters.remove(&message);
        }
    }

    pub fn tell(&self, message: MessageId, applied: impl Fn() -> Applied) {
        let waiting = self.waiters().remove(&message).unwrap_or_default();
        for waiter in waiting {
            // The waiter may have given up; then its sender resends and hears the outcome as a duplicate.
            let _ = waiter.send(applied());
        }
    }

    fn waiters(&self) -> MutexGuard<'_, HashMap<MessageId, Vec<oneshot::Sender<Applied>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
