//! Whether a proven key is let in: its state, and the permission of a guard.

use crate::clock::Timestamp;
use crate::error::DenyReason;
use crate::model::{KeyModel, KeyStatus};

/// Judges the state of a key whose secret has been proven. Expiry is told apart from revocation, so
/// revocation comes first; the application's own filter comes last, since it explains the least.
pub(crate) fn state<M: KeyModel>(
    key: &M,
    is_usable: bool,
    now: Timestamp,
) -> Result<(), DenyReason> {
    match key.record().status(now) {
        KeyStatus::Revoked => Err(DenyReason::Revoked),
        KeyStatus::Disabled => Err(DenyReason::Disabled),
        KeyStatus::Expired => Err(DenyReason::Expired),
        KeyStatus::Active if !is_usable => Err(DenyReason::OwnerNotUsable),
        KeyStatus::Active => Ok(()),
    }
}
