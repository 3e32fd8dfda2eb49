//! Where a database is, without anything secret.

use std::fmt;

use crate::error::{ConnectError, scheme};
use crate::sqlite;

/// A server and a database, without user and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.host, self.port, self.database)
    }
}

/// A URL without the white space around it: a file that it was read from ends with a newline, or one and a carriage
/// return.
pub(crate) fn trimmed(url: &str) -> &str {
    url.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// Looks for mistakes in the URL of a SQLite file, and opens nothing: for a program that puts a mode of its own behind
/// a URL, since whoever says the mode is taken to mean the name before it. URLs of servers are not looked at.
///
/// Returns what looks like a mistake in the name of a file that is there, in words that go on after "the database URL".
/// Opening it logs them as a warning.
///
/// # Errors
/// [`ConnectError::Url`] for what opening refuses: the same, where there is no such file, and what is no URL of a file.
///
/// # Examples
/// ```
/// use apikey_diesel::{ConnectError, url_doubt};
///
/// assert_eq!(url_doubt("sqlite://app.db")?, None);
/// assert_eq!(url_doubt("postgres://me:secret@db/app?mode=rw")?, None);
/// # #[cfg(feature = "sqlite")]
/// assert!(matches!(url_doubt("sqlite://app.db?cache=shared"), Err(ConnectError::Url { .. })));
/// # Ok::<(), ConnectError>(())
/// ```
pub fn url_doubt(url: &str) -> Result<Option<&'static str>, ConnectError> {
    if scheme(trimmed(url)) == "sqlite" { sqlite::doubt(url) } else { Ok(None) }
}
