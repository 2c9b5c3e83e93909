//! Conclusions: everything that follows from a batch of causes, or nothing of it (P6).
//!
//! The batch goes through in phases, each a few statements over arrays: lease, lanes, outcomes, resources, referrals,
//! deliveries, notes. Within a phase the conclusions keep their order.

use sqlx::{PgConnection, PgPool};

use super::connection;
use super::fault::Answered;
use super::resources::{Ledger, Write};
use super::{deliveries, lanes, messages, referrals, resources, sql, trail};
use crate::record::{Cause, Conclusion, MessageOutcome};
use crate::store::{Concluded, encoding};

/// Writes the whole batch. Anything but `Done` leaves nothing of it, and so does an error.
pub async fn conclude(pool: &PgPool, token: i64, batch: &[Conclusion]) -> Answered<Concluded> {
    let mut transaction = pool.begin().await?;
    let concluded = match write(&mut transaction, token, batch).await {
        // Somebody else holds what we need and needs what we hold: to load and decide again is the way out.
        Err(fault) if fault.is_deadlock() => Concluded::Conflict,
        other => other?,
    };
    if concluded == Concluded::Done {
        transaction.commit().await?;
    } else {
        transaction.rollback().await?;
    }
    Ok(concluded)
}

/// Whether the lease that was given out under `token` stands, and keeps it standing until the end of the transaction.
pub async fn holds_lease(connection: &mut PgConnection, token: i64) -> Answered<bool> {
    Ok(sqlx::query(sql::CHECK_LEASE).bind(token).fetch_optional(connection).await?.is_some())
}

async fn write(connection: &mut PgConnection, token: i64, batch: &[Conclusion]) -> Answered<Concluded> {
    if !holds_lease(connection, token).await? || !settle_causes(connection, batch).await? {
        return Ok(Concluded::LeaseLost);
    }
    // What parks a message has no effect but its notes.
    let effective: Vec<&Conclusion> = batch.iter().filter(|one| !parks(one)).collect();
    if !write_resources(connection, &effective).await? || !referrals::write(connection, &effective).await? {
        return Ok(Concluded::Conflict);
    }
    deliveries::insert(connection, &effective).await?;
    trail::write(connection, &effective).await?;
    write_notes(connection, &batch.iter().collect::<Vec<_>>()).await?;
    Ok(Concluded::Done)
}

/// `false`: a resource has moved on since it was read.
async fn write_resources(connection: &mut PgConnection, batch: &[&Conclusion]) -> Answered<bool> {
    let keys = batch.iter().flat_map(|one| one.resources.iter().map(|write| &write.key)).collect();
    let mut ledger = Ledger::read(connection, keys).await?;
    let current = batch.iter().all(|one| ledger.accept(&one.resources));
    let writes: Vec<Write<'_>> = batch.iter().flat_map(|one| Write::all(one, None)).collect();
    if !current || !ledger.write(connection, &writes).await? {
        return Ok(false);
    }
    resources::write_redirects(connection, batch).await?;
    Ok(true)
}

fn parks(conclusion: &Conclusion) -> bool {
    conclusion.outcome == MessageOutcome::Parked && matches!(conclusion.cause, Cause::Message(_))
}

/// Takes the causes out of their queues. `false`: one of them was concluded by somebody else.
async fn settle_causes(connection: &mut PgConnection, batch: &[Conclusion]) -> Answered<bool> {
    for conclusion in batch {
        if let Cause::Timer(timer) = &conclusion.cause
            && !referrals::fire(connection, timer).await?
        {
            return Ok(false);
        }
    }
    let concluded: Vec<&Conclusion> = batch.iter().filter(|one| one.cause.message().is_some()).collect();
    if concluded.is_empty() { Ok(true) } else { settle_messages(connection, &concluded).await }
}

async fn settle_messages(connection: &mut PgConnection, batch: &[&Conclusion]) -> Answered<bool> {
    let ids: Vec<i64> = batch.iter().filter_map(|one| one.cause.message()).map(|id| id.0).collect();
    let pending = lanes::pending(connection, &ids).await?;
    if pending.len() != ids.len() {
        return Ok(false);
    }
    connection::lock(connection, lanes::locks(&pending)).await?;
    let parked: Vec<i64> =
        batch.iter().filter(|one| parks(one)).filter_map(|one| one.cause.message()).map(|id| id.0).collect();
    let leaving: Vec<_> = pending.iter().filter(|one| !parked.contains(&one.id)).collect();
    let moved = lanes::leave(connection, &leaving, false).await?
        && (parked.is_empty() || lanes::set_parked(connection, &parked, true).await?);
    if moved {
        let outcomes = batch.iter().filter_map(|one| {
            let issues = encoding::issues_json(&one.issues);
            let (outcome, at, release) = (one.outcome, one.concluded_at, &*one.release);
            one.cause.message().map(|id| messages::NewOutcome { id, outcome, at, release, issues })
        });
        messages::put_outcomes(connection, outcomes.collect()).await?;
    }
    Ok(moved)
}

/// What people read of it: work items and the audit trail.
pub async fn write_notes(connection: &mut PgConnection, batch: &[&Conclusion]) -> Answered<()> {
    let items =
        batch.iter().flat_map(|one| one.work_items.iter().map(|item| (item, one.cause.message(), one.concluded_at)));
    referrals::add_work_items(connection, items.collect()).await?;
    sqlx::query(sql::INSERT_AUDIT)
        .bind(batch.iter().map(|one| one.concluded_at.as_micros()).collect::<Vec<_>>())
        .bind(batch.iter().map(|one| one.audit.action).collect::<Vec<_>>())
        .bind(batch.iter().map(|one| connection::text(&one.audit.agent)).collect::<Vec<_>>())
        .bind(batch.iter().map(|one| one.cause.message().map(|id| id.0)).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}
