//! What the compiler checks of a model before it sees a query, in three steps: the columns are there,
//! they fit the fields, and each database knows them. Each step stands behind the gate of the one before.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident};

use super::columns::{Column, Kind, found};
use super::key_model;
use crate::model::{Model, Own};
use crate::options::Layout;

/// What the core asks of a model and its owner. Behind it stand all implementations: by a `where` for one type,
/// the name of what is not a type then.
pub(super) fn is_model(model: &Model) -> TokenStream {
    let name = &model.name;
    let asked = [quote!(IsDebug), quote!(IsShared)];
    let (owner, ..) = key_model::owner(model);
    let of_owner = model.options.owner.iter().map(|_| {
        quote_spanned!(owner.span()=> let _ = || { let () = <#owner as __checks::IsOwner>::FITS; };)
    });
    let of_model = quote_spanned! {name.span()=>
        let _ = || { let () = <__checks::Gate<true> as __checks::IsClone<#name>>::FITS; };
        #(let _ = || { let () = <#name as __checks::#asked>::FITS; };)*
    };
    quote! {
        const __IS_MODEL: bool = {
            #of_model
            true
        };
        const __IS_OWNER: bool = {
            #(#of_owner)*
            true
        };
        type __Key = __checks::Checked<__IS_MODEL, #name>;
    }
}

/// The first step: the table has the columns that the model needs, and none that it is said to lack.
pub(super) fn presence(model: &Model, columns: &[Column<'_>]) -> TokenStream {
    let present = columns.iter().filter_map(|column| is_present(model, column));
    // A column of that name may be the application's own.
    let lacking = model.options.lacks.iter();
    let lacking = lacking.filter(|name| model.own.iter().all(|own| own.column != **name));
    let absent = lacking.map(|name| is_absent(model, name));
    let (types, raw) = (columns.iter().map(Column::present), columns.iter().map(Column::raw));
    let table = Ident::new("__table", model.table.span());
    quote! {
        // Where there is no table or no model, no column is missed.
        const __IN_SCOPE: bool = {
            let _ = |_: #table::table, _: __Key| {};
            true
        };
        const __PRESENT: bool = {
            #(#present)*
            #(#absent)*
            true
        };
        #(type #types = __checks::Checked<__PRESENT, #raw>;)*
    }
}

fn is_present(model: &Model, column: &Column<'_>) -> Option<TokenStream> {
    let name = column.looked_up()?;
    let message = format!("the table `{}` has no column `{name}`", model.table_ident());
    let label = format!("add `{name} -> {}` to its `table!`", column.kind.usual());
    let note = match model.options.layout {
        Layout::BuiltIn => otherwise(column, name),
        Layout::Django => "with `layout = django` the columns are Django's".to_owned(),
    };
    let (found, there) = (column.raw(), format_ident!("Has_{name}"));
    Some(quote_spanned! {column.span()=> {
        #[diagnostic::on_unimplemented(message = #message, label = #label, note = #note)]
        trait #there {
            const FITS: () = ();
        }
        #[diagnostic::do_not_recommend]
        impl<C: __k::Column> #there for C {}
        let _ = || { let () = <__checks::Checked<__IN_SCOPE, #found> as #there>::FITS; };
    }})
}

/// What to write if the table is as it should be.
fn otherwise(column: &Column<'_>, name: &str) -> String {
    let mut note = format!("where the column is called otherwise: #[apikey(columns({name} = ..))]");
    if column.is_optional() {
        note += &format!("; where there is none: #[apikey(lacks({name}))]");
    }
    note
}

fn is_absent(model: &Model, name: &Ident) -> TokenStream {
    let message = format!(
        "the table `{}` has the column `{name}`, which it is said to lack",
        model.table_ident()
    );
    let note = format!("take it out of `lacks(..)`, or `{name}` out of `table!`");
    let (found, lacking) = (found(&name.to_string(), name.span()), format_ident!("Lacks_{name}"));
    quote_spanned! {name.span()=> {
        #[diagnostic::on_unimplemented(message = #message, label = "it is there", note = #note)]
        trait #lacking {
            const FITS: () = ();
        }
        #[diagnostic::do_not_recommend]
        impl #lacking for __checks::missing::#name {}
        let _ = || { let () = <#found as #lacking>::FITS; };
    }}
}

/// The second step: columns and fields fit each other, and the filter the table.
pub(super) fn fitting(model: &Model, columns: &[Column<'_>]) -> TokenStream {
    let checks = columns.iter().map(|column| fits(model, column));
    let new_id = model.options.new_id.iter().map(|new_id| {
        quote_spanned! {new_id.span()=>
            __checks::FitsPrimaryKey::<__k::SqlTypeOf<__p_id>>::check(#new_id);
        }
    });
    let usable = model.options.usable.iter().map(is_condition);
    let (types, present) =
        (columns.iter().map(Column::fitting), columns.iter().map(Column::present));
    quote! {
        const __FITTING: bool = {
            #[allow(unused_imports, reason = "the filter of a model may need them")]
            use __k::methods::*;
            let _ = || {
                #(#checks)*
                #(#new_id)*
            };
            #(#usable)*
            true
        };
        #(type #types = __checks::Checked<__FITTING, #present>;)*
    }
}

fn fits(model: &Model, column: &Column<'_>) -> TokenStream {
    let present = column.present();
    let (ty, asked) = match column.kind {
        Kind::Id => (id(model), quote!(FitsPrimaryKey)),
        Kind::Text => (present.to_token_stream(), quote!(HoldsText)),
        Kind::OptionalText => (present.to_token_stream(), quote!(HoldsOptionalText)),
        Kind::Time => (present.to_token_stream(), quote!(HoldsTime)),
        Kind::OptionalTime => (present.to_token_stream(), quote!(HoldsOptionalTime)),
        Kind::Bool => (present.to_token_stream(), quote!(HoldsBool)),
        Kind::Own(own) => (own.ty.to_token_stream(), quote!(FitsColumn)),
    };
    quote_spanned! {ty.span()=>
        let () = <#ty as __checks::#asked<__k::SqlTypeOf<#present>>>::FITS;
    }
}

fn is_condition(usable: &Expr) -> TokenStream {
    let filter = filter(usable, usable, &quote!(__table::table), 3);
    let traits = quote! {
        #[allow(unused_imports, reason = "one of them answers")]
        use __checks::filter::{Off as _, OffTable as _, OnTable as _};
    };
    quote_spanned! {usable.span()=>
        #traits
        let _ = || __checks::filter::IsCondition::check_condition(#filter);
        let _ = || __checks::filter::IsOnTable::check_table(#filter);
    }
}

/// Asks what a filter is to a table or a database. The error covers the expression as a whole.
fn filter(usable: &Expr, value: &impl ToTokens, to: &TokenStream, ways: usize) -> TokenStream {
    let last = usable
        .to_token_stream()
        .into_iter()
        .last()
        .map_or_else(Span::call_site, |last| last.span());
    let verdict = quote_spanned!(last=> .verdict());
    let ways = std::iter::repeat_n(quote_spanned!(usable.span()=> &), ways);
    quote_spanned!(usable.span()=> &(#(#ways)* __checks::filter::filter::<#to, _>(#value))#verdict)
}

/// The third step, for one database: it knows what the columns and the fields are, and the filter. What
/// comes of it are the names that the queries use.
pub(super) fn ready(model: &Model, columns: &[Column<'_>], backend: &Ident) -> TokenStream {
    let checks = columns.iter().filter_map(|column| loads(model, column));
    let usable = model.options.usable.iter().map(|usable| {
        let passed = quote_spanned! {usable.span()=>
            <__checks::Gate<__FITTING> as __checks::Behind<_>>::pass(#usable)
        };
        let filter = filter(usable, &passed, &quote!(__Db), 2);
        let traits = quote! {
            #[allow(unused_imports, reason = "one of them answers")]
            use __checks::filter::{Known as _, Off as _};
        };
        quote_spanned! {usable.span()=>
            #traits
            let _ = || __checks::filter::IsSqlHere::check_sql(#filter);
        }
    });
    let time = match model.options.layout {
        Layout::BuiltIn => quote!(__k::#backend::Time),
        Layout::Django => quote!(__k::django::#backend::Time),
    };
    let names: Vec<_> = columns.iter().map(Column::ready).collect();
    let (fitting, values) =
        (columns.iter().map(Column::fitting), columns.iter().map(Column::value));
    quote! {
        const __READY: bool = {
            #[allow(unused_imports, reason = "the filter of a model may need them")]
            use __k::methods::*;
            #[allow(unused_imports, reason = "every column may be known")]
            use __checks::NoSides as _;
            use __k::#backend::Db as __Db;
            use #time as __Time;
            #(#checks)*
            #(#usable)*
            true
        };
        #(
            type #names = __checks::Checked<__READY, #fitting>;
            #[allow(non_upper_case_globals, reason = "columns are values, too")]
            const #names: #names = #values;
        )*
    }
}

fn loads(model: &Model, column: &Column<'_>) -> Option<TokenStream> {
    let fitting = column.fitting();
    let asked_of_column = fitting.to_token_stream();
    let (ty, side, asked) = match column.kind {
        Kind::Text | Kind::OptionalText | Kind::Bool => return None,
        Kind::Id => (id(model), id(model), quote!(LoadsColumn)),
        Kind::Time => (asked_of_column, quote!(__Time), quote!(HoldsTimeHere)),
        Kind::OptionalTime => {
            (asked_of_column, quote!(::core::option::Option<__Time>), quote!(HoldsTimeHere))
        }
        Kind::Own(Own { ty, .. }) => {
            (ty.to_token_stream(), ty.to_token_stream(), quote!(LoadsColumn))
        }
    };
    Some(quote_spanned! {ty.span()=>
        let _ = || {
            let () = <#ty as __checks::#asked<
                __k::SqlTypeOf<#fitting>,
                { __checks::Sides::<#side, __k::SqlTypeOf<#fitting>, __Db>::LOADS },
            >>::FITS;
        };
    })
}

/// The type of the primary key, with the span of the record's.
pub(super) fn id(model: &Model) -> TokenStream {
    let (_, record) = &model.record;
    quote_spanned!(record.span()=> <#record as ::apikey_diesel::apikey_core::KeyModel>::Id)
}
