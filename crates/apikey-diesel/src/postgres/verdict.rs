//! What a failure on PostgreSQL means.

use diesel::result::{DatabaseErrorKind, Error};

use crate::server::verdict::Verdict;

/// What would come of it again, in the words of a server that speaks English. Elsewhere it is repeated for nothing.
const SETTLED: [&str; 4] = [
    "permission denied",
    "canceling statement due to statement timeout",
    "canceling statement due to lock timeout",
    "canceling statement due to user request",
];

/// Diesel keeps the code of few failures, and PostgreSQL gives the others in the language of its messages. What makes
/// a connection stale has no kind in Diesel (`cached plan must not change result type` after an `ALTER TABLE`, a
/// prepared statement that does not exist behind PgBouncer or after `DISCARD ALL`, a shutdown), so whatever has none
/// may be that.
pub(super) fn judge(error: Error) -> (Verdict, Error) {
    use DatabaseErrorKind::{
        CheckViolation, ClosedConnection, ReadOnlyTransaction, SerializationFailure,
        UnableToSendCommand, Unknown,
    };
    let (kind, info) = match error {
        Error::DatabaseError(kind, info) => (kind, info),
        Error::BrokenTransactionManager | Error::AlreadyInTransaction => {
            return (Verdict::Stale, error);
        }
        error => return (Verdict::Settled, error),
    };
    let text = info.message();
    let (verdict, kind) = match kind {
        // Also a conflict with what a standby has to apply, which ends reads there.
        SerializationFailure => (Verdict::Undone, kind),
        ClosedConnection | UnableToSendCommand | ReadOnlyTransaction => (Verdict::Stale, kind),
        Unknown if text == "deadlock detected" => (Verdict::Undone, SerializationFailure),
        Unknown if text.starts_with("value too long") => (Verdict::Settled, CheckViolation),
        Unknown if SETTLED.iter().any(|start| text.starts_with(start)) => (Verdict::Settled, kind),
        Unknown if text.starts_with("terminating connection") => (Verdict::Stale, kind),
        Unknown => (Verdict::Unclear, kind),
        // Violated constraints.
        _ => (Verdict::Settled, kind),
    };
    (verdict, Error::DatabaseError(kind, info))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_kind_is_judged_in_any_language() {
        use DatabaseErrorKind::{
            CheckViolation, ClosedConnection, ExclusionViolation, ForeignKeyViolation,
            NotNullViolation, ReadOnlyTransaction, RestrictViolation, SerializationFailure,
            UnableToSendCommand, UniqueViolation, Unknown,
        };
        for (kind, verdict) in [
            (UniqueViolation, Verdict::Settled),
            (ForeignKeyViolation, Verdict::Settled),
            (NotNullViolation, Verdict::Settled),
            (CheckViolation, Verdict::Settled),
            (RestrictViolation, Verdict::Settled),
            (ExclusionViolation, Verdict::Settled),
            (SerializationFailure, Verdict::Undone),
            (ReadOnlyTransaction, Verdict::Stale),
            (ClosedConnection, Verdict::Stale),
            (UnableToSendCommand, Verdict::Stale),
            (Unknown, Verdict::Unclear),
        ] {
            let text = Box::new("in einer anderen Sprache".to_owned());
            let (judged, _) = judge(Error::DatabaseError(kind, text));
            assert_eq!(judged, verdict, "{judged:?}");
        }
        assert_eq!(judge(Error::NotFound).0, Verdict::Settled);
        assert_eq!(judge(Error::BrokenTransactionManager).0, Verdict::Stale);
    }
}
