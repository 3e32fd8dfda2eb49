//! Every query on keys in Django's layout, written once: a macro that is expanded for each model and
//! database.

/// Implements the queries of one model on one database; see `__key_queries!`, from which it differs as
/// Django's table does: revoked without a time, keyed by prefix and hash, and no other optional column
/// than the expiry.
#[doc(hidden)]
#[macro_export]
macro_rules! __django_queries {
    // What the compiler has to find true before it sees a query.
    ({ $($checks:tt)* } $($model:tt)*) => {
        const _: () = {
            $($checks)*
            $crate::__django_queries! { $($model)* }
        };
    };
    (
        $flavour:ident $backend:ident [$($async:ident)?];
        model: $Model:ty, row: $Row:ident,
        table: $table:ident $name:expr,
        rules: $rules:expr,
        columns: { $id:ident, $prefix:ident, $hashed_key:ident, $title:ident, $created:ident, $revoked:ident, $expiry_date:ident },
        // The model's own columns: the column, a name for its value, and its type.
        own: [$($own:ident $own_value:ident: $Own:ty),*],
        assemble: |$record:ident| $assemble:expr,
        insert: |$extra:ident| [$($set:ident = $value:expr),*],
        owner: [$($owner:ident)?],
        usable: [$($usable:expr)?] $(,)?
    ) => {
        const _: () = {
            // Nothing here may have a name that a model, its filter or its columns could have.
            use $crate::__private::{
                self as __k, KeyModel as _, $backend::Db as __Db, django::$backend::Time as __Time,
                $flavour::{Connection as __Connection, Model as __Model, Run as __Run},
            };
            #[allow(unused_imports, reason = "the filter of a model may need them")]
            use $crate::diesel::{
                BoolExpressionMethods as _, ExpressionMethods as _, IntoSql as _,
                NullableExpressionMethods as _, OptionalExtension as _, QueryDsl as _,
                SelectableHelper as _, TextExpressionMethods as _,
            };

            $crate::__django_rows! {
                $backend;
                model: $Model, row: $Row,
                columns: { $prefix, $hashed_key, $title, $created, $revoked, $expiry_date },
                own: [$($own $own_value: $Own),*],
                assemble: |$record| $assemble
            }

            $crate::__key_filters! {
                model: $Model, table: $table,
                columns: { $prefix, $hashed_key, $title },
                owner: [$($owner)?],
                rotated_from: [],
                // A row that has no such time could not be followed by a next page.
                created: [$created within __k::django::calendar()]
            }

            /// Keeps the rows in one state, in the order of [`KeyRecord::status`].
            fn __with_status(k_rows: __Rows<'_>, k_status: __k::KeyStatus, k_now: __Time) -> __k::QueryResult<__Rows<'_>> {
                if k_status == __k::KeyStatus::Revoked {
                    // With what is neither, which SQLite keeps: such a key is refused, and somebody has to see it.
                    return Ok(k_rows.filter($revoked.ne(false).or($revoked.is_null())));
                }
                let k_rows = k_rows.filter($revoked.eq(false));
                match k_status {
                    __k::KeyStatus::Disabled => Ok(k_rows.filter(false.into_sql::<__k::Bool>())),
                    __k::KeyStatus::Expired => Ok(k_rows.filter($expiry_date.le(k_now))),
                    __k::KeyStatus::Active => {
                        Ok(k_rows.filter($expiry_date.is_null().or($expiry_date.gt(k_now))))
                    }
                    k_other => Err(__k::unknown_status(k_other)),
                }
            }

            /// What a row is found by.
            enum __By<'a> {
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
                // No change ever names what it does not mean to change: a key that Django revokes
                // meanwhile stays revoked.
                let k_changes = (
                    k_patch.name.as_ref().map(|k_name| $title.eq(k_name.as_str())),
                    k_patch.expires_at.map(|k_time| $expiry_date.eq(k_time.map(__Time::from))),
                    k_patch.revoked_at.map(|_| $revoked.eq(true)),
                    k_patch.hashed_key.as_ref().map(|k_hash| $hashed_key.eq(k_hash.as_str())),
                );
                let __By::Prefix(k_prefix) = k_by;
                let mut k_update = $crate::diesel::update($table::table)
                    .filter(__k::is_exactly($prefix, k_prefix))
                    .set(k_changes)
                    .into_boxed::<__Db>();
                $(if let Some(k_owner) = k_owner {
                    k_update = k_update.filter(__k::is_exactly($owner, k_owner.clone()));
                })?
                if let Some(k_seen) = &k_patch.if_hashed_key {
                    k_update = k_update.filter($hashed_key.eq(k_seen.as_str()));
                }
                $crate::__wait!($flavour __Run::execute(k_update, k_conn))
            }

            #[allow(unused_mut, unused_variables, reason = "a model may lack an owner")]
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
                        <$created as __k::Column>::NAME, <$revoked as __k::Column>::NAME,
                        <$expiry_date as __k::Column>::NAME,
                        $(<$own as __k::Column>::NAME,)*
                    ])
                    .in_schema(k_place.schema.as_deref())
                    .with_times(&[<$created as __k::Column>::NAME, <$expiry_date as __k::Column>::NAME])
                    $(.owned_by(<$owner as __k::Column>::NAME))?
                    .lacking(&["scopes", "disabled_at", "last_used_at", "rotated_from"])
                    .ruled_by($rules)
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
                    let k_at = __Time::from(k_new.created_at);
                    let mut k_rows = $table::table
                        .filter($revoked.eq(false))
                        .filter($expiry_date.is_null().or($expiry_date.gt(k_at)))
                        .into_boxed::<__Db>();
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
                        $id.eq(__k::django::id_of(&k_new.prefix, &k_new.hashed_key)),
                        $prefix.eq(k_new.prefix.as_str()),
                        $hashed_key.eq(k_new.hashed_key.as_str()),
                        $title.eq(k_new.name.as_str()),
                        $created.eq(__Time::from(k_new.created_at)),
                        $revoked.eq(k_new.revoked_at.is_some()),
                        $expiry_date.eq(k_new.expires_at.map(__Time::from)),
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
                        let k_key = $crate::__wait!($flavour <Self as __Model<__Db>>::get(k_conn, k_id, k_owner))?;
                        return Ok(k_key.filter(|k_key| k_patch.may_change(k_key.record())));
                    }
                    let k_by = __By::Prefix(k_id.as_str());
                    let k_updated = $crate::__wait!($flavour __change(k_conn, k_by, k_owner, k_patch))? > 0;
                    if __k::$backend::COUNTS_MATCHES && !k_updated {
                        return Ok(None);
                    }
                    let k_key = $crate::__wait!($flavour <Self as __Model<__Db>>::get(k_conn, k_id, k_owner))?;
                    Ok(k_key.filter(|k_key| k_updated || k_patch.may_change(k_key.record())))
                }

                $crate::__key_endings! {
                    $flavour $backend [$($async)?];
                    table: $table, columns: { $prefix, $hashed_key }, owner: [$($owner)?],
                    // What is no time sorts before all times on SQLite.
                    has_ended: |k_now| $revoked.eq(true).or(
                        $expiry_date
                            .ge(__Time::from(__k::django::calendar()[0]))
                            .and($expiry_date.le(k_now))
                    )
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
                        .filter($prefix.eq(k_id.as_str()))
                        .filter($revoked.eq(false))
                        .into_boxed::<__Db>();
                    $(if let Some(k_owner) = k_owner {
                        k_update = k_update.filter(__k::is_exactly($owner, k_owner.clone()));
                    })?
                    // `= NULL` is never true.
                    let k_update = match k_seen {
                        Some(k_seen) => k_update.filter($expiry_date.eq(__Time::from(k_seen))),
                        None => k_update.filter($expiry_date.is_null()),
                    };
                    let k_update = k_update.set($expiry_date.eq(__Time::from(k_expires_at)));
                    let k_updated = $crate::__wait!($flavour __Run::execute(k_update, k_conn))?;
                    Ok(k_updated > 0)
                }

                $($async)? fn touch<C>(_: &mut C, _: &[Self::Id], _: __k::Timestamp) -> __k::QueryResult<()>
                where
                    C: __Connection<Backend = __Db>,
                {
                    Err(__k::lacks("last_used_at"))
                }

                $crate::__key_pages! {
                    $flavour [$($async)?];
                    row: $Row, table: $table, columns: { $prefix, $created }, others: []
                }

                $($async)? fn delete_expired<C>(
                    k_conn: &mut C,
                    k_before: __k::Timestamp,
                    k_limit: u32,
                ) -> __k::QueryResult<u64>
                where
                    C: __Connection<Backend = __Db>,
                {
                    // Not as a subquery: MySQL takes neither a limit nor the same table there. A key that
                    // was revoked at an unknown time is kept until it expires.
                    // SQLite keeps what is no time, too, which may sort before all times: nobody knows when such a
                    // key ends.
                    let [k_first, _] = __k::django::calendar();
                    if k_before <= k_first {
                        // Nothing has ended by then, and SQLite's form of times has no place for it.
                        return Ok(0);
                    }
                    let k_ended = $table::table
                        .filter($expiry_date.ge(__Time::from(k_first)))
                        .filter($expiry_date.lt(__Time::from(k_before)))
                        .order(($created, $prefix))
                        .limit(i64::from(k_limit))
                        .select($prefix);
                    let k_locked = $crate::__lock_rows!($backend k_ended);
                    let k_ended: Vec<String> = $crate::__wait!($flavour __Run::load(k_locked, k_conn))?;
                    let mut k_deleted = 0;
                    for k_prefixes in k_ended.chunks(__k::ROWS_AT_ONCE) {
                        let k_delete = $crate::diesel::delete($table::table)
                            .filter($prefix.eq_any(k_prefixes.to_vec()));
                        k_deleted += $crate::__wait!($flavour __Run::execute(k_delete, k_conn))? as u64;
                    }
                    Ok(k_deleted)
                }
            }
        };
    };
}
