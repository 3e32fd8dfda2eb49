//! Many requests at once, and clients that hang up.

use tokio::task::JoinSet;

use super::Harness;
use super::client::{RawRequest, begin, send};
use super::stage::Stage;

/// Requests that are served at the same time each get their own answer.
pub async fn answers_50_parallel_requests_each_for_itself<H: Harness>() {
    let stage = Stage::new().await;
    let server = stage.serve::<H>().await;
    let kinds = [
        ("/protected", "key", 200, r#""name":"good""#),
        ("/protected", "key2", 200, r#""name":"second""#),
        ("/protected", "key_no_scopes", 200, r#""name":"no scopes""#),
        ("/protected", "wrong", 401, "invalid-api-key"),
        ("/protected", "expired", 401, "expired-api-key"),
        ("/reports", "key2", 200, r#""name":"second""#),
        ("/reports", "key_no_scopes", 403, "insufficient-scope"),
        ("/optional", "key", 200, r#"{"name":"good"}"#),
        ("/optional", "revoked", 401, "invalid-api-key"),
        ("/admin/secrets", "key", 403, "insufficient-scope"),
    ];
    let mut requests = JoinSet::new();
    for (path, text, status, part) in kinds.into_iter().cycle().take(50) {
        let (address, request) = (server.address(), RawRequest::get(path).key(stage.text(text)));
        requests.spawn(async move {
            let response = send(address, &request).await;
            let answer = (response.status, response.text());
            let is_own = answer.0 == status && answer.1.contains(part);
            (!is_own).then(|| format!("{path} with {{{text}}}: {answer:?}"))
        });
    }
    let wrong: Vec<_> = requests.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "each of 50 parallel requests gets its own answer: {wrong:#?}");
}

/// A client that hangs up while its key is verified harms nobody: the next request is served.
pub async fn survives_a_client_that_hangs_up<H: Harness>() {
    let stage = Stage::new().await;
    let server = stage.serve::<H>().await;
    for path in ["/protected", "/reports", "/optional"] {
        let request = RawRequest::get(path).key(stage.text("key"));
        let held = stage.hold_look_ups(1);
        let connection = begin(server.address(), &request).await;
        held.reached().await;
        let beside = server.send(&request).await;
        assert_eq!(beside.status, 200, "{path}: a verification that waits holds up no other");
        drop(connection);
        let next = server.send(&request).await;
        assert_eq!(next.status, 200, "{path}: a client that hung up holds up no other");
        drop(held);
        let last = server.send(&request).await;
        assert_eq!(last.status, 200, "{path}: after a client hung up, requests are served");
    }
}
