//! Searches in SQLite's words, and guards, which are searches inside a write.

use std::future::{Future, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, Rows, params_from_iter};

use super::fault::{Answered, Fault};
use super::{functions, messages, sql, versions};
use crate::base::limits::{GUARD_STEPS_MAX, INLINE_MATCHES_MAX};
use crate::record::{
    Counting, Criterion, IndexKey, KindQuery, Range, ResourceKey, ResourceVersion, Scan, SearchPage, SearchQuery,
    TextPart, VersionNumber,
};
use crate::store::encoding;
use crate::store::search::{self, Asker, Dialect, Keyed, Statement, Value, bind};

/// How SQLite says it.
pub struct Words;

impl Dialect for Words {
    // SQLite reads what is cross joined in the order in which it stands.
    const JOIN: &'static str = "CROSS JOIN";
    const FOR_EACH_ROW: &'static str = "";
    const WALK_NUMBER: &'static str = "w.number";

    fn place(number: usize, _value: &Value) -> String {
        format!("?{number}")
    }

    fn driver(selection: &str, _order: Option<&str>) -> String {
        selection.to_owned()
    }

    fn join_row(n: usize, number: &str, kind: &str) -> String {
        format!(
            "CROSS JOIN resource_version f{n} ON f{n}.number = {number} \
             CROSS JOIN resource r{n} ON r{n}.kind = {kind} AND r{n}.id = f{n}.id \
             CROSS JOIN resource_version v{n} ON v{n}.number = r{n}.current"
        )
    }

    fn join_named(n: usize, kind: &str, id: &str) -> String {
        format!(
            "CROSS JOIN resource r{n} ON r{n}.kind = {kind} AND r{n}.id = {id} \
             CROSS JOIN resource_version v{n} ON v{n}.number = r{n}.current"
        )
    }

    fn living(n: usize) -> String {
        format!("v{n}.deleted = 0")
    }

    fn walk(kind: &str, condition: &str) -> String {
        format!(
            "SELECT w.number AS resource FROM resource_version w INDEXED BY resource_version_by_kind \
             WHERE w.kind = {kind} AND w.version = 1{condition}"
        )
    }

    fn reference_key(before: &str, id: &str, behind: &str) -> String {
        format!("CAST({before} || {id} || {behind} AS BLOB)")
    }

    fn targets(n: usize, keys: &str, before: &str, end: &str, behind: &str) -> (String, String) {
        (format!("json_each(targets({keys}, {before}, {end}, {behind})) t{n}"), format!("t{n}.value"))
    }

    fn bears(keys: &str, scan: &Scan, values: &mut Vec<Value>) -> String {
        let (from, to) = match &scan.range {
            // The next key there can be is the same with a NUL behind it.
            Range::Exactly(key) => (key.0.clone(), [&key.0[..], &[0]].concat()),
            Range::Within { from, to } => (from.0.clone(), to.0.clone()),
        };
        let mut arguments = vec![keys.to_owned()];
        arguments.extend([from, to].map(|bytes| bind::<Self>(values, Value::Bytes(bytes))));
        for test in &scan.tests {
            let length = test.length.and_then(|length| i64::try_from(length).ok()).unwrap_or(i64::MAX);
            let relation = functions::relation_number(test.relation);
            arguments.push(format!("{}, {length}, {relation}", test.at));
            arguments.push(bind::<Self>(values, Value::Bytes(test.value.clone())));
        }
        format!("bears({})", arguments.join(", "))
    }

    fn part(key: &str, at: usize, length: Option<usize>) -> String {
        let length = length.map(|length| format!(", {length}")).unwrap_or_default();
        format!("substr({key}, {}{length})", at + 1)
    }

    fn contains(part: &str, value: &str) -> String {
        format!("instr({part}, {value}) > 0")
    }

    fn text(kind: &str, part: TextPart, words: &[String], number: Option<&str>, values: &mut Vec<Value>) -> String {
        let column = match part {
            TextPart::Narrative => "narrative",
            TextPart::Content => "content",
        };
        // Words are letters and digits; quoted they are no operators.
        let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        let asked = format!("kind : \"{kind}\" AND {column} : ({})", words.join(" AND "));
        let place = bind::<Self>(values, Value::Text(asked.into()));
        let one = number.map(|number| format!(" WHERE t.rowid = {number}")).unwrap_or_default();
        format!("SELECT t.rowid AS resource FROM resource_text({place}) t{one}")
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Number(number) => ValueRef::Integer(*number),
        }))
    }
}

/// Answers statements at once.
struct Local<'c>(&'c Connection);

impl Local<'_> {
    fn ask<T>(&self, statement: &Statement, read: impl Fn(&Row<'_>) -> Answered<T>) -> Answered<Vec<T>> {
        let mut prepared = self.0.prepare_cached(&statement.text)?;
        collect(prepared.query(params_from_iter(&statement.values))?, read)
    }

    fn numbered(&self, numbers: &[VersionNumber]) -> Answered<Vec<ResourceVersion>> {
        let found = numbers.iter().filter_map(|number| versions::by_number(self.0, *number).transpose());
        found.collect()
    }

    fn position(&self, version: VersionNumber) -> Answered<Option<Keyed>> {
        let mut statement = self.0.prepare_cached(sql::POSITION)?;
        let mut rows = statement.query([version.0])?;
        rows.next()?.map(read_keyed).transpose()
    }
}

fn collect<T>(mut rows: Rows<'_>, read: impl Fn(&Row<'_>) -> Answered<T>) -> Answered<Vec<T>> {
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(read(row)?);
    }
    Ok(list)
}

fn read_keyed(row: &Row<'_>) -> Answered<Keyed> {
    let keys = row.get_ref(3)?.as_blob().map_err(|_| Fault::corrupt("resource_version", "keys", &"unknown"))?;
    let key = if row.as_ref().column_count() > 4 { Some(IndexKey(row.get(4)?)) } else { None };
    Ok(Keyed {
        resource: row.get(0)?,
        version: VersionNumber(row.get(1)?),
        kind: messages::text(row, 2)?,
        keys: encoding::unpack_keys(keys),
        key,
    })
}

impl Asker for Local<'_> {
    type Fault = Fault;
    type Dialect = Words;

    fn versions(&mut self, statement: Statement) -> impl Future<Output = Answered<Vec<ResourceVersion>>> + Send {
        ready(self.ask(&statement, versions::read))
    }

    fn keyed(&mut self, statement: Statement) -> impl Future<Output = Answered<Vec<Keyed>>> + Send {
        ready(self.ask(&statement, read_keyed))
    }

    fn counts(&mut self, statement: Statement) -> impl Future<Output = Answered<Vec<u64>>> + Send {
        let read = |row: &Row<'_>| {
            let count = |column| Ok(row.get::<_, i64>(column)?.cast_unsigned());
            (0..row.as_ref().column_count()).map(count).collect::<Answered<Vec<u64>>>()
        };
        ready(self.ask(&statement, read).map(|rows| rows.into_iter().flatten().collect()))
    }

    fn position(&mut self, version: VersionNumber) -> impl Future<Output = Answered<Option<Keyed>>> + Send {
        ready(Local::position(self, version))
    }

    fn numbered(&mut self, numbers: Vec<VersionNumber>) -> impl Future<Output = Answered<Vec<ResourceVersion>>> + Send {
        ready(Local::numbered(self, &numbers))
    }
}

pub fn search(connection: &Connection, query: &SearchQuery) -> Answered<SearchPage> {
    let mut local = Local(connection);
    let searching = pin!(search::search(&mut local, query));
    // Every answer is there at once, so the first poll is the last.
    match searching.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(page) => page,
        Poll::Pending => Err(Fault::Gone),
    }
}

/// Whether a search reads a few rows behind one key and nothing else.
pub fn is_brief(query: &SearchQuery) -> bool {
    let [KindQuery { criterion: Criterion::Bears(scans), order, .. }] = &query.kinds[..] else { return false };
    let [Scan { range: Range::Exactly(_), tests }] = &scans[..] else { return false };
    let uncounted = query.count == Counting::WhenKnown && (1..=INLINE_MATCHES_MAX).contains(&query.limit);
    tests.is_empty() && order.is_empty() && uncounted
}

/// The first matches inside a write, for which all others wait: stopped after so many steps.
pub fn find(connection: &Connection, kind: &str, criterion: &Criterion, limit: u32) -> Answered<Vec<ResourceKey>> {
    const STEPS: u32 = 100_000;
    let kinds = vec![KindQuery { kind: kind.into(), criterion: criterion.clone(), order: vec![] }];
    let query = SearchQuery { kinds, after: None, limit, count: Counting::WhenKnown };
    let mut left = GUARD_STEPS_MAX / STEPS;
    let count = move || {
        left = left.saturating_sub(1);
        left == 0
    };
    connection.progress_handler(i32::try_from(STEPS).unwrap_or(i32::MAX), Some(count))?;
    let page = search(connection, &query);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    Ok(page?.matches.into_iter().map(|one| one.key).collect())
}
