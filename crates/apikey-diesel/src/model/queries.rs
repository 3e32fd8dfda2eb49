//! Every query on keys, written once: a macro that is expanded for each model and database.

/// Implements the queries of one model on one database.
///
/// `$flavour` (`blocking`, `nonblocking`) and `$backend` (`sqlite`, `postgres`, `mysql`) are modules of
/// `__private`, which give the same names different meanings. Everything after the semicolon
/// describes the model; the columns are names that the caller has imported, so that a column which the
/// table lacks is one error there and not one for each use here.
#[doc(hidden)]
#[macro_export]
macro_rules! __key_queries {
    (
        $flavour:ident $backend:ident [$($async:ident)?];
        model: $Model:ty, row: $Row:ident, id: $Id:ty,
        table: $table:ident $name:expr,
        columns: { $id:ident, $prefix:ident, $hashed_key:ident, $title:ident, $created_at:ident, $revoked_at:ident },
        // A column that the table may lack, a name for its value, and its own name.
        scopes: [$($scopes:ident $scopes_value:ident)?],
        expires_at: [$($expires_at:ident $expires_value:ident)?],
        disabled_at: [$($disabled_at:ident $disabled_value:ident)?],
        last_used_at: [$($last_used_at:ident $last_used_value:ident)?],
        rotated_from: [$($rotated_from:ident $rotated_value:ident)?],
        lacks: [$($lacks:literal),*],
        // The model's own columns: the column, a name for its value, and its type.
        own: [$($own:ident $own_value:ident: $Own:ty),*],
        assemble: |$record:ident| $assemble:expr,
        insert: |$extra:ident| [$($set:ident = $value:expr),*],
        owner: [$($owner:ident)?],
        new_id: [$($new_id:expr)?],
        usable: [$($usable:expr)?] $(,)?
    ) => {
        const _: () = {
            // Nothing here may have a name that a model, its filter or its columns could have.
            use $crate::__private::{
                self as __k, KeyModel as _,
                $backend::{Db as __Db, Time as __Time},
                $flavour::{Connection as __Connection, Model as __Model, Run as __Run},
            };
            #[allow(unused_imports, reason = "the filter of a model may need them")]
            use $crate::diesel::{
                BoolExpressionMethods as _, ExpressionMethods as _, IntoSql as _,
                NullableExpressionMethods as _, OptionalExtension as _, QueryDsl as _,
                SelectableHelper as _, TextExpressionMethods as _,
            };

            $crate::__key_rows! {
                $backend;
                model: $Model, row: $Row, id: $Id,
                columns: { $id, $prefix, $hashed_key, $title, $created_at, $revoked_at },
                scopes: [$($scopes $scopes_value)?],
                expires_at: [$($expires_at $expires_value)?],
                disabled_at: [$($disabled_at $disabled_value)?],
                last_used_at: [$($last_used_at $last_used_value)?],
                rotated_from: [$($rotated_from $rotated_value)?],
                own: [$($own $own_value: $Own),*],
                assemble: |$record| $assemble
            }

            $crate::__key_filters! {
                model: $Model, table: $table,
                columns: { $prefix, $hashed_key, $title },
                owner: [$($owner)?],
                rotated_from: [$($rotated_from)?],
                created: []
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
                        $(return Ok(k_rows.filter(__k::is_until($expires_at, k_now)));)?
                        Ok(k_rows.filter(false.into_sql::<__k::Bool>()))
                    }
                    __k::KeyStatus::Active => {
                        $(k_rows = k_rows.filter($expires_at.is_null().or(__k::is_after($expires_at, k_now)));)?
                        Ok(k_rows)
                    }
                    k_other => Err(__k::unknown_status(k_other)),
                }
            }

            #[allow(unused_mut, unused_variables, reason = "a model may lack an owner")]
            $($async)? fn __by_id<C>(
                k_conn: &mut C,
                k_id: &$Id,
                k_owner: Option<&<$Model as __k::KeyModel>::Owner>,
            ) -> __k::QueryResult<Option<$Model>>
            where
                C: __Connection<Backend = __Db>,
            {
                let mut k_rows = $table::table
                    .filter($id.eq(k_id.clone()))
                    .select(__Attempt::as_select())
                    .into_boxed::<__Db>();
                $(if let Some(k_owner) = k_owner {
                    k_rows = k_rows.filter(__k::is_exactly($owner, k_owner.clone()));
                })?
                let k_row: Option<__Attempt> =
                    $crate::__wait!($flavour __Run::first(k_rows, k_conn)).optional()?;
                __k::one(k_row.map(|__Attempt(k_row)| k_row), None)
            }

            /// What a row is found by.
            enum __By<'a> {
                Id(&'a $Id),
                Prefix(&'a str),
            }

            /// Changes the columns that a patch names, of which there has to be one; returns how many rows the
            /// database says it changed.
            #[allow(unused_mut, unused_variables, reason = "a model may lack an owner")]
            $($async)? fn __change<C>(
                k_conn: &mut C,
                k_by: __By<'_>,
                k_owner: Option<&<$Model as __k::KeyModel>::Owner>,
                k_patch: &__k::KeyPatch,
            ) -> __k::QueryResult<usize>
            where
                C: __Connection<Backend = __Db>,
            {
                let k_to_column = |k_time: Option<__k::Timestamp>| k_time.map(__Time::from);
                let k_revoked_at = |k_time: __k::Timestamp| __k::coalesce($revoked_at, __Time::from(k_time));
                let k_changes = (
                    k_patch.name.as_ref().map(|k_name| $title.eq(k_name.as_str())),
                    $(k_patch.scopes.as_ref().map(|k_scopes| $scopes.eq(k_scopes.as_str())),)?
                    $(k_patch.expires_at.map(|k_time| $expires_at.eq(k_to_column(k_time))),)?
                    $(k_patch.disabled_at.map(|k_time| $disabled_at.eq(k_to_column(k_time))),)?
                    k_patch.revoked_at.map(|k_time| $revoked_at.eq(k_revoked_at(k_time))),
                    k_patch.hashed_key.as_ref().map(|k_hash| $hashed_key.eq(k_hash.as_str())),
                );
                let k_update =
                    $crate::diesel::update($table::table).set(k_changes).into_boxed::<__Db>();
                let mut k_update = match k_by {
                    __By::Id(k_id) => k_update.filter($id.eq(k_id.clone())),
                    __By::Prefix(k_prefix) => k_update.filter(__k::is_exactly($prefix, k_prefix)),
                };
                $(if let Some(k_owner) = k_owner {
                    k_update = k_update.filter(__k::is_exactly($owner, k_owner.clone()));
                })?
                if let Some(k_seen) = &k_patch.if_hashed_key {
                    k_update = k_update.filter($hashed_key.eq(k_seen.as_str()));
                }
                $crate::__wait!($flavour __Run::execute(k_update, k_conn))
            }

            #[allow(unreachable_code, unused_mut, unused_variables, reason = "the table may lack the columns, and the model an owner")]
            #[diagnostic::do_not_recommend]
            impl __Model<__Db> for $Model
            where
                // Silences what follows from a mistake that has been reported: no column is a type then.
                $prefix: Sized,
            {
                fn table() -> __k::TableNames {
                    static K_PLACE: __k::OnceLock<__k::TablePlace> = __k::OnceLock::new();
                    let k_place = K_PLACE.get_or_init(|| __k::TablePlace::of::<__Db, _>(&$table::table, $name));
                    __k::TableNames::new(k_place.table.as_str(), <$prefix as __k::Column>::NAME, <$hashed_key as __k::Column>::NAME, &[
                        <$id as __k::Column>::NAME, <$prefix as __k::Column>::NAME,
                        <$hashed_key as __k::Column>::NAME, <$title as __k::Column>::NAME,
                        $(<$scopes as __k::Column>::NAME,)?
                        <$created_at as __k::Column>::NAME,
                        $(<$expires_at as __k::Column>::NAME,)?
                        $(<$disabled_at as __k::Column>::NAME,)?
                        <$revoked_at as __k::Column>::NAME,
                        $(<$last_used_at as __k::Column>::NAME,)?
                        $(<$rotated_from as __k::Column>::NAME,)?
                        $(<$own as __k::Column>::NAME,)*
                    ])
                    .in_schema(k_place.schema.as_deref())
                    .with_times(&[
                        <$created_at as __k::Column>::NAME,
                        $(<$expires_at as __k::Column>::NAME,)?
                        $(<$disabled_at as __k::Column>::NAME,)?
                        <$revoked_at as __k::Column>::NAME,
                        $(<$last_used_at as __k::Column>::NAME,)?
                    ])
                    $(.owned_by(<$owner as __k::Column>::NAME))?
                    .with_texts(
                        &[
                            (<$prefix as __k::Column>::NAME, __k::MOST_PREFIX),
                            (<$title as __k::Column>::NAME, __k::MOST_NAME),
                            $((<$scopes as __k::Column>::NAME, __k::MOST_SCOPES),)?
                            $((<$rotated_from as __k::Column>::NAME, __k::MOST_PREFIX),)?
                        ],
                        &[
                            <$prefix as __k::Column>::NAME, <$hashed_key as __k::Column>::NAME,
                            <$title as __k::Column>::NAME, $(<$scopes as __k::Column>::NAME,)?
                            <$created_at as __k::Column>::NAME,
                        ],
                    )
                    .lacking(&[$($lacks),*])
                }

                $crate::__key_lookups! {
                    $flavour [$($async)?];
                    table: $table, prefix: $prefix, owner: [$($owner)?], usable: [$($usable)?]
                }

                $($async)? fn count_live<C>(
                    k_conn: &mut C,
                    k_new: &__k::NewRecord<Self::Extra>,
                ) -> __k::QueryResult<u64>
                where
                    C: __Connection<Backend = __Db>,
                {
                    let mut k_rows =
                        $table::table.filter($revoked_at.is_null()).into_boxed::<__Db>();
                    $({
                        let k_at = __Time::from(k_new.created_at);
                        k_rows = k_rows.filter($expires_at.is_null().or(__k::is_after($expires_at, k_at)));
                    })?
                    $(match Self::owner_of(&k_new.extra) {
                        Some(k_owner) => k_rows = k_rows.filter(__k::is_exactly($owner, k_owner.clone())),
                        None => k_rows = k_rows.filter($owner.is_null()),
                    })?
                    let k_rows = k_rows.count();
                    $crate::__wait!($flavour __Run::get_result(k_rows, k_conn)).and_then(__k::to_u64)
                }

                $($async)? fn insert<C>(
                    k_conn: &mut C,
                    k_new: &__k::NewRecord<Self::Extra>,
                ) -> __k::QueryResult<Self>
                where
                    C: __Connection<Backend = __Db>,
                {
                    let $extra = &k_new.extra;
                    let k_row = (
                        $($id.eq($new_id),)?
                        $prefix.eq(k_new.prefix.as_str()),
                        $hashed_key.eq(k_new.hashed_key.as_str()),
                        $title.eq(k_new.name.as_str()),
                        $created_at.eq(__Time::from(k_new.created_at)),
                        $($scopes.eq(k_new.scopes.as_str()),)?
                        $($expires_at.eq(k_new.expires_at.map(__Time::from)),)?
                        $($disabled_at.eq(k_new.disabled_at.map(__Time::from)),)?
                        $revoked_at.eq(k_new.revoked_at.map(__Time::from)),
                        $($rotated_from.eq(k_new.rotated_from.as_deref()),)?
                        $($set.eq($value),)*
                    );
                    let k_insert = $crate::diesel::insert_into($table::table).values(k_row);
                    $crate::__wait!($flavour __Run::execute(k_insert, k_conn))?;
                    let k_key = $crate::__wait!($flavour <Self as __Model<__Db>>::get(k_conn, &k_new.prefix, None))?;
                    k_key.ok_or(__k::Error::NotFound)
                }

                $($async)? fn update<C>(
                    k_conn: &mut C,
                    k_id: &Self::Id,
                    k_owner: Option<&Self::Owner>,
                    k_patch: &__k::KeyPatch,
                ) -> __k::QueryResult<Option<Self>>
                where
                    C: __Connection<Backend = __Db>,
                {
                    if k_patch.is_empty() {
                        let k_key = $crate::__wait!($flavour __by_id(k_conn, k_id, k_owner))?;
                        return Ok(k_key.filter(|k_key| k_patch.may_change(k_key.record())));
                    }
                    let k_by = __By::Id(k_id);
                    let k_updated = $crate::__wait!($flavour __change(k_conn, k_by, k_owner, k_patch))? > 0;
                    if __k::$backend::COUNTS_MATCHES && !k_updated {
                        return Ok(None);
                    }
                    let k_key = $crate::__wait!($flavour __by_id(k_conn, k_id, k_owner))?;
                    Ok(k_key.filter(|k_key| k_updated || k_patch.may_change(k_key.record())))
                }

                $crate::__key_endings! {
                    $flavour $backend [$($async)?];
                    table: $table, columns: { $prefix, $hashed_key }, owner: [$($owner)?],
                    has_ended: |k_now| $revoked_at.is_not_null()$(.or(__k::is_until($expires_at, k_now)))?
                }

                $($async)? fn supersede<C>(
                    k_conn: &mut C,
                    k_id: &Self::Id,
                    k_owner: Option<&Self::Owner>,
                    k_seen: Option<__k::Timestamp>,
                    k_expires_at: __k::Timestamp,
                ) -> __k::QueryResult<bool>
                where
                    C: __Connection<Backend = __Db>,
                {
                    let mut k_update = $crate::diesel::update($table::table)
                        .filter($id.eq(k_id.clone()))
                        .filter($revoked_at.is_null())
                        .into_boxed::<__Db>();
                    $(k_update = k_update.filter($disabled_at.is_null());)?
                    $(if let Some(k_owner) = k_owner {
                        k_update = k_update.filter(__k::is_exactly($owner, k_owner.clone()));
                    })?
                    $(
                        // `= NULL` is never true.
                        let k_update = match k_seen {
                            Some(k_seen) => k_update.filter(__k::is_same_time($expires_at, __Time::from(k_seen))),
                            None => k_update.filter($expires_at.is_null()),
                        };
                        let k_update = k_update.set($expires_at.eq(__Time::from(k_expires_at)));
                        let k_updated = $crate::__wait!($flavour __Run::execute(k_update, k_conn))?;
                        return Ok(k_updated > 0);
                    )?
                    Err(__k::lacks("expires_at"))
                }

                $crate::__key_uses! {
                    $flavour [$($async)?];
                    id: $Id, table: $table, columns: { $id, $revoked_at }, last_used_at: [$($last_used_at)?]
                }

                $crate::__key_pages! {
                    $flavour [$($async)?];
                    row: $Row, table: $table, columns: { $id, $created_at }, others: [$created_at]
                }

                $($async)? fn delete_expired<C>(
                    k_conn: &mut C,
                    k_before: __k::Timestamp,
                    k_limit: u32,
                ) -> __k::QueryResult<u64>
                where
                    C: __Connection<Backend = __Db>,
                {
                    let k_before = __Time::from(k_before);
                    // Not as a subquery: MySQL takes neither a limit nor the same table there.
                    // And not at once: either end has an index, "or" has none, and a plan that reads the table reads
                    // all of it, with a lock on each row on MySQL.
                    let k_revoked = $table::table
                        .filter(__k::is_before($revoked_at, k_before))
                        .order($revoked_at)
                        .limit(i64::from(k_limit))
                        .select($id);
                    let k_locked = $crate::__lock_rows!($backend k_revoked);
                    let mut k_ended: Vec<$Id> = $crate::__wait!($flavour __Run::load(k_locked, k_conn))?;
                    $(
                        let k_left = i64::from(k_limit) - __k::to_i64(k_ended.len());
                        if k_left > 0 {
                            let k_expired = $table::table
                                .filter(__k::is_before($expires_at, k_before))
                                .filter($revoked_at.is_null().or(__k::is_not_before($revoked_at, k_before)))
                                .order($expires_at)
                                .limit(k_left)
                                .select($id);
                            let k_locked = $crate::__lock_rows!($backend k_expired);
                            let k_expired: Vec<$Id> = $crate::__wait!($flavour __Run::load(k_locked, k_conn))?;
                            k_ended.extend(k_expired);
                        }
                    )?
                    let mut k_deleted = 0;
                    for k_ids in k_ended.chunks(__k::ROWS_AT_ONCE) {
                        let k_delete =
                            $crate::diesel::delete($table::table).filter($id.eq_any(k_ids.to_vec()));
                        k_deleted += $crate::__wait!($flavour __Run::execute(k_delete, k_conn))? as u64;
                    }
                    Ok(k_deleted)
                }
            }
        };
    };
}
