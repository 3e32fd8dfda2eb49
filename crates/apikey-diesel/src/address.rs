//! Where a database is, without anything secret.

use std::fmt;

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
