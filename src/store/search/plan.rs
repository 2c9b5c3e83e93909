//! Which statement answers a search: what drives it by the counts of its criteria, and what it selects.

use super::compile::{Compiler, Relation};
use super::statement::{Dialect, Statement, Value, in_scan, whole};
use crate::base::limits::SEARCH_ESTIMATE_MAX;
use crate::record::{Criterion, Range, Scan, Space};

/// The bound of counting: a criterion with so many entries drives nothing.
const MANY: u64 = SEARCH_ESTIMATE_MAX as u64;

/// How many are taken to refer to one resource: orders to an encounter, observations to an order.
const BEARERS_OF_A_REFERENCE: u64 = 8;

/// A criterion and how many meet it: `MANY` or more when they are not few.
pub struct Sized<'c> {
    pub criterion: &'c Criterion,
    size: u64,
    pub parts: Vec<Self>,
}

impl<'c> Sized<'c> {
    /// `counts` answer `estimates`, leaf by leaf; without them leaves are taken for small.
    fn new(criterion: &'c Criterion, counts: &mut dyn Iterator<Item = u64>) -> Self {
        let mut of = |part: &'c Criterion| Self::new(part, counts);
        let parts: Vec<Self> = match criterion {
            Criterion::Bears(_) | Criterion::Text { .. } | Criterion::Id(_) => vec![],
            Criterion::RefersTo { criterion, .. }
            | Criterion::ReferredBy { criterion, .. }
            | Criterion::Not(criterion) => vec![of(criterion)],
            Criterion::All(parts) | Criterion::Any(parts) => parts.iter().map(of).collect(),
        };
        let sizes = || parts.iter().map(|part| part.size);
        let size = match criterion {
            Criterion::Bears(_) | Criterion::Text { .. } => counts.next().unwrap_or(1),
            Criterion::Id(ids) => ids.len() as u64,
            Criterion::RefersTo { .. } => sizes().sum::<u64>().saturating_mul(BEARERS_OF_A_REFERENCE),
            Criterion::ReferredBy { .. } | Criterion::Any(_) => sizes().fold(0, u64::saturating_add),
            Criterion::Not(_) => u64::MAX,
            Criterion::All(_) => sizes().min().unwrap_or(u64::MAX),
        };
        Self { criterion, size, parts }
    }

    pub const fn is_small(&self) -> bool {
        self.size < MANY
    }

    /// The part that has the fewest, and the others.
    pub fn fewest(&self) -> Option<(&Self, impl Iterator<Item = &Self>)> {
        let cost = |part: &Self| (!part.is_small(), !part.is_small() && !part.streams(), part.size);
        let place = (0..self.parts.len()).min_by_key(|place| cost(&self.parts[*place]))?;
        let others = self.parts.iter().enumerate().filter(move |(other, _)| *other != place).map(|(_, part)| part);
        Some((&self.parts[place], others))
    }

    /// Whether its numbers come in order without being sorted: entries of one key.
    pub fn streams(&self) -> bool {
        match self.criterion {
            Criterion::Bears(scans) => is_one_key(scans),
            Criterion::All(_) => self.fewest().is_some_and(|(fewest, _)| fewest.streams()),
            _ => false,
        }
    }

    /// Whether it can drive a statement; if not, the resources of the type are walked.
    pub fn drives(&self) -> bool {
        self.is_small() || self.streams()
    }
}

pub fn is_one_key(scans: &[Scan]) -> bool {
    matches!(scans, [Scan { range: Range::Exactly(_), tests }] if tests.is_empty())
}

/// In which order numbers are wanted, and from where on.
#[derive(Clone, Copy, Default)]
pub struct Direction {
    pub after: Option<i64>,
    pub descending: bool,
}

impl Direction {
    pub const fn sign(self) -> &'static str {
        if self.descending { "<" } else { ">" }
    }

    pub const fn word(self) -> &'static str {
        if self.descending { "DESC" } else { "ASC" }
    }
}

fn keyed_columns(n: usize) -> String {
    format!("c{n}.resource, v{n}.number, r{n}.kind, v{n}.keys")
}

fn version_columns(n: usize) -> String {
    format!(
        "v{n}.number, r{n}.kind, r{n}.id, v{n}.version, v{n}.content, v{n}.digest, v{n}.updated_at, v{n}.deleted, \
         v{n}.message"
    )
}

/// How one criterion of one resource type is answered.
pub struct Plan<'q> {
    kind: &'q str,
    root: Sized<'q>,
}

impl<'q> Plan<'q> {
    /// `counts` answer `estimates`; none when there was nothing to estimate.
    pub fn new(kind: &'q str, criterion: &'q Criterion, counts: &[u64]) -> Self {
        Self { kind, root: Sized::new(criterion, &mut counts.iter().copied()) }
    }

    /// Counts the entries of each leaf of a criterion, up to a bound, in one row. None: there is no choice to make.
    pub fn estimates<D: Dialect>(kind: &str, criterion: &Criterion) -> Option<Statement> {
        if matches!(criterion, Criterion::Bears(scans) if is_one_key(scans)) {
            return None;
        }
        let mut compiler = Compiler::<D>::default();
        let mut counts = Vec::new();
        compiler.estimate(kind, criterion, SEARCH_ESTIMATE_MAX, &mut counts);
        (!counts.is_empty()).then(|| compiler.finish(format!("SELECT {}", counts.join(", "))))
    }

    /// Whether nothing selective drives it.
    pub fn is_walk(&self) -> bool {
        !self.root.drives()
    }

    /// The versions of matches, in the order of creation.
    pub fn versions<D: Dialect>(&self, direction: Direction, limit: usize) -> Statement {
        self.by_number::<D>(version_columns, direction, limit)
    }

    /// Number, version number, type and keys of matches, in the order of creation.
    pub fn keyed<D: Dialect>(&self, direction: Direction, limit: usize) -> Statement {
        self.by_number::<D>(keyed_columns, direction, limit)
    }

    fn by_number<D: Dialect>(&self, columns: fn(usize) -> String, direction: Direction, limit: usize) -> Statement {
        let mut compiler = Compiler::<D>::default();
        let relation = compiler.relation(self.kind, &self.root, direction);
        let order = |n| format!("c{n}.resource {}", direction.word());
        compiler.rows(self.kind, &relation, columns, order, limit)
    }

    /// As `keyed`, in the order of the keys of a space, behind `after` (a key and a number), and with that key: a match
    /// comes once for each key that it has there.
    pub fn keyed_by<D: Dialect>(
        &self,
        space: Space,
        after: Option<(&[u8], i64)>,
        descending: bool,
        limit: usize,
    ) -> Statement {
        let mut compiler = Compiler::<D>::default();
        let direction = Direction { after: None, descending };
        let mut condition = in_scan::<D>("i.key", &whole(space), &mut compiler.values);
        if let Some((key, number)) = after {
            let key = compiler.bind(Value::Bytes(key.to_vec()));
            let (number, sign) = (compiler.bind(Value::Number(number)), direction.sign());
            condition = format!("{condition} AND i.key {sign}= {key} AND (i.key, i.resource) {sign} ({key}, {number})");
        }
        let driver = format!("SELECT i.resource AS resource, i.key AS key FROM resource_index i WHERE {condition}");
        let word = direction.word();
        let relation = compiler.tested(self.kind, driver, [self.root.criterion]);
        let relation = relation.in_order(format!("i.key {word}, i.resource {word}"));
        let order = |n| format!("c{n}.key {word}, c{n}.resource {word}");
        compiler.rows(self.kind, &relation, |n| format!("{}, c{n}.key", keyed_columns(n)), order, limit)
    }

    /// Counts the matches.
    pub fn count<D: Dialect>(&self) -> Statement {
        let mut compiler = Compiler::<D>::default();
        let leaf = self.root.parts.is_empty() && !matches!(self.root.criterion, Criterion::All(_));
        let relation: Relation = if self.root.drives() || leaf {
            compiler.drive(self.kind, &self.root, Direction::default())
        } else {
            // Each living resource has one key there, and no other has.
            let live = whole(Space::of(self.kind, "_lastUpdated"));
            let condition = in_scan::<D>("i.key", &live, &mut compiler.values);
            let driver = format!("SELECT i.resource AS resource FROM resource_index i WHERE {condition}");
            compiler.tested(self.kind, driver, [self.root.criterion])
        };
        let set = compiler.set(self.kind, &relation);
        compiler.finish(format!("SELECT count(*) FROM ({set}) s"))
    }
}
