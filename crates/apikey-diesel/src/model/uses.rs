//! How the times of last use are written.

/// Implements `touch` and `touch_each` of a model on one database. Expanded within the `impl` of
/// `__key_queries!`, whose names it uses.
#[doc(hidden)]
#[macro_export]
macro_rules! __key_uses {
    (
        $flavour:ident [$($async:ident)?];
        id: $Id:ty, table: $table:ident, columns: { $id:ident, $revoked_at:ident },
        last_used_at: [$($last_used_at:ident)?]
    ) => {
        $($async)? fn touch<C>(
            k_conn: &mut C,
            k_ids: &[Self::Id],
            k_at: __k::Timestamp,
        ) -> __k::QueryResult<()>
        where
            C: __Connection<Backend = __Db>,
        {
            $(
                let k_at = __Time::from(k_at);
                let k_update = $crate::diesel::update($table::table)
                    .filter($id.eq_any(k_ids.to_vec()))
                    .filter($revoked_at.is_null())
                    .filter($last_used_at.is_null().or(__k::is_before($last_used_at, k_at)))
                    .set($last_used_at.eq(k_at));
                return $crate::__wait!($flavour __Run::execute(k_update, k_conn)).map(|_| ());
            )?
            Err(__k::lacks("last_used_at"))
        }

        $($async)? fn touch_each<C>(
            k_conn: &mut C,
            k_uses: &[(Self::Id, __k::Timestamp)],
        ) -> __k::QueryResult<()>
        where
            C: __Connection<Backend = __Db>,
        {
            $(
                let k_ids: Vec<$Id> = k_uses.iter().map(|(k_id, _)| k_id.clone()).collect();
                let k_times = || {
                    let k_times = k_uses.iter().map(|(k_id, k_at)| (k_id.clone(), __Time::from(*k_at)));
                    __k::time_by_key($id, $last_used_at, k_times)
                };
                let k_update = $crate::diesel::update($table::table)
                    .filter($id.eq_any(k_ids))
                    .filter($revoked_at.is_null())
                    .filter($last_used_at.is_null().or(__k::is_before($last_used_at, k_times())))
                    .set($last_used_at.eq(k_times()));
                return $crate::__wait!($flavour __Run::execute(k_update, k_conn)).map(|_| ());
            )?
            Err(__k::lacks("last_used_at"))
        }
    };
}
