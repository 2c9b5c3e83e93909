//! Conclusions: everything that follows from a batch of causes, or nothing of it (P6).

use rusqlite::{Connection, params};

use super::fault::Answered;
use super::writer::Verdict;
use super::{deliveries, lanes, messages, referrals, resources, sql, trail};
use crate::base::ids::MessageId;
use crate::record::{Cause, Conclusion, MessageOutcome};
use crate::store::{Concluded, encoding};

/// Writes the whole batch. Anything but `Done` undoes it.
pub fn conclude(connection: &Connection, token: i64, batch: &[Conclusion]) -> Answered<Verdict<Concluded>> {
    if !holds_lease(connection, token)? {
        return Ok(Verdict::Undo(Concluded::LeaseLost));
    }
    for conclusion in batch {
        let concluded = match &conclusion.cause {
            Cause::Message(id) => conclude_message(connection, *id, conclusion)?,
            Cause::Timer(timer) if referrals::fire(connection, timer)? => write_effects(connection, None, conclusion)?,
            // A request is written by `commit`.
            Cause::Timer(_) | Cause::Request => Concluded::LeaseLost,
        };
        if concluded != Concluded::Done {
            return Ok(Verdict::Undo(concluded));
        }
    }
    Ok(Verdict::Keep(Concluded::Done))
}

/// Whether the lease that was given out under `token` still stands.
pub fn holds_lease(connection: &Connection, token: i64) -> Answered<bool> {
    let mut statement = connection.prepare_cached(sql::GET_LEASE)?;
    let mut rows = statement.query([])?;
    Ok(rows.next()?.map(|row| row.get::<_, i64>(1)).transpose()? == Some(token))
}

fn conclude_message(connection: &Connection, id: MessageId, conclusion: &Conclusion) -> Answered<Concluded> {
    let Some(pending) = lanes::pending(connection, id)?.filter(|one| !one.parked && !one.blocked) else {
        return Ok(Concluded::LeaseLost);
    };
    let issues = encoding::issues_json(&conclusion.issues);
    let (outcome, at) = (conclusion.outcome, conclusion.concluded_at);
    messages::put_outcome(connection, id, outcome, at, &conclusion.release, &issues)?;
    if outcome == MessageOutcome::Parked {
        lanes::set_parked(connection, id, true)?;
        write_notes(connection, Some(id), conclusion)?;
        return Ok(Concluded::Done);
    }
    lanes::leave(connection, id, &pending)?;
    trail::write(connection, id, conclusion)?;
    write_effects(connection, Some(id), conclusion)
}

/// What a cause comes to: `message` is the message or request, when it was one.
pub fn write_effects(
    connection: &Connection,
    message: Option<MessageId>,
    conclusion: &Conclusion,
) -> Answered<Concluded> {
    let at = conclusion.concluded_at;
    for write in &conclusion.resources {
        // A version that a request makes speaks for that request; the others know whom they speak for.
        let speaks_for = if conclusion.cause == Cause::Request { message } else { write.message };
        if !resources::write(connection, write, speaks_for, at)? {
            return Ok(Concluded::Conflict);
        }
    }
    for redirect in &conclusion.redirects {
        resources::redirect(connection, redirect)?;
    }
    for write in &conclusion.referrals {
        if !referrals::write(connection, write, at)? {
            return Ok(Concluded::Conflict);
        }
    }
    for delivery in &conclusion.deliveries {
        deliveries::insert(connection, delivery, at)?;
    }
    write_notes(connection, message, conclusion)?;
    Ok(Concluded::Done)
}

/// What people read of it: work items and the audit trail.
fn write_notes(connection: &Connection, message: Option<MessageId>, conclusion: &Conclusion) -> Answered<()> {
    for item in &conclusion.work_items {
        referrals::add_work_item(connection, item, message, conclusion.concluded_at)?;
    }
    let audit = &conclusion.audit;
    let row = params![conclusion.concluded_at.as_micros(), audit.action, &*audit.agent, message.map(|id| id.0)];
    connection.prepare_cached(sql::INSERT_AUDIT)?.execute(row)?;
    Ok(())
}
