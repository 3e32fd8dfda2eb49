//! Where a page of keys ends.

use apikey_core::Cursor;
use apikey_core::chrono::DateTime;
use serde::{Deserialize, Serialize};

/// A place in the list, as text that members hand back: `<microseconds since 1970>.<id>`.
///
/// It is the library's cursor and not the last key of the page: that may be one that was purged meanwhile, and a page
/// of rows that cannot be read has none. It opens nothing, since the list is that of the member's organization
/// whatever the place is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Place(Cursor<i64>);

impl Place {
    pub(crate) fn cursor(self) -> Cursor<i64> {
        self.0
    }
}

impl From<Cursor<i64>> for Place {
    fn from(cursor: Cursor<i64>) -> Self {
        Self(cursor)
    }
}

impl From<Place> for String {
    fn from(Place(cursor): Place) -> Self {
        format!("{}.{}", cursor.created_at.timestamp_micros(), cursor.id)
    }
}

impl TryFrom<String> for Place {
    type Error = &'static str;

    /// Does not repeat the text: somebody may have put a whole key there.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let read = || {
            let (micros, id) = text.split_once('.')?;
            let created_at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
            Some(Self(Cursor::new(created_at, id.parse().ok()?)))
        };
        read().ok_or("`after` is the `next` of a page")
    }
}
