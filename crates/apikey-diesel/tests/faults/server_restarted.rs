//! A server that is stopped and started again while requests come in.

use std::sync::Arc;
use std::time::Duration;

use apikey_core::ApiKeys;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::private::{Kind, Mariadb, Postgres, Private};

const CLIENTS: usize = 8;

/// How long a client waits that got 503.
const BEFORE_RETRY: Duration = Duration::from_millis(10);

/// How long all clients together may take to notice what became of the server.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a request got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Good,
    Unavailable,
}

async fn recovers<K: Kind>(test: &str) {
    let Some(mut server) = Private::<K>::start(test) else { return };
    let keys = server.keys().await;
    let key: Arc<str> = keys.create("client").await.unwrap().plaintext.expose().into();
    let mut clients = JoinSet::new();
    let mut answers = Vec::new();
    for _ in 0..CLIENTS {
        let (sender, receiver) = watch::channel(Answer::Unavailable);
        clients.spawn(ask(keys.clone(), Arc::clone(&key), sender));
        answers.push(receiver);
    }
    for _ in 0..2 {
        everybody_gets(Answer::Good, &mut answers).await;
        server.stop();
        everybody_gets(Answer::Unavailable, &mut answers).await;
        server.start_again();
    }
    everybody_gets(Answer::Good, &mut answers).await;
    drop(answers);
    assert_eq!(clients.join_all().await.len(), CLIENTS);
    keys.create("after").await.unwrap();
}

async fn everybody_gets(answer: Answer, answers: &mut [watch::Receiver<Answer>]) {
    for receiver in answers {
        let got = timeout(PATIENCE, receiver.wait_for(|got| *got == answer)).await;
        assert!(matches!(got, Ok(Ok(_))), "not everybody gets {answer:?}: {got:?}");
    }
}

/// Shows the same key for as long as somebody wants to know what comes of it: it is accepted, or the answer
/// is 503.
async fn ask(keys: ApiKeys, key: Arc<str>, answers: watch::Sender<Answer>) {
    while !answers.is_closed() {
        let answer = match keys.verify(key.as_bytes()).await {
            Ok(_) => Answer::Good,
            Err(error) => {
                assert_eq!(error.status(), 503, "{error:?}");
                sleep(BEFORE_RETRY).await;
                Answer::Unavailable
            }
        };
        answers.send_replace(answer);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_survive_a_restart_of_postgres() {
    recovers::<Postgres>("requests_survive_a_restart_of_postgres").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_survive_a_restart_of_mariadb() {
    recovers::<Mariadb>("requests_survive_a_restart_of_mariadb").await;
}
