//! How a row of Django's becomes a key, written once.

/// Lets Diesel select the columns of a model by name, and make a key of them. Expanded within
/// `__django_queries!`, whose names it uses.
#[doc(hidden)]
#[macro_export]
macro_rules! __django_rows {
    (
        $backend:ident;
        model: $Model:ty, row: $Row:ident,
        columns: { $prefix:ident, $hashed_key:ident, $title:ident, $created:ident, $revoked:ident, $expiry_date:ident },
        own: [$($own:ident $own_value:ident: $Own:ty),*],
        assemble: |$record:ident| $assemble:expr
    ) => {
        /// What became of a row.
        struct __Attempt(__k::Attempt<$Row, String>);

        type __Columns = ($prefix, $hashed_key, $title, $created, $revoked, $expiry_date, $($own,)*);

        type __Row = (
            __k::Field<String>, __k::Field<String>, __k::Field<String>, __k::Field<__Time>,
            __k::Field<__k::django::$backend::Truth>, __k::Field<Option<__Time>>, $(__k::Field<$Own>,)*
        );

        impl __k::Selectable<__Db> for __Attempt {
            type SelectExpression = __Columns;

            fn construct_selection() -> __Columns {
                ($prefix, $hashed_key, $title, $created, $revoked, $expiry_date, $($own,)*)
            }
        }

        impl __k::Queryable<__k::SqlTypeOf<__Columns>, __Db> for __Attempt {
            type Row = __Row;

            fn build(
                (
                    k_prefix, k_hashed_key, k_name, k_created, k_revoked, k_expiry_date,
                    $($own_value,)*
                ): __Row,
            ) -> __k::deserialize::Result<Self> {
                const K_NOW: Option<&str> = Some(__k::django::$backend::NOW);
                let mut k_damage = __k::Damage::new(__k::$backend::IS_TYPED);
                let k_prefix = k_damage.take(<$prefix as __k::Column>::NAME, None, k_prefix);
                let k_hashed_key = k_damage.take(<$hashed_key as __k::Column>::NAME, None, k_hashed_key);
                let k_name = k_damage.take(<$title as __k::Column>::NAME, Some("'repaired'"), k_name);
                let k_created = k_damage.take(<$created as __k::Column>::NAME, K_NOW, k_created);
                let k_revoked = k_damage.take(<$revoked as __k::Column>::NAME, Some("TRUE"), k_revoked);
                let k_expiry_date = k_damage.take(<$expiry_date as __k::Column>::NAME, K_NOW, k_expiry_date);
                $(let $own_value = k_damage.take_own(<$own as __k::Column>::NAME, $own_value);)*
                let k_place = __k::Place::new(k_prefix.as_ref(), k_prefix.as_ref());
                let k_row_id = k_prefix.clone();
                let k_created_at: Option<__k::Timestamp> = k_created.map(Into::into);
                let k_row = k_damage.finish(<$Model as __Model<__Db>>::table(), k_place, || {
                    $(let $own_value = $own_value?;)*
                    let (k_created, k_expiry_date) = (k_created?, k_expiry_date?);
                    let k_has_times = __k::django::RowTime::is_readable(&k_created)
                        && k_expiry_date.as_ref().is_none_or(__k::django::RowTime::is_readable);
                    let k_created: __k::Timestamp = k_created.into();
                    let k_expires_at = if k_has_times {
                        k_expiry_date.map(Into::into)
                    } else {
                        // Nobody knows when it ends. One key is refused then, and no page of others with it.
                        Some(__k::django::ENDED)
                    };
                    let k_hashed_key = __k::HashedKey::new(k_hashed_key?);
                    // When it was revoked is not known; not before it was created.
                    let $record =
                        __k::KeyRecord::new(k_prefix.clone()?, k_prefix?, k_hashed_key, k_name?, k_created)
                            .with_revoked_at(bool::from(k_revoked?).then_some(k_created))
                            .with_expires_at(k_expires_at);
                    Some($assemble)
                });
                Ok(Self(__k::Attempt::new(k_row, k_row_id, k_created_at)))
            }
        }

        // For queries of the application's own.
        impl __k::Selectable<__Db> for $Row {
            type SelectExpression = __Columns;

            fn construct_selection() -> __Columns {
                ($prefix, $hashed_key, $title, $created, $revoked, $expiry_date, $($own,)*)
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
