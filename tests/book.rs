//! The README and the book: their code is compiled and run by the tests; that of `docs/rocket.md` by the
//! tests of `apikey-rocket`.

#[doc = include_str!("../README.md")]
#[doc = include_str!("../docs/key-format.md")]
#[doc = include_str!("../docs/caching.md")]
#[doc = include_str!("../docs/which-hash.md")]
#[doc = include_str!("../docs/moving-from-django.md")]
#[doc = include_str!("../docs/axum.md")]
#[doc = include_str!("../docs/actix.md")]
#[doc = include_str!("../docs/custom-models.md")]
#[doc = include_str!("../docs/openapi.md")]
#[doc = include_str!("../docs/operations.md")]
#[doc = include_str!("../docs/performance.md")]
#[doc = include_str!("../docs/testing.md")]
mod book {}
