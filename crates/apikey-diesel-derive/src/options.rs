//! What stands in `#[apikey(..)]`.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, Ident, LitStr, Path, Result};

/// The built-in columns that a table may lack.
pub(crate) const OPTIONAL: [&str; 5] =
    ["scopes", "expires_at", "disabled_at", "last_used_at", "rotated_from"];

/// The built-in columns that it has to have.
pub(crate) const REQUIRED: [&str; 6] =
    ["id", "prefix", "hashed_key", "name", "created_at", "revoked_at"];

/// The databases; each is a macro of `apikey-diesel`.
pub(crate) const BACKENDS: [&str; 3] = ["sqlite", "postgres", "mysql"];

/// The options of a model.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) table: Option<Path>,
    pub(crate) table_name: Option<LitStr>,
    pub(crate) owner: Option<Ident>,
    pub(crate) usable: Option<Expr>,
    pub(crate) new_id: Option<Expr>,
    pub(crate) extra: Option<Ident>,
    pub(crate) backends: Option<Vec<Ident>>,
    pub(crate) lacks: Vec<Ident>,
    pub(crate) columns: Vec<(Ident, Ident)>,
}

impl Options {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut options = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("apikey")) {
            attribute.parse_nested_meta(|meta| options.read_one(&meta))?;
        }
        Ok(options)
    }

    fn read_one(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match name.as_str() {
            "table" => self.table = Some(meta.value()?.parse()?),
            "table_name" => self.table_name = Some(meta.value()?.parse()?),
            "owner" => self.owner = Some(meta.value()?.parse()?),
            "usable" => self.usable = Some(meta.value()?.parse()?),
            "new_id" => self.new_id = Some(meta.value()?.parse()?),
            "extra" => self.extra = Some(meta.value()?.parse()?),
            "backends" => self.backends = Some(names(meta, &BACKENDS)?),
            "lacks" => self.lacks.extend(names(meta, &OPTIONAL)?),
            "columns" => meta.parse_nested_meta(|column| {
                let name = known(&column, &[&REQUIRED[..], &OPTIONAL[..]].concat())?;
                self.columns.push((name, column.value()?.parse()?));
                Ok(())
            })?,
            _ => {
                return Err(meta.error(
                    "unknown option: write table, owner, usable, backends, columns, lacks, new_id, \
                     extra or table_name",
                ));
            }
        }
        Ok(())
    }

    /// Returns the table's column for a built-in one; `None` if the table lacks it.
    pub(crate) fn column(&self, name: &str) -> Option<Ident> {
        if self.lacks.iter().any(|lacking| lacking == name) {
            return None;
        }
        let renamed = self.columns.iter().find(|(from, _)| from == name);
        let span = self.table.as_ref().and_then(Path::get_ident).map(Ident::span);
        let span = span.unwrap_or_else(proc_macro2::Span::call_site);
        Some(renamed.map_or_else(|| Ident::new(name, span), |(_, to)| to.clone()))
    }
}

/// Reads `(one, another)`, each of them known.
fn names(meta: &ParseNestedMeta<'_>, all: &[&str]) -> Result<Vec<Ident>> {
    let mut names = Vec::new();
    meta.parse_nested_meta(|name| {
        names.push(known(&name, all)?);
        Ok(())
    })?;
    Ok(names)
}

fn known(meta: &ParseNestedMeta<'_>, all: &[&str]) -> Result<Ident> {
    match meta.path.get_ident() {
        Some(name) if all.iter().any(|known| name == known) => Ok(name.clone()),
        _ => Err(meta.error(format!("expected one of: {}", all.join(", ")))),
    }
}

/// The options of a field.
#[derive(Default)]
pub(crate) struct FieldOptions {
    pub(crate) column: Option<Ident>,
    pub(crate) is_read_only: bool,
}

impl FieldOptions {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut options = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("apikey")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("column") {
                    options.column = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("read_only") {
                    options.is_read_only = true;
                } else {
                    return Err(meta.error("unknown option of a field: write column or read_only"));
                }
                Ok(())
            })?;
        }
        Ok(options)
    }
}
