//! What is shown of keys: the built-in columns, those of the model, and whether the key may be used.

use std::collections::HashSet;
use std::fmt;
use std::io;

use apikey_core::{ApiKeys, Clock, KeyModel, KeyRecord, KeyStatus, ManageError, SystemClock};
use serde_json::Value;

/// What an active key is that the model's filter refuses, as that of an owner who is locked out.
const NOT_USABLE: &str = "not usable";

/// The columns of a model beside the built-in ones, and the keys that are known to be refused.
pub(crate) struct View<M> {
    columns: Vec<Column<M>>,
    /// Whether the model may have a filter of its own.
    is_own: bool,
    refused: HashSet<String>,
}

/// A column of the model's own.
pub(crate) struct Column<M> {
    pub(crate) name: &'static str,
    pub(crate) value: ValueOf<M>,
}

/// Reads the value of a column.
type ValueOf<M> = Box<dyn Fn(&M) -> serde_json::Result<Value> + Send + Sync>;

/// A key at a moment: what is printed of it.
pub(crate) struct Row<'a, Id> {
    pub(super) record: &'a KeyRecord<Id>,
    pub(super) status: &'static str,
    /// The columns of the model's own, by their names.
    pub(super) own: Vec<(&'static str, Value)>,
}

impl<M> View<M> {
    /// Shows the built-in model, which has no filter.
    pub(crate) fn built_in() -> Self {
        Self { columns: Vec::new(), is_own: false, refused: HashSet::new() }
    }

    /// Shows a model of one's own with these columns.
    pub(crate) fn own(columns: Vec<Column<M>>) -> Self {
        Self { columns, is_own: true, refused: HashSet::new() }
    }
}

impl<M: KeyModel> View<M> {
    /// Finds out which of these keys the model's filter refuses: one lookup for each that is active, as a
    /// service makes it for a request.
    pub(crate) async fn look(&mut self, keys: &ApiKeys<M>, rows: &[M]) -> Result<(), ManageError> {
        self.refused.clear();
        if !self.is_own {
            return Ok(());
        }
        let now = SystemClock::default().now();
        let active = rows.iter().map(KeyModel::record);
        for key in active.filter(|key| key.status(now) == KeyStatus::Active) {
            if keys.is_usable(&key.prefix).await? == Some(false) {
                self.refused.insert(key.prefix.clone());
            }
        }
        Ok(())
    }

    pub(super) fn row<'a>(&self, key: &'a M) -> io::Result<Row<'a, M::Id>> {
        let record = key.record();
        let status = match record.status(SystemClock::default().now()) {
            KeyStatus::Active if self.refused.contains(&record.prefix) => NOT_USABLE,
            status => status.as_str(),
        };
        let own = self.columns.iter().map(|column| Ok((column.name, (column.value)(key)?)));
        Ok(Row { record, status, own: own.collect::<serde_json::Result<_>>()? })
    }
}

impl<M> fmt::Debug for View<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.columns.iter().map(|column| column.name);
        f.debug_struct("View").field("columns", &names.collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

/// Writes a value as text: what is text as it is, all else as in JSON.
pub(super) fn text(value: &Value, absent: &str) -> String {
    match value {
        Value::Null => absent.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
