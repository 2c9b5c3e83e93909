//! Messages that come again: with the same control id, with the same content, or with both.

use std::collections::HashMap;

use crate::base::Digest;
use crate::base::limits::SAMPLES_REMEMBERED_MAX;

/// What was seen of repetition.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Duplicates {
    /// Messages whose MSH-10 and content were seen before: resent.
    pub resent: u64,
    /// Messages whose MSH-10 was seen before with other content: a counter that starts over.
    pub reused_ids: u64,
    /// Messages whose content but for MSH-7 and MSH-10 was seen before under another MSH-10: sent twice.
    pub same_content: u64,
    /// Messages without MSH-10.
    pub without_id: u64,
    #[serde(skip)]
    by_id: HashMap<i64, Digest>,
    #[serde(skip)]
    by_body: HashMap<i64, i64>,
}

impl Duplicates {
    /// Adds a message by sender and control id, the digest of all of it, and that of what follows MSH.
    pub fn add(&mut self, sender: &str, control_id: &str, whole: Digest, body: Digest) {
        if control_id.is_empty() {
            self.without_id += 1;
            return;
        }
        let id = Digest::of_parts([sender.as_bytes(), control_id.as_bytes()]).as_i64();
        match self.by_id.get(&id) {
            Some(seen) if *seen == whole => self.resent += 1,
            Some(_) => self.reused_ids += 1,
            None => {
                if self.by_body.get(&body.as_i64()).is_some_and(|other| *other != id) {
                    self.same_content += 1;
                }
                if self.by_id.len() < SAMPLES_REMEMBERED_MAX {
                    self.by_id.insert(id, whole);
                    self.by_body.insert(body.as_i64(), id);
                }
            }
        }
    }
}
