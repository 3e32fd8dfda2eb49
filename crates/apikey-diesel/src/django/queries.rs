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
                row: $Row,
                columns: { $prefix, $hashed_key, $title, $created, $revoked, $expiry_date },
                own: [$($own $own_value: $Own),*],
                assemble: |$record| $assemble
            }

            type __Rows<'a> = __k::BoxedRows<'a, $table::table, __Db>;

            /// Selects the rows on all pages of a query.
            #[allow(unused_mut, reason = "a model may lack an owner")]
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
                        let k_is_prefix = $prefix.eq(k_value()).and(__k::starts_with($prefix, k_value()));
                        k_rows.filter(k_is_prefix.or(k_begins))
                    } else {
                        k_rows.filter(k_begins)
                    };
                }
                let k_now = __Time::from(k_now);
                match k_query.status {
                    None => Ok(k_rows),
                    Some(__k::KeyStatus::Revoked) => Ok(k_rows.filter($revoked.eq(true))),
                    Some(__k::KeyStatus::Disabled) => {
                        Ok(k_rows.filter(false.into_sql::<__k::Bool>()))
                    }
                    Some(__k::KeyStatus::Expired) => {
                        Ok(k_rows.filter($revoked.eq(false)).filter($expiry_date.le(k_now)))
                    }
                    Some(__k::KeyStatus::Active) => Ok(k_rows
                        .filter($revoked.eq(false))
                        .filter($expiry_date.is_null().or($expiry_date.gt(k_now)))),
                    Some(k_other) => Err(__k::unknown_status(k_other)),
                }
            }

            /// Reads the key with this prefix, which is its id for us.
            #[allow(unused_mut, unused_variables, reason = "a model may lack an owner")]
            $($async)? fn __read<C>(
                k_conn: &mut C,
                k_prefix: &str,
                k_owner: Option<&<$Model as __k::KeyModel>::Owner>,
            ) -> __k::QueryResult<Option<$Model>>
            where
                C: __Connection<Backend = __Db>,
            {
                if !__k::can_be_prefix(k_prefix) {
                    return Ok(None);
                }
                let mut k_rows = $table::table
                    .filter($prefix.eq(k_prefix))
                    .select($Row::as_select())
                    .into_boxed::<__Db>();
                $(if let Some(k_owner) = k_owner {
                    k_rows = k_rows.filter($owner.eq(k_owner.clone()));
                })?
                let k_row: Option<$Row> =
                    $crate::__wait!($flavour __Run::first(k_rows, k_conn)).optional()?;
                Ok(k_row.map(<$Model>::from).filter(|k_key| k_key.record().prefix == k_prefix))
            }

            #[allow(unused_mut, unused_variables, reason = "a model may lack an owner")]
            impl __Model<__Db> for $Model {
                fn table() -> __k::TableNames {
                    __k::TableNames::new($name, <$prefix as __k::Column>::NAME, <$hashed_key as __k::Column>::NAME, &[
                        <$id as __k::Column>::NAME, <$prefix as __k::Column>::NAME,
                        <$hashed_key as __k::Column>::NAME, <$title as __k::Column>::NAME,
                        <$created as __k::Column>::NAME, <$revoked as __k::Column>::NAME,
                        <$expiry_date as __k::Column>::NAME,
                        $(<$own as __k::Column>::NAME,)*
                    ])
                    .lacking(&["scopes", "disabled_at", "last_used_at", "rotated_from"])
                    .ruled_by($rules)
                }

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
                        .select(($Row::as_select(), $crate::__is_usable!($($usable)?)));
                    let k_row: Option<($Row, bool)> =
                        $crate::__wait!($flavour __Run::first(k_rows, k_conn)).optional()?;
                    Ok(k_row
                        .map(|(k_row, k_is_usable)| __k::Found::new(Self::from(k_row), k_is_usable))
                        .filter(|k_found| k_found.key.record().prefix == k_prefix))
                }

                $($async)? fn get<C>(
                    k_conn: &mut C,
                    k_prefix: &str,
                    k_owner: Option<&Self::Owner>,
                ) -> __k::QueryResult<Option<Self>>
                where
                    C: __Connection<Backend = __Db>,
                {
                    $crate::__wait!($flavour __read(k_conn, k_prefix, k_owner))
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
                        Some(k_owner) => k_rows = k_rows.filter($owner.eq(k_owner.clone())),
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
                    let k_key = $crate::__wait!($flavour __read(k_conn, &k_new.prefix, None))?;
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
                    if __k::is_empty(k_patch) {
                        let k_key = $crate::__wait!($flavour __read(k_conn, k_id, k_owner))?;
                        return Ok(k_key.filter(|k_key| __k::is_guarded(k_key.record(), k_patch)));
                    }
                    // No change ever names what it does not mean to change: a key that Django revokes
                    // meanwhile stays revoked.
                    let k_changes = (
                        k_patch.name.as_ref().map(|k_name| $title.eq(k_name.as_str())),
                        k_patch.expires_at.map(|k_time| $expiry_date.eq(k_time.map(__Time::from))),
                        k_patch.revoked_at.map(|_| $revoked.eq(true)),
                        k_patch.hashed_key.as_ref().map(|k_hash| $hashed_key.eq(k_hash.as_str())),
                    );
                    let mut k_update = $crate::diesel::update($table::table)
                        .filter($prefix.eq(k_id.as_str()))
                        .set(k_changes)
                        .into_boxed::<__Db>();
                    $(if let Some(k_owner) = k_owner {
                        k_update = k_update.filter($owner.eq(k_owner.clone()));
                    })?
                    if let Some(k_seen) = &k_patch.if_hashed_key {
                        k_update = k_update.filter($hashed_key.eq(k_seen.as_str()));
                    }
                    match $crate::__wait!($flavour __Run::execute(k_update, k_conn))? {
                        0 => Ok(None),
                        _ => $crate::__wait!($flavour __read(k_conn, k_id, k_owner)),
                    }
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
                        k_update = k_update.filter($owner.eq(k_owner.clone()));
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
                        let (k_at, k_id) = (__Time::from(k_after.created_at), k_after.id.as_str());
                        // The first bound follows from the second, but only the first can use the
                        // index.
                        k_rows = k_rows.filter($created.le(k_at)).filter(
                            $created.lt(k_at).or($created.eq(k_at).and($prefix.lt(k_id))),
                        );
                    }
                    let k_rows = k_rows
                        .order(($created.desc(), $prefix.desc()))
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
                    let k_ended = $table::table
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
