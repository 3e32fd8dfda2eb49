//! The cases of the conformance suite that are about what Django's table has.
//!
//! The others need what it has not: scopes, `disabled_at`, `last_used_at`, `rotated_from`, a time of
//! revocation, names of 200 characters, hashes of other encodings than Django's. What they promise beside
//! that is in `rules.rs` and `hashes.rs`.

use std::sync::Arc;

use apikey_conformance::store::{delete, filter, find, insert, limit, list, rotate, update};
use apikey_conformance::{StoreFixture, async_trait, run};
use apikey_core::KeyStore;
use apikey_diesel::DjangoApiKey;

use crate::database::{Kind, Place};
use crate::server::Server;

struct Fixture {
    kind: Kind,
    place: Place,
}

#[async_trait]
impl StoreFixture for Fixture {
    type Model = DjangoApiKey;

    fn available(&self) -> Result<(), String> {
        self.kind.available()
    }

    async fn store(&self) -> Arc<dyn KeyStore<DjangoApiKey>> {
        Arc::new(self.place.store(self.kind.schema()).await)
    }

    fn extra(&self, _owner: u8) {}
}

macro_rules! cases {
    ($suite:ident, $kind:expr, $($room:ident: $case:ident;)*) => {
        mod $suite {
            use super::*;

            $(
                #[test]
                fn $case() {
                    let fixture = Fixture { kind: $kind, place: $kind.place() };
                    let case = concat!(module_path!(), "::", stringify!($case));
                    run(case, &[], fixture.available(), $room::$case(&fixture));
                }
            )*
        }
    };
}

macro_rules! cases_everywhere {
    ($suite:ident, $kind:expr) => {
        cases! {
            $suite, $kind,
            find: finds_a_key_by_exactly_its_prefix;
            insert: keeps_times_to_the_microsecond;
            insert: refuses_the_prefix_of_a_revoked_key;
            insert: lets_one_of_32_parallel_inserts_have_a_prefix;
            insert: gives_parallel_inserts_different_ids;
            limit: refuses_an_insert_beyond_the_limit;
            limit: holds_the_limit_under_parallel_inserts;
            limit: refuses_a_rotation_at_the_limit;
            limit: holds_the_limit_under_parallel_rotations;
            limit: refuses_another_expiry_beyond_the_limit;
            limit: prolongs_no_absent_key_and_none_of_another_owner;
            limit: holds_the_limit_when_keys_are_kept_beside_inserts;
            update: returns_the_key_for_an_empty_patch;
            update: updates_no_absent_key;
            update: lets_one_of_32_parallel_rehashes_win;
            rotate: refuses_a_successor_with_a_taken_prefix;
            rotate: shows_no_half_of_a_rotation;
            list: lists_newest_first_and_ties_by_id;
            list: visits_each_key_once_on_pages_of_every_size;
            list: visits_each_key_once_beside_changes;
            list: counts_what_is_listed_on_all_pages;
            list: ends_after_the_last_key;
            filter: searches_by_prefix_and_beginning_of_the_name;
            filter: joins_all_filters;
            delete: deletes_at_most_the_limit;
            delete: deletes_each_key_once_in_parallel;
            delete: deletes_nothing_before_the_calendar_begins;
        }
    };
}

cases_everywhere!(sqlite, Kind::Sqlite);
cases_everywhere!(postgres, Kind::Server(Server::Postgres));
cases_everywhere!(mysql, Kind::Server(Server::Mysql));

// On MySQL prefixes that differ in case alone are one to Django's unique index.
macro_rules! cases_that_mind_the_case {
    ($suite:ident, $kind:expr) => {
        cases! {
            $suite, $kind,
            find: tells_prefixes_apart_by_case;
            insert: refuses_a_taken_prefix;
        }
    };
}

cases_that_mind_the_case!(sqlite_by_case, Kind::Sqlite);
cases_that_mind_the_case!(postgres_by_case, Kind::Server(Server::Postgres));
