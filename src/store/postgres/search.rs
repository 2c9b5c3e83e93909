//! Searches in PostgreSQL's words, on sessions that are set up for them (`connection::searching`).

use std::collections::HashMap;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Row as _};

use super::connection::text;
use super::fault::{Answered, Fault};
use super::{messages, sql, versions};
use crate::record::{
    Counting, Criterion, IndexKey, KindQuery, ResourceKey, ResourceVersion, Scan, SearchPage, SearchQuery, TextPart,
    VersionNumber,
};
use crate::store::search::{self, Asker, Dialect, Keyed, Statement, Value, bind, in_scan};

/// How PostgreSQL says it.
pub struct Words;

impl Dialect for Words {
    // Read in the order in which they stand, by the session's settings.
    const JOIN: &'static str = "JOIN";
    const FOR_EACH_ROW: &'static str = " OFFSET 0";
    const WALK_NUMBER: &'static str = "w.first";

    fn place(number: usize, value: &Value) -> String {
        let kind = match value {
            Value::Bytes(_) => "bytea",
            Value::Text(_) => "text",
            Value::Number(_) => "bigint",
        };
        format!("${number}::{kind}")
    }

    /// The offset keeps the planner from taking it apart: on tables without statistics it might begin elsewhere.
    fn driver(selection: &str, order: Option<&str>) -> String {
        let order = order.map(|order| format!(" ORDER BY {order}")).unwrap_or_default();
        format!("{selection}{order} OFFSET 0")
    }

    fn join_row(n: usize, number: &str, kind: &str) -> String {
        format!(
            "JOIN resource r{n} ON r{n}.kind = {kind} AND r{n}.first = {number} \
             JOIN resource_version v{n} ON v{n}.number = r{n}.current"
        )
    }

    fn join_named(n: usize, kind: &str, id: &str) -> String {
        format!(
            "JOIN resource r{n} ON r{n}.kind = {kind} AND r{n}.id = {id} \
             JOIN resource_version v{n} ON v{n}.number = r{n}.current"
        )
    }

    fn living(n: usize) -> String {
        format!("NOT v{n}.deleted")
    }

    fn walk(kind: &str, condition: &str) -> String {
        format!("SELECT w.first AS resource FROM resource w WHERE w.kind = {kind}{condition}")
    }

    fn reference_key(before: &str, id: &str, behind: &str) -> String {
        format!("({before} || convert_to({id}, 'UTF8') || {behind})")
    }

    fn targets(n: usize, keys: &str, before: &str, end: &str, behind: &str) -> (String, String) {
        let ends = format!("substring(k.key FROM length(k.key) - length({behind}) + 1) = {behind}");
        let id = format!("substring(k.key FROM 9 FOR length(k.key) - 8 - length({behind}))");
        let table = format!(
            "LATERAL (SELECT convert_from({id}, 'UTF8') AS id FROM unnest({keys}) AS k (key) WHERE k.key >= {before} \
             AND k.key < {end} AND length(k.key) >= 8 + length({behind}) AND {ends}) t{n}"
        );
        (table, format!("t{n}.id"))
    }

    fn bears(keys: &str, scan: &Scan, values: &mut Vec<Value>) -> String {
        let condition = in_scan::<Self>("k.key", scan, values);
        format!("EXISTS (SELECT 1 FROM unnest({keys}) AS k (key) WHERE {condition} OFFSET 0)")
    }

    fn part(key: &str, at: usize, length: Option<usize>) -> String {
        let length = length.map(|length| format!(" FOR {length}")).unwrap_or_default();
        format!("substring({key} FROM {}{length})", at + 1)
    }

    fn contains(part: &str, value: &str) -> String {
        format!("position({value} IN {part}) > 0")
    }

    fn text(kind: &str, part: TextPart, words: &[String], number: Option<&str>, values: &mut Vec<Value>) -> String {
        let column = match part {
            TextPart::Narrative => "narrative",
            TextPart::Content => "content",
        };
        // Words are letters and digits; quoted they are no operators.
        let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let asked = bind::<Self>(values, Value::Text(words.join(" & ").into()));
        let kind = bind::<Self>(values, Value::Text(kind.into()));
        let one = number.map(|number| format!(" AND t.resource = {number}")).unwrap_or_default();
        format!(
            "SELECT t.resource AS resource FROM resource_text t WHERE t.kind = {kind} \
             AND t.{column} @@ {asked}::tsquery{one}"
        )
    }
}

/// Puts statements to a session.
struct Remote<'c>(&'c mut PgConnection);

impl Remote<'_> {
    async fn ask(&mut self, statement: Statement) -> Answered<Vec<PgRow>> {
        let Statement { text: words, values } = statement;
        let query = values.into_iter().fold(sqlx::query(AssertSqlSafe(words)), with);
        Ok(query.fetch_all(&mut *self.0).await?)
    }
}

fn with(query: Query<'_, Postgres, PgArguments>, value: Value) -> Query<'_, Postgres, PgArguments> {
    match value {
        Value::Bytes(bytes) => query.bind(bytes),
        Value::Text(value) => query.bind(text(&value)),
        Value::Number(number) => query.bind(number),
    }
}

impl Asker for Remote<'_> {
    type Fault = Fault;
    type Dialect = Words;

    async fn versions(&mut self, statement: Statement) -> Answered<Vec<ResourceVersion>> {
        self.ask(statement).await?.iter().map(versions::read).collect()
    }

    async fn keyed(&mut self, statement: Statement) -> Answered<Vec<Keyed>> {
        self.ask(statement).await?.iter().map(read_keyed).collect()
    }

    async fn counts(&mut self, statement: Statement) -> Answered<Vec<u64>> {
        let mut counts = Vec::new();
        for row in self.ask(statement).await? {
            for column in 0..row.len() {
                counts.push(row.try_get::<i64, _>(column)?.cast_unsigned());
            }
        }
        Ok(counts)
    }

    async fn position(&mut self, version: VersionNumber) -> Answered<Option<Keyed>> {
        let row = sqlx::query(sql::POSITION).bind(version.0).fetch_optional(&mut *self.0).await?;
        row.as_ref().map(read_keyed).transpose()
    }

    async fn numbered(&mut self, numbers: Vec<VersionNumber>) -> Answered<Vec<ResourceVersion>> {
        let wanted: Vec<i64> = numbers.iter().map(|number| number.0).collect();
        let rows = sqlx::query(sql::LOAD_VERSIONS).bind(wanted).fetch_all(&mut *self.0).await?;
        let mut found: HashMap<VersionNumber, ResourceVersion> = HashMap::new();
        for row in &rows {
            let version = versions::read(row)?;
            found.insert(version.number, version);
        }
        Ok(numbers.iter().filter_map(|number| found.remove(number)).collect())
    }
}

fn read_keyed(row: &PgRow) -> Answered<Keyed> {
    let keys: Vec<Vec<u8>> = row.try_get(3)?;
    let key = if row.len() > 4 { Some(IndexKey(row.try_get(4)?)) } else { None };
    Ok(Keyed {
        resource: row.try_get(0)?,
        version: VersionNumber(row.try_get(1)?),
        kind: messages::short(row, 2)?,
        keys: keys.into_iter().map(IndexKey).collect(),
        key,
    })
}

pub async fn search(pool: &PgPool, query: &SearchQuery) -> Answered<SearchPage> {
    let mut session = pool.acquire().await?;
    search::search(&mut Remote(&mut session), query).await
}

/// The first matches, inside a transaction.
pub async fn find(
    connection: &mut PgConnection,
    kind: &str,
    criterion: &Criterion,
    limit: u32,
) -> Answered<Vec<ResourceKey>> {
    let kinds = vec![KindQuery { kind: kind.into(), criterion: criterion.clone(), order: vec![] }];
    let query = SearchQuery { kinds, after: None, limit, count: Counting::WhenKnown };
    let page = search::search(&mut Remote(connection), &query).await?;
    Ok(page.matches.into_iter().map(|one| one.key).collect())
}
