//! Admission: one task collects what waits into one transaction, whose statements take whole arrays. It has a connection
//! of its own, so that no burst of other work keeps it waiting. A group that fails over a row goes in caller by caller.

use std::collections::{HashMap, HashSet};

use sqlx::{PgConnection, PgPool, Row as _};
use tokio::sync::{mpsc, oneshot};

use super::connection::{self, Space, text};
use super::fault::{Answered, Fault};
use super::{messages, referrals, sql};
use crate::base::ids::MessageId;
use crate::base::limits::{ADMIT_BATCH_BYTES_MAX, ADMIT_BATCH_MAX, DUPLICATE_WINDOW};
use crate::base::{Digest, Issue, Timestamp};
use crate::record::{Disposition, Lane, Lanes, MessageOutcome, Reception, ReusePolicy, WorkItem};
use crate::store::{Admission, StoreError, encoding};

/// Receptions of one caller, and where it waits.
pub struct Waiting {
    pub batch: Vec<Reception>,
    pub answer: oneshot::Sender<Result<Vec<Admission>, StoreError>>,
}

impl Waiting {
    /// How many receptions, and their bytes.
    fn size(&self) -> (usize, usize) {
        (self.batch.len(), self.batch.iter().map(|reception| reception.bytes.len()).sum())
    }
}

/// Admits what comes until every sender is gone.
pub async fn serve(pool: PgPool, mut queue: mpsc::Receiver<Waiting>, wake: impl Fn() + Send) {
    while let Some(first) = queue.recv().await {
        let (mut count, mut bytes) = first.size();
        let mut group = vec![first];
        while count < ADMIT_BATCH_MAX
            && bytes < ADMIT_BATCH_BYTES_MAX
            && let Ok(next) = queue.try_recv()
        {
            let (more, more_bytes) = next.size();
            (count, bytes) = (count + more, bytes + more_bytes);
            group.push(next);
        }
        let pool = pool.clone();
        // In a task of its own, so that a panic costs its group an answer and not the store its admissions.
        let work = tokio::spawn(async move { admit_group(&pool, group).await });
        drop(work.await);
        wake();
    }
}

async fn admit_group(pool: &PgPool, group: Vec<Waiting>) {
    match admit(pool, &group).await {
        Err(fault) if group.len() > 1 && fault.is_of_a_row() => {
            for alone in group.into_iter().map(|waiting| vec![waiting]) {
                let admitted = admit(pool, &alone).await;
                answer(alone, admitted.map_err(|fault| fault.into_store_error("admit")));
            }
        }
        admitted => answer(group, admitted.map_err(|fault| fault.into_store_error("admit"))),
    }
}

fn answer(group: Vec<Waiting>, admitted: Result<Vec<Admission>, StoreError>) {
    match admitted {
        Ok(admissions) => {
            let mut admissions = admissions.into_iter();
            for Waiting { batch, answer } in group {
                drop(answer.send(Ok(admissions.by_ref().take(batch.len()).collect())));
            }
        }
        Err(error) => {
            let reason = error.to_string();
            for Waiting { answer, .. } in group {
                let error = StoreError::Unavailable { operation: "admit", reason: reason.clone() };
                drop(answer.send(Err(error)));
            }
        }
    }
}

async fn admit(pool: &PgPool, group: &[Waiting]) -> Answered<Vec<Admission>> {
    let receptions: Vec<&Reception> = group.iter().flat_map(|waiting| &waiting.batch).collect();
    let mut transaction = pool.begin().await?;
    connection::lock(&mut transaction, locks(&receptions)).await?;
    let mut ledger = Ledger::read(&mut transaction, &receptions).await?;
    let numbers = numbers(&mut transaction, receptions.len()).await?;
    let mut rows = Rows::default();
    let admissions =
        receptions.iter().zip(numbers).map(|(reception, id)| rows.decide(&mut ledger, reception, id)).collect();
    rows.insert(&mut transaction).await?;
    transaction.commit().await?;
    Ok(admissions)
}

fn key_of(reception: &Reception) -> Key {
    (text(&reception.control_id), text(&reception.sender), text(&reception.feed.0))
}

/// The lanes, so that nobody else changes their ends, and the control ids, so that no replica admits the same resend.
fn locks(receptions: &[&Reception]) -> Vec<(Space, i32)> {
    let mut locks = Vec::new();
    for reception in receptions {
        if let Disposition::Accepted(lanes) = &reception.disposition {
            locks.extend(lanes.as_slice().iter().map(|lane| Space::lane(*lane)));
            let (control_id, sender, feed) = key_of(reception);
            locks.push(Space::ControlId.of(&[&control_id, &sender, &feed]));
        }
    }
    locks
}

/// Numbers for messages or turns, rising.
pub async fn numbers(connection: &mut PgConnection, count: usize) -> Answered<Vec<i64>> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let rows = sqlx::query(sql::NEXT_NUMBERS).bind(count).fetch_all(connection).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// Control id, sender, feed.
type Key = (String, String, String);

/// An earlier reception with the same key.
#[derive(Clone)]
struct Known {
    id: MessageId,
    digest: Digest,
    received_at: Timestamp,
    outcome: MessageOutcome,
}

/// What decides about a reception: earlier ones, of this batch too, and which lanes have somebody in them.
struct Ledger {
    known: HashMap<Key, Vec<Known>>,
    occupied: HashSet<i64>,
}

impl Ledger {
    async fn read(connection: &mut PgConnection, receptions: &[&Reception]) -> Answered<Self> {
        let accepted = receptions.iter().filter_map(|reception| match &reception.disposition {
            Disposition::Accepted(lanes) => Some(lanes.as_slice()),
            Disposition::Refused(_) => None,
        });
        let lanes: Vec<i64> = accepted.flatten().map(|lane| lane.0).collect();
        let known = Self::read_known(connection, receptions).await?;
        let rows = sqlx::query(sql::OCCUPIED_LANES).bind(lanes).fetch_all(connection).await?;
        let occupied = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        Ok(Self { known, occupied })
    }

    async fn read_known(
        connection: &mut PgConnection,
        receptions: &[&Reception],
    ) -> Answered<HashMap<Key, Vec<Known>>> {
        let window = i64::try_from(DUPLICATE_WINDOW.as_micros()).unwrap_or(i64::MAX);
        let mut since: HashMap<Key, i64> = HashMap::new();
        for reception in receptions.iter().filter(|reception| !reception.control_id.is_empty()) {
            since.insert(key_of(reception), reception.received_at.as_micros().saturating_sub(window));
        }
        let (mut ids, mut senders, mut feeds, mut instants) = (vec![], vec![], vec![], vec![]);
        for ((control_id, sender, feed), instant) in since {
            ids.push(control_id);
            senders.push(sender);
            feeds.push(feed);
            instants.push(instant);
        }
        let query = sqlx::query(sql::FIND_CONTROL_IDS).bind(ids).bind(senders).bind(feeds).bind(instants);
        let mut known: HashMap<Key, Vec<Known>> = HashMap::new();
        for row in query.fetch_all(connection).await? {
            let id = MessageId(row.try_get(3)?);
            let digest = <[u8; 32]>::try_from(row.try_get::<&[u8], _>(4)?);
            let digest = Digest(digest.map_err(|_| Fault::corrupt("message", "content_digest", &id))?);
            let outcome = messages::outcome(row.try_get(6)?, id)?;
            let received_at = Timestamp::from_micros(row.try_get(5)?);
            let key = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            known.entry(key).or_default().push(Known { id, digest, received_at, outcome });
        }
        for receptions in known.values_mut() {
            receptions.sort_unstable_by_key(|known| known.id);
        }
        Ok(known)
    }
}

/// The rows to insert, by column.
#[derive(Default)]
struct Rows<'a> {
    messages: Vec<(i64, &'a Reception, bool, bool)>,
    refusals: Vec<(i64, &'a [Issue], Timestamp)>,
    pending: Vec<(i64, &'a Lanes, i64)>,
    work_items: Vec<(WorkItem, MessageId, Timestamp)>,
}

impl<'a> Rows<'a> {
    fn decide(&mut self, ledger: &mut Ledger, reception: &'a Reception, id: i64) -> Admission {
        let lanes = match &reception.disposition {
            Disposition::Accepted(lanes) => lanes,
            Disposition::Refused(issues) => {
                self.refuse(reception, id, issues, false);
                return Admission::Stored(MessageId(id));
            }
        };
        let mut reused = false;
        if !reception.control_id.is_empty() {
            let known = ledger.known.entry(key_of(reception)).or_default();
            if let Some(first) = known.iter().find(|known| known.digest == reception.content_digest) {
                let Known { id: first, received_at, outcome, .. } = *first;
                return Admission::Duplicate { first, received_at, outcome };
            }
            reused = !known.is_empty();
            if reused && reception.reuse_policy == ReusePolicy::Refuse {
                self.refuse(reception, id, &[], true);
                return Admission::ReuseRefused { kept: MessageId(id) };
            }
            let (digest, received_at) = (reception.content_digest, reception.received_at);
            known.push(Known { id: MessageId(id), digest, received_at, outcome: MessageOutcome::Pending });
        }
        self.messages.push((id, reception, false, reused));
        let blocked = lanes.as_slice().iter().filter(|lane| !ledger.occupied.insert(lane.0)).count();
        self.pending.push((id, lanes, i64::try_from(blocked).unwrap_or(i64::MAX)));
        let id = MessageId(id);
        if !reused {
            return Admission::Stored(id);
        }
        self.work_items.push((encoding::reused_control_id(id), id, reception.received_at));
        Admission::StoredReused(id)
    }

    fn refuse(&mut self, reception: &'a Reception, id: i64, issues: &'a [Issue], reused: bool) {
        self.messages.push((id, reception, true, reused));
        self.refusals.push((id, issues, reception.received_at));
    }

    async fn insert(&self, connection: &mut PgConnection) -> Answered<()> {
        self.insert_messages(connection).await?;
        if !self.refusals.is_empty() {
            let outcomes = self.refusals.iter().map(|(id, issues, at)| messages::NewOutcome {
                id: MessageId(*id),
                outcome: MessageOutcome::Refused,
                at: *at,
                release: "",
                issues: encoding::issues_json(issues),
            });
            messages::put_outcomes(connection, outcomes.collect()).await?;
        }
        let items = self.work_items.iter().map(|(item, id, at)| (item, Some(*id), *at));
        referrals::add_work_items(connection, items.collect()).await?;
        enter(connection, self.pending.iter().map(|(id, lanes, blocked)| (*id, *id, *lanes, *blocked))).await
    }

    async fn insert_messages(&self, connection: &mut PgConnection) -> Answered<()> {
        let messages = &self.messages;
        if messages.is_empty() {
            return Ok(());
        }
        let texts = |of: fn(&Reception) -> &str| -> Vec<String> {
            messages.iter().map(|(_, reception, ..)| text(of(reception))).collect()
        };
        sqlx::query(sql::INSERT_MESSAGES)
            .bind(messages.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
            .bind(texts(|reception| &reception.feed.0))
            .bind(texts(|reception| &reception.sender))
            .bind(texts(|reception| &reception.control_id))
            .bind(texts(|reception| &reception.message_type))
            .bind(texts(|reception| &reception.charset_declared))
            .bind(texts(|reception| &reception.charset_detected))
            .bind(messages.iter().map(|(_, reception, ..)| &reception.content_digest.0[..]).collect::<Vec<_>>())
            .bind(messages.iter().map(|(_, reception, ..)| reception.received_at.as_micros()).collect::<Vec<_>>())
            .bind(messages.iter().map(|(_, _, refused, _)| *refused).collect::<Vec<_>>())
            .bind(messages.iter().map(|(.., reused)| *reused).collect::<Vec<_>>())
            .bind(messages.iter().map(|(_, reception, ..)| &*reception.bytes).collect::<Vec<_>>())
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// Queues messages, each `(message, turn, lanes, blocked)`, at the ends of their lanes, which are locked.
pub async fn enter(
    connection: &mut PgConnection,
    entering: impl Iterator<Item = (i64, i64, &Lanes, i64)>,
) -> Answered<()> {
    let (mut ids, mut turns, mut partitions, mut blocks, mut packed) = (vec![], vec![], vec![], vec![], vec![]);
    let (mut lane_ids, mut lane_turns, mut lane_messages) = (vec![], vec![], vec![]);
    for (message, turn, lanes, blocked) in entering {
        ids.push(message);
        turns.push(turn);
        partitions.push(lanes.first().partition().cast_signed());
        blocks.push(blocked);
        packed.push(encoding::lanes_to_bytes(lanes));
        for Lane(lane) in lanes.as_slice() {
            lane_ids.push(*lane);
            lane_turns.push(turn);
            lane_messages.push(message);
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    let pending = sqlx::query(sql::INSERT_PENDING).bind(ids).bind(turns).bind(partitions).bind(blocks).bind(packed);
    pending.execute(&mut *connection).await?;
    let entries = sqlx::query(sql::INSERT_LANE_ENTRIES).bind(lane_ids).bind(lane_turns).bind(lane_messages);
    entries.execute(connection).await?;
    Ok(())
}
