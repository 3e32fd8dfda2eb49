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
     (SELECT COUNT(*) FROM information_schema.statistics s \
         WHERE s.table_schema = c.table_schema AND s.table_name = c.table_name \
         AND s.column_name = c.column_name AND s.non_unique = 0 AND s.sub_part IS NULL \
         AND NOT EXISTS (SELECT 1 FROM information_schema.statistics o \
             WHERE o.table_schema = s.table_schema AND o.table_name = s.table_name \
             AND o.index_name = s.index_name AND o.seq_in_index > 1)) AS uniques \
     FROM information_schema.columns c \
     WHERE c.table_schema = DATABASE() AND c.table_name = ?";

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
    #[diesel(sql_type = BigInt)]
    uniques: i64,
}

/// Compares a table with what its model expects.
pub(super) async fn findings<C>(conn: &mut C, names: TableNames) -> QueryResult<Vec<Finding>>
where
    C: AsyncConnection<Backend = Mysql>,
{
    let TableNames { table, prefix, hashed_key, columns, .. } = names;
    let found: Vec<Found> = diesel::sql_query(COLUMNS).bind::<Text, _>(table).load(conn).await?;
    if found.is_empty() {
        return Ok(vec![missing_table(names)]);
    }
    let column = |name: &str| found.iter().find(|column| column.name == name);
    let missing = columns.iter().filter(|name| column(name).is_none());
    let mut findings: Vec<_> = missing.map(|name| missing_column(names, name)).collect();
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

/// Collations are named by what they compare; the types for bytes have none.
fn tells_case(column: &Found) -> bool {
    match &column.collation {
        Some(collation) => collation.ends_with("_bin") || collation.ends_with("_cs"),
        None => column.kind.ends_with("binary"),
    }
}
