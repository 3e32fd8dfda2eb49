//! How a row becomes a key, written once.

/// Lets Diesel select the columns of a model by name, and make a key of them. Expanded within
/// `__key_queries!`, whose names it uses.
#[doc(hidden)]
#[macro_export]
macro_rules! __key_rows {
    (
        row: $Row:ident, id: $Id:ty,
        columns: { $id:ident, $prefix:ident, $hashed_key:ident, $title:ident, $created_at:ident, $revoked_at:ident },
        scopes: [$($scopes:ident $scopes_value:ident)?],
        expires_at: [$($expires_at:ident $expires_value:ident)?],
        disabled_at: [$($disabled_at:ident $disabled_value:ident)?],
        last_used_at: [$($last_used_at:ident $last_used_value:ident)?],
        rotated_from: [$($rotated_from:ident $rotated_value:ident)?],
        own: [$($own:ident $own_value:ident: $Own:ty),*],
        assemble: |$record:ident| $assemble:expr
    ) => {
        type __Columns = (
            $id, $prefix, $hashed_key, $title, $created_at, $revoked_at,
            $($scopes,)? $($expires_at,)? $($disabled_at,)? $($last_used_at,)? $($rotated_from,)?
            $($own,)*
        );

        /// Not only the associated type of the implementation, which is unknown to the compiler if something is
        /// wrong with a column, and then everything below would seem wrong, too.
        type __Row = (
            $Id, String, String, String, __Time, Option<__Time>,
            $($crate::__instead_of!($scopes String),)?
            $($crate::__instead_of!($expires_at Option<__Time>),)?
            $($crate::__instead_of!($disabled_at Option<__Time>),)?
            $($crate::__instead_of!($last_used_at Option<__Time>),)?
            $($crate::__instead_of!($rotated_from Option<String>),)?
            $($Own,)*
        );

        impl __k::Selectable<__Db> for $Row {
            type SelectExpression = __Columns;

            fn construct_selection() -> __Columns {
                (
                    $id, $prefix, $hashed_key, $title, $created_at, $revoked_at,
                    $($scopes,)? $($expires_at,)? $($disabled_at,)? $($last_used_at,)?
                    $($rotated_from,)? $($own,)*
                )
            }
        }

        impl __k::Queryable<__k::SqlTypeOf<__Columns>, __Db> for $Row {
            type Row = __Row;

            fn build(
                (
                    k_id, k_prefix, k_hashed_key, k_name, k_created_at, k_revoked_at,
                    $($scopes_value,)? $($expires_value,)? $($disabled_value,)?
                    $($last_used_value,)? $($rotated_value,)? $($own_value,)*
                ): __Row,
            ) -> __k::deserialize::Result<Self> {
                $(let $scopes_value = __k::parse_scopes(&$scopes_value, &k_prefix)?;)?
                let k_hashed_key = __k::HashedKey::new(k_hashed_key);
                let $record = __k::KeyRecord::new(k_id, k_prefix, k_hashed_key, k_name, k_created_at.into())
                    .with_revoked_at(k_revoked_at.map(Into::into))
                    $(.with_scopes($scopes_value))?
                    $(.with_expires_at($expires_value.map(Into::into)))?
                    $(.with_disabled_at($disabled_value.map(Into::into)))?
                    $(.with_last_used_at($last_used_value.map(Into::into)))?
                    $(.with_rotated_from($rotated_value))?;
                Ok($assemble)
            }
        }
    };
}
