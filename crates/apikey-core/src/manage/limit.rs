//! The limit of keys per owner, before a store is asked to keep to it.

use std::any::TypeId;
use std::convert::Infallible;

use super::ManageError;
use super::manager::{Arrival, Manager};
use crate::model::{KeyModel, KeyStatus};
use crate::store::change::NewRecord;
use crate::store::query::KeyQuery;

impl<M: KeyModel> Manager<'_, M> {
    /// Refuses what the limit will refuse, before it costs a slow hash. The store looks again, under its lock.
    pub(super) async fn has_room(
        &self,
        new: &NewRecord<M::Extra>,
        arrival: &Arrival<'_, M>,
    ) -> Result<(), ManageError> {
        let Some(limit) = self.limit(arrival) else { return Ok(()) };
        if !self.inner().hashers.preferred().is_slow() {
            return Ok(());
        }
        let mut all = KeyQuery::new();
        all.owner = M::owner_of(&new.extra).cloned();
        let has_owners = TypeId::of::<M::Owner>() != TypeId::of::<Infallible>();
        if all.owner.is_none() && has_owners {
            // No query finds the keys of nobody alone.
            return Ok(());
        }
        let mut live = 0;
        for status in [KeyStatus::Active, KeyStatus::Disabled] {
            live += self.inner().store.count(&all.clone().status(status), new.created_at).await?;
        }
        let ends = match arrival {
            Arrival::New => 0,
            // One that ends at once makes room.
            Arrival::Successor { end, .. } => u64::from(*end <= new.created_at),
        };
        let has_room = live.saturating_sub(ends) < u64::from(limit);
        if has_room { Ok(()) } else { Err(ManageError::LimitReached { limit }) }
    }

    /// How many keys an owner may have, with those that go on for the grace of a rotation.
    pub(super) fn limit(&self, arrival: &Arrival<'_, M>) -> Option<u32> {
        let limit = self.inner().max_keys_per_owner?;
        match arrival {
            Arrival::New => Some(limit),
            Arrival::Successor { .. } => Some(limit.saturating_mul(2)),
        }
    }
}
