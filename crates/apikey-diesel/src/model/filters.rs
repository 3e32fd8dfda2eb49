//! What the pages of a query, and its count, are selected by.

/// Implements the selection of one model on one database, within what
/// [`__key_queries`](crate::__key_queries) has imported.
#[doc(hidden)]
#[macro_export]
macro_rules! __key_filters {
    (
        model: $Model:ty, table: $table:ident,
        columns: { $prefix:ident, $hashed_key:ident, $title:ident, $revoked_at:ident },
        expires_at: [$($expires_at:ident)?],
        disabled_at: [$($disabled_at:ident)?],
        owner: [$($owner:ident)?]
    ) => {
        type __Rows<'a> = __k::BoxedRows<'a, $table::table, __Db>;

        /// Selects the rows on all pages of a query.
        #[allow(unused_mut, unused_variables, reason = "a model may lack an owner")]
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
                k_rows = k_rows.filter($owner.eq(k_owner.clone()));
            })?
            if let Some(k_text) = &k_query.search {
                let k_value = || k_text.as_str().into_sql::<__k::Text>();
                let k_begins = __k::starts_with($title, k_value());
                k_rows = if __k::can_be_prefix(k_text) {
                    // The second comparison is for databases that ignore spaces in the first,
                    // which has the index.
                    let k_is_prefix = $prefix.eq(k_value()).and(__k::starts_with($prefix, k_value()));
                    k_rows.filter(k_is_prefix.or(k_begins))
                } else {
                    k_rows.filter(k_begins)
                };
            }
            match k_query.status {
                Some(k_status) => __with_status(k_rows, k_status, k_now.into()),
                None => Ok(k_rows),
            }
        }

        /// Keeps the rows in one state, in the order of [`KeyRecord::status`].
        #[allow(unreachable_code, unused_mut, unused_variables, reason = "the table may lack the columns")]
        fn __with_status(k_rows: __Rows<'_>, k_status: __k::KeyStatus, k_now: __Time) -> __k::QueryResult<__Rows<'_>> {
            if k_status == __k::KeyStatus::Revoked {
                return Ok(k_rows.filter($revoked_at.is_not_null()));
            }
            let mut k_rows = k_rows.filter($revoked_at.is_null());
            if k_status == __k::KeyStatus::Disabled {
                $(return Ok(k_rows.filter($disabled_at.is_not_null()));)?
                return Ok(k_rows.filter(false.into_sql::<__k::Bool>()));
            }
            $(k_rows = k_rows.filter($disabled_at.is_null());)?
            match k_status {
                __k::KeyStatus::Expired => {
                    $(return Ok(k_rows.filter($expires_at.le(k_now)));)?
                    Ok(k_rows.filter(false.into_sql::<__k::Bool>()))
                }
                __k::KeyStatus::Active => {
                    $(k_rows = k_rows.filter($expires_at.is_null().or($expires_at.gt(k_now)));)?
                    Ok(k_rows)
                }
                k_other => Err(__k::unknown_status(k_other)),
            }
        }
    };
}
