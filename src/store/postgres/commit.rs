//! Requests: one task collects those that wait at the same moment into one transaction, whose statements take whole
//! arrays. What is refused (a guard, a version that has moved on) is found before anything is written, so that one
//! request's refusal is nobody else's. A group that fails all the same goes in request by request.

use std::collections::{HashMap, HashSet};

use sqlx::{PgConnection, PgPool};
use tokio::sync::{mpsc, oneshot};

use super::connection::{self, Space, text};
use super::fault::Answered;
use super::resources::{Ledger, Write};
use super::{admit, conclude, deliveries, messages, referrals, resources, search, sql, trail};
use crate::base::ids::{MessageId, ReferralId};
use crate::base::limits::{ADMIT_BATCH_BYTES_MAX, WRITE_JOBS_PER_COMMIT_MAX};
use crate::record::{Cause, Committed, Conclusion, Guard, MessageOutcome, Reception, ReferralWrite, Request};
use crate::store::{StoreError, encoding};

/// A request and where its caller waits.
pub struct Waiting {
    pub request: Request,
    pub answer: oneshot::Sender<Result<Committed, StoreError>>,
}

impl Waiting {
    fn bytes(&self) -> usize {
        let contents = self.request.conclusion.resources.iter().map(|write| write.content.len()).sum::<usize>();
        self.request.reception.bytes.len() + contents
    }

    /// Whether it has a guard of these names, and so must see what the other wrote.
    fn follows(&self, guards: &HashSet<smol_str::SmolStr>) -> bool {
        self.request.guards.iter().any(|guard| guards.contains(&guard.name))
    }
}

/// Commits what comes until every sender is gone.
pub async fn serve(pool: PgPool, mut queue: mpsc::Receiver<Waiting>, wake: impl Fn() + Send) {
    let mut held = None;
    loop {
        let first = match held.take() {
            Some(held) => held,
            None => match queue.recv().await {
                Some(first) => first,
                None => return,
            },
        };
        let mut group = Vec::new();
        held = collect(first, &mut queue, &mut group);
        let pool = pool.clone();
        // In a task of its own, so that a panic costs its group an answer and not the store its requests.
        let work = tokio::spawn(async move { commit_group(&pool, group).await });
        drop(work.await);
        wake();
    }
}

/// Adds what waits to a group. One that must come after another of the group is given back.
fn collect(first: Waiting, queue: &mut mpsc::Receiver<Waiting>, group: &mut Vec<Waiting>) -> Option<Waiting> {
    let mut guards = HashSet::new();
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(one) = next {
        if one.follows(&guards) {
            return Some(one);
        }
        guards.extend(one.request.guards.iter().map(|guard| guard.name.clone()));
        bytes += one.bytes();
        group.push(one);
        if group.len() >= WRITE_JOBS_PER_COMMIT_MAX || bytes >= ADMIT_BATCH_BYTES_MAX {
            return None;
        }
        next = queue.try_recv().ok();
    }
    None
}

async fn commit_group(pool: &PgPool, group: Vec<Waiting>) {
    let (mut requests, answers): (Vec<_>, Vec<_>) = group.into_iter().map(|one| (one.request, one.answer)).unzip();
    let together = commit(pool, &mut requests).await;
    let apart = match &together {
        Ok(committed) => committed.is_none(),
        Err(fault) => fault.is_of_a_row() || fault.is_deadlock(),
    };
    if apart {
        for (request, answer) in requests.into_iter().zip(answers) {
            drop(answer.send(alone(commit(pool, &mut [request]).await)));
        }
        return;
    }
    let committed = together.map_err(|fault| fault.into_store_error("commit").to_string());
    for (place, answer) in answers.into_iter().enumerate() {
        let own = committed.as_ref().map(|all| all.as_ref().map_or(Committed::Conflict, |all| all[place]));
        let failed = |reason: &String| StoreError::Unavailable { operation: "commit", reason: reason.clone() };
        drop(answer.send(own.map_err(failed)));
    }
}

/// What became of a request that went in alone. When another replica came between, it has moved on.
fn alone(committed: Answered<Option<Vec<Committed>>>) -> Result<Committed, StoreError> {
    match committed {
        Ok(committed) => Ok(committed.and_then(|all| all.first().copied()).unwrap_or(Committed::Conflict)),
        Err(fault) if fault.is_deadlock() => Ok(Committed::Conflict),
        Err(fault) => Err(fault.into_store_error("commit")),
    }
}

/// Writes those that nothing speaks against. None: another replica came between, and nothing is written.
async fn commit(pool: &PgPool, requests: &mut [Request]) -> Answered<Option<Vec<Committed>>> {
    let mut transaction = pool.begin().await?;
    let (mut committed, ledger) = judge(&mut transaction, requests).await?;
    let count = committed.iter().filter(|one| one.is_none()).count();
    let mut numbers = admit::numbers(&mut transaction, count).await?.into_iter().map(MessageId);
    let mut accepted: Vec<&Request> = Vec::with_capacity(count);
    for (request, committed) in requests.iter_mut().zip(&mut committed) {
        if committed.is_none()
            && let Some(id) = numbers.next()
        {
            // From here on it is a message like others.
            request.conclusion.cause = Cause::Message(id);
            *committed = Some(Committed::Done(id));
            accepted.push(request);
        }
    }
    if !accepted.is_empty() {
        if !write(&mut transaction, &accepted, &ledger).await? {
            return Ok(None);
        }
        transaction.commit().await?;
    }
    Ok(Some(committed.into_iter().map(|one| one.unwrap_or(Committed::Conflict)).collect()))
}

/// What speaks against each request, in their order; none for those that are to be written. The resources are locked
/// then, and those of these requests counted in.
async fn judge(connection: &mut PgConnection, requests: &[Request]) -> Answered<(Vec<Option<Committed>>, Ledger)> {
    let names = requests.iter().flat_map(|request| request.guards.iter().map(|guard| &*guard.name));
    connection::lock(connection, names.map(|name| Space::Guard.of(&[name])).collect()).await?;
    let conclusions = || requests.iter().map(|request| &request.conclusion);
    let keys = conclusions().flat_map(|one| one.resources.iter().map(|write| &write.key)).collect();
    let mut resources = Ledger::read(connection, keys).await?;
    let ids = conclusions().flat_map(|one| one.referrals.iter().map(|write| write.referral.id)).collect();
    let mut referrals = Referrals(referrals::versions(connection, ids).await?);
    let mut judged = Vec::with_capacity(requests.len());
    for Request { guards, conclusion, .. } in requests {
        judged.push(match failed(connection, guards).await? {
            Some(place) => Some(Committed::GuardFailed(place)),
            None if referrals.stand(&conclusion.referrals) && resources.accept(&conclusion.resources) => {
                referrals.count(&conclusion.referrals);
                None
            }
            None => Some(Committed::Conflict),
        });
    }
    Ok((judged, resources))
}

/// The first guard whose search no longer finds what it found.
async fn failed(connection: &mut PgConnection, guards: &[Guard]) -> Answered<Option<usize>> {
    for (place, guard) in guards.iter().enumerate() {
        let found = search::find(connection, &guard.kind, &guard.criterion, 2).await?;
        if !found.iter().eq(&guard.found) {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// The versions of the referrals of a group, with what was accepted counted in.
struct Referrals(HashMap<ReferralId, u32>);

impl Referrals {
    fn stand(&self, writes: &[ReferralWrite]) -> bool {
        let version = |id| self.0.get(id).copied().unwrap_or(0);
        let (mut seen, mut stand) = (HashMap::new(), true);
        for ReferralWrite { referral, .. } in writes {
            let version = seen.entry(referral.id).or_insert_with(|| version(&referral.id));
            stand &= *version == referral.version;
            *version += 1;
        }
        stand
    }

    fn count(&mut self, writes: &[ReferralWrite]) {
        for write in writes {
            *self.0.entry(write.referral.id).or_default() += 1;
        }
    }
}

/// Writes requests that are numbered. `false`: another replica came between.
async fn write(connection: &mut PgConnection, requests: &[&Request], ledger: &Ledger) -> Answered<bool> {
    journal(connection, requests).await?;
    let batch: Vec<&Conclusion> = requests.iter().map(|request| &request.conclusion).collect();
    let writes: Vec<Write<'_>> = batch.iter().flat_map(|one| Write::all(one, one.cause.message())).collect();
    if !ledger.write(connection, &writes).await? || !referrals::write(connection, &batch).await? {
        return Ok(false);
    }
    resources::write_redirects(connection, &batch).await?;
    deliveries::insert(connection, &batch).await?;
    trail::write(connection, &batch).await?;
    conclude::write_notes(connection, &batch).await?;
    Ok(true)
}

async fn journal(connection: &mut PgConnection, requests: &[&Request]) -> Answered<()> {
    let numbered = || requests.iter().filter_map(|one| Some((one.conclusion.cause.message()?, *one)));
    let texts = |of: fn(&Reception) -> &str| -> Vec<String> {
        requests.iter().map(|request| text(of(&request.reception))).collect()
    };
    sqlx::query(sql::INSERT_REQUESTS)
        .bind(numbered().map(|(id, _)| id.0).collect::<Vec<_>>())
        .bind(texts(|reception| &reception.feed.0))
        .bind(texts(|reception| &reception.sender))
        .bind(texts(|reception| &reception.control_id))
        .bind(texts(|reception| &reception.message_type))
        .bind(texts(|reception| &reception.charset_declared))
        .bind(texts(|reception| &reception.charset_detected))
        .bind(requests.iter().map(|one| &one.reception.content_digest.0[..]).collect::<Vec<_>>())
        .bind(requests.iter().map(|one| one.reception.received_at.as_micros()).collect::<Vec<_>>())
        .bind(requests.iter().map(|one| &*one.reception.bytes).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    // A request is processed without a row that says so; only what there is to say of it costs one.
    let noted = numbered().filter(|(_, one)| !one.conclusion.issues.is_empty() || !one.conclusion.release.is_empty());
    let outcomes: Vec<_> = noted
        .map(|(id, Request { conclusion: one, .. })| messages::NewOutcome {
            id,
            outcome: MessageOutcome::Processed,
            at: one.concluded_at,
            release: &one.release,
            issues: encoding::issues_json(&one.issues),
        })
        .collect();
    if outcomes.is_empty() { Ok(()) } else { messages::put_outcomes(connection, outcomes).await }
}
