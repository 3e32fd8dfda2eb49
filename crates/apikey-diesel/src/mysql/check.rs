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
    findings.extend(without_transactions(conn, names).await?);
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
        self.is_of_another_type(names)
            .or_else(|| self.is_timestamp(names))
            .or_else(|| self.is_short(names))
            .or_else(|| self.may_be_null(names))
            .or_else(|| self.is_no_utf8(names))
    }

    /// Whether its values are none that the model reads.
    fn is_of_another_type(&self, names: TableNames) -> Option<Finding> {
        let (what, better) = if names.is_time(&self.name) {
            ("times", "DATETIME(6)")
        } else if names.is_text(&self.name) {
            ("texts", "VARCHAR or TEXT")
        } else {
            return None;
        };
        let holds_it = match what {
            "times" => ["datetime", "timestamp"].contains(&self.kind.as_str()),
            _ => self.length.is_some(),
        };
        let (Self { name, declared, .. }, table) = (self, names.full_name());
        (!holds_it).then(|| {
            Finding::new(
                format!(
                    "the column {table}.{name} is of the type {declared}, which holds no {what}"
                ),
                format!("make it {better}, by way of a new column: until then every key gets 503"),
            )
        })
    }

    fn is_timestamp(&self, names: TableNames) -> Option<Finding> {
        let is_time = names.times.contains(&self.name.as_str());
        (is_time && self.kind == "timestamp").then(|| {
            let problem = "is a TIMESTAMP, which ends in 2038, depends on the zone of the session, and may change \
                           itself when its row is changed";
            self.modify(names, problem, "DATETIME(6)", nullability(self))
        })
    }

    fn is_short(&self, names: TableNames) -> Option<Finding> {
        let (_, most) = names.texts.iter().find(|(text, _)| *text == self.name)?;
        let length = usize::try_from(self.length?).ok()?;
        (length < *most).then(|| {
            let longer =
                if *most > LONGEST_VARCHAR { "TEXT".into() } else { format!("VARCHAR({most})") };
            let problem = format!("cannot hold the {most} characters that it may have to");
            self.modify(names, &problem, &self.collated(&longer), nullability(self))
        })
    }

    fn may_be_null(&self, names: TableNames) -> Option<Finding> {
        let is_required = names.required.contains(&self.name.as_str());
        (is_required && self.nullable == "YES").then(|| {
            let declared = self.collated(&self.declared);
            self.modify(names, "may be null, and such a row cannot be read", &declared, "NOT NULL")
        })
    }

    /// Looks at the texts that are compared.
    fn is_no_utf8(&self, names: TableNames) -> Option<Finding> {
        let is_compared = Some(self.name.as_str()) == names.owner || self.name == names.prefix;
        let set = self.characters.as_ref().filter(|set| is_compared && !is_utf8(set))?;
        let problem = format!(
            "is {set}, which is not UTF-8: what that does not have cannot be written or found"
        );
        let declared = format!("{} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", self.declared);
        Some(self.modify(names, &problem, &declared, nullability(self)))
    }

    /// A type with the character set and the collation that the column has, if it has any.
    fn collated(&self, declared: &str) -> String {
        match (&self.characters, &self.collation) {
            (Some(set), Some(collation)) => {
                format!("{declared} CHARACTER SET {set} COLLATE {collation}")
            }
            _ => declared.to_owned(),
        }
    }

    fn modify(
        &self,
        names: TableNames,
        problem: &str,
        declared: &str,
        nullability: &str,
    ) -> Finding {
        let (Self { name, .. }, table) = (self, names.full_name());
        Finding::new(
            format!("the column {table}.{name} {problem}"),
            format!("ALTER TABLE {table} MODIFY {name} {declared} {nullability}"),
        )
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

/// The engine of the table, if it has no transactions.
const ENGINE: &str = "SELECT e.engine AS name FROM information_schema.tables t \
     JOIN information_schema.engines e ON e.engine = t.engine \
     WHERE t.table_schema = coalesce(?, DATABASE()) AND t.table_name = ? \
     AND coalesce(e.transactions, '') <> 'YES'";

#[derive(QueryableByName)]
struct Engine {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Finds a table that keeps what is undone.
async fn without_transactions<C>(conn: &mut C, names: TableNames) -> QueryResult<Option<Finding>>
where
    C: AsyncConnection<Backend = Mysql>,
{
    let engines: Vec<Engine> = diesel::sql_query(ENGINE)
        .bind::<Nullable<Text>, _>(names.schema)
        .bind::<Text, _>(names.table)
        .load(conn)
        .await?;
    let table = names.full_name();
    Ok(engines.into_iter().next().map(|Engine { name }| {
        Finding::new(
            format!(
                "the table {table} is kept by {name}, which has no transactions: what is refused is not undone, \
                 and two changes at once are not kept apart"
            ),
            format!("ALTER TABLE {table} ENGINE = InnoDB"),
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
