//! Replay: which stored messages are to be run again, and putting them back to work at a bounded rate.
//!
//! A replay is a requeue (`docs/decisions/0008-replay.md`): the message takes the whole path again, and running it twice
//! changes nothing. So it may be stopped anywhere and started again.

use std::collections::BTreeMap;
use std::time::Duration;

use smol_str::SmolStr;

use super::releases::Releases;
use super::waiting;
use crate::base::ids::{FeedName, MessageId};
use crate::base::{Timestamp, limits};
use crate::record::{MessageOutcome, StoredMessage};
use crate::store::{MessageQuery, Store, StoreError};

/// Which messages are meant. What is not said does not matter.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub feed: Option<FeedName>,
    pub outcome: Option<MessageOutcome>,
    /// `ADT^A08`, or `ADT` for all of its events.
    pub message_type: Option<String>,
    pub since: Option<Timestamp>,
    pub before: Option<Timestamp>,
}

impl Selection {
    /// Whether a message is meant, and can be run again at all.
    fn takes(&self, message: &StoredMessage) -> bool {
        let kind = message.message_type.as_str();
        let of_type = self
            .message_type
            .as_deref()
            .is_none_or(|wanted| kind == wanted || kind.split_once('^').is_some_and(|(family, _)| family == wanted));
        let in_time = self.since.is_none_or(|since| message.received_at >= since)
            && self.before.is_none_or(|before| message.received_at < before);
        of_type && in_time && self.takes_outcome(message.outcome)
    }

    /// What a person set aside or let go is run again only when it is asked for by that name.
    fn takes_outcome(&self, outcome: MessageOutcome) -> bool {
        match outcome {
            MessageOutcome::Pending | MessageOutcome::Parked | MessageOutcome::Refused => false,
            MessageOutcome::Released | MessageOutcome::Diverted => self.outcome == Some(outcome),
            MessageOutcome::Processed | MessageOutcome::NoMapping => true,
        }
    }

    /// Messages come newest first: from here on all are too old, also where the clocks of replicas differ.
    fn ends_at(&self, message: &StoredMessage) -> bool {
        self.since.is_some_and(|since| message.received_at.plus(limits::CLOCK_SKEW_MAX) < since)
    }
}

/// What is to be run again.
#[derive(Default)]
pub struct Selected {
    /// Oldest first.
    pub messages: Vec<MessageId>,
    /// How many of each type and outcome.
    pub counts: BTreeMap<(SmolStr, &'static str), u64>,
    /// Run by the release that is configured already, and left out.
    pub current: u64,
}

/// Looks through the store. With `releases`, messages that their feed's release has processed already are left out.
pub async fn select(
    store: &dyn Store,
    selection: &Selection,
    releases: Option<&Releases>,
) -> Result<Selected, StoreError> {
    let mut selected = Selected::default();
    each(store, selection, |message| {
        let release = releases.map(|releases| &releases.of(&message.feed).name);
        if release == Some(&message.release) {
            selected.current += 1;
            return;
        }
        *selected.counts.entry((message.message_type.clone(), message.outcome.as_str())).or_default() += 1;
        selected.messages.push(message.id);
    })
    .await?;
    selected.messages.reverse();
    Ok(selected)
}

/// Visits every message that is meant, newest first, page by page.
pub async fn each(
    store: &dyn Store,
    selection: &Selection,
    mut visit: impl FnMut(&StoredMessage),
) -> Result<(), StoreError> {
    let mut query = MessageQuery {
        feed: selection.feed.clone(),
        outcome: selection.outcome,
        limit: limits::REPLAY_PAGE_MESSAGES,
        ..MessageQuery::default()
    };
    loop {
        let page = store.messages(&query).await?;
        let Some(last) = page.last() else { return Ok(()) };
        query.before = Some(last.id);
        for message in page.iter().take_while(|message| !selection.ends_at(message)) {
            if selection.takes(message) {
                visit(message);
            }
        }
        if selection.ends_at(last) {
            return Ok(());
        }
    }
}

/// Puts messages back to work one by one, waiting `pause` after each; `done` hears how far it is. Dropped, it stops
/// between two messages.
pub async fn run(
    store: &dyn Store,
    messages: &[MessageId],
    pause: Duration,
    mut done: impl FnMut(usize),
) -> Result<usize, StoreError> {
    let mut requeued = 0;
    for (place, message) in (1..).zip(messages) {
        requeued += usize::from(waiting::requeue(store, *message).await?);
        done(place);
        tokio::time::sleep(pause).await;
    }
    Ok(requeued)
}
