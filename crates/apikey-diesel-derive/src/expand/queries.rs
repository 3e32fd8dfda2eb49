//! The model as the macro of `apikey-diesel` that holds the queries knows it.

use proc_macro2::TokenStream;
use quote::{IdentFragment, format_ident, quote, quote_spanned};
use syn::Ident;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::model::{Model, Own};
use crate::options::{BACKENDS, OPTIONAL, REQUIRED};

pub(super) fn queries(model: &Model) -> TokenStream {
    let (table, imports, checks) = (&model.table, imports(model), checks(model));
    let description = description(model);
    let all = BACKENDS.map(|backend| format_ident!("{backend}"));
    let backends = model.options.backends.as_deref().unwrap_or(&all).iter();
    let expansions = backends.map(|backend| {
        let expand = format_ident!("__on_{backend}");
        quote!(::apikey_diesel::#expand! { #description })
    });
    quote! {
        const _: () = {
            use #table as __table;
            #(#imports)*
            #(#checks)*
            #(#expansions)*
        };
    }
}

/// Imports each column by name: one that is not there is one error, where it is named.
fn imports(model: &Model) -> Vec<TokenStream> {
    let table = &model.table;
    let import = |column: &Ident, alias: &Ident| quote_spanned!(column.span()=> use #table::#column as #alias;);
    let builtin = REQUIRED.iter().chain(&OPTIONAL).filter_map(|name| {
        let column = model.options.column(name)?;
        Some(import(&column, &alias(name)))
    });
    let own = model.own.iter().map(|own| import(&own.column, &alias(&own.name)));
    builtin.chain(own).collect()
}

/// Compares the types of fields and columns before the bodies are, so that these errors are the first.
fn checks(model: &Model) -> Vec<TokenStream> {
    let check = |Own { name, ty, .. }: &Own| {
        let alias = alias(name);
        let clause = quote_spanned! {ty.span()=>
            #ty: ::apikey_diesel::__private::FitsColumn<
                ::apikey_diesel::__private::SqlTypeOf<#alias>>
        };
        quote! {
            const _: () = {
                #[allow(dead_code, reason = "it is only checked")]
                struct __Fits where #clause;
            };
        }
    };
    model.own.iter().map(check).collect()
}

/// What the macro is told.
fn description(model: &Model) -> TokenStream {
    let Model { name, options, record: (_, record_ty), .. } = model;
    let required = REQUIRED.map(alias);
    let [scopes, expires_at, disabled_at, last_used_at, rotated_from] = OPTIONAL.map(|name| {
        let (alias, value) = (alias(name), value(name));
        options.column(name).map(|_| quote!(#alias #value))
    });
    let lacks = options.lacks.iter().map(Ident::to_string);
    let own = own(model);
    let (new_id, usable) = (options.new_id.iter(), options.usable.iter());
    let table_name = table_name(model);
    quote! {
        model: #name, row: #name, id: <#record_ty as ::apikey_diesel::apikey_core::KeyModel>::Id,
        table: __table #table_name,
        columns: { #(#required),* },
        scopes: [#scopes],
        expires_at: [#expires_at],
        disabled_at: [#disabled_at],
        last_used_at: [#last_used_at],
        rotated_from: [#rotated_from],
        lacks: [#(#lacks),*],
        #own
        new_id: [#(#new_id)*],
        usable: [#(#usable)*],
    }
}

/// What the macro is told of the model's own columns.
fn own(model: &Model) -> TokenStream {
    let Model { name, record: (record, _), own, .. } = model;
    let columns = own.iter().map(|Own { name, ty, .. }| {
        let (alias, value) = (alias(name), value(name));
        quote!(#alias #value: #ty)
    });
    let fields = own.iter().map(|Own { name, .. }| {
        let value = value(name);
        quote!(#name: #value)
    });
    let values = model.inserted().map(|Own { name, .. }| {
        let alias = alias(name);
        quote!(#alias = ::core::clone::Clone::clone(&__extra.#name))
    });
    let owner = model.owner().ok().flatten().map(|owner| alias(&owner.name));
    quote! {
        own: [#(#columns),*],
        assemble: |__record| #name { #record: __record, #(#fields,)* },
        insert: |__extra| [#(#values),*],
        owner: [#owner],
    }
}

fn table_name(model: &Model) -> TokenStream {
    if let Some(name) = &model.options.table_name {
        return quote!(#name);
    }
    let last = model.table.segments.last();
    let name = last.map(|last| last.ident.unraw().to_string()).unwrap_or_default();
    quote!(#name)
}

/// What a column is called in the code: its own name may be taken there.
fn alias(name: impl IdentFragment) -> Ident {
    format_ident!("__c_{}", name)
}

/// What the value of a column is called.
fn value(name: impl IdentFragment) -> Ident {
    format_ident!("__v_{}", name)
}
