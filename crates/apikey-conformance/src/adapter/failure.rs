//! Failures of the service: 503, never 401, and never a way in.

use apikey_core::{HashedKey, KeyHasher, Sha512};

use super::Harness;
use super::answer::assert_refused;
use super::bottleneck::Bottleneck;
use super::client::RawRequest;
use super::stage::{Stage, prefix_of};
use crate::spy::Operation;

/// If the store fails, every route that needs a key answers 503; open routes, and refusals that need no
/// store, go on.
pub async fn answers_503_when_the_store_fails<H: Harness>() {
    let stage = Stage::new().await;
    let server = stage.serve::<H>().await;
    stage.store.fail(Operation::FindByPrefix);
    let paths =
        ["/protected", "/reports", "/reports/nowhere", "/admin/secrets", "/either", "/optional"];
    for path in paths {
        for text in ["key", "wrong", "unknown", "revoked", "expired"] {
            let response = server.send(&RawRequest::get(path).key(stage.text(text))).await;
            let promise = format!("{path} with {{{text}}} and a store that fails");
            assert_refused(&response, "unavailable", &promise);
        }
    }
    let with_cookie = RawRequest::get("/both").header("Cookie", "session=demo");
    let response = server.send(&with_cookie.key(stage.text("key"))).await;
    assert_refused(&response, "unavailable", "a good session does not stand in for a key");
    let open = server.send(&RawRequest::get("/public").key(stage.text("key"))).await;
    assert_eq!(open.status, 200, "an open route needs no store");
    let missing = server.send(&RawRequest::get("/protected")).await;
    assert_refused(&missing, "missing-api-key", "a request without a key needs no store");
    let malformed = server.send(&RawRequest::get("/protected").key("malformed")).await;
    assert_refused(&malformed, "invalid-api-key", "a malformed key needs no store");
}

/// A key whose stored hash needs a hasher that is not configured is 503: the service is at fault.
pub async fn answers_503_when_the_hasher_is_not_configured<H: Harness>() {
    let stage = Stage::new().await;
    let key = stage.text("unknown");
    let hash = Sha512.hash(key.as_bytes()).expect("a key can be hashed");
    stage.insert(prefix_of(key), hash).await;
    let server = stage.serve::<H>().await;
    for path in ["/protected", "/reports", "/optional"] {
        let response = server.send(&RawRequest::get(path).key(key)).await;
        assert_refused(&response, "unavailable", "a hash that no configured hasher can verify");
    }
}

/// A key whose stored hash is damaged is invalid, whatever is left of the hash.
pub async fn refuses_a_key_with_a_damaged_hash<H: Harness>() {
    for damaged in ["", "sha256$$", "sha256$$zz", "plain", "sha256$$00", "md5$x$y"] {
        let stage = Stage::new().await;
        let key = stage.text("unknown");
        stage.insert(prefix_of(key), HashedKey::new(damaged)).await;
        let server = stage.serve::<H>().await;
        let response = server.send(&RawRequest::get("/protected").key(key)).await;
        assert_refused(&response, "invalid-api-key", &format!("the stored hash {damaged:?}"));
    }
}

/// A request whose key cannot be hashed, because all places for that are taken, is 503 and told to come
/// again; those that have a place are served.
pub async fn answers_503_when_the_hash_queue_is_full<H: Harness>() {
    let bottleneck = Bottleneck::new::<H>().await;
    for path in [
        "/protected",
        "/reports",
        "/reports/nowhere",
        "/admin/secrets",
        "/either",
        "/both",
        "/optional",
    ] {
        let beyond = bottleneck.crowd(path).await;
        assert_refused(&beyond, "unavailable", "a key for which there is no place to be hashed");
    }
    bottleneck.assert_open().await;
}

/// A guard that has no handle refuses everybody with 500, and names the mistake to the log alone.
pub async fn answers_500_where_no_handle_is_configured<H: Harness>() {
    let stage = Stage::new().await;
    let server = stage.serve::<H>().await;
    for request in [
        RawRequest::get("/unconfigured"),
        RawRequest::get("/unconfigured").key(stage.text("key")),
        RawRequest::get("/unconfigured").key("malformed"),
    ] {
        assert_refused(&server.send(&request).await, "not-configured", "a guard without a handle");
    }
}
