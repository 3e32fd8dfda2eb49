//! How a row of Django's becomes a key, written once.

/// Lets Diesel select the columns of a model by name, and make a key of them. Expanded within
/// `__django_queries!`, whose names it uses.
#[doc(hidden)]
#[macro_export]
macro_rules! __django_rows {
    (
        row: $Row:ident,
        columns: { $prefix:ident, $hashed_key:ident, $title:ident, $created:ident, $revoked:ident, $expiry_date:ident },
        own: [$($own:ident $own_value:ident: $Own:ty),*],
        assemble: |$record:ident| $assemble:expr
    ) => {
        type __Columns = ($prefix, $hashed_key, $title, $created, $revoked, $expiry_date, $($own,)*);

        impl __k::Selectable<__Db> for $Row {
            type SelectExpression = __Columns;

            fn construct_selection() -> __Columns {
                ($prefix, $hashed_key, $title, $created, $revoked, $expiry_date, $($own,)*)
            }
        }

        impl __k::Queryable<__k::SqlTypeOf<__Columns>, __Db> for $Row {
            type Row = (String, String, String, __Time, bool, Option<__Time>, $($Own,)*);

            fn build(
                (
                    k_prefix, k_hashed_key, k_name, k_created, k_revoked, k_expiry_date,
                    $($own_value,)*
                ): Self::Row,
            ) -> __k::deserialize::Result<Self> {
                let k_has_times = __k::django::RowTime::is_readable(&k_created)
                    && k_expiry_date.as_ref().is_none_or(__k::django::RowTime::is_readable);
                let k_created: __k::Timestamp = k_created.into();
                let k_expires_at = if k_has_times {
                    k_expiry_date.map(Into::into)
                } else {
                    // Nobody knows when it ends. One key is refused then, and no page of others with it.
                    Some(__k::django::ENDED)
                };
                let k_hashed_key = __k::HashedKey::new(k_hashed_key);
                // When it was revoked is not known; not before it was created.
                let $record =
                    __k::KeyRecord::new(k_prefix.clone(), k_prefix, k_hashed_key, k_name, k_created)
                        .with_revoked_at(k_revoked.then_some(k_created))
                        .with_expires_at(k_expires_at);
                Ok($assemble)
            }
        }
    };
}
