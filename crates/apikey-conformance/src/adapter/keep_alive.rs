//! Connections that are kept open: each of their requests is judged by itself.

use super::Harness;
use super::answer::assert_refused;
use super::client::{RawRequest, RawResponse, send};
use super::conversation::Conversation;
use super::stage::Stage;

/// The requests of one connection get the answers that they get on connections of their own, whether they
/// wait for each other or not: no key is good for the request that follows.
pub async fn judges_each_request_of_a_connection_by_itself<H: Harness>() {
    let stage = Stage::new().await;
    let server = stage.serve::<H>().await;
    let with = |path: &str, text: &str| RawRequest::get(path).key(stage.text(text));
    let session = RawRequest::get("/either").header("Cookie", "session=demo");
    let requests = [
        (with("/protected", "key"), 200),
        (RawRequest::get("/protected"), 401),
        (with("/reports", "key2"), 200),
        (RawRequest::get("/reports"), 401),
        (with("/protected", "key2"), 200),
        (with("/protected", "wrong"), 401),
        (with("/optional", "key"), 200),
        (RawRequest::get("/optional"), 200),
        (with("/admin/secrets", "key"), 403),
        (session, 200),
        (RawRequest::get("/either"), 401),
    ];
    let alone = alone(server.address(), &requests).await;

    let mut conversation = Conversation::open(server.address()).await;
    let mut in_turn = Vec::new();
    for (request, _) in &requests {
        in_turn.extend(conversation.ask(request).await);
    }
    assert_same(&requests, &in_turn, &alone);

    let mut conversation = Conversation::open(server.address()).await;
    let all: Vec<_> = requests.iter().map(|(request, _)| request).collect();
    assert_same(&requests, &conversation.ask_all(&all).await, &alone);
}

/// Sends each request on a connection of its own.
async fn alone(address: std::net::SocketAddr, requests: &[(RawRequest, u16)]) -> Vec<RawResponse> {
    let mut answers = Vec::new();
    for (request, status) in requests {
        let answer = send(address, request).await;
        assert_eq!(answer.status, *status, "{} on a connection of its own", request.path);
        answers.push(answer);
    }
    answers
}

fn assert_same(requests: &[(RawRequest, u16)], is: &[RawResponse], expected: &[RawResponse]) {
    assert_eq!(is.len(), expected.len(), "the server keeps the connection open");
    for (((request, _), is), expected) in requests.iter().zip(is).zip(expected) {
        let what = format!("{} behind others on the same connection", request.path);
        assert_eq!(is.status, expected.status, "{what} has the status that it has alone");
        assert_eq!(is.text(), expected.text(), "{what} has the body that it has alone");
        let (is, expected) = (is.lasting_headers(), expected.lasting_headers());
        assert_eq!(is, expected, "{what} has the headers that it has alone");
    }
}

/// The body of a request that is refused is never taken for a request: the next one on the connection gets
/// its own answer, or the connection is closed.
pub async fn reads_no_request_out_of_a_refused_body<H: Harness>() {
    let stage = Stage::new().await;
    let server = stage.serve::<H>().await;
    let hidden = "GET /public HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let next = RawRequest::get("/protected").key(stage.text("key2"));
    let expected = server.send(&next).await;
    // A server has read a short body by the time of its answer, and not a long one.
    for (method, path, times) in [
        ("POST", "/reports", 1),
        ("POST", "/reports", 5_000),
        ("PUT", "/reports/nowhere", 1),
        ("POST", "/admin/secrets", 1),
        ("GET", "/protected", 1),
        ("GET", "/protected", 5_000),
        ("GET", "/optional", 1),
    ] {
        let (body, what) = (hidden.repeat(times), format!("{method} {path} with a body"));
        let refused = RawRequest::new(method, path).key(stage.text("wrong"));
        for refused in [refused.clone().body(body.as_str()), refused.chunked_body(&body)] {
            let mut conversation = Conversation::open(server.address()).await;
            let first = conversation.ask(&refused).await;
            let first = first.unwrap_or_else(|| panic!("{what} is answered"));
            assert_refused(&first, "invalid-api-key", &what);
            if let Some(second) = conversation.ask(&next).await {
                let (is, expected) =
                    ((second.status, second.text()), (expected.status, expected.text()));
                assert_eq!(is, expected, "{what}: the body is no request");
            }
        }
    }
}
