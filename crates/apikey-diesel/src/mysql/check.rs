//! Mistakes of set-up that would show up late.

use apikey_core::Finding;
use diesel::mysql::Mysql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::{AsyncConnection, RunQueryDsl};

use crate::failure::{missing_column, missing_table};
use crate::model::TableNames;

const COLUMNS: &str = "SELECT c.column_name AS name, c.data_type AS kind, \
     CAST(c.character_maximum_length AS SIGNED) AS length, c.collation_name AS collation, \
     c.character_set_name AS characters, c.column_type AS declared, c.is_nullable AS nullable, \
     CAST(c.datetime_precision AS SIGNED) AS digits, \
     (SELECT COUNT(*) FROM information_schema.statistics s \
         WHERE s.table_schema = c.table_schema AND s.table_name = c.table_name \
         AND s.column_name = c.column_name AND s.non_unique = 0 AND s.sub_part IS NULL \
         AND NOT EXISTS (SELECT 1 FROM information_schema.statistics o \
             WHERE o.table_schema = s.table_schema AND o.table_name = s.table_name \
             AND o.index_name = s.index_name AND o.seq_in_index > 1)) AS uniques \
     FROM information_schema.columns c \
     WHERE c.table_schema = coalesce(?, DATABASE()) AND c.table_name = ?";

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    length: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    collation: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    characters: Option<String>,
    /// The type as it is written in SQL.
    #[diesel(sql_type = Text)]
    declared: String,
    /// `YES` or `NO`.
    #[diesel(sql_type = Text)]
    nullable: String,
    /// Those behind the point of a time's seconds.
    #[diesel(sql_type = Nullable<BigInt>)]
    digits: Option<i64>,
    #[diesel(sql_type = BigInt)]
    uniques: i64,
}

/// Compares a table with what its model expects.
pub(super) async fn findings<C>(conn: &mut C, names: TableNames) -> QueryResult<Vec<Finding>>
where
    C: AsyncConnection<Backend = Mysql>,
{
    let TableNames { prefix, hashed_key, columns, .. } = names;
    let table = names.full_name();
    let found: Vec<Found> = diesel::sql_query(COLUMNS)
        .bind::<Nullable<Text>, _>(names.schema)
        .bind::<Text, _>(names.table)
        .load(conn)
        .await?;
    if found.is_empty() {
        return Ok(vec![missing_table(names)]);
    }
    let column = |name: &str| found.iter().find(|column| column.name == name);
    let missing = columns.iter().filter(|name| column(name).is_none());
    let mut findings: Vec<_> = missing.map(|name| missing_column(names, name)).collect();
    findings.extend(imprecise(names, &found));
    findings.extend(mixed_owners(names, &found));
    if names.rules.is_some() {
        let length = |name: &str| -> Option<usize> { column(name)?.length?.try_into().ok() };
        findings.extend(names.too_short(length));
        return Ok(findings);
    }
    if let Some(column) = column(prefix) {
        if !tells_case(column) {
            findings.push(Finding::new(
                format!("the column {table}.{prefix} does not tell upper from lower case"),
                format!(
                    "ALTER TABLE {table} MODIFY {prefix} VARCHAR(64) \
                     CHARACTER SET ascii COLLATE ascii_bin NOT NULL"
                ),
            ));
        }
        if column.uniques == 0 {
            findings.push(Finding::new(
                format!("the column {table}.{prefix} is not unique"),
                format!("ALTER TABLE {table} ADD UNIQUE ({prefix})"),
            ));
        }
    }
    if let Some(column) = column(hashed_key)
        && column.length.is_none_or(|length| length < 255)
    {
        findings.push(Finding::new(
            format!("the column {table}.{hashed_key} cannot hold every hash"),
            format!(
                "ALTER TABLE {table} MODIFY {hashed_key} VARCHAR(512) \
                 CHARACTER SET ascii COLLATE ascii_bin NOT NULL"
            ),
        ));
    }
    Ok(findings)
}

fn nullability(column: &Found) -> &'static str {
    if column.nullable == "NO" { "NOT NULL" } else { "NULL" }
}

/// Collations are named by what they compare; the types for bytes have none.
fn tells_case(column: &Found) -> bool {
    match &column.collation {
        Some(collation) => collation.ends_with("_bin") || collation.ends_with("_cs"),
        None => column.kind.ends_with("binary"),
    }
}

/// Finds columns of times without microseconds, in which a rotation could not move an expiry by one.
fn imprecise(names: TableNames, found: &[Found]) -> impl Iterator<Item = Finding> {
    let is_imprecise = move |column: &&Found| {
        names.times.contains(&column.name.as_str())
            && column.digits.is_some_and(|digits| digits < 6)
    };
    let table = names.full_name();
    found.iter().filter(is_imprecise).map(move |column| {
        let Found { name, kind, .. } = column;
        Finding::new(
            format!("the column {table}.{name} does not keep microseconds"),
            format!("ALTER TABLE {table} MODIFY {name} {kind}(6) {}", nullability(column)),
        )
    })
}

/// Finds an owner's column that takes texts for equal whose bytes are not.
fn mixed_owners(names: TableNames, found: &[Found]) -> Option<Finding> {
    let column = found.iter().find(|column| Some(column.name.as_str()) == names.owner)?;
    let characters = column.characters.as_ref().filter(|_| !tells_case(column))?;
    let (Found { name, declared, .. }, table) = (column, names.full_name());
    Some(Finding::new(
        format!("the column {table}.{name} takes owners for one that differ in case"),
        format!(
            "ALTER TABLE {table} MODIFY {name} {declared} CHARACTER SET {characters} \
             COLLATE {characters}_bin {}",
            nullability(column)
        ),
    ))
}
