//! How keys are listed and counted.

/// Implements `list` and `count` of a model on one database, over what `__key_filters!` selects. Expanded
/// within the `impl` of `__key_queries!` or `__django_queries!`, whose names it uses.
#[doc(hidden)]
#[macro_export]
macro_rules! __key_pages {
    (
        $flavour:ident [$($async:ident)?];
        row: $Row:ident, table: $table:ident, columns: { $id:ident, $created_at:ident },
        // The time of creation again, if rows that have no place by it come after all others.
        others: [$($place:ident)?]
    ) => {
        $($async)? fn list<C>(
            k_conn: &mut C,
            k_query: &__k::KeyQuery<Self>,
            k_now: __k::Timestamp,
        ) -> __k::QueryResult<Vec<Self>>
        where
            C: __Connection<Backend = __Db>,
        {
            let mut k_query = k_query.clone();
            k_query.limit = k_query.limit.saturating_add(1);
            let k_page = <Self as __Model<__Db>>::page(k_conn, &k_query, k_now);
            __k::rows($crate::__wait!($flavour k_page)?)
        }

        #[allow(unused_mut, reason = "only in some layouts rows come after all others")]
        $($async)? fn page<C>(
            k_conn: &mut C,
            k_query: &__k::KeyQuery<Self>,
            k_now: __k::Timestamp,
        ) -> __k::QueryResult<__k::Page<Self>>
        where
            C: __Connection<Backend = __Db>,
        {
            let mut k_rows = __select(k_query, k_now)?;
            $(k_rows = k_rows.filter(__k::is_in_order($place));)?
            if let Some(k_after) = &k_query.after {
                let (k_at, k_id) = (__Time::from(k_after.created_at), k_after.id.clone());
                // The first bound follows from the second, but only the first can use the
                // index.
                k_rows = k_rows.filter($created_at.le(k_at)).filter(
                    $created_at.lt(k_at).or($created_at.eq(k_at).and($id.lt(k_id))),
                );
            }
            let k_limit = i64::from(k_query.limit) + 1;
            let k_rows = k_rows
                .order(($created_at.desc(), $id.desc()))
                .limit(k_limit)
                .select(__Attempt::as_select());
            let k_found: Vec<__Attempt> = $crate::__wait!($flavour __Run::load(k_rows, k_conn))?;
            let mut k_others: Vec<__Attempt> = Vec::new();
            $({
                let k_left = k_limit - __k::to_i64(k_found.len());
                if k_left > 0 {
                    let mut k_rows =
                        __select(k_query, k_now)?.filter(__k::is_out_of_order($place));
                    let k_is_behind = |k_after: &&__k::Cursor<_>| k_after.created_at == __k::last_place();
                    if let Some(k_after) = k_query.after.as_ref().filter(k_is_behind) {
                        k_rows = k_rows.filter($id.lt(k_after.id.clone()));
                    }
                    let k_rows = k_rows.order($id.desc()).limit(k_left).select(__Attempt::as_select());
                    k_others = $crate::__wait!($flavour __Run::load(k_rows, k_conn))?;
                }
            })?
            let k_open = |k_rows: Vec<__Attempt>| k_rows.into_iter().map(|__Attempt(k_row)| k_row).collect();
            __k::page(k_open(k_found), k_open(k_others), k_query.limit)
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
