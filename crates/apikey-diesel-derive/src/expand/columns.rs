//! Where the columns of a model are, under names that no application has.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Ident;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::model::{Model, Own};
use crate::options::{Layout, OPTIONAL};

/// A column, built in or own.
pub(super) struct Column<'a> {
    pub(super) kind: Kind<'a>,
    /// What it is called in the generated code, but for a prefix that says what has been checked of it.
    name: String,
    place: Place<'a>,
}

/// What a column holds.
#[derive(Clone, Copy)]
pub(super) enum Kind<'a> {
    Id,
    Text,
    OptionalText,
    Time,
    OptionalTime,
    Bool,
    Own(&'a Own),
}

/// How a column is found.
enum Place<'a> {
    /// By the name of the built-in column, if the table has it.
    ByName(&'static str, Span),
    /// By a name that the application wrote.
    Written(&'a Ident),
}

impl<'a> Column<'a> {
    pub(super) fn all(model: &'a Model) -> Vec<Self> {
        let built_in = model.options.layout.columns();
        let built_in = built_in.filter_map(|name| Self::built_in(model, name));
        built_in.chain(model.own.iter().map(Self::own)).collect()
    }

    fn built_in(model: &'a Model, name: &'static str) -> Option<Self> {
        let options = &model.options;
        if options.lacks.iter().any(|lacking| lacking == name) {
            return None;
        }
        let renamed = options.columns.iter().find(|(from, _)| from == name);
        let place = match renamed {
            Some((_, to)) => Place::Written(to),
            None => Place::ByName(name, model.table.span()),
        };
        Some(Self { kind: Kind::of(options.layout, name), name: name.to_owned(), place })
    }

    fn own(own: &'a Own) -> Self {
        let name = format!("own_{}", own.name.unraw());
        Self { kind: Kind::Own(own), name, place: Place::Written(&own.column) }
    }

    /// Where an error about the column belongs.
    pub(super) fn span(&self) -> Span {
        match self.place {
            Place::ByName(_, span) => span,
            Place::Written(name) => name.span(),
        }
    }

    /// The name by which it is looked up, unless the application wrote it.
    pub(super) fn looked_up(&self) -> Option<&'static str> {
        match self.place {
            Place::ByName(name, _) => Some(name),
            Place::Written(_) => None,
        }
    }

    /// Whether a table may do without.
    pub(super) fn is_optional(&self) -> bool {
        OPTIONAL.contains(&self.name.as_str())
    }

    /// Its type, of which nothing is known.
    pub(super) fn raw(&self) -> TokenStream {
        match self.place {
            Place::ByName(name, span) => found(name, span),
            Place::Written(_) => self.import().into_token_stream(),
        }
    }

    /// Its value.
    pub(super) fn value(&self) -> TokenStream {
        match self.place {
            Place::ByName(name, _) => {
                let name = format_ident!("{name}");
                quote!(<__Columns as __checks::Has<__checks::missing::#name>>::COLUMN)
            }
            Place::Written(_) => self.import().into_token_stream(),
        }
    }

    /// The name under which the table has it.
    pub(super) fn present(&self) -> Ident {
        format_ident!("__p_{}", self.name, span = self.span())
    }

    /// The name under which its SQL type fits.
    pub(super) fn fitting(&self) -> Ident {
        format_ident!("__f_{}", self.name, span = self.span())
    }

    /// The name under which one database knows its SQL type.
    pub(super) fn ready(&self) -> Ident {
        format_ident!("__c_{}", self.name)
    }

    fn import(&self) -> Ident {
        format_ident!("__r_{}", self.name, span = self.span())
    }
}

impl Kind<'_> {
    fn of(layout: Layout, name: &str) -> Self {
        match name {
            "id" if layout == Layout::BuiltIn => Self::Id,
            "created_at" | "created" => Self::Time,
            "rotated_from" => Self::OptionalText,
            "expires_at" | "disabled_at" | "revoked_at" | "last_used_at" | "expiry_date" => {
                Self::OptionalTime
            }
            "revoked" => Self::Bool,
            _ => Self::Text,
        }
    }

    /// How such a column is usually declared.
    pub(super) fn usual(self) -> &'static str {
        match self {
            Self::Id => "BigInt",
            Self::OptionalText => "Nullable<Text>",
            Self::Time => "Timestamp",
            Self::OptionalTime => "Nullable<Timestamp>",
            Self::Bool => "Bool",
            Self::Text | Self::Own(_) => "Text",
        }
    }
}

/// The code that finds the columns. What the application wrote is imported: a name that is not there is
/// one error, where it is written. The others are looked up, and found missing later.
pub(super) fn find(model: &Model, columns: &[Column<'_>]) -> TokenStream {
    let table = &model.table;
    let imports = columns.iter().filter_map(|column| {
        let Place::Written(name) = column.place else { return None };
        let import = column.import();
        Some(quote_spanned!(name.span()=> use __table::#name as #import;))
    });
    let lacking = model.options.lacks.iter().map(ToString::to_string);
    let names = columns.iter().filter_map(Column::looked_up).map(str::to_owned).chain(lacking);
    let names = names.map(|name| format_ident!("{name}"));
    let alias = Ident::new("__table", table.span());
    let the_table = quote_spanned!(table.span()=> use #table as #alias;);
    quote! {
        #the_table
        #(#imports)*
        // Public, for the types of a public model come from it.
        #[allow(missing_docs, missing_debug_implementations, unreachable_pub, reason = "it has no name outside")]
        pub struct __Columns;
        const _: () = {
            #[allow(unused_imports, reason = "the table may have all columns")]
            use __checks::missing::*;
            const _: () = {
                // These hide the ones above.
                #[allow(unused_imports, reason = "the table may have none of the columns")]
                use __table::columns::*;
                #(
                    impl __checks::Has<__checks::missing::#names> for __Columns {
                        type Column = #names;
                        const COLUMN: #names = #names;
                    }
                )*
            };
        };
    }
}

/// The type of what was found under the name of a built-in column.
pub(super) fn found(name: &str, span: Span) -> TokenStream {
    let name = format_ident!("{name}");
    quote_spanned!(span=> <__Columns as __checks::Has<__checks::missing::#name>>::Column)
}
