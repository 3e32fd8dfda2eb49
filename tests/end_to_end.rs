//! The quickstarts as a newcomer meets them: three processes, each with a database of its own, and the
//! `apikey` command beside them. Nothing but the loopback interface is used.
#![cfg(unix)] // It ends servers as a container does, by SIGTERM.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a program that does not run fails the test, and its log says why"
)]

#[path = "end_to_end/command.rs"]
mod command;
#[path = "end_to_end/matrix.rs"]
mod matrix;
#[path = "end_to_end/program.rs"]
mod program;
#[path = "end_to_end/quickstart.rs"]
mod quickstart;

use apikey_conformance::adapter::client::{RawRequest, RawResponse, send};

use crate::command::apikey;
use crate::quickstart::{FRAMEWORKS, Quickstart};

#[tokio::test]
async fn the_quickstarts_give_the_answers_that_they_promise() {
    let servers = FRAMEWORKS.map(Quickstart::start);
    let mut faults = Vec::new();
    for ask in matrix::asks() {
        let answers = ask_all(&servers, |server| ask.request(&server.key)).await;
        for (server, answer) in servers.iter().zip(&answers) {
            server.assert_silent_about_its_key(answer);
            if answer.status != ask.status {
                let is = answer.status;
                faults.push(format!("{}: {ask} is {is}, not {}", server.framework, ask.status));
            }
        }
        let shown: Vec<_> = servers.iter().zip(&answers).map(|(s, a)| s.show(a)).collect();
        if shown[0] != shown[1] || shown[0] != shown[2] {
            faults.push(format!("{ask} differs: {shown:#?}"));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test]
async fn a_session_is_refused_by_its_own_guard() {
    for server in FRAMEWORKS.map(Quickstart::start) {
        let request = RawRequest::get("/both").key(&server.key);
        let answer = send(server.address, &request).await;
        assert_eq!((answer.status, answer.text().as_str()), (401, ""), "{}", server.framework);
        assert!(answer.all("www-authenticate").is_empty(), "another key would not do");
        let answer = send(server.address, &request.header("Cookie", "session=demo")).await;
        assert_eq!(answer.text(), r#"{"by":["quickstart","session"]}"#, "{}", server.framework);
    }
}

#[tokio::test]
async fn the_command_gives_and_takes_keys_of_a_running_server() {
    let servers = FRAMEWORKS.map(Quickstart::start);
    let admins = servers.each_ref().map(|server| {
        let key = apikey(&server.url, &["create", "operator", "--scope", "admin"]);
        (server, key.trim().to_owned())
    });
    for (server, admin) in &admins {
        let request = |key: &str| RawRequest::get("/admin/secrets").key(key);
        let answer = send(server.address, &request(admin)).await;
        assert_eq!(answer.status, 200, "{} knows a key of the command", server.framework);

        let prefix = &admin[..8];
        apikey(&server.url, &["revoke", prefix]);
        let answer = send(server.address, &request(admin)).await;
        assert_eq!(answer.status, 401, "{} knows that it is revoked", server.framework);
        assert!(answer.text().contains("invalid-api-key"), "{}", answer.text());
        let answer = send(server.address, &request(&server.key)).await;
        assert_eq!(answer.status, 403, "{} still knows the first key", server.framework);
    }
}

#[tokio::test]
async fn a_quickstart_that_is_terminated_writes_when_its_keys_were_used() {
    for mut server in FRAMEWORKS.map(Quickstart::start) {
        let request = RawRequest::get("/protected").key(&server.key);
        assert_eq!(send(server.address, &request).await.status, 200);
        let before = command::last_used_at(&server.url, server.prefix());
        assert_eq!(before, None, "{}: it is not written at once", server.framework);
        let status = server.terminate();
        assert!(status.success(), "{}: {status}", server.framework);
        let after = command::last_used_at(&server.url, server.prefix());
        assert!(after.is_some(), "{}: it is written at the end", server.framework);
    }
}

/// Sends each server a request, which may hold its own key.
async fn ask_all(
    servers: &[Quickstart; 3],
    request: impl Fn(&Quickstart) -> RawRequest,
) -> [RawResponse; 3] {
    let [axum, actix, rocket] = servers;
    let ask = async |server: &Quickstart| send(server.address, &request(server)).await;
    let (axum, actix, rocket) = tokio::join!(ask(axum), ask(actix), ask(rocket));
    [axum, actix, rocket]
}
