//! What the macro of the queries needs in Django's layout. Not for you.

use apikey_core::Timestamp;
use apikey_core::chrono::DateTime;

pub use crate::django::rules::{OF_AN_APPLICATION, OF_THE_PACKAGE, id_of};

/// The end of a key whose times cannot be read: long before there were keys.
pub const ENDED: Timestamp = DateTime::UNIX_EPOCH;

/// The first and the last time that Python knows.
#[must_use]
pub fn calendar() -> [Timestamp; 2] {
    let at = |micros| DateTime::from_timestamp_micros(micros).unwrap_or_default();
    [at(-62_135_596_800_000_000), at(253_402_300_799_999_999)]
}

/// A time in a row.
pub trait RowTime {
    /// Whether it is one: SQLite keeps whatever is written to a column.
    fn is_readable(&self) -> bool {
        true
    }
}

/// What MySQL's times are.
#[cfg(feature = "mysql")]
pub mod mysql {
    pub use crate::mysql::names::{NOW, Time};

    /// What is true or false.
    pub type Truth = bool;

    impl super::RowTime for Time {}
}

/// What PostgreSQL's times are.
#[cfg(feature = "postgres")]
pub mod postgres {
    pub use crate::postgres::names::{NOW, Time};

    /// What is true or false.
    pub type Truth = bool;

    impl super::RowTime for Time {}
}

/// What SQLite's times are.
#[cfg(feature = "sqlite")]
pub mod sqlite {
    pub use crate::sqlite::django::{DjangoBool as Truth, DjangoTime as Time};

    /// The present time as Django writes it.
    pub const NOW: &str = "CURRENT_TIMESTAMP";
}
