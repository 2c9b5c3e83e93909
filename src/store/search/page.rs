//! A page of a search: types one after the other in the order of creation, or all of them in a given order.

use std::future::Future;

use smol_str::SmolStr;

use super::order::{Rank, decisive, descends};
use super::plan::{Direction, Plan};
use super::statement::{Dialect, Statement, whole};
use crate::base::limits::SEARCH_SORT_MAX;
use crate::record::{
    Counting, Criterion, IndexKey, KindQuery, Order, ResourceVersion, SearchPage, SearchQuery, VersionNumber,
};

/// A match as it is ordered.
pub struct Keyed {
    /// The number of its first version.
    pub resource: i64,
    pub version: VersionNumber,
    pub kind: SmolStr,
    /// The index keys of that version, sorted.
    pub keys: Vec<IndexKey>,
    /// The key by which it was found, where keys are walked.
    pub key: Option<IndexKey>,
}

/// Puts statements to a database.
pub trait Asker {
    type Fault;
    type Dialect: Dialect;
    fn versions(
        &mut self,
        statement: Statement,
    ) -> impl Future<Output = Result<Vec<ResourceVersion>, Self::Fault>> + Send;
    fn keyed(&mut self, statement: Statement) -> impl Future<Output = Result<Vec<Keyed>, Self::Fault>> + Send;
    /// The numbers of the one row that comes.
    fn counts(&mut self, statement: Statement) -> impl Future<Output = Result<Vec<u64>, Self::Fault>> + Send;
    /// A version as it would be ordered, were it current.
    fn position(&mut self, version: VersionNumber) -> impl Future<Output = Result<Option<Keyed>, Self::Fault>> + Send;
    /// Versions by their numbers, in the order of these.
    fn numbered(
        &mut self,
        numbers: Vec<VersionNumber>,
    ) -> impl Future<Output = Result<Vec<ResourceVersion>, Self::Fault>> + Send;
}

/// Answers a search.
pub async fn search<A: Asker>(asker: &mut A, query: &SearchQuery) -> Result<SearchPage, A::Fault> {
    let limit = query.limit as usize;
    let mut page = SearchPage::default();
    if limit > 0 {
        page.matches = matches(asker, query, limit + 1).await?;
        page.more = page.matches.len() > limit;
        page.matches.truncate(limit);
    }
    if limit > 0 && !page.more && query.after.is_none() {
        page.total = Some(page.matches.len() as u64);
    } else if limit == 0 || query.count == Counting::Exactly {
        page.total = Some(count(asker, query).await?);
    }
    Ok(page)
}

async fn count<A: Asker>(asker: &mut A, query: &SearchQuery) -> Result<u64, A::Fault> {
    let mut total = 0;
    for one in &query.kinds {
        let statement = plan(asker, &one.kind, &one.criterion).await?.count::<A::Dialect>();
        total += asker.counts(statement).await?.iter().sum::<u64>();
    }
    Ok(total)
}

async fn plan<'q, A: Asker>(asker: &mut A, kind: &'q str, criterion: &'q Criterion) -> Result<Plan<'q>, A::Fault> {
    let counts = match Plan::estimates::<A::Dialect>(kind, criterion) {
        Some(statement) => asker.counts(statement).await?,
        None => Vec::new(),
    };
    Ok(Plan::new(kind, criterion, &counts))
}

async fn matches<A: Asker>(
    asker: &mut A,
    query: &SearchQuery,
    wanted: usize,
) -> Result<Vec<ResourceVersion>, A::Fault> {
    let (mut kinds, mut last) = (&query.kinds[..], None);
    if let Some(after) = query.after {
        last = asker.position(after).await?;
        let place = last.as_ref().and_then(|last| kinds.iter().position(|one| one.kind == last.kind));
        // A page behind what is in no result is empty.
        let Some(place) = place else { return Ok(Vec::new()) };
        if kinds[place].order.is_empty() {
            kinds = &kinds[place..];
        }
    }
    if kinds.iter().any(|one| !one.order.is_empty()) {
        return ordered(asker, kinds, last.as_ref(), wanted).await;
    }
    let mut matches = Vec::new();
    let mut after = last.map(|last| last.resource);
    for one in kinds {
        let plan = plan(asker, &one.kind, &one.criterion).await?;
        let direction = Direction { after: after.take(), descending: false };
        let statement = plan.versions::<A::Dialect>(direction, wanted - matches.len());
        matches.extend(asker.versions(statement).await?);
        if matches.len() >= wanted {
            break;
        }
    }
    Ok(matches)
}

/// The first matches of all types together.
async fn ordered<A: Asker>(
    asker: &mut A,
    kinds: &[KindQuery],
    last: Option<&Keyed>,
    wanted: usize,
) -> Result<Vec<ResourceVersion>, A::Fault> {
    let last = last.and_then(|last| {
        let order = &kinds.iter().find(|one| one.kind == last.kind)?.order;
        Some(Rank::of(last, order))
    });
    let mut found = Vec::new();
    for one in kinds {
        found.extend(Ordered { query: one, last: last.as_ref(), wanted }.first(asker).await?);
    }
    let order: &[Order] = kinds.first().map_or(&[], |one| &one.order);
    found.sort_by(|(one, _), (other, _)| one.compare(other, order));
    found.truncate(wanted);
    asker.numbered(found.into_iter().map(|(_, version)| version).collect()).await
}

/// Matches and where they stand.
type Ranked = Vec<(Rank, VersionNumber)>;

/// One type of an ordered search.
struct Ordered<'q> {
    query: &'q KindQuery,
    /// The last match of the page before.
    last: Option<&'q Rank>,
    wanted: usize,
}

impl Ordered<'_> {
    /// The first matches of this type.
    async fn first<A: Asker>(&self, asker: &mut A) -> Result<Ranked, A::Fault> {
        let plan = plan(asker, &self.query.kind, &self.query.criterion).await?;
        if !plan.is_walk() {
            let statement = plan.keyed::<A::Dialect>(Direction::default(), SEARCH_SORT_MAX + 1);
            let all = asker.keyed(statement).await?;
            if all.len() <= SEARCH_SORT_MAX {
                return Ok(self.rank(&all));
            }
        }
        let mut found = self.with_value(asker, &plan).await?;
        if found.len() < self.wanted {
            found.extend(self.without_value(asker).await?);
        }
        found.truncate(self.wanted);
        Ok(found)
    }

    /// Those behind the last page, in order.
    fn rank(&self, all: &[Keyed]) -> Ranked {
        let order = &self.query.order;
        let mut ranked: Ranked = all.iter().map(|one| (Rank::of(one, order), one.version)).collect();
        ranked.retain(|(rank, _)| self.last.is_none_or(|last| rank.compare(last, order).is_gt()));
        ranked.sort_by(|(one, _), (other, _)| one.compare(other, order));
        ranked.truncate(self.wanted);
        ranked
    }

    /// Walks the keys of the first order's space; the other orders decide among those of one key.
    async fn with_value<A: Asker>(&self, asker: &mut A, plan: &Plan<'_>) -> Result<Ranked, A::Fault> {
        let [first, others @ ..] = &self.query.order[..] else { return Ok(Vec::new()) };
        let mut cursor = match self.last.map(|last| (last.values.first(), last.resource)) {
            Some((Some(None), _)) => return Ok(Vec::new()),
            Some((Some(Some(value)), number)) => {
                let start = if first.descending { i64::MAX } else { i64::MIN };
                Some((first.space.key(value), if others.is_empty() { number } else { start }))
            }
            _ => None,
        };
        let (mut found, chunk) = (Vec::new(), self.wanted.max(64));
        loop {
            let after = cursor.as_ref().map(|(key, number)| (&key.0[..], *number));
            let rows = asker.keyed(plan.keyed_by::<A::Dialect>(first.space, after, first.descending, chunk)).await?;
            let end = rows.len() < chunk;
            cursor = rows.last().and_then(|row| Some((row.key.clone()?, row.resource))).or(cursor);
            found.extend(rows.into_iter().filter(|row| decisive(&row.keys, first) == row.key.as_ref()));
            let ranked = self.rank(&found);
            let complete = ranked.len() >= self.wanted
                && (others.is_empty()
                    || ranked.last().and_then(|(rank, _)| rank.values[0].clone()) != value_of(cursor.as_ref()));
            if end || complete {
                return Ok(ranked);
            }
        }
    }

    /// Those that have no value in the first order.
    async fn without_value<A: Asker>(&self, asker: &mut A) -> Result<Ranked, A::Fault> {
        let [first, others @ ..] = &self.query.order[..] else { return Ok(Vec::new()) };
        let none = Criterion::Not(Box::new(Criterion::Bears(vec![whole(first.space)])));
        let criterion = Criterion::All(vec![self.query.criterion.clone(), none]);
        let plan = plan(asker, &self.query.kind, &criterion).await?;
        let begun = self.last.filter(|last| others.is_empty() && last.values.first() == Some(&None));
        let direction = Direction { after: begun.map(|last| last.resource), descending: descends(&self.query.order) };
        let limit = if others.is_empty() { self.wanted } else { usize::MAX };
        let rows = asker.keyed(plan.keyed::<A::Dialect>(direction, limit)).await?;
        Ok(self.rank(&rows))
    }
}

/// The value of the last key that was read.
fn value_of(cursor: Option<&(IndexKey, i64)>) -> Option<Vec<u8>> {
    cursor.map(|(key, _)| key.0[8..].to_vec())
}
