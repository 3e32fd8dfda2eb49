//! What the compiler says about typical mistakes in a model.

#![cfg(all(feature = "django", feature = "sqlite", feature = "postgres", feature = "mysql"))]

#[test]
fn mistakes_in_a_model_get_errors_that_say_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
