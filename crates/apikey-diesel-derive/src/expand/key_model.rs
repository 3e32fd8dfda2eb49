//! The model as the core knows it.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::extra_name;
use crate::model::{Model, Own, optional};

pub(super) fn key_model(model: &Model) -> TokenStream {
    let Model { name, record: (record, record_ty), .. } = model;
    let core = quote!(::apikey_diesel::apikey_core);
    let extra_ty = extra_name(model).map_or_else(|| quote!(()), |name| quote!(#name));
    let (parts, extra) = (parts(model), extra(model));
    let (owner_ty, of_self, of_extra) = owner(model);
    quote! {
        #[automatically_derived]
        #[allow(unused_variables, clippy::unused_unit, reason = "a model may have no own columns")]
        impl #core::KeyModel for #name where __Key: ::core::marker::Sized {
            type Id = <#record_ty as #core::KeyModel>::Id;
            type Extra = #extra_ty;
            type Owner = __checks::Checked<__IS_OWNER, #owner_ty>;

            fn record(&self) -> &#core::KeyRecord<Self::Id> {
                &self.#record
            }

            fn from_parts(record: #core::KeyRecord<Self::Id>, extra: Self::Extra) -> Self {
                Self { #record: record, #(#parts,)* }
            }

            fn extra(&self) -> Self::Extra {
                #extra
            }

            fn owner(&self) -> ::core::option::Option<&Self::Owner> {
                #of_self
            }

            fn owner_of(extra: &Self::Extra) -> ::core::option::Option<&Self::Owner> {
                #of_extra
            }
        }
    }
}

/// The own fields, put together from the values of a new key.
fn parts(model: &Model) -> Vec<TokenStream> {
    let part = |Own { name, is_read_only, ty, .. }: &Own| {
        if *is_read_only {
            quote_spanned!(ty.span()=> #name: <#ty as ::core::default::Default>::default())
        } else {
            quote!(#name: extra.#name)
        }
    };
    model.own.iter().map(part).collect()
}

/// The values that a successor inherits.
fn extra(model: &Model) -> TokenStream {
    let Some(extra) = extra_name(model) else { return quote!(()) };
    let names: Vec<_> = model.inserted().map(|own| &own.name).collect();
    quote!(#extra { #(#names: ::core::clone::Clone::clone(&self.#names),)* })
}

/// The type of the owner, and where it is: in a key, and in the values of a new one.
pub(super) fn owner(model: &Model) -> (TokenStream, TokenStream, TokenStream) {
    let Ok(Some(Own { name, ty, .. })) = model.owner() else {
        let none = quote!(::core::option::Option::None);
        return (quote!(::core::convert::Infallible), none.clone(), none);
    };
    match optional(ty) {
        Some(ty) => (quote!(#ty), quote!(self.#name.as_ref()), quote!(extra.#name.as_ref())),
        None => {
            let some = quote!(::core::option::Option::Some);
            (quote!(#ty), quote!(#some(&self.#name)), quote!(#some(&extra.#name)))
        }
    }
}

/// The built-in columns are read as if they were the model's own: `key.name`.
pub(super) fn deref(model: &Model) -> TokenStream {
    let Model { name, record: (record, record_ty), .. } = model;
    quote! {
        #[automatically_derived]
        impl ::core::ops::Deref for #name {
            type Target = #record_ty;

            fn deref(&self) -> &Self::Target {
                &self.#record
            }
        }
    }
}
