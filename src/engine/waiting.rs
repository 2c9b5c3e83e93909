//! Messages that wait for a code: when a release knows it, they are run again.
//!
//! Run whenever releases are loaded. The store keeps which codes wait, so a code that was mapped while the gateway was
//! down is found like any other.

use super::lanes;
use super::releases::Releases;
use crate::base::ids::MessageId;
use crate::base::limits;
use crate::record::WaitingCode;
use crate::store::{Store, StoreError};

/// Puts the messages of all codes that the releases know by now back to work; how many.
pub async fn requeue_known(store: &dyn Store, releases: &Releases) -> Result<u64, StoreError> {
    let mut requeued = 0;
    for code in store.waiting_codes(limits::WAITING_CODES_MAX).await? {
        if releases.of(&code.feed).release.knows_code(&code.table, &code.code) {
            requeued += requeue_all(store, &code).await?;
        }
    }
    Ok(requeued)
}

/// Each message once, whatever becomes of it meanwhile.
async fn requeue_all(store: &dyn Store, code: &WaitingCode) -> Result<u64, StoreError> {
    let (mut requeued, mut after) = (0, MessageId(0));
    loop {
        let page = store.waiting_messages(code, after, limits::REPLAY_PAGE_MESSAGES).await?;
        let Some(last) = page.last() else { return Ok(requeued) };
        after = *last;
        for message in page {
            requeued += u64::from(requeue(store, message).await?);
        }
    }
}

/// Puts one message back to work at the end of its lanes. `false`: it is gone, at work, or was never let in.
pub async fn requeue(store: &dyn Store, message: MessageId) -> Result<bool, StoreError> {
    let Some(stored) = store.message(message).await? else { return Ok(false) };
    store.requeue(message, lanes::of_bytes(&stored.bytes, &stored.feed)).await
}
