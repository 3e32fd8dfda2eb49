//! Whether a proven key is let in: its state, and the permission of a guard.

use crate::clock::Timestamp;
use crate::error::DenyReason;
use crate::model::{KeyModel, KeyStatus};
use crate::store::Found;

/// Judges the state of a key whose secret has been proven. Expiry is told apart from revocation, so
/// revocation comes first; the application's own filter comes last, since it explains the least.
pub(crate) fn state<M: KeyModel>(found: &Found<M>, now: Timestamp) -> Result<(), DenyReason> {
    match found.key.record().status(now) {
        KeyStatus::Revoked => Err(DenyReason::Revoked),
        KeyStatus::Disabled => Err(DenyReason::Disabled),
        KeyStatus::Expired => Err(DenyReason::Expired),
        KeyStatus::Active if !found.is_usable => Err(DenyReason::OwnerNotUsable),
        KeyStatus::Active => Ok(()),
    }
}
