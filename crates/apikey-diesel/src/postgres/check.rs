//! Mistakes of set-up that would show up late.

use apikey_core::Finding;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Text};
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::dialect::quoted;
use super::{rights, sequences};
use crate::failure::{missing_column, missing_table};
use crate::model::TableNames;

const COLUMNS: &str = "SELECT a.attname::text AS name, t.typname::text AS kind, \
     t.typcategory::text AS category, a.atttypmod AS modifier, a.attnotnull AS is_required, coalesce(c.collisdeterministic, true) AS is_exact, \
     EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique \
         AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) AS is_unique \
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
     LEFT JOIN pg_collation c ON c.oid = a.attcollation \
     WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    /// The kind of kinds, such as `S` for texts; a domain has that of its type.
    #[diesel(sql_type = Text)]
    category: String,
    /// The greatest length of a `varchar` plus 4, the digits of a time's seconds, or -1.
    #[diesel(sql_type = Integer)]
    modifier: i32,
    #[diesel(sql_type = Bool)]
    is_required: bool,
    #[diesel(sql_type = Bool)]
    is_exact: bool,
    #[diesel(sql_type = Bool)]
    is_unique: bool,
}

/// Compares a table with what its model expects.
pub(super) async fn findings<C>(conn: &mut C, names: TableNames) -> QueryResult<Vec<Finding>>
where
    C: AsyncConnection<Backend = Pg>,
{
    let TableNames { prefix, hashed_key, columns, .. } = names;
    let table = names.full_name();
    let found: Vec<Found> =
        diesel::sql_query(COLUMNS).bind::<Text, _>(quoted(names)).load(conn).await?;
    if found.is_empty() {
        return Ok(vec![missing_table(names)]);
    }
    let column = |name: &str| found.iter().find(|column| column.name == name);
    let missing = columns.iter().filter(|name| column(name).is_none());
    let mut findings: Vec<_> = missing.map(|name| missing_column(names, name)).collect();
    findings.extend(found.iter().filter_map(|column| lacks(names, column)));
    findings.extend(imprecise(names, &found));
    findings.extend(mixed_owners(names, &found));
    findings.extend(rights::findings(conn, names).await?);
    findings.extend(sequences::behind(conn, names).await?);
    if names.rules.is_some() {
        findings.extend(names.too_short(|name| column(name).and_then(length)));
        return Ok(findings);
    }
    if let Some(column) = column(prefix) {
        if !tells_case(column) {
            findings.push(Finding::new(
                format!("the column {table}.{prefix} does not tell upper from lower case"),
                format!("ALTER TABLE {table} ALTER COLUMN {prefix} TYPE text COLLATE \"C\""),
            ));
        }
        if !column.is_unique {
            findings.push(Finding::new(
                format!("the column {table}.{prefix} is not unique"),
                format!("ALTER TABLE {table} ADD UNIQUE ({prefix})"),
            ));
        }
    }
    if let Some(column) = column(hashed_key)
        && !holds_hashes(column)
    {
        findings.push(Finding::new(
            format!("the column {table}.{hashed_key} cannot hold every hash"),
            format!("ALTER TABLE {table} ALTER COLUMN {hashed_key} TYPE text"),
        ));
    }
    Ok(findings)
}

/// What the column cannot do that every column of its kind has to.
fn lacks(names: TableNames, column: &Found) -> Option<Finding> {
    if let Some(finding) = of_another_type(names, column) {
        return Some(finding);
    }
    let (Found { name, .. }, table) = (column, names.full_name());
    let most = names.texts.iter().find(|(text, _)| text == name).map(|(_, most)| *most);
    let is_longer = |most: &usize| {
        column.kind == "varchar" && length(column).is_some_and(|length| *most > length)
    };
    if let Some(most) = most.filter(is_longer) {
        return Some(Finding::new(
            format!(
                "the column {table}.{name} cannot hold the {most} characters that it may have to"
            ),
            format!("ALTER TABLE {table} ALTER COLUMN {name} TYPE text"),
        ));
    }
    let is_nullable = names.required.contains(&name.as_str()) && !column.is_required;
    is_nullable.then(|| {
        Finding::new(
            format!("the column {table}.{name} may be null, and such a row cannot be read"),
            format!("ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL"),
        )
    })
}

/// Finds a column whose values are none that the model reads.
fn of_another_type(names: TableNames, column: &Found) -> Option<Finding> {
    let (Found { name, kind, category, .. }, table) = (column, names.full_name());
    let (what, better) = if names.is_time(name) {
        // A domain over a time has a name of its own.
        let others = ["date", "time", "timetz", "abstime"];
        if category == "D" && !others.contains(&kind.as_str()) {
            return None;
        }
        ("times", "timestamptz")
    } else if names.is_text(name) {
        let is_text = ["S", "E"].contains(&category.as_str()) || kind == "bytea";
        if is_text {
            return None;
        }
        ("texts", "text")
    } else {
        return None;
    };
    Some(Finding::new(
        format!("the column {table}.{name} is of the type {kind}, which holds no {what}"),
        format!(
            "ALTER TABLE {table} ALTER COLUMN {name} TYPE {better} USING ..., until which every key gets 503"
        ),
    ))
}

fn tells_case(column: &Found) -> bool {
    column.kind != "citext" && column.is_exact
}

fn holds_hashes(column: &Found) -> bool {
    match column.kind.as_str() {
        "text" => true,
        "varchar" => length(column).is_none_or(|length| length >= 255),
        _ => false,
    }
}

/// The greatest length, if there is one.
fn length(column: &Found) -> Option<usize> {
    usize::try_from(column.modifier.checked_sub(4)?).ok()
}

/// Finds columns of times without microseconds, in which a rotation could not move an expiry by one.
fn imprecise(names: TableNames, found: &[Found]) -> impl Iterator<Item = Finding> {
    let is_imprecise = move |column: &&Found| {
        names.times.contains(&column.name.as_str())
            && column.kind.starts_with("timestamp")
            && (0..6).contains(&column.modifier)
    };
    let table = names.full_name();
    found.iter().filter(is_imprecise).map(move |Found { name, kind, .. }| {
        Finding::new(
            format!("the column {table}.{name} does not keep microseconds"),
            format!("ALTER TABLE {table} ALTER COLUMN {name} TYPE {kind}"),
        )
    })
}

/// Finds an owner's column that takes texts for equal whose bytes are not.
fn mixed_owners(names: TableNames, found: &[Found]) -> Option<Finding> {
    let is_mixed =
        |column: &&Found| Some(column.name.as_str()) == names.owner && !tells_case(column);
    let (Found { name, .. }, table) = (found.iter().find(is_mixed)?, names.full_name());
    Some(Finding::new(
        format!("the column {table}.{name} takes owners for one that differ in case"),
        format!("ALTER TABLE {table} ALTER COLUMN {name} TYPE text COLLATE \"C\""),
    ))
}
