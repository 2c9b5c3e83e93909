//! Admission: find duplicates, append to the journal, queue in the lanes.

use rusqlite::{Connection, params};

use super::fault::Answered;
use super::{lanes, messages, referrals, sql};
use crate::base::ids::MessageId;
use crate::base::limits::DUPLICATE_WINDOW;
use crate::base::{Issue, Timestamp};
use crate::record::{Disposition, MessageOutcome, Reception, ReusePolicy};
use crate::store::{Admission, encoding};

/// Admits one batch in order; `last` is the highest number given so far, and is moved on.
pub fn admit(connection: &Connection, last: &mut i64, batch: &[Reception]) -> Answered<Vec<Admission>> {
    batch.iter().map(|reception| admit_one(connection, last, reception)).collect()
}

/// What earlier receptions say of a control id.
enum Earlier {
    None,
    SameContent { first: MessageId, received_at: Timestamp },
    OtherContent,
}

fn admit_one(connection: &Connection, last: &mut i64, reception: &Reception) -> Answered<Admission> {
    let lanes = match &reception.disposition {
        Disposition::Refused(issues) => {
            return refuse(connection, last, reception, issues, false).map(Admission::Stored);
        }
        Disposition::Accepted(lanes) => lanes,
    };
    let reused = match earlier(connection, reception)? {
        Earlier::None => false,
        Earlier::SameContent { first, received_at } => {
            let outcome =
                messages::outcome_of(connection, first)?.map_or(MessageOutcome::Pending, |(outcome, _)| outcome);
            return Ok(Admission::Duplicate { first, received_at, outcome });
        }
        Earlier::OtherContent if reception.reuse_policy == ReusePolicy::Refuse => {
            let kept = refuse(connection, last, reception, &[], true)?;
            return Ok(Admission::ReuseRefused { kept });
        }
        Earlier::OtherContent => true,
    };
    let id = append(connection, last, reception, false, reused)?;
    lanes::enter(connection, id, id.0, lanes)?;
    if !reused {
        return Ok(Admission::Stored(id));
    }
    referrals::add_work_item(connection, &encoding::reused_control_id(id), Some(id), reception.received_at)?;
    Ok(Admission::StoredReused(id))
}

fn earlier(connection: &Connection, reception: &Reception) -> Answered<Earlier> {
    if reception.control_id.is_empty() {
        return Ok(Earlier::None);
    }
    let window = i64::try_from(DUPLICATE_WINDOW.as_micros()).unwrap_or(i64::MAX);
    let since = reception.received_at.as_micros().saturating_sub(window);
    let mut statement = connection.prepare_cached(sql::FIND_CONTROL_ID)?;
    let key = params![&*reception.control_id, &*reception.sender, &*reception.feed.0, since];
    let mut rows = statement.query(key)?;
    let mut found = Earlier::None;
    while let Some(row) = rows.next()? {
        if row.get_ref(1)?.as_blob().is_ok_and(|digest| digest == reception.content_digest.0) {
            let received_at = Timestamp::from_micros(row.get(2)?);
            return Ok(Earlier::SameContent { first: MessageId(row.get(0)?), received_at });
        }
        found = Earlier::OtherContent;
    }
    Ok(found)
}

/// Keeps the bytes of a message that is not let in.
fn refuse(
    connection: &Connection,
    last: &mut i64,
    reception: &Reception,
    issues: &[Issue],
    reused: bool,
) -> Answered<MessageId> {
    let id = append(connection, last, reception, true, reused)?;
    let issues = encoding::issues_json(issues);
    messages::put_outcome(connection, id, MessageOutcome::Refused, reception.received_at, "", &issues)?;
    Ok(id)
}

fn append(
    connection: &Connection,
    last: &mut i64,
    reception: &Reception,
    refused: bool,
    control_id_reused: bool,
) -> Answered<MessageId> {
    *last += 1;
    connection.prepare_cached(sql::INSERT_MESSAGE)?.execute(params![
        *last,
        &*reception.feed.0,
        &*reception.sender,
        &*reception.control_id,
        &*reception.message_type,
        &*reception.charset_declared,
        &*reception.charset_detected,
        reception.content_digest.0,
        reception.received_at.as_micros(),
        refused,
        control_id_reused,
        &*reception.bytes,
    ])?;
    Ok(MessageId(*last))
}
