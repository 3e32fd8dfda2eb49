//! How keys are listed and counted.

/// Implements `list` and `count` of a model on one database, over what `__key_filters!` selects. Expanded
/// within the `impl` of `__key_queries!` or `__django_queries!`, whose names it uses.
#[doc(hidden)]
#[macro_export]
macro_rules! __key_pages {
    (
        $flavour:ident [$($async:ident)?];
        row: $Row:ident, columns: { $id:ident, $created_at:ident }
    ) => {
        $($async)? fn list<C>(
            k_conn: &mut C,
            k_query: &__k::KeyQuery<Self>,
            k_now: __k::Timestamp,
        ) -> __k::QueryResult<Vec<Self>>
        where
            C: __Connection<Backend = __Db>,
        {
            let mut k_rows = __select(k_query, k_now)?;
            if let Some(k_after) = &k_query.after {
                let (k_at, k_id) = (__Time::from(k_after.created_at), k_after.id.clone());
                // The first bound follows from the second, but only the first can use the
                // index.
                k_rows = k_rows.filter($created_at.le(k_at)).filter(
                    $created_at.lt(k_at).or($created_at.eq(k_at).and($id.lt(k_id))),
                );
            }
            let k_rows = k_rows
                .order(($created_at.desc(), $id.desc()))
                .limit(i64::from(k_query.limit) + 1)
                .select($Row::as_select());
            let k_rows: Vec<$Row> = $crate::__wait!($flavour __Run::load(k_rows, k_conn))?;
            Ok(k_rows.into_iter().map(Self::from).collect())
        }

        $($async)? fn count<C>(
            k_conn: &mut C,
            k_query: &__k::KeyQuery<Self>,
            k_now: __k::Timestamp,
        ) -> __k::QueryResult<u64>
        where
            C: __Connection<Backend = __Db>,
        {
            let k_rows = __select(k_query, k_now)?.count();
            $crate::__wait!($flavour __Run::get_result(k_rows, k_conn)).and_then(__k::to_u64)
        }
    };
}
