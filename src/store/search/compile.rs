//! Criteria as text of SQL: as a set of numbers that drives a statement, and as a test of a row.

use std::marker::PhantomData;

use smol_str::SmolStr;

use super::plan::{Direction, Sized, is_one_key};
use super::statement::{Dialect, Row, Statement, Value, bind, end_of, in_scan};
use crate::record::{Criterion, Scan, Space, TextPart};
use crate::store::encoding;

/// Numbers of resources, and what is still to be tested of each.
pub struct Relation {
    /// Which row of the statement.
    n: usize,
    /// Selects the numbers, as `resource`.
    driver: String,
    /// The order in which they come by themselves, where they do.
    order: Option<String>,
    tests: Vec<String>,
    /// Deleted resources may be among them.
    may_be_deleted: bool,
}

/// Makes one statement.
pub struct Compiler<D> {
    pub values: Vec<Value>,
    rows: usize,
    dialect: PhantomData<D>,
}

impl<D> Default for Compiler<D> {
    fn default() -> Self {
        Self { values: Vec::new(), rows: 0, dialect: PhantomData }
    }
}

impl<D: Dialect> Compiler<D> {
    pub fn finish(self, text: String) -> Statement {
        Statement { text, values: self.values }
    }

    pub fn bind(&mut self, value: Value) -> String {
        bind::<D>(&mut self.values, value)
    }

    fn text(&mut self, text: &str) -> String {
        self.bind(Value::Text(text.into()))
    }

    fn next_row(&mut self) -> usize {
        self.rows += 1;
        self.rows
    }

    /// Adds the limited counts of the leaves of a criterion, in their order.
    pub fn estimate(&mut self, kind: &str, criterion: &Criterion, limit: u32, counts: &mut Vec<String>) {
        let counted = |set: String| format!("(SELECT count(*) FROM ({set} LIMIT {limit}) s)");
        match criterion {
            Criterion::Bears(scans) => {
                let mut sums = vec!["CAST(0 AS bigint)".to_owned()];
                for scan in scans {
                    sums.push(counted(self.scan(scan, Direction::default(), false)));
                }
                counts.push(format!("({})", sums.join(" + ")));
            }
            Criterion::Text { part, words } => counts.push(counted(self.words(kind, *part, words, None))),
            Criterion::Id(_) => {}
            Criterion::RefersTo { kind, criterion, .. } | Criterion::ReferredBy { kind, criterion, .. } => {
                self.estimate(kind, criterion, limit, counts);
            }
            Criterion::Not(criterion) => self.estimate(kind, criterion, limit, counts),
            Criterion::All(parts) | Criterion::Any(parts) => {
                parts.iter().for_each(|part| self.estimate(kind, part, limit, counts));
            }
        }
    }

    /// What meets a criterion: by what drives it, or else by walking the type.
    pub fn relation(&mut self, kind: &str, root: &Sized<'_>, direction: Direction) -> Relation {
        if root.drives() {
            return self.drive(kind, root, direction);
        }
        let place = self.text(kind);
        let condition = self.after(D::WALK_NUMBER, direction);
        let driver = D::walk(&place, &condition);
        let order = Some(format!("{} {}", D::WALK_NUMBER, direction.word()));
        Relation { may_be_deleted: true, order, ..self.tested(kind, driver, [root.criterion]) }
    }

    /// Numbers, each tested by criteria.
    pub fn tested<'c>(
        &mut self,
        kind: &str,
        driver: String,
        criteria: impl IntoIterator<Item = &'c Criterion>,
    ) -> Relation {
        let n = self.next_row();
        let row = Row::new(n, kind, format!("c{n}.resource"));
        let mut tests = Vec::new();
        for criterion in criteria {
            if !matches!(criterion, Criterion::All(parts) if parts.is_empty()) {
                tests.push(self.test(criterion, &row));
            }
        }
        Relation { n, driver, order: None, tests, may_be_deleted: false }
    }

    /// A criterion as a driver.
    pub fn drive(&mut self, kind: &str, root: &Sized<'_>, direction: Direction) -> Relation {
        match root.criterion {
            Criterion::Bears(scans) => {
                let one = is_one_key(scans);
                let sets: Vec<String> = scans.iter().map(|scan| self.scan(scan, direction, !one)).collect();
                let order = one.then(|| format!("i.resource {}", direction.word()));
                Relation { order, ..self.tested(kind, union(&sets), []) }
            }
            Criterion::Id(ids) => {
                let (place, ids) = (self.text(kind), self.list(ids));
                let after = self.after("o.first", direction);
                let driver = format!(
                    "SELECT o.first AS resource FROM resource o WHERE o.kind = {place} AND o.id IN ({ids}){after}"
                );
                Relation { may_be_deleted: true, ..self.tested(kind, driver, []) }
            }
            Criterion::Text { part, words } => {
                let driver = self.words(kind, *part, words, None);
                self.cut(kind, &driver, direction)
            }
            Criterion::RefersTo { space, kind: target, .. } => {
                let driver = self.bearers(*space, target, &root.parts);
                self.cut(kind, &driver, direction)
            }
            Criterion::ReferredBy { space, kind: source, .. } => {
                let driver = self.borne(kind, *space, source, &root.parts);
                Relation { may_be_deleted: true, ..self.cut(kind, &driver, direction) }
            }
            Criterion::All(_) => {
                let Some((fewest, others)) = root.fewest() else { return self.relation(kind, root, direction) };
                let mut relation = self.drive(kind, fewest, direction);
                let row = Row::new(relation.n, kind, format!("c{}.resource", relation.n));
                relation.tests.extend(others.map(|other| self.test(other.criterion, &row)));
                relation
            }
            Criterion::Any(_) => {
                let sets: Vec<String> = root
                    .parts
                    .iter()
                    .map(|part| {
                        let relation = self.relation(kind, part, direction);
                        self.set(kind, &relation)
                    })
                    .collect();
                self.tested(kind, union(&sets), [])
            }
            Criterion::Not(_) => self.relation(kind, root, direction),
        }
    }

    /// Only the part of a set that lies in the direction.
    fn cut(&mut self, kind: &str, set: &str, direction: Direction) -> Relation {
        let after = self.after("d.resource", direction);
        let driver = if after.is_empty() {
            set.to_owned()
        } else {
            format!("SELECT d.resource AS resource FROM ({set}) d WHERE TRUE{after}")
        };
        self.tested(kind, driver, [])
    }

    fn after(&mut self, number: &str, direction: Direction) -> String {
        let Some(after) = direction.after else { return String::new() };
        format!(" AND {number} {} {}", direction.sign(), self.bind(Value::Number(after)))
    }

    fn scan(&mut self, scan: &Scan, direction: Direction, distinct: bool) -> String {
        let condition = in_scan::<D>("i.key", scan, &mut self.values);
        let after = self.after("i.resource", direction);
        let distinct = if distinct { "DISTINCT " } else { "" };
        format!("SELECT {distinct}i.resource AS resource FROM resource_index i WHERE {condition}{after}")
    }

    fn words(&mut self, kind: &str, part: TextPart, words: &[SmolStr], number: Option<&str>) -> String {
        let words: Vec<String> = words.iter().flat_map(|word| encoding::words(word)).collect();
        if words.is_empty() { nothing() } else { D::text(kind, part, &words, number, &mut self.values) }
    }

    fn list(&mut self, ids: &[SmolStr]) -> String {
        if ids.is_empty() {
            return "NULL".to_owned();
        }
        ids.iter().map(|id| self.text(id)).collect::<Vec<_>>().join(", ")
    }

    /// Those who refer to what meets the one of `parts`, by keys of a space.
    fn bearers(&mut self, space: Space, target: &str, parts: &[Sized<'_>]) -> String {
        let Some(inner) = parts.first() else { return nothing() };
        let relation = self.relation(target, inner, Direction::default());
        let rows = self.from(target, &relation);
        let key = self.reference_key(space, &format!("r{}.id", relation.n), target);
        let i = format!("i{}", relation.n);
        let (join, tests) = (D::JOIN, relation.conditions::<D>());
        format!(
            "SELECT DISTINCT {i}.resource AS resource FROM {rows} {join} resource_index {i} ON {i}.key = {key} \
             WHERE {tests}"
        )
    }

    /// Those whom the ones that meet the one of `parts` refer to, by keys of a space.
    fn borne(&mut self, kind: &str, space: Space, source: &str, parts: &[Sized<'_>]) -> String {
        let Some(inner) = parts.first() else { return nothing() };
        let relation = self.relation(source, inner, Direction::default());
        let rows = self.from(source, &relation);
        let (table, id) = self.targets(relation.n, &format!("v{}.keys", relation.n), space, kind);
        let place = self.text(kind);
        let o = format!("o{}", relation.n);
        let (join, tests) = (D::JOIN, relation.conditions::<D>());
        format!(
            "SELECT DISTINCT {o}.first AS resource FROM {rows} CROSS JOIN {table} {join} resource {o} \
             ON {o}.kind = {place} AND {o}.id = {id} WHERE {tests}"
        )
    }

    /// A table of the ids of a type that keys refer to, and the expression for one.
    fn targets(&mut self, n: usize, keys: &str, space: Space, kind: &str) -> (String, String) {
        let before = self.bind(Value::Bytes(space.0.to_vec()));
        let end = self.bind(Value::Bytes(end_of(space)));
        let behind = self.bind(Value::Bytes(behind(kind)));
        D::targets(n, keys, &before, &end, &behind)
    }

    fn reference_key(&mut self, space: Space, id: &str, kind: &str) -> String {
        let before = self.bind(Value::Bytes(space.0.to_vec()));
        let behind = self.bind(Value::Bytes(behind(kind)));
        D::reference_key(&before, id, &behind)
    }

    /// Whether a row meets a criterion.
    fn test(&mut self, criterion: &Criterion, row: &Row<'_>) -> String {
        match criterion {
            Criterion::Bears(scans) => {
                let tests: Vec<String> = scans.iter().map(|scan| self.bears(scan, row)).collect();
                either(&tests)
            }
            Criterion::Id(ids) => format!("coalesce({} IN ({}), FALSE)", row.id, self.list(ids)),
            Criterion::Text { part, words } => exists::<D>(&self.words(row.kind, *part, words, Some(&row.number))),
            Criterion::RefersTo { space, kind, criterion } => self.refers(*space, kind, criterion, row),
            Criterion::ReferredBy { space, kind, criterion } => self.is_referred(*space, kind, criterion, row),
            Criterion::Not(criterion) => format!("NOT ({})", self.test(criterion, row)),
            Criterion::All(parts) => {
                let tests: Vec<String> = parts.iter().map(|part| self.test(part, row)).collect();
                if tests.is_empty() { "TRUE".to_owned() } else { format!("({})", tests.join(" AND ")) }
            }
            Criterion::Any(parts) => {
                let tests: Vec<String> = parts.iter().map(|part| self.test(part, row)).collect();
                either(&tests)
            }
        }
    }

    fn bears(&mut self, scan: &Scan, row: &Row<'_>) -> String {
        if !is_one_key(std::slice::from_ref(scan)) {
            return D::bears(&row.keys, scan, &mut self.values);
        }
        let condition = in_scan::<D>("i.key", scan, &mut self.values);
        exists::<D>(&format!("SELECT 1 FROM resource_index i WHERE {condition} AND i.resource = {}", row.number))
    }

    fn refers(&mut self, space: Space, kind: &str, criterion: &Criterion, row: &Row<'_>) -> String {
        let n = self.next_row();
        let (table, id) = self.targets(n, &row.keys, space, kind);
        let place = self.text(kind);
        let target = Row::new(n, kind, format!("r{n}.first"));
        let test = self.test(criterion, &target);
        let (join, living) = (D::join_named(n, &place, &id), D::living(n));
        exists::<D>(&format!("SELECT 1 FROM {table} {join} WHERE {living} AND {test}"))
    }

    fn is_referred(&mut self, space: Space, kind: &str, criterion: &Criterion, row: &Row<'_>) -> String {
        let n = self.next_row();
        let key = self.reference_key(space, &row.id, row.kind);
        let place = self.text(kind);
        let source = Row::new(n, kind, format!("i{n}.resource"));
        let test = self.test(criterion, &source);
        let join = D::join_row(n, &source.number, &place);
        exists::<D>(&format!("SELECT 1 FROM resource_index i{n} {join} WHERE i{n}.key = {key} AND {test}"))
    }

    /// The rows of a relation, joined.
    fn from(&mut self, kind: &str, relation: &Relation) -> String {
        let (n, place) = (relation.n, self.text(kind));
        let driver = D::driver(&relation.driver, relation.order.as_deref());
        format!("({driver}) c{n} {}", D::join_row(n, &format!("c{n}.resource"), &place))
    }

    /// Selects the numbers of a relation, as `resource`.
    pub fn set(&mut self, kind: &str, relation: &Relation) -> String {
        if relation.tests.is_empty() && !relation.may_be_deleted {
            return relation.driver.clone();
        }
        let (rows, tests) = (self.from(kind, relation), relation.conditions::<D>());
        format!("SELECT c{}.resource AS resource FROM {rows} WHERE {tests}", relation.n)
    }

    /// Selects columns of the rows of a relation; columns and order are told the number of its row.
    pub fn rows(
        mut self,
        kind: &str,
        relation: &Relation,
        columns: impl Fn(usize) -> String,
        order: impl Fn(usize) -> String,
        limit: usize,
    ) -> Statement {
        let (columns, order) = (columns(relation.n), order(relation.n));
        let (rows, tests) = (self.from(kind, relation), relation.conditions::<D>());
        let limit = self.bind(Value::Number(i64::try_from(limit).unwrap_or(i64::MAX)));
        self.finish(format!("SELECT {columns} FROM {rows} WHERE {tests} ORDER BY {order} LIMIT {limit}"))
    }
}

impl Relation {
    pub fn in_order(self, order: String) -> Self {
        Self { order: Some(order), ..self }
    }

    fn conditions<D: Dialect>(&self) -> String {
        let mut conditions = self.tests.clone();
        if self.may_be_deleted {
            conditions.push(D::living(self.n));
        }
        if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") }
    }
}

/// What stands behind the id in a key of a reference to a resource of this type.
fn behind(kind: &str) -> Vec<u8> {
    [&[0], kind.as_bytes()].concat()
}

fn nothing() -> String {
    "SELECT CAST(0 AS bigint) AS resource WHERE FALSE".to_owned()
}

fn union(sets: &[String]) -> String {
    if sets.is_empty() { nothing() } else { sets.join(" UNION ") }
}

fn exists<D: Dialect>(set: &str) -> String {
    format!("EXISTS ({set}{})", D::FOR_EACH_ROW)
}

fn either(tests: &[String]) -> String {
    if tests.is_empty() { "FALSE".to_owned() } else { format!("({})", tests.join(" OR ")) }
}
