//! The store on SQLite: every operation is one visit to a thread for blocking work.

use apikey_core::{
    Finding, Found, KeyFormat, KeyPatch, KeyQuery, KeyStore, NewRecord, Page, Rotation, StoreError,
    Timestamp, async_trait,
};
use diesel::sqlite::{Sqlite, SqliteConnection};
use tokio::runtime::Handle;

use crate::__private::{ROWS_AT_ONCE, TIMES_AT_ONCE};
use crate::failure::{Failure, unavailable};
use crate::model::BlockingModel;
use crate::sqlite::change::change;
use crate::sqlite::file::Foreign;
use crate::sqlite::gate::{Gate, Turn};
use crate::sqlite::{SqlitePool, check};
use crate::store::{DieselStore, Pool, Sealed, beside};
use crate::time::can_have_ended;
use crate::written;

impl Sealed for SqlitePool {}

impl Pool for SqlitePool {
    type Queue = Gate;

    fn queue(&self) -> Gate {
        Gate::new(self.max_size(), self.connection_timeout())
    }
}

impl<M: BlockingModel<Sqlite>> DieselStore<M, SqlitePool> {
    /// Runs queries on a connection, on a thread for blocking work.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> Result<T, Failure> + Send + 'static,
    {
        let runtime = self.runtime()?;
        let turn = self.queue.enter().await.map_err(unavailable)?;
        self.visit(&runtime, turn, work).await
    }

    /// Runs statements of which some write.
    pub(crate) async fn run_to_write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> Result<T, Failure> + Send + 'static,
    {
        let runtime = self.runtime()?;
        let turn = self.queue.enter_to_write().await.map_err(unavailable)?;
        self.visit(&runtime, turn, work).await
    }

    /// A future that is dropped before its turn has done nothing; later, `work` runs to its end all the
    /// same, so that no transaction is left open.
    async fn visit<T, F>(&self, runtime: &Handle, turn: Turn, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> Result<T, Failure> + Send + 'static,
    {
        let (pool, watch, now) = (self.pool.clone(), self.queue.watch.clone(), turn.since);
        let work = move || {
            // Given back after the connection, or the next in turn would find none.
            let _turn = turn;
            let mut conn = pool.get().map_err(unavailable)?;
            watch.look(&mut conn, now);
            work(&mut conn).map_err(|failure| match failure {
                Failure::Query(error) => match Foreign::explain(error, watch.path()) {
                    Ok(foreign) => unavailable(foreign),
                    Err(error) => Failure::Query(error).into_store_error(M::table()),
                },
                failure @ Failure::Store(_) => failure.into_store_error(M::table()),
            })
        };
        runtime.spawn_blocking(work).await.map_err(unavailable)?
    }

    /// Runs statements that are one change.
    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> Result<T, Failure> + Send + 'static,
    {
        self.run_to_write(|conn| change(conn, work)).await
    }
}

#[async_trait]
impl<M: BlockingModel<Sqlite>> KeyStore<M> for DieselStore<M, SqlitePool> {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<M>>, StoreError> {
        let prefix = prefix.to_owned();
        self.run(move |conn| Ok(M::find_by_prefix(conn, &prefix)?)).await
    }

    async fn get(&self, prefix: &str, owner: Option<&M::Owner>) -> Result<Option<M>, StoreError> {
        let (prefix, owner) = (prefix.to_owned(), owner.cloned());
        self.run(move |conn| Ok(M::get(conn, &prefix, owner.as_ref())?)).await
    }

    async fn insert(&self, new: &NewRecord<M::Extra>, limit: Option<u32>) -> Result<M, StoreError> {
        M::table().can_insert(new)?;
        let new = new.clone();
        self.write(move |conn| {
            has_room::<M>(conn, &new, limit)?;
            written::inserted(M::table(), &new, M::insert(conn, &new))
        })
        .await
    }

    async fn update(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
    ) -> Result<Option<M>, StoreError> {
        M::table().can_update(patch)?;
        let (id, owner, patch) = (id.clone(), owner.cloned(), patch.clone());
        self.write(move |conn| {
            let key = M::update(conn, &id, owner.as_ref(), &patch)?;
            written::updated(M::table(), &patch, key)
        })
        .await
    }

    async fn update_within(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<M>, StoreError> {
        M::table().can_update(patch)?;
        let (id, owner, patch) = (id.clone(), owner.cloned(), patch.clone());
        // Nobody else can write from the beginning of the change to its end.
        self.write(move |conn| {
            let before = M::update(conn, &id, owner.as_ref(), &KeyPatch::default())?;
            let key = M::update(conn, &id, owner.as_ref(), &patch)?;
            let Some((before, key)) = before.zip(key) else { return Ok(None) };
            let is_counted = patch.prolongs(before.record()) && key.record().counts_at(now);
            if is_counted && M::count_live(conn, &beside(&key, now))? > u64::from(limit) {
                return Err(StoreError::LimitReached { limit }.into());
            }
            written::updated(M::table(), &patch, Some(key))
        })
        .await
    }

    async fn end(
        &self,
        prefix: &str,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
    ) -> Result<bool, StoreError> {
        M::table().can_update(patch)?;
        let (prefix, owner, patch) = (prefix.to_owned(), owner.cloned(), patch.clone());
        self.write(move |conn| Ok(M::end(conn, &prefix, owner.as_ref(), &patch)?)).await
    }

    async fn rotate(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        rotation: &Rotation<M::Extra>,
    ) -> Result<M, StoreError> {
        M::table().can_rotate()?;
        M::table().can_insert(&rotation.successor)?;
        let (id, owner, rotation) = (id.clone(), owner.cloned(), rotation.clone());
        self.write(move |conn| {
            let Rotation { seen_expires_at, expires_at, successor, limit, .. } = &rotation;
            if !M::supersede(conn, &id, owner.as_ref(), *seen_expires_at, *expires_at)? {
                return Err(StoreError::Conflict.into());
            }
            // Nobody else can change it any more. A patch of nothing reads.
            let old = M::update(conn, &id, owner.as_ref(), &KeyPatch::default())?;
            let Some(old) = old.filter(|old| rotation.inherits_from(old)) else {
                return Err(StoreError::Conflict.into());
            };
            written::superseded(M::table(), &old, *seen_expires_at, *expires_at)?;
            has_room::<M>(conn, successor, *limit)?;
            written::inserted(M::table(), successor, M::insert(conn, successor))
        })
        .await
    }

    async fn touch(&self, ids: &[M::Id], at: Timestamp) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        M::table().can_touch()?;
        let ids = ids.to_vec();
        self.write(move |conn| {
            for ids in ids.chunks(ROWS_AT_ONCE) {
                M::touch(conn, ids, at)?;
            }
            Ok(())
        })
        .await
    }

    async fn touch_each(&self, uses: &[(M::Id, Timestamp)]) -> Result<(), StoreError> {
        if uses.is_empty() {
            return Ok(());
        }
        M::table().can_touch()?;
        let uses = uses.to_vec();
        self.write(move |conn| {
            for uses in uses.chunks(TIMES_AT_ONCE) {
                M::touch_each(conn, uses)?;
            }
            Ok(())
        })
        .await
    }

    async fn list(&self, query: &KeyQuery<M>, now: Timestamp) -> Result<Page<M>, StoreError> {
        M::table().can_select(query)?;
        let query = query.clone();
        self.run(move |conn| Ok(M::page(conn, &query, now)?)).await
    }

    async fn count(&self, query: &KeyQuery<M>, now: Timestamp) -> Result<u64, StoreError> {
        M::table().can_select(query)?;
        let query = query.clone();
        self.run(move |conn| Ok(M::count(conn, &query, now)?)).await
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        if !can_have_ended(before) {
            return Ok(0);
        }
        self.write(move |conn| Ok(M::delete_expired(conn, before, limit)?)).await
    }

    async fn delete_ended(
        &self,
        prefix: &str,
        owner: Option<&M::Owner>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (prefix, owner) = (prefix.to_owned(), owner.cloned());
        self.write(move |conn| Ok(M::delete_ended(conn, &prefix, owner.as_ref(), now)?)).await
    }

    async fn check(&self) -> Result<Vec<Finding>, StoreError> {
        let watch = self.queue.watch.clone();
        self.run(move |conn| {
            let mut findings = check::findings(conn, M::table())?;
            findings.extend(watch.finding());
            Ok(findings)
        })
        .await
    }

    fn writable_encodings(&self) -> Option<&[&str]> {
        M::table().writable_encodings()
    }

    fn can_write_format(&self, format: &KeyFormat) -> bool {
        M::table().can_write_format(format)
    }
}

/// Refuses a new key of an owner who has as many as are allowed, while nobody else can write.
fn has_room<M: BlockingModel<Sqlite>>(
    conn: &mut SqliteConnection,
    new: &NewRecord<M::Extra>,
    limit: Option<u32>,
) -> Result<(), Failure> {
    match limit {
        Some(limit) if M::count_live(conn, new)? >= u64::from(limit) => {
            Err(StoreError::LimitReached { limit }.into())
        }
        _ => Ok(()),
    }
}
