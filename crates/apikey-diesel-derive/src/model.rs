//! What a struct says about the model.

use syn::{
    Data, DeriveInput, Error, Fields, GenericArgument, Ident, Path, PathArguments, Result, Type,
    Visibility,
};

use crate::options::{FieldOptions, Options};

/// A model, read and checked as far as names go.
pub(crate) struct Model {
    pub(crate) name: Ident,
    pub(crate) visibility: Visibility,
    pub(crate) options: Options,
    pub(crate) table: Path,
    pub(crate) record: (Ident, Type),
    pub(crate) own: Vec<Own>,
}

/// A field with a column of the application's own.
pub(crate) struct Own {
    pub(crate) name: Ident,
    pub(crate) visibility: Visibility,
    pub(crate) ty: Type,
    pub(crate) column: Ident,
    pub(crate) is_read_only: bool,
}

impl Model {
    pub(crate) fn read(input: &DeriveInput) -> Result<Self> {
        let fields = match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(fields) => &fields.named,
                _ => return Err(Error::new_spanned(&input.ident, "a key model has named fields")),
            },
            _ => return Err(Error::new_spanned(&input.ident, "a key model is a struct")),
        };
        if !input.generics.params.is_empty() {
            return Err(Error::new_spanned(&input.generics, "a key model has no parameters"));
        }
        let options = Options::read(&input.attrs)?;
        let table = options.table.clone().ok_or_else(|| {
            Error::new_spanned(
                &input.ident,
                "which table holds the keys? Write #[apikey(table = ..)], the name in `diesel::table!`",
            )
        })?;
        let mut record = None;
        let mut own = Vec::new();
        for field in fields {
            let Some(name) = field.ident.clone() else { continue };
            if is_record(&field.ty) {
                record = Some((name, field.ty.clone()));
                continue;
            }
            let FieldOptions { column, is_read_only } = FieldOptions::read(&field.attrs)?;
            own.push(Own {
                column: column.unwrap_or_else(|| name.clone()),
                visibility: field.vis.clone(),
                ty: field.ty.clone(),
                is_read_only,
                name,
            });
        }
        let record = record.ok_or_else(|| {
            Error::new_spanned(
                &input.ident,
                "the built-in columns are missing: add a field `record: KeyRecord`",
            )
        })?;
        let model = Self {
            name: input.ident.clone(),
            visibility: input.vis.clone(),
            options,
            table,
            record,
            own,
        };
        model.owner()?;
        Ok(model)
    }

    /// Returns the field that names the owner.
    pub(crate) fn owner(&self) -> Result<Option<&Own>> {
        let Some(owner) = &self.options.owner else { return Ok(None) };
        match self.own.iter().find(|own| own.name == *owner) {
            Some(own) if own.is_read_only => Err(Error::new_spanned(
                owner,
                "the owner is set when a key is created: not read_only",
            )),
            Some(own) => Ok(Some(own)),
            None => Err(Error::new_spanned(owner, "the owner is no field of this struct")),
        }
    }

    /// Returns the fields that a new key brings along.
    pub(crate) fn inserted(&self) -> impl Iterator<Item = &Own> {
        self.own.iter().filter(|own| !own.is_read_only)
    }
}

/// Whether a type is called `KeyRecord`.
fn is_record(ty: &Type) -> bool {
    matches!(ty, Type::Path(path)
        if path.path.segments.last().is_some_and(|last| last.ident == "KeyRecord"))
}

/// Returns `T` of `Option<T>`.
pub(crate) fn optional(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(ty)) => Some(ty),
        _ => None,
    }
}
