//! What the compiler says about databases whose features are off: `cargo test -p apikey-diesel`.

#![cfg(not(any(feature = "postgres", feature = "mysql")))]

#[test]
fn a_database_that_is_named_needs_its_feature() {
    trybuild::TestCases::new().compile_fail("tests/ui_sqlite_alone/*.rs");
}
