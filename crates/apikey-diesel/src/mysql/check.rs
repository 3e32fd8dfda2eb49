//! Mistakes of set-up that would show up late.

use apikey_core::Finding;
use diesel::mysql::Mysql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::rights;
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
     WHERE c.table_schema = coalesce(?, DATABASE()) AND c.table_name = ? \
     ORDER BY c.ordinal_position";

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
    findings.extend(found.iter().filter_map(|column| column.lacks(names)));
    findings.extend(imprecise(names, &found));
    findings.extend(mixed_owners(names, &found));
    findings.extend(lax(conn).await?);
    findings.extend(rights::missing(conn, names).await?);
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

impl Found {
    /// What the column cannot do that every column of its kind has to.
    fn lacks(&self, names: TableNames) -> Option<Finding> {
        let (Self { name, declared, .. }, table) = (self, names.full_name());
        let finding = |problem: &str, declared: &str, nullability: &str| {
            let fix = format!("ALTER TABLE {table} MODIFY {name} {declared} {nullability}");
            Finding::new(format!("the column {table}.{name} {problem}"), fix)
        };
        if names.times.contains(&name.as_str()) && self.kind == "timestamp" {
            let problem = "is a TIMESTAMP, which ends in 2038, depends on the zone of the session, and may change \
                           itself when its row is changed";
            return Some(finding(problem, "DATETIME(6)", nullability(self)));
        }
        let characters = self.characters.as_deref().unwrap_or("binary");
        let collated = |declared: &str| {
            let collation = self.collation.as_deref().unwrap_or(characters);
            format!("{declared} CHARACTER SET {characters} COLLATE {collation}")
        };
        let most = names.texts.iter().find(|(text, _)| text == name).map(|(_, most)| *most);
        let is_longer = |most: usize| {
            self.length
                .and_then(|length| usize::try_from(length).ok())
                .is_some_and(|length| most > length)
        };
        if let Some(most) = most.filter(|most| is_longer(*most)) {
            let longer =
                if most > LONGEST_VARCHAR { "TEXT".into() } else { format!("VARCHAR({most})") };
            let problem = format!("cannot hold the {most} characters that it may have to");
            return Some(finding(&problem, &collated(&longer), nullability(self)));
        }
        if names.required.contains(&name.as_str()) && self.nullable == "YES" {
            let declared =
                if self.characters.is_some() { collated(declared) } else { declared.clone() };
            return Some(finding(
                "may be null, and such a row cannot be read",
                &declared,
                "NOT NULL",
            ));
        }
        let is_text_of_ours = Some(name.as_str()) == names.owner || name == names.prefix;
        if is_text_of_ours && self.characters.is_some() && !is_utf8(characters) {
            let problem = format!(
                "is {characters}, which is not UTF-8: what that does not have cannot be written or found"
            );
            let declared = format!("{declared} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
            return Some(finding(&problem, &declared, nullability(self)));
        }
        None
    }
}

/// Whether texts in this character set are UTF-8, or a part of it.
fn is_utf8(characters: &str) -> bool {
    ["utf8mb4", "utf8mb3", "utf8", "ascii"].contains(&characters)
}

/// What is longer is better kept beside the row.
const LONGEST_VARCHAR: usize = 1000;

/// Finds a server that cuts what is too long. The crate's own connections are always strict.
async fn lax<C>(conn: &mut C) -> QueryResult<Option<Finding>>
where
    C: AsyncConnection<Backend = Mysql>,
{
    let mode: Mode = diesel::sql_query("SELECT CAST(@@SESSION.sql_mode AS CHAR) AS mode")
        .get_result(conn)
        .await?;
    let is_strict = mode.mode.split(',').any(|part| part.starts_with("STRICT_"));
    Ok((!is_strict).then(|| {
        Finding::new(
            "the mode of these connections is not strict: what is too long for a column is cut without an error",
            "SET GLOBAL sql_mode = CONCAT_WS(',', NULLIF(@@GLOBAL.sql_mode, ''), 'STRICT_TRANS_TABLES')",
        )
    }))
}

#[derive(QueryableByName)]
struct Mode {
    #[diesel(sql_type = Text)]
    mode: String,
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
            && column.kind != "timestamp"
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
    let characters =
        column.characters.as_ref().filter(|set| !tells_case(column) && is_utf8(set))?;
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
