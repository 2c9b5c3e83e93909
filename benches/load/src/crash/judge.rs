//! The promises, checked: what was acknowledged against what is stored, what was sent against what the sink received.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::listing::Stored;
use super::sender::Sender;
use super::sink::{Announcement, Sink};

/// What the referrer is owed for each referral, in this order.
const OWED: [&str; 3] = ["received", "accepted", "scheduled"];

#[derive(Default)]
pub struct Judge {
    seen: HashSet<String>,
    /// Control ids found stored.
    stored: HashSet<String>,
    /// Referrals whose announcements were all found; later arrivals are still looked at.
    settled: Vec<String>,
    /// Frames without a referral that were judged before.
    strangers: u64,
    pub outcomes: BTreeMap<String, u64>,
    pub acknowledged: u64,
    pub referrals: u64,
    pub violations: Vec<String>,
}

impl Judge {
    pub fn has_seen(&self, id: &str) -> bool {
        self.seen.contains(id)
    }

    /// Whether nothing more is owed for any finished referral.
    pub fn all_announced(&self, senders: &[Sender], sink: &Sink) -> bool {
        let finished = senders.iter().flat_map(|sender| &sender.finished);
        finished.into_iter().all(|referral| missing(&sink.announcements_of(referral)).is_empty())
    }

    /// Judges what has been acknowledged and finished since the last time, and all referrals of before again.
    pub fn check(&mut self, senders: &mut [Sender], stored: Vec<Stored>, sink: &Sink) {
        self.take_stored(stored);
        for sender in senders {
            self.violations.append(&mut sender.complaints);
            for control_id in sender.acknowledged.drain(..) {
                self.acknowledged += 1;
                if !self.stored.contains(&control_id) {
                    self.violations.push(format!("P1: {control_id} was acknowledged and is not stored"));
                }
            }
            self.settled.append(&mut sender.finished);
        }
        let strangers = sink.strangers();
        if strangers > self.strangers {
            let count = strangers - self.strangers;
            self.violations.push(format!("P2: the referrer was sent {count} messages that name no referral"));
            self.strangers = strangers;
        }
        self.referrals = self.settled.len() as u64;
        for referral in &self.settled {
            self.violations.extend(faults_of(referral, &sink.announcements_of(referral)));
        }
    }

    fn take_stored(&mut self, stored: Vec<Stored>) {
        for message in stored {
            if !self.stored.insert(message.control_id.clone()) {
                self.violations.push(format!("P2: {} is stored twice", message.control_id));
            }
            if message.outcome != "processed" {
                self.violations.push(format!("P2: {} was stored but is {}", message.control_id, message.outcome));
            }
            self.seen.insert(message.id);
            *self.outcomes.entry(message.outcome).or_default() += 1;
        }
    }
}

fn missing(announcements: &[Announcement]) -> Vec<&'static str> {
    OWED.into_iter().filter(|owed| !announcements.iter().any(|known| known.kind == *owed)).collect()
}

/// Missing, doubled, unexpected or disordered announcements of one referral.
fn faults_of(referral: &str, announcements: &[Announcement]) -> Vec<String> {
    let mut faults: Vec<String> = Vec::new();
    for owed in missing(announcements) {
        faults.push(format!("P2: {referral}: `{owed}` was never told"));
    }
    let mut by_kind: HashMap<&str, Vec<&str>> = HashMap::new();
    for known in announcements {
        by_kind.entry(&known.kind).or_default().push(&known.control_id);
    }
    for (kind, ids) in by_kind {
        if !OWED.contains(&kind) {
            faults.push(format!("P2: {referral}: `{kind}` was told, and nothing asked for it ({})", ids.join(", ")));
        } else if ids.len() > 1 {
            faults.push(format!("P2: {referral}: `{kind}` was told under {} ids: {}", ids.len(), ids.join(", ")));
        }
    }
    let order: Vec<usize> =
        announcements.iter().filter_map(|known| OWED.iter().position(|owed| *owed == known.kind)).collect();
    if !order.is_sorted() {
        let told: Vec<&str> = announcements.iter().map(|known| known.kind.as_str()).collect();
        faults.push(format!("P3: {referral} was told out of order: {}", told.join(", ")));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{Announcement, faults_of};

    #[test]
    fn sees_each_fault() {
        let told = |kinds: &[&str]| -> usize {
            let list: Vec<Announcement> = kinds
                .iter()
                .enumerate()
                .map(|(at, kind)| Announcement { kind: (*kind).into(), control_id: format!("d{at}"), arrivals: 1 })
                .collect();
            faults_of("RF1", &list).len()
        };
        assert_eq!(told(&["received", "accepted", "scheduled"]), 0);
        assert_eq!(told(&["received", "scheduled"]), 1);
        assert_eq!(told(&["received", "accepted", "accepted", "scheduled"]), 1);
        assert_eq!(told(&["accepted", "received", "scheduled"]), 1);
        assert_eq!(told(&["received", "accepted", "scheduled", "SIU^S15 /"]), 1);
    }
}
