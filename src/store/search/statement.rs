//! A statement in the making: its text with places for values, and what the two databases say differently.

use smol_str::SmolStr;

use crate::record::{KeyTest, Range, Relation, Scan, Space, TextPart};

/// A value of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Bytes(Vec<u8>),
    Text(SmolStr),
    Number(i64),
}

/// A statement and the values of its places, from the first on.
#[derive(Debug)]
pub struct Statement {
    pub text: String,
    pub values: Vec<Value>,
}

/// A row of the resource table, with its current version, somewhere in a statement.
pub struct Row<'k> {
    /// Its resource type.
    pub kind: &'k str,
    /// Expression for the number of its first version.
    pub number: String,
    /// Expression for its logical id.
    pub id: String,
    /// Expression for the index keys of its current version.
    pub keys: String,
}

impl<'k> Row<'k> {
    /// Row `n`: resource `r{n}` in its current version `v{n}`, whose number is at hand.
    pub fn new(n: usize, kind: &'k str, number: String) -> Self {
        Self { kind, number, id: format!("r{n}.id"), keys: format!("v{n}.keys") }
    }
}

/// What the databases say differently. Arguments and answers are text of SQL where nothing else is said.
pub trait Dialect {
    /// Joins tables; those before are read first.
    const JOIN: &'static str;
    /// Ends a subquery that is to be run for each row, and not to be joined as a whole.
    const FOR_EACH_ROW: &'static str;
    /// The number by which `walk` goes.
    const WALK_NUMBER: &'static str;
    /// The place of a value, counted from 1.
    fn place(number: usize, value: &Value) -> String;
    /// A selection that is to be read before what is joined to it, in its own order if it has one.
    fn driver(selection: &str, order: Option<&str>) -> String;
    /// Joins row `n`, whose first version has this number, and whose type stands at `kind`.
    fn join_row(n: usize, number: &str, kind: &str) -> String;
    /// Joins row `n`, whose type and id these are.
    fn join_named(n: usize, kind: &str, id: &str) -> String;
    /// Whether row `n` is not deleted.
    fn living(n: usize) -> String;
    /// Selects the numbers of all resources that ever were of the type, as `resource`.
    fn walk(kind: &str, condition: &str) -> String;
    /// The index key of a reference to `id`: `before` is the space, `behind` the NUL and the type.
    fn reference_key(before: &str, id: &str, behind: &str) -> String;
    /// A table, named by `n`, of the ids that `keys` refer to, and the expression for one: what stands between `before`
    /// and `behind` in keys from `before` up to `end`.
    fn targets(n: usize, keys: &str, before: &str, end: &str, behind: &str) -> (String, String);
    /// Whether one of `keys` is in the scan.
    fn bears(keys: &str, scan: &Scan, values: &mut Vec<Value>) -> String;
    /// Bytes of a key from `at` (a number, from 0) on.
    fn part(key: &str, at: usize, length: Option<usize>) -> String;
    /// Whether the value occurs in the part.
    fn contains(part: &str, value: &str) -> String;
    /// Selects the numbers of resources of a type (its name) whose text holds all words, as `resource`; of one number
    /// only, when there is one.
    fn text(kind: &str, part: TextPart, words: &[String], number: Option<&str>, values: &mut Vec<Value>) -> String;
}

/// Adds a value; its place.
pub fn bind<D: Dialect>(values: &mut Vec<Value>, value: Value) -> String {
    let place = D::place(values.len() + 1, &value);
    values.push(value);
    place
}

/// The condition on `key` that it is in the scan.
pub fn in_scan<D: Dialect>(key: &str, scan: &Scan, values: &mut Vec<Value>) -> String {
    let mut bytes = |value: &[u8]| bind::<D>(values, Value::Bytes(value.to_vec()));
    let mut conditions = match &scan.range {
        Range::Exactly(exact) => vec![format!("{key} = {}", bytes(&exact.0))],
        Range::Within { from, to } => {
            vec![format!("{key} >= {}", bytes(&from.0)), format!("{key} < {}", bytes(&to.0))]
        }
    };
    for KeyTest { at, length, relation, value } in &scan.tests {
        let (part, value) = (D::part(key, *at, *length), bytes(value));
        conditions.push(match relation {
            Relation::Contains => D::contains(&part, &value),
            other => format!("{part} {} {value}", sign(*other)),
        });
    }
    conditions.join(" AND ")
}

const fn sign(relation: Relation) -> &'static str {
    match relation {
        Relation::Below => "<",
        Relation::AtMost => "<=",
        Relation::Equal | Relation::Contains => "=",
        Relation::AtLeast => ">=",
        Relation::Above => ">",
    }
}

/// The first key behind a space.
pub fn end_of(space: Space) -> Vec<u8> {
    let mut end = space.0.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    vec![u8::MAX; 16]
}

/// All keys of a space.
pub fn whole(space: Space) -> Scan {
    let [from, to] = [space.0.to_vec(), end_of(space)].map(crate::record::IndexKey);
    Scan { range: Range::Within { from, to }, tests: vec![] }
}
