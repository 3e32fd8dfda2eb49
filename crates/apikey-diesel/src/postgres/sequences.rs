//! Whether the numbers of new rows are free.

use apikey_core::Finding;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::dialect::quoted;
use crate::model::TableNames;

/// The columns that a sequence numbers, and the number that it gave last.
const SEQUENCES: &str = "SELECT quote_ident(a.attname::text) AS name, s.sequence, \
         CASE WHEN has_sequence_privilege(s.sequence::regclass, 'USAGE') \
             OR has_sequence_privilege(s.sequence::regclass, 'SELECT') \
             THEN coalesce(pg_sequence_last_value(s.sequence::regclass), 0) END AS last \
     FROM pg_attribute a \
     CROSS JOIN LATERAL (SELECT pg_get_serial_sequence($1, a.attname::text) AS sequence) s \
     WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped \
     AND s.sequence IS NOT NULL AND has_column_privilege(a.attrelid, a.attnum, 'SELECT') \
     ORDER BY a.attnum";

/// What the primary key of this name is made of, if a sequence numbers it.
const TAKEN: &str = "SELECT quote_ident(a.attname::text) AS name, s.sequence, 0::bigint AS last \
     FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) \
     CROSS JOIN LATERAL (SELECT pg_get_serial_sequence($1, a.attname::text) AS sequence) s \
     WHERE c.conrelid = to_regclass($1) AND c.contype = 'p' AND c.conname = $2 AND s.sequence IS NOT NULL";

#[derive(QueryableByName)]
struct Sequence {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sequence: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    last: Option<i64>,
}

impl Sequence {
    fn fix(&self, names: TableNames) -> String {
        let (Self { name, sequence, .. }, table) = (self, names.full_name());
        format!("SELECT setval('{sequence}', (SELECT max({name}) FROM {table}))")
    }
}

#[derive(QueryableByName)]
struct Greatest {
    #[diesel(sql_type = Nullable<BigInt>)]
    number: Option<i64>,
}

/// Finds sequences that give numbers which rows have already, as after rows were copied with their ids.
pub(super) async fn behind<C>(conn: &mut C, names: TableNames) -> QueryResult<Vec<Finding>>
where
    C: AsyncConnection<Backend = Pg>,
{
    let sequences: Vec<Sequence> =
        diesel::sql_query(SEQUENCES).bind::<Text, _>(quoted(names)).load(conn).await?;
    let mut findings = Vec::new();
    for sequence in sequences {
        let Sequence { name, last: Some(last), .. } = &sequence else { continue };
        let greatest = format!("SELECT max({name})::bigint AS number FROM {}", quoted(names));
        let greatest: Greatest = diesel::sql_query(greatest).get_result(conn).await?;
        if greatest.number.is_some_and(|number| number > *last) {
            findings.push(Finding::new(
                format!(
                    "the sequence {} is behind the column {}.{name}: new keys get ids that are taken, and are \
                     rejected",
                    sequence.sequence,
                    names.full_name(),
                ),
                sequence.fix(names),
            ));
        }
    }
    Ok(findings)
}

/// Says what to do if a new row was refused by this constraint because its number was taken.
pub(super) async fn taken<C>(
    conn: &mut C,
    names: TableNames,
    constraint: &str,
) -> QueryResult<Option<Finding>>
where
    C: AsyncConnection<Backend = Pg>,
{
    let sequence: Option<Sequence> = diesel::sql_query(TAKEN)
        .bind::<Text, _>(quoted(names))
        .bind::<Text, _>(constraint)
        .get_result(conn)
        .await
        .optional()?;
    Ok(sequence.map(|sequence| {
        Finding::new(
            format!(
                "the sequence {} gave an id that another row has ({constraint}): it is behind, as after rows were \
                 copied with their ids",
                sequence.sequence
            ),
            format!("run {}", sequence.fix(names)),
        )
    }))
}
