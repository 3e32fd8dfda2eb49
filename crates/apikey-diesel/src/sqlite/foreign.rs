//! Somebody else's table in SQLite.

use apikey_core::{KeyRecord, StoreError, async_trait};
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::error::ConnectError;
use crate::failure::foreign;
use crate::import::words::Words;
use crate::import::{ForeignDatabase, ForeignRow, Number, TableName};
use crate::sqlite::SqlitePool;
use crate::sqlite::options::ConnectionOptions;
use crate::store::DieselStore;

const WORDS: Words = Words {
    quote: '"',
    parameter: "?",
    text: ["CAST(", " AS TEXT)"],
    time: "CAST({column} AS TEXT)",
    key_tables: "SELECT m.name FROM sqlite_master m WHERE m.type = 'table' AND 3 = (SELECT count(*) \
                 FROM pragma_table_info(m.name) c WHERE c.name IN ('prefix', 'hashed_key', 'revoked_at')) \
                 ORDER BY m.name",
};

pub(crate) async fn open_foreign(url: &str) -> Result<Box<dyn ForeignDatabase>, ConnectError> {
    // A file of somebody else keeps its journal.
    let options = ConnectionOptions::new().keep_journal_mode();
    Ok(Box::new(DieselStore::connect_sqlite(url, options).await?))
}

#[async_trait]
impl ForeignDatabase for DieselStore<KeyRecord, SqlitePool> {
    fn words(&self) -> &'static Words {
        &WORDS
    }

    async fn count(&self, sql: String) -> Result<i64, StoreError> {
        let query = diesel::sql_query(sql);
        let count = move |conn: &mut SqliteConnection| query.get_result(conn).map_err(foreign);
        let counted: Number = self.run(count).await?;
        Ok(counted.number)
    }

    async fn tables(&self, sql: String) -> Result<Vec<TableName>, StoreError> {
        let query = diesel::sql_query(sql);
        self.run(move |conn| query.load(conn).map_err(foreign)).await
    }

    async fn read(&self, sql: String, after: String) -> Result<Vec<ForeignRow>, StoreError> {
        let query = diesel::sql_query(sql).bind::<Text, _>(after);
        self.run(move |conn| query.load(conn).map_err(foreign)).await
    }
}
