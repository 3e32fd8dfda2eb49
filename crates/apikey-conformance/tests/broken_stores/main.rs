//! The store suite bites: each deliberate defect is noticed by the case that is about it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod defect;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use apikey_conformance::{StoreFixture, async_trait, run, store, store_suite};
use apikey_core::KeyStore;

use crate::defect::Defect::{self, *};
use crate::defect::{BrokenStore, OwnedKey, Team};

struct Broken(Defect);

#[async_trait]
impl StoreFixture for Broken {
    type Model = OwnedKey;

    async fn store(&self) -> Arc<dyn KeyStore<OwnedKey>> {
        Arc::new(BrokenStore::new(self.0))
    }

    fn extra(&self, owner: u8) -> Team {
        Team { number: owner, is_active: true }
    }

    fn owner(&self, owner: u8) -> Option<Team> {
        Some(self.extra(owner))
    }

    fn unusable(&self) -> Option<Team> {
        Some(Team { number: 3, is_active: false })
    }
}

// Without a defect every case passes, so it is the defect that fails them below.
store_suite!(without_a_defect, Broken(Sound));

/// One test for each pair: on a store with the defect, the case fails.
macro_rules! notices {
    ($($defect:ident: $room:ident::$case:ident as $test:ident;)*) => {$(
        #[test]
        fn $test() {
            let fixture = Broken($defect);
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                run(stringify!($case), &[], Ok(()), store::$room::$case(&fixture));
            }));
            assert!(outcome.is_err(), "{:?} passes {}", $defect, stringify!($case));
        }
    )*};
}

notices! {
    FindIgnoresCase: find::tells_prefixes_apart_by_case as a_find_that_ignores_case;
    FindTrims: find::finds_a_key_by_exactly_its_prefix as a_find_that_trims;
    FindHidesRevoked: find::finds_keys_in_every_state as a_find_that_hides_revoked_keys;
    FindAppliesFilter: find::reports_the_models_filter_without_applying_it as a_find_that_applies_the_filter;
    FindFailsOnNul: find::takes_every_text_for_a_prefix as a_find_that_fails_on_some_text;
    GetIgnoresOwner: find::gets_no_key_of_another_owner as a_get_that_ignores_the_owner;
    InsertDropsRotatedFrom: insert::returns_every_column_as_it_was_inserted as an_insert_that_drops_a_column;
    InsertRevokesAfter: insert::inserts_a_revoked_key_revoked as an_insert_that_revokes_afterwards;
    InsertDropsDisabled: insert::inserts_a_revoked_key_revoked as an_insert_that_enables_a_disabled_key;
    InsertCutsTimes: insert::keeps_times_to_the_microsecond as an_insert_that_cuts_times;
    InsertCutsNames: insert::keeps_text_byte_by_byte as an_insert_that_cuts_names;
    InsertOverwrites: insert::refuses_a_taken_prefix as an_insert_that_overwrites;
    InsertRevives: insert::refuses_the_prefix_of_a_revoked_key as an_insert_that_revives;
    InsertLooksBefore: insert::lets_one_of_32_parallel_inserts_have_a_prefix as an_insert_that_looks_before;
    InsertRepeatsIds: insert::gives_parallel_inserts_different_ids as an_insert_that_repeats_ids;
    InsertInTwoSteps: cancel::an_insert_is_whole_or_absent as an_insert_in_two_steps;
    LimitIsIgnored: limit::refuses_an_insert_beyond_the_limit as a_limit_that_is_ignored;
    LimitCountsEnded: limit::counts_neither_revoked_nor_expired_keys as a_limit_that_counts_ended_keys;
    LimitCountsOthers: limit::counts_no_keys_of_other_owners as a_limit_that_counts_other_owners;
    LimitCountsBefore: limit::holds_the_limit_under_parallel_inserts as a_limit_that_is_counted_before;
    RotateIgnoresLimit: limit::refuses_a_rotation_at_the_limit as a_rotation_that_ignores_the_limit;
    RotateCountsBefore: limit::refuses_a_rotation_at_the_limit as a_rotation_that_counts_its_predecessor_always;
    RotateCountsBefore: limit::holds_the_limit_under_parallel_rotations as a_rotation_that_counts_before;
    WithinIgnoresLimit: limit::refuses_another_expiry_beyond_the_limit as another_expiry_that_ignores_the_limit;
    WithinCountsAlways: limit::refuses_another_expiry_beyond_the_limit as another_expiry_that_always_counts;
    WithinCountsBefore: limit::holds_the_limit_when_keys_are_kept_beside_inserts as another_expiry_that_counts_before;
    WithinIgnoresOwner: limit::prolongs_no_absent_key_and_none_of_another_owner as another_expiry_that_ignores_the_owner;
    UpdateIgnoresEmpty: update::returns_the_key_for_an_empty_patch as an_update_that_refuses_an_empty_patch;
    UpdateTouchesOthers: update::changes_the_named_columns_alone as an_update_that_changes_another_column;
    UpdateClearsRevoked: update::never_moves_a_revocation as an_update_that_clears_a_revocation;
    UpdateMovesRevoked: update::never_moves_a_revocation as an_update_that_moves_a_revocation;
    UpdateFailsOnAbsent: update::updates_no_absent_key as an_update_that_fails_on_an_absent_key;
    UpdateIgnoresOwner: update::updates_no_key_of_another_owner as an_update_that_ignores_the_owner;
    UpdateIgnoresGuard: update::keeps_to_the_guard_of_a_patch as an_update_that_ignores_the_guard;
    UpdateIgnoresGuard: update::lets_one_of_32_parallel_rehashes_win as a_rehash_without_a_guard;
    RehashSavesRow: update::stays_revoked_when_rehashed_late as a_rehash_that_saves_the_row;
    UpdateSavesRow: update::merges_parallel_updates_of_different_columns as an_update_that_saves_the_row;
    UpdateInTwoSteps: cancel::an_update_is_whole_or_absent as an_update_in_two_steps;
    InsertDropsRotatedFrom: rotate::inserts_the_successor_and_ends_the_predecessor as a_successor_without_a_predecessor;
    RotateIgnoresGuard: rotate::refuses_a_predecessor_that_changed as a_rotation_that_ignores_changes;
    RotateIgnoresScopes: rotate::refuses_a_predecessor_of_another_name_or_scopes as a_rotation_that_ignores_scopes;
    RotateIgnoresScopes: rotate::gives_no_scopes_back_beside_their_removal as a_rotation_that_gives_scopes_back;
    RotateIgnoresGuard: rotate::lets_one_of_a_hundred_parallel_rotations_win as a_rotation_without_a_guard;
    RotateIgnoresOwner: rotate::rotates_no_key_of_another_owner as a_rotation_that_ignores_the_owner;
    RotateHandsOver: rotate::refuses_a_successor_of_another_owner as a_rotation_to_another_owner;
    RotateEndsFirst: rotate::refuses_a_successor_with_a_taken_prefix as a_rotation_that_ends_first;
    RotateInTwoSteps: rotate::shows_no_half_of_a_rotation as a_rotation_that_is_seen_half;
    RotateInTwoSteps: cancel::a_rotation_is_whole_or_absent as a_rotation_in_two_steps;
    RotateSavesRow: rotate::never_loses_a_revocation_to_a_rotation as a_rotation_that_saves_the_row;
    TouchGoesBack: touch::moves_the_last_use_forward_alone as a_touch_that_goes_back;
    TouchStopsAtRevoked: touch::passes_over_keys_that_are_revoked_or_gone as a_touch_that_stops_at_a_revoked_key;
    TouchSavesRow: touch::stays_revoked_when_touched_late as a_touch_that_saves_the_row;
    TouchSavesRow: touch::undoes_no_change_beside_it as a_touch_that_undoes_changes;
    TouchTakesFew: touch::touches_1200_keys_in_one_call as a_touch_that_takes_few_keys;
    TouchRevives: cancel::a_touch_and_a_deletion_leave_the_rest as a_touch_that_changes_another_column;
    TouchesAllAtOnce: touch::moves_each_last_use_to_its_own_time as a_touch_of_all_at_one_time;
    TouchesFewAtTheirTime: touch::moves_600_last_uses_to_their_own_times as a_touch_of_few_at_their_times;
    ListOldestFirst: list::lists_newest_first_and_ties_by_id as a_list_with_the_oldest_first;
    ListLosesTies: list::visits_each_key_once_on_pages_of_every_size as a_list_that_loses_ties;
    ListByOffset: list::visits_each_key_once_beside_changes as a_list_by_offset;
    ListNeverEnds: list::ends_after_the_last_key as a_list_that_never_ends;
    CountOfOnePage: list::counts_what_is_listed_on_all_pages as a_count_of_one_page;
    ListIgnoresOwner: filter::lists_the_keys_of_one_owner as a_list_that_ignores_the_owner;
    ListEndsLate: filter::lists_keys_by_their_state_at_a_time as a_list_that_ends_keys_late;
    SearchIgnoresCase: filter::searches_by_prefix_and_beginning_of_the_name as a_search_that_ignores_case;
    SearchTakesWildcards: filter::searches_by_prefix_and_beginning_of_the_name as a_search_with_wildcards;
    SearchStopsAtNul: filter::selects_nothing_by_a_text_that_no_name_has as a_search_that_stops_at_nul;
    ListIgnoresPredecessor: filter::lists_the_successors_of_a_key_and_no_others as a_list_that_ignores_the_predecessor;
    ListIgnoresEncoding: filter::selects_hashes_by_their_beginning as a_list_that_ignores_the_encoding;
    ListTakesOneEncoding: filter::selects_any_of_several_encodings_but_for_others as a_list_that_takes_one_encoding;
    ListTakesOtherEncodings: filter::selects_any_of_several_encodings_but_for_others as a_list_that_leaves_no_encoding_out;
    SearchSlipsPast: filter::joins_all_filters as a_search_that_slips_past_other_filters;
    DeletesAtTheTime: delete::deletes_only_what_ended_before as a_deletion_at_the_very_time;
    DeletesWithoutLimit: delete::deletes_at_most_the_limit as a_deletion_without_limit;
    DeletesWithoutLimit: delete::deletes_the_revoked_and_the_expired_within_one_limit as a_deletion_with_two_limits;
    DeleteCountsBefore: delete::deletes_each_key_once_in_parallel as a_deletion_that_counts_before;
    DeleteKnowsItsYears: delete::deletes_nothing_before_the_calendar_begins as a_deletion_that_fails_before_the_calendar;
    EndIgnoresCase: end::ends_the_key_with_exactly_this_prefix as an_end_that_ignores_case;
    EndMovesRevoked: end::moves_no_revocation_by_ending_again as an_end_that_moves_a_revocation;
    EndIgnoresOwner: end::ends_no_key_of_another_owner as an_end_that_ignores_the_owner;
    RotateSavesRow: end::never_loses_an_end_to_a_rotation as a_rotation_that_loses_an_end;
    DeletesOneThatWorks: end::deletes_one_key_that_has_ended as a_deletion_of_one_key_that_works;
    DeletesOneOfOthers: end::deletes_no_key_of_another_owner as a_deletion_of_another_owners_key;
    StaysLocked: cancel::a_read_leaves_nothing_locked as a_read_that_stays_locked;
}
