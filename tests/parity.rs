//! Axum, Actix Web and Rocket give the same answers: status, headers and body bytes.
//!
//! The standard application of the conformance suite is served by all three at once, over one store. Each
//! request is generated, sent to all, and the answers are compared. What a framework forces to differ
//! stands in `parity/difference.rs`; anything else fails, and so does a row there that no request needed.
#![expect(clippy::unwrap_used, reason = "a server that does not start fails the test")]

#[path = "../crates/apikey-actix/tests/conformance/harness.rs"]
mod actix;
#[path = "parity/ask.rs"]
mod ask;
#[path = "parity/asks.rs"]
mod asks;
#[path = "../crates/apikey-axum/tests/conformance/harness.rs"]
mod axum;
#[path = "parity/compare.rs"]
mod compare;
#[path = "parity/difference.rs"]
mod difference;
#[path = "parity/neighbours.rs"]
mod neighbours;
#[path = "../crates/apikey-rocket/tests/conformance/harness.rs"]
mod rocket;
#[path = "parity/stage.rs"]
mod stage;

use apikey_core::{Carried, KeyFormat, KeyLocation, NewKey};

use crate::ask::Ask;
use crate::ask::Carrier::{Header, Query};
use crate::compare::{Comparison, unneeded};
use crate::stage::{Servers, Stage};

/// The settings of a handle, and the requests that it is sent.
struct Setting {
    stage: Stage,
    asks: Vec<Ask>,
}

/// Handles that between them have every kind of location, and every setting that answers depend on.
async fn settings() -> [Setting; 5] {
    [named().await, shared().await, discreet().await, alone().await, encoded().await]
}

async fn named() -> Setting {
    let stage = Stage::new(|builder| {
        builder.locations([
            KeyLocation::authorization("Api-Key"),
            KeyLocation::header("X-Api-Key"),
            KeyLocation::query("api_key"),
        ])
    });
    let carriers =
        [Header("Authorization", "Api-Key "), Header("X-Api-Key", ""), Query("api_key=")];
    let spellings = [
        Header("authorization", "api-key "),
        Header("AUTHORIZATION", "API-KEY "),
        Header("Authorization", "aPi-kEy "),
        Header("Authorization", "ApiKey "),
        Header("Authorization", "Api-Key: "),
        Header("Authorization", "Api-Key="),
        Header("Authorization", "Bearer "),
        Header("x-api-key", ""),
        Header("X-API-KEY", ""),
        Header("X-Api-Key", "Api-Key "),
        Query("API_KEY="),
        Query("api%5Fkey="),
        Query("a=b&api_key="),
        Query("api_key"),
        Query("api_key[]="),
    ];
    Setting { stage: stage.await, asks: asks::all(&carriers, &spellings) }
}

async fn shared() -> Setting {
    let stage = Stage::new(|builder| {
        let locations = [
            KeyLocation::bearer(),
            KeyLocation::authorization("Token"),
            KeyLocation::from_fn(cookie),
        ];
        builder.locations(locations).format(KeyFormat::branded("acme_live").unwrap())
    });
    let carriers = [
        Header("Authorization", "Bearer "),
        Header("Authorization", "Token "),
        Header("Cookie", "api_key="),
    ];
    let spellings = [
        Header("authorization", "bearer "),
        Header("Authorization", "BEARER "),
        Header("Authorization", "token "),
        Header("Authorization", "Api-Key "),
        Header("cookie", "a=b; api_key="),
        Header("Cookie", "API_KEY="),
    ];
    Setting { stage: stage.await, asks: asks::all(&carriers, &spellings) }
}

/// `Authorization` is not looked at.
async fn alone() -> Setting {
    let stage = Stage::new(|builder| builder.locations([KeyLocation::header("X-Api-Key")]));
    let spellings = [Header("Authorization", "Api-Key "), Header("Authorization", "")];
    let asks = asks::all(&[Header("X-Api-Key", "")], &spellings);
    Setting { stage: stage.await, asks }
}

/// The key is the user of `Basic`.
async fn encoded() -> Setting {
    let stage = Stage::new(|builder| {
        builder.locations([KeyLocation::basic(), KeyLocation::header("X-Api-Key")])
    });
    let mut stage = stage.await;
    let keys = stage.keys();
    let new = NewKey::new("encoded").scopes(["reports:read"]);
    let created = keys.create(new).await.unwrap();
    // The first location is a header.
    let basic = match keys.carry(&created.plaintext) {
        Some(Carried::Header { value, .. }) => Some(value),
        _ => None,
    };
    stage.texts.push(("basic", basic.unwrap()));
    let values = [
        "{basic}",
        "{basic}=",
        "Basic YTpi",
        "basic Og==",
        "Basic",
        "Basic !",
        "Basic {good}",
        "Bearer {good}",
    ];
    let asks = values.into_iter().flat_map(|value| {
        ["/protected", "/reports", "/optional", "/either"].into_iter().flat_map(move |path| {
            let ask = Ask::get(path).header("Authorization", value);
            [ask.clone(), ask.by(Header("X-Api-Key", ""), "{good}")]
        })
    });
    Setting { asks: asks.collect(), stage }
}

/// Expired keys are invalid ones, and the realm is not `api`.
async fn discreet() -> Setting {
    let stage = Stage::new(|builder| builder.hide_expired().realm("reports, (internal)"));
    Setting { stage: stage.await, asks: asks::states(&[Header("Authorization", "Api-Key ")]) }
}

/// A key in a cookie, as an application may read it.
fn cookie(head: &dyn apikey_core::RequestHead, found: &mut dyn FnMut(&[u8])) {
    head.header_lines("cookie", &mut |line| {
        for pair in line.split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
            pair.strip_prefix(b"api_key=").into_iter().for_each(&mut *found);
        }
    });
}

async fn compare(stage: &Stage, servers: &Servers, asks: Vec<Ask>, to: &mut Vec<Comparison>) {
    for ask in asks {
        let answers = servers.send(&ask.request(&stage.texts)).await;
        to.push(Comparison::new(ask, answers));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_three_frameworks_give_the_same_answers() {
    let mut comparisons = Vec::new();
    for Setting { stage, asks } in settings().await {
        compare(&stage, &stage.serve().await, asks, &mut comparisons).await;
    }
    let stage = Stage::new(|builder| builder).await;
    let asks = neighbours::asks(Header("Authorization", "Api-Key "));
    compare(&stage, &neighbours::serve(&stage).await, asks, &mut comparisons).await;
    assert!(comparisons.len() > 1_000, "the requests are generated");
    let unexplained: Vec<_> = comparisons.iter().filter_map(Comparison::unexplained).collect();
    let unneeded = unneeded(&comparisons);
    assert!(
        unexplained.is_empty() && unneeded.is_empty(),
        "{} of {} requests got different answers:\n\n{}\n\ndifferences that never occurred:\n{}",
        unexplained.len(),
        comparisons.len(),
        unexplained.join("\n\n"),
        unneeded.join("\n")
    );
}
