//! What a struct says about the model.

use syn::ext::IdentExt;
use syn::{
    Data, DeriveInput, Error, Fields, FieldsNamed, GenericArgument, Ident, Path, PathArguments,
    Result, Type, Visibility,
};

use crate::options::{FieldOptions, Layout, Options};

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
                Fields::Named(fields) => fields,
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
        let record = record(fields)?.ok_or_else(|| {
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
            own: own(fields)?,
        };
        model.owner()?;
        model.options.check_layout()?;
        model.check_id()?;
        model.columns_are_distinct()?;
        Ok(model)
    }

    /// In Django's layout keys are known by their prefix.
    fn check_id(&self) -> Result<()> {
        let (_, ty) = &self.record;
        if self.options.layout == Layout::BuiltIn || argument(ty, "KeyRecord").is_some_and(is_text)
        {
            return Ok(());
        }
        let help = "in Django's layout the id is the prefix, a text: write `KeyRecord<String>`";
        Err(Error::new_spanned(ty, help))
    }

    /// Refuses a column that two fields would read and write.
    fn columns_are_distinct(&self) -> Result<()> {
        for (index, own) in self.own.iter().enumerate() {
            if self.own[..index].iter().any(|other| other.column == own.column) {
                return Err(Error::new_spanned(&own.column, "another field has this column"));
            }
            // `record` shows nothing of the id that Django has beside the prefix.
            let is_hidden = self.options.layout == Layout::Django && own.column == "id";
            let name = self.options.built_in(&own.column);
            if let Some(name) = name.filter(|_| !(is_hidden && own.is_read_only)) {
                let (record, _) = &self.record;
                let message = format!(
                    "this is the built-in column `{name}`, which is in `{record}`; a column of your own \
                     is named by #[apikey(column = ..)]"
                );
                return Err(Error::new_spanned(&own.column, message));
            }
        }
        Ok(())
    }

    /// Returns what the table is called in the code.
    pub(crate) fn table_ident(&self) -> String {
        self.table.segments.last().map(|last| last.ident.unraw().to_string()).unwrap_or_default()
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

/// Returns the field with the built-in columns.
fn record(fields: &FieldsNamed) -> Result<Option<(Ident, Type)>> {
    let mut records = fields.named.iter().filter(|field| is_record(&field.ty));
    let Some(record) = records.next() else { return Ok(None) };
    if let Some(second) = records.next() {
        return Err(Error::new_spanned(
            second,
            "the built-in columns are in another field already",
        ));
    }
    if let Some(option) = record.attrs.iter().find(|attribute| attribute.path().is_ident("apikey"))
    {
        return Err(Error::new_spanned(
            option,
            "a built-in column is not renamed here, but at the struct: #[apikey(columns(prefix = ..))]",
        ));
    }
    Ok(record.ident.clone().map(|name| (name, record.ty.clone())))
}

/// Reads the other fields.
fn own(fields: &FieldsNamed) -> Result<Vec<Own>> {
    let own = fields.named.iter().filter(|field| !is_record(&field.ty));
    let own = own.filter_map(|field| Some((field, field.ident.clone()?)));
    own.map(|(field, name)| {
        let FieldOptions { column, is_read_only } = FieldOptions::read(&field.attrs)?;
        Ok(Own {
            column: column.unwrap_or_else(|| name.clone()),
            visibility: field.vis.clone(),
            ty: field.ty.clone(),
            is_read_only,
            name,
        })
    })
    .collect()
}

/// Whether a type is called `KeyRecord`.
fn is_record(ty: &Type) -> bool {
    matches!(ty, Type::Path(path)
        if path.path.segments.last().is_some_and(|last| last.ident == "KeyRecord"))
}

fn is_text(ty: &Type) -> bool {
    matches!(ty, Type::Path(path)
        if path.path.segments.last().is_some_and(|last| last.ident == "String"))
}

/// Returns `T` of `Option<T>`.
pub(crate) fn optional(ty: &Type) -> Option<&Type> {
    argument(ty, "Option")
}

/// Returns `T` of `Name<T>`.
fn argument<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(ty)) => Some(ty),
        _ => None,
    }
}
