//! How a row becomes a key, written once.

/// Lets Diesel select the columns of a model by name, and make a key of them, or say which of them cannot be read.
/// Expanded within `__key_queries!`, whose names it uses.
#[doc(hidden)]
#[macro_export]
macro_rules! __key_rows {
    (
        $backend:ident;
        model: $Model:ty, row: $Row:ident, id: $Id:ty,
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
            __k::Field<$Id>, __k::Field<String>, __k::Field<String>, __k::Field<String>,
            __k::Field<__Time>, __k::Field<Option<__Time>>,
            $(__k::Field<$crate::__instead_of!($scopes String)>,)?
            $(__k::Field<$crate::__instead_of!($expires_at Option<__Time>)>,)?
            $(__k::Field<$crate::__instead_of!($disabled_at Option<__Time>)>,)?
            $(__k::Field<$crate::__instead_of!($last_used_at Option<__Time>)>,)?
            $(__k::Field<$crate::__instead_of!($rotated_from Option<String>)>,)?
            $(__k::Field<$Own>,)*
        );

        /// What became of a row.
        struct __Attempt(__k::Attempt<$Row, $Id>);

        impl __k::Selectable<__Db> for __Attempt {
            type SelectExpression = __Columns;

            fn construct_selection() -> __Columns {
                (
                    $id, $prefix, $hashed_key, $title, $created_at, $revoked_at,
                    $($scopes,)? $($expires_at,)? $($disabled_at,)? $($last_used_at,)?
                    $($rotated_from,)? $($own,)*
                )
            }
        }

        impl __k::Queryable<__k::SqlTypeOf<__Columns>, __Db> for __Attempt {
            type Row = __Row;

            fn build(
                (
                    k_id, k_prefix, k_hashed_key, k_name, k_created_at, k_revoked_at,
                    $($scopes_value,)? $($expires_value,)? $($disabled_value,)?
                    $($last_used_value,)? $($rotated_value,)? $($own_value,)*
                ): __Row,
            ) -> __k::deserialize::Result<Self> {
                const K_NOW: Option<&str> = Some(__k::$backend::NOW);
                let mut k_damage = __k::Damage::new(__k::$backend::IS_TYPED);
                let k_id = k_damage.take(<$id as __k::Column>::NAME, None, k_id);
                let k_prefix = k_damage.take(<$prefix as __k::Column>::NAME, None, k_prefix);
                let k_hashed_key = k_damage.take(<$hashed_key as __k::Column>::NAME, None, k_hashed_key);
                let k_name = k_damage.take(<$title as __k::Column>::NAME, Some("'repaired'"), k_name);
                let k_created_at: Option<__k::Timestamp> =
                    k_damage.take(<$created_at as __k::Column>::NAME, K_NOW, k_created_at).map(Into::into);
                let k_revoked_at = k_damage.take(<$revoked_at as __k::Column>::NAME, K_NOW, k_revoked_at);
                $(let $scopes_value = k_damage
                    .take(<$scopes as __k::Column>::NAME, Some("''"), $scopes_value)
                    .and_then(|k_scopes| {
                        let k_scopes = __k::parse_scopes(&k_scopes);
                        k_damage.keep(<$scopes as __k::Column>::NAME, Some("''"), k_scopes)
                    });)?
                $(let $expires_value = k_damage.take(<$expires_at as __k::Column>::NAME, K_NOW, $expires_value);)?
                $(let $disabled_value = k_damage.take(<$disabled_at as __k::Column>::NAME, K_NOW, $disabled_value);)?
                $(let $last_used_value =
                    k_damage.take(<$last_used_at as __k::Column>::NAME, Some("NULL"), $last_used_value);)?
                $(let $rotated_value =
                    k_damage.take(<$rotated_from as __k::Column>::NAME, Some("NULL"), $rotated_value);)?
                $(let $own_value = k_damage.take_own(<$own as __k::Column>::NAME, $own_value);)*
                let k_place = __k::Place::new(k_prefix.as_ref(), k_id.as_ref());
                let k_row_id = k_id.clone();
                let k_row = k_damage.finish(<$Model as __Model<__Db>>::table(), k_place, || {
                    $(let $own_value = $own_value?;)*
                    let k_hashed_key = __k::HashedKey::new(k_hashed_key?);
                    let $record = __k::KeyRecord::new(k_id?, k_prefix?, k_hashed_key, k_name?, k_created_at?)
                        .with_revoked_at(k_revoked_at?.map(Into::into))
                        $(.with_scopes($scopes_value?))?
                        $(.with_expires_at($expires_value?.map(Into::into)))?
                        $(.with_disabled_at($disabled_value?.map(Into::into)))?
                        $(.with_last_used_at($last_used_value?.map(Into::into)))?
                        $(.with_rotated_from($rotated_value?))?;
                    Some($assemble)
                });
                Ok(Self(__k::Attempt::new(k_row, k_row_id, k_created_at)))
            }
        }

        // For queries of the application's own.
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

            fn build(k_row: Self::Row) -> __k::deserialize::Result<Self> {
                let __Attempt(k_row) =
                    <__Attempt as __k::Queryable<__k::SqlTypeOf<__Columns>, __Db>>::build(k_row)?;
                k_row.into_row()
            }
        }
    };
}
