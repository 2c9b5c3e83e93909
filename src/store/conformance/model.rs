//! Random sequences of requests, reads, searches and histories against a model in memory: both stores are equal to it.
//!
//! All sequences of a test share one store; each has resource types of its own.

use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::given::{Bench, key, request};
use super::setup;
use crate::base::Digest;
use crate::record::index::reference_key;
use crate::record::{
    Committed, Counting, Criterion, Guard, HistoryQuery, HistoryScope, IndexKey, KeyTest, KindQuery, Order, Range,
    Relation, ResourceKey, ResourceText, ResourceWrite, Scan, SearchQuery, SnapshotQuery, Space, VersionNumber,
};

const CASES: u32 = 48;
const KINDS: usize = 2;
const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];
const PARAMETERS: [&str; 3] = ["name", "code", "date"];
const VALUES: [&str; 4] = ["a", "ab", "b", "c"];

/// What a request does to one resource. `stale`: as if it had not read the last version.
#[derive(Clone, Debug)]
struct Change {
    kind: usize,
    id: usize,
    stale: bool,
    /// Parameters and values; none deletes.
    keys: Option<Vec<(usize, usize)>>,
    /// Whom it refers to.
    links: Vec<(usize, usize)>,
}

/// A criterion over the small world.
#[derive(Clone, Debug)]
enum Ask {
    Exactly(usize, usize),
    Between(usize, usize, usize),
    Tested(usize, Relation, usize),
    Id(Vec<usize>),
    RefersTo(usize, Box<Ask>),
    ReferredBy(usize, Box<Ask>),
    Not(Box<Ask>),
    All(Vec<Ask>),
    Any(Vec<Ask>),
}

#[derive(Clone, Debug)]
enum Step {
    /// A guard asks for at most one; `wrong` expects another answer than is true.
    Commit {
        changes: Vec<Change>,
        guard: Option<(usize, Ask, bool)>,
    },
    Read {
        kind: usize,
        id: usize,
        version: u32,
    },
    Search {
        kinds: Vec<usize>,
        ask: Ask,
        orders: Vec<(usize, bool)>,
        limit: u32,
    },
    History {
        kind: usize,
        id: Option<usize>,
        limit: u32,
    },
    Snapshot {
        kind: usize,
        place: usize,
        limit: u32,
    },
}

fn asks() -> impl Strategy<Value = Ask> {
    let (parameter, value) = (0..PARAMETERS.len(), 0..VALUES.len());
    let relation = prop_oneof![
        Just(Relation::Below),
        Just(Relation::AtMost),
        Just(Relation::Equal),
        Just(Relation::AtLeast),
        Just(Relation::Above),
        Just(Relation::Contains)
    ];
    let leaf = prop_oneof![
        3 => (parameter.clone(), value.clone()).prop_map(|(parameter, value)| Ask::Exactly(parameter, value)),
        2 => (parameter.clone(), value.clone(), value.clone()).prop_map(|(parameter, from, to)| Ask::Between(parameter, from, to)),
        1 => (parameter, relation, value).prop_map(|(parameter, relation, value)| Ask::Tested(parameter, relation, value)),
        1 => prop::collection::vec(0..IDS.len(), 0..3).prop_map(Ask::Id),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (0..KINDS, inner.clone()).prop_map(|(kind, ask)| Ask::RefersTo(kind, Box::new(ask))),
            (0..KINDS, inner.clone()).prop_map(|(kind, ask)| Ask::ReferredBy(kind, Box::new(ask))),
            inner.clone().prop_map(|ask| Ask::Not(Box::new(ask))),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Ask::All),
            prop::collection::vec(inner, 0..3).prop_map(Ask::Any),
        ]
    })
}

fn changes() -> impl Strategy<Value = Change> {
    let keys = prop::collection::vec((0..PARAMETERS.len(), 0..VALUES.len()), 0..4);
    let keys = prop_oneof![4 => keys.prop_map(Some), 1 => Just(None)];
    let links = prop::collection::vec((0..KINDS, 0..IDS.len()), 0..3);
    let stale = prop::bool::weighted(0.05);
    (0..KINDS, 0..IDS.len(), stale, keys, links).prop_map(|(kind, id, stale, keys, links)| Change {
        kind,
        id,
        stale,
        keys,
        links,
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let guard = prop::option::weighted(0.3, (0..KINDS, asks(), prop::bool::weighted(0.2)));
    let orders = prop::collection::vec((0..PARAMETERS.len(), any::<bool>()), 0..3);
    let step = prop_oneof![
        6 => (prop::collection::vec(changes(), 1..4), guard).prop_map(|(changes, guard)| Step::Commit { changes, guard }),
        1 => (0..KINDS, 0..IDS.len(), 0..4_u32).prop_map(|(kind, id, version)| Step::Read { kind, id, version }),
        4 => (prop::sample::subsequence(vec![0, 1], 1..=KINDS), asks(), orders, 1..6_u32)
            .prop_map(|(kinds, ask, orders, limit)| Step::Search { kinds, ask, orders, limit }),
        1 => (0..KINDS, prop::option::of(0..IDS.len()), 1..6_u32).prop_map(|(kind, id, limit)| Step::History { kind, id, limit }),
        1 => (0..KINDS, 0..20_usize, 1..6_u32).prop_map(|(kind, place, limit)| Step::Snapshot { kind, place, limit }),
    ];
    prop::collection::vec(step, 1..24)
}

/// A version in the model.
#[derive(Clone)]
struct Known {
    key: ResourceKey,
    version: u32,
    keys: Vec<IndexKey>,
    deleted: bool,
    /// What the store calls it.
    number: VersionNumber,
}

impl Known {
    fn name(&self) -> String {
        format!("{}/{}", self.key, self.version)
    }
}

/// One sequence: the store, its types, and all versions so far.
struct World<'b> {
    bench: &'b Bench,
    kinds: [String; KINDS],
    versions: Vec<Known>,
}

impl World<'_> {
    fn key(&self, kind: usize, id: usize) -> ResourceKey {
        ResourceKey::new(&*self.kinds[kind], IDS[id])
    }

    fn current(&self, key: &ResourceKey) -> Option<&Known> {
        self.versions.iter().rev().find(|one| one.key == *key)
    }

    /// Living resources of a type, in the order of creation.
    fn living(&self, kind: &str) -> Vec<&Known> {
        let firsts = self.versions.iter().filter(|one| one.version == 1 && one.key.kind == kind);
        firsts.filter_map(|first| self.current(&first.key)).filter(|one| !one.deleted).collect()
    }

    fn meets(&self, one: &Known, criterion: &Criterion) -> bool {
        let refers = |from: &Known, space: Space, to: &Known| from.keys.contains(&reference_key(space, &to.key));
        match criterion {
            Criterion::Bears(scans) => scans.iter().any(|scan| one.keys.iter().any(|key| in_scan(key, scan))),
            Criterion::Id(ids) => ids.contains(&one.key.id),
            Criterion::Text { .. } => false,
            Criterion::RefersTo { space, kind, criterion } => {
                self.living(kind).into_iter().any(|to| refers(one, *space, to) && self.meets(to, criterion))
            }
            Criterion::ReferredBy { space, kind, criterion } => {
                self.living(kind).into_iter().any(|from| refers(from, *space, one) && self.meets(from, criterion))
            }
            Criterion::Not(criterion) => !self.meets(one, criterion),
            Criterion::All(all) => all.iter().all(|criterion| self.meets(one, criterion)),
            Criterion::Any(any) => any.iter().any(|criterion| self.meets(one, criterion)),
        }
    }

    fn criterion(&self, kind: usize, ask: &Ask) -> Criterion {
        let own = &*self.kinds[kind];
        let scan = |range, tests| Criterion::Bears(vec![Scan { range, tests }]);
        let at = |parameter: usize, value: &str| key(own, PARAMETERS[parameter], value);
        let all = |asks: &[Ask]| asks.iter().map(|ask| self.criterion(kind, ask)).collect();
        match ask {
            Ask::Exactly(parameter, value) => scan(Range::Exactly(at(*parameter, VALUES[*value])), vec![]),
            Ask::Between(parameter, from, to) => {
                let (from, to) = (at(*parameter, VALUES[*from]), at(*parameter, VALUES[*to]));
                scan(Range::Within { from, to }, vec![])
            }
            Ask::Tested(parameter, relation, value) => {
                let range = Range::Within { from: at(*parameter, ""), to: at(*parameter, "~") };
                let value = VALUES[*value].as_bytes().to_vec();
                scan(range, vec![KeyTest { at: 8, length: Some(2), relation: *relation, value }])
            }
            Ask::Id(ids) => Criterion::Id(ids.iter().map(|id| IDS[*id].into()).collect()),
            Ask::RefersTo(to, ask) => Criterion::RefersTo {
                space: Space::of(own, "link"),
                kind: self.kinds[*to].as_str().into(),
                criterion: Box::new(self.criterion(*to, ask)),
            },
            Ask::ReferredBy(from, ask) => Criterion::ReferredBy {
                space: Space::of(&self.kinds[*from], "link"),
                kind: self.kinds[*from].as_str().into(),
                criterion: Box::new(self.criterion(*from, ask)),
            },
            Ask::Not(ask) => Criterion::Not(Box::new(self.criterion(kind, ask))),
            Ask::All(asks) => Criterion::All(all(asks)),
            Ask::Any(asks) => Criterion::Any(all(asks)),
        }
    }

    async fn run(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Commit { changes, guard } => self.commit(changes, guard.as_ref()).await,
            Step::Read { kind, id, version } => self.read(*kind, *id, *version).await,
            Step::Search { kinds, ask, orders, limit } => self.search(kinds, ask, orders, *limit).await,
            Step::History { kind, id, limit } => self.history(*kind, *id, *limit).await,
            Step::Snapshot { kind, place, limit } => self.snapshot(*kind, *place, *limit).await,
        }
    }

    fn write(&self, change: &Change, written: &[Known]) -> ResourceWrite {
        let key = self.key(change.kind, change.id);
        let before = written.iter().rev().find(|one| one.key == key).or_else(|| self.current(&key));
        let follows = before.map_or(0, |one| one.version) + u32::from(change.stale);
        let own = &*self.kinds[change.kind];
        let mut index = Vec::new();
        if let Some(keys) = &change.keys {
            index.push(super::given::key(own, "_lastUpdated", "now"));
            index.extend(keys.iter().map(|(one, value)| super::given::key(own, PARAMETERS[*one], VALUES[*value])));
            let links = change.links.iter().map(|(kind, id)| self.key(*kind, *id));
            index.extend(links.map(|target| reference_key(Space::of(own, "link"), &target)));
        }
        index.sort_unstable();
        index.dedup();
        let content = format!("{key} after {follows}").into_bytes();
        ResourceWrite {
            key,
            follows,
            digest: Digest::of(&content),
            content: content.into(),
            message: None,
            index,
            text: ResourceText::default(),
            deleted: change.keys.is_none(),
        }
    }

    async fn commit(&mut self, changes: &[Change], guard: Option<&(usize, Ask, bool)>) -> Result<(), TestCaseError> {
        let mut written: Vec<Known> = Vec::new();
        let mut writes = Vec::new();
        for change in changes {
            let write = self.write(change, &written);
            let (key, version) = (write.key.clone(), write.follows + 1);
            let number = VersionNumber(0);
            written.push(Known { key, version, keys: write.index.clone(), deleted: write.deleted, number });
            writes.push(write);
        }
        let mut asked = request(writes);
        let mut holds = true;
        if let Some((kind, ask, wrong)) = guard {
            let criterion = self.criterion(*kind, ask);
            let living = self.living(&self.kinds[*kind]);
            let found: Vec<_> = living.into_iter().filter(|one| self.meets(one, &criterion)).collect();
            let expected = found.first().filter(|_| !wrong).map(|one| one.key.clone());
            holds = found.len() == usize::from(expected.is_some());
            let (name, kind) = (format!("{kind}{ask:?}").into(), self.kinds[*kind].as_str().into());
            asked.guards = vec![Guard { name, kind, criterion, found: expected }];
        }
        let stale = changes.iter().any(|change| change.stale);
        let committed = self.bench.commit(asked).await;
        match (holds, stale) {
            (false, _) => prop_assert_eq!(committed, Committed::GuardFailed(0)),
            (true, true) => prop_assert_eq!(committed, Committed::Conflict),
            (true, false) => {
                prop_assert!(matches!(committed, Committed::Done(_)), "{committed:?}");
                for mut version in written {
                    let stored = self.bench.store.read(&version.key, Some(version.version)).await.expect("a read");
                    version.number = stored.map_or(VersionNumber(0), |stored| stored.number);
                    let rises = self.versions.last().is_none_or(|last| last.number < version.number);
                    prop_assert!(rises, "numbers rise");
                    self.versions.push(version);
                }
            }
        }
        Ok(())
    }

    /// Version 0 asks for the current one.
    async fn read(&self, kind: usize, id: usize, version: u32) -> Result<(), TestCaseError> {
        let key = self.key(kind, id);
        let asked = (version > 0).then_some(version);
        let found = self.bench.store.read(&key, asked).await.expect("a read");
        let of_key = |one: &&Known| one.key == key && asked.is_none_or(|version| one.version == version);
        let expected = self.versions.iter().rev().find(of_key).map(|one| (one.version, one.deleted, one.number));
        prop_assert_eq!(found.map(|one| (one.version, one.deleted, one.number)), expected);
        Ok(())
    }

    async fn search(
        &self,
        kinds: &[usize],
        ask: &Ask,
        orders: &[(usize, bool)],
        limit: u32,
    ) -> Result<(), TestCaseError> {
        let mut query = SearchQuery { kinds: vec![], after: None, limit, count: Counting::Exactly };
        let mut expected = Vec::new();
        for kind in kinds {
            let own = &*self.kinds[*kind];
            let order = |(one, descending): &(usize, bool)| Order {
                space: Space::of(own, PARAMETERS[*one]),
                descending: *descending,
            };
            let order: Vec<Order> = orders.iter().map(order).collect();
            let criterion = self.criterion(*kind, ask);
            let found = self.living(own).into_iter().filter(|one| self.meets(one, &criterion));
            let first = |key: &ResourceKey| self.versions.iter().position(|one| one.key == *key).expect("it began");
            expected.extend(found.map(|one| (rank(one, &order), first(&one.key), one.name())));
            query.kinds.push(KindQuery { kind: own.into(), criterion, order });
        }
        if !orders.is_empty() {
            expected.sort_by(|one, other| compare(one, other, orders));
        }
        let mut found = Vec::new();
        loop {
            let page = self.bench.store.search(&query).await.expect("a search");
            prop_assert_eq!(page.total, Some(expected.len() as u64));
            found.extend(page.matches.iter().map(|one| format!("{}/{}", one.key, one.version)));
            query.after = page.matches.last().map(|one| one.number);
            if !page.more {
                break;
            }
        }
        prop_assert_eq!(found, expected.into_iter().map(|(.., name)| name).collect::<Vec<_>>());
        Ok(())
    }

    async fn history(&self, kind: usize, id: Option<usize>, limit: u32) -> Result<(), TestCaseError> {
        let (own, key) = (self.kinds[kind].as_str(), id.map(|id| self.key(kind, id)));
        let of = |one: &&Known| one.key.kind == own && key.as_ref().is_none_or(|key| one.key == *key);
        let expected: Vec<String> = self.versions.iter().rev().filter(of).map(Known::name).collect();
        let scope = key.clone().map_or_else(|| HistoryScope::Kind(own.into()), HistoryScope::Resource);
        let mut query = HistoryQuery { scope, since: None, until: None, before: None, limit };
        let mut found = Vec::new();
        loop {
            let page = self.bench.store.history_page(&query).await.expect("a history");
            found.extend(page.versions.iter().map(|one| format!("{}/{}", one.key, one.version)));
            query.before = page.versions.last().map(|one| one.number);
            if !page.more {
                break;
            }
        }
        prop_assert_eq!(found, expected);
        Ok(())
    }

    async fn snapshot(&self, kind: usize, place: usize, limit: u32) -> Result<(), TestCaseError> {
        let Some(last) = self.versions.get(place) else { return Ok(()) };
        let past = &self.versions[..=place];
        let latest = |one: &&Known| {
            past.iter().rev().find(|other| other.key == one.key).is_some_and(|it| it.number == one.number)
        };
        let own = self.kinds[kind].as_str();
        let standing = past.iter().filter(|one| one.key.kind == own && !one.deleted).filter(latest);
        let expected: Vec<String> = standing.map(Known::name).collect();
        let mut query = SnapshotQuery { kind: own.into(), as_of: last.number, since: None, after: None, limit };
        let mut found = Vec::new();
        while let page @ [.., last] = &self.bench.store.snapshot(&query).await.expect("a snapshot")[..] {
            query.after = Some(last.number);
            found.extend(page.iter().map(|one| format!("{}/{}", one.key, one.version)));
        }
        prop_assert_eq!(found, expected);
        Ok(())
    }
}

fn in_scan(key: &IndexKey, scan: &Scan) -> bool {
    let inside = match &scan.range {
        Range::Exactly(exact) => key == exact,
        Range::Within { from, to } => key >= from && key < to,
    };
    let passes = |test: &KeyTest| {
        let rest = key.0.get(test.at..).unwrap_or_default();
        let part = &rest[..test.length.unwrap_or(usize::MAX).min(rest.len())];
        match test.relation {
            Relation::Below => part < &test.value[..],
            Relation::AtMost => part <= &test.value[..],
            Relation::Equal => part == test.value,
            Relation::AtLeast => part >= &test.value[..],
            Relation::Above => part > &test.value[..],
            Relation::Contains => part.windows(test.value.len()).any(|window| window == test.value),
        }
    };
    inside && scan.tests.iter().all(passes)
}

/// What is compared: the values in each order, without their spaces.
type Values = Vec<Option<Vec<u8>>>;

fn rank(one: &Known, orders: &[Order]) -> Values {
    let of = |order: &Order| {
        let mut values = one.keys.iter().filter(|key| key.0.starts_with(&order.space.0)).map(|key| key.0[8..].to_vec());
        if order.descending { values.max() } else { values.by_ref().min() }
    };
    orders.iter().map(of).collect()
}

fn compare(
    one: &(Values, usize, String),
    other: &(Values, usize, String),
    orders: &[(usize, bool)],
) -> std::cmp::Ordering {
    let turn = |ordering: std::cmp::Ordering, descending| if descending { ordering.reverse() } else { ordering };
    for ((_, descending), values) in orders.iter().zip(one.0.iter().zip(&other.0)) {
        let ordering = match values {
            (Some(one), Some(other)) => turn(one.cmp(other), *descending),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => std::cmp::Ordering::Equal,
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    turn(one.1.cmp(&other.1), orders.first().is_some_and(|(_, descending)| *descending))
}

fn check(runtime: &tokio::runtime::Runtime, bench: Option<Bench>) {
    let Some(bench) = bench else { return };
    let sequences = AtomicU32::new(0);
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&steps(), |steps| {
        let sequence = sequences.fetch_add(1, Ordering::Relaxed);
        let kinds = std::array::from_fn(|kind| format!("Kind{sequence}x{kind}"));
        let mut world = World { bench: &bench, kinds, versions: Vec::new() };
        runtime.block_on(async {
            for step in &steps {
                world.run(step).await?;
            }
            Ok(())
        })
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    runtime.block_on(bench.finish());
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

#[test]
fn sqlite_is_equal_to_the_model() {
    let runtime = runtime();
    check(&runtime, runtime.block_on(setup::sqlite()));
}

#[test]
fn postgres_is_equal_to_the_model() {
    let runtime = runtime();
    check(&runtime, runtime.block_on(setup::postgres()));
}
