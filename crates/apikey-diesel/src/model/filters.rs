//! What the pages of a query, and its count, are selected by.

/// Implements the selection of one model on one database, but for `__with_status`, which differs between the
/// layouts of tables. Expanded within `__key_queries!` or `__django_queries!`, whose names it uses.
#[doc(hidden)]
#[macro_export]
macro_rules! __key_filters {
    (
        model: $Model:ty, table: $table:ident,
        columns: { $prefix:ident, $hashed_key:ident, $title:ident },
        owner: [$($owner:ident)?],
        rotated_from: [$($rotated_from:ident)?],
        // The column that pages go by, if rows may have something else there than times.
        created: [$($created:ident within $calendar:expr)?]
    ) => {
        type __Rows<'a> = __k::BoxedRows<'a, $table::table, __Db>;

        /// Selects the rows on all pages of a query.
        #[allow(unused_mut, unused_variables, reason = "a model may lack an owner, and its table the predecessors")]
        fn __select<'a>(
            k_query: &'a __k::KeyQuery<$Model>,
            k_now: __k::Timestamp,
        ) -> __k::QueryResult<__Rows<'a>> {
            let mut k_rows = $table::table.into_boxed::<__Db>();
            let k_is_hashed_by = |k_encoding: &'a String| {
                __k::starts_with($hashed_key, k_encoding.as_str().into_sql::<__k::Text>())
            };
            // The alternatives come first: what follows is joined to all of them by "and".
            for k_encoding in &k_query.encodings {
                k_rows = k_rows.or_filter(k_is_hashed_by(k_encoding));
            }
            for k_encoding in &k_query.not_encodings {
                k_rows = k_rows.filter(__k::not(k_is_hashed_by(k_encoding)));
            }
            $(if let Some(k_owner) = &k_query.owner {
                k_rows = k_rows.filter(__k::is_exactly($owner, k_owner.clone()));
            })?
            if let Some(k_text) = &k_query.search {
                let k_value = || k_text.as_str().into_sql::<__k::Text>();
                let k_begins = __k::starts_with($title, k_value());
                k_rows = if __k::can_be_prefix(k_text) {
                    // The second comparison is for databases that ignore spaces in the first,
                    // which has the index.
                    let k_is_prefix = $prefix.eq(k_value()).and(__k::starts_with($prefix, k_value()));
                    k_rows.filter(k_is_prefix.or(k_begins))
                } else if k_text.contains('\0') {
                    // No name has this character, and not every database takes it.
                    k_rows.filter(false.into_sql::<__k::Bool>())
                } else {
                    k_rows.filter(k_begins)
                };
            }
            $(if let Some(k_old) = &k_query.rotated_from {
                let k_value = || k_old.as_str().into_sql::<__k::Text>();
                k_rows = if __k::can_be_prefix(k_old) {
                    k_rows
                        .filter($rotated_from.eq(k_value().nullable()))
                        .filter(__k::starts_with($rotated_from, k_value()))
                } else {
                    k_rows.filter(false.into_sql::<__k::Bool>())
                };
            })?
            $({
                let [k_first, k_last] = $calendar.map(__Time::from);
                k_rows = k_rows.filter($created.ge(k_first)).filter($created.le(k_last));
            })?
            match k_query.status {
                Some(k_status) => __with_status(k_rows, k_status, k_now.into()),
                None => Ok(k_rows),
            }
        }
    };
}
