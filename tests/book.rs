//! The README and the book: their code is compiled and run by the tests.

#[doc = include_str!("../README.md")]
#[doc = include_str!("../docs/key-format.md")]
#[doc = include_str!("../docs/caching.md")]
#[doc = include_str!("../docs/actix.md")]
mod book {}
