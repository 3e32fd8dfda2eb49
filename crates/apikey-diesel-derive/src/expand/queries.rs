//! The model as the macro of `apikey-diesel` that holds the queries knows it.

use proc_macro2::TokenStream;
use quote::{IdentFragment, format_ident, quote, quote_spanned};
use syn::Ident;

use super::checks;
use super::columns::{self, Column, Kind};
use crate::model::{Model, Own};
use crate::options::{BACKENDS, DJANGO, Layout, OPTIONAL, REQUIRED};

pub(super) fn queries(model: &Model) -> TokenStream {
    let columns = Column::all(model);
    let find = columns::find(model, &columns);
    let presence = checks::presence(model, &columns);
    let fitting = checks::fitting(model, &columns);
    let description = match model.options.layout {
        Layout::BuiltIn => description(model, &columns),
        Layout::Django => django_description(model, &columns),
    };
    let all = BACKENDS.map(|backend| format_ident!("{backend}"));
    let backends = model.options.backends.as_deref().unwrap_or(&all).iter();
    let expansions = backends.map(|backend| {
        let expand = format_ident!("__on_{backend}");
        let ready = checks::ready(model, &columns, backend);
        quote!(::apikey_diesel::#expand! { { #ready } #description })
    });
    // One that was not asked for may be off.
    let named = model.options.backends.iter().flatten().map(|backend| {
        let needs = format_ident!("__needs_{backend}", span = backend.span());
        quote_spanned!(backend.span()=> ::apikey_diesel::#needs! {})
    });
    quote! {
        #find
        #presence
        #fitting
        #(#named)*
        #(#expansions)*
    }
}

/// What the macro is told.
fn description(model: &Model, columns: &[Column<'_>]) -> TokenStream {
    let Model { name, options, .. } = model;
    let id = checks::id(model);
    let required = REQUIRED.map(|name| format_ident!("__c_{name}"));
    let [scopes, expires_at, disabled_at, last_used_at, rotated_from] = OPTIONAL.map(|name| {
        let (alias, value) = (format_ident!("__c_{name}"), value(name));
        let is_there = options.lacks.iter().all(|lacking| lacking != name);
        is_there.then(|| quote!(#alias #value))
    });
    let lacks = options.lacks.iter().map(Ident::to_string);
    let own = own(model, columns);
    let new_id = options.new_id.iter();
    let (usable, table_name) = (usable(model), table_name(model));
    quote! {
        model: #name, row: #name, id: #id,
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
        usable: [#usable],
    }
}

/// What the macro for Django's layout is told.
fn django_description(model: &Model, columns: &[Column<'_>]) -> TokenStream {
    let names = DJANGO.map(|name| format_ident!("__c_{name}"));
    let (name, own, usable) = (&model.name, own(model, columns), usable(model));
    let table_name = table_name(model);
    quote! {
        @__django_queries
        model: #name, row: #name,
        table: __table #table_name,
        rules: &::apikey_diesel::__private::django::OF_AN_APPLICATION,
        columns: { #(#names),* },
        #own
        usable: [#usable],
    }
}

/// What the macro is told of the model's own columns.
fn own(model: &Model, columns: &[Column<'_>]) -> TokenStream {
    let Model { name, record: (record, _), .. } = model;
    let own: Vec<_> = columns
        .iter()
        .filter_map(|column| match column.kind {
            Kind::Own(own) => Some((column.ready(), value(&own.name), own)),
            _ => None,
        })
        .collect();
    let read = own.iter().map(|(column, value, Own { ty, .. })| quote!(#column #value: #ty));
    let fields = own.iter().map(|(_, value, Own { name, .. })| quote!(#name: #value));
    let inserted = own.iter().filter(|(_, _, own)| !own.is_read_only);
    let inserted = inserted.map(|(column, _, Own { name, .. })| {
        quote!(#column = ::core::clone::Clone::clone(&__extra.#name))
    });
    let owner = own.iter().find(|(_, _, own)| Some(&own.name) == model.options.owner.as_ref());
    let owner = owner.map(|(column, ..)| column);
    quote! {
        own: [#(#read),*],
        assemble: |__record| #name { #record: __record, #(#fields,)* },
        insert: |__extra| [#(#inserted),*],
        owner: [#owner],
    }
}

/// The filter, if there is one.
fn usable(model: &Model) -> Option<TokenStream> {
    let usable = model.options.usable.as_ref()?;
    Some(quote!(<__checks::Gate<__READY> as __checks::Behind<_>>::pass(#usable)))
}

fn table_name(model: &Model) -> TokenStream {
    if let Some(name) = &model.options.table_name {
        return quote!(#name);
    }
    let name = model.table_ident();
    quote!(#name)
}

/// What the value of a column is called.
fn value(name: impl IdentFragment) -> Ident {
    format_ident!("__v_{}", name)
}
