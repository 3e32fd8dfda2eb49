//! The READMEs and the book: their code is compiled and run by the tests; that of `docs/rocket.md` by the
//! tests of `apikey-rocket`.

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]
mod links;

#[doc = include_str!("../README.md")]
#[doc = include_str!("../docs/key-format.md")]
#[doc = include_str!("../docs/key-life.md")]
#[doc = include_str!("../docs/requests.md")]
#[doc = include_str!("../docs/permissions.md")]
#[doc = include_str!("../docs/databases.md")]
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
#[doc = include_str!("../docs/writing-a-store.md")]
#[doc = include_str!("../crates/apikey-core/README.md")]
#[doc = include_str!("../crates/apikey-axum/README.md")]
#[doc = include_str!("../crates/apikey-actix/README.md")]
#[doc = include_str!("../crates/apikey-rocket/README.md")]
#[doc = include_str!("../crates/apikey-diesel/README.md")]
#[doc = include_str!("../crates/apikey-diesel-derive/README.md")]
#[doc = include_str!("../crates/apikey-conformance/README.md")]
#[doc = include_str!("../crates/apikey-cli/README.md")]
mod book {}
