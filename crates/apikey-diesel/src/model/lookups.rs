//! How one key is found.

/// Implements `find_by_prefix` and `get` of a model on one database. Expanded within the `impl` of
/// `__key_queries!` or `__django_queries!`, whose names it uses.
#[doc(hidden)]
#[macro_export]
macro_rules! __key_lookups {
    (
        $flavour:ident [$($async:ident)?];
        table: $table:ident, prefix: $prefix:ident,
        owner: [$($owner:ident)?],
        usable: [$($usable:expr)?]
    ) => {
        $($async)? fn find_by_prefix<C>(
            k_conn: &mut C,
            k_prefix: &str,
        ) -> __k::QueryResult<Option<__k::Found<Self>>>
        where
            C: __Connection<Backend = __Db>,
        {
            if !__k::can_be_prefix(k_prefix) {
                return Ok(None);
            }
            let k_rows = $table::table
                .filter($prefix.eq(k_prefix))
                .select((__Attempt::as_select(), $crate::__is_usable!($($usable)?)));
            let k_row: Option<(__Attempt, bool)> =
                $crate::__wait!($flavour __Run::first(k_rows, k_conn)).optional()?;
            __k::found(k_row.map(|(__Attempt(k_row), k_is_usable)| (k_row, k_is_usable)), k_prefix)
        }

        $($async)? fn get<C>(
            k_conn: &mut C,
            k_prefix: &str,
            k_owner: Option<&Self::Owner>,
        ) -> __k::QueryResult<Option<Self>>
        where
            C: __Connection<Backend = __Db>,
        {
            if !__k::can_be_prefix(k_prefix) {
                return Ok(None);
            }
            let mut k_rows = $table::table
                .filter($prefix.eq(k_prefix))
                .select(__Attempt::as_select())
                .into_boxed::<__Db>();
            $(if let Some(k_owner) = k_owner {
                k_rows = k_rows.filter(__k::is_exactly($owner, k_owner.clone()));
            })?
            let k_row: Option<__Attempt> =
                $crate::__wait!($flavour __Run::first(k_rows, k_conn)).optional()?;
            __k::one(k_row.map(|__Attempt(k_row)| k_row), Some(k_prefix))
        }
    };
}
