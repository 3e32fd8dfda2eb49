//! Guards: before everything, once per request, each with its own handle.

use apikey_core::{ApiKeys, NewKey};

use super::Harness;
use super::answer::{assert_refused, leaks, refusal};
use super::client::RawRequest;
use super::stage::{Stage, prefix_of};

/// Under `require`, a request without a good key is 401 whatever its path and method: nobody without a
/// key learns which of them exist.
pub async fn refuses_unknown_paths_and_methods_first<H: Harness>() {
    let stage = Stage::new().await;
    let server = stage.serve::<H>().await;
    for path in ["/reports", "/reports/nowhere", "/reports/no/where?a=b", "/admin/secrets"] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let promise =
                format!("{method} {path} without a key is refused before it is looked up");
            let request = RawRequest::new(method, path);
            assert_refused(&server.send(&request).await, "missing-api-key", &promise);
            let request = request.key(stage.text("wrong"));
            assert_refused(&server.send(&request).await, "invalid-api-key", &promise);
        }
    }
}

/// A subtree's name is not a beginning of other names: what is beside it is not guarded.
pub async fn guards_nothing_beside_the_subtree<H: Harness>() {
    let server = Stage::new().await.serve::<H>().await;
    for path in ["/public", "/public?api_key=", "/reportsandmore"] {
        let response = server.send(&RawRequest::get(path)).await;
        let expected = if path.starts_with("/public") { 200 } else { 404 };
        assert_eq!(response.status, expected, "{path} asks for no key");
    }
    let bad = RawRequest::get("/public").key("not a key");
    assert_eq!(server.send(&bad).await.status, 200, "an open route does not look at keys");
}

/// However many guards and extractors look at a request, the store is asked once, for a good key and for
/// a bad one.
pub async fn asks_the_store_once_per_request<H: Harness>() {
    let stage = Stage::new().await;
    let server = stage.serve::<H>().await;
    for (path, text, status) in [
        ("/protected", "key", 200),
        ("/reports", "key", 200),
        ("/reports", "wrong", 401),
        ("/reports/nowhere", "key", 404),
        ("/admin/secrets", "key", 403),
        ("/either", "revoked", 401),
        ("/both", "unknown", 401),
        ("/optional", "key", 200),
    ] {
        let before = stage.look_ups();
        let response = server.send(&RawRequest::get(path).key(stage.text(text))).await;
        assert_eq!(response.status, status, "{path} with {{{text}}}");
        assert_eq!(stage.look_ups(), before + 1, "{path} with {{{text}}} asks the store once");
    }
    for request in [
        RawRequest::get("/protected"),
        RawRequest::get("/protected").key("malformed"),
        RawRequest::get("/protected").key(stage.text("key")).key(stage.text("key")),
        RawRequest::get("/public").key(stage.text("key")),
    ] {
        let before = stage.look_ups();
        server.send(&request).await;
        assert_eq!(stage.look_ups(), before, "what needs no look-up asks no store");
    }
}

/// An absent key is `null` to an optional extractor; a key that is present and bad is refused.
pub async fn an_optional_key_may_be_absent_but_not_bad<H: Harness>() {
    let stage = Stage::new().await;
    let server = stage.serve::<H>().await;
    let absent = server.send(&RawRequest::get("/optional")).await;
    assert_eq!((absent.status, absent.text().as_str()), (200, r#"{"name":null}"#));
    let good = server.send(&RawRequest::get("/optional").key(stage.text("key"))).await;
    assert_eq!((good.status, good.text().as_str()), (200, r#"{"name":"good"}"#));
    let bad = [
        ("wrong", "invalid-api-key"),
        ("unknown", "invalid-api-key"),
        ("revoked", "invalid-api-key"),
        ("expired", "expired-api-key"),
        ("key_short", "invalid-api-key"),
    ];
    for (text, slug) in bad {
        let response = server.send(&RawRequest::get("/optional").key(stage.text(text))).await;
        assert_refused(
            &response,
            slug,
            &format!("an optional key that is bad ({text}) is refused"),
        );
    }
    let twice = RawRequest::get("/optional").key(stage.text("key")).key(stage.text("key"));
    let promise = "two keys are refused where a key is optional";
    assert_refused(&server.send(&twice).await, "multiple-api-keys", promise);
}

/// A rule that is not about scopes refuses with 403 and no challenge: no other key of this kind would do. Who
/// has no good key is told that first.
pub async fn answers_403_without_a_challenge_where_a_rule_refuses<H: Harness>() {
    let stage = Stage::new().await;
    let server = stage.serve::<H>().await;
    for (text, slug) in [
        ("key", "forbidden"),
        ("key_no_scopes", "forbidden"),
        ("wrong", "invalid-api-key"),
        ("revoked", "invalid-api-key"),
    ] {
        let response = server.send(&RawRequest::get("/internal").key(stage.text(text))).await;
        assert_refused(&response, slug, &format!("a rule, and {{{text}}}"));
    }
    let response = server.send(&RawRequest::get("/internal")).await;
    assert_refused(&response, "missing-api-key", "a rule, and no key");
    let head = RawRequest::new("HEAD", "/internal").key(stage.text("key"));
    let head = server.send(&head).await;
    let faults = refusal("forbidden").faults(&head, "", "", true);
    assert!(faults.is_empty(), "HEAD, where a rule refuses:\n{}", faults.join("\n"));
    let internal = RawRequest::get("/internal").key(stage.text("key_internal"));
    assert_eq!(server.send(&internal).await.status, 200, "a key that the rule is for gets in");
}

/// A key that one handle verified is worth nothing to another of the same model.
pub async fn keeps_two_handles_apart<H: Harness>() {
    let stage = Stage::new().await;
    let (key, other) = (stage.text("key"), ApiKeys::in_memory());
    let text = NewKey::new("in the other store").with_plaintext(stage.text("key2"));
    other.create(text).await.expect("a fixed key can be created");
    let alone = other.create("in the other store alone").await.expect("a key can be created");
    let server = stage.serve_with::<H>(other).await;
    let ours = server.send(&RawRequest::get("/other").key(key)).await;
    assert_refused(&ours, "invalid-api-key", "a guard refuses the key of another handle");
    let theirs = server.send(&RawRequest::get("/other").key(alone.plaintext.expose())).await;
    let promise = "an extractor does not take the key that another handle's guard has verified";
    assert_refused(&theirs, "invalid-api-key", promise);
    let both = server.send(&RawRequest::get("/other").key(stage.text("key2"))).await;
    let prefix = prefix_of(stage.text("key2"));
    let expected = format!(r#"{{"name":"second","prefix":"{prefix}","scopes":["reports:read"]}}"#);
    assert_eq!(both.text(), expected, "an extractor answers with the key of its own handle");
    let elsewhere = server.send(&RawRequest::get("/protected").key(alone.plaintext.expose())).await;
    assert_refused(&elsewhere, "invalid-api-key", "a route knows the keys of its own handle alone");
}

/// `HEAD` gets the head that `GET` gets, and no body.
pub async fn answers_head_like_get<H: Harness>() {
    let stage = Stage::new().await;
    let server = stage.serve::<H>().await;
    for path in ["/protected", "/reports", "/admin/secrets"] {
        for text in ["", "key", "wrong", "expired", "key_no_scopes"] {
            let request = |method| match text {
                "" => RawRequest::new(method, path),
                text => RawRequest::new(method, path).key(stage.text(text)),
            };
            let (get, head) =
                (server.send(&request("GET")).await, server.send(&request("HEAD")).await);
            assert_eq!(head.text(), "", "HEAD {path} with {{{text}}} has no body");
            assert_eq!(
                head.status, get.status,
                "HEAD {path} with {{{text}}} has the status of GET"
            );
            let (head, get) = (head.lasting_headers(), get.lasting_headers());
            assert_eq!(head, get, "HEAD {path} with {{{text}}} has the headers of GET");
        }
    }
}

/// Whoever does not hold the secret gets the same bytes whatever the key's state, and whether it exists:
/// active, revoked, disabled, expired or unknown. So does whoever holds the secret of a revoked or
/// disabled key.
pub async fn tells_nobody_the_state_of_a_key<H: Harness>() {
    let stage = Stage::new().await;
    let server = stage.serve::<H>().await;
    for path in ["/protected", "/reports", "/optional"] {
        let answer = async |text: &str| {
            let response = server.send(&RawRequest::get(path).key(stage.text(text))).await;
            assert_eq!(leaks(&response.raw, &stage.texts), None, "{path} with {{{text}}}");
            response
        };
        let first = answer("wrong").await;
        let faults =
            refusal("invalid-api-key").faults(&first, super::answer::DEFAULT_CHALLENGE, "", false);
        assert!(faults.is_empty(), "{faults:?}");
        for text in [
            "unknown",
            "revoked_wrong",
            "disabled_wrong",
            "expired_wrong",
            "revoked",
            "disabled",
            "revoked_expired",
            "key_upper",
            "key_short",
        ] {
            let other = answer(text).await;
            assert_eq!(other.text(), first.text(), "{path}: {{{text}}} has the same body");
            let (other, first) = (other.lasting_headers(), first.lasting_headers());
            assert_eq!(other, first, "{path}: {{{text}}} has the same head");
        }
    }
}
