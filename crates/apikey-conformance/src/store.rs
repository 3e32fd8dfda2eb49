//! The cases for stores, one function per promise of [`KeyStore`](apikey_core::KeyStore), and the macro
//! that stamps them all.

pub mod cancel;
pub mod delete;
pub mod end;
pub mod filter;
pub mod find;
pub mod insert;
pub mod limit;
pub mod list;
pub mod rotate;
pub mod touch;
pub mod update;

/// Stamps every store case as a test, in a module of the given name.
///
/// The second argument is an expression that makes a [`StoreFixture`](crate::StoreFixture); it is
/// evaluated once for each case. A promise that the store cannot keep is named with its reason, and each
/// run reports it (see [`report_skip`](crate::report_skip)); a name that is no case does not compile.
///
/// ```
/// # use std::sync::Arc;
/// # use apikey_conformance::{StoreFixture, async_trait, store_suite};
/// # use apikey_core::{KeyRecord, KeyStore, MemoryStore};
/// # #[derive(Default)]
/// # struct MyStore;
/// # #[async_trait]
/// # impl StoreFixture for MyStore {
/// #     type Model = KeyRecord;
/// #     async fn store(&self) -> Arc<dyn KeyStore<KeyRecord>> {
/// #         Arc::new(MemoryStore::<KeyRecord>::new())
/// #     }
/// #     fn extra(&self, _owner: u8) {}
/// # }
/// store_suite!(my_store, MyStore::default(), skip {
///     touches_1200_keys_in_one_call: "the service takes 100 keys at a time",
/// });
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! store_suite {
    ($suite:ident, $fixture:expr $(, skip { $($skipped:ident: $reason:literal),* $(,)? })? $(,)?) => {
        mod $suite {
            #[allow(unused_imports, clippy::wildcard_imports, reason = "for the fixture's expression")]
            use super::*;

            #[allow(dead_code, reason = "only tests call it")]
            fn fixture() -> impl $crate::StoreFixture {
                $fixture
            }

            #[allow(dead_code, reason = "only tests read it")]
            const SKIPPED: &[(&str, &str)] =
                &[$($((stringify!($skipped), $reason)),*)?];

            // A skipped name that is no test does not compile.
            #[cfg(test)]
            #[allow(dead_code, reason = "it is only checked")]
            fn skipped_cases_exist() {
                $($(let _: fn() = $skipped;)*)?
            }

            $crate::each_store_case!($crate::stamp_store_cases);
        }
    };
}

/// Hands the list of all store cases to a macro: the one place where they are listed.
#[doc(hidden)]
#[macro_export]
macro_rules! each_store_case {
    ($callback:path) => {
        $callback! {
            find: finds_a_key_by_exactly_its_prefix;
            find: tells_prefixes_apart_by_case;
            find: finds_keys_in_every_state;
            find: reports_the_models_filter_without_applying_it;
            find: takes_every_text_for_a_prefix;
            find: gets_no_key_of_another_owner;
            insert: returns_every_column_as_it_was_inserted;
            insert: inserts_a_revoked_key_revoked;
            insert: keeps_times_to_the_microsecond;
            insert: keeps_text_byte_by_byte;
            insert: refuses_a_taken_prefix;
            insert: refuses_the_prefix_of_a_revoked_key;
            insert: lets_one_of_32_parallel_inserts_have_a_prefix;
            insert: gives_parallel_inserts_different_ids;
            limit: refuses_an_insert_beyond_the_limit;
            limit: counts_neither_revoked_nor_expired_keys;
            limit: counts_no_keys_of_other_owners;
            limit: holds_the_limit_under_parallel_inserts;
            limit: refuses_a_rotation_at_the_limit;
            limit: holds_the_limit_under_parallel_rotations;
            limit: refuses_another_expiry_beyond_the_limit;
            limit: prolongs_no_absent_key_and_none_of_another_owner;
            limit: holds_the_limit_when_keys_are_kept_beside_inserts;
            update: changes_the_named_columns_alone;
            update: returns_the_key_for_an_empty_patch;
            update: never_moves_a_revocation;
            update: updates_no_absent_key;
            update: updates_no_key_of_another_owner;
            update: keeps_to_the_guard_of_a_patch;
            update: stays_revoked_when_rehashed_late;
            update: lets_one_of_32_parallel_rehashes_win;
            update: merges_parallel_updates_of_different_columns;
            rotate: inserts_the_successor_and_ends_the_predecessor;
            rotate: refuses_a_predecessor_that_changed;
            rotate: refuses_a_predecessor_of_another_name_or_scopes;
            rotate: gives_no_scopes_back_beside_their_removal;
            rotate: refuses_a_successor_with_a_taken_prefix;
            rotate: rotates_no_key_of_another_owner;
            rotate: refuses_a_successor_of_another_owner;
            rotate: lets_one_of_a_hundred_parallel_rotations_win;
            rotate: never_loses_a_revocation_to_a_rotation;
            rotate: shows_no_half_of_a_rotation;
            touch: moves_the_last_use_forward_alone;
            touch: passes_over_keys_that_are_revoked_or_gone;
            touch: stays_revoked_when_touched_late;
            touch: undoes_no_change_beside_it;
            touch: touches_1200_keys_in_one_call;
            touch: moves_each_last_use_to_its_own_time;
            touch: moves_600_last_uses_to_their_own_times;
            list: lists_newest_first_and_ties_by_id;
            list: visits_each_key_once_on_pages_of_every_size;
            list: visits_each_key_once_beside_changes;
            list: counts_what_is_listed_on_all_pages;
            list: ends_after_the_last_key;
            filter: lists_the_keys_of_one_owner;
            filter: lists_keys_by_their_state_at_a_time;
            filter: searches_by_prefix_and_beginning_of_the_name;
            filter: selects_nothing_by_a_text_that_no_name_has;
            filter: lists_the_successors_of_a_key_and_no_others;
            filter: selects_hashes_by_their_beginning;
            filter: selects_any_of_several_encodings_but_for_others;
            filter: joins_all_filters;
            delete: deletes_only_what_ended_before;
            delete: deletes_at_most_the_limit;
            delete: deletes_the_revoked_and_the_expired_within_one_limit;
            delete: deletes_each_key_once_in_parallel;
            delete: deletes_nothing_before_the_calendar_begins;
            end: ends_the_key_with_exactly_this_prefix;
            end: moves_no_revocation_by_ending_again;
            end: ends_no_key_of_another_owner;
            end: never_loses_an_end_to_a_rotation;
            end: deletes_one_key_that_has_ended;
            end: deletes_no_key_of_another_owner;
            cancel: an_insert_is_whole_or_absent;
            cancel: an_update_is_whole_or_absent;
            cancel: a_rotation_is_whole_or_absent;
            cancel: a_touch_and_a_deletion_leave_the_rest;
            cancel: a_read_leaves_nothing_locked;
        }
    };
}

/// Makes a test of each case; expanded within the module of [`store_suite!`].
#[doc(hidden)]
#[macro_export]
macro_rules! stamp_store_cases {
    ($($room:ident: $case:ident;)*) => {$(
        #[test]
        fn $case() {
            let fixture = fixture();
            $crate::run(
                concat!(module_path!(), "::", stringify!($case)),
                SKIPPED,
                $crate::StoreFixture::available(&fixture),
                $crate::store::$room::$case(&fixture),
            );
        }
    )*};
}
