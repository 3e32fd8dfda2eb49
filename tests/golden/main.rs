//! Databases that earlier releases made, under the code of today: every key in them gets the verdict that it got
//! then, and each can be listed, rotated, disabled, revoked and purged. `tests/golden/README.md` says more.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fixture that cannot be made fails the test"
)]

mod copies;
mod handles;
mod models;
mod reading;
#[path = "../../crates/apikey-diesel/tests/servers/server.rs"]
#[allow(dead_code, reason = "the tests of the servers use the rest")]
mod server;

use apikey_conformance::{report_skip, run};

use crate::copies::{Copy, Place};
use crate::models::{KINDS, Kind, each_table};
use crate::reading::{Changing, Reading};

/// Does something with a database of each copy and kind.
#[expect(clippy::needless_pass_by_value, reason = "a closure in the call reads better")]
fn on_each(test: &str, body: impl AsyncFn(Kind, &Copy, &str)) {
    let copies = Copy::all();
    assert!(!copies.is_empty(), "the copies were not found");
    for copy in &copies {
        for kind in KINDS {
            let case = format!("golden::{test} of {} on {kind:?}", copy.name());
            if let Err(reason) = Place::available(kind) {
                report_skip(&case, &reason);
                continue;
            }
            let place = Place::new(kind);
            run(&case, &[], Ok(()), async {
                let url = place.fill(copy, "copy.db").await;
                body(kind, copy, &url).await;
            });
        }
    }
}

#[test]
fn every_key_gets_the_verdict_that_it_got_then() {
    let test = "every_key_gets_the_verdict_that_it_got_then";
    on_each(test, async |kind, copy, url| {
        let mut reading = Reading::new(copy.keys(kind));
        each_table(kind, url, &mut reading).await;
        reading.end();
    });
}

#[test]
fn every_key_can_be_rotated_revoked_and_purged() {
    let test = "every_key_can_be_rotated_revoked_and_purged";
    on_each(test, async |kind, copy, url| {
        each_table(kind, url, &mut Changing::new(copy.keys(kind))).await;
    });
}

#[test]
fn a_file_with_a_question_mark_in_its_name_still_opens() {
    for copy in Copy::all() {
        let place = Place::new(Kind::Sqlite);
        run("golden::a_file_with_a_question_mark_in_its_name_still_opens", &[], Ok(()), async {
            let url = place.fill(&copy, "copy?cache=shared.db").await;
            let mut reading = Reading::new(copy.keys(Kind::Sqlite));
            each_table(Kind::Sqlite, &url, &mut reading).await;
            reading.end();
            // The file itself was read: no other one was made beside it.
            let names = place.files();
            assert!(names.iter().all(|name| name.starts_with("copy?cache=shared.db")), "{names:?}");
        });
    }
}
