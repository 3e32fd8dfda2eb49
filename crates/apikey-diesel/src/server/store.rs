//! The store on a server.

use std::sync::Arc;
use std::time::Duration;

use apikey_core::{
    Finding, Found, KeyFormat, KeyPatch, KeyQuery, KeyStore, NewRecord, Page, Rotation, StoreError,
    Timestamp, async_trait,
};
use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::AsyncConnection;
use tokio::runtime::Handle;

use crate::__private::{ROWS_AT_ONCE, TIMES_AT_ONCE};
use crate::any::OpenStore;
use crate::failure::{Failure, WrongTable};
use crate::server::dialect::Dialect;
use crate::server::frame::Frame;
use crate::server::model::AsyncModel;
use crate::server::pool::ServerPool;
use crate::server::within::{OWNERS, Within};
use crate::store::DieselStore;
use crate::time::can_have_ended;
use crate::written;

#[async_trait]
impl<M, P> KeyStore<M> for DieselStore<M, P>
where
    P: ServerPool,
    M: AsyncModel<P::Backend>,
{
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<M>>, StoreError> {
        self.run(M::table(), Frame::lookup(), prefix.to_owned(), |conn, prefix| {
            Box::pin(async move { Ok(M::find_by_prefix(conn, prefix).await?) })
        })
        .await
    }

    async fn get(&self, prefix: &str, owner: Option<&M::Owner>) -> Result<Option<M>, StoreError> {
        let args = (prefix.to_owned(), owner.cloned());
        self.run(M::table(), Frame::lookup(), args, |conn, (prefix, owner)| {
            Box::pin(async move { Ok(M::get(conn, prefix, owner.as_ref()).await?) })
        })
        .await
    }

    async fn insert(&self, new: &NewRecord<M::Extra>, limit: Option<u32>) -> Result<M, StoreError> {
        M::table().can_insert(new)?;
        let frame = frame::<M, P::Backend>(new, limit);
        let inserted = self
            .run(M::table(), frame, (new.clone(), limit), |conn, (new, limit)| {
                Box::pin(async move {
                    has_room::<M, _>(conn, new, *limit).await?;
                    written::inserted(M::table(), new, M::insert(conn, new).await)
                })
            })
            .await;
        self.tell_duplicate(inserted, &new.prefix).await
    }

    async fn update(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
    ) -> Result<Option<M>, StoreError> {
        M::table().can_update(patch)?;
        let args = (id.clone(), owner.cloned(), patch.clone());
        self.run(M::table(), Frame::change(), args, |conn, (id, owner, patch)| {
            Box::pin(async move {
                let key = M::update(conn, id, owner.as_ref(), patch).await?;
                written::updated(M::table(), patch, key)
            })
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
        let args = (id.clone(), owner.cloned());
        for _ in 0..OWNERS {
            let seen = self
                .run(M::table(), Frame::read(), args.clone(), |conn, (id, owner)| {
                    let nothing = KeyPatch::default();
                    Box::pin(
                        async move { Ok(M::update(conn, id, owner.as_ref(), &nothing).await?) },
                    )
                })
                .await?;
            let Some(seen) = seen else { return Ok(None) };
            let lock = locked::<M, P::Backend>(seen.owner());
            let within = Within { id: id.clone(), patch: patch.clone(), limit, now };
            let args = (within, owner.cloned(), seen.owner().cloned());
            let outcome = self.run(M::table(), lock, args, |conn, (within, owner, seen)| {
                Box::pin(within.update(conn, owner.as_ref(), seen.as_ref()))
            });
            match outcome.await {
                Err(StoreError::Conflict) => {}
                outcome => return outcome,
            }
        }
        Err(StoreError::Conflict)
    }

    async fn end(
        &self,
        prefix: &str,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
    ) -> Result<bool, StoreError> {
        M::table().can_update(patch)?;
        let args = (prefix.to_owned(), owner.cloned(), patch.clone());
        self.run(M::table(), Frame::change(), args, |conn, (prefix, owner, patch)| {
            Box::pin(async move { Ok(M::end(conn, prefix, owner.as_ref(), patch).await?) })
        })
        .await
    }

    async fn rotate(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        rotation: &Rotation<M::Extra>,
    ) -> Result<M, StoreError> {
        M::table().can_rotate()?;
        M::table().can_insert(&rotation.successor)?;
        let args = (id.clone(), owner.cloned(), rotation.clone());
        let frame = frame::<M, P::Backend>(&rotation.successor, rotation.limit);
        let rotated = self
            .run(M::table(), frame, args, |conn, (id, owner, rotation)| {
                Box::pin(async move {
                    let Rotation { seen_expires_at, expires_at, successor, limit, .. } = rotation;
                    let owner = owner.as_ref();
                    if !M::supersede(conn, id, owner, *seen_expires_at, *expires_at).await? {
                        return Err(StoreError::Conflict.into());
                    }
                    // Its row is locked by now. A patch of nothing reads.
                    let old = M::update(conn, id, owner, &KeyPatch::default()).await?;
                    let Some(old) = old.filter(|old| rotation.inherits_from(old)) else {
                        return Err(StoreError::Conflict.into());
                    };
                    written::superseded(M::table(), &old, *seen_expires_at, *expires_at)?;
                    has_room::<M, _>(conn, successor, *limit).await?;
                    written::inserted(M::table(), successor, M::insert(conn, successor).await)
                })
            })
            .await;
        self.tell_duplicate(rotated, &rotation.successor.prefix).await
    }

    async fn touch(&self, ids: &[M::Id], at: Timestamp) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        M::table().can_touch()?;
        // In one order, so that two who touch the same keys do not wait for each other.
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        self.run(M::table(), Frame::change(), (ids, at), |conn, (ids, at)| {
            Box::pin(async move {
                for ids in ids.chunks(ROWS_AT_ONCE) {
                    M::touch(conn, ids, *at).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn touch_each(&self, uses: &[(M::Id, Timestamp)]) -> Result<(), StoreError> {
        if uses.is_empty() {
            return Ok(());
        }
        M::table().can_touch()?;
        // In one order, so that two who touch the same keys do not wait for each other.
        let mut uses = uses.to_vec();
        uses.sort_unstable();
        self.run(M::table(), Frame::change(), uses, |conn, uses| {
            Box::pin(async move {
                for uses in uses.chunks(TIMES_AT_ONCE) {
                    M::touch_each(conn, uses).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn list(&self, query: &KeyQuery<M>, now: Timestamp) -> Result<Page<M>, StoreError> {
        M::table().can_select(query)?;
        self.run(M::table(), Frame::read(), (query.clone(), now), |conn, (query, now)| {
            Box::pin(async move { Ok(M::page(conn, query, *now).await?) })
        })
        .await
    }

    async fn count(&self, query: &KeyQuery<M>, now: Timestamp) -> Result<u64, StoreError> {
        M::table().can_select(query)?;
        self.run(M::table(), Frame::read(), (query.clone(), now), |conn, (query, now)| {
            Box::pin(async move { Ok(M::count(conn, query, *now).await?) })
        })
        .await
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        if !can_have_ended(before) {
            return Ok(0);
        }
        self.run(M::table(), Frame::change().long(), (before, limit), |conn, (before, limit)| {
            Box::pin(async move { Ok(M::delete_expired(conn, *before, *limit).await?) })
        })
        .await
    }

    async fn delete_ended(
        &self,
        prefix: &str,
        owner: Option<&M::Owner>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = (prefix.to_owned(), owner.cloned(), now);
        self.run(M::table(), Frame::change(), args, |conn, (prefix, owner, now)| {
            Box::pin(async move { Ok(M::delete_ended(conn, prefix, owner.as_ref(), *now).await?) })
        })
        .await
    }

    async fn check(&self) -> Result<Vec<Finding>, StoreError> {
        self.run(M::table(), Frame::read(), (), |conn, ()| {
            Box::pin(async move { Ok(P::Backend::findings(conn, M::table()).await?) })
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

#[async_trait]
impl<M, P> OpenStore<M> for DieselStore<M, P>
where
    P: ServerPool,
    M: AsyncModel<P::Backend>,
{
    fn on_runtime(&self, runtime: Handle) -> Arc<dyn OpenStore<M>> {
        Arc::new(self.clone().on_runtime(runtime))
    }

    fn with_deadline(&self, deadline: Duration) -> Arc<dyn OpenStore<M>> {
        Arc::new(self.clone().deadline(deadline))
    }

    async fn migrate_built_in(&self) -> Result<Vec<String>, StoreError> {
        self.built_in().migrate().await
    }

    async fn pending_built_in(&self) -> Result<Vec<String>, StoreError> {
        self.built_in().pending_migrations().await
    }
}

impl<M, P> DieselStore<M, P>
where
    P: ServerPool,
    M: AsyncModel<P::Backend>,
{
    /// Tells a taken prefix from a violated constraint of the application's own, and from a number that is taken. The
    /// servers name the index, which may be called anything, so the prefix itself is looked for, afterwards.
    async fn tell_duplicate(
        &self,
        outcome: Result<M, StoreError>,
        prefix: &str,
    ) -> Result<M, StoreError> {
        let Err(StoreError::Rejected(source)) = outcome else { return outcome };
        let Some(constraint) = source.downcast_ref::<Error>().and_then(violated) else {
            return Err(StoreError::Rejected(source));
        };
        if self.get(prefix, None).await?.is_some() {
            return Err(StoreError::Duplicate);
        }
        let taken = self
            .run(M::table(), Frame::read(), constraint, |conn, constraint| {
                Box::pin(async move { Ok(P::Backend::taken(conn, M::table(), constraint).await?) })
            })
            .await;
        Err(StoreError::Rejected(match taken {
            Ok(Some(finding)) => WrongTable::new(finding, source).into(),
            Ok(None) | Err(_) => source,
        }))
    }
}

/// The name of the unique constraint that is violated, or nothing if it has none.
fn violated(error: &Error) -> Option<String> {
    match error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
            Some(info.constraint_name().unwrap_or_default().to_owned())
        }
        _ => None,
    }
}

/// What has to stand around the insertion of a key: a lock if the keys are counted.
fn frame<M: AsyncModel<DB>, DB: Dialect>(new: &NewRecord<M::Extra>, limit: Option<u32>) -> Frame {
    match limit {
        Some(_) => locked::<M, DB>(M::owner_of(&new.extra)),
        None => Frame::change(),
    }
}

/// A lock for each owner, or of the table if keys have no owner.
fn locked<M: AsyncModel<DB>, DB: Dialect>(owner: Option<&M::Owner>) -> Frame {
    Frame::locked(M::table().lock_of(owner))
}

/// Refuses a new key of an owner who has as many as are allowed, under the owner's lock.
async fn has_room<M, C>(
    conn: &mut C,
    new: &NewRecord<M::Extra>,
    limit: Option<u32>,
) -> Result<(), Failure>
where
    C: AsyncConnection,
    M: AsyncModel<C::Backend>,
{
    match limit {
        Some(limit) if M::count_live(conn, new).await? >= u64::from(limit) => {
            Err(StoreError::LimitReached { limit }.into())
        }
        _ => Ok(()),
    }
}
