//! A mapping written by hand: a key is spread over two tables, times are numbers, and whether a key may be used is
//! the customer's affair.

use std::sync::Arc;

use apikey_conformance::{StoreFixture, async_trait, store_suite};
use apikey_core::chrono::DateTime;
use apikey_core::{
    Found, HashedKey, KeyModel, KeyPatch, KeyQuery, KeyRecord, KeyStatus, KeyStore, NewRecord,
    Scopes, Timestamp,
};
use apikey_diesel::diesel;
use apikey_diesel::diesel::connection::LoadConnection;
use apikey_diesel::diesel::prelude::*;
use apikey_diesel::diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use apikey_diesel::diesel::result::Error;
use apikey_diesel::diesel::sql_types::{BigInt, Bool, Nullable, Text};
use apikey_diesel::diesel::sqlite::Sqlite;
use apikey_diesel::{BlockingModel, TableNames};
use tempfile::TempDir;

use crate::tables::{self, Two, two};

/// Customer 3 has left.
const TABLES: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, has_left BOOLEAN NOT NULL);
    INSERT INTO customers VALUES (1, FALSE), (2, FALSE), (3, TRUE);
    CREATE TABLE secrets (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        prefix TEXT NOT NULL UNIQUE,
        hashed_key TEXT NOT NULL
    );
    CREATE TABLE grants (
        secret_id INTEGER PRIMARY KEY REFERENCES secrets (id),
        customer_id INTEGER NOT NULL REFERENCES customers (id),
        label TEXT NOT NULL,
        scopes TEXT NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER,
        disabled INTEGER,
        revoked INTEGER,
        used INTEGER,
        rotated_from TEXT
    );";

const FROM: &str = "FROM secrets s JOIN grants g ON g.secret_id = s.id";

#[derive(Debug, Clone)]
pub(crate) struct CustomerKey {
    record: KeyRecord,
    customer: i64,
}

impl KeyModel for CustomerKey {
    type Id = i64;
    type Extra = i64;
    type Owner = i64;

    fn record(&self) -> &KeyRecord {
        &self.record
    }

    fn from_parts(record: KeyRecord, customer: i64) -> Self {
        Self { record, customer }
    }

    fn extra(&self) -> i64 {
        self.customer
    }

    fn owner(&self) -> Option<&i64> {
        Some(&self.customer)
    }

    fn owner_of(customer: &i64) -> Option<&i64> {
        Some(customer)
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    prefix: String,
    #[diesel(sql_type = Text)]
    hashed_key: String,
    #[diesel(sql_type = BigInt)]
    customer_id: i64,
    #[diesel(sql_type = Text)]
    label: String,
    #[diesel(sql_type = Text)]
    scopes: String,
    #[diesel(sql_type = BigInt)]
    created: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    expires: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    disabled: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    revoked: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    used: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    rotated_from: Option<String>,
    #[diesel(sql_type = Bool)]
    is_usable: bool,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

impl Row {
    fn into_found(self) -> QueryResult<Found<CustomerKey>> {
        let scopes = Scopes::parse(&self.scopes);
        let scopes = scopes.map_err(|error| Error::DeserializationError(Box::new(error)))?;
        let hashed_key = HashedKey::new(self.hashed_key);
        let created_at = time(self.created)?;
        let record = KeyRecord::new(self.id, self.prefix, hashed_key, self.label, created_at)
            .with_scopes(scopes)
            .with_expires_at(self.expires.map(time).transpose()?)
            .with_disabled_at(self.disabled.map(time).transpose()?)
            .with_revoked_at(self.revoked.map(time).transpose()?)
            .with_last_used_at(self.used.map(time).transpose()?)
            .with_rotated_from(self.rotated_from);
        let key = CustomerKey { record, customer: self.customer_id };
        Ok(Found::new(key, self.is_usable))
    }
}

fn time(micros: i64) -> QueryResult<Timestamp> {
    let time = DateTime::from_timestamp_micros(micros);
    time.ok_or_else(|| Error::DeserializationError("no time of the calendar".into()))
}

fn micros(time: Timestamp) -> i64 {
    time.timestamp_micros()
}

/// A statement, put together piece by piece.
struct Statement {
    query: BoxedSqlQuery<'static, Sqlite, SqlQuery>,
}

impl Statement {
    fn new(sql: &str) -> Self {
        Self { query: diesel::sql_query(sql).into_boxed() }
    }

    /// The keys that the conditions select.
    fn keys() -> Self {
        Self::new(&format!(
            "SELECT s.id, prefix, hashed_key, customer_id, label, scopes, created, expires, disabled, \
             revoked, used, rotated_from, NOT c.has_left AS is_usable {FROM} \
             JOIN customers c ON c.id = g.customer_id WHERE TRUE"
        ))
    }

    fn sql(self, sql: &str) -> Self {
        Self { query: self.query.sql(sql) }
    }

    fn number(self, sql: &str, number: i64) -> Self {
        Self { query: self.query.sql(sql).sql("?").bind::<BigInt, _>(number) }
    }

    fn text(self, sql: &str, text: &str) -> Self {
        Self { query: self.query.sql(sql).sql("?").bind::<Text, _>(text.to_owned()) }
    }

    fn optional_number(self, sql: &str, number: Option<i64>) -> Self {
        Self { query: self.query.sql(sql).sql("?").bind::<Nullable<BigInt>, _>(number) }
    }

    fn optional_text(self, sql: &str, text: Option<&str>) -> Self {
        Self {
            query: self.query.sql(sql).sql("?").bind::<Nullable<Text>, _>(text.map(str::to_owned)),
        }
    }

    /// Sets a time, if there is one to set.
    fn time(self, column: &str, new: Option<Option<Timestamp>>) -> Self {
        match new {
            Some(time) => self.optional_number(&format!(", {column} = "), time.map(micros)),
            None => self,
        }
    }

    fn owned_by(self, owner: Option<&i64>) -> Self {
        match owner {
            Some(owner) => self.number(" AND customer_id = ", *owner),
            None => self,
        }
    }

    fn load<C>(self, conn: &mut C) -> QueryResult<Vec<Found<CustomerKey>>>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        let rows: Vec<Row> = self.query.load(conn)?;
        rows.into_iter().map(Row::into_found).collect()
    }

    fn first<C>(self, conn: &mut C) -> QueryResult<Option<CustomerKey>>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        Ok(self.load(conn)?.into_iter().next().map(|found| found.key))
    }

    fn get_number<C>(self, conn: &mut C) -> QueryResult<i64>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        let row: Number = self.query.get_result(conn)?;
        Ok(row.number)
    }

    fn execute<C>(self, conn: &mut C) -> QueryResult<usize>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        self.query.execute(conn)
    }

    /// What a query selects on all its pages.
    fn selected(self, query: &KeyQuery<CustomerKey>, now: Timestamp) -> Self {
        let mut statement = self.owned_by(query.owner.as_ref());
        if !query.encodings.is_empty() {
            statement = statement.sql(" AND (FALSE");
            for encoding in &query.encodings {
                statement = statement.text(" OR 1 = instr(hashed_key, ", encoding).sql(")");
            }
            statement = statement.sql(")");
        }
        for encoding in &query.not_encodings {
            statement = statement.text(" AND 1 <> instr(hashed_key, ", encoding).sql(")");
        }
        if let Some(text) = &query.search {
            statement = statement.text(" AND (prefix = ", text);
            statement = statement.text(" OR 1 = instr(label, ", text).sql("))");
        }
        if let Some(old) = &query.rotated_from {
            statement = statement.text(" AND rotated_from = ", old);
        }
        match query.status {
            None => statement,
            Some(KeyStatus::Revoked) => statement.sql(" AND revoked IS NOT NULL"),
            Some(KeyStatus::Disabled) => {
                statement.sql(" AND revoked IS NULL AND disabled IS NOT NULL")
            }
            Some(KeyStatus::Expired) => {
                let statement = statement.sql(" AND revoked IS NULL AND disabled IS NULL");
                statement.number(" AND expires <= ", micros(now))
            }
            Some(_) => {
                let statement = statement.sql(" AND revoked IS NULL AND disabled IS NULL");
                statement.number(" AND (expires IS NULL OR expires > ", micros(now)).sql(")")
            }
        }
    }
}

fn by_id<C>(conn: &mut C, id: i64, owner: Option<&i64>) -> QueryResult<Option<CustomerKey>>
where
    C: LoadConnection<Backend = Sqlite>,
{
    Statement::keys().number(" AND s.id = ", id).owned_by(owner).first(conn)
}

/// Selects the grants with these ids.
fn among(statement: Statement, ids: &[i64]) -> Statement {
    let statement = statement.sql("(NULL");
    let statement = ids.iter().fold(statement, |statement, id| statement.number(", ", *id));
    statement.sql(")")
}

impl BlockingModel<Sqlite> for CustomerKey {
    /// Those of the table with the unique prefix.
    fn table() -> TableNames {
        TableNames::new("secrets", "prefix", "hashed_key", &["id", "prefix", "hashed_key"])
    }

    fn find_by_prefix<C>(conn: &mut C, prefix: &str) -> QueryResult<Option<Found<Self>>>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        Ok(Statement::keys().text(" AND prefix = ", prefix).load(conn)?.into_iter().next())
    }

    fn get<C>(conn: &mut C, prefix: &str, owner: Option<&i64>) -> QueryResult<Option<Self>>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        Statement::keys().text(" AND prefix = ", prefix).owned_by(owner).first(conn)
    }

    fn count_live<C>(conn: &mut C, new: &NewRecord<i64>) -> QueryResult<u64>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        let live = "SELECT count(*) AS number FROM grants WHERE revoked IS NULL";
        let live = Statement::new(live).owned_by(Some(&new.extra));
        let live = live.number(" AND (expires IS NULL OR expires > ", micros(new.created_at));
        Ok(live.sql(")").get_number(conn)?.unsigned_abs())
    }

    fn insert<C>(conn: &mut C, new: &NewRecord<i64>) -> QueryResult<Self>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        Statement::new("INSERT INTO secrets (prefix, hashed_key) VALUES (")
            .text("", &new.prefix)
            .text(", ", new.hashed_key.as_str())
            .sql(")")
            .execute(conn)?;
        let id = Statement::new("SELECT last_insert_rowid() AS number").get_number(conn)?;
        Statement::new(
            "INSERT INTO grants (secret_id, customer_id, label, scopes, created, expires, disabled, \
             revoked, rotated_from) VALUES (",
        )
        .number("", id)
        .number(", ", new.extra)
        .text(", ", &new.name)
        .text(", ", new.scopes.as_str())
        .number(", ", micros(new.created_at))
        .optional_number(", ", new.expires_at.map(micros))
        .optional_number(", ", new.disabled_at.map(micros))
        .optional_number(", ", new.revoked_at.map(micros))
        .optional_text(", ", new.rotated_from.as_deref())
        .sql(")")
        .execute(conn)?;
        by_id(conn, id, None)?.ok_or(Error::NotFound)
    }

    /// The guard is about one table, and the owner about the other, so one statement asks for both; the rest
    /// of the transaction only writes.
    fn update<C>(
        conn: &mut C,
        id: &i64,
        owner: Option<&i64>,
        patch: &KeyPatch,
    ) -> QueryResult<Option<Self>>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        let scopes = patch.scopes.as_ref().map(Scopes::as_str);
        let mut update = Statement::new("UPDATE grants SET label = ")
            .optional_text("coalesce(", patch.name.as_deref())
            .optional_text(", label), scopes = coalesce(", scopes)
            .optional_number(
                ", scopes), revoked = coalesce(revoked, ",
                patch.revoked_at.map(micros),
            )
            .sql(")")
            .time("expires", patch.expires_at)
            .time("disabled", patch.disabled_at)
            .number(" WHERE secret_id = ", *id)
            .owned_by(owner);
        if let Some(seen) = &patch.if_hashed_key {
            update = update
                .text(
                    " AND secret_id IN (SELECT id FROM secrets WHERE hashed_key = ",
                    seen.as_str(),
                )
                .sql(")");
        }
        if update.execute(conn)? == 0 {
            return Ok(None);
        }
        if let Some(hash) = &patch.hashed_key {
            let rehash = Statement::new("UPDATE secrets SET").text(" hashed_key = ", hash.as_str());
            rehash.number(" WHERE id = ", *id).execute(conn)?;
        }
        by_id(conn, *id, owner)
    }

    fn supersede<C>(
        conn: &mut C,
        id: &i64,
        owner: Option<&i64>,
        seen: Option<Timestamp>,
        expires_at: Timestamp,
    ) -> QueryResult<bool>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        let update = Statement::new("UPDATE grants SET")
            .number(" expires = ", micros(expires_at))
            .number(" WHERE secret_id = ", *id)
            .optional_number(" AND expires IS ", seen.map(micros))
            .sql(" AND revoked IS NULL AND disabled IS NULL")
            .owned_by(owner);
        Ok(update.execute(conn)? > 0)
    }

    fn touch<C>(conn: &mut C, ids: &[i64], at: Timestamp) -> QueryResult<()>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        let update = Statement::new("UPDATE grants SET")
            .number(" used = ", micros(at))
            .number(" WHERE revoked IS NULL AND coalesce(used < ", micros(at));
        among(update.sql(", TRUE) AND secret_id IN "), ids).execute(conn).map(|_| ())
    }

    fn list<C>(conn: &mut C, query: &KeyQuery<Self>, now: Timestamp) -> QueryResult<Vec<Self>>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        let mut page = Statement::keys().selected(query, now);
        if let Some(after) = &query.after {
            page = page.number(" AND (created, s.id) < (", micros(after.created_at));
            page = page.number(", ", after.id).sql(")");
        }
        let page = page.sql(" ORDER BY created DESC, s.id DESC");
        let rows = page.number(" LIMIT ", i64::from(query.limit) + 1).load(conn)?;
        Ok(rows.into_iter().map(|found| found.key).collect())
    }

    fn count<C>(conn: &mut C, query: &KeyQuery<Self>, now: Timestamp) -> QueryResult<u64>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        let count = Statement::new(&format!("SELECT count(*) AS number {FROM} WHERE TRUE"));
        Ok(count.selected(query, now).get_number(conn)?.unsigned_abs())
    }

    /// The grants go first, for they refer to the secrets.
    fn delete_expired<C>(conn: &mut C, before: Timestamp, limit: u32) -> QueryResult<u64>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        let ended = Statement::keys()
            .number(" AND (expires < ", micros(before))
            .number(" OR revoked < ", micros(before))
            .number(") ORDER BY created, s.id LIMIT ", limit.into());
        let ids: Vec<_> = ended.load(conn)?.iter().map(|found| found.key.record.id).collect();
        among(Statement::new("DELETE FROM grants WHERE secret_id IN "), &ids).execute(conn)?;
        let deleted = among(Statement::new("DELETE FROM secrets WHERE id IN "), &ids);
        Ok(deleted.execute(conn)? as u64)
    }
}

struct Fixture(TempDir);

#[async_trait]
impl StoreFixture for Fixture {
    type Model = CustomerKey;

    async fn store(&self) -> Arc<dyn KeyStore<CustomerKey>> {
        Arc::new(tables::sqlite(TABLES))
    }

    async fn two_stores(&self) -> Two<CustomerKey> {
        two(tables::two_of_sqlite(&self.0, TABLES))
    }

    fn extra(&self, owner: u8) -> i64 {
        owner.into()
    }

    fn owner(&self, owner: u8) -> Option<i64> {
        Some(owner.into())
    }

    fn unusable(&self) -> Option<i64> {
        Some(3)
    }
}

store_suite!(sqlite, Fixture(tempfile::tempdir().unwrap()));

/// A prefix that is taken is found by the name of its table and column.
#[tokio::test]
async fn a_secret_without_a_grant_has_its_prefix_taken() {
    let store = tables::sqlite::<CustomerKey>(&format!(
        "{TABLES} INSERT INTO secrets (prefix, hashed_key) VALUES ('abcdefgh', '')"
    ));
    let now = time(0).unwrap();
    let new = NewRecord::new("abcdefgh", HashedKey::new("sha256$$00"), "name", now, 1);
    let taken = store.insert(&new, None).await;
    assert!(matches!(taken, Err(apikey_core::StoreError::Duplicate)), "{taken:?}");
    assert!(store.get("abcdefgh", None).await.unwrap().is_none());
    assert!(store.check().await.unwrap().is_empty());
}

/// What has no queries for it fails for a damaged row as a whole, but for requests.
#[tokio::test]
async fn a_damaged_row_refuses_its_own_key_where_the_mapping_knows_no_better() {
    let store = tables::sqlite::<CustomerKey>(&format!(
        "{TABLES} INSERT INTO secrets VALUES (1, 'damaged0', 'sha256$$00'), (2, 'readable', ''); \
         INSERT INTO grants VALUES (1, 1, 'a', '\"', 0, NULL, NULL, NULL, NULL, NULL), \
         (2, 1, 'b', '', 0, NULL, NULL, NULL, NULL, NULL);"
    ));
    let keys = apikey_core::ApiKeys::new(store);
    let text = format!("damaged0.{}", "0".repeat(32));
    let refusal = keys.verify(text).await.unwrap_err();
    assert_eq!(refusal.reason(), apikey_core::DenyReason::UnreadableRow);
    assert!(keys.get("readable").await.unwrap().is_some());
    for error in [
        keys.list(&KeyQuery::new()).await.map(drop).unwrap_err(),
        keys.revoke("damaged0").await.map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, apikey_core::ManageError::Unreadable(_)), "{error:?}");
    }
    let findings = keys.check().await.unwrap();
    let is_said = findings.iter().any(|finding| finding.problem.contains("cannot be read"));
    assert!(is_said, "{findings:?}");
    let unsupported = keys.purge_key("readable").await.unwrap_err();
    assert!(
        matches!(
            unsupported,
            apikey_core::ManageError::Store(apikey_core::StoreError::Unsupported { .. })
        ),
        "{unsupported:?}"
    );
}
