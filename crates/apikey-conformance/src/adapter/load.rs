//! Many requests at once, clients that hang up, and handlers that panic.

use tokio::task::JoinSet;

use super::Harness;
use super::answer::leaks;
use super::bottleneck::{AT_WORK, BEYOND, Bottleneck, WAITING};
use super::client::{RawRequest, begin, send};
use super::conversation::Conversation;
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

/// Clients that hang up leave no place taken, neither on the threads for hashing nor in their queue: after
/// many of them, as many keys can be verified as before.
pub async fn gives_back_the_places_of_clients_that_hang_up<H: Harness>() {
    let bottleneck = Bottleneck::new::<H>().await;
    let server = &bottleneck.server;
    for path in ["/protected", "/reports", "/optional"].into_iter().cycle().take(9) {
        let pause = bottleneck.pause();
        let begin = async |key| begin(server.address(), &bottleneck.request(path, key)).await;
        let at_work = begin(AT_WORK).await;
        pause.reached().await;
        let (waiting, beyond) = (begin(WAITING).await, begin(BEYOND).await);
        // As soon as one is refused, the other has its place.
        let refused = tokio::select! {
            refused = waiting.readable() => refused,
            refused = beyond.readable() => refused,
        };
        refused.expect("the server answers one request more than there are places");
        drop((at_work, waiting, beyond));
        // Behind this the server knows that they have gone, if it cares.
        let open = server.send(&RawRequest::get("/public")).await;
        assert_eq!(open.status, 200, "an open route waits for no verification");
        drop(pause);
        bottleneck.settle().await;
    }
    bottleneck.assert_open().await;
}

/// A handler that panics harms its own request alone, which is answered by 500 or by the end of the
/// connection, as the framework has it; and it leaves no place taken.
pub async fn survives_a_handler_that_panics<H: Harness>() {
    let bottleneck = Bottleneck::new::<H>().await;
    let (stage, server) = (&bottleneck.stage, &bottleneck.server);
    let key = stage.text("key");
    for _ in 0..9 {
        let mut conversation = Conversation::open(server.address()).await;
        if let Some(answer) = conversation.ask(&RawRequest::get("/panic").key(key)).await {
            assert_eq!(answer.status, 500, "a handler that panics gives no answer of its own");
            assert_eq!(leaks(&answer.raw, &stage.texts), None, "the answer to a panic");
        }
        let next = server.send(&RawRequest::get("/protected").key(key)).await;
        assert_eq!(next.status, 200, "a good key gets in after a panic");
    }
    bottleneck.assert_open().await;
}
