//! Why the keys of another system cannot be read, told without the value of an option.

use std::error::Error;
use std::fmt;

use apikey_diesel::import::{DjangoTable, ReadError};

/// Why the keys of another system cannot be read. The name of a table is not repeated, like no value of an
/// option, unless it is the usual one.
#[derive(Debug)]
pub(crate) struct Unreadable(pub(crate) ReadError);

impl Unreadable {
    /// What is said in place of the error, where that names the table.
    fn instead(&self) -> Option<&'static str> {
        match &self.0 {
            ReadError::NoTable { table, .. } if table != DjangoTable::NAME => {
                Some("the database has no such table as --table names")
            }
            ReadError::NoColumn { table, .. } if table != DjangoTable::NAME => Some(
                "the table that --table names does not have the columns of an API key of Django",
            ),
            _ => None,
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.instead() {
            Some(text) => f.write_str(text),
            None => self.0.fmt(f),
        }
    }
}

impl Error for Unreadable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        if self.instead().is_some() { None } else { self.0.source() }
    }
}
