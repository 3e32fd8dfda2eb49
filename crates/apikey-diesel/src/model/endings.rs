//! How one key ends without being read.

/// Implements `end` and `delete_ended` of a model on one database. Expanded within the `impl` of
/// `__key_queries!` or `__django_queries!`, whose names it uses.
#[doc(hidden)]
#[macro_export]
macro_rules! __key_endings {
    (
        $flavour:ident $backend:ident [$($async:ident)?];
        table: $table:ident, columns: { $prefix:ident, $hashed_key:ident }, owner: [$($owner:ident)?],
        has_ended: |$now:ident| $has_ended:expr
    ) => {
        $($async)? fn end<C>(
            k_conn: &mut C,
            k_prefix: &str,
            k_owner: Option<&Self::Owner>,
            k_patch: &__k::KeyPatch,
        ) -> __k::QueryResult<bool>
        where
            C: __Connection<Backend = __Db>,
        {
            if !__k::can_be_prefix(k_prefix) {
                return Ok(false);
            }
            let k_by = __By::Prefix(k_prefix);
            if !k_patch.is_empty()
                && $crate::__wait!($flavour __change(k_conn, k_by, k_owner, k_patch))? > 0
            {
                return Ok(true);
            }
            if __k::$backend::COUNTS_MATCHES && !k_patch.is_empty() {
                return Ok(false);
            }
            let mut k_rows = $table::table
                .filter(__k::is_exactly($prefix, k_prefix))
                .into_boxed::<__Db>();
            $(if let Some(k_owner) = k_owner {
                k_rows = k_rows.filter(__k::is_exactly($owner, k_owner.clone()));
            })?
            if let Some(k_seen) = &k_patch.if_hashed_key {
                k_rows = k_rows.filter($hashed_key.eq(k_seen.as_str()));
            }
            let k_rows = k_rows.count();
            Ok($crate::__wait!($flavour __Run::get_result::<i64>(k_rows, k_conn))? > 0)
        }

        $($async)? fn delete_ended<C>(
            k_conn: &mut C,
            k_prefix: &str,
            k_owner: Option<&Self::Owner>,
            k_now: __k::Timestamp,
        ) -> __k::QueryResult<bool>
        where
            C: __Connection<Backend = __Db>,
        {
            if !__k::can_be_prefix(k_prefix) {
                return Ok(false);
            }
            let $now = __Time::from(k_now);
            let mut k_delete = $crate::diesel::delete($table::table)
                .filter(__k::is_exactly($prefix, k_prefix))
                .filter($has_ended)
                .into_boxed::<__Db>();
            $(if let Some(k_owner) = k_owner {
                k_delete = k_delete.filter(__k::is_exactly($owner, k_owner.clone()));
            })?
            Ok($crate::__wait!($flavour __Run::execute(k_delete, k_conn))? > 0)
        }
    };
}
