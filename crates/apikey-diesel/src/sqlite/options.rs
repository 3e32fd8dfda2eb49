//! What is set on every connection.

use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{CustomizeConnection, Error as PoolError};
use diesel::sql_types::Text;

/// The settings of a connection, for a pool of your own too: it is a customizer of `r2d2`.
///
/// | Pragma | Value | Why |
/// |---|---|---|
/// | `busy_timeout` | 5000 (milliseconds) | who finds the database locked waits instead of failing |
/// | `foreign_keys` | on | SQLite ignores them unless told otherwise |
/// | `journal_mode` | WAL | reading and writing do not wait for each other; stays with the file |
/// | `synchronous` | NORMAL, with WAL | no commit waits for the disk |
///
/// A database that cannot be switched to WAL, because it is read-only, in memory or in use, is used as
/// it is, with `synchronous` as it was.
///
/// # Security
/// With `synchronous = NORMAL` a commit survives the end of the process, but the last commits before a
/// loss of power may be undone: a key revoked in that moment is as it was before. If that is too much,
/// use a pool of your own, with a customizer that calls this one and then sets `synchronous = FULL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionOptions {
    busy_timeout: Duration,
    /// Whether the file is to be in WAL mode.
    writes_ahead: bool,
}

impl ConnectionOptions {
    /// Starts with a busy timeout of 5 seconds.
    #[must_use]
    pub fn new() -> Self {
        Self { busy_timeout: Duration::from_secs(5), writes_ahead: true }
    }

    /// Sets how long to wait for somebody else's lock; cut to milliseconds.
    #[must_use]
    pub fn busy_timeout(self, busy_timeout: Duration) -> Self {
        Self { busy_timeout, ..self }
    }

    /// Leaves the journal mode and `synchronous` as they are: for a file that belongs to another program.
    #[must_use]
    pub fn keep_journal_mode(self) -> Self {
        Self { writes_ahead: false, ..self }
    }

    pub(crate) fn apply(self, conn: &mut SqliteConnection) -> QueryResult<()> {
        let millis = i32::try_from(self.busy_timeout.as_millis()).unwrap_or(i32::MAX);
        conn.batch_execute(&format!("PRAGMA busy_timeout = {millis}; PRAGMA foreign_keys = ON;"))?;
        if self.writes_ahead && self.switch_to_wal(conn)? {
            conn.batch_execute("PRAGMA synchronous = NORMAL")?;
        }
        Ok(())
    }

    /// Returns whether the database is in WAL mode afterwards.
    fn switch_to_wal(self, conn: &mut SqliteConnection) -> QueryResult<bool> {
        let started = Instant::now();
        loop {
            let error = match diesel::sql_query("PRAGMA journal_mode = WAL").get_result(conn) {
                Ok(Journal { journal_mode }) => return Ok(journal_mode == "wal"),
                Err(error) => error,
            };
            let text = error.to_string();
            if text.contains("readonly") {
                return Ok(false);
            }
            if !text.contains("locked") {
                return Err(error);
            }
            // Two who switch at once would wait for each other, so SQLite refuses one without regard to
            // the busy timeout.
            if started.elapsed() >= self.busy_timeout {
                return Ok(false);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl CustomizeConnection<SqliteConnection, PoolError> for ConnectionOptions {
    fn on_acquire(&self, conn: &mut SqliteConnection) -> Result<(), PoolError> {
        Ok(self.apply(conn)?)
    }
}

#[derive(QueryableByName)]
struct Journal {
    #[diesel(sql_type = Text)]
    journal_mode: String,
}
