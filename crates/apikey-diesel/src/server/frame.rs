//! What stands around an operation: nothing, a transaction, a lock; and its time.

use std::time::Duration;

/// What an operation needs around its steps.
pub(crate) struct Frame {
    pub(super) around: Around,
    pub(super) pace: Pace,
}

/// How long the work may take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// No time at all, if the connection is good.
    Quick,
    Usual,
    Long,
}

pub(super) enum Around {
    Nothing,
    Transaction,
    /// A transaction that holds the lock of this name to its end.
    Lock(String),
}

/// So many times the deadline of others is that of long work.
const LONG: u32 = 10;

impl Frame {
    pub(crate) fn read() -> Self {
        Self { around: Around::Nothing, pace: Pace::Usual }
    }

    /// A read of one row by its index.
    pub(crate) fn lookup() -> Self {
        Self { around: Around::Nothing, pace: Pace::Quick }
    }

    pub(crate) fn change() -> Self {
        Self { around: Around::Transaction, pace: Pace::Usual }
    }

    /// A change under the lock of this name.
    pub(crate) fn locked(name: String) -> Self {
        Self { around: Around::Lock(name), pace: Pace::Usual }
    }

    /// The same for work that takes its time.
    pub(crate) fn long(self) -> Self {
        Self { pace: Pace::Long, ..self }
    }

    pub(super) fn deadline(&self, usual: Duration) -> Duration {
        if self.pace == Pace::Long { usual.saturating_mul(LONG) } else { usual }
    }
}
