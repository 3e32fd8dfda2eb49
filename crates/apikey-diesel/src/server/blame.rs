//! Whether a failure on a server comes from its table.

use diesel::result::Error;

use crate::failure::{Failure, WrongTable, missing_column, missing_table, unavailable};
use crate::model::TableNames;

/// Says what is wrong with a table, if these are not the columns that it should have.
pub(super) fn blame_table(error: Error, names: TableNames, columns: &[String]) -> Failure {
    let is_missing = |name: &&&str| columns.iter().all(|column| column != **name);
    let finding = match names.columns.iter().find(is_missing) {
        None => return Failure::Query(error),
        // Where there is no column, there is no table.
        Some(_) if columns.is_empty() => missing_table(names),
        Some(column) => missing_column(names, column),
    };
    Failure::Store(unavailable(WrongTable::new(finding, error)))
}
