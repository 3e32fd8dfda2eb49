//! Mistakes of set-up that would show up late.

use apikey_core::Finding;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

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
    findings.extend(present.iter().filter_map(|column| column.may_be_null(names)));
    if let Some(owner) = names.owner.filter(|owner| is_text(&present, owner))
        && !compares_bytes(conn, table, owner)?
    {
        findings.push(Finding::new(
            format!(
                "the column {table}.{owner} takes owners for one that differ in case or in spaces"
            ),
            "rebuild the table with `COLLATE BINARY` on this column",
        ));
    }
    if names.rules.is_some() {
        findings.extend(names.too_short(|column| length(&present, column)));
        if missing.is_empty() {
            findings.extend(bad_times(conn, names)?);
        }
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
    diesel::sql_query(
        "SELECT name, type AS kind, \"notnull\" AS is_required FROM pragma_table_info(?)",
    )
    .bind::<Text, _>(table)
    .load(conn)
}

/// Whether a column has the affinity of text, by SQLite's rules.
fn is_text(columns: &[Declared], name: &str) -> bool {
    let column = columns.iter().find(|column| column.name == name);
    column.is_some_and(|column| {
        let kind = column.kind.to_uppercase();
        ["CHAR", "CLOB", "TEXT"].iter().any(|part| kind.contains(part)) && !kind.contains("INT")
    })
}

/// The length that a column declares, as in `varchar(100)`: SQLite itself takes longer texts.
fn length(columns: &[Declared], name: &str) -> Option<usize> {
    let column = columns.iter().find(|column| column.name == name)?;
    let (_, length) = column.kind.trim_end_matches(')').split_once('(')?;
    length.trim().parse().ok()
}

/// Finds rows with a time in another form than the one that the program writes. SQLite keeps any.
fn bad_times(conn: &mut SqliteConnection, names: TableNames) -> QueryResult<Vec<Finding>> {
    let times = names.rules.map_or(&[][..], |rules| rules.times);
    let mut findings = Vec::new();
    for column in times {
        let query = BAD_TIMES
            .replace("{table}", &quoted(names.table))
            .replace("{prefix}", &quoted(names.prefix))
            .replace("{time}", &quoted(column));
        let rows: Vec<Prefix> = diesel::sql_query(query).load(conn)?;
        findings.extend(rows.into_iter().map(|Prefix { prefix }| {
            Finding::new(
                format!("the key {prefix} has no time in {}.{column}", names.table),
                "write one in UTC, as in 2025-11-22 06:19:37: until then the key is refused as expired",
            )
        }));
    }
    Ok(findings)
}

/// The form is `2025-11-22 06:19:37.000001`, without the fraction where that is zero. What `strftime`
/// returns for a day or an hour that is none is null, or by the modifier another one. A few rows tell what
/// has happened.
const BAD_TIMES: &str = "SELECT coalesce({prefix}, '') AS prefix FROM {table} \
     WHERE {time} IS NOT NULL AND NOT coalesce( \
         substr({time}, 1, 19) = strftime('%Y-%m-%d %H:%M:%S', substr({time}, 1, 19), '+0 days') \
         AND substr({time}, 1, 4) <> '0000' AND (length({time}) = 19 OR (length({time}) = 26 \
             AND substr({time}, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]' \
             AND substr({time}, 21) <> '000000')), 0) \
     ORDER BY {prefix} LIMIT 20";

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
    #[diesel(sql_type = Bool)]
    is_required: bool,
}

impl Declared {
    /// SQLite changes no column, so that there is no statement that does it.
    fn may_be_null(&self, names: TableNames) -> Option<Finding> {
        let (table, name) = (names.table, &self.name);
        let is_nullable = names.required.contains(&name.as_str()) && !self.is_required;
        is_nullable.then(|| {
            Finding::new(
                format!("the column {table}.{name} may be null, and such a row cannot be read"),
                "rebuild the table with `NOT NULL` on this column",
            )
        })
    }
}

#[derive(QueryableByName)]
struct Prefix {
    #[diesel(sql_type = Text)]
    prefix: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}
