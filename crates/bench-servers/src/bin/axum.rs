//! The measured server on Axum.

use std::net::Ipv4Addr;
use std::sync::Arc;

use apikey_axum::{ApiKey, KeyRecord};
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use bench_servers::{body, set_up};
use serde_json::Value;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stage = set_up().await?;
    tokio::spawn(stage.keys.maintain());
    let open = Router::new().route("/public", get(public)).with_state(Arc::clone(&stage.record));
    let guarded = Router::new().route("/protected", get(protected)).with_state(stage.keys.clone());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    tokio::select! {
        result = axum::serve(listener, open.merge(guarded)).into_future() => result?,
        end = stage.announce(port) => end?,
    }
    stage.tear_down().await
}

async fn public(State(record): State<Arc<KeyRecord>>) -> Json<Value> {
    Json(body(&record))
}

async fn protected(key: ApiKey) -> Json<Value> {
    Json(body(&key))
}
