//! Mistakes of set-up that would show up late.

use apikey_core::Finding;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::failure::{missing_column, missing_table};
use crate::model::TableNames;

/// Compares a table with what its model expects.
pub(crate) fn findings(
    conn: &mut SqliteConnection,
    names: TableNames,
) -> QueryResult<Vec<Finding>> {
    let TableNames { table, prefix, columns, .. } = names;
    let present = columns_of(conn, table)?;
    if present.is_empty() {
        return Ok(vec![missing_table(names)]);
    }
    let missing: Vec<_> = columns
        .iter()
        .filter(|column| !present.iter().any(|found| found.name == **column))
        .collect();
    let mut findings: Vec<_> = missing.iter().map(|column| missing_column(names, column)).collect();
    if names.rules.is_some() {
        findings.extend(names.too_short(|column| length(&present, column)));
        return Ok(findings);
    }
    if missing.contains(&&prefix) {
        return Ok(findings);
    }
    if !compares_bytes(conn, table, prefix)? {
        findings.push(Finding::new(
            format!("the column {table}.{prefix} does not tell upper from lower case"),
            "rebuild the table with `COLLATE BINARY` on this column",
        ));
    }
    if !is_unique(conn, table, prefix)? {
        findings.push(Finding::new(
            format!("the column {table}.{prefix} is not unique"),
            format!("CREATE UNIQUE INDEX {table}_{prefix} ON {table} ({prefix})"),
        ));
    }
    Ok(findings)
}

fn columns_of(conn: &mut SqliteConnection, table: &str) -> QueryResult<Vec<Declared>> {
    diesel::sql_query("SELECT name, type AS kind FROM pragma_table_info(?)")
        .bind::<Text, _>(table)
        .load(conn)
}

/// The length that a column declares, as in `varchar(100)`: SQLite itself takes longer texts.
fn length(columns: &[Declared], name: &str) -> Option<usize> {
    let column = columns.iter().find(|column| column.name == name)?;
    let (_, length) = column.kind.trim_end_matches(')').split_once('(')?;
    length.trim().parse().ok()
}

/// SQLite does not tell the collation of a column, but it shows: `UNION` drops what is equal by the
/// collation of the first `SELECT`.
fn compares_bytes(conn: &mut SqliteConnection, table: &str, column: &str) -> QueryResult<bool> {
    let query = format!(
        "SELECT count(*) AS number FROM (SELECT {column} FROM {table} WHERE 0 \
         UNION SELECT 'a' UNION SELECT 'A' UNION SELECT 'a ')",
        column = quoted(column),
        table = quoted(table),
    );
    let row: Number = diesel::sql_query(query).get_result(conn)?;
    Ok(row.number == 3)
}

fn is_unique(conn: &mut SqliteConnection, table: &str, column: &str) -> QueryResult<bool> {
    let query = "SELECT count(*) AS number FROM pragma_index_list(?) AS list \
                 WHERE list.\"unique\" AND NOT list.partial \
                 AND (SELECT group_concat(name) FROM pragma_index_info(list.name)) = ?";
    let row: Number =
        diesel::sql_query(query).bind::<Text, _>(table).bind::<Text, _>(column).get_result(conn)?;
    Ok(row.number > 0)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[derive(QueryableByName)]
struct Declared {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}
