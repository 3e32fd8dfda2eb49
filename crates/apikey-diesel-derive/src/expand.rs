//! The code for a model.

mod checks;
mod columns;
mod key_model;
mod queries;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;
use syn::ext::IdentExt;

use crate::model::{Model, Own};

pub(crate) fn expand(model: &Model) -> TokenStream {
    let extra = extra(model);
    let deref = key_model::deref(model);
    let queries = queries::queries(model);
    let is_model = checks::is_model(model);
    let key_model = key_model::key_model(model);
    quote! {
        #extra
        #deref
        #[allow(
            dead_code, non_camel_case_types, unused_qualifications,
            reason = "names that no application has, in whatever module it is"
        )]
        const _: () = {
            use ::apikey_diesel::__private::{self as __k, checks as __checks};
            #is_model
            #key_model
            #queries
        };
    }
}

/// The name of the struct with the values of a new key; `None` if it needs none.
fn extra_name(model: &Model) -> Option<Ident> {
    model.inserted().next()?;
    Some(model.options.extra.clone().unwrap_or_else(|| format_ident!("New{}", model.name)))
}

fn extra(model: &Model) -> TokenStream {
    let Some(name) = extra_name(model) else { return TokenStream::new() };
    let visibility = &model.visibility;
    let fields = model.inserted().map(|Own { name, visibility, ty, .. }| {
        let doc = format!("The column `{}`.", name.unraw());
        quote!(#[doc = #doc] #visibility #name: #ty)
    });
    let doc = format!("What a new [`{}`] needs beside the built-in columns.", model.name);
    quote! {
        #[doc = #doc]
        #[derive(Debug, Clone)]
        #[allow(clippy::exhaustive_structs, reason = "it is written out where keys are created")]
        #visibility struct #name { #(#fields,)* }
    }
}
