//! What stands in `#[apikey(..)]`.

use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Expr, Ident, LitStr, Path, Result, Token, parenthesized};

/// The built-in columns that a table may lack.
pub(crate) const OPTIONAL: [&str; 5] =
    ["scopes", "expires_at", "disabled_at", "last_used_at", "rotated_from"];

/// The built-in columns that it has to have.
pub(crate) const REQUIRED: [&str; 6] =
    ["id", "prefix", "hashed_key", "name", "created_at", "revoked_at"];

/// The columns of Django's layout.
pub(crate) const DJANGO: [&str; 7] =
    ["id", "prefix", "hashed_key", "name", "created", "revoked", "expiry_date"];

/// The databases; each is a macro of `apikey-diesel`.
pub(crate) const BACKENDS: [&str; 3] = ["sqlite", "postgres", "mysql"];

/// Whose columns the table has beside the model's own.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Those of `KeyRecord`.
    #[default]
    BuiltIn,
    /// Those of Django's `AbstractAPIKey`.
    Django,
}

impl Layout {
    /// Returns the names of the columns.
    pub(crate) fn columns(self) -> impl Iterator<Item = &'static str> {
        let (required, optional): (&'static [&'static str], &'static [&'static str]) = match self {
            Self::BuiltIn => (&REQUIRED, &OPTIONAL),
            Self::Django => (&DJANGO, &[]),
        };
        required.iter().chain(optional).copied()
    }
}

/// The options of a model.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) table: Option<Path>,
    pub(crate) layout: Layout,
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
            "layout" => self.layout = layout(&meta.value()?.parse()?)?,
            "table_name" => self.table_name = Some(meta.value()?.parse()?),
            "owner" => self.owner = Some(meta.value()?.parse()?),
            "usable" => self.usable = Some(meta.value()?.parse()?),
            "new_id" => self.new_id = Some(meta.value()?.parse()?),
            "extra" => self.extra = Some(meta.value()?.parse()?),
            "backends" => self.backends = Some(names(meta, &BACKENDS)?),
            "lacks" => self.lacks.extend(names(meta, &OPTIONAL)?),
            "columns" => meta.parse_nested_meta(|column| {
                let name = column.path.require_ident()?.clone();
                let name = known(name, &[&REQUIRED[..], &OPTIONAL[..]].concat())?;
                self.columns.push((name, column.value()?.parse()?));
                Ok(())
            })?,
            _ => {
                return Err(meta.error(
                    "unknown option: write table, owner, usable, backends, columns, lacks, layout, \
                     new_id, extra or table_name",
                ));
            }
        }
        Ok(())
    }

    /// Refuses what would change columns that are Django's.
    pub(crate) fn check_layout(&self) -> Result<()> {
        if self.layout == Layout::BuiltIn {
            return Ok(());
        }
        let changed = self.columns.iter().map(|(name, _)| name).chain(&self.lacks).next();
        if let Some(name) = changed {
            return Err(Error::new_spanned(
                name,
                "with `layout = django` the columns are Django's",
            ));
        }
        match &self.new_id {
            Some(id) => Err(Error::new_spanned(id, "with `layout = django` the id is Django's")),
            None => Ok(()),
        }
    }

    /// Returns the name of the column in `record` that the table has under this one.
    pub(crate) fn built_in(&self, column: &Ident) -> Option<&'static str> {
        let all = self.layout.columns();
        let mut all = all.filter(|name| !self.lacks.iter().any(|lacking| lacking == name));
        all.find(|name| match self.columns.iter().find(|(from, _)| from == name) {
            Some((_, to)) => to == column,
            None => column == name,
        })
    }
}

fn layout(name: &Ident) -> Result<Layout> {
    if name == "django" {
        Ok(Layout::Django)
    } else {
        Err(Error::new_spanned(name, "unknown layout: write `layout = django`, or none"))
    }
}

/// Reads `(one, another)`, each of them known.
fn names(meta: &ParseNestedMeta<'_>, all: &[&str]) -> Result<Vec<Ident>> {
    let content;
    let parentheses = parenthesized!(content in meta.input);
    let names = Punctuated::<Ident, Token![,]>::parse_terminated(&content)?;
    if names.is_empty() {
        return Err(Error::new(parentheses.span.join(), expected(all)));
    }
    names.into_iter().map(|name| known(name, all)).collect()
}

fn known(name: Ident, all: &[&str]) -> Result<Ident> {
    match all.iter().any(|known| name == known) {
        true => Ok(name),
        false => Err(Error::new(name.span(), expected(all))),
    }
}

fn expected(all: &[&str]) -> String {
    format!("expected one of: {}", all.join(", "))
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
