//! What the macro of the queries needs in Django's layout. Not for you.

pub use crate::django::rules::{OF_AN_APPLICATION, OF_THE_PACKAGE, id_of};

/// What MySQL's times are.
#[cfg(feature = "mysql")]
pub mod mysql {
    pub use crate::mysql::names::Time;
}

/// What PostgreSQL's times are.
#[cfg(feature = "postgres")]
pub mod postgres {
    pub use crate::postgres::names::Time;
}

/// What SQLite's times are.
#[cfg(feature = "sqlite")]
pub mod sqlite {
    pub use crate::sqlite::django::DjangoTime as Time;
}
