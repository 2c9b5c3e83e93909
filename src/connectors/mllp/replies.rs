//! Replies under way, given back in the order in which their frames arrived.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::base::limits::PIPELINE_MAX;
use crate::connectors::door::{Receiving, Reply};

enum Slot {
    Waiting(Receiving),
    Ready(Reply),
}

/// Up to `PIPELINE_MAX` replies. All are driven; only the oldest is given out.
#[derive(Default)]
pub struct Replies {
    slots: VecDeque<(Slot, Instant)>,
}

impl Replies {
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.slots.len() >= PIPELINE_MAX
    }

    /// Adds a reply under way and polls it once, so that it takes its place in line before the next one does.
    pub async fn begin(&mut self, mut receiving: Receiving) {
        let began = Instant::now();
        let slot = poll_fn(move |context| {
            Poll::Ready(match receiving.as_mut().poll(context) {
                Poll::Ready(reply) => Slot::Ready(reply),
                Poll::Pending => Slot::Waiting(std::mem::replace(&mut receiving, Box::pin(std::future::pending()))),
            })
        });
        self.slots.push_back((slot.await, began));
    }

    /// Adds a reply that is known already.
    pub fn put(&mut self, reply: Reply) {
        self.slots.push_back((Slot::Ready(reply), Instant::now()));
    }

    /// The oldest reply, when it is there, and when its frame was complete. Never resolves while empty.
    pub async fn next(&mut self) -> (Reply, Instant) {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The oldest reply if it needs no waiting.
    pub fn next_ready(&mut self) -> Option<(Reply, Instant)> {
        match self.slots.pop_front()? {
            (Slot::Ready(reply), began) => Some((reply, began)),
            waiting => {
                self.slots.push_front(waiting);
                None
            }
        }
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<(Reply, Instant)> {
        for (slot, _) in &mut self.slots {
            if let Slot::Waiting(receiving) = slot
                && let Poll::Ready(reply) = receiving.as_mut().poll(context)
            {
                *slot = Slot::Ready(reply);
            }
        }
        self.next_ready().map_or(Poll::Pending, Poll::Ready)
    }
}
