//! The derive of `apikey-diesel`, which documents and re-exports it.
//!
//! It collects names; the queries are in a macro of `apikey-diesel`, written once.

mod expand;
mod model;
mod options;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Keeps the keys of a model of your own in a table of your own.
///
/// The struct holds a field of type `KeyRecord` (or `KeyRecord<Id>`) for the built-in columns, and a field
/// for each column of yours. The derive implements `KeyModel`, `Deref` to the record, `Queryable` and
/// `Selectable`, and the queries on each database; and it makes a struct `New…` with the values that a new
/// key needs beside the built-in columns.
///
/// | Option | Meaning |
/// |---|---|
/// | `table = path` | the table, as in `diesel::table!`; required |
/// | `owner = field` | whose key it is |
/// | `usable = expression` | a Diesel condition on the table, subqueries included |
/// | `backends(sqlite, postgres, mysql)` | map to these alone |
/// | `columns(prefix = key_prefix, ..)` | built-in columns of other names |
/// | `lacks(scopes, expires_at, disabled_at, last_used_at, rotated_from)` | what the table does not have |
/// | `layout = django` | the columns are those of Django's `AbstractAPIKey`; needs the feature `django`, and a `KeyRecord<String>` |
/// | `new_id = expression` | the primary key of a new row, where the database makes none |
/// | `extra = Name` | another name for the struct `New…` |
/// | `table_name = ".."` | the name in the database, where `table!` has a `#[sql_name]` |
///
/// On a field: `column = name` for a column of another name; `read_only` for one that the database fills,
/// whose type has to be `Default`.
#[proc_macro_derive(KeyModel, attributes(apikey))]
pub fn derive_key_model(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    model::Model::read(&input)
        .map(|model| expand::expand(&model))
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
