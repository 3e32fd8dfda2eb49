//! Reading somebody else's table on a server.

/// Implements [`ForeignDatabase`](crate::import::ForeignDatabase) for one type of pool. What opens it,
/// and its `WORDS`, stand beside it.
macro_rules! foreign_database {
    ($Pool:ty) => {
        use apikey_core::{KeyRecord, StoreError, async_trait};
        use diesel::sql_types::Text;
        use diesel_async::RunQueryDsl;

        use $crate::error::ConnectError;
        use $crate::import::{ForeignDatabase, ForeignRow, Number, TableName};
        use $crate::model::TableNames;
        use $crate::server::frame::Frame;
        use $crate::store::DieselStore;

        type Store = DieselStore<KeyRecord, $Pool>;

        /// No table of ours, which would be looked at if something is wrong.
        fn names() -> TableNames {
            TableNames::new("", "", "", &[])
        }

        pub(crate) async fn open_foreign(
            url: &str,
        ) -> Result<Box<dyn ForeignDatabase>, ConnectError> {
            Ok(Box::new(Store::new(open(&address(url)?).await?)))
        }

        #[async_trait]
        impl ForeignDatabase for Store {
            fn words(&self) -> &'static Words {
                &WORDS
            }

            async fn count(&self, sql: String) -> Result<i64, StoreError> {
                self.run(names(), Frame::read().long(), sql, |conn, sql| {
                    Box::pin(async move {
                        let query = diesel::sql_query(sql.as_str());
                        let counted: Number = query.get_result(conn).await?;
                        Ok(counted.number)
                    })
                })
                .await
            }

            async fn tables(&self, sql: String) -> Result<Vec<TableName>, StoreError> {
                self.run(names(), Frame::read(), sql, |conn, sql| {
                    Box::pin(async move { Ok(diesel::sql_query(sql.as_str()).load(conn).await?) })
                })
                .await
            }

            async fn read(
                &self,
                sql: String,
                after: String,
            ) -> Result<Vec<ForeignRow>, StoreError> {
                self.run(names(), Frame::read(), (sql, after), |conn, (sql, after)| {
                    Box::pin(async move {
                        let query = diesel::sql_query(sql.as_str()).bind::<Text, _>(after.as_str());
                        Ok(query.load(conn).await?)
                    })
                })
                .await
            }
        }
    };
}

pub(crate) use foreign_database;
